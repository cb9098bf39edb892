"""The keyboard alone: Tab goes where the eye goes, each stop is seen, nothing moves, the window's keys work there."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QScrollArea,
    QWidget,
)

from slowfast_live.types import Level, Notice
from slowfast_live.ui.commands.keys import keeps_space
from tests.ui.conftest import Desk
from tests.ui.dialogs import DIALOGS
from tests.ui.events.test_timeline import recognize
from tests.ui.pixels import changed, shot

MakeDesk = Callable[..., Desk]


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


def details(desk: Desk) -> QWidget:
    desk.window.resize(1280, 1800)
    for section in desk.window.side_panel.sections.values():
        section.set_folded(False)
    return desk.window


def small(desk: Desk) -> QWidget:
    desk.window.resize(900, 600)
    return desk.window


def events(desk: Desk) -> QWidget:
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 150)
    desk.trigger("events")
    desk.window.side_panel.events.table.selectRow(0)
    return desk.window


def notice(desk: Desk) -> QWidget:
    desk.window.notice_bar.show_notice(Notice(Level.ERROR, "clip.mp4 is no video.", "moov atom not found"))
    desk.window.notice_bar._details_button.setChecked(True)
    return desk.window


SCENES: dict[str, Callable[[Desk], QWidget]] = {
    "details": details,
    "small": small,
    "events": events,
    "notice": notice,
    **DIALOGS,
}


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest, desk: Desk) -> QWidget:
    desk.show_picture()
    desk.window.side_panel.now.set_threshold(0.5)  # so that it can be reset
    widget = SCENES[request.param](desk)
    settle()
    desk.live.poller.stop()
    widget.activateWindow()
    settle()
    return widget


def unfocus(window: QWidget) -> None:
    if (focused := window.focusWidget()) is not None:
        focused.clearFocus()
    if (root := window.findChild(QWidget, "root")) is not None:
        root.setFocus()
    settle()


def walk(window: QWidget) -> list[QWidget]:
    """The stops of Tab, from the first to the last one."""
    unfocus(window)
    stops: list[QWidget] = []
    for _ in range(80):
        QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Tab)
        stop = window.focusWidget()
        if stop is None or stop in stops[:-1]:
            break
        if stop not in stops:  # else Tab goes from link to link
            stops.append(stop)
    settle()
    assert stops
    return stops


def place(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def goes_on(one: QRect, other: QRect) -> bool:
    """Whether the eye goes on from one to the other: to the right, down, to the top of the next column, or on top."""
    if one.contains(other):
        return True
    if other.left() > one.right():
        return True
    return other.top() > one.top() and other.bottom() > one.bottom()


def scrolled_by(widget: QWidget, window: QWidget) -> QScrollArea | None:
    parent = widget.parentWidget()
    while parent is not None and parent is not window:
        if isinstance(parent, QScrollArea):
            return parent
        parent = parent.parentWidget()
    return None


def named(widget: QWidget) -> str:
    return widget.accessibleName() or f"{type(widget).__name__} {widget.objectName()}"


def test_tab_goes_in_reading_order(scene: QWidget) -> None:
    stops = walk(scene)
    for one, other in pairwise(stops):
        areas = [scrolled_by(stop, scene) for stop in (one, other)]
        if areas[0] is not None and areas[0] is areas[1]:  # where it stands in what is scrolled
            places = [place(stop, areas[0].widget()) for stop in (one, other)]
        else:
            places = [
                place(stop if area is None else area.viewport(), scene)
                for stop, area in zip((one, other), areas, strict=True)
            ]
        assert goes_on(*places), f"from {named(one)} to {named(other)}"


def test_tab_reaches_everything_that_can_be_used(scene: QWidget) -> None:
    stops = walk(scene)
    for widget in scene.findChildren(QWidget):
        if widget.isVisible() and widget.isEnabled() and widget.window() is scene:
            wants = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None
            assert not wants or widget in stops, f"{named(widget)} is never reached"


def test_every_stop_is_seen(scene: QWidget) -> None:
    for stop in walk(scene):
        stop.setFocus(Qt.FocusReason.TabFocusReason)
        settle()
        with_focus = shot(stop)
        unfocus(scene)
        seen = int(changed(with_focus, shot(stop), 40).sum())
        assert seen >= 30, f"{named(stop)} shows its focus with {seen} pixels"


def geometries(window: QWidget) -> dict[QWidget, tuple[QRect, object]]:
    return {
        widget: (widget.geometry(), widget.sizeHint())
        for widget in window.findChildren(QWidget)
        if widget.isVisible() and not widget.objectName().startswith("qt_") and widget.window() is window
    }


def moved(before: dict[QWidget, tuple[QRect, object]], after: dict[QWidget, tuple[QRect, object]]) -> list[str]:
    return [named(widget) for widget, place in before.items() if after.get(widget, place) != place]


def test_focus_pointer_and_press_move_nothing(scene: QWidget) -> None:
    stops = walk(scene)
    unfocus(scene)
    resting = geometries(scene)
    for stop in stops:
        stop.setFocus(Qt.FocusReason.TabFocusReason)
        settle()
        assert not moved(resting, geometries(scene)), f"focus on {named(stop)}"
        unfocus(scene)
        QTest.mouseMove(stop, QPoint(3, stop.height() // 2))
        settle()
        assert not moved(resting, geometries(scene)), f"pointer on {named(stop)}"
        if hasattr(stop, "setDown"):
            stop.setDown(True)
            settle()
            assert not moved(resting, geometries(scene)), f"press on {named(stop)}"
            stop.setDown(False)


# The window's keys, wherever the focus is


def test_space_plays_and_pauses_except_where_it_operates_something(desk: Desk) -> None:
    desk.window.side_panel.now.set_threshold(0.5)
    for make in (details, events):
        window = make(desk)
        settle()
        for stop in walk(window):
            stop.setFocus(Qt.FocusReason.TabFocusReason)
            if isinstance(stop, QAbstractButton) and (not stop.isCheckable() or stop in desk.window.tools.buttons):
                assert keeps_space(stop), "it presses it, and full screen would hide the rest"
                continue
            was_paused, text = desk.pipeline.current_status.paused, getattr(stop, "text", str)()
            calls = len(desk.pipeline.calls)
            QTest.keyClick(stop, Qt.Key.Key_Space)
            settle()
            if isinstance(stop, QComboBox):
                assert stop.view().isVisible(), f"{named(stop)} opens"
                stop.hidePopup()
            elif isinstance(stop, QAbstractButton) or (isinstance(stop, QAbstractItemView) and keeps_space(stop)):
                QTest.keyClick(stop, Qt.Key.Key_Space)  # checks it again
            elif isinstance(stop, QLineEdit):
                assert stop.text() == f"{text} ", "it is typed"
                stop.setText(text)
            else:
                assert desk.pipeline.current_status.paused is not was_paused, f"{named(stop)} swallows Space"
                continue
            played = {call[0] for call in desk.pipeline.calls[calls:]} & {"play", "pause"}
            assert not played or stop is desk.window.transport._play, f"{named(stop)} plays as well"
            settle()


@pytest.mark.parametrize(("key", "call"), [(Qt.Key.Key_K, "pause"), (Qt.Key.Key_J, "seek"), (Qt.Key.Key_Comma, "step")])
def test_letters_are_commands_wherever_nothing_is_typed(desk: Desk, key: Qt.Key, call: str) -> None:
    for make in (details, events):
        window = make(desk)
        settle()
        for stop in walk(window):
            stop.setFocus(Qt.FocusReason.TabFocusReason)
            desk.pipeline.calls.clear()
            desk.pipeline.update(paused=False)
            QTest.keyClick(stop, key)
            settle()
            typed = isinstance(stop, QLineEdit | QAbstractSpinBox)
            assert (call in {entry[0] for entry in desk.pipeline.calls}) is not typed, named(stop)
            if isinstance(stop, QLineEdit):
                stop.clear()


@pytest.mark.parametrize("hidden", [False, True], ids=["shown", "hidden"])
@pytest.mark.parametrize("size", [(720, 480), (900, 600), (1280, 800)])
def test_finding_an_action_scrolls_to_the_list(desk: Desk, size: tuple[int, int], hidden: bool) -> None:
    desk.window.resize(*size)
    if hidden:
        desk.trigger("side_panel")
        desk.trigger("events")
        desk.trigger("side_panel")
    desk.window.side_panel.sections["actions"].set_folded(True)
    desk.window.side_panel._details.verticalScrollBar().setValue(0)
    settle()
    desk.trigger("find_action")
    for _ in range(2):  # at once, and after everything is laid out
        known = desk.window.side_panel.actions_known
        assert known._search.hasFocus()
        assert known._search.visibleRegion().boundingRect() == known._search.rect(), "the field is seen whole"
        assert known._list.visibleRegion().boundingRect().height() > 60, "and some actions below it"
        settle()


@pytest.mark.parametrize("name", ["now", "live", "model", "actions"])
def test_a_section_that_is_unfolded_is_scrolled_to(desk: Desk, name: str) -> None:
    desk.window.resize(900, 600)
    section = desk.window.side_panel.sections[name]
    section.set_folded(True)
    settle()
    for value in (0, 10_000):
        desk.window.side_panel._details.verticalScrollBar().setValue(value)
        section.set_folded(False)
        settle()
        seen = section.body.visibleRegion().boundingRect()
        room = desk.window.side_panel._details.viewport().height() - 60
        assert seen.height() >= min(section.body.height(), room) - 24, "as much as there is room for"
        section.set_folded(True)
        settle()
