"""Analysis in a child process, so that the window stays responsive. No Qt here."""

from __future__ import annotations

import logging
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from slowfast_live.analysis.command import INTERRUPTED, SOME_FAILED, AnalyzeOptions
from slowfast_live.analysis.names import absolute
from slowfast_live.analysis.progress import Step
from slowfast_live.child_process import ChildProcess
from slowfast_live.messages import Message, message_of, system_reason

log = logging.getLogger(__name__)

PROGRAM = (sys.executable, "-m", "slowfast_live")
_LOG_LINES = 200


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How an analysis ended.

    Attributes:
        complete: All files are done.
        cancelled: The analysis was canceled before it was complete.
        message: One sentence for the user.
        report: Path of the report, if there is one.
        log: The last lines that the program wrote besides its progress.
    """

    complete: bool
    cancelled: bool
    message: str
    report: Path | None
    log: str = ""


def words(order: AnalyzeOptions) -> list[str]:
    """Return the command line for the given options, with progress as JSON lines."""
    settings, outputs = order.settings, order.outputs
    line = ["analyze", "--progress", "json", "--stride", f"{settings.stride_s:g}", "--views", str(settings.views)]
    line += ["--device", order.device, "--out", absolute(outputs.folder), "--format", ",".join(outputs.formats)]
    if order.model is not None:
        line += ["--model", order.model]
    if settings.threshold is not None:
        line += ["--threshold", f"{settings.threshold:g}"]
    if settings.section_s is not None:
        line += ["--from", f"{settings.section_s[0]:g}", "--to", f"{settings.section_s[1]:g}"]
    if settings.picture_rate is not None:
        line += ["--picture-rate", f"{settings.picture_rate:g}"]
    if settings.people:
        line += ["--people", settings.people]
    if outputs.annotate:
        line.append("--annotate")
    return [*line, "--", *map(absolute, order.given)]


class AnalysisJob:
    """One analysis, from `start` until `on_end` is called.

    Args:
        order: What to analyze.
        on_step: Receives each progress step; called from a thread of the job.
        on_end: Receives the outcome, once, after the last step; called from a thread of the job.
        program: The command-line program and its first arguments.
    """

    def __init__(
        self,
        order: AnalyzeOptions,
        on_step: Callable[[Step], None],
        on_end: Callable[[JobEnd], None],
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.order = order
        self._on_step, self._on_end = on_step, on_end
        self._program = ChildProcess([*program, *words(order)], self._take, self._log_lines, self._end)
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._last = Step("start")

    def start(self) -> None:
        """Start the analysis; returns immediately."""
        self._program.start()

    def cancel(self) -> None:
        """Ask the analysis to stop soon and to report on what is done. Thread-safe; may be called more than once."""
        self._program.cancel()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until `on_end` was called; return False on timeout."""
        return self._program.join(timeout_s)

    def _end(self, code: int | OSError) -> None:
        if isinstance(code, OSError):
            text = Message("{program} cannot be started: {reason}.", program=code.filename, reason=system_reason(code))
            self._on_end(JobEnd(False, False, text, None))
            return
        report = Path(self._last.report) if self._last.report else None
        self._on_end(
            JobEnd(
                complete=code == 0,
                cancelled=self._program.cancelled and code not in (0, SOME_FAILED),
                message=self._message(code),
                report=report if report is not None and report.is_file() else None,
                log="\n".join(self._log),
            )
        )

    def _log_lines(self, lines: list[str]) -> None:
        self._log.extend(lines)

    def _take(self, lines: list[str]) -> None:
        for line in lines:
            self._take_line(line)

    def _take_line(self, line: str) -> None:
        try:
            step = msgspec.json.decode(line, type=Step)
        except msgspec.DecodeError:
            self._log.append(line.rstrip())
            return
        step = replace(step, message=message_of(step.parts, step.message))
        self._last = step
        self._on_step(step)

    def _message(self, code: int) -> str:
        if self._last.step == "end":
            return self._last.message
        if code == INTERRUPTED or self._program.cancelled:
            return Message(
                "The analysis was canceled. Finished results are kept; starting it again continues from there."
            )
        last = next((line for line in reversed(self._log) if line.strip()), "")
        return last.removeprefix("slowfast-live: ") or Message(
            "The analysis ended early (exit code {code}).", code=code
        )
