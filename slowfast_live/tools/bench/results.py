"""Results of a benchmark, as stored in its JSON file. No Qt, no OpenVINO.

Glossary:

* *Contender*: one way to run a network, in a process of its own.
* *Turn*: some seconds in which one contender runs and all others are suspended.
* *Reading*: the measurement of one turn.
* *Round*: one turn of each contender; the order is reversed from round to round.
* *Figure*: median of the rounds, with the minimum and the maximum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec

from slowfast_live import files
from slowfast_live.errors import UsageError
from slowfast_live.messages import as_text

_LARGEST = 64_000_000


class Figure(msgspec.Struct, frozen=True):
    """Median, minimum and maximum of the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Figure | None:
        """Return the figure of the values that are not None; None if there are none."""
        there = [value for value in values if value is not None]
        if not there:
            return None
        return cls(*(float(f"{value:.6g}") for value in (median(there), min(there), max(there))))

    @property
    def spread(self) -> float:
        """Difference of maximum and minimum relative to the median; 0 if the median is 0."""
        return (self.high - self.low) / self.median if self.median else 0.0


class Facts(msgspec.Struct, frozen=True):
    """Facts that a contender reports before its first turn.

    Attributes:
        execution_precision: Type that the processor computes in, e.g. "bf16", "f32", "int8+bf16".
        threads: Number of threads that the network runs on; None if unknown.
        streams: Number of inferences that may run concurrently; None if unknown.
        version: Version of the library that runs the network.
        note: What else a reader must know.
    """

    execution_precision: str = ""
    threads: int | None = None
    streams: int | None = None
    version: str = ""
    note: str = ""


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """The measurement of one turn; values are None if they do not apply to the contender.

    Attributes:
        predictions: Clips classified.
        elapsed_s: Wall-clock time of the turn.
        per_s: Predictions per second, from the first to the last one, so that the ends of the turn do not count.
        clip_ms: Median time of one inference.
        cpu_s: Processor time that the whole process used in the turn.
        network_cpu_s: Part of it that OpenVINO's own threads used.
        latency_ms_p50: Median time from the capture of the newest frame to its label.
        latency_ms_p95: 95th percentile of that time.
        frames: Frames received.
        shown: Distinct frames painted.
        dropped: Frames dropped.
        rss_mb: Resident memory at the end of the turn, in 1e6 bytes.
        parts: Processor time by part of the app, in seconds.
    """

    predictions: int
    elapsed_s: float
    per_s: float
    clip_ms: float
    cpu_s: float | None = None
    network_cpu_s: float | None = None
    latency_ms_p50: float | None = None
    latency_ms_p95: float | None = None
    frames: int | None = None
    shown: int | None = None
    dropped: int | None = None
    rss_mb: float | None = None
    parts: dict[str, float] = {}

    @property
    def cpu_ms(self) -> float | None:
        """Processor time per prediction, in milliseconds."""
        if self.cpu_s is None or self.per_s <= 0 or self.elapsed_s <= 0:
            return None
        return 1000 * self.cpu_s / (self.per_s * self.elapsed_s)

    @property
    def outside(self) -> float | None:
        """Share of the processor time that was not used by the network, 0..1."""
        if self.cpu_s is None or self.network_cpu_s is None or self.cpu_s <= 0:
            return None
        return max(0.0, 1 - self.network_cpu_s / self.cpu_s)

    @property
    def source_fps(self) -> float | None:
        """Frames received per second."""
        return self.frames / self.elapsed_s if self.frames is not None and self.elapsed_s > 0 else None

    @property
    def shown_fps(self) -> float | None:
        """Frames painted per second."""
        return self.shown / self.elapsed_s if self.shown is not None and self.elapsed_s > 0 else None


class Subject(msgspec.Struct, frozen=True):
    """The model that is measured."""

    name: str
    title: str
    precision: str
    trained: bool
    gflops: float | None = None


