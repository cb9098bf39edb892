"""How an analysis says what it is doing: to a person with bars, or line by line to a program."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from slowfast_live.export.subtitles import one_line


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done.

    Attributes:
        step: "start" (all files are known), "progress", "done", "skipped" (it was done earlier), "failed" (one
            file), or "end" (nothing more will come).
        file: Path of the file that it is about, "" where it is about none.
        number: Which file, from 1.
        files: How many there are.
        fraction: How much of this file is done, 0..1.
        overall: How much of all is done, 0..1, weighted by the size of the files.
        message: One sentence for a person.
        events: Events found in this file, once it is done.
    """

    step: str
    file: str = ""
    number: int = 0
    files: int = 0
    fraction: float = 0.0
    overall: float = 0.0
    message: str = ""
    events: int | None = None


class Reporter(Protocol):
    """Receives an analysis' progress."""

    def report(self, step: Step) -> None:
        """Take one step in; called often, must be quick."""
        ...

    def __enter__(self) -> Reporter:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, however the analysis ended."""
        ...


class ConsoleReporter:
    """A line for each file, and two bars while a terminal watches: this file, and all of them."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        self._bars = Progress(
            *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True,
            disable=not console.is_terminal,
        )  # fmt: skip
        self._this = self._bars.add_task("", total=1.0, visible=False)
        self._all = self._bars.add_task("all files", total=1.0, visible=False)

    def report(self, step: Step) -> None:
        """See `Reporter.report`."""
        if step.step == "progress":
            name = one_line(step.file.replace("\\", "/").rpartition("/")[2])
            self._bars.update(self._this, description=escape(f"{name[:40]:<9}"), completed=step.fraction, visible=True)
        elif step.message:
            style = {"failed": "red", "skipped": "yellow", "done": "green"}.get(step.step, "default")
            self._console.print(f"[{style}]{escape(step.message)}[/]", highlight=False, soft_wrap=True)
        if step.step in ("done", "failed", "skipped"):
            self._bars.reset(self._this, visible=False)
        description = f"file {step.number} of {step.files}" if step.number else "all files"
        self._bars.update(self._all, description=description, completed=step.overall, visible=step.files > 1)

    def __enter__(self) -> ConsoleReporter:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


class JsonReporter:
    """One JSON object a line, with the fields of `Step`; progress each percent of a file."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._told = (-1, -1)

    def report(self, step: Step) -> None:
        """See `Reporter.report`."""
        percent = (step.number, int(step.fraction * 100))
        if step.step == "progress" and percent == self._told:
            return
        self._told = percent
        line = {
            "step": step.step,
            "file": step.file,
            "number": step.number,
            "files": step.files,
            "fraction": round(step.fraction, 4),
            "overall": round(step.overall, 4),
            "message": step.message,
            "events": step.events,
        }
        try:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
        except OSError as error:  # whoever listened is gone and wants no more: end as with Ctrl-C
            raise KeyboardInterrupt from error

    def __enter__(self) -> JsonReporter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
