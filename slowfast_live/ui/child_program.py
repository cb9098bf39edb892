"""Runs another program of ours in a process of its own, line by line, and ends it with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import psutil
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

PATIENCE_MS = 3000
"""So long a cancelled program may take to clear up before it is killed."""
_NICE = 10
_LINE_BYTES = 1 << 16


def package_root() -> Path:
    """Return the folder that holds the package, so that another process finds the same one."""
    return Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """Return the variables for a program whose lines are read."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}


class ChildProgram(QObject):
    """One run at a time. All signals come on the GUI thread.

    Args:
        polite: It runs behind the window in priority.
        parent: Qt's owner.
    """

    begun = Signal()
    """A run begins."""
    told = Signal(list)
    """New lines of standard output."""
    logged = Signal(list)
    """New lines of standard error."""
    ended = Signal(bool, str)
    """Whether it ended well; and how where not: "exit code 1", "it crashed or was killed", or why it did not start."""

    def __init__(self, *, polite: bool = True, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._polite = polite
        self._process: QProcess | None = None
        self._cancelled = False
        self._rest = {QProcess.ProcessChannel.StandardOutput: b"", QProcess.ProcessChannel.StandardError: b""}
        self._pid = 0
        self._killer = QTimer(self)
        self._killer.setSingleShot(True)
        self._killer.timeout.connect(self._kill)

    @property
    def busy(self) -> bool:
        """Whether it runs."""
        return self._process is not None

    @property
    def cancelled(self) -> bool:
        """Whether the newest run was cancelled."""
        return self._cancelled

    @property
    def pid(self) -> int:
        """Process number of the run, 0 without one."""
        return self._pid

    def start(self, words: Sequence[str]) -> bool:
        """Start the program `words[0]` with the arguments after it; False where one runs already."""
        if self._process is not None:
            return False
        process = QProcess(self)
        variables = QProcessEnvironment()
        for name, value in environment().items():
            variables.insert(name, value)
        process.setProcessEnvironment(variables)
        process.setWorkingDirectory(str(package_root()))
        process.setProgram(words[0])
        process.setArguments(list(words[1:]))
        if os.name == "posix":
            # In a session of its own a signal reaches all that it starts, and Ctrl-C in our terminal does not.
            parameters = QProcess.UnixProcessParameters()
            parameters.flags = QProcess.UnixProcessFlag.CreateNewSession
            process.setUnixProcessParameters(parameters)
        process.readyReadStandardOutput.connect(self._read_output)
        process.readyReadStandardError.connect(self._read_error)
        process.started.connect(self._has_started)
        process.errorOccurred.connect(self._process_error)
        process.finished.connect(self._has_finished)
        self._process, self._cancelled, self._pid = process, False, 0
        self._rest = dict.fromkeys(self._rest, b"")
        self.begun.emit()
        process.start(QProcess.OpenModeFlag.ReadOnly)
        return True

    def cancel(self) -> None:
        """Ask it to end and clear up; after three seconds it is killed."""
        if self._process is None or self._cancelled:
            return
        self._cancelled = True
        self._terminate()
        self._killer.start(PATIENCE_MS)

    def close(self) -> None:
        """End it, at the end of the app; bounded, and without a word."""
        process = self._process
        if process is None:
            return
        process.blockSignals(True)
        self._killer.stop()
        if not self._cancelled:
            self._cancelled = True
            self._terminate()
        if not process.waitForFinished(PATIENCE_MS // 2):
            self._kill()
            process.waitForFinished(1000)
        self._process = None

    def _has_started(self) -> None:
        assert self._process is not None
        self._pid = int(self._process.processId())
        if self._polite:
            with contextlib.suppress(psutil.Error, OSError):
                # What runs in the window goes first.
                psutil.Process(self._pid).nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", _NICE))
        if self._cancelled:
            self._terminate()

    def _terminate(self) -> None:
        """End the program and all that it started. Windows knows no polite way for one without a window."""
        if self._pid and os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGTERM)
        elif self._pid:
            self._kill()

    def _kill(self) -> None:
        if not self._pid:
            if self._process is not None:
                self._process.kill()
            return
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
            return
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(self._pid)
            for process in [*parent.children(recursive=True), parent]:
                with contextlib.suppress(psutil.Error):
                    process.kill()

    def _read_output(self) -> None:
        if lines := self._lines(QProcess.ProcessChannel.StandardOutput):
            self.told.emit(lines)

    def _read_error(self) -> None:
        if lines := self._lines(QProcess.ProcessChannel.StandardError):
            self.logged.emit(lines)

    def _lines(self, channel: QProcess.ProcessChannel, *, last: bool = False) -> list[str]:
        """Return the complete lines that came; with `last` also the one without an end."""
        assert self._process is not None
        self._process.setReadChannel(channel)
        data = self._rest[channel] + bytes(self._process.readAll().data())
        # A bar drawn with carriage returns is one line after another, too.
        *lines, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if last or len(rest) > _LINE_BYTES:
            lines, rest = [*lines, rest], b""
        self._rest[channel] = rest
        return [text for line in lines if (text := line.decode("utf-8", "replace").rstrip())]

    def _process_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart and self._process is not None:
            self._end(False, f"{self._process.program()} cannot be started: {self._process.errorString()}.")

    def _has_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        if lines := self._lines(QProcess.ProcessChannel.StandardOutput, last=True):
            self.told.emit(lines)
        if lines := self._lines(QProcess.ProcessChannel.StandardError, last=True):
            self.logged.emit(lines)
        normal = status is QProcess.ExitStatus.NormalExit
        well = normal and code == 0
        self._end(well, "" if well else f"exit code {code}" if normal else "it crashed or was killed")

    def _end(self, well: bool, how: str) -> None:
        process = self._process
        assert process is not None
        if os.name == "posix" and self._pid:
            self._kill()  # whatever it started and left behind
        self._killer.stop()
        self._process = None
        process.deleteLater()
        self.ended.emit(well, how)
        self._pid = 0
