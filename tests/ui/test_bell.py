from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QThread
from PySide6.QtWidgets import QLabel

from slowfast_live.ui.bell import Bell
from tests.ui.conftest import WAIT_MS


@pytest.fixture
def bell(qapp: object) -> Iterator[Bell]:
    made = Bell()
    yield made
    made.close()


def on_a_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_it_is_heard_on_the_gui_thread(bell: Bell, qtbot: Any) -> None:
    heard: list[bool] = []
    bell.rung.connect(lambda: heard.append(QThread.currentThread() is QCoreApplication.instance().thread()))
    on_a_thread(bell.ring)
    qtbot.waitUntil(lambda: heard == [True], timeout=WAIT_MS)


def test_many_rings_are_heard_once_and_block_nobody(bell: Bell, qtbot: Any) -> None:
    heard: list[int] = []
    bell.rung.connect(lambda: heard.append(1))
    on_a_thread(lambda: [bell.ring() for _ in range(100_000)])
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT_MS)
    for _ in range(100):
        QCoreApplication.processEvents()
    assert len(heard) < 1000
    heard.clear()
    on_a_thread(bell.ring)
    qtbot.waitUntil(lambda: bool(heard), timeout=WAIT_MS)


def test_rings_while_widgets_come_and_go(bell: Bell, qtbot: Any) -> None:
    """The window does both all the time; emitting a signal on the thread instead crashes it."""
    heard: list[int] = []
    bell.rung.connect(lambda: heard.append(1))
    stop = threading.Event()

    def ring() -> None:
        while not stop.is_set():
            bell.ring()

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


def test_a_closed_bell_is_silent(bell: Bell, qtbot: Any) -> None:
    heard: list[int] = []
    bell.rung.connect(lambda: heard.append(1))
    bell.ring()
    bell.close()
    bell.close()
    bell.ring()
    QCoreApplication.processEvents()
    assert not heard
