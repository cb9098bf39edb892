"""Progress of a command: sentences and bars for people, or one JSON object per line for another program."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import IO

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn

from slowfast_live.messages import as_text


class JsonLines:
    """Writes JSON objects, one per line, for a program that reads them as they come.

    Args:
        stream: Where to; standard output by default.
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout

    def write(self, line: object) -> None:
        """Write an object: a dataclass, a `msgspec.Struct` or a dict.

        Raises:
            KeyboardInterrupt: The reader has closed the pipe and wants no more: the command ends as with Ctrl-C.
        """
        try:
            self._stream.write(json.dumps(msgspec.to_builtins(line, enc_hook=as_text)) + "\n")
            self._stream.flush()
        except OSError as error:
            raise KeyboardInterrupt from error


class TerminalProgress:
    """Sentences and, on a terminal, progress bars below them. A context manager.

    Args:
        console: Where to.
        columns: Columns after description and bar; the share in percent by default.
    """

    def __init__(self, console: Console, *columns: ProgressColumn) -> None:
        self._console = console
        after = columns or (TextColumn("{task.percentage:>3.0f} %"),)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            *after,
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}

    def sentence(self, text: str, style: str = "default", where: str = "") -> None:
        """Print a sentence, in one line however long it is, so that an address in it can be copied.

        Args:
            text: The sentence.
            style: Color of `where`, or of the sentence if there is none.
            where: What the sentence is about, in a column of its own.
        """
        shown = f"[{style}]{where:<28}[/] {escape(text)}" if where else f"[{style}]{escape(text)}[/]"
        self._console.print(shown, highlight=False, soft_wrap=True)

    def bar(self, name: str, description: str, completed: float, total: float | None = 1.0) -> None:
        """Show a bar, or change it.

        Args:
            name: Identifies the bar.
            description: Text before it.
            completed: How much is done, in the units of `total`.
            total: How much there is; None if that is unknown.
        """
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task("", total=total)
        text = escape(description)
        self._bars.update(self._tasks[name], description=text, completed=completed, total=total)

    def remove_bar(self, name: str) -> None:
        """Remove a bar; has no effect if there is none."""
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))

    def __enter__(self) -> TerminalProgress:
        """Begin to show bars."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove all bars."""
        self._bars.stop()
