"""What a benchmark finds, as it stands in its JSON file. No Qt, no OpenVINO.

Glossary:

* *Contender*: one way to run a network, in a process of its own.
* *Turn*: some seconds in which one contender runs and all others are held.
* *Reading*: what one turn gave.
* *Round*: one turn of each contender; the order is turned round from round to round.
* *Figure*: median of the rounds, with the lowest and the highest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec

from slowfast_live.errors import UsageError


class Figure(msgspec.Struct, frozen=True):
    """Median, lowest and highest of the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Figure | None:
        """Return the figure of the values that are there; None where none is."""
        there = [value for value in values if value is not None]
        if not there:
            return None
        return cls(*(float(f"{value:.6g}") for value in (median(there), min(there), max(there))))

    @property
    def spread(self) -> float:
        """From lowest to highest, as a share of the median; 0 where the median is."""
        return (self.high - self.low) / self.median if self.median else 0.0


class Facts(msgspec.Struct, frozen=True):
    """What a contender says of itself before its first turn.

    Attributes:
        computes_in: Type that the processor computes in, e.g. "bf16", "f32", "int8+bf16".
        threads: Threads that the network runs on; None where it does not say.
        streams: Inferences that may run at once; None where it does not say.
        version: Of the library that runs the network.
        note: What else a reader must know.
    """

    computes_in: str = ""
    threads: int | None = None
    streams: int | None = None
    version: str = ""
    note: str = ""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn gave; None where the contender has no such thing.

    Attributes:
        predictions: Clips classified.
        elapsed_s: Wall-clock time of the turn.
        per_s: Predictions a second: from the first to the last one, so that the turn's edges do not count.
        clip_ms: Median time of one inference.
        cpu_s: Processor time that the whole process used in the turn.
        network_cpu_s: Part of it that OpenVINO's own threads used.
        latency_ms_p50: From the capture of the newest frame to its label, median.
        latency_ms_p95: 95th percentile.
        frames: Frames that came.
        shown: Different frames painted.
        dropped: Frames left out.
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
        """Processor time of one prediction, in milliseconds."""
        if self.cpu_s is None or self.per_s <= 0 or self.elapsed_s <= 0:
            return None
        return 1000 * self.cpu_s / (self.per_s * self.elapsed_s)

    @property
    def outside(self) -> float | None:
        """Share of the processor time that was not the network's, 0..1."""
        if self.cpu_s is None or self.network_cpu_s is None or self.cpu_s <= 0:
            return None
        return max(0.0, 1 - self.network_cpu_s / self.cpu_s)

    @property
    def source_fps(self) -> float | None:
        """Frames a second that came."""
        return self.frames / self.elapsed_s if self.frames is not None and self.elapsed_s > 0 else None

    @property
    def shown_fps(self) -> float | None:
        """Frames painted a second."""
        return self.shown / self.elapsed_s if self.shown is not None and self.elapsed_s > 0 else None


class Subject(msgspec.Struct, frozen=True):
    """The model that is measured."""

    name: str
    title: str
    precision: str
    trained: bool
    gflops: float | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One contender's figures on one model.

    Attributes:
        contender: Its name; see `slowfast_live.bench.contenders`.
        title: What a table calls it.
        absent: Why it was not measured; "" where it was.
        facts: What it said of itself.
        rounds: Turns that the figures are of.
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
    def of(cls, contender: str, title: str, facts: Facts, readings: Sequence[Reading]) -> Row:
        """Sum up the turns of one contender."""
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


def _share(readings: Sequence[Reading], part: str) -> float:
    shares = [r.parts.get(part, 0.0) / r.cpu_s for r in readings if r.cpu_s]
    return median(shares) if shares else 0.0


class Group(msgspec.Struct, frozen=True):
    """All contenders on one model; they took turns."""

    subject: Subject
    device: str
    seconds: float
    rows: tuple[Row, ...]

    def row(self, contender: str) -> Row | None:
        """Return the figures of one contender; None where it was not measured."""
        return next((row for row in self.rows if row.contender == contender and not row.absent), None)


