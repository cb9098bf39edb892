"""Analysis of one video file with one model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from slowfast_live import __version__
from slowfast_live.analysis.counted_source import CountedSource
from slowfast_live.analysis.infer import infer_windows
from slowfast_live.analysis.names import absolute, printable
from slowfast_live.analysis.people import DetectionAnalysis, PeopleAnalysis
from slowfast_live.analysis.postprocess import PredictionCollector
from slowfast_live.analysis.views import CLIPS_OF_A_VIDEO, framings
from slowfast_live.analysis.windows import section, sliding, uniform
from slowfast_live.core.events import Event, EventRule
from slowfast_live.core.ring import Ring
from slowfast_live.core.smoothing import TIME_CONSTANT_S
from slowfast_live.counting.counter import RepetitionCounter, RepetitionSet, repetitions_between
from slowfast_live.errors import SourceError, UsageError
from slowfast_live.export.findings import AnalysisResult, ModelFacts, Parameters, PersonRecord, SourceFacts
from slowfast_live.inference.backend import CompiledModel
from slowfast_live.inference.device_backend import substituted
from slowfast_live.inference.spec import HEAD_FILE, HEAD_WEIGHTS_FILE, IR_FILE, SPEC_FILE, WEIGHTS_FILE, Model
from slowfast_live.messages import Message, system_reason
from slowfast_live.people.detector_port import PersonDetector
from slowfast_live.people.now import AUTOMATIC
from slowfast_live.pipeline.clip_buffer import ClipBuffer
from slowfast_live.sources.base import FrameSource, LocalSource
from slowfast_live.sources.local import bounded_source
from slowfast_live.sources.picture_files import names_pictures, size_and_date
from slowfast_live.sources.remote_files import local_copy
from slowfast_live.types import DEFAULT_PICTURE_RATE, SourceInfo

PROGRAM = f"slowfast-live {__version__}"
_WHOLE_VIDEO = 30

OnProgress = Callable[[float, float | None], None]
"""Called with the position reached and the length of the file in seconds; the length is None if it is unknown."""


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """How files are analyzed.

    Attributes:
        stride_s: Seconds from one prediction to the next.
        views: 1, 3 or 30; see `analysis.views`.
        threshold: Smoothed score from which a label is shown; None for the model's own threshold.
        picture_rate: Frame rate for folders of pictures; None for the default rate.
        section_s: Begin and end of the part of each file that shows one whole action; None for the whole file in
            windows. Only for models of whole actions.
        people: Name of a person detector whose people are followed, "motion" for regions that move; "" for none.
    """

    stride_s: float = 0.5
    views: int = 1
    threshold: float | None = None
    picture_rate: float | None = None
    section_s: tuple[float, float] | None = None
    people: str = ""

    def __post_init__(self) -> None:
        if self.people and self.views == _WHOLE_VIDEO:
            raise UsageError("--people needs predictions all over the file: it does not go with --views 30.")
        if self.section_s is not None and not 0 <= self.section_s[0] < self.section_s[1]:
            raise UsageError(
                f"--from and --to: expected a begin before the end, got {self.section_s[0]:g} and "
                f"{self.section_s[1]:g} s."
            )
        if not 0 < self.stride_s < 1e6:
            raise UsageError(f"--stride: expected a number of seconds above 0, got {self.stride_s}.")

    def open_source(self, path: Path) -> LocalSource:
        """Return the unopened source of a file or of a folder of pictures; it cannot block its caller indefinitely.

        A file by URL is fetched first.
        """
        return bounded_source(local_copy(path), self.picture_rate)

    def same_times(self, path: Path, fps: float | None) -> bool:
        """Return whether results made at `fps` have the times that these settings would give.

        The frame rate of pictures is a setting; that of a video is not.
        """
        return not names_pictures(path) or fps == round(self.picture_rate or DEFAULT_PICTURE_RATE, 3)

    def method(self, model: Model) -> Parameters:
        """Return the parameters that these settings give for a model."""
        whole = self.views == _WHOLE_VIDEO or self.section_s is not None
        return Parameters(
            stride_s=None if whole else self.stride_s,
            section_s=self.section_s,
            views=self.views,
            threshold=self.threshold if self.threshold is not None else model.spec.decision.threshold,
            smoothing_s=0.0 if whole else TIME_CONSTANT_S,
            rule=EventRule.for_timing(model.spec.timing, self.stride_s, overlapping=model.spec.several),
            people=self.people or (AUTOMATIC if model.spec.detects else ""),
        )


def model_facts(model: Model, device: str) -> ModelFacts:
    """Return the facts about a model that an analysis result contains."""
    spec = model.spec
    return ModelFacts(
        name=model.name,
        title=spec.title,
        precision=spec.precision,
        device=device,
        span_s=round(spec.timing.span_s, 3),
        trained=spec.trained,
        background=spec.decision.background_labels,
        fingerprint=_fingerprint(model),
        several=spec.several,
    )


def _fingerprint(model: Model) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name in (SPEC_FILE, IR_FILE, WEIGHTS_FILE, *((HEAD_FILE, HEAD_WEIGHTS_FILE) if model.spec.detects else ())):
        digest.update((model.folder / name).read_bytes())
    return digest.hexdigest()


def file_facts(path: Path) -> SourceFacts:
    """Return what identifies a file: its path, size and modification time.

    Raises:
        SourceError: The file does not exist.
    """
    try:
        size_bytes, modified_ns = size_and_date(path)
    except OSError as error:
        raise SourceError(
            Message("{path} cannot be read: {reason}.", path=path, reason=system_reason(error)), details=repr(error)
        ) from error
    return SourceFacts(
        kind="file",
        name=printable(path.name),
        path=printable(absolute(path)),
        size_bytes=size_bytes,
        modified_ns=modified_ns,
    )


class Analyzer:
    """Analyzes one file after another. Not thread-safe.

    Args:
        compiled: The compiled model; all of its infer requests are used.
        settings: How to analyze.
        open_source: Creates the source of a file; None for one that cannot block its caller indefinitely.
        facts: The facts about the model for the result; None to read them from the model's files.
        detector: Finds the people that the settings ask for; None: it is made when the first file is analyzed.

    Raises:
        UsageError: The model does not support this number of views.
    """

    def __init__(
        self,
        compiled: CompiledModel,
        settings: AnalysisSettings,
        open_source: Callable[[Path], FrameSource] | None = None,
        facts: ModelFacts | None = None,
        detector: PersonDetector | None = None,
    ) -> None:
        self._detector = detector
        self._compiled = compiled
        self._settings = settings
        self._open_source = open_source or settings.open_source
        self._views = framings(compiled.model.spec, settings.views)
        if compiled.model.spec.detects and settings.section_s is not None:
            raise UsageError(
                f"--from and --to do not go with '{compiled.model.name}', which scores what each person does."
            )
        if settings.section_s is not None and compiled.model.spec.clip.spans_s is None:
            raise UsageError(
                f"--from and --to: model '{compiled.model.name}' sees {compiled.model.spec.timing.span_s:.1f} s at a "
                "time. Choose one of whole actions (Something-Something), or leave them out."
            )
        if settings.section_s is not None and settings.views == _WHOLE_VIDEO:
            raise UsageError("--from and --to take one clip; give --views 1 or 3.")
        self._facts = facts or model_facts(compiled.model, compiled.device)

    def analyze(
        self, path: Path, on_progress: OnProgress | None = None, facts: SourceFacts | None = None
    ) -> AnalysisResult:
        """Analyze the file at `path`.

        Args:
            path: The file.
            on_progress: Called with the position.
            facts: What identifies the file in the result; None to read it from the file.

        Raises:
            SourceError: The file cannot be read as a video.
            DeviceError: Inference failed.
        """
        facts, model = facts or file_facts(path), self._compiled.model
        method = self._settings.method(model)
        reading = PredictionCollector(model.spec, method.threshold, method.rule, method.smoothing_s)
        reached_s, counter, replaced = 0.0, RepetitionCounter(), substituted(self._compiled)
        with closing(self._open_source(path)) as source:
            info = source.open()

            def on_time(t_s: float) -> None:
                nonlocal reached_s
                reached_s = max(reached_s, t_s)
                if on_progress is not None:
                    on_progress(t_s, info.duration_s)

            if model.spec.detects:
                persons = self._detect(source, method, reading, counter, on_time)
                damage = source.warning
                watched = Watched(facts, info, reached_s, damage, tuple(counter.sets), persons)
                return make_result(model, method, self._facts, watched, reading)
            buffer = ClipBuffer(model.spec.clip, self._views[0], Ring(model.spec.timing))
            if method.section_s is not None:
                windows = section(source, buffer, *method.section_s, on_time)
            elif method.stride_s is None:
                windows = uniform(source, buffer, CLIPS_OF_A_VIDEO, on_time)
            else:
                windows = sliding(CountedSource(source, counter), buffer, method.stride_s, on_time)
            with closing(infer_windows(self._compiled, self._views, windows)) as answers:
                for window, probs in answers:
                    reading.take(window, probs)
            damage = source.warning
        reading.finish()
        persons = self._follow(path, method) if self._settings.people else ()
        remarks = server_remarks(substituted(self._compiled) - replaced)
        watched = Watched(facts, info, reached_s, damage, tuple(counter.sets), persons)
        return make_result(model, method, self._facts, watched, reading, remarks)

    def _detect(
        self,
        source: FrameSource,
        method: Parameters,
        reading: PredictionCollector,
        counter: RepetitionCounter,
        on_time: Callable[[float], None],
    ) -> tuple[PersonRecord, ...]:
        """Read a file with a model that scores what each person does; return the people in it with their actions."""
        people = DetectionAnalysis(self._compiled, self._found_by(method), method, reading)
        counted = CountedSource(source, counter)
        while (picture := counted.read()) is not None:
            on_time(picture.t_s)
            people.take(picture.image, picture.t_s)
        reading.finish()
        return people.finish()

    def _found_by(self, method: Parameters) -> PersonDetector:
        """Return what finds the people."""
        if self._detector is None:
            from slowfast_live.people.detector import make_detector  # imports OpenVINO

            self._detector = make_detector(method.people)
        return self._detector

    def _follow(self, path: Path, method: Parameters) -> tuple[PersonRecord, ...]:
        """Read the file again, and return the people in it with their actions."""
        people = PeopleAnalysis(self._compiled, self._found_by(method), method)
        with closing(self._open_source(path)) as source:
            source.open()
            while (picture := source.read()) is not None:
                people.take(picture.image, picture.t_s)
        return people.finish()


@dataclass(frozen=True, slots=True)
class Watched:
    """A file that was read to its end.

    Attributes:
        facts: What identifies it.
        info: What it says of itself.
        reached_s: Time of its last frame.
        damage: Problems that were found in it; "" if there are none.
        sets: What was counted in it, see `RepetitionCounter.sets`.
        persons: The people in it.
    """

    facts: SourceFacts
    info: SourceInfo
    reached_s: float
    damage: str
    sets: tuple[RepetitionSet, ...] = ()
    persons: tuple[PersonRecord, ...] = ()


def make_result(
    model: Model,
    method: Parameters,
    model_facts: ModelFacts,
    watched: Watched,
    reading: PredictionCollector,
    remarks: tuple[str, ...] = (),
) -> AnalysisResult:
    """Return the result of a file whose predictions were all collected."""
    return AnalysisResult(
        program=PROGRAM,
        source=_with_info(watched.facts, watched.info, watched.reached_s),
        model=model_facts,
        method=method,
        events=_with_repetitions(_events(method, reading), watched.sets),
        predictions=tuple(reading.rows),
        whole=reading.whole,
        warnings=(*_warnings(model, method, reading, watched.reached_s, watched.damage, watched.persons), *remarks),
        persons=watched.persons,
    )


def server_remarks(count: int) -> tuple[str, ...]:
    """Return what a result says of predictions that were made here because the inference server was lost."""
    if count == 1:
        return (Message("The inference server was lost: 1 prediction was made on this machine instead."),)
    text = Message("The inference server was lost: {count} predictions were made on this machine instead.", count=count)
    return (text,) if count else ()


def _events(method: Parameters, reading: PredictionCollector) -> tuple[Event, ...]:
    """Return the events; of a section that shows one whole action, what is shown of it."""
    if method.section_s is not None:
        begin_s, end_s = method.section_s
        shown = [pair for row in reading.rows if row.label for pair in ((row.label, row.score), *row.others)]
        return tuple(Event(label, begin_s, end_s, score, score, (begin_s + end_s) / 2) for label, score in shown)
    return () if method.stride_s is None else tuple(reading.events)


def _with_repetitions(events: Sequence[Event], sets: Sequence[RepetitionSet]) -> tuple[Event, ...]:
    return tuple(replace(each, repetitions=repetitions_between(sets, each.begin_s, each.end_s)) for each in events)


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


def _warnings(
    model: Model,
    method: Parameters,
    reading: PredictionCollector,
    reached_s: float,
    damage: str,
    persons: Sequence[PersonRecord] = (),
) -> tuple[str, ...]:
    warnings = [damage] if damage else []
    if model.spec.detects and reading.rows and not persons:
        warnings.append(Message("Nobody was found in the picture: the model scores what each person does."))
    if not reading.rows:
        span_s = model.spec.timing.span_s
        if method.section_s is not None:
            return (
                *warnings,
                Message(
                    "It has no picture from {begin:g} to {end:g} s.", begin=method.section_s[0], end=method.section_s[1]
                ),
            )
        warnings.append(
            Message(
                "The video is {length:.1f} s long, but the model needs {needed:.1f} s: nothing was recognized.",
                length=reached_s,
                needed=span_s,
            )
        )
    if not model.spec.trained:
        warnings.append(Message("The model's weights are random: its scores mean nothing, and no label is shown."))
    if method.stride_s is None and method.section_s is None:
        warnings.append("With 30 views there is one result for the whole video, and no events.")
    return tuple(warnings)
