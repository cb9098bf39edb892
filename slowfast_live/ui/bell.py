"""Wakes the GUI thread from another one, which touches no Qt object for it."""

from __future__ import annotations

import contextlib
import socket

from PySide6.QtCore import QObject, QSocketNotifier, Signal


class Bell(QObject):
    """A pair of sockets: any thread rings at one end, the GUI thread's event loop hears at the other.

    No thread but the GUI's works with PySide. While others emitted signals and drew snapshots, a soak died once in
    PySide's table of wrappers, on such a thread (6.11).
    """

    rung = Signal()
    """On the GUI thread, once for all rings since it was emitted last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hears, self._rings = socket.socketpair()
        for end in (self._hears, self._rings):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._hears.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(lambda: self._hear())

    def ring(self) -> None:
        """Ring, from any thread; nothing is heard of it once the bell is closed."""
        with contextlib.suppress(OSError):  # full: enough rings wait to be heard
            self._rings.send(b"\0")

    def _hear(self) -> None:
        with contextlib.suppress(OSError):
            self._hears.recv(4096)
        self.rung.emit()

    def close(self) -> None:
        """Ring no more. Safe to call twice."""
        self._notifier.setEnabled(False)
        self._rings.close()
        self._hears.close()
