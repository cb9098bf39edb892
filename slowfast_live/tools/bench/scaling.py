"""How `analyze --cluster` scales: the same videos on clusters of 1, 2 ... machines, and an estimate on paper for more.

The machines are nodes of a Ray cluster on this machine, one worker with one CPU each. What a hundred machines would do
is computed from what was measured: seconds of a worker a video, seconds of the command a video, bytes a video.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from slowfast_live import files, paths
from slowfast_live.analysis.analyzer import AnalysisSettings
from slowfast_live.analysis.batch import Batch
from slowfast_live.analysis.outputs import OutputFolder
from slowfast_live.analysis.progress import Step
from slowfast_live.cluster.address import ClusterAddress, require_ray
from slowfast_live.cluster.engine import ClusterEngine
from slowfast_live.inference.spec import Model
from slowfast_live.sources.videos import find_videos
from slowfast_live.tools.bench import machine

COUNTS = (1, 2)
VIDEOS = 24
PAPER = (10, 100)
_TASKS = 200


class ScalingRound(msgspec.Struct, frozen=True):
    """One run over all videos.

    Attributes:
        machines: Number of machines in the cluster.
        seconds: From the first task to the last result.
        command_s: Processor time of the command itself.
        task_ms: Time of an empty task, of many at once.
        result_bytes: Size of the results of one video.
        video_bytes: Size of one video.
    """

    machines: int
    seconds: float
    command_s: float
    task_ms: float
    result_bytes: int
    video_bytes: int


class _Silent:
    """A reporter that says nothing."""

    def report(self, step: Step) -> None:
        """See `Reporter.report`."""

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *ignored: object) -> None:
        return


def nothing() -> None:
    """Do nothing; a task that measures what a task costs."""


def measure(model: Model, machines: int, videos: int) -> ScalingRound:
    """Analyze copies of the demo clip on a cluster of so many machines, all of them on this one."""
    require_ray()
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    folder = Path(tempfile.mkdtemp(prefix="slowfast-live-scaling-"))
    try:
        for _ in range(machines - 1):
            cluster.add_node(num_cpus=1)
        ray.init(cluster.address, log_to_driver=False)
        demo = paths.bundled("assets") / "demo.mp4"
        for number in range(videos):
            (folder / "in").mkdir(exist_ok=True)
            shutil.copyfile(demo, folder / "in" / f"{number}.mp4")
        _analyze(model, cluster.address, folder / "in", folder / "warm")  # workers have compiled the model
        began_s, began_cpu_s = time.monotonic(), time.process_time()
        out = folder / "out"
        _analyze(model, cluster.address, folder / "in", out)
        seconds, command_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
        sizes = [path.stat().st_size for path in out.rglob("0.*") if path.is_file()]
        return ScalingRound(machines, seconds, command_s, _task_ms(ray), sum(sizes), demo.stat().st_size)
    finally:
        ray.shutdown()
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _analyze(model: Model, address: str, clips: Path, out: Path) -> None:
    settings = AnalysisSettings()

    def refuse() -> Any:
        raise AssertionError("the cluster compiles")

    batch = Batch(
        model,
        "CPU",
        settings,
        OutputFolder(out),
        refuse,
        _Silent(),
        lambda facts, _tell: ClusterEngine(ClusterAddress(address), model, facts, settings, annotate=False),
    )
    batch.run(find_videos([clips]))


def _task_ms(ray: Any) -> float:
    task = ray.remote(nothing)
    ray.get(task.remote())
    began_s = time.monotonic()
    ray.get([task.remote() for _ in range(_TASKS)])
    return (time.monotonic() - began_s) / _TASKS * 1000


def run(model: Model, counts: Sequence[int], repeats: int, json: Path | None, videos: int = VIDEOS) -> int:
    """Measure in turns, print both tables, write JSON if it is wanted, and return the exit code."""
    rounds = [measure(model, count, videos) for _ in range(repeats) for count in counts]
    console = Console()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=f"{videos} videos, {model.spec.display_name}")
    for column in ("machines", "seconds", "videos/min", "speed-up", "empty task ms", "command CPU s"):
        table.add_column(column, justify="right")
    alone = median(one.seconds for one in rounds if one.machines == counts[0]) * counts[0]
    for count in counts:
        some = [one for one in rounds if one.machines == count]
        seconds = median(one.seconds for one in some)
        table.add_row(
            str(count), f"{seconds:.1f}", f"{60 * videos / seconds:.1f}", f"{alone / seconds:.2f}",
            f"{median(one.task_ms for one in some):.1f}", f"{median(one.command_s for one in some):.2f}",
        )  # fmt: skip
    console.print(table)
    console.print(_on_paper(rounds, counts[0], videos))
    if json is not None:
        found = {"model": model.name, "videos": videos, "machine": machine.describe(), "rounds": rounds}
        files.write_bytes(json, msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    return 0


def _on_paper(rounds: Sequence[ScalingRound], fewest: int, videos: int) -> Table:
    """Return what more machines of one worker each would do, and what limits them."""
    base = [one for one in rounds if one.machines == fewest]
    worker_s = median(one.seconds for one in base) * fewest / videos
    command_s = median(one.command_s for one in rounds) / videos
    moved = base[0].video_bytes + base[0].result_bytes
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="On paper, from the figures above")
    for column in ("workers", "videos/min", "limit", "MB/s to the workers"):
        table.add_column(column, justify="right")
    for count in PAPER:
        by_workers, by_command = count / worker_s, 1 / command_s if command_s else float("inf")
        rate = min(by_workers, by_command)
        limit = "workers" if by_workers <= by_command else "the command, which writes the results"
        table.add_row(str(count), f"{60 * rate:.0f}", limit, f"{rate * moved / 1e6:.1f}")
    return table
