"""What runs on the workers of a cluster: the analysis of a file, of a part of one, and what follows on it."""

from __future__ import annotations

import hashlib
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slowfast_live import __version__
from slowfast_live.analysis.analyzer import AnalysisSettings, Analyzer
from slowfast_live.analysis.counted_source import CountedSource
from slowfast_live.analysis.infer import infer_windows
from slowfast_live.analysis.postprocess import MeasuredWindow, measured
from slowfast_live.analysis.thumbnails import event_pictures
from slowfast_live.analysis.views import framings
from slowfast_live.analysis.windows import VideoPart, lead_s, sliding
from slowfast_live.cluster.packing import unpack
from slowfast_live.core.ring import Ring
from slowfast_live.counting.counter import RepetitionCounter, RepetitionSet
from slowfast_live.errors import SlowFastLiveError, SourceError
from slowfast_live.export.findings import AnalysisResult, ModelFacts, SourceFacts, readouts
from slowfast_live.export.video import annotate
from slowfast_live.inference.backend import CompiledModel
from slowfast_live.inference.device_backend import DeviceBackend, substituted
from slowfast_live.pipeline.clip_buffer import ClipBuffer
from slowfast_live.sources.picture_files import size_and_date
from slowfast_live.sources.remote_files import local_copy
from slowfast_live.types import FrameWindow, SourceInfo


@dataclass(frozen=True, slots=True)
class WorkerRecipe:
    """How files are analyzed; the same for all tasks of a run.

    Attributes:
        version: Version of the program, which has to be that of the worker.
        packed: Reference to the model's files in the cluster's store, in a list, so that it is not fetched each time.
        facts: The facts about the model.
        device: Device to run on.
        cpus: Processor cores that a worker may use.
        settings: How to analyze.
        annotate: Whether a copy with labels is wanted.
        part_s: Seconds of a part of a long file.
    """

    version: str
    packed: tuple[Any, ...]
    facts: ModelFacts
    device: str
    cpus: int
    settings: AnalysisSettings
    annotate: bool
    part_s: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that cannot be analyzed, with the reason as a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Analyzed:
    """A result, with what else is kept of the file.

    Attributes:
        findings: The result.
        pictures: A JPEG for each of the first events.
        annotated: The copy with labels; None if it is not wanted.
    """

    findings: AnalysisResult
    pictures: tuple[bytes, ...]
    annotated: bytes | None = None


@dataclass(frozen=True, slots=True)
class LongFile:
    """A file that is worth being analyzed in parts.

    Attributes:
        first_s: End of its first complete frame window.
        duration_s: Its duration.
    """

    first_s: float
    duration_s: float


@dataclass(frozen=True, slots=True, eq=False)
class PartResult:
    """The predictions of a part of a file.

    Attributes:
        info: What the file says of itself.
        rows: The predictions; the first one is the last of the part before it, to compare, unless it is the first part.
        first_digest: Digest of the pictures of the first prediction.
        last_digest: Digest of those of the last one.
        reached_s: Time of the last frame that was read.
        damage: Problems found in the file.
        substituted: Predictions made on another device than the inference server.
    """

    info: SourceInfo
    rows: list[MeasuredWindow] = field(default_factory=list)
    first_digest: bytes = b""
    last_digest: bytes = b""
    reached_s: float = 0.0
    damage: str = ""
    substituted: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """The repetitions in a file, see `RepetitionCounter.sets`."""

    sets: tuple[RepetitionSet, ...]


_compiled: dict[tuple[str, str, int], CompiledModel] = {}
"""The models of this process: each is compiled once."""


def compiled_model(recipe: WorkerRecipe) -> CompiledModel:
    """Return the model, compiled on the first call in this process.

    Raises:
        SlowFastLiveError: It cannot be compiled here, or this machine has another version of the program.
    """
    if recipe.version != __version__:
        raise SourceError(
            f"{socket.gethostname()} has version {__version__} of SlowFast Live, but this command is of version "
            f"{recipe.version}. Install the same version on all machines of the cluster."
        )
    key = (recipe.facts.fingerprint, recipe.device, recipe.cpus)
    if key not in _compiled:
        from slowfast_live.inference.openvino_backend import OpenVinoBackend

        model = unpack(lambda: _fetched(recipe), recipe.facts.name, recipe.facts.fingerprint)
        config = {"INFERENCE_NUM_THREADS": recipe.cpus} if recipe.device == "CPU" else {}
        local = OpenVinoBackend(config=config, throughput=True)
        backend = DeviceBackend(local, throughput=True, wait_for_lost=False)
        _compiled[key] = backend.compile(model, recipe.device)
    return _compiled[key]


def _fetched(recipe: WorkerRecipe) -> dict[str, bytes]:
    import ray

    files: dict[str, bytes] = ray.get(recipe.packed[0])
    return files


