"""One video file, one model, and what is found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from slowfast_live import __version__
from slowfast_live.analysis.looking import look
from slowfast_live.analysis.names import absolute, printable
from slowfast_live.analysis.reading import Reading
from slowfast_live.analysis.views import CLIPS_OF_A_VIDEO, framings
from slowfast_live.analysis.windows import sliding, uniform
from slowfast_live.core.events import EventRule
from slowfast_live.core.ring import Ring
from slowfast_live.core.smoothing import TIME_CONSTANT_S
from slowfast_live.errors import SourceError, UsageError
from slowfast_live.export.findings import Findings, Method, ModelFacts, SourceFacts
from slowfast_live.inference.backend import Runner
from slowfast_live.inference.spec import IR_FILE, SPEC_FILE, WEIGHTS_FILE, Model
from slowfast_live.pipeline.lane import Lane
from slowfast_live.sources.base import FrameSource
from slowfast_live.sources.file import FileSource
from slowfast_live.types import SourceInfo

PROGRAM = f"slowfast-live {__version__}"
_WHOLE_VIDEO = 30

OnProgress = Callable[[float, float | None], None]
"""Called with the time that was reached and the length of the file, None where it is not known; both in seconds."""


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """How files are looked at.

    Attributes:
        stride_s: Seconds from one prediction to the next.
        views: 1, 3 or 30; see `analysis.views`.
        threshold: Smoothed score from which a label is shown; the model's own where None.
    """

    stride_s: float = 0.5
    views: int = 1
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.stride_s < 1e6:
            raise UsageError(f"--stride: expected a number of seconds above 0, got {self.stride_s}.")

    def method(self, model: Model) -> Method:
        """Return what these settings mean for a model."""
        whole = self.views == _WHOLE_VIDEO
        return Method(
            stride_s=None if whole else self.stride_s,
            views=self.views,
            threshold=self.threshold if self.threshold is not None else model.spec.decision.threshold,
            smoothing_s=0.0 if whole else TIME_CONSTANT_S,
            rule=EventRule.for_timing(model.spec.timing, self.stride_s),
        )


def model_facts(model: Model, device: str) -> ModelFacts:
    """Return what findings say of a model."""
    spec = model.spec
    return ModelFacts(
        name=model.name,
        title=spec.title,
        precision=spec.precision,
        device=device,
        span_s=round(spec.timing.span_s, 3),
        trained=spec.trained,
        fingerprint=_fingerprint(model),
    )


def _fingerprint(model: Model) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name in (SPEC_FILE, IR_FILE, WEIGHTS_FILE):
        digest.update((model.folder / name).read_bytes())
    return digest.hexdigest()


def file_facts(path: Path) -> SourceFacts:
    """Return what tells one file from another: where it is, its size and when it was changed.

    Raises:
        SourceError: It is not there.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.", details=repr(error)) from error
    return SourceFacts(
        kind="file",
        name=printable(path.name),
        path=printable(absolute(path)),
        size_bytes=status.st_size,
        modified_ns=status.st_mtime_ns,
    )


class Analyzer:
    """Looks at one file after the other. One thread.

    Args:
        runner: The compiled model; all its requests are used.
        settings: How to look.
        open_source: Makes the source of a file.

    Raises:
        UsageError: The model has not so many views.
    """

    def __init__(
        self,
        runner: Runner,
        settings: AnalysisSettings,
        open_source: Callable[[Path], FrameSource] = FileSource,
    ) -> None:
        self._runner = runner
        self._settings = settings
        self._open_source = open_source
        self._views = framings(runner.model.spec, settings.views)
        self._facts = model_facts(runner.model, runner.device)

    def analyze(self, path: Path, on_progress: OnProgress | None = None) -> Findings:
        """Return what is found in the file at `path`.

        Raises:
            SourceError: It cannot be read as a video.
            DeviceError: The model failed.
        """
        facts, model = file_facts(path), self._runner.model
        method = self._settings.method(model)
        reading = Reading(model.spec, method.threshold, method.rule, method.smoothing_s)
        reached_s = 0.0
        with closing(self._open_source(path)) as source:
            info = source.open()

            def on_time(t_s: float) -> None:
                nonlocal reached_s
                reached_s = max(reached_s, t_s)
                if on_progress is not None:
                    on_progress(t_s, info.duration_s)

            lane = Lane(model.spec.clip, self._views[0], Ring(model.spec.timing))
            if method.stride_s is None:
                windows = uniform(source, lane, CLIPS_OF_A_VIDEO, on_time)
            else:
                windows = sliding(source, lane, method.stride_s, on_time)
            with closing(look(self._runner, self._views, windows)) as answers:
                for window, probs in answers:
                    reading.take(window, probs)
            damage = source.warning
        reading.finish()
        return Findings(
            program=PROGRAM,
            source=_with_info(facts, info, reached_s),
            model=self._facts,
            method=method,
            events=() if method.stride_s is None else tuple(reading.events),
            predictions=tuple(reading.rows),
            whole=reading.whole,
            warnings=_warnings(model, method, reading, reached_s, damage),
        )


def _with_info(facts: SourceFacts, info: SourceInfo, reached_s: float) -> SourceFacts:
    return SourceFacts(
        kind=facts.kind,
        name=facts.name,
        path=facts.path,
        size_bytes=facts.size_bytes,
        modified_ns=facts.modified_ns,
        width=info.width,
        height=info.height,
        fps=round(info.fps, 3) if info.fps else None,
        duration_s=round(max(info.duration_s or 0.0, reached_s), 3),
        codec=info.codec,
    )


def _warnings(model: Model, method: Method, reading: Reading, reached_s: float, damage: str) -> tuple[str, ...]:
    told = [damage] if damage else []
    if not reading.rows:
        span_s = model.spec.timing.span_s
        told.append(f"It is {reached_s:.1f} s long; the model looks at {span_s:.1f} s at a time, so it saw nothing.")
    if not model.spec.trained:
        told.append("The model's weights are random: its scores mean nothing, and no label is shown.")
    if method.stride_s is None:
        told.append("30 views answer for the video as a whole: there are no events.")
    return tuple(told)
