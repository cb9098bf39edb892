"""The menus hold every command, work with the mouse and the keyboard, and say what they do."""

from __future__ import annotations

from itertools import groupby, pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu

from slowfast_live import __version__
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.commands.about import AboutDialog, licenses
from slowfast_live.ui.commands.commands import COMMANDS
from slowfast_live.ui.commands.menu_bar import CAMERA_SIZE, MENUS
from tests.ui.conftest import Desk


def entries(menu: QMenu) -> list[QAction]:
    return [action for action in menu.actions() if not action.isSeparator() and action.menu() is None]


def test_the_menus_are_those_that_people_know(desk: Desk) -> None:
    titles = [action.text().replace("&", "") for action in desk.window.menu.actions()]
    assert titles == ["File", "Edit", "View", "Playback", "Tools", "Help"]
    keys = [action.text().partition("&")[2][0] for action in desk.window.menu.actions()]
    assert len(set(keys)) == len(keys)


def test_each_command_with_a_name_is_in_one_menu(desk: Desk) -> None:
    listed = [entry for _title, menu in MENUS for entry in menu if entry and not entry.startswith("@")]
    assert len(listed) == len(set(listed))
    unlisted = {command.id for command in COMMANDS if command.text} - set(listed)
    assert unlisted == {"leave_full_screen", "focus_source", "focus_model", "focus_device"}, (
        "they have keys and controls"
    )


def test_the_list_of_keys_has_each_heading_once() -> None:
    headings = [group for group, _entries in groupby(COMMANDS, lambda command: command.group)]
    assert len(set(headings)) == len(headings)


def test_no_menu_begins_ends_or_goes_on_with_a_separator(desk: Desk) -> None:
    for action in desk.window.menu.actions():
        kinds = [entry.isSeparator() for entry in action.menu().actions()]
        assert not kinds[0] and not kinds[-1]
        assert not any(one and other for one, other in pairwise(kinds))


def test_f10_opens_the_first_menu_and_the_arrows_reach_the_next(desk: Desk) -> None:
    desk.trigger("menu")
    desk.wait(lambda: QApplication.activePopupWidget() is not None)
    bar = desk.window.menu
    assert QApplication.activePopupWidget() is bar.actions()[0].menu()
    desk.qtbot.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_Right)
    desk.wait(lambda: QApplication.activePopupWidget() is bar.actions()[1].menu())
    QApplication.activePopupWidget().close()


def test_a_camera_size_is_chosen_in_the_menu(desk: Desk) -> None:
    menu = desk.window.menu.submenus[CAMERA_SIZE]
    entries(menu)[2].trigger()
    assert desk.live.memory.settings.camera_size == (1280, 720)
    menu.aboutToShow.emit()
    assert [action.isChecked() for action in entries(menu)] == [False, False, True, False]


def test_full_screen_hides_the_menus(desk: Desk) -> None:
    desk.trigger("full_screen")
    assert not desk.window.menu.isVisible()
    desk.trigger("leave_full_screen")
    assert desk.window.menu.isVisible()


@pytest.mark.parametrize("live", [False, True])
def test_a_right_click_on_the_picture_offers_what_fits(desk: Desk, live: bool) -> None:
    if live:
        desk.live.controller.open_source(SourceSpec(SourceKind.CAMERA, "0", "Logitech C920"))
    desk.show_picture()
    desk.poll()
    at = QPoint(60, 60)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, desk.window.canvas.mapToGlobal(at))
    QApplication.sendEvent(desk.window.canvas, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    names = [action.objectName() for action in entries(menu)]
    assert {"snapshot", "copy_picture", "record", "save_last", "full_screen"} <= set(names)
    assert ("play_pause" in names) is not live
    assert not menu.actions()[0].isSeparator()
    menu.close()


def test_the_picture_can_be_copied(desk: Desk) -> None:
    desk.trigger("copy_picture")
    assert "no picture" in desk.window.notice_bar.notice.message  # type: ignore[union-attr]
    desk.show_picture()
    desk.trigger("copy_picture")
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == desk.pipeline.size


def test_tool_buttons_are_the_commands(desk: Desk) -> None:
    for button, name in zip(desk.window.tools.buttons, ("save_last", "snapshot", "full_screen"), strict=True):
        assert button.isVisible() and button.defaultAction() is desk.window.actions_by_id[name]
        assert not button.icon().isNull() and button.toolTip()


def test_about_names_the_version_the_licenses_and_what_support_needs(desk: Desk) -> None:
    desk.show_picture()
    desk.poll()
    desk.trigger("about")
    dialog = desk.window.dialogs.about
    assert isinstance(dialog, AboutDialog)
    dialog.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert copied == dialog.facts.toPlainText()
    assert __version__ in copied and "slowfast_r50" in copied and "1280 × 720" in copied
    assert "clip.mp4" not in copied, "names are nobody's business"
    assert "openvino" in dialog.licenses.toPlainText().lower()
    assert "SlowFast R50 8x8: Apache-2.0" in dialog.licenses.toPlainText()


def test_each_library_states_a_license() -> None:
    assert "see its page" not in licenses()
