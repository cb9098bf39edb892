"""The clip of an example, written while the example is read, where the user wants examples kept as videos, too."""

from __future__ import annotations

import secrets
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from slowfast_live.teaching.names import CLIP_PREFIX
from slowfast_live.types import U8

if TYPE_CHECKING:
    from slowfast_live.export.writer import VideoWriter

_PRIVATE = 0o600


def new_clip(folder: Path, ending: str) -> Path:
    """Return an unused path for a clip.

    Args:
        folder: Where the examples are.
        ending: Extension of the video, with its dot.
    """
    return folder / f"{CLIP_PREFIX}{secrets.token_hex(8)}{ending}"


def make_private(path: Path) -> None:
    """Make a clip readable for the user alone.

    Raises:
        OSError: It cannot be changed.
    """
    path.chmod(_PRIVATE)


class ClipFile:
    """Writes the frames of an example as a video; an exception in the `with` block leaves no file behind.

    Args:
        target: The file; None to write nothing.
    """

    def __init__(self, target: Path | None) -> None:
        self._writer: VideoWriter | None = None
        if target is not None:
            from slowfast_live.export.codecs import Effort  # deferred: loads the encoders, which few examples need
            from slowfast_live.export.writer import VideoWriter

            self._writer = VideoWriter(target, effort=Effort.LIVE, keep=False, replace=True)
        self._first_s: float | None = None
        self.name = ""
        """File name of the clip after the block; "" if none was written."""

    def write(self, image: U8, t_s: float) -> None:
        """Add a frame, uint8 (H, W, 3), BGR, of a time in seconds.

        Raises:
            ExportError: It cannot be written.
        """
        if self._writer is not None:
            self._first_s = t_s if self._first_s is None else self._first_s
            self._writer.write(image, t_s - self._first_s)

    def __enter__(self) -> ClipFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the file, or remove it after an exception."""
        if self._writer is None:
            return
        if error is not None:
            self._writer.discard()
            return
        path = self._writer.close()
        make_private(path)
        self.name = path.name
