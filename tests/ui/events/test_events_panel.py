"""The list of events: filter, sort, rename, delete, undo, go to, copy; and that rows change one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit

from slowfast_live import settings as store
from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.core.events import Event
from slowfast_live.ui.events.events_model import ACTION, LENGTH, REPETITIONS, SCORE, TIME, EventsModel, Filter
from slowfast_live.ui.events.events_panel import EventsPanel
from tests.ui.conftest import Desk
from tests.ui.events.test_timeline import recognize

MakeDesk = Callable[..., Desk]
RUNS = ["squat"] * 40 + [None] * 20 + ["clapping"] * 60 + [None] * 20 + ["squat"] * 30 + [None] * 20


@pytest.fixture
def desk_with_events(desk: Desk) -> Desk:
    """Three events in a file: squat, clapping, squat; the list is shown."""
    desk.poll()
    recognize(desk, 3.0, RUNS)
    desk.trigger("events")
    return desk


@pytest.fixture
def panel(desk_with_events: Desk) -> EventsPanel:
    return desk_with_events.window.event_views.events


def names(panel: EventsPanel) -> list[str]:
    return [noted.event.label for noted in panel.model.rows]


def shown(panel: EventsPanel, row: int) -> list[str]:
    return [panel.model.index(row, column).data() for column in (TIME, ACTION, LENGTH, SCORE)]


def select(panel: EventsPanel, *rows: int) -> None:
    panel.table.clearSelection()
    for row in rows:
        panel.table.selectionModel().select(
            panel.model.index(row, 0),
            panel.table.selectionModel().SelectionFlag.Select | panel.table.selectionModel().SelectionFlag.Rows,
        )


def click(desk: Desk, row: int, column: int = TIME) -> None:
    table = desk.window.event_views.events.table
    at = table.visualRect(table.model().index(row, column)).center()
    desk.qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)


# What it shows


def test_rows_say_time_action_length_and_score(panel: EventsPanel) -> None:
    assert names(panel) == ["squat", "clapping", "squat"]
    time, action, length, score = shown(panel, 1)
    assert time.startswith("00:0") and action == "clapping"
    assert length == "5.8 s" and score == "76 %"
    assert panel.model.index(1, ACTION).data(Qt.ItemDataRole.DecorationRole) is not None


def test_an_empty_list_speaks(desk: Desk) -> None:
    desk.trigger("events")
    panel = desk.window.event_views.events
    assert "No events yet" in panel.empty_text
    recognize(desk, 3.0, RUNS)
    assert panel.empty_text == ""
    panel.filter(text="piano")
    assert "No event matches" in panel.empty_text


def test_the_tab_counts_and_is_remembered(desk_with_events: Desk, tmp_path: Any) -> None:
    window = desk_with_events.window
    assert window.side_panel._tabs.tabText(1) == "Events · 3" and window.side_panel.panel == "events"
    window.close()
    assert store.load(tmp_path / "settings.json").settings.panel == "events"


def test_an_event_that_goes_on_grows_in_its_row(desk: Desk) -> None:
    desk.trigger("events")
    panel = desk.window.event_views.events
    recognize(desk, 3.0, ["squat"] * 30)
    assert shown(panel, 0)[2] == "now"
    recognize(desk, 6.0, ["squat"] * 60)
    desk.wait(lambda: panel.model.rows[0].event.length_s > 5)
    assert len(panel.model.rows) == 1


# Filter and sort


def test_filter_by_text_action_and_score(panel: EventsPanel) -> None:
    panel.filter(text="QUA")
    assert names(panel) == ["squat", "squat"]
    panel.filter(text="", label="clapping")
    assert names(panel) == ["clapping"]
    panel.filter(label="", least_score=0.9)
    assert names(panel) == []
    panel.filter(least_score=0.7)
    assert len(names(panel)) == 3


def test_a_heading_sorts(panel: EventsPanel) -> None:
    panel.table.sortByColumn(LENGTH, Qt.SortOrder.DescendingOrder)
    lengths = [noted.event.length_s for noted in panel.model.rows]
    assert lengths == sorted(lengths, reverse=True)
    panel.table.sortByColumn(ACTION, Qt.SortOrder.AscendingOrder)
    assert names(panel) == ["clapping", "squat", "squat"]


# Corrections


def test_renaming_one_in_the_list_and_undoing_it(desk_with_events: Desk, panel: EventsPanel) -> None:
    select(panel, 0)
    panel.rename_selected()
    editor = panel.table.findChild(QLineEdit, "cell")
    assert editor is not None
    editor.setText("lunge")
    desk_with_events.qtbot.keyClick(editor, Qt.Key.Key_Return)
    desk_with_events.wait(lambda: names(panel) == ["lunge", "clapping", "squat"])
    assert "the model: squat" in panel.model.details(panel.model.rows[0])
    recognize(desk_with_events, 40.0, ["squat"] * 30 + [None] * 20)
    assert names(panel) == ["lunge", "clapping", "squat", "squat"], "a correction outlives what comes"
    desk_with_events.trigger("undo")
    assert names(panel)[0] == "squat"


def test_renaming_all_of_a_label(desk_with_events: Desk, panel: EventsPanel) -> None:
    select(panel, 2)
    panel.rename_all_of_selected()
    dialog = panel.findChild(QInputDialog)
    assert dialog is not None and "squat" in dialog.labelText()
    dialog.setTextValue("knee bend")
    dialog.accept()
    assert names(panel) == ["knee bend", "clapping", "knee bend"]
    recognize(desk_with_events, 40.0, ["squat"] * 30 + [None] * 20)
    assert names(panel)[-1] == "knee bend"


def test_deleting_several_in_one_step(desk_with_events: Desk, panel: EventsPanel) -> None:
    panel.table.setFocus()
    select(panel, 0, 2)
    desk_with_events.qtbot.keyClick(panel.table, Qt.Key.Key_Delete)
    assert names(panel) == ["clapping"]
    assert len(desk_with_events.window.event_views.session_events.notes) == 1, "the timeline shows the same"
    undo = desk_with_events.window.actions_by_id["undo"]
    assert undo.isEnabled() and "2 events deleted" in undo.toolTip()
    undo.trigger()
    assert names(panel) == ["squat", "clapping", "squat"] and not undo.isEnabled()


def test_copied_text_can_be_pasted_into_a_table(panel: EventsPanel) -> None:
    select(panel, 0, 1)
    panel.copy_selected()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert [line.split("\t")[2] for line in lines] == ["squat", "clapping"]


# Going there


def test_a_click_goes_to_the_event_of_a_file(desk_with_events: Desk, panel: EventsPanel) -> None:
    click(desk_with_events, 1)
    first_picture_s = panel.model.rows[1].event.begin_s + 1 / 30  # the one at the begin or before it is not in it
    assert desk_with_events.pipeline.calls[-1] == ("seek", first_picture_s, False)
    assert "clapping" in panel.details and "peak 80 %" in panel.details


def test_enter_goes_there_and_arrows_only_look(desk_with_events: Desk, panel: EventsPanel) -> None:
    panel.table.setFocus()
    panel.table.setCurrentIndex(panel.model.index(0, 0))
    before = len(desk_with_events.pipeline.calls)
    desk_with_events.qtbot.keyClick(panel.table, Qt.Key.Key_Down)
    assert len(desk_with_events.pipeline.calls) == before and "clapping" in panel.details
    desk_with_events.qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    assert desk_with_events.pipeline.calls[-1][0] == "seek"


def test_a_click_in_the_timeline_selects_the_row(desk_with_events: Desk, panel: EventsPanel) -> None:
    timeline = desk_with_events.window.timeline
    event = panel.model.rows[1].event
    at = timeline.rect().center()
    at.setX(round(timeline.scale.x((event.begin_s + event.end_s) / 2)))
    desk_with_events.qtbot.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=at)
    assert [noted.event for noted in panel.selected] == [event]


def test_of_a_live_source_an_event_shows_its_details(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.pipeline.update(position_s=5000.0)
    desk.poll()
    recognize(desk, 5000.0, RUNS)
    desk.trigger("events")
    before = len(desk.pipeline.calls)
    click(desk, 0)
    panel = desk.window.event_views.events
    assert len(desk.pipeline.calls) == before
    assert "squat" in panel.details and panel.details.count(":") >= 4, "times of day"


# Rows


labels = st.sampled_from(["squat", "clapping", "walking"])
lanes = st.lists(st.tuples(labels, st.floats(0.1, 1)), max_size=12).map(
    lambda made: tuple(
        AnnotatedEvent(Event(label, 2.0 * i, 2.0 * i + 1, score, score, 2.0 * i), label)
        for i, (label, score) in enumerate(made)
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(lanes, min_size=1, max_size=5),
    st.sampled_from([Filter(), Filter(text="a"), Filter(label="squat"), Filter(least_score=0.5)]),
    st.sampled_from([TIME, ACTION, LENGTH, REPETITIONS, SCORE]),
    st.sampled_from(list(Qt.SortOrder)),
)
def test_rows_are_what_is_admitted_in_order_and_qt_agrees(
    qapp: QApplication, told: list, filter_: Filter, column: int, order: Qt.SortOrder
) -> None:
    model = EventsModel(str, repetitions=lambda event: int(event.length_s))
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_filter(filter_)
    for notes in told:
        model.set_notes(notes)
        assert model.rows == [noted for noted in notes if filter_.admits(noted)]
    model.sort(column, order)
    assert sorted(model.rows, key=lambda noted: noted.event.begin_s) == [n for n in told[-1] if filter_.admits(n)]
    events = [n.event for n in model.rows]
    keys = [(e.begin_s, e.label, e.length_s, int(e.length_s), e.mean_score)[column] for e in events]
    assert keys == sorted(keys, reverse=order is Qt.SortOrder.DescendingOrder)
    model.set_notes(told[0])
    assert len(model.rows) == sum(map(filter_.admits, told[0])), "rows come and go in any order"
    tester.deleteLater()


@given(st.data())
def test_a_row_that_stays_keeps_its_index(qapp: QApplication, data: st.DataObject) -> None:
    notes = data.draw(lanes.filter(len))
    model = EventsModel(str)
    model.set_notes(notes)
    kept = data.draw(st.integers(0, len(notes) - 1))
    index = QPersistentModelIndex(model.index(kept, 0))
    grown = replace(notes[-1], event=replace(notes[-1].event, end_s=notes[-1].event.end_s + 0.5))
    later = AnnotatedEvent(Event("walking", 100.0, 101.0, 0.5, 0.5, 100.0), "walking")
    model.set_notes((*notes[:-1], grown, later))
    assert index.isValid() and model.rows[index.row()].event.begin_s == notes[kept].event.begin_s


def test_thousands_of_rows_come_without_a_reset(qapp: QApplication) -> None:
    model = EventsModel(str)
    notes = [AnnotatedEvent(Event("squat", float(i), i + 0.5, 0.5, 0.5, float(i)), "squat") for i in range(5000)]
    model.set_notes(notes)
    touched: list[tuple[int, int]] = []
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    model.rowsInserted.connect(lambda _parent, first, last: touched.append((first, last)))
    model.set_notes([*notes, AnnotatedEvent(Event("squat", 6000.0, 6001.0, 0.5, 0.5, 6000.0), "squat")])
    assert touched == [(5000, 5000)] and not resets
    assert model.rowCount(QModelIndex()) == 5001
