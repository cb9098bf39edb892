"""Boundaries dragged on the timeline, in and out points, a rule made of an event, the open file analyzed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from slowfast_live.types import SourceKind, SourceSpec, Topic
from slowfast_live.ui.events.session_events import SessionEvents
from slowfast_live.ui.events.timeline_painting import FULL
from tests.ui.conftest import Desk
from tests.ui.events.test_timeline import recognize


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()


@pytest.fixture
def seen(desk: Desk) -> Desk:
    """Two events: squat from about 1 s to 11 s, clapping from about 16 s on."""
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 100 + [None] * 40)
    desk.poll()
    desk.window.resize(1280, 800)
    settle()
    return desk


def events(desk: Desk) -> SessionEvents:
    return desk.window.event_views.session_events


def drag(desk: Desk, from_s: float, to_s: float) -> None:
    timeline = desk.window.timeline
    y = FULL.events[0] + 10
    begin, end = (QPoint(round(timeline.scale.x(t_s)), y) for t_s in (from_s, to_s))
    QTest.mouseMove(timeline, begin)
    QTest.mousePress(timeline, Qt.MouseButton.LeftButton, pos=begin)
    QTest.mouseMove(timeline, QPoint((begin.x() + end.x()) // 2, y))
    QTest.mouseMove(timeline, end)
    QTest.mouseRelease(timeline, Qt.MouseButton.LeftButton, pos=end)
    settle()


def test_a_boundary_of_the_selected_event_is_dragged_and_undone(seen: Desk) -> None:
    squat = events(seen).notes[0]
    before = (squat.event.begin_s, squat.event.end_s)
    events(seen).select(squat)
    seen.pipeline.calls.clear()
    drag(seen, before[1], 7.0)
    moved = events(seen).notes[0].event
    assert moved.label == "squat" and moved.begin_s == before[0]
    assert moved.end_s == pytest.approx(7.0, abs=0.3)
    assert events(seen).selected is not None and events(seen).selected.event == moved
    assert not [call for call in seen.pipeline.calls if call[0] == "seek"], "it does not seek as well"
    bar = seen.window.notice_bar
    assert bar.notice is not None and bar.notice.topic is Topic.EDIT and bar._command.text() == "Undo"
    bar._command.click()
    assert (events(seen).notes[0].event.begin_s, events(seen).notes[0].event.end_s) == before


def test_it_stays_an_event(seen: Desk) -> None:
    events(seen).select(events(seen).notes[0])
    begin_s = events(seen).notes[0].event.begin_s
    drag(seen, events(seen).notes[0].event.end_s, 0.1)
    assert events(seen).notes[0].event.begin_s == begin_s < events(seen).notes[0].event.end_s


def test_without_a_selection_the_timeline_seeks(seen: Desk) -> None:
    end_s = events(seen).notes[0].event.end_s
    drag(seen, end_s, 7.0)
    assert events(seen).notes[0].event.end_s == end_s
    assert seen.pipeline.last("seek") is not None


def test_the_pointer_says_what_can_be_dragged(seen: Desk) -> None:
    squat, timeline = events(seen).notes[0], seen.window.timeline
    events(seen).select(squat)
    y = FULL.events[0] + 10
    QTest.mouseMove(timeline, QPoint(round(timeline.scale.x(squat.event.end_s)), y))
    assert timeline.cursor().shape() is Qt.CursorShape.SizeHorCursor
    QTest.mouseMove(timeline, QPoint(round(timeline.scale.x(squat.event.end_s)) + 40, y))
    assert timeline.cursor().shape() is Qt.CursorShape.ArrowCursor


def test_by_keyboard_the_times_are_typed(seen: Desk) -> None:
    panel = seen.window.side_panel.events
    panel.table.selectRow(0)
    panel.change_times_of_selected()
    dialog = seen.window.event_views.dialog
    assert dialog is not None and not dialog.name.isEnabled() and dialog.windowTitle() == "Change the times"
    dialog.begin.setText("0:02.0")
    dialog.end.setText("0:05.5")
    dialog.accept()
    assert (events(seen).notes[0].event.begin_s, events(seen).notes[0].event.end_s) == (2.0, 5.5)


# In and out points


def mark(desk: Desk, begin_s: float, end_s: float) -> None:
    for name, t_s in (("mark_in", begin_s), ("mark_out", end_s)):
        desk.pipeline.update(position_s=t_s)
        desk.trigger(name)


def test_only_the_marked_part_is_exported(seen: Desk) -> None:
    mark(seen, 4.0, 9.0)
    told = seen.window.event_views.export._snapshot()
    assert told is not None
    assert [(one.label, one.begin_s, one.end_s) for one in told.events] == [("squat", 4.0, 9.0)]
    assert (told.begin_s, told.end_s) == (4.0, 9.0)
    seen.trigger("clear_marks")
    whole = seen.window.event_views.export._snapshot()
    assert whole is not None and len(whole.events) == 2


def test_an_end_before_the_begin_takes_the_begin_back(seen: Desk) -> None:
    mark(seen, 9.0, 4.0)
    assert (events(seen).part.begin_s, events(seen).part.end_s) == (None, 4.0)


def test_what_is_outside_is_dimmed(seen: Desk) -> None:
    timeline = seen.window.timeline
    seen.live.themes.set_mode("light")
    settle()

    def color(t_s: float) -> QColor:
        return timeline.grab().toImage().pixelColor(round(timeline.scale.x(t_s)), FULL.events[0] + 3)

    before = {t_s: color(t_s) for t_s in (3.0, 8.0)}
    mark(seen, 6.0, 100.0)
    seen.pipeline.update(position_s=20.0)
    seen.poll()
    settle()
    assert color(8.0) == before[8.0]
    assert color(3.0).lightness() > before[3.0].lightness() + 20


def test_another_source_has_no_marks(seen: Desk) -> None:
    mark(seen, 2.0, 4.0)
    assert seen.window.actions_by_id["clear_marks"].isEnabled()
    seen.live.controller.open_source(SourceSpec(SourceKind.DEMO))
    seen.poll()
    assert not events(seen).part.marked and not seen.window.actions_by_id["clear_marks"].isEnabled()


def test_an_added_event_fills_the_marked_part(seen: Desk) -> None:
    mark(seen, 12.0, 14.5)
    seen.trigger("add_event")
    dialog = seen.window.event_views.dialog
    assert dialog is not None
    assert (dialog.begin.text(), dialog.end.text()) == ("00:12.0", "00:14.5")
    dialog.reject()


# A rule of an event, the file as a whole


def test_a_rule_is_made_of_an_event(seen: Desk) -> None:
    panel = seen.window.side_panel.events
    panel.table.selectRow(0)
    panel.make_rule_of_selected()
    dialog = seen.live.alerts.dialog
    assert dialog is not None and dialog.action.currentText() == "squat"
    rules = seen.live.memory.settings.rules
    assert rules.enabled and rules.rules[-1].action == "squat"
    assert 0 < rules.rules[-1].threshold < events(seen).notes[0].event.mean_score
    dialog.done(0)


def test_one_button_analyzes_the_open_file(desk: Desk, video: SourceSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    from slowfast_live.ui.analysis.analyze_dialog import AnalyzeDialog

    started: list[list[Path]] = []
    monkeypatch.setattr(AnalyzeDialog, "start_analysis", lambda dialog: started.append(dialog._given()))
    desk.poll()
    assert desk.window.transport._analyze.isVisible() and desk.window.transport._analyze.isEnabled()
    desk.window.transport._analyze.click()
    assert started == [[Path(video.address)]]


def test_a_camera_cannot_be_analyzed_as_a_file(desk: Desk) -> None:
    desk.live.controller.open_source(SourceSpec(SourceKind.CAMERA, "0", "Logitech C920"))
    desk.poll()
    assert not desk.window.transport._analyze.isVisible()
    assert not desk.window.actions_by_id["analyze_this"].isEnabled()
