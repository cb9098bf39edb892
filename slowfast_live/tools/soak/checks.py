"""Measurements taken during a soak test, and the checks on them. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

GROWTH_MB_PER_MIN = 1.0
GROWTH_MB = 30.0
"""Total memory growth below this is insignificant: switching models alone moves memory by as much."""
MORE_THREADS = 4
MORE_HANDLES = 4
"""Recently replaced objects may still be closing; pools and decoders keep threads for a while."""
LONGEST_TURN_MS = 250.0
_MAX_PAIRS = 500


@dataclass(frozen=True, slots=True)
class Sample:
    """State of the app at one time.

    Attributes:
        t_s: Seconds since the window opened.
        rss_mb: Resident memory, in 1e6 bytes.
        threads: Threads of the process, including those of libraries.
        handles: Open files, sockets and pipes (Windows: handles).
        captured: Frames captured so far.
        shown: Frames painted so far.
        dropped: Frames dropped so far.
        predictions: Predictions so far.
        longest_turn_ms: Longest wall-clock time of one turn of the window's event loop so far.
        longest_work_ms: Longest processor time of one turn so far.
        acts: User actions so far.
        home: Whether the app had been returned to its initial state, so that such samples are comparable.
    """

    t_s: float
    rss_mb: float
    threads: int
    handles: int
    captured: int = 0
    shown: int = 0
    dropped: int = 0
    predictions: int = 0
    longest_turn_ms: float = 0.0
    longest_work_ms: float = 0.0
    acts: int = 0
    home: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check; `good` is None for a value that is only informative."""

    what: str
    measured: str
    limit: str = ""
    good: bool | None = None


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the median of the slopes between all pairs of points (Theil 1950, Sen 1968); 0 with fewer than two.

    It is robust: nearly a third of the points may be outliers, so a temporarily larger model does not count as growth.
    """
    if len(x) < 2:
        return 0.0
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MAX_PAIRS)).astype(int))
    xs, ys = np.asarray(x, float)[keep], np.asarray(y, float)[keep]
    one, other = np.triu_indices(len(xs), 1)
    run = xs[other] - xs[one]
    rises = (ys[other] - ys[one])[run > 0] / run[run > 0]
    return float(np.median(rises)) if len(rises) else 0.0


def judge(samples: Sequence[Sample], faults: Sequence[str], left: Sequence[str], ended: bool) -> list[Finding]:
    """Check the measurements.

    Args:
        samples: In order of time. The first one in the initial state ends the warm-up; earlier ones do not count.
        faults: Errors that were shown, logged or raised.
        left: Names of threads that outlived the window.
        ended: Whether the app returned to its initial state, and closed, on request.
    """
    homes = [sample for sample in samples if sample.home]
    counted = [sample for sample in samples if homes and sample.t_s >= homes[0].t_s]
    minutes = [sample.t_s / 60 for sample in counted]
    last = samples[-1] if samples else Sample(0, 0, 0, 0)
    growth = slope(minutes, [sample.rss_mb for sample in counted])
    span_min = minutes[-1] - minutes[0] if minutes else 0.0
    findings = [
        Finding(
            "memory growth",
            f"{growth:+.2f} MB/min over {span_min:.1f} min",
            f"{GROWTH_MB_PER_MIN:g} MB/min, or {GROWTH_MB:g} MB in all",
            bool(homes) and (growth <= GROWTH_MB_PER_MIN or growth * span_min <= GROWTH_MB),
        )
    ]
    if len(homes) > 1:
        first, end = homes[0], homes[-1]
        findings += [
            Finding("memory, same state", f"{first.rss_mb:.0f} -> {end.rss_mb:.0f} MB"),
            _compared("threads, same state", first.threads, end.threads, MORE_THREADS),
            _compared("handles, same state", first.handles, end.handles, MORE_HANDLES),
        ]
    share = last.dropped / last.captured if last.captured else 0.0
    findings += [
        Finding(
            "longest turn of the window",
            f"{last.longest_work_ms:.0f} ms of work ({last.longest_turn_ms:.0f} ms on the clock)",
            f"{LONGEST_TURN_MS:.0f} ms of work",
            last.longest_work_ms <= LONGEST_TURN_MS,
        ),
        Finding("frames", f"{last.captured} captured, {last.shown} shown, {last.dropped} dropped ({share:.1%})"),
        Finding("predictions", str(last.predictions), "at least 1", last.predictions > 0),
        Finding("errors", _listed(faults), "none", not faults),
        Finding("threads left behind", _listed(left), "none", not left),
        Finding("came back and closed", "yes" if ended else "no", "yes", ended),
    ]
    return findings


def holds(findings: Sequence[Finding]) -> bool:
    """Return whether no check failed."""
    return all(finding.good is not False for finding in findings)


def _compared(what: str, before: int, after: int, more: int) -> Finding:
    return Finding(what, f"{before} -> {after}", f"at most {more} more", after - before <= more)


def _listed(texts: Sequence[str]) -> str:
    return f"{len(texts)}: " + "; ".join(texts[:3]) if texts else "none"
