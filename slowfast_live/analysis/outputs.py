"""What is written of each file, and whether it is there already."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slowfast_live.analysis.videos import Video
from slowfast_live.errors import ExportError, UsageError
from slowfast_live.export.findings import Findings, Method, ModelFacts, SourceFacts, decode
from slowfast_live.export.saving import PREDICTIONS, save
from slowfast_live.export.writing import write_error, write_whole

_ENDINGS = {"csv": (".events.csv", PREDICTIONS), "srt": (".srt",), "vtt": (".vtt",)}
FORMATS = ("json", *_ENDINGS)
JSON = ".json"
ANNOTATED = ".annotated.mp4"
_THUMBNAILS = ".thumbnails"


@dataclass(frozen=True, slots=True)
class Outputs:
    """The folder of results.

    Of each file the JSON is written last: where it is, all else is there too. It is always among the formats,
    because it is how a later run knows what is done.

    Attributes:
        folder: Where results go; made where it is not there.
        formats: Of `FORMATS`.
        annotate: Whether a video with the labels in it belongs to a file's results.
    """

    folder: Path
    formats: tuple[str, ...] = FORMATS
    annotate: bool = False

    def __post_init__(self) -> None:
        if unknown := [name for name in self.formats if name not in FORMATS]:
            raise UsageError(f"--format: there is no format '{unknown[0]}'; expected some of {','.join(FORMATS)}.")

    def prepare(self) -> None:
        """Make the folder and see that it can be written to, before hours of work.

        Raises:
            ExportError: It cannot.
        """
        probe = self.folder / ".writable"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise write_error(self.folder, error) from error

    def finished(
        self, video: Video, source: SourceFacts, model: ModelFacts, method: Method, by: str
    ) -> Findings | None:
        """Return what was found earlier, where it is of the same file, model, method and program; else None."""
        path = self.path(video, JSON)
        try:
            found = decode(path.read_bytes(), str(path))
        except (OSError, ExportError):
            return None
        same = (found.source.path, found.source.size_bytes, found.source.modified_ns) == (
            source.path,
            source.size_bytes,
            source.modified_ns,
        )
        return found if same and (found.model, found.method, found.program) == (model, method, by) else None

    def missing(self, video: Video) -> bool:
        """Whether a result other than the JSON is not there, such as a format that was not wanted before."""
        endings = (*self._text_endings(), *([ANNOTATED] if self.annotate else []))
        return not all(self.path(video, ending).exists() for ending in endings)

    def begin(self, video: Video) -> None:
        """Take away the sign that a file is done, before its other results are replaced.

        Raises:
            ExportError: It cannot be taken away.
        """
        path = self.path(video, JSON)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise write_error(path, error) from error

    def write_texts(self, video: Video, findings: Findings) -> None:
        """Write tables and subtitles.

        Raises:
            ExportError: They cannot be written.
        """
        for ending in self._text_endings():
            save(findings, self.path(video, ending))

    def write_json(self, video: Video, findings: Findings) -> None:
        """Write the findings themselves: with that the file is done.

        Raises:
            ExportError: They cannot be written.
        """
        save(findings, self.path(video, JSON))

    def write_thumbnails(self, video: Video, pictures: Sequence[bytes]) -> None:
        """Keep the events' JPEGs for the report, in place of earlier ones.

        Raises:
            ExportError: They cannot be written.
        """
        folder = self.path(video, "", _THUMBNAILS)
        shutil.rmtree(folder, ignore_errors=True)
        for number, picture in enumerate(pictures):
            write_whole(folder / f"{number}.jpg", picture)

    def thumbnails(self, video: Video, count: int) -> list[bytes]:
        """Return the JPEGs of the first `count` events, b"" for those that are not there."""
        folder = self.path(video, "", _THUMBNAILS)
        files = [folder / f"{number}.jpg" for number in range(count)]
        return [file.read_bytes() if file.is_file() else b"" for file in files]

    def _text_endings(self) -> list[str]:
        return [ending for name in self.formats for ending in _ENDINGS.get(name, ())]

    def path(self, video: Video, ending: str, below: str = "") -> Path:
        """Return where a result of a file lies."""
        stem = self.folder / below / video.stem
        return stem.with_name(stem.name + ending)