class ResultRow(msgspec.Struct, frozen=True, kw_only=True):
    """One contender's figures on one model.

    Attributes:
        contender: Its name; see `slowfast_live.tools.bench.contenders`.
        title: Its name in tables.
        absent: Why it was not measured; "" if it was.
        facts: The facts that it reported.
        rounds: Number of turns behind the figures.
        parts: Share of the processor time by part of the app, 0..1, median.
    """

    contender: str
    title: str
    absent: str = ""
    facts: Facts = Facts()
    rounds: int = 0
    per_s: Figure | None = None
    clip_ms: Figure | None = None
    cpu_ms: Figure | None = None
    outside: Figure | None = None
    latency_ms_p50: Figure | None = None
    latency_ms_p95: Figure | None = None
    source_fps: Figure | None = None
    shown_fps: Figure | None = None
    dropped: Figure | None = None
    rss_mb: Figure | None = None
    parts: dict[str, float] = {}

    @classmethod
    def of(cls, contender: str, title: str, facts: Facts, readings: Sequence[Measurement]) -> ResultRow:
        """Summarize the turns of one contender."""
        names = sorted({name for reading in readings for name in reading.parts})
        return cls(
            contender=contender,
            title=title,
            facts=facts,
            rounds=len(readings),
            per_s=Figure.of(r.per_s for r in readings),
            clip_ms=Figure.of(r.clip_ms for r in readings),
            cpu_ms=Figure.of(r.cpu_ms for r in readings),
            outside=Figure.of(r.outside for r in readings),
            latency_ms_p50=Figure.of(r.latency_ms_p50 for r in readings),
            latency_ms_p95=Figure.of(r.latency_ms_p95 for r in readings),
            source_fps=Figure.of(r.source_fps for r in readings),
            shown_fps=Figure.of(r.shown_fps for r in readings),
            dropped=Figure.of(r.dropped for r in readings),
            rss_mb=Figure.of(r.rss_mb for r in readings),
            parts={name: round(_share(readings, name), 5) for name in names},
        )


def _share(readings: Sequence[Measurement], part: str) -> float:
    shares = [r.parts.get(part, 0.0) / r.cpu_s for r in readings if r.cpu_s]
    return median(shares) if shares else 0.0


class Group(msgspec.Struct, frozen=True):
    """All contenders on one model; they took turns."""

    subject: Subject
    device: str
    seconds: float
    rows: tuple[ResultRow, ...]

    def row(self, contender: str) -> ResultRow | None:
        """Return the figures of one contender; None if it was not measured."""
        return next((row for row in self.rows if row.contender == contender and not row.absent), None)


class Start(msgspec.Struct, frozen=True):
    """Startup times in seconds from the start of the process, over several starts.

    Attributes:
        model: The model that was loaded.
        cache: "cold": the model had to be compiled; "warm": it was cached by an earlier start.
        first_frame_s: Time until the first frame was on screen.
        first_prediction_s: Time until the first prediction, including the time that the model's span takes to fill.
        span_s: The model's span: a part of `first_prediction_s` that no machine can shorten.
        rss_mb: Resident memory at the end.
    """

    model: str
    cache: Literal["cold", "warm"]
    first_frame_s: Figure | None
    first_prediction_s: Figure | None
    span_s: float
    rss_mb: Figure | None = None


class Layer(msgspec.Struct, frozen=True):
    """The share of one kind of layer in an inference.

    Attributes:
        kind: OpenVINO's name, e.g. "Convolution".
        how: The implementation that it chose, e.g. "brgconv_avx512_I8".
        count: Number of layers.
        ms: Total time in one inference.
        share: Share of the total time of all layers, 0..1.
    """

    kind: str
    how: str
    count: int
    ms: float
    share: float


class LayerGroup(msgspec.Struct, frozen=True):
    """Layers that do the same kind of work in the same precision, in an inference.

    Attributes:
        title: The kind of work, e.g. "depthwise convolutions".
        precision: "int8", "bf16" or "f32"; "" if unknown.
        count: Number of layers.
        ms: Total time in one inference.
        share: Share of the total time of all layers, 0..1.
        gops: 1e9 operations of one inference; 0 for everything but convolutions and matrix products.
        of_peak: Share of the peak of that precision that is reached, 0..1; None without operations.
        lost_ms: What one inference would save if the group ran at that peak; all of `ms` without operations.
    """

    title: str
    precision: str
    count: int
    ms: float
    share: float
    gops: float
    of_peak: float | None
    lost_ms: float


class Peak(msgspec.Struct, frozen=True):
    """Operations per second that this machine's cores reached on a large matrix product or convolution.

    Attributes:
        kind: "f32", "bf16" or "int8".
        gops: 1e9 operations per second; a multiplication and an addition count as two.
    """

    kind: str
    gops: float


