"""Run work off the GUI thread and deliver its result on the GUI thread; worker threads touch no Qt object."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer

log = logging.getLogger(__name__)
T = TypeVar("T")

_POLL_MS = 30


class BackgroundTasks(QObject):
    """Runs callables on short-lived threads and passes each result to a callback on the GUI thread.

    Results are polled rather than signaled, so that a thread that outlives the window has nothing to access.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._finished: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._threads: dict[int, threading.Thread] = {}
        self._started = 0
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._run_callbacks)

    @property
    def busy(self) -> bool:
        """Whether any work is running or waiting to be delivered."""
        return bool(self._threads)

    def run(
        self,
        work: Callable[[], T],
        done: Callable[[T], object] | None = None,
        failed: Callable[[Exception], object] | None = None,
        *,
        name: str = "background",
    ) -> None:
        """Run `work` on a thread, then `done(result)` or `failed(error)` on the GUI thread.

        After `wait`, work still runs, but there is nothing left to deliver its result to.
        """
        self._started += 1
        number = self._started

        def main() -> None:
            outcome: Callable[[], Any] | None
            try:
                result = work()
            except Exception as error:
                log.debug("%s failed", name, exc_info=True)
                outcome = _bind(failed, error) if failed else _bind(_report, (name, error))
            else:
                outcome = _bind(done, result) if done else None
            self._finished.put(_bind(self._finish, (number, outcome)))

        thread = threading.Thread(target=main, name=f"slowfast-live-{name}", daemon=True)
        self._threads[number] = thread
        thread.start()
        if not self._closed:
            self._timer.start()

    def wait(self, timeout_s: float) -> None:
        """Wait up to `timeout_s` for each running thread before the app ends; no result is delivered from now on."""
        self._closed = True
        self._timer.stop()
        for thread in list(self._threads.values()):
            thread.join(timeout_s)

    def _run_callbacks(self) -> None:
        while not self._closed:  # a result may close the app
            try:
                outcome = self._finished.get_nowait()
            except Empty:
                break
            outcome()
        if not self._threads:
            self._timer.stop()

    def _finish(self, what: tuple[int, Callable[[], Any] | None]) -> None:
        number, outcome = what
        self._threads.pop(number, None)
        if outcome is not None:
            outcome()


def _bind(function: Callable[[Any], object], value: Any) -> Callable[[], None]:
    def call() -> None:
        function(value)

    return call


def _report(what: tuple[str, Exception]) -> None:
    log.error("%s failed: %s", *what)
