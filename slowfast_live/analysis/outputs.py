"""Output files of an analysis: which to write, whether existing ones may be replaced, and what is already done."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slowfast_live.analysis.ledger import THUMBNAILS, Ledger, digest, digest_of
from slowfast_live.analysis.videos import Video, path_digest, same_name
from slowfast_live.errors import ExportError, UsageError
from slowfast_live.export import parquet
from slowfast_live.export.atomic import write_error, write_whole
from slowfast_live.export.findings import AnalysisResult, ModelFacts, Parameters, SourceFacts, decode
from slowfast_live.export.formats import AVA, ELAN, KINETICS, PREDICTIONS, VIA, contents
from slowfast_live.export.io_errors import folder_reason
from slowfast_live.files import numbered
from slowfast_live.messages import Message

_ENDINGS = {"csv": (".events.csv", PREDICTIONS), "srt": (".srt",), "vtt": (".vtt",)}
_ASKED = {
    "kinetics": (KINETICS,),
    "elan": (ELAN,),
    "via": (VIA,),
    "ava": (AVA,),
    "parquet": (parquet.EVENTS, parquet.PREDICTIONS),
}
FORMATS = ("json", *_ENDINGS)
ANNOTATION_FORMATS = tuple(_ASKED)
"""Formats for programs that annotate, train or read many tables at once, written only if asked for."""
JSON = ".json"
ANNOTATED = ".annotated.mp4"
_ALL = {**_ENDINGS, **_ASKED}
ALL_ENDINGS = (JSON, ANNOTATED, *(ending for endings in _ALL.values() for ending in endings))
REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """Which results are wanted, and where.

    Attributes:
        folder: The output folder; created if it does not exist.
        formats: Some of `FORMATS` and `ANNOTATION_FORMATS`; JSON is always written, because a later run learns from it
            what is done.
        annotate: Whether to write an annotated video of each file.
    """

    folder: Path
    formats: tuple[str, ...] = FORMATS
    annotate: bool = False

    def __post_init__(self) -> None:
        known = (*FORMATS, *ANNOTATION_FORMATS)
        if unknown := [name for name in self.formats if name not in known]:
            raise UsageError(f"--format: unknown format '{unknown[0]}'; expected some of {','.join(known)}.")
        if "parquet" in self.formats:
            parquet.require_pyarrow()

    @property
    def text_endings(self) -> list[str]:
        """Extensions of the requested tables and subtitles."""
        return [ending for name in self.formats for ending in _ALL.get(name, ())]

    def open(self) -> ResultFolder:
        """Create the folder and check that it is writable before hours of work begin.

        Raises:
            UsageError: The folder is not writable; the message names the folder as the user gave it.
        """
        return ResultFolder(self)


class ResultFolder:
    """The output folder during one run. Must be closed.

    Files of others are never replaced: if a name is taken by a file that this program did not write, by one that was
    changed since, or by the results of another video, the new results get another name. The JSON of each video is
    written last: if it exists, so does everything else.

    Args:
        outputs: Which results are wanted.

    Raises:
        UsageError: The folder is not writable.
    """

    def __init__(self, outputs: OutputFolder) -> None:
        self.outputs, self.folder = outputs, outputs.folder
        self._ledger = _opened(outputs.folder)
        self._stems: dict[Video, str] = {}
        self._remarks: dict[Video, str] = {}
        self._taken: set[str] = set()

    def close(self) -> None:
        """Release the lock, so that other runs can write to the folder."""
        self._ledger.close()

    # Names

    def plan(self, videos: Iterable[Video]) -> None:
        """Choose the names of each video's results; videos that already have results keep theirs."""
        fresh = []
        for video in videos:
            record = self._ledger.find(video.path)
            if record is not None and same_name(record.stem) not in self._taken:
                self._take(video, record.stem)
            else:
                fresh.append(video)
        for video in fresh:
            self._choose(video)

    def path(self, video: Video, ending: str) -> Path:
        """Return the path of a video's result."""
        return self._ledger.path(self._stems.get(video, video.stem), ending)

    def remark(self, video: Video) -> str:
        """Return a sentence if a video's results got a name other than the usual one, else ""."""
        return self._remarks.get(video, "")

    def _choose(self, video: Video, avoid: str = "") -> None:
        stem = next(stem for stem in _names(video) if stem != avoid and self._free(stem, video))
        self._take(video, stem)
        if stem != (wanted := avoid or video.stem):
            self._remarks[video] = Message(
                "Its results are called {stem}.*, because {wanted}.* is there and is kept.", stem=stem, wanted=wanted
            )

    def _take(self, video: Video, stem: str) -> None:
        self._stems[video] = stem
        self._taken.add(same_name(stem))

    def _free(self, stem: str, video: Video) -> bool:
        """Return whether results may have this name: nothing is there except results of the same video."""
        mine = self._ledger.find(video.path)
        if same_name(stem) in self._taken or self._ledger.taken_by_another(stem, ALL_ENDINGS, mine):
            return False
        if any(parent.exists() and not parent.is_dir() for parent in (self.folder / stem).parents):
            return False
        ours = mine.files if mine is not None and mine.stem == stem else ()
        return all(ending in ours or not os.path.lexists(self._ledger.path(stem, ending)) for ending in ALL_ENDINGS)

    # Existing results

    def finished(
        self, video: Video, source: SourceFacts, model: ModelFacts, method: Parameters, by: str
    ) -> AnalysisResult | None:
        """Return the earlier result if it is of the same file, model, parameters and program version; else None."""
        path = self.path(video, JSON)
        record = self._ledger.find(video.path)
        known = record.files if record is not None else {}
        if any(ending not in known and self.path(video, ending).exists() for ending in (JSON, *self._wanted())):
            return None  # it belongs to another program or user: new results get another name
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

    def missing(self, video: Video) -> list[str]:
        """Return the extensions of requested results that do not exist, for example of a format added later."""
        return [ending for ending in self._wanted() if not self.path(video, ending).exists()]

    def _wanted(self) -> list[str]:
        return [*self.outputs.text_endings, *([ANNOTATED] if self.outputs.annotate else [])]

    # Writing

    def begin(self, video: Video, findings: AnalysisResult) -> None:
        """Check that all results may be written, record them in the ledger, and remove the mark that the file is done.

        Raises:
            ExportError: The folder is not writable.
            SourceError: The video no longer exists.
        """
        record = self._ledger.find(video.path)
        wanted = [JSON, *self._wanted()]
        changed = [e for e in wanted if self.path(video, e).exists() and not self._ledger.is_ours(record, e)]
        if changed:  # changed by the user since they were written: they are kept, and the new ones get another name
            self._choose(video, avoid=self._stems[video])
        made = {ending: contents(findings, ending) for ending in (JSON, *self.outputs.text_endings)}
        path = self.path(video, JSON)
        try:
            self._ledger.claim(video.path, self._stems[video], {e: digest(data) for e, data in made.items()})
            path.unlink(missing_ok=True)
        except OSError as error:
            raise write_error(path, error) from error

    def write_texts(self, video: Video, findings: AnalysisResult, only: Sequence[str] | None = None) -> None:
        """Write tables and subtitles; for an earlier analysis only those in `only`.

        Raises:
            ExportError: They cannot be written.
        """
        endings = self.outputs.text_endings if only is None else [e for e in self.outputs.text_endings if e in only]
        if only is not None:
            self._claim(video, {ending: digest(contents(findings, ending)) for ending in endings})
        for ending in endings:
            self._write(self.path(video, ending), contents(findings, ending))

    def write_json(self, video: Video, findings: AnalysisResult) -> None:
        """Write the analysis result as JSON, which marks the file as done.

        Raises:
            ExportError: It cannot be written.
        """
        self._write(self.path(video, JSON), contents(findings, JSON))

    def write_annotated(self, video: Video, make: Callable[[Path], object]) -> None:
        """Create an annotated video and add it to the results.

        Args:
            video: The video that was analyzed.
            make: Writes the annotated video to the path that it is given.

        Raises:
            ExportError: The annotated video cannot be written.
        """
        unfinished = self._ledger.staging / f"video{Path(ANNOTATED).suffix}"
        target = self.path(video, ANNOTATED)
        try:
            make(unfinished)
            self._claim(video, {ANNOTATED: digest_of(unfinished)})
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished.replace(target)
        except OSError as error:
            raise write_error(target, error) from error
        finally:
            unfinished.unlink(missing_ok=True)

    def write_report(self, page: bytes, videos: Iterable[Video]) -> Path:
        """Write the report and return its path. A report that covers other videos or is not ours is kept.

        Raises:
            ExportError: It cannot be written.
        """
        covered = [path_digest(video.path) for video in videos]
        free = (
            path
            for path in numbered(self.folder / REPORT)
            if not os.path.lexists(path) or self._ledger.report_is_ours(path.name, covered)
        )
        path = next(free)
        try:
            self._ledger.claim_report(path.name, digest(page), covered)
        except OSError as error:
            raise write_error(path, error) from error
        self._write(path, page)
        try:
            self._ledger.compact()
        except OSError as error:
            raise write_error(self._ledger.own, error) from error
        return path

    def write_thumbnails(self, video: Video, pictures: Sequence[bytes]) -> None:
        """Store the events' JPEG thumbnails for the report, replacing earlier ones.

        Raises:
            ExportError: They cannot be written.
        """
        folder = self._thumbnails(video)
        for number, picture in enumerate(pictures):
            self._write(folder / f"{number}.jpg", picture)
        for left in folder.glob("*.jpg"):
            if int(left.stem) >= len(pictures):
                left.unlink(missing_ok=True)

    def thumbnails(self, video: Video, count: int) -> list[bytes]:
        """Return the JPEG thumbnails of the first `count` events, b"" for missing ones."""
        files = [self._thumbnails(video) / f"{number}.jpg" for number in range(count)]
        return [file.read_bytes() if file.is_file() else b"" for file in files]

    def _thumbnails(self, video: Video) -> Path:
        return self._ledger.own / THUMBNAILS / path_digest(video.path)

    def _claim(self, video: Video, made: Mapping[str, str]) -> None:
        try:
            self._ledger.claim(video.path, self._stems[video], made)
        except OSError as error:
            raise write_error(self._ledger.own, error) from error

    def _write(self, path: Path, data: bytes) -> None:
        write_whole(path, data, self._ledger.staging)


def _names(video: Video) -> Iterable[str]:
    yield from (video.stem, *video.further)
    last = (video.further or (video.stem,))[-1]
    flat = last.replace("/", "_")
    number = 2
    yield flat
    while True:
        yield f"{flat}-{number}"
        number += 1


def _opened(folder: Path) -> Ledger:
    if folder.is_symlink() and not folder.exists():
        raise UsageError(
            Message(
                "The results cannot go into {folder}: it is a link to {target}, which does not exist.",
                folder=folder,
                target=folder.readlink(),
            )
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            Message("The results cannot go into {folder}: it is a file; expected a folder.", folder=folder)
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Ledger(folder)
    except ExportError as error:
        raise UsageError(error.message, error.details) from error
    except OSError as error:
        there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
        raise UsageError(
            Message("The results cannot go into {folder}: {reason}", folder=folder, reason=folder_reason(error, there)),
            details=repr(error),
        ) from error