class Profile(msgspec.Struct, frozen=True):
    """Profile of one inference, and its distance from the peak performance of the cores; shortest times of several.

    Attributes:
        subject: The model.
        execution_precision: See `Facts`.
        threads: See `Facts`.
        clip_ms: Shortest time of one inference, measured without profiling.
        layers: By kind, slowest first.
        slowest: The slowest single layers: (name, kind, ms).
        gops: Operations of one clip in 1e9 (twice the multiply-adds); None if the model does not state them.
        achieved: 1e9 operations per second; None likewise.
        peaks: Throughput of a large matrix product or convolution.
        limit_ms: Operations divided by the peak of the type that most of the network computes in.
        limit_kind: That type.
        stems: The large first convolutions: (geometry, ms as built, ms rewritten as space-to-depth).
        groups: By kind of work and precision, those first that are furthest from the peak in milliseconds.
        instructions: The instruction set that the processor was limited to, in words; "" for none.
    """

    subject: Subject
    execution_precision: str
    threads: int | None
    clip_ms: float
    layers: tuple[Layer, ...]
    slowest: tuple[tuple[str, str, float], ...]
    gops: float | None = None
    achieved: float | None = None
    peaks: tuple[Peak, ...] = ()
    limit_ms: float | None = None
    limit_kind: str = ""
    stems: tuple[tuple[str, float, float], ...] = ()
    groups: tuple[LayerGroup, ...] = ()
    instructions: str = ""

    @property
    def of_peak(self) -> float | None:
        """Share of the peaks that the layers together reach, 0..1, each in its own precision; None if it is unknown."""
        total_ms = sum(group.ms for group in self.groups)
        at_peak_ms = sum(group.of_peak * group.ms for group in self.groups if group.of_peak is not None)
        return at_peak_ms / total_ms if total_ms else None


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A model on a device, as measured by `--recommend`.

    Attributes:
        model: Name of the model.
        title: Name that the window shows, including the precision.
        device: OpenVINO device name.
        execution_precision: See `Facts`.
        clip_ms: Median time of one inference; None if it does not run.
        per_s: Predictions per second that this allows.
        classes: Number of classes of the model.
        accuracy: Top-1 in percent as stated by its description, with the data set; "" if it states none.
        trained: Whether its weights are trained.
        faithful: Share of clips on which this precision agrees with the original network, as measured by its build.
        failure: Why it does not run.
    """

    model: str
    title: str
    device: str
    execution_precision: str = ""
    clip_ms: float | None = None
    per_s: float | None = None
    classes: int = 0
    top1: float | None = None
    accuracy: str = ""
    trained: bool = True
    faithful: float = 1.0
    failure: str = ""


class Recommendation(msgspec.Struct, frozen=True):
    """The recommendation for this machine: a candidate, and the reason in one or two sentences."""

    model: str
    title: str
    device: str
    reason: str


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine and its software."""

    cpu: str
    cores: int
    threads: int
    features: tuple[str, ...]
    ram_gb: float
    os: str
    python: str
    versions: dict[str, str]
    load: float | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run of `slowfast-live bench`.

    Attributes:
        schema: Version of this format.
        command: The command that repeats it.
        machine: The machine it ran on.
        taken: Date and time, UTC, ISO 8601.
        groups: Contenders side by side.
        starts: Startup times of the app.
        profiles: Profiles of inferences.
        candidates: What `--recommend` measured.
        recommendation: What it recommends.
    """

    schema: Literal[1] = 1
    command: str
    machine: Machine
    taken: str
    groups: tuple[Group, ...] = ()
    starts: tuple[Start, ...] = ()
    profiles: tuple[Profile, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    recommendation: Recommendation | None = None


def encode(report: Report) -> bytes:
    """Return the report as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(report, enc_hook=as_text), indent=2) + b"\n"


def is_report(path: Path) -> bool:
    """Return whether a file is a report of this program, or its figures of several sources or machines."""
    try:
        load(path)
    except UsageError:
        return _is_figures(path)
    return True


def _is_figures(path: Path) -> bool:
    try:
        found = msgspec.json.decode(files.read_bytes(path, _LARGEST))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return (
        isinstance(found, dict) and {"model", "machine"} <= found.keys() and bool({"several", "rounds"} & found.keys())
    )


def load(path: Path) -> Report:
    """Read a report.

    Raises:
        UsageError: It cannot be read, or is not a report of this version.
    """
    try:
        return msgspec.json.decode(files.read_bytes(path, _LARGEST), type=Report)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (msgspec.DecodeError, ValueError) as error:
        text = f"{path} is no report of `slowfast-live bench --json`, or of another version: {error}."
        raise UsageError(text) from error
