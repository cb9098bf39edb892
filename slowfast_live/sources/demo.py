"""The bundled demo clip, played in a loop."""

from __future__ import annotations

from pathlib import Path

from slowfast_live import paths
from slowfast_live.errors import SourceError
from slowfast_live.messages import Message
from slowfast_live.sources.file import FileSource
from slowfast_live.types import SourceInfo


def demo_path() -> Path:
    """Return the path of the demo clip."""
    return paths.bundled("assets") / "demo.mp4"


class DemoSource(FileSource):
    """The bundled demo clip.

    Like every file it ends (`read` returns None); the pipeline starts a demo again at its end, like a looping file.

    Args:
        path: Another clip, for tests.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._demo = path or demo_path()
        super().__init__(self._demo)

    def open(self) -> SourceInfo:
        """Open the clip; if it is missing, the installation is incomplete."""
        if not self._demo.is_file():
            raise SourceError(
                Message(
                    "The demo clip {name} is missing from this installation; install the app again, or open a "
                    "video file.",
                    name=self._demo.name,
                ),
                details=str(self._demo),
            )
        return super().open()
