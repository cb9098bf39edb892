"""Many files: each once, a broken one never in the way of the others, and a killed run goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slowfast_live.analysis.analyzer import PROGRAM, AnalysisSettings, Analyzer, file_facts, model_facts
from slowfast_live.analysis.outputs import ANNOTATED, Outputs
from slowfast_live.analysis.progress import Reporter, Step
from slowfast_live.analysis.thumbnails import event_pictures
from slowfast_live.analysis.videos import Video
from slowfast_live.analysis.views import framings
from slowfast_live.errors import ExportError, SlowFastLiveError, SourceError
from slowfast_live.export.findings import Findings, ModelFacts, readouts
from slowfast_live.export.report import Chapter, Failure, render_report
from slowfast_live.export.subtitles import one_line
from slowfast_live.export.video import annotate
from slowfast_live.export.writing import write_whole
from slowfast_live.inference.backend import Runner
from slowfast_live.inference.spec import Model

log = logging.getLogger(__name__)

REPORT = "report.html"
_LOOKING_SHARE = 0.5
"""How much of a file's work is looking at it where an annotated video is written too."""


@dataclass(slots=True)
class Result:
    """How a run ended.

    Attributes:
        chapters: The files that are done, now or earlier, as the report tells them.
        failures: The files that could not be looked at.
        skipped: How many were done earlier.
        stopped: The run was ended before all files were looked at.
    """

    chapters: list[Chapter] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    skipped: int = 0
    stopped: bool = False


class Batch:
    """One run over many files.

    Args:
        model: Looks at them.
        device: As the device is called in the results.
        settings: How.
        outputs: Where the results go.
        compile_model: Compiles the model; called once, and only where something is left to do.
        reporter: Is told what is being done.

    Raises:
        UsageError: The model has not so many views.
    """

    def __init__(
        self,
        model: Model,
        device: str,
        settings: AnalysisSettings,
        outputs: Outputs,
        compile_model: Callable[[], Runner],
        reporter: Reporter,
    ) -> None:
        framings(model.spec, settings.views)
        self._facts: ModelFacts = model_facts(model, device)
        self._method = settings.method(model)
        self._settings = settings
        self._outputs = outputs
        self._compile = compile_model
        self._reporter = reporter
        self._runner: Runner | None = None
        self._result = Result()
        self._files = 0
        self._bytes_of: dict[Video, int] = {}
        self._bytes_done = 0

    def run(self, videos: Sequence[Video]) -> Result:
        """Look at all files that are not done yet, and write the report.

        Ctrl-C ends the run; what was done is kept and in the report.

        Raises:
            ExportError: Results cannot be written: no other file would fare better.
            ModelError: The model cannot be compiled.
            DeviceError: The device cannot run it.
        """
        result, self._files = self._result, len(videos)
        self._bytes_of = {video: _size(video.path) for video in videos}
        self._outputs.prepare()
        self._reporter.report(Step("start", files=self._files))
        try:
            for number, video in enumerate(videos, 1):
                self._one(number, video)
                self._bytes_done += self._bytes_of[video]
        except KeyboardInterrupt:
            result.stopped = True
        finally:
            if self._runner is not None:
                self._runner.close()
        waiting = len(videos) - len(result.chapters) - len(result.failures)
        report = self._outputs.folder / REPORT
        write_whole(report, render_report(result.chapters, result.failures, waiting=waiting).encode())
        self._report("end", message=_summary(result, waiting, report))
        return result

    def _one(self, number: int, video: Video) -> None:
        try:
            before = self._outputs.finished(video, file_facts(video.path), self._facts, self._method, PROGRAM)
        except SourceError as error:
            self._fail(number, video, error.message)
            return
        if before is None and self._runner is None:
            self._runner = self._compile()
        try:
            if before is not None:
                self._complete(number, video, before)
                self._result.skipped += 1
                step, findings = "skipped", before
            else:
                step, findings = "done", self._look(number, video)
        except ExportError:
            raise
        except SlowFastLiveError as error:
            self._fail(number, video, error.message)
            return
        except Exception as error:
            log.exception("Looking at %s failed", video.path)
            self._fail(number, video, f"An unexpected error: {error!r}.")
            return
        pictures = self._outputs.thumbnails(video, len(findings.events))
        self._result.chapters.append(Chapter.of(findings, pictures, video.name))
        told = _told(findings, video, earlier=step == "skipped")
        self._report(step, number, video, 1.0, message=told, events=len(findings.events))

    def _look(self, number: int, video: Video) -> Findings:
        assert self._runner is not None
        share = _LOOKING_SHARE if self._outputs.annotate else 1.0

        def on_progress(t_s: float, duration_s: float | None) -> None:
            fraction = min(1.0, t_s / duration_s) if duration_s else 0.0
            self._report("progress", number, video, share * fraction)

        findings = Analyzer(self._runner, self._settings).analyze(video.path, on_progress)
        self._outputs.begin(video)
        self._outputs.write_thumbnails(video, event_pictures(video.path, findings.events))
        self._outputs.write_texts(video, findings)
        self._write_annotated(number, video, findings)
        self._outputs.write_json(video, findings)
        return findings

    def _complete(self, number: int, video: Video, findings: Findings) -> None:
        """Write what an earlier run was not asked for."""
        if self._outputs.missing(video):
            self._outputs.write_texts(video, findings)
            if not self._outputs.path(video, ANNOTATED).exists():
                self._write_annotated(number, video, findings)

    def _write_annotated(self, number: int, video: Video, findings: Findings) -> None:
        if not self._outputs.annotate:
            return

        def on_progress(fraction: float) -> None:
            self._report("progress", number, video, _LOOKING_SHARE + (1 - _LOOKING_SHARE) * fraction)

        target = self._outputs.path(video, ANNOTATED)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            annotate(video.path, target, readouts(findings), on_progress=on_progress)
        except ExportError as error:  # perhaps of this video alone; a full disk also refuses what is written next
            raise SourceError(error.message, error.details) from error

    def _fail(self, number: int, video: Video, reason: str) -> None:
        self._result.failures.append(Failure(video.name, reason))
        self._report("failed", number, video, 1.0, message=f"{one_line(video.name)}: {reason}")

    def _report(
        self,
        step: str,
        number: int = 0,
        video: Video | None = None,
        fraction: float = 0.0,
        message: str = "",
        events: int | None = None,
    ) -> None:
        total = max(1, sum(self._bytes_of.values()))
        now = self._bytes_done + (fraction * self._bytes_of[video] if video is not None else 0.0)
        name = str(video.path) if video is not None else ""
        self._reporter.report(Step(step, name, number, self._files, fraction, min(1.0, now / total), message, events))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it went away meanwhile; looking at it will say so
        return 0


def _told(findings: Findings, video: Video, *, earlier: bool) -> str:
    count = len(findings.events)
    labels = list(dict.fromkeys(one_line(event.label) for event in findings.events))
    named = ", ".join(labels[:4]) + (f" and {len(labels) - 4} more" if len(labels) > 4 else "")
    parts = [f"{one_line(video.name)}: {count} event{'' if count == 1 else 's'}{f', {named}' if labels else ''}."]
    return " ".join([*parts, *findings.warnings, *(["(done earlier)"] if earlier else [])])


def _summary(result: Result, waiting: int, report: Path) -> str:
    parts = [f"{len(result.chapters)} analysed"]
    if result.skipped:
        parts[0] += f" ({result.skipped} of them earlier)"
    if result.failures:
        parts.append(f"{len(result.failures)} failed")
    if waiting:
        parts.append(f"{waiting} left: the same command goes on from here")
    return f"{', '.join(parts)}. Report: {report}"
