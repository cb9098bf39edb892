"""How a build says what it is doing: to a person, or line by line to a program."""

from __future__ import annotations

import json
import sys
from typing import IO, Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class Reporter(Protocol):
    """Receives a build's progress."""

    def report(self, step: str, *, model: str = "", precision: str = "", fraction: float = 0.0, message: str) -> None:
        """Say what is going on.

        Args:
            step: One word: "download", "load", "export", "convert", "quantise", "measure", "write", "skip",
                "done", "failed".
            model: Name of the model; empty where it is about none.
            precision: "FP32", "FP16", "INT8"; empty where it is about all.
            fraction: How much of this model is done, 0..1; of the file while it is downloaded.
            message: One sentence for a person.
        """

    def bytes_received(self, model: str, received: int, total: int | None) -> None:
        """Say how much of a download is there, in bytes; `total` is None where the server does not say."""


class ConsoleReporter:
    """Writes sentences, and a bar for downloads, to a terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: Progress | None = None

    def report(self, step: str, *, model: str = "", precision: str = "", fraction: float = 0.0, message: str) -> None:
        """See `Reporter.report`."""
        self._close_bar()
        where = " ".join(part for part in (model, precision) if part)
        style = {"failed": "red", "done": "green", "skip": "yellow"}.get(step, "cyan")
        # Unwrapped: an address that is cut into lines cannot be copied.
        self.console.print(f"[{style}]{where:<28}[/] {escape(message)}", highlight=False, soft_wrap=True)

    def bytes_received(self, model: str, received: int, total: int | None) -> None:
        """See `Reporter.bytes_received`."""
        if self._bar is None:
            columns = (TextColumn("{task.description:<28}"), BarColumn(), DownloadColumn())
            self._bar = Progress(*columns, TransferSpeedColumn(), console=self.console, transient=True)
            self._bar.add_task(model, total=total)
            self._bar.start()
        task = self._bar.task_ids[0]
        self._bar.update(task, completed=received, total=total)
        if total is not None and received >= total:
            self._close_bar()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class JsonReporter:
    """Writes one JSON object a line: {"step", "model", "precision", "fraction", "message"}."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._last_percent = -1

    def report(self, step: str, *, model: str = "", precision: str = "", fraction: float = 0.0, message: str) -> None:
        """See `Reporter.report`."""
        line = {
            "step": step,
            "model": model,
            "precision": precision,
            "fraction": round(fraction, 4),
            "message": message,
        }
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()

    def bytes_received(self, model: str, received: int, total: int | None) -> None:
        """See `Reporter.bytes_received`; one line a percent (a megabyte where the total is unknown)."""
        part = received * 100 // total if total else received >> 20
        if part == self._last_percent:
            return
        self._last_percent = part
        of = f" of {total / 1e6:.1f}" if total else ""
        message = f"{received / 1e6:.1f}{of} MB"
        self.report("download", model=model, fraction=received / total if total else 0.0, message=message)
