"""The contender's side: it prepares, reports that it is ready, and runs for some seconds whenever it is asked to.

Commands are JSON lines on standard input, answers are JSON lines on the original standard output: first `{"ready":
Facts}` or `{"failed": "..."}`, then `{"reading": Measurement}` for each command `{"seconds": s}`. The process ends at
the end of its input.
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

from slowfast_live.core.meters import Distribution
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.messages import as_text
from slowfast_live.tools.bench.results import Facts, Measurement

_PR_SET_PDEATHSIG = 1
"""Linux: sets the signal that a process receives when its parent ends."""


class Contender(Protocol):
    """One way to run a network."""

    def facts(self) -> Facts:
        """Return facts about the contender; called once it is ready to run."""
        ...

    def run(self, seconds: float) -> Measurement:
        """Run for about this long and return the measurement."""
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


class RunCommand(msgspec.Struct, frozen=True):
    """Command to run for this long."""

    seconds: float


class TurnAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line from a contender; exactly one of the three fields is set."""

    ready: Facts | None = None
    reading: Measurement | None = None
    failed: str | None = None


def repeat(
    predict: Callable[[], object],
    seconds: float,
    clock_s: Callable[[], float] = time.perf_counter,
    cpu_s: Callable[[], float] = time.process_time,
) -> Measurement:
    """Call `predict` repeatedly for `seconds`, at least once, after one warm-up call that does not count.

    Args:
        predict: Classifies one clip and returns when that is done.
        seconds: Duration; a prediction that has begun is finished.
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
    return Measurement(
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
    """Have the system end this process together with the benchmark, even while it is suspended.

    Linux only; on other systems the benchmark has to do it.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def own_output() -> IO[bytes]:
    """Reserve standard output for answers: whatever libraries print goes to standard error from now on."""
    kept = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return kept


def serve(make: Callable[[], Contender], orders: IO[bytes], answers: IO[bytes]) -> None:
    """Create a contender and serve commands until the input ends."""

    def send(answer: TurnAnswer) -> None:
        answers.write(msgspec.json.encode(answer, enc_hook=as_text) + b"\n")

    try:
        contender = make()
    except SlowFastLiveError as error:
        send(TurnAnswer(failed=error.message))
        return
    except Exception as error:  # noqa: BLE001 - another library's failure is a reason to leave it out
        send(TurnAnswer(failed=f"{type(error).__name__}: {error}"))
        return
    try:
        send(TurnAnswer(ready=contender.facts()))
        for line in orders:
            order = msgspec.json.decode(line, type=RunCommand)
            try:
                send(TurnAnswer(reading=contender.run(order.seconds)))
            except Exception as error:  # noqa: BLE001 - likewise
                send(TurnAnswer(failed=f"{type(error).__name__}: {error}"))
                return
    finally:
        contender.close()
