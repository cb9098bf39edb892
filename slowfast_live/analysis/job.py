"""An analysis in a process of its own, for a window that goes on meanwhile. No Qt here."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import psutil

from slowfast_live.analysis.command import INTERRUPTED, SOME_FAILED, Order
from slowfast_live.analysis.names import absolute
from slowfast_live.analysis.progress import Step

log = logging.getLogger(__name__)

PROGRAM = (sys.executable, "-m", "slowfast_live")
PATIENCE_S = 5.0
"""So long a cancelled analysis may take to end before it is killed; killed or not, what is done stays done."""
_LOG_LINES = 200
_NICE = 10


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How an analysis ended.

    Attributes:
        complete: All files are done.
        cancelled: It was ended before.
        message: One sentence for the user.
        report: The report, where there is one.
        log: The last lines that the program wrote beside its progress.
    """

    complete: bool
    cancelled: bool
    message: str
    report: Path | None
    log: str = ""


def words(order: Order) -> list[str]:
    """Return the command line that carries an order out, with progress as JSON lines."""
    settings, outputs = order.settings, order.outputs
    line = ["analyze", "--progress", "json", "--stride", f"{settings.stride_s:g}", "--views", str(settings.views)]
    line += ["--device", order.device, "--out", absolute(outputs.folder), "--format", ",".join(outputs.formats)]
    if order.model is not None:
        line += ["--model", order.model]
    if settings.threshold is not None:
        line += ["--threshold", f"{settings.threshold:g}"]
    if outputs.annotate:
        line.append("--annotate")
    return [*line, "--", *map(absolute, order.given)]


class AnalysisJob:
    """One analysis, from `start` to the one call of `on_end`.

    Args:
        order: What to analyze.
        on_step: Told each step; called from a thread of the job.
        on_end: Told how it ended, once, after the last step; called from a thread of the job.
        program: The command line program and its first arguments.
    """

    def __init__(
        self,
        order: Order,
        on_step: Callable[[Step], None],
        on_end: Callable[[JobEnd], None],
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.order = order
        self._on_step, self._on_end = on_step, on_end
        self._program = tuple(program)
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._cancelled = False
        self._killer: threading.Timer | None = None
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._last = Step("start")
        self._thread = threading.Thread(target=self._listen, name="analysis", daemon=True)

    def start(self) -> None:
        """Start; returns at once."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to end: soon, with a report of what is done. Any thread; may be called twice."""
        with self._lock:
            if self._cancelled:
                return
            self._cancelled = True
            self._ask_to_end()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until `on_end` was called; False where it was not within `timeout_s`."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _ask_to_end(self) -> None:
        """Called with the lock held."""
        if self._process is None:
            return
        with contextlib.suppress(OSError, ValueError):
            self._process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
        self._killer = threading.Timer(PATIENCE_S, self._process.kill)
        self._killer.daemon = True
        self._killer.start()

    def _listen(self) -> None:
        try:
            code = self._run()
        except OSError as error:
            self._on_end(JobEnd(False, False, f"{self._program[0]} cannot be started: {error.strerror}.", None))
            return
        report = self.order.outputs.folder / "report.html"
        there = report if self._last.step == "end" and report.is_file() else None
        self._on_end(
            JobEnd(
                complete=code == 0,
                cancelled=self._cancelled and code not in (0, SOME_FAILED),
                message=self._message(code),
                report=there,
                log="\n".join(self._log),
            )
        )

    def _run(self) -> int:
        with subprocess.Popen(
            [*self._program, *words(self.order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"},
            cwd=Path(__file__).resolve().parents[2],
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        ) as process:
            with contextlib.suppress(psutil.Error, OSError):  # what runs in the window goes first
                psutil.Process(process.pid).nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", _NICE))
            with self._lock:
                self._process = process
                if self._cancelled:
                    self._ask_to_end()
            assert process.stdout is not None and process.stderr is not None
            errors = threading.Thread(target=self._keep, args=(process.stderr,), daemon=True)
            errors.start()
            for line in process.stdout:
                self._told(line)
            errors.join()
            code = process.wait()
        with self._lock:
            self._process = None
            if self._killer is not None:
                self._killer.cancel()
        return code

    def _keep(self, stream: IO[str]) -> None:
        self._log.extend(line.rstrip() for line in stream)

    def _told(self, line: str) -> None:
        try:
            step = msgspec.json.decode(line, type=Step)
        except msgspec.DecodeError:
            self._log.append(line.rstrip())
            return
        self._last = step
        self._on_step(step)

    def _message(self, code: int) -> str:
        if self._last.step == "end":
            return self._last.message
        if code == INTERRUPTED or self._cancelled:
            return "The analysis was cancelled. What is done is kept; the same analysis goes on from there."
        told = next((line for line in reversed(self._log) if line.strip()), "")
        return told.removeprefix("slowfast-live: ") or f"The analysis ended early (exit code {code})."
