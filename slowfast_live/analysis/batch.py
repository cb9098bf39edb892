"""Analysis of many files, each once. Broken files do not stop the others, and an interrupted run can be resumed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slowfast_live.analysis.analyzer import PROGRAM, AnalysisSettings, file_facts, model_facts
from slowfast_live.analysis.engine import Annotation, Engine, LocalEngine, Outcome, VideoJob, annotation
from slowfast_live.analysis.names import absolute, printable
from slowfast_live.analysis.outputs import ANNOTATED, OutputFolder, ResultFolder
from slowfast_live.analysis.progress import Reporter, Step
from slowfast_live.analysis.videos import Video, videos_of
from slowfast_live.analysis.views import framings
from slowfast_live.errors import ExportError, SlowFastLiveError, SourceError
from slowfast_live.export.findings import AnalysisResult, ModelFacts
from slowfast_live.export.report import Failure, ReportSection, render_report
from slowfast_live.export.subtitles import one_line
from slowfast_live.inference.backend import CompiledModel
from slowfast_live.inference.spec import Model
from slowfast_live.messages import Message, listed, sentences
from slowfast_live.sources.picture_files import size_and_date
from slowfast_live.sources.videos import Search

log = logging.getLogger(__name__)

_INFERENCE_SHARE = 0.5
"""Share of a file's work that is analysis when an annotated video is written as well."""


@dataclass(slots=True)
class VideoResult:
    """Outcome of a run.

    Attributes:
        sections: Report sections of the files that are done, in this run or an earlier one.
        failures: The files that could not be analyzed.
        skipped: Number of files that an earlier run had already analyzed.
        stopped: Whether the run ended before all files were analyzed.
    """

    sections: list[ReportSection] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    skipped: int = 0
    stopped: bool = False


