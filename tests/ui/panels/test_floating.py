"""Notices float over the picture: nothing moves, and what they offer works."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QApplication

from slowfast_live.types import Level, Notice, PipelineState, Topic
from slowfast_live.ui.panels import notice_bar
from slowfast_live.ui.panels.notice_bar import INFO_MS
from tests.ui.conftest import Desk

SIZES = [(720, 480), (900, 600), (1280, 800), (1920, 1080)]
LONG = "The stream rtsp://192.168.1.20/stream does not answer. Is the address right, and is the camera on? " * 2


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_when_a_notice_comes_and_goes(desk: Desk, size: tuple[int, int]) -> None:
    window = desk.window
    window.resize(*size)
    desk.show_picture()
    settle()
    parts = (window.canvas, window.side_panel, window.timeline, window.transport)
    before = [part.geometry() for part in parts]
    window.notice_bar.show_notice(Notice(Level.ERROR, LONG, "a detail", Path("clip.mp4")))
    settle()
    assert [part.geometry() for part in parts] == before
    bar = window.notice_bar
    assert bar.isVisible() and window.canvas.rect().contains(bar.geometry())
    bar._details_button.click()
    settle()
    assert [part.geometry() for part in parts] == before
    bar.dismiss()
    settle()
    assert [part.geometry() for part in parts] == before


def test_it_follows_the_picture_when_the_window_grows(desk: Desk) -> None:
    desk.window.notice_bar.show_notice(Notice(Level.WARNING, "disk full"))
    for size in SIZES:
        desk.window.resize(*size)
        settle()
        bar, canvas = desk.window.notice_bar, desk.window.canvas
        assert canvas.width() - 24 <= bar.geometry().right() + 1 + 16 <= canvas.width()


def test_what_could_not_be_opened_can_be_tried_again(desk: Desk) -> None:
    desk.pipeline.update(state=PipelineState.FAILED, info=None)
    desk.pipeline.pending.append(Notice(Level.ERROR, "clip.mp4 is no video.", topic=Topic.SOURCE))
    desk.poll()
    bar = desk.window.notice_bar
    assert bar._command.isVisible() and bar._command.text() == "Try again"
    opened = sum(call[0] == "open" for call in desk.pipeline.calls)
    bar._command.click()
    assert sum(call[0] == "open" for call in desk.pipeline.calls) == opened + 1
    assert bar.notice is None


def test_a_way_that_is_closed_is_not_offered(desk: Desk) -> None:
    desk.show_picture()
    desk.poll()
    desk.window.notice_bar.show_notice(Notice(Level.WARNING, "One picture was damaged.", topic=Topic.SOURCE))
    assert not desk.window.notice_bar._command.isVisible(), "the file plays"
    assert not desk.window.notice_bar._ways.isVisible(), "no empty row"


def test_a_saved_file_can_be_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(notice_bar, "open_file", lambda path: opened.append(path) or len(opened) == 1)
    desk.show_picture()
    desk.poll()
    desk.trigger("snapshot")
    bar = desk.window.notice_bar
    desk.wait(lambda: bar.notice is not None)
    bar._open.click()
    assert opened == list((tmp_path / "pictures").glob("*.png"))
    bar._open.click()
    assert bar.notice is not None and "No program" in bar.notice.message


def test_a_note_waits_under_the_pointer(desk: Desk) -> None:
    bar = desk.window.notice_bar
    bar.show_notice(Notice(Level.INFO, "fyi"))
    assert bar._timer.isActive() and bar._timer.interval() == INFO_MS
    here = QPointF(5, 5)
    QApplication.sendEvent(bar, QEnterEvent(here, here, here))
    assert not bar._timer.isActive()
    QApplication.sendEvent(bar, QEvent(QEvent.Type.Leave))
    assert bar._timer.isActive()


def test_an_edit_that_can_be_undone_passes(desk: Desk) -> None:
    bar = desk.window.notice_bar
    desk.window.actions_by_id["undo"].setEnabled(True)
    bar.show_notice(Notice(Level.INFO, "“squat” moved", command="undo", topic=Topic.EDIT))
    assert bar._command.text() == "Undo" and bar._timer.isActive()
    desk.window.event_views.session_events.edited.emit()
    assert bar.notice is None
