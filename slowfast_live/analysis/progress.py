"""Progress of an analysis, shown as bars on a terminal or written line by line for another program."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import TracebackType
from typing import IO, Any, Protocol

from rich.console import Console
from rich.progress import TextColumn, TimeElapsedColumn, TimeRemainingColumn

from slowfast_live.export.subtitles import one_line
from slowfast_live.messages import parts_of
from slowfast_live.progress import JsonLines, TerminalProgress


@dataclass(frozen=True, slots=True)
class Step:
    """One progress report.

    Attributes:
        step: "start" (all files are known), "progress", "done", "skipped" (done in an earlier run), "failed" (one
            file), "notice" (something that concerns all files, such as a lost server), or "end" (no more reports
            follow).
        file: Path of the file that it is about; "" if it is about none.
        number: Number of the file, from 1.
        files: Number of files.
        fraction: Share of this file that is done, 0..1.
        overall: Share of all files that is done, 0..1, weighted by file size.
        message: One sentence for the user.
        events: Number of events found in this file, once it is done.
        report: Path of the report, with "end".
        parts: How `message` was made, for a window in another language; see `messages.parts_of`.
    """

    step: str
    file: str = ""
    number: int = 0
    files: int = 0
    fraction: float = 0.0
    overall: float = 0.0
    message: str = ""
    events: int | None = None
    report: str = ""
    parts: dict[str, Any] | None = None


class Reporter(Protocol):
    """Receives the progress of an analysis."""

    def report(self, step: Step) -> None:
        """Process one step; called often, so it must be fast."""
        ...

    def __enter__(self) -> Reporter:
        """Begin reporting."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End reporting, no matter how the analysis ended."""
        ...


class ConsoleReporter:
    """Prints one line per file and, on a terminal, two progress bars: for the current file and for all files."""

    def __init__(self, console: Console) -> None:
        percent = TextColumn("{task.percentage:>3.0f} %")
        self._shown = TerminalProgress(console, percent, TimeElapsedColumn(), TimeRemainingColumn())

    def report(self, step: Step) -> None:
        """See `Reporter.report`."""
        if step.step == "progress":
            name = one_line(step.file.replace("\\", "/").rpartition("/")[2])
            self._shown.bar("file", f"{name[:40]:<9}", step.fraction)
        elif step.message:
            style = {"failed": "red", "skipped": "yellow", "notice": "yellow", "done": "green"}.get(
                step.step, "default"
            )
            self._shown.sentence(step.message, style)
        if step.step in ("done", "failed", "skipped"):
            self._shown.remove_bar("file")
        if step.files > 1:
            self._shown.bar("all", f"file {step.number} of {step.files}" if step.number else "all files", step.overall)

    def __enter__(self) -> ConsoleReporter:
        self._shown.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.__exit__(kind, error, trace)


class JsonReporter:
    """Writes one JSON object per line with the fields of `Step`; progress is written at each percent of a file."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._lines = JsonLines(stream)
        self._reported = (-1, -1)

    def report(self, step: Step) -> None:
        """See `Reporter.report`."""
        percent = (step.number, int(step.fraction * 100))
        if step.step == "progress" and percent == self._reported:
            return
        self._reported = percent
        fraction, overall = round(step.fraction, 4), round(step.overall, 4)
        self._lines.write(replace(step, fraction=fraction, overall=overall, parts=parts_of(step.message)))

    def __enter__(self) -> JsonReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
