"""A worker, a machine or the command itself is killed at a random moment: the same files come out.

Three rounds by default; `-m cluster_chaos` runs twenty.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from slowfast_live import cli
from tests.cluster.conftest import start_cluster, started, stop_cluster, tree

ROOT = Path(__file__).resolve().parents[2]
VICTIMS = ("worker", "machine", "command")
ROUNDS = [
    *(pytest.param(victim, seed, id=victim) for seed, victim in enumerate(VICTIMS)),
    *(
        pytest.param(VICTIMS[seed % 3], seed, id=f"{VICTIMS[seed % 3]}-{seed}", marks=pytest.mark.cluster_chaos)
        for seed in range(3, 20)
    ),
]

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="processes are killed with SIGKILL"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def machines() -> Iterator[Any]:
    started = start_cluster(2)
    yield started
    stop_cluster(started)


@pytest.fixture(scope="module")
def expected(films: Path, tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("single")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
        words = ["--model", "tiny_short-fp32", "--stride", "0.25", "--out", str(out), str(films)]
        assert cli.main(["analyze", *words]) == 1
    return tree(out)


def workers() -> list[psutil.Process]:
    """The processes of this test's cluster that are at work on a task."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if (process.cmdline() or [""])[0].startswith(("ray::analyze_", "ray::finish_")):
                found.append(process)
    return found


@pytest.mark.parametrize(("victim", "seed"), ROUNDS)
def test_something_is_killed(
    victim: str, seed: int, machines: Any, films: Path, expected: dict[str, bytes], tiny_models: Path, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    command = [sys.executable, "-m", "tests.cluster.driver", "--out", str(tmp_path), "--cluster", machines.address]
    environment = {**os.environ, "SLOWFAST_LIVE_MODELS": str(tiny_models), "PYTHONPATH": str(ROOT)}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, str(films)],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    running = start()
    deadline_s = time.monotonic() + 120
    while not workers() and running.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.05)
    time.sleep(chance.uniform(0, 6))
    if victim == "worker":
        for process in chance.sample(alive := workers(), min(1, len(alive))):
            with contextlib.suppress(psutil.Error):
                process.kill()
    elif victim == "machine":
        machines.remove_node(chance.choice(sorted(machines.worker_nodes, key=id)), allow_graceful=False)
        started(lambda: machines.add_node(num_cpus=1))
    else:
        running.send_signal(signal.SIGKILL)
        running.communicate()
        running = start()
    said, _ = running.communicate(timeout=500)
    assert running.returncode == 1, said  # one film is broken
    found = tree(tmp_path)
    assert found.keys() == expected.keys(), said
    assert [name for name in found if found[name] != expected[name]] == [], said
