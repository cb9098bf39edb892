"""What analyzes files: one after the other on this machine, or an engine that uses many."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slowfast_live.analysis.analyzer import AnalysisSettings, Analyzer
from slowfast_live.analysis.thumbnails import event_pictures
from slowfast_live.analysis.videos import Video
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.export.findings import AnalysisResult, ModelFacts, SourceFacts, readouts
from slowfast_live.export.video import annotate
from slowfast_live.inference.backend import CompiledModel
from slowfast_live.messages import Message
from slowfast_live.sources.remote_files import local_copy

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VideoJob:
    """One file to analyze.

    Attributes:
        number: Its number among all files, from 1.
        video: The file.
        facts: What identifies it in the result.
    """

    number: int
    video: Video
    facts: SourceFacts


Annotation = Callable[[Path, Callable[[float], None]], None]
"""Writes an annotated copy to a path, and reports the share that is done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: a result, or the reason why there is none.

    Attributes:
        job: The job.
        findings: The result; None if the analysis failed.
        pictures: A JPEG for each of the first events.
        annotated: Writes the annotated copy; None if there is none.
        reason: Why there is no result, as a sentence.
    """

    job: VideoJob
    findings: AnalysisResult | None = None
    pictures: tuple[bytes, ...] = ()
    annotated: Annotation | None = None
    reason: str = ""


OnShare = Callable[[VideoJob, float], None]
"""Called with a job and the share of its analysis that is done, 0..1."""


class Engine(Protocol):
    """Analyzes files."""

    def run(self, jobs: Iterable[VideoJob], on_share: OnShare) -> Iterator[Outcome]:
        """Analyze files and yield what became of each, in any order.

        `jobs` is consumed only as fast as the engine can work, so that it may be long.

        Raises:
            SlowFastLiveError: No file can be analyzed, for a reason that concerns all of them.
        """
        ...

    @property
    def remark(self) -> str:
        """A sentence about the run for its end; "" for none."""
        ...

    def close(self) -> None:
        """End what is under way and release everything; called once, also after Ctrl-C."""
        ...


class LocalEngine:
    """Analyzes one file after the other on this machine; see `Engine`.

    Args:
        settings: How to analyze.
        facts: The facts about the model.
        compile_model: Compiles the model; called once, and only if there is work to do.
    """

    remark = ""

    def __init__(
        self, settings: AnalysisSettings, facts: ModelFacts, compile_model: Callable[[], CompiledModel]
    ) -> None:
        self._settings, self._facts, self._compile = settings, facts, compile_model
        self._compiled: CompiledModel | None = None

    def run(self, jobs: Iterable[VideoJob], on_share: OnShare) -> Iterator[Outcome]:
        """See `Engine.run`."""
        analyzer: Analyzer | None = None
        for job in jobs:
            if analyzer is None:
                self._compiled = self._compile()
                analyzer = Analyzer(self._compiled, self._settings, facts=self._facts)
            yield self._one(analyzer, job, on_share)

    def _one(self, analyzer: Analyzer, job: VideoJob, on_share: OnShare) -> Outcome:
        def on_progress(t_s: float, duration_s: float | None) -> None:
            on_share(job, min(1.0, t_s / duration_s) if duration_s else 0.0)

        path = job.video.path
        try:
            findings = analyzer.analyze(path, on_progress, job.facts)
        except SlowFastLiveError as error:
            return Outcome(job, reason=error.message)
        except Exception as error:
            log.exception("Analyzing %s failed", path)
            return Outcome(job, reason=Message("An unexpected error: {error}.", error=repr(error)))
        pictures = tuple(event_pictures(path, findings.events, self._settings.open_source))
        return Outcome(job, findings, pictures, annotation(job.video, findings, self._settings))

    def close(self) -> None:
        """See `Engine.close`."""
        if self._compiled is not None:
            self._compiled.close()


def annotation(video: Video, findings: AnalysisResult, settings: AnalysisSettings) -> Annotation:
    """Return what writes a file's annotated copy on this machine."""

    def make(target: Path, on_part: Callable[[float], None]) -> None:
        annotate(
            local_copy(video.path),
            target,
            readouts(findings),
            persons=findings.persons,
            on_progress=on_part,
            open_source=settings.open_source,
        )

    return make
