"""A text file with the action that is shown, for the text source of OBS ("Read from file") and similar programs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from slowfast_live import files
from slowfast_live.errors import PublishError
from slowfast_live.messages import Message, system_reason
from slowfast_live.publish.message import ReadoutMessage

_LONGEST = 400
"""Length in bytes up to which an existing file may be one that this program wrote."""


class TextFile:
    """Keeps the file up to date. `publish` never blocks; the file is always complete, as it is replaced as a whole.

    Args:
        path: The file. An existing one is replaced if it has one short line, as this program writes it.
        score: Whether the score stands beside the action.
        problem: Receives a sentence for the user when the file cannot be written, and "" when it can again.

    Raises:
        PublishError: The file is another program's, or cannot be written.
    """

    def __init__(self, path: Path, *, score: bool = False, problem: Callable[[str], object] = lambda _: None) -> None:
        self._path, self._score, self._problem = path, score, problem
        if reason := files.not_ours(path, _one_short_line):
            raise PublishError(
                Message("{path} {reason}. It is left as it is; name another file.", path=path, reason=reason)
            )
        self._changed = threading.Condition()
        self._wanted: str | None = None
        self._closed = False
        self._written = ""
        self._said = ""
        self._write("")
        if self._said:
            raise PublishError(self._said)
        self._thread = threading.Thread(target=self._work, name="text file", daemon=True)
        self._thread.start()

    def publish(self, message: ReadoutMessage) -> None:
        """Show the action of a message, or nothing; returns at once."""
        readout = message.readout
        text = " ".join((readout.label or "").split())
        if text and self._score:
            text = f"{text} {readout.score:.0%}".replace("%", " %")
        with self._changed:
            self._wanted = text
            self._changed.notify_all()

    def close(self) -> None:
        """Empty the file and stop; bounded, even if the disk hangs."""
        with self._changed:
            self._wanted, self._closed = "", True
            self._changed.notify_all()
        self._thread.join(1.0)

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._wanted is None and not self._closed:
                    self._changed.wait()
                wanted, self._wanted = self._wanted, None
                closed = self._closed
            if wanted is not None and wanted != self._written:
                self._write(wanted)
            if closed:
                return

    def _write(self, text: str) -> None:
        try:
            files.write_bytes(self._path, f"{text}\n".encode("utf-8", "replace") if text else b"")
        except OSError as error:
            self._say(Message("{path} cannot be written: {reason}.", path=self._path, reason=system_reason(error)))
            return
        self._written = text
        self._say("")

    def _say(self, problem: str) -> None:
        if problem != self._said:
            self._said = problem
            self._problem(problem)


def _one_short_line(path: Path) -> bool:
    with path.open("rb") as file:
        data = file.read(_LONGEST + 1)
    return len(data) <= _LONGEST and data.count(b"\n") <= 1 and b"\0" not in data
