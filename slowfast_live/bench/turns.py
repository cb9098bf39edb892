"""The contender's side: it gets ready, says so, and runs for some seconds whenever it is told to.

Orders come as JSON lines on standard input, answers leave as JSON lines on what was standard output: `{"ready":
Facts}` or `{"failed": "..."}` first, then `{"reading": Reading}` for each order `{"seconds": s}`. The end of the
input ends the process.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import IO, Protocol

import msgspec
import psutil

from slowfast_live.bench.results import Facts, Reading
from slowfast_live.core.meters import Distribution
from slowfast_live.errors import SlowFastLiveError

_PR_SET_PDEATHSIG = 1
"""Linux: the signal that a process gets when its parent ends."""


class Contender(Protocol):
    """One way to run a network."""

    def facts(self) -> Facts:
        """Say what it is, once it is ready to run."""
        ...

    def run(self, seconds: float) -> Reading:
        """Run for about so long and say what came of it."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


class Order(msgspec.Struct, frozen=True):
    """Run for so long."""

    seconds: float


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a contender; one of the three is set."""

    ready: Facts | None = None
    reading: Reading | None = None
    failed: str | None = None


def repeat(
    predict: Callable[[], object],
    seconds: float,
    clock_s: Callable[[], float] = time.perf_counter,
    cpu_s: Callable[[], float] = time.process_time,
) -> Reading:
    """Call `predict` again and again for `seconds`, at least once, after one call that does not count.

    Args:
        predict: Classifies one clip and returns when that is done.
        seconds: A prediction that has begun is finished.
        clock_s: Wall-clock time.
        cpu_s: Processor time of the process.
    """
    predict()
    times = Distribution()
    begin_s, begin_cpu_s = clock_s(), cpu_s()
    end_s = begin_s
    while times.count == 0 or end_s - begin_s < seconds:
        start_s = clock_s()
        predict()
        end_s = clock_s()
        times.add(1000 * (end_s - start_s))
    elapsed_s = max(end_s - begin_s, 1e-9)
    return Reading(
        predictions=times.count,
        elapsed_s=elapsed_s,
        per_s=times.count / elapsed_s,
        clip_ms=times.percentile(50),
        cpu_s=cpu_s() - begin_cpu_s,
        rss_mb=rss_mb(),
    )


def rss_mb() -> float:
    """Return the resident memory of this process, in 1e6 bytes."""
    return float(psutil.Process().memory_info().rss) / 1e6


def end_with_parent() -> None:
    """Have the system end this process with the benchmark, even while it is held. Linux only; others leave it to us."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def own_output() -> IO[bytes]:
    """Keep standard output for answers: whatever libraries print goes to standard error from now on."""
    kept = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return kept


def serve(make: Callable[[], Contender], orders: IO[bytes], answers: IO[bytes]) -> None:
    """Make a contender and serve orders until there are no more."""

    def tell(answer: Answer) -> None:
        answers.write(msgspec.json.encode(answer) + b"\n")

    try:
        contender = make()
    except SlowFastLiveError as error:
        tell(Answer(failed=error.message))
        return
    except Exception as error:  # noqa: BLE001 - another library's failure is a reason to leave it out
        tell(Answer(failed=f"{type(error).__name__}: {error}"))
        return
    try:
        tell(Answer(ready=contender.facts()))
        for line in orders:
            order = msgspec.json.decode(line, type=Order)
            try:
                tell(Answer(reading=contender.run(order.seconds)))
            except Exception as error:  # noqa: BLE001 - likewise
                tell(Answer(failed=f"{type(error).__name__}: {error}"))
                return
    finally:
        contender.close()
