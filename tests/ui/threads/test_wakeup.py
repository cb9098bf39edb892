from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QThread
from PySide6.QtWidgets import QLabel

from slowfast_live.ui.threads.wakeup import Wakeup
from tests.ui.conftest import WAIT_MS


@pytest.fixture
def wakeup(qapp: object) -> Iterator[Wakeup]:
    made = Wakeup()
    yield made
    made.close()


def on_a_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_it_is_heard_on_the_gui_thread(wakeup: Wakeup, qtbot: Any) -> None:
    heard: list[bool] = []
    wakeup.rung.connect(lambda: heard.append(QThread.currentThread() is QCoreApplication.instance().thread()))
    on_a_thread(wakeup.ring)
    qtbot.waitUntil(lambda: heard == [True], timeout=WAIT_MS)


def test_many_rings_are_heard_once_and_block_nobody(wakeup: Wakeup, qtbot: Any) -> None:
    heard: list[int] = []
    wakeup.rung.connect(lambda: heard.append(1))
    on_a_thread(lambda: [wakeup.ring() for _ in range(100_000)])
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT_MS)
    for _ in range(100):
        QCoreApplication.processEvents()
    assert len(heard) < 1000
    heard.clear()
    on_a_thread(wakeup.ring)
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT_MS)


def test_rings_while_widgets_come_and_go(wakeup: Wakeup, qtbot: Any) -> None:
    """The window does both all the time; emitting a signal on the thread instead crashes it."""
    heard: list[int] = []
    wakeup.rung.connect(lambda: heard.append(1))
    stop = threading.Event()

    def ring() -> None:
        while not stop.is_set():
            wakeup.ring()

    thread = threading.Thread(target=ring)
    thread.start()
    try:
        for _ in range(3000):
            QLabel("a").deleteLater()
            QCoreApplication.processEvents()
    finally:
        stop.set()
        thread.join()
    assert heard


def test_a_closed_bell_is_silent(wakeup: Wakeup, qtbot: Any) -> None:
    heard: list[int] = []
    wakeup.rung.connect(lambda: heard.append(1))
    wakeup.ring()
    wakeup.close()
    wakeup.close()
    wakeup.ring()
    QCoreApplication.processEvents()
    assert not heard
