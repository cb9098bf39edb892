"""The benchmark's side: contenders in processes of their own, of which one runs and the others are held."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import psutil

from slowfast_live.bench.results import Facts, Reading
from slowfast_live.bench.turns import Answer, Order
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.inference.precision import short_precision

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 20.0


class AbsentError(SlowFastLiveError):
    """A contender cannot take part; the message says why."""


class Player(Protocol):
    """A contender as the benchmark sees it."""

    def prepare(self) -> Facts:
        """Get ready, then stand still.

        Raises:
            AbsentError: It cannot take part.
        """
        ...

    def turn(self, seconds: float) -> Reading:
        """Run for about so long, then stand still.

        Raises:
            AbsentError: It broke.
        """
        ...

    def close(self) -> None:
        """End it. Never raises."""
        ...


class ProcessPlayer:
    """A contender that serves orders (see `slowfast_live.bench.turns`) in a process, held between its turns.

    Args:
        module: Python module that serves.
        arguments: Its arguments.
        environment: Variables to set.
    """

    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._command = [sys.executable, "-m", module, *arguments]
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`

    def prepare(self) -> Facts:
        """See `Player.prepare`."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=self._environment,
            cwd=_ROOT,
            # In a group of its own: Ctrl-C reaches the benchmark, which ends its contenders.
            process_group=0 if os.name == "posix" else None,
        )
        answer = self._answer()
        if answer.ready is None:
            raise AbsentError(answer.failed or "It did not get ready.")
        self._hold()
        return answer.ready

    def turn(self, seconds: float) -> Reading:
        """See `Player.turn`."""
        process = self._running()
        assert process.stdin is not None
        psutil.Process(process.pid).resume()
        process.stdin.write(msgspec.json.encode(Order(seconds)) + b"\n")
        process.stdin.flush()
        answer = self._answer()
        if answer.reading is None:
            raise AbsentError(answer.failed or "It gave no reading.")
        self._hold()
        return answer.reading

    def close(self) -> None:
        """See `Player.close`."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(psutil.Error):
                psutil.Process(process.pid).resume()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._errors.close()

    def _hold(self) -> None:
        psutil.Process(self._running().pid).suspend()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AbsentError("It is not running.")
        return self._process

    def _answer(self) -> Answer:
        process = self._running()
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AbsentError(f"Its process ended early, exit code {process.wait()}: {self._last_error()}")
        try:
            return msgspec.json.decode(line, type=Answer)
        except msgspec.DecodeError as error:
            raise AbsentError(f"Its process answered {line[:200]!r}.") from error

    def _last_error(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


class BenchmarkAppPlayer:
    """OpenVINO's own benchmark_app, run anew for each turn; its figure does not count loading and compiling.

    Args:
        program: Where it is; None where it is not installed.
        model: `model.xml`.
        device: OpenVINO's name.
        hint: "latency" or "throughput".
    """

    def __init__(self, program: str | None, model: Path, device: str, hint: str) -> None:
        self._program, self._model, self._device, self._hint = program, model, device, hint

    def prepare(self) -> Facts:
        """See `Player.prepare`; runs it once, for what it says of itself."""
        if self._program is None:
            raise AbsentError("benchmark_app is not installed; it comes with `pip install openvino`.")
        return benchmark_app_facts(self._run(1.0)[1])

    def turn(self, seconds: float) -> Reading:
        """See `Player.turn`."""
        return benchmark_app_reading(self._run(seconds)[0])

    def close(self) -> None:
        """See `Player.close`: nothing runs between the turns."""

    def _run(self, seconds: float) -> tuple[bytes, str]:
        """Return its JSON report and what it printed."""
        assert self._program is not None
        with tempfile.TemporaryDirectory() as folder:
            words = [self._program, "-m", str(self._model), "-d", self._device, "-hint", self._hint]
            words += ["-t", str(max(1, round(seconds))), "-json_stats", "-report_type", "no_counters"]
            told = subprocess.run(
                [*words, "-report_folder", folder], capture_output=True, text=True, errors="replace", check=False
            )
            report = Path(folder) / "benchmark_report.json"
            if told.returncode or not report.is_file():
                lines = [line for line in (told.stderr + told.stdout).splitlines() if line.strip()]
                raise AbsentError(f"benchmark_app failed: {lines[-1] if lines else 'it said nothing'}")
            return report.read_bytes(), told.stdout


class _Execution(msgspec.Struct, frozen=True):
    """The part of benchmark_app's report that matters here; it writes numbers as strings."""

    elapsed_ms: float = msgspec.field(name="total execution time (ms)")
    iterations: int = msgspec.field(name="total number of iterations")
    median_ms: float = msgspec.field(name="latency (ms)")
    per_s: float = msgspec.field(name="throughput")


def benchmark_app_reading(report: bytes) -> Reading:
    """Read benchmark_app's JSON report.

    Raises:
        AbsentError: It lacks a figure.
    """
    try:
        told = msgspec.json.decode(report)
        execution = msgspec.convert(told["execution_results"], _Execution, strict=False)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise AbsentError(f"benchmark_app's report cannot be read: {error}.") from error
    return Reading(
        predictions=execution.iterations,
        elapsed_s=execution.elapsed_ms / 1000,
        per_s=execution.per_s,
        clip_ms=execution.median_ms,
    )


def benchmark_app_facts(printed: str) -> Facts:
    """Read from what benchmark_app prints how it ran."""
    found = dict(re.findall(r"(INFERENCE_PRECISION_HINT|INFERENCE_NUM_THREADS|NUM_STREAMS): (.+)", printed))
    threads, streams = (found.get(key, "").strip() for key in ("INFERENCE_NUM_THREADS", "NUM_STREAMS"))
    return Facts(
        computes_in=short_precision(found.get("INFERENCE_PRECISION_HINT", "")),
        threads=int(threads) if threads.isdigit() else None,
        streams=int(streams) if streams.isdigit() else None,
    )
