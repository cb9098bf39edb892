"""A child process whose output and end arrive as Qt signals on the GUI thread."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from slowfast_live.child_process import ChildProcess
from slowfast_live.messages import system_reason
from slowfast_live.ui.style.language import tr

_CLOSE_S = 1.5
"""Time in seconds that a program has to clean up when the app shuts down."""
_KILL_S = 1.0


class QtChildProcess(QObject):
    """A child process, one run at a time. All signals are emitted on the GUI thread.

    Args:
        polite: Whether the process runs at a lower priority than the window.
        parent: Qt parent.
    """

    begun = Signal()
    """Emitted when a run begins."""
    output = Signal(list)
    """Emitted with new lines of standard output."""
    logged = Signal(list)
    """Emitted with new lines of standard error."""
    ended = Signal(bool, str)
    """Emitted with whether the run succeeded and, if not, the reason: "exit code 1", "it crashed or was killed", or why
    it did not start."""

    _received = Signal(object, str, object)
    """From the threads of a run: the run, which signal to emit, and its value."""

    def __init__(self, *, polite: bool = True, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._polite = polite
        self._run: ChildProcess | None = None
        self._busy = self._cancelled = False
        self._received.connect(self._pass_on)

    @property
    def busy(self) -> bool:
        """Whether a process is running."""
        return self._busy

    @property
    def cancelled(self) -> bool:
        """Whether the latest run was canceled."""
        return self._cancelled

    @property
    def pid(self) -> int:
        """Process ID of the latest run; 0 if there is none."""
        return self._run.pid if self._run is not None else 0

    def start(self, words: Sequence[str]) -> bool:
        """Start the program `words[0]` with the remaining arguments; return False if one is already running."""
        if self._busy:
            return False
        run = ChildProcess(
            words,
            lambda lines: self._receive(run, "output", lines),
            lambda lines: self._receive(run, "logged", lines),
            lambda code: self._receive(run, "ended", code),
            polite=self._polite,
        )
        self._run, self._busy, self._cancelled = run, True, False
        self.begun.emit()
        run.start()
        return True

    def cancel(self) -> None:
        """Ask the program to clean up and end; it is killed if it does not end soon."""
        if self._run is not None and self._busy:
            self._cancelled = True
            self._run.cancel()

    def close(self) -> None:
        """End the process at app shutdown; returns within 2.5 s and emits no signal."""
        if self._run is None or not self._busy:
            return
        self._busy, self._cancelled = False, True
        self._run.cancel()
        if not self._run.join(_CLOSE_S):
            self._run.kill()
            self._run.join(_KILL_S)

    def _receive(self, run: ChildProcess, name: str, value: object) -> None:
        with contextlib.suppress(RuntimeError):  # the app is gone, and this object with it
            self._received.emit(run, name, value)

    def _pass_on(self, run: ChildProcess, name: str, value: object) -> None:
        if run is not self._run or not self._busy:
            return  # the app is shutting down
        if name == "output":
            self.output.emit(value)
        elif name == "logged":
            self.logged.emit(value)
        else:
            self._busy = False
            self.ended.emit(value == 0, _reason(value))


def _reason(end: object) -> str:
    if isinstance(end, OSError):
        return tr("{program} cannot be started: {reason}.", program=end.filename, reason=system_reason(end))
    if end == 0:
        return ""
    return tr("exit code {code}", code=end) if isinstance(end, int) and end > 0 else tr("it crashed or was killed")