class Batch:
    """One run over many files.

    Args:
        model: The model to analyze with.
        device: Name of the device as it appears in the results.
        settings: How to analyze.
        outputs: Where the results go.
        compile_model: Compiles the model for this machine; called once, and only if there is work left to do.
        reporter: Receives the progress.
        engine: Makes what analyzes the files, from the facts about the model and a function that tells the user
            something; None for this machine.

    Raises:
        UsageError: The model does not support this number of views.
    """

    def __init__(
        self,
        model: Model,
        device: str,
        settings: AnalysisSettings,
        outputs: OutputFolder,
        compile_model: Callable[[], CompiledModel],
        reporter: Reporter,
        engine: Callable[[ModelFacts, Callable[[str], None]], Engine] | None = None,
    ) -> None:
        framings(model.spec, settings.views)
        self._facts: ModelFacts = model_facts(model, device)
        self._method = settings.method(model)
        self._settings = settings
        self._outputs = outputs
        self._folder: ResultFolder
        self._reporter = reporter
        self._engine: Engine = (
            engine(self._facts, self.tell) if engine else LocalEngine(settings, self._facts, compile_model)
        )
        self._sections: dict[int, ReportSection] = {}
        self._failures: dict[int, Failure] = {}
        self._result = VideoResult()
        self._files = 0
        self._bytes_of: dict[Video, int] = {}
        self._bytes_done = 0

    def run(self, found: Search) -> VideoResult:
        """Analyze all files that are not done yet, and write the report.

        Ctrl-C ends the run; finished files are kept and included in the report.

        Args:
            found: The videos, and the places that could not be searched; those count as failures, too.

        Raises:
            UsageError: The output folder is not writable.
            ExportError: Results cannot be written, and would fail for every other file, too.
            ModelError: The model cannot be compiled.
            DeviceError: The device cannot run the model.
        """
        videos = videos_of(found)
        self._files = len(videos)
        self._bytes_of = {video: _size(video.path) for video in videos}
        self._folder = self._outputs.open()
        try:
            self._folder.plan(videos)
            self._report("start", message=found.remark)
            for place in found.unread:
                self._fail(Failure(printable(str(place.path)), place.reason))
            return self._all(videos)
        finally:
            self._folder.close()

    def tell(self, message: str) -> None:
        """Report something that concerns all files; may be called from any thread."""
        self._report("notice", message=message)

    def _all(self, videos: Sequence[Video]) -> VideoResult:
        result = self._result
        unread = len(result.failures)
        try:
            for outcome in self._engine.run(self._jobs(videos), self._share):
                self._take(outcome)
        except KeyboardInterrupt:
            result.stopped = True
        finally:
            self._engine.close()
        sections = [section for _, section in sorted(self._sections.items())]
        result.sections += sections
        result.failures += [failure for _, failure in sorted(self._failures.items())]
        waiting = len(videos) - len(result.sections) - (len(result.failures) - unread)
        page = render_report(result.sections, result.failures, waiting=waiting).encode()
        report = self._folder.write_report(page, videos)
        message = sentences(self._engine.remark, _summary(result, waiting, report))
        self._report("end", message=message, report=report)
        return result

    def _jobs(self, videos: Sequence[Video]) -> Iterator[VideoJob]:
        """Yield the files that are not done; those that are done are completed and reported on the way."""
        for number, video in enumerate(videos, 1):
            try:
                facts = file_facts(video.path)
                before = self._folder.finished(video, facts, self._facts, self._method, PROGRAM)
            except SourceError as error:
                self._fail(Failure(video.name, error.message), number, video)
                continue
            if before is not None and not self._settings.same_times(video.path, before.source.fps):
                before = None
            job = VideoJob(number, video, facts)
            if before is None:
                yield job
            elif self._guarded(job, lambda: self._complete(number, video, before)):  # noqa: B023 - called at once
                self._result.skipped += 1
                self._done("skipped", job, before)

    def _take(self, outcome: Outcome) -> None:
        job, findings = outcome.job, outcome.findings
        if findings is None:
            self._fail(Failure(job.video.name, outcome.reason), job.number, job.video)
        elif self._guarded(job, lambda: self._write(outcome, findings)):
            self._done("done", job, findings)

    def _guarded(self, job: VideoJob, work: Callable[[], None]) -> bool:
        """Do something for one file; return whether it worked. What would fail for every file is raised."""
        try:
            work()
        except ExportError:
            raise
        except SlowFastLiveError as error:
            self._fail(Failure(job.video.name, error.message), job.number, job.video)
            return False
        except Exception as error:
            log.exception("The results of %s cannot be kept", job.video.path)
            self._fail(
                Failure(job.video.name, Message("An unexpected error: {error}.", error=repr(error))),
                job.number,
                job.video,
            )
            return False
        return True

    def _done(self, step: str, job: VideoJob, findings: AnalysisResult) -> None:
        video = job.video
        pictures = self._folder.thumbnails(video, len(findings.events))
        self._sections[job.number] = ReportSection.of(findings, pictures, video.name)
        summary = _summary_of(findings, video, self._folder.remark(video), earlier=step == "skipped")
        self._report(step, job.number, video, 1.0, message=summary, events=len(findings.events))
        self._bytes_done += self._bytes_of[video]

    def _share(self, job: VideoJob, share: float) -> None:
        whole = _INFERENCE_SHARE if self._outputs.annotate else 1.0
        self._report("progress", job.number, job.video, whole * share)

    def _write(self, outcome: Outcome, findings: AnalysisResult) -> None:
        job = outcome.job
        self._folder.begin(job.video, findings)
        self._folder.write_thumbnails(job.video, outcome.pictures)
        self._folder.write_texts(job.video, findings)
        if self._outputs.annotate and outcome.annotated is not None:
            self._write_annotated(job.number, job.video, outcome.annotated)
        self._folder.write_json(job.video, findings)

    def _complete(self, number: int, video: Video, findings: AnalysisResult) -> None:
        """Write the outputs that an earlier run was not asked for."""
        missing = self._folder.missing(video)
        if missing:
            self._folder.write_texts(video, findings, missing)
        if ANNOTATED in missing:
            self._write_annotated(number, video, annotation(video, findings, self._settings))

    def _write_annotated(self, number: int, video: Video, make: Annotation) -> None:
        def on_part(fraction: float) -> None:
            self._report("progress", number, video, _INFERENCE_SHARE + (1 - _INFERENCE_SHARE) * fraction)

        try:
            self._folder.write_annotated(video, lambda target: make(target, on_part))
        except ExportError as error:  # may concern this video only; a full disk also rejects the next write
            raise SourceError(error.message, error.details) from error

    def _fail(self, failure: Failure, number: int = 0, video: Video | None = None) -> None:
        if video is None:
            self._result.failures.append(failure)
        else:
            self._failures[number] = failure
        self._report(
            "failed",
            number,
            video,
            1.0,
            message=Message("{name}: {reason}", name=one_line(failure.name), reason=failure.reason),
        )
        if video is not None:
            self._bytes_done += self._bytes_of[video]

    def _report(
        self,
        step: str,
        number: int = 0,
        video: Video | None = None,
        fraction: float = 0.0,
        message: str = "",
        events: int | None = None,
        report: Path | None = None,
    ) -> None:
        total = max(1, sum(self._bytes_of.values()))
        now = self._bytes_done + (fraction * self._bytes_of[video] if video is not None else 0.0)
        self._reporter.report(
            Step(
                step=step,
                file=printable(str(video.path)) if video is not None else "",
                number=number,
                files=self._files,
                fraction=fraction,
                overall=min(1.0, now / total),
                message=message,
                events=events,
                report=printable(absolute(report)) if report is not None else "",
            )
        )


def _size(path: Path) -> int:
    try:
        return size_and_date(path)[0]
    except OSError:  # the file has disappeared meanwhile; analyzing it will report that
        return 0


def _summary_of(findings: AnalysisResult, video: Video, remark: str, *, earlier: bool) -> str:
    count = len(findings.events)
    labels = list(dict.fromkeys(one_line(event.label) for event in findings.events))
    name, named = one_line(video.name), ", ".join(labels[:4])
    if not count:
        found = Message("{name}: 0 events.", name=name)
    elif len(labels) > 4:
        found = Message(
            "{name}: {count} events, {labels} and {more} more.",
            name=name,
            count=count,
            labels=named,
            more=len(labels) - 4,
        )
    elif count == 1:
        found = Message("{name}: 1 event, {labels}.", name=name, labels=named)
    else:
        found = Message("{name}: {count} events, {labels}.", name=name, count=count, labels=named)
    return sentences(found, *findings.warnings, remark, Message("(done earlier)") if earlier else "")


def _summary(result: VideoResult, waiting: int, report: Path) -> str:
    analyzed, skipped = len(result.sections), result.skipped
    parts = [
        Message("{count} analyzed ({skipped} of them earlier)", count=analyzed, skipped=skipped)
        if skipped
        else Message("{count} analyzed", count=analyzed)
    ]
    if result.failures:
        parts.append(Message("{count} failed", count=len(result.failures)))
    if waiting:
        parts.append(Message("{count} left: the same command continues from here", count=waiting))
    return Message("{parts}. Report: {report}", parts=listed(parts), report=report)
