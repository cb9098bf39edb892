"""Writing to disks that fill up, are unplugged, or are not ours."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import Protocol


class RawFile(Protocol):
    """What a video is written to."""

    def write(self, data: bytes, /) -> int | None: ...  # noqa: D102
    def fileno(self) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


def open_raw(path: Path) -> RawFile:
    """Open a new file without a buffer of our own: what was written survives this process."""
    return io.FileIO(path, "w")


class Sink:
    """The file that FFmpeg writes to. After a failure it swallows what follows, so that FFmpeg can be closed."""

    def __init__(self, raw: RawFile) -> None:
        self._raw = raw
        self.error: OSError | None = None
        self.size = 0

    def write(self, data: bytes) -> int:
        """Write all of it; after a failure: take it and do nothing."""
        rest = memoryview(data)
        while rest and self.error is None:
            try:
                written = self._raw.write(rest)  # type: ignore[arg-type]
                if not written:
                    raise OSError(errno.EIO, "nothing could be written")
            except OSError as error:
                self.error = error
                raise
            self.size += written
            rest = rest[written:]
        return len(data)

    def sync(self) -> None:
        """Wait until the disk has it: an unplugged disk loses no more than what follows."""
        try:
            os.fsync(self._raw.fileno())
        except OSError as error:
            self.error = error
            raise

    def close(self) -> None:
        """Close the file."""
        self._raw.close()


def reason(error: BaseException, path: Path) -> str:
    """Return one sentence for the user: why a file could not be written, and what to do."""
    folder = path.parent
    match getattr(error, "errno", None):
        case errno.ENOSPC | errno.EDQUOT:
            return f"there is no room left on the disk of {folder}."
        case errno.EACCES | errno.EPERM:
            return f"you may not write to {folder}. Choose another folder."
        case errno.EROFS:
            return f"the disk of {folder} cannot be written to. Choose another folder."
        case errno.ENOENT | errno.ENODEV | errno.EIO | errno.ENXIO | errno.ESTALE:
            return f"{folder} does not answer any more. Was the disk unplugged or the folder removed?"
        case errno.ENOTDIR | errno.EEXIST:
            return f"{folder} is no folder. Choose another one."
        case _:
            return f"{getattr(error, 'strerror', None) or error or type(error).__name__}."
