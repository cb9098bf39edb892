"""Run another program in a child process, read its output by line, and end its whole process tree. No Qt here."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import IO

import psutil

from slowfast_live import paths

PATIENCE_S = 5.0
"""Time in seconds that a canceled program has to clean up before it is killed."""
_LEFT_BEHIND_S = 1.0
"""Time in seconds to wait for output after the program has ended: a process that it left behind may hold the pipe."""
_NICE = 10
_CHUNK = _LINE_BYTES = 1 << 16
_WINDOWS = os.name == "nt"


def environment() -> dict[str, str]:
    """Return the environment variables for a program whose output is read by line."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}


class ChildProcess:
    """One run of a program, in a session of its own: Ctrl-C in our terminal does not reach it.

    The callbacks are called from threads of the run. `on_end` is called once, after the last line.

    Args:
        words: The program and its arguments.
        on_output: Receives new lines of standard output.
        on_log: Receives new lines of standard error.
        on_end: Receives the exit code (negative: killed by that signal), or the `OSError` for which it did not start.
        polite: Whether the process runs at a lower priority than the window.
    """

    def __init__(
        self,
        words: Sequence[str],
        on_output: Callable[[list[str]], object],
        on_log: Callable[[list[str]], object],
        on_end: Callable[[int | OSError], object],
        *,
        polite: bool = True,
    ) -> None:
        self._words = list(words)
        self._on_output, self._on_log, self._on_end = on_output, on_log, on_end
        self._polite = polite
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False
        self._killer: threading.Timer | None = None
        self._thread = threading.Thread(target=self._run, name="child process", daemon=True)

    @property
    def cancelled(self) -> bool:
        """Whether the run was canceled."""
        return self._cancelled

    @property
    def pid(self) -> int:
        """Process ID; 0 before the program has started."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start the program; returns immediately."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the program to clean up and end; it is killed after `PATIENCE_S`. May be called more than once."""
        with self._lock:
            if not self._cancelled:
                self._cancelled = True
                self._ask_to_end()

    def kill(self) -> None:
        """Kill the program and what it started."""
        if self._process is not None:
            _kill_tree(self._process)

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until `on_end` was called; return False on timeout."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _ask_to_end(self) -> None:
        """The caller holds the lock."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(OSError, ValueError):
            if _WINDOWS:
                process.send_signal(signal.CTRL_BREAK_EVENT)  # type: ignore[attr-defined,unused-ignore]
            else:
                os.killpg(process.pid, signal.SIGTERM)
        self._killer = threading.Timer(PATIENCE_S, _kill_tree, (process,))
        self._killer.daemon = True
        self._killer.start()

    def _run(self) -> None:
        try:
            process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
                cwd=paths.ROOT,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        except OSError as error:
            self._on_end(error)
            return
        if self._polite:
            with contextlib.suppress(psutil.Error, OSError):  # the window takes precedence
                psutil.Process(process.pid).nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", _NICE))
        with self._lock:
            self._process = process
            if self._cancelled:
                self._ask_to_end()
        assert process.stdout is not None and process.stderr is not None
        readers = [
            threading.Thread(target=_read, args=pair, name="child output", daemon=True)
            for pair in ((process.stdout, self._on_output), (process.stderr, self._on_log))
        ]
        for reader in readers:
            reader.start()
        code = process.wait()
        _kill_tree(process)  # whatever it started and left behind
        for reader in readers:
            reader.join(_LEFT_BEHIND_S if _WINDOWS else None)
        with self._lock:
            if self._killer is not None:
                self._killer.cancel()
        self._on_end(code)


def _read(stream: IO[bytes], take: Callable[[list[str]], object]) -> None:
    """Pass on lines as they come. A progress bar that is redrawn with carriage returns counts as lines, too."""
    rest = b""
    with stream:
        while data := os.read(stream.fileno(), _CHUNK):
            *lines, rest = (rest + data).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            if len(rest) > _LINE_BYTES:
                lines, rest = [*lines, rest], b""
            if texts := _texts(lines):
                take(texts)
    if texts := _texts([rest]):
        take(texts)


def _texts(lines: Sequence[bytes]) -> list[str]:
    return [text for line in lines if (text := line.decode("utf-8", "replace").rstrip())]


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    if not _WINDOWS:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        return
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(process.pid)
        for one in [*parent.children(recursive=True), parent]:
            with contextlib.suppress(psutil.Error):
                one.kill()