class Start(msgspec.Struct, frozen=True):
    """Seconds from the start of the process, over several starts.

    Attributes:
        model: The model that was loaded.
        cache: "cold": the model had to be compiled; "warm": it was kept from an earlier start.
        first_frame_s: Until the first frame was on the screen.
        first_prediction_s: Until the first prediction; that includes the time in which the model's span fills.
        span_s: That time: a part of `first_prediction_s` that no machine can shorten.
        rss_mb: Resident memory at the end.
    """

    model: str
    cache: Literal["cold", "warm"]
    first_frame_s: Figure | None
    first_prediction_s: Figure | None
    span_s: float
    rss_mb: Figure | None = None


class Layer(msgspec.Struct, frozen=True):
    """What one kind of layer takes of an inference.

    Attributes:
        kind: OpenVINO's name, e.g. "Convolution".
        how: The implementation that it chose, e.g. "brgconv_avx512_I8".
        count: How many layers.
        ms: All of them, in one inference.
        share: Of the sum of all layers, 0..1.
    """

    kind: str
    how: str
    count: int
    ms: float
    share: float


class Peak(msgspec.Struct, frozen=True):
    """Operations a second that this machine's cores reached on a large matrix product.

    Attributes:
        kind: "f32", "bf16" or "int8".
        gops: 1e9 operations a second; a multiplication and an addition are two.
    """

    kind: str
    gops: float


class Profile(msgspec.Struct, frozen=True):
    """Where the time of one inference goes, and how far it is from what the cores can do.

    Attributes:
        subject: The model.
        computes_in: See `Facts`.
        threads: See `Facts`.
        clip_ms: One inference, median, measured without profiling.
        layers: By kind, slowest first.
        slowest: The slowest single layers: (name, kind, ms).
        gops: Operations of one clip in 1e9 (twice the multiply-adds); None where the model does not say.
        achieved: 1e9 operations a second; None likewise.
        peaks: What a large matrix product reaches.
        limit_ms: Operations over the peak of the type that most of the network computes in.
        limit_kind: That type.
    """

    subject: Subject
    computes_in: str
    threads: int | None
    clip_ms: float
    layers: tuple[Layer, ...]
    slowest: tuple[tuple[str, str, float], ...]
    gops: float | None = None
    achieved: float | None = None
    peaks: tuple[Peak, ...] = ()
    limit_ms: float | None = None
    limit_kind: str = ""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A model on a device, as `--recommend` measured it.

    Attributes:
        model: Name of the model.
        title: What the window calls it, precision included.
        device: OpenVINO's name.
        computes_in: See `Facts`.
        clip_ms: One inference, median; None where it does not run.
        per_s: Predictions a second that this allows.
        classes: Actions that the model knows.
        accuracy: Top-1 in percent as its description states it, and of what; "" where it does not.
        trained: Whether it knows anything.
        faithful: Share of clips on which this precision agrees with the original network, as its build measured it.
        failure: Why it does not run.
    """

    model: str
    title: str
    device: str
    computes_in: str = ""
    clip_ms: float | None = None
    per_s: float | None = None
    classes: int = 0
    top1: float | None = None
    accuracy: str = ""
    trained: bool = True
    faithful: float = 1.0
    failure: str = ""


class Recommendation(msgspec.Struct, frozen=True):
    """What to use on this machine: a candidate, and the reason in one or two sentences."""

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
        command: What repeats it.
        machine: Where it ran.
        taken: Date and time, UTC, ISO 8601.
        groups: Contenders side by side.
        starts: How long the app takes to start.
        profiles: Where the time goes.
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
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def load(path: Path) -> Report:
    """Read a report.

    Raises:
        UsageError: It cannot be read, or is no report of this version.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (msgspec.DecodeError, ValueError) as error:
        text = f"{path} is no report of `slowfast-live bench --json`, or of another version: {error}."
        raise UsageError(text) from error
