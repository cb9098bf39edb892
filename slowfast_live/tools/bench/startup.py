"""Measures the startup time of the real program over several starts, with a cold and a warm cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from slowfast_live import paths
from slowfast_live.inference.spec import Model
from slowfast_live.session_log import Summary
from slowfast_live.tools.bench.processes import AbsentError
from slowfast_live.tools.bench.results import Figure, Start

_SPARE_S = 8.0
_PATIENCE_S = 120.0


def measure_start(
    model: Model, repeats: int, on_progress: Callable[[str, float], None], seconds: float | None = None
) -> tuple[Start, ...]:
    """Start the app with the demo and `model`; each repeat first with an empty cache, then with a filled one.

    Args:
        model: The model.
        repeats: Number of repeats.
        on_progress: Receives the progress.
        seconds: Duration of each run; None for long enough to get a prediction.

    Raises:
        AbsentError: The program does not start on this machine.
    """
    lasts_s = seconds if seconds is not None else model.spec.timing.span_s + _SPARE_S
    found: dict[Literal["cold", "warm"], list[Summary]] = {"cold": [], "warm": []}
    for number in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            for step, cache in enumerate(found):
                on_progress(f"start {number + 1} of {repeats}, {cache} cache", (2 * number + step) / (2 * repeats))
                found[cache].append(start_once(model, Path(folder), lasts_s))
    return tuple(_summed(model, cache, summaries) for cache, summaries in found.items())


def start_once(model: Model, home: Path, seconds: float) -> Summary:
    """Start the app once, offscreen, with settings and cache in `home`; return the summary of its run.

    Raises:
        AbsentError: It does not start; the message is its error output.
    """
    log = home / "session.jsonl"
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA")}
    environment = {**os.environ, **folders, "SLOWFAST_LIVE_CACHE": str(home / "cache"), "QT_QPA_PLATFORM": "offscreen"}
    words = ["--source", "demo", "--model", str(model.folder), "--device", "CPU", "--session-log", str(log)]
    finished = subprocess.run(
        [sys.executable, "-m", "slowfast_live", *words, "--quit-after", str(seconds)],
        env=environment,
        cwd=paths.ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + _PATIENCE_S,
        check=False,
    )
    if finished.returncode:
        raise AbsentError(
            f"The app does not start here: {finished.stderr.strip().splitlines()[-1:] or finished.returncode}"
        )
    return msgspec.json.decode(log.read_bytes().splitlines()[-1], type=Summary)


def _summed(model: Model, cache: Literal["cold", "warm"], summaries: list[Summary]) -> Start:
    return Start(
        model.name,
        cache,
        Figure.of(s.first_frame_s for s in summaries),
        Figure.of(s.first_prediction_s for s in summaries),
        model.spec.timing.span_s,
        Figure.of(s.rss_mb_end for s in summaries),
    )