def analyze_file(recipe: WorkerRecipe, path: str, facts: SourceFacts, whole: bool) -> Analyzed | LongFile | Refused:
    """Analyze a file; a long one is only looked into, unless `whole`."""
    try:
        compiled = compiled_model(recipe)
        place = _checked(path, facts)
        if not whole and (long := _long(recipe, compiled, place)) is not None:
            return long
        findings = Analyzer(compiled, recipe.settings, facts=recipe.facts).analyze(place, facts=facts)
    except SlowFastLiveError as error:
        return Refused(error.message)
    return finish_file(recipe, path, findings)


def finish_file(recipe: WorkerRecipe, path: str, findings: AnalysisResult) -> Analyzed | Refused:
    """Make the pictures of a result's events and, if it is wanted, the copy with labels."""
    place = Path(path)
    try:
        pictures = tuple(event_pictures(place, findings.events, recipe.settings.open_source))
        if not recipe.annotate:
            return Analyzed(findings, pictures)
        with tempfile.TemporaryDirectory(prefix="slowfast-live-") as folder:
            target = Path(folder) / "annotated.mp4"
            annotate(
                local_copy(place),
                target,
                readouts(findings),
                persons=findings.persons,
                open_source=recipe.settings.open_source,
            )
            return Analyzed(findings, pictures, target.read_bytes())
    except SlowFastLiveError as error:
        return Refused(error.message)


def analyze_part(recipe: WorkerRecipe, path: str, facts: SourceFacts, part: VideoPart) -> PartResult | Refused:
    """Analyze a part of a file."""
    try:
        compiled = compiled_model(recipe)
        return _part(recipe, compiled, _checked(path, facts), part)
    except SlowFastLiveError as error:
        return Refused(error.message)


def count_file(recipe: WorkerRecipe, path: str, facts: SourceFacts) -> Counted | Refused:
    """Count the repetitions in a file, for which every frame is read in order; no model runs."""
    counter = RepetitionCounter()
    try:
        with closing(recipe.settings.open_source(_checked(path, facts))) as source:
            source.open()
            counted = CountedSource(source, counter)
            while counted.read() is not None:
                pass
    except SlowFastLiveError as error:
        return Refused(error.message)
    return Counted(tuple(counter.sets))


def _part(recipe: WorkerRecipe, compiled: CompiledModel, path: Path, part: VideoPart) -> PartResult:
    spec, stride_s = compiled.model.spec, recipe.settings.stride_s
    views = framings(spec, recipe.settings.views)
    rows: list[MeasuredWindow] = []
    first = last = b""
    reached_s, before = 0.0, substituted(compiled)
    with closing(recipe.settings.open_source(path)) as source:
        info = source.open()
        if part.begin > 0:
            source.seek(max(0.0, part.first_s + part.begin * stride_s - lead_s(spec.timing, stride_s)))

        def on_time(t_s: float) -> None:
            nonlocal reached_s
            reached_s = max(reached_s, t_s)

        buffer = ClipBuffer(spec.clip, views[0], Ring(spec.timing))
        newest: FrameWindow | None = None
        with closing(infer_windows(compiled, views, sliding(source, buffer, stride_s, on_time, part))) as answers:
            for window, probs in answers:
                if not rows:
                    first = _digest(window)
                rows.append(measured(window, probs))
                newest = window
        if newest is not None:
            last = _digest(newest)
        damage = source.warning
    return PartResult(info, rows, first, last, reached_s, damage, substituted(compiled) - before)


def _long(recipe: WorkerRecipe, compiled: CompiledModel, path: Path) -> LongFile | None:
    """Return what is needed to divide a file; None if it is not worth it or not possible."""
    spec, settings = compiled.model.spec, recipe.settings
    if settings.method(compiled.model).stride_s is None or settings.people:  # people are followed from the beginning
        return None
    with closing(settings.open_source(path)) as source:
        info = source.open()
        if not info.seekable or info.duration_s is None or info.duration_s < 2 * recipe.part_s:
            return None
        buffer = ClipBuffer(spec.clip, framings(spec, settings.views)[0], Ring(spec.timing))
        for window in _first(source, buffer):
            return LongFile(window.t_end_s, info.duration_s)
    return None


def _first(source: Any, buffer: ClipBuffer) -> Iterator[FrameWindow]:
    return sliding(source, buffer, 1.0, lambda _t_s: None)


def _checked(path: str, facts: SourceFacts) -> Path:
    """Return the file's path on this machine.

    Raises:
        SourceError: It is not there, or is another file.
    """
    place = Path(path)
    try:
        state = size_and_date(place)
    except OSError as error:
        raise SourceError(
            f"{path} is not on {socket.gethostname()}: {error.strerror or error}. The machines of a cluster need the "
            "videos under the same path, on a shared disk, or by URL (s3://...).",
            repr(error),
        ) from error
    if state != (facts.size_bytes, facts.modified_ns):
        raise SourceError(f"{path} on {socket.gethostname()} is another file than on the machine of this command.")
    return place


def _digest(window: FrameWindow) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for picture in window.pictures:
        digest.update(picture.tobytes())
    return digest.digest()
