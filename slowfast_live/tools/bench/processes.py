"""The benchmark's side: runs contenders in separate processes, one at a time while the others are suspended."""

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

from slowfast_live import paths
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.inference.precision import short_precision
from slowfast_live.tools.bench.protocol import RunCommand, TurnAnswer
from slowfast_live.tools.bench.results import Facts, Measurement

_PATIENCE_S = 20.0


class AbsentError(SlowFastLiveError):
    """A contender cannot take part; the message says why."""


class Player(Protocol):
    """Interface of a contender to the benchmark."""

    def prepare(self) -> Facts:
        """Prepare to run, then suspend.

        Raises:
            AbsentError: It cannot take part.
        """
        ...

    def turn(self, seconds: float) -> Measurement:
        """Run for about this long, then suspend.

        Raises:
            AbsentError: It failed.
        """
        ...

    def close(self) -> None:
        """End the contender. Never raises."""
        ...


class ProcessPlayer:
    """A contender in a process of its own, suspended between turns; see `slowfast_live.tools.bench.protocol`.

    Args:
        module: Python module to run.
        arguments: Its arguments.
        environment: Environment variables to set.
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
            cwd=paths.ROOT,
            # In a process group of its own: Ctrl-C reaches only the benchmark, which then ends its contenders.
            process_group=0 if os.name == "posix" else None,
        )
        answer = self._answer()
        if answer.ready is None:
            raise AbsentError(answer.failed or "It did not get ready.")
        self._hold()
        return answer.ready

    def turn(self, seconds: float) -> Measurement:
        """See `Player.turn`."""
        process = self._running()
        assert process.stdin is not None
        psutil.Process(process.pid).resume()
        process.stdin.write(msgspec.json.encode(RunCommand(seconds)) + b"\n")
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

    def _answer(self) -> TurnAnswer:
        process = self._running()
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AbsentError(f"Its process ended early, exit code {process.wait()}: {self._last_error()}")
        try:
            return msgspec.json.decode(line, type=TurnAnswer)
        except msgspec.DecodeError as error:
            raise AbsentError(f"Its process answered {line[:200]!r}.") from error

    def _last_error(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


class BenchmarkAppPlayer:
    """OpenVINO's own benchmark_app, restarted for each turn; its results exclude loading and compiling.

    Args:
        program: Path of the program; None if it is not installed.
        model: `model.xml`.
        device: OpenVINO device name.
        hint: "latency" or "throughput".
    """

    def __init__(self, program: str | None, model: Path, device: str, hint: str) -> None:
        self._program, self._model, self._device, self._hint = program, model, device, hint

    def prepare(self) -> Facts:
        """See `Player.prepare`; runs it once to read the facts that it prints."""
        if self._program is None:
            raise AbsentError("benchmark_app is not installed; it comes with `pip install openvino`.")
        return benchmark_app_facts(self._run(1.0)[1])

    def turn(self, seconds: float) -> Measurement:
        """See `Player.turn`."""
        return benchmark_app_reading(self._run(seconds)[0])

    def close(self) -> None:
        """See `Player.close`; nothing runs between turns."""

    def _run(self, seconds: float) -> tuple[bytes, str]:
        """Return its JSON report and its printed output."""
        assert self._program is not None
        with tempfile.TemporaryDirectory() as folder:
            words = [self._program, "-m", str(self._model), "-d", self._device, "-hint", self._hint]
            words += ["-t", str(max(1, round(seconds))), "-json_stats", "-report_type", "no_counters"]
            finished = subprocess.run(
                [*words, "-report_folder", folder], capture_output=True, text=True, errors="replace", check=False
            )
            report = Path(folder) / "benchmark_report.json"
            if finished.returncode or not report.is_file():
                lines = [line for line in (finished.stderr + finished.stdout).splitlines() if line.strip()]
                raise AbsentError(f"benchmark_app failed: {lines[-1] if lines else 'it said nothing'}")
            return report.read_bytes(), finished.stdout


class _Execution(msgspec.Struct, frozen=True):
    """The relevant part of benchmark_app's report, which contains numbers as strings."""

    elapsed_ms: float = msgspec.field(name="total execution time (ms)")
    iterations: int = msgspec.field(name="total number of iterations")
    median_ms: float = msgspec.field(name="latency (ms)")
    per_s: float = msgspec.field(name="throughput")


def benchmark_app_reading(report: bytes) -> Measurement:
    """Parse benchmark_app's JSON report.

    Raises:
        AbsentError: A value is missing.
    """
    try:
        finished = msgspec.json.decode(report)
        execution = msgspec.convert(finished["execution_results"], _Execution, strict=False)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise AbsentError(f"benchmark_app's report cannot be read: {error}.") from error
    return Measurement(
        predictions=execution.iterations,
        elapsed_s=execution.elapsed_ms / 1000,
        per_s=execution.per_s,
        clip_ms=execution.median_ms,
    )


def benchmark_app_facts(printed: str) -> Facts:
    """Parse from benchmark_app's printed output how it ran."""
    found = dict(re.findall(r"(INFERENCE_PRECISION_HINT|INFERENCE_NUM_THREADS|NUM_STREAMS): (.+)", printed))
    threads, streams = (found.get(key, "").strip() for key in ("INFERENCE_NUM_THREADS", "NUM_STREAMS"))
    return Facts(
        execution_precision=short_precision(found.get("INFERENCE_PRECISION_HINT", "")),
        threads=int(threads) if threads.isdigit() else None,
        streams=int(streams) if streams.isdigit() else None,
    )
