"""Progress of a build, shown to a person or written line by line for another program."""

from __future__ import annotations

from typing import IO, Protocol

from rich.console import Console
from rich.progress import DownloadColumn, TransferSpeedColumn

from slowfast_live.progress import JsonLines, TerminalProgress


class BuildReporter(Protocol):
    """Receives the progress of a build."""

    def report(self, step: str, *, model: str = "", precision: str = "", fraction: float = 0.0, message: str) -> None:
        """Report the current step.

        Args:
            step: One word: "download", "load", "export", "convert", "quantise", "measure", "write", "skip", "done",
                "failed".
            model: Name of the model; "" if the step concerns none.
            precision: "FP32", "FP16", "INT8"; "" if the step concerns all.
            fraction: Share of this model that is done, 0..1; of the file during a download.
            message: One sentence for the user.
        """

    def bytes_received(self, model: str, received: int, total: int | None) -> None:
        """Report the bytes received of a download; `total` is None if the server does not state it."""


class BuildConsoleReporter:
    """Writes sentences, and a progress bar for downloads, to a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._download: TerminalProgress | None = None

    def report(self, step: str, *, model: str = "", precision: str = "", fraction: float = 0.0, message: str) -> None:
        """See `BuildReporter.report`."""
        self._close_bar()
        where = " ".join(part for part in (model, precision) if part)
        style = {"failed": "red", "done": "green", "skip": "yellow"}.get(step, "cyan")
        TerminalProgress(self._console).sentence(message, style, where or " ")

    def bytes_received(self, model: str, received: int, total: int | None) -> None:
        """See `BuildReporter.bytes_received`."""
        if self._download is None:
            self._download = TerminalProgress(self._console, DownloadColumn(), TransferSpeedColumn()).__enter__()
        self._download.bar(model, f"{model:<28}", received, total)
        if total is not None and received >= total:
            self._close_bar()

    def _close_bar(self) -> None:
        if self._download is not None:
            self._download.__exit__(None, None, None)
            self._download = None


class BuildJsonReporter:
    """Writes one JSON object per line: {"step", "model", "precision", "fraction", "message"}."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._lines = JsonLines(stream)
        self._last_percent = -1

    def report(self, step: str, *, model: str = "", precision: str = "", fraction: float = 0.0, message: str) -> None:
        """See `BuildReporter.report`."""
        line = {"step": step, "model": model, "precision": precision, "fraction": round(fraction, 4)}
        self._lines.write({**line, "message": message})

    def bytes_received(self, model: str, received: int, total: int | None) -> None:
        """See `BuildReporter.bytes_received`; one line per percent (per megabyte if the total is unknown)."""
        part = received * 100 // total if total else received >> 20
        if part == self._last_percent:
            return
        self._last_percent = part
        of = f" of {total / 1e6:.1f}" if total else ""
        message = f"{received / 1e6:.1f}{of} MB"
        self.report("download", model=model, fraction=received / total if total else 0.0, message=message)
