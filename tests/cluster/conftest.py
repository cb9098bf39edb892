"""A real Ray cluster of several nodes on this machine."""

import contextlib
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("ray", reason="ray is not installed (extra `cluster`)")

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_agent_register_timeout_ms", "300000")  # a busy machine is no failure
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

from tests.analysis.fakes import write_clip

_TRIES, _PATIENCE_S = 3, 60.0


@pytest.fixture(autouse=True)
def rays_own_warnings() -> Iterator[None]:
    """Ray leaves sockets and processes to the garbage collector; our warnings stay errors elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


def start_cluster(nodes: int = 2) -> Any:
    """Start a cluster of so many nodes of one CPU each; skip where this machine is too busy to start one."""
    from ray.cluster_utils import Cluster

    for _ in range(_TRIES):
        before = {child.pid for child in psutil.Process().children(recursive=True)}
        try:
            cluster = started(
                lambda: Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
            )
            for _ in range(nodes - 1):
                started(lambda: cluster.add_node(num_cpus=1))  # noqa: B023 - called at once
        except Exception as error:  # noqa: BLE001 - Ray raises nothing more precise
            reason = str(error)
            for child in psutil.Process().children(recursive=True):
                if child.pid not in before:
                    with contextlib.suppress(psutil.Error):
                        child.kill()
        else:
            return cluster
    pytest.skip(f"Ray cannot start a cluster here: {reason}")


def started(start: Callable[[], Any]) -> Any:
    """Start a part of a cluster. Ray itself waits 30 s for it, which is too little on a busy machine."""
    from ray._private import services

    real = services.get_node

    def patient(*arguments: Any, **options: Any) -> Any:
        deadline_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return real(*arguments, **options)
            except RuntimeError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "get_node", patient)
        return start()


def stop_cluster(cluster: Any) -> None:
    import ray

    ray.shutdown()
    cluster.shutdown()
    logging.getLogger("ray").handlers.clear()


@pytest.fixture(scope="module")
def cluster(tiny_models: Path) -> Iterator[Any]:
    """Two nodes with one CPU each."""
    started = start_cluster()
    yield started
    stop_cluster(started)


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short clips, one of half a minute, one that is broken, and a folder."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(4):
        write_clip(folder / f"clip {number}.mp4", [(2, 28 + 20 * number), (2, 130)], (32, 24))
    levels = [(1.7, (37 * number) % 200 + 20) for number in range(18)]
    write_clip(folder / "sub" / "long.mp4", levels, (32, 24))
    (folder / "broken.mp4").write_bytes(b"this is no video")
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder, with their content."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }
