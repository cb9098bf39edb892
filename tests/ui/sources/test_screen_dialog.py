"""Choosing a part of the screen, in the real window; what is on the screen is made up."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from slowfast_live.errors import SourceError
from slowfast_live.sources.screens import Area, ScreenAddress, ScreenWindow
from slowfast_live.types import SourceInfo, SourceKind
from slowfast_live.ui.sources import screen_dialog
from slowfast_live.ui.sources.screen_dialog import OnScreen, ScreenDialog, find_on_screen
from tests.ui.conftest import Desk

AREA = Area(0, 0, 300, 200)
FOUND = OnScreen(
    [ScreenAddress(1).spec, ScreenAddress(2).spec, ScreenAddress(0).spec],
    [ScreenWindow("Fitness video", AREA), ScreenWindow("Mail", AREA)],
)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_dialog, "find_on_screen", lambda: FOUND)


def opened(desk: Desk) -> ScreenDialog:
    desk.trigger("open_screen")
    dialog = desk.window.source_dialogs.current
    assert isinstance(dialog, ScreenDialog)
    desk.wait(lambda: dialog.screens.count() or dialog.message.text())
    return dialog


@pytest.mark.usefixtures("found")
def test_a_screen_a_region_and_a_window(desk: Desk) -> None:
    dialog = opened(desk)
    assert dialog.open_button.isEnabled() and dialog.whole.isChecked()
    dialog.screens.setCurrentIndex(1)
    desk.qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    assert desk.pipeline.last("open")[0] == ScreenAddress(2).spec
    dialog = opened(desk)
    dialog.part.setChecked(True)
    assert not dialog.open_button.isEnabled() and "left, top, width, height" in dialog.message.text()
    desk.qtbot.keyClicks(dialog.region, "10, 20 300,200")
    assert dialog.open_button.isEnabled()
    dialog.accept()
    assert desk.pipeline.last("open")[0] == ScreenAddress(2, Area(10, 20, 300, 200)).spec, "screen 2 was open"
    dialog = opened(desk)
    dialog.window_choice.setChecked(True)
    dialog.windows.setCurrentRow(1)
    dialog.accept()
    assert desk.pipeline.last("open")[0] == ScreenAddress(window="Mail").spec


@pytest.mark.usefixtures("found")
def test_what_is_watched_now_is_selected(desk: Desk) -> None:
    desk.pipeline.update(source=ScreenAddress(2, Area(1, 2, 64, 48)).spec, info=SourceInfo(64, 48))
    dialog = opened(desk)
    assert (dialog.screens.currentData(), dialog.region.text()) == ("2", "1, 2, 64, 48")
    dialog.reject()
    desk.pipeline.update(source=ScreenAddress(window="Mail").spec)
    dialog = opened(desk)
    assert dialog.window_choice.isChecked() and dialog.windows.currentItem().text() == "Mail"


def test_where_nothing_can_be_watched_it_says_why(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_dialog, "find_on_screen", lambda: OnScreen(problem="Not in a Wayland session."))
    dialog = opened(desk)
    desk.wait(lambda: dialog.message.text() == "Not in a Wayland session.")
    assert not dialog.open_button.isEnabled() and not dialog.window_choice.isEnabled()


def test_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_dialog, "list_screens", lambda: FOUND.screens)

    def no_manager() -> list[ScreenWindow]:
        raise SourceError("The window manager does not list its windows.")

    monkeypatch.setattr(screen_dialog, "list_windows", no_manager)
    found = find_on_screen()
    assert found.screens == FOUND.screens and "does not list" in found.problem
    monkeypatch.setattr(screen_dialog.sys, "platform", "darwin")
    assert "whole screens and regions" in find_on_screen().problem


@pytest.mark.usefixtures("found")
def test_the_source_menu_offers_it(desk: Desk) -> None:
    sources = desk.window.source_bar.sources
    row = sources.index_where(lambda value: value == "screen")
    assert sources.itemText(row) == "Watch the screen…"
    sources.activated.emit(row)
    assert isinstance(desk.window.source_dialogs.current, ScreenDialog)
    desk.window.source_dialogs.current.reject()
    desk.pipeline.update(source=ScreenAddress(1).spec, info=SourceInfo(640, 480), source_frames=1)
    desk.poll()
    assert desk.window.source_bar.sources.currentText() == "Screen 1"
    assert desk.window.windowTitle().startswith("Screen 1")
    assert desk.pipeline.current_status.source.kind is SourceKind.SCREEN
