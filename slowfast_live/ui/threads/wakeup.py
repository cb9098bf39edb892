"""Wake the GUI thread from any other thread without touching a Qt object there."""

from __future__ import annotations

import contextlib
import socket

from PySide6.QtCore import QObject, QSocketNotifier, Signal


class Wakeup(QObject):
    """A self-pipe: any thread writes to one socket, and the GUI thread's event loop is notified at the other.

    Only the GUI thread may use PySide. When other threads emitted signals and drew snapshots, a soak test once crashed
    in PySide's table of wrappers on such a thread (6.11).
    """

    rung = Signal()
    """Emitted on the GUI thread, once for all wakeups since the last time."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(lambda: self._read())

    def ring(self) -> None:
        """Wake the GUI thread, from any thread; does nothing after `close`."""
        with contextlib.suppress(OSError):  # buffer full: enough wakeups are pending
            self._writer.send(b"\0")

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            self._reader.recv(4096)
        self.rung.emit()

    def close(self) -> None:
        """Stop delivering wakeups. Safe to call twice."""
        self._notifier.setEnabled(False)
        self._writer.close()
        self._reader.close()
