"""How long the app takes to start: the real program, again and again, with a cold and a warm cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from slowfast_live.bench.crew import AbsentError
from slowfast_live.bench.results import Figure, Start
from slowfast_live.inference.spec import Model
from slowfast_live.session_log import Summary

_ROOT = Path(__file__).resolve().parents[2]
_SPARE_S = 8.0
_PATIENCE_S = 120.0


def measure_start(
    model: Model, repeats: int, tell: Callable[[str, float], None], seconds: float | None = None
) -> tuple[Start, ...]:
    """Start the app with the demo and `model`; each repeat first with an empty cache, then with a filled one.

    Args:
        model: The model.
        repeats: How often.
        tell: Hears of the progress.
        seconds: How long each session lasts; long enough for a prediction where None.

    Raises:
        AbsentError: The program does not start here.
    """
    lasts_s = seconds if seconds is not None else model.spec.timing.span_s + _SPARE_S
    found: dict[Literal["cold", "warm"], list[Summary]] = {"cold": [], "warm": []}
    for number in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            for step, cache in enumerate(found):
                tell(f"start {number + 1} of {repeats}, {cache} cache", (2 * number + step) / (2 * repeats))
                found[cache].append(start_once(model, Path(folder), lasts_s))
    return tuple(_summed(model, cache, summaries) for cache, summaries in found.items())


def start_once(model: Model, home: Path, seconds: float) -> Summary:
    """Start the app once, offscreen, with settings and cache in `home`; return its session's summary.

    Raises:
        AbsentError: It does not start; the message is what it said.
    """
    log = home / "session.jsonl"
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA")}
    environment = {**os.environ, **folders, "SLOWFAST_LIVE_CACHE": str(home / "cache"), "QT_QPA_PLATFORM": "offscreen"}
    words = ["--source", "demo", "--model", str(model.folder), "--device", "CPU", "--session-log", str(log)]
    told = subprocess.run(
        [sys.executable, "-m", "slowfast_live", *words, "--quit-after", str(seconds)],
        env=environment,
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + _PATIENCE_S,
        check=False,
    )
    if told.returncode:
        raise AbsentError(f"The app does not start here: {told.stderr.strip().splitlines()[-1:] or told.returncode}")
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
