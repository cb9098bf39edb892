"""Analyzes files on a cluster: a task a file, and long files in parts that join exactly."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slowfast_live import __version__
from slowfast_live.analysis.analyzer import AnalysisSettings, Watched, make_result, server_remarks
from slowfast_live.analysis.engine import Annotation, OnShare, Outcome, VideoJob
from slowfast_live.analysis.postprocess import PredictionCollector
from slowfast_live.analysis.windows import VideoPart
from slowfast_live.cluster import worker
from slowfast_live.cluster.address import ClusterAddress
from slowfast_live.cluster.packing import pack
from slowfast_live.cluster.pool import Ended, Needs, Pool
from slowfast_live.cluster.worker import Analyzed, Counted, LongFile, PartResult, Refused, WorkerRecipe
from slowfast_live.export.findings import AnalysisResult, ModelFacts
from slowfast_live.inference.remote.address import names_server
from slowfast_live.inference.spec import WEIGHTS_FILE, Model

log = logging.getLogger(__name__)

PART_S = 120.0
"""Seconds of a part of a long file."""
_MB = 1_000_000
_LARGE_GFLOPS, _LARGE_CPUS = 10.0, 4


def needs_of(model: Model, device: str) -> Needs:
    """Return what a worker with this model asks of a machine."""
    weights = (model.folder / WEIGHTS_FILE).stat().st_size
    memory = 500 * _MB + 8 * weights
    if names_server(device):
        return Needs(1, 0, memory)
    large = (model.spec.gflops or 0.0) > _LARGE_GFLOPS
    gpus = 1 if device.startswith("GPU") else 0
    return Needs(_LARGE_CPUS if large and not gpus else 1, gpus, memory)


@dataclass(frozen=True, slots=True)
class _Task:
    """A task of the cluster.

    Attributes:
        kind: "file", "part", "count" or "finish".
        job: The file that it is about.
        part: Number of the part.
    """

    kind: str
    job: VideoJob
    part: int = 0


@dataclass(slots=True)
class _Parts:
    """A long file under way.

    Attributes:
        job: The file.
        count: Number of its parts.
        done: The parts that are done, by their number.
        counted: The repetitions in the file; None until they are counted.
    """

    job: VideoJob
    count: int
    done: dict[int, PartResult] = field(default_factory=dict)
    counted: Counted | None = None

    @property
    def complete(self) -> bool:
        """Whether all of it is done."""
        return self.counted is not None and len(self.done) == self.count


class ClusterEngine:
    """Analyzes files on a cluster; see `Engine`. The cluster is joined when there is work to do.

    Args:
        address: Which cluster.
        model: The model.
        facts: The facts about it.
        settings: How to analyze.
        annotate: Whether copies with labels are wanted.
        tell: Receives sentences for the user.
    """

    def __init__(
        self,
        address: ClusterAddress,
        model: Model,
        facts: ModelFacts,
        settings: AnalysisSettings,
        *,
        annotate: bool,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._address, self._model, self._facts = address, model, facts
        self._settings, self._annotate, self._tell, self._part_s = settings, annotate, tell, PART_S
        self._pool: Pool | None = None
        self._recipe: WorkerRecipe
        self._queue: deque[tuple[_Task, Callable[..., Any], tuple[Any, ...]]] = deque()
        self._parts: dict[int, _Parts] = {}
        self._files, self._watched_s, self._began_s = 0, 0.0, time.monotonic()

    def run(self, jobs: Iterable[VideoJob], on_share: OnShare) -> Iterator[Outcome]:
        """See `Engine.run`."""
        waiting = iter(jobs)
        more = True
        while True:
            while more and (self._pool is None or (self._pool.has_room and not self._queue)):
                job = next(waiting, None)
                if job is None:
                    more = False
                else:
                    self._file(job, whole=False)
                self._submit()
            self._submit()
            if self._pool is None or self._pool.pending == 0:
                return
            outcome = self._take(self._pool.wait(), on_share)
            if outcome is not None:
                yield outcome

    def close(self) -> None:
        """See `Engine.close`."""
        if self._pool is not None:
            self._pool.close()

    @property
    def remark(self) -> str:
        """How fast it was; "" if nothing was analyzed."""
        elapsed_s = time.monotonic() - self._began_s
        if self._pool is None or not self._files or elapsed_s <= 0:
            return ""
        return (
            f"{60 * self._files / elapsed_s:.1f} files a minute, {self._watched_s / elapsed_s:.1f} times as fast as "
            "they play."
        )

    def _joined(self) -> Pool:
        if self._pool is None:
            needs = needs_of(self._model, self._facts.device)
            self._pool = pool = Pool(self._address, needs)
            self._began_s = time.monotonic()
            self._recipe = WorkerRecipe(
                version=__version__,
                packed=(pool.share(pack(self._model)),),
                facts=self._facts,
                device=self._facts.device,
                cpus=pool.needs.cpus,
                settings=self._settings,
                annotate=self._annotate,
                part_s=self._part_s,
            )
            machines, slots = pool.machines, pool.slots
            self._tell(
                f"Cluster of {machines} machine{'s' * (machines != 1)}: room for {slots} "
                f"worker{'s' * (slots != 1)} with {pool.needs.cpus} CPU{'s' * (pool.needs.cpus != 1)} each."
            )
        return self._pool

    def _submit(self) -> None:
        while self._queue and self._joined().has_room:
            key, function, arguments = self._queue.popleft()
            self._joined().submit(key, function, self._recipe, *arguments)

    def _file(self, job: VideoJob, *, whole: bool) -> None:
        self._joined()
        self._queue.append((_Task("file", job), worker.analyze_file, (str(job.video.path), job.facts, whole)))

    def _take(self, ended: Ended, on_share: OnShare) -> Outcome | None:
        task, value = ended.key, ended.value
        assert isinstance(task, _Task)
        job = task.job
        if task.kind in ("part", "count"):
            self._take_part(job, task.part, value, on_share)
            return None
        if ended.reason or isinstance(value, Refused):
            return Outcome(job, reason=ended.reason or value.reason)
        if isinstance(value, LongFile):
            self._divide(job, value)
            return None
        assert isinstance(value, Analyzed)
        self._files += 1
        self._watched_s += value.findings.source.duration_s or 0.0
        annotated = _written(value.annotated) if value.annotated is not None else None
        return Outcome(job, value.findings, value.pictures, annotated)

    def _divide(self, job: VideoJob, long: LongFile) -> None:
        stride_s = self._settings.stride_s
        cells = max(1, round(self._part_s / stride_s))
        count = max(1, int((long.duration_s - long.first_s) / (cells * stride_s)))
        self._parts[job.number] = _Parts(job, count)
        # The longest of all, as it reads the whole file; so it comes first.
        self._queue.append((_Task("count", job), worker.count_file, (str(job.video.path), job.facts)))
        for number in range(count):
            end = (number + 1) * cells if number + 1 < count else None
            part = VideoPart(long.first_s, number * cells, end)
            self._queue.append(
                (_Task("part", job, number), worker.analyze_part, (str(job.video.path), job.facts, part))
            )

    def _take_part(self, job: VideoJob, number: int, value: object, on_share: OnShare) -> None:
        parts = self._parts.get(job.number)
        if parts is None:  # another part has failed, and the file is analyzed as a whole
            return
        if isinstance(value, PartResult | Counted):
            if isinstance(value, Counted):
                parts.counted = value
            else:
                parts.done[number] = value
                on_share(job, len(parts.done) / parts.count)
            if not parts.complete:
                return
            findings = self._join(parts)
            if findings is not None:
                del self._parts[job.number]
                self._queue.appendleft((_Task("finish", job), worker.finish_file, (str(job.video.path), findings)))
                return
        # A part that fails, or does not join, says less than the whole: its message and its result count.
        log.info("%s is analyzed as a whole", job.video.path)
        del self._parts[job.number]
        self._queue = deque(
            entry for entry in self._queue if entry[0].kind not in ("part", "count") or entry[0].job is not job
        )
        self._file(job, whole=True)

    def _join(self, parts: _Parts) -> AnalysisResult | None:
        """Return the result of a file whose parts are all done; None if they do not fit together exactly."""
        results = [parts.done[number] for number in range(parts.count)]
        model, settings = self._model, self._settings
        method = settings.method(model)
        reading = PredictionCollector(model.spec, method.threshold, method.rule, method.smoothing_s)
        for number, result in enumerate(results):
            rows = result.rows
            if result.damage or not rows:
                return None
            if number:
                before = results[number - 1]
                same = (rows[0].t_start_s, rows[0].t_end_s) == (before.rows[-1].t_start_s, before.rows[-1].t_end_s)
                if not same or result.first_digest != before.last_digest:
                    return None
                rows = rows[1:]
            for row in rows:
                reading.take_measured(row)
        reading.finish()
        reached_s = max(result.reached_s for result in results)
        count = sum(result.substituted for result in results)
        assert parts.counted is not None
        watched = Watched(parts.job.facts, results[0].info, reached_s, "", parts.counted.sets)
        return make_result(model, method, self._facts, watched, reading, server_remarks(count))


def _written(data: bytes) -> Annotation:
    def make(target: Path, on_part: Callable[[float], None]) -> None:
        target.write_bytes(data)
        on_part(1.0)

    return make
