"""Makes Ctrl-C and SIGTERM end every command within `GRACE_S`, even if it blocks.

Python runs signal handlers on the main thread, between two of its own instructions. A main thread inside FFmpeg,
OpenVINO or the operating system (a pipe without a writer, a disconnected network drive) therefore never runs one. Each
command consequently ends in one of two ways:

1. The signal becomes a `KeyboardInterrupt` on the main thread: the command saves what is done and returns.
2. If the process is still running `GRACE_S` later, a thread woken up by C code ends it. Commands write their files
   atomically, so nothing that was complete is lost.

To make the first way the usual one, the commands read videos through `slowfast_live.sources.bounded`, where the main
thread waits in Python while another thread reads.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType

GRACE_S = 2.75
"""Time in seconds between a signal and the forced end of the process.

It exceeds the two seconds after which the window abandons a source that does not respond.
"""

INTERRUPTED = 130
"""Exit code of a command that was ended by Ctrl-C or SIGTERM."""

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))
"""The signals that ask a program to end, as far as the platform has them."""


class _Watchdog:
    """Ends the process `GRACE_S` after a signal, unless it is canceled."""

    def __init__(self, end: Callable[[int], object]) -> None:
        self._end = end
        self._wakeup_reader, self._wakeup_writer = socket.socketpair()
        self._wakeup_reader.setblocking(True)
        self._wakeup_writer.setblocking(False)
        self._called_off = threading.Event()
        self._before = signal.set_wakeup_fd(self._wakeup_writer.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def call_off(self) -> None:
        """Stop watching, so that the process is not ended. Main thread only."""
        signal.set_wakeup_fd(self._before)
        self._called_off.set()
        self._wakeup_writer.close()

    def _watch(self) -> None:
        with self._wakeup_reader:
            while data := self._wakeup_reader.recv(64):
                if any(number in ENDING for number in data):
                    if not self._called_off.wait(GRACE_S):
                        self._end(INTERRUPTED)
                    return


@contextlib.contextmanager
def bounded(*, whole_process: bool = False, end: Callable[[int], object] = os._exit) -> Iterator[None]:
    """Make the signals that ask a program to end effective while the block runs, even if it blocks.

    `KeyboardInterrupt` is raised on the main thread; if the block is still running `GRACE_S` later, the process is
    ended. Blocks may be nested; the outermost one applies. Has no effect on threads other than the main one.

    Args:
        whole_process: Whether the process ends after the block: the limit then includes Python's exit, which waits for
            threads.
        end: Ends the process with an exit code; for tests.
    """
    if threading.current_thread() is not threading.main_thread() or _active:
        yield
        return
    before = {number: signal.signal(number, _interrupt) for number in ENDING if _is_default(number)}
    watchdog = _Watchdog(end)
    _active.append(watchdog)
    try:
        yield
    finally:
        if not whole_process:
            _active.clear()
            watchdog.call_off()
            for number, handler in before.items():
                signal.signal(number, handler)


_active: list[_Watchdog] = []
"""The watchdog of the outermost block."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _hold_signals() -> None:
    """Block signals while a process is forked, so that signals for the child are not taken for the parent's."""
    if _active:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


def _release_signals() -> None:
    if _active:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def _forget_in_child() -> None:
    """Remove the parent's handlers in a forked child, so that ending a worker does not end its parent."""
    if _active:
        _active.clear()
        signal.set_wakeup_fd(-1)
        for number in ENDING:
            if signal.getsignal(number) is _interrupt:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals, after_in_child=_forget_in_child)


def _is_default(number: int) -> bool:
    """Whether a signal has its default handler; `nohup`, for example, ignores SIGHUP."""
    return signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler)
