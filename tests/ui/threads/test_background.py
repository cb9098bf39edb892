"""Work off the GUI thread: its result comes on the GUI thread, and none after the app has closed."""

import logging
import threading
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from slowfast_live.ui.threads.background import BackgroundTasks


def test_result_and_error_come_on_the_gui_thread(qapp: QApplication, qtbot: Any) -> None:
    background = BackgroundTasks()
    came: list[tuple[object, threading.Thread]] = []

    def fail() -> int:
        raise ValueError("no")

    background.run(threading.current_thread, lambda worker: came.append((worker, threading.current_thread())))
    background.run(fail, None, lambda error: came.append((str(error), threading.current_thread())))
    assert background.busy
    qtbot.waitUntil(lambda: not background.busy, timeout=20_000)
    assert "no" in [what for what, _ in came] and {thread for _, thread in came} == {threading.main_thread()}
    assert threading.main_thread() not in [what for what, _ in came]


def test_an_error_that_nobody_takes_is_logged(qapp: QApplication, qtbot: Any, caplog: pytest.LogCaptureFixture) -> None:
    background = BackgroundTasks()
    with caplog.at_level(logging.ERROR):
        background.run(lambda: 1 // 0, name="the division")
        qtbot.waitUntil(lambda: not background.busy, timeout=20_000)
    assert "the division failed: " in caplog.text


def test_nothing_is_delivered_after_the_app_has_closed(qapp: QApplication, qtbot: Any) -> None:
    """Neither of work that ran then, nor of work that something still asked for while it was being taken down."""
    background = BackgroundTasks()
    done: list[str] = []
    background.run(lambda: done.append("early"), lambda _: done.append("told of early"))
    background.wait(20)
    background.run(lambda: done.append("late"), lambda _: done.append("told of late"))
    qtbot.waitUntil(lambda: "late" in done, timeout=20_000)
    qtbot.wait(150)
    assert done == ["early", "late"]


def test_a_result_that_closes_the_app_is_the_last(qapp: QApplication, qtbot: Any) -> None:
    background = BackgroundTasks()
    done: list[int] = []

    def close(number: int) -> None:
        done.append(number)
        background.wait(0)

    for number in (1, 2):
        background.run(lambda n=number: n, close)
    qtbot.waitUntil(lambda: bool(done), timeout=20_000)
    qtbot.wait(150)
    assert len(done) == 1
