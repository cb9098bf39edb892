"""Squats before the camera are counted, shown large, and part of what is exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from slowfast_live.core.events import Event
from slowfast_live.types import SourceSpec
from slowfast_live.ui.events.events_model import REPETITIONS
from tests.counting.test_counter import squat
from tests.ui.conftest import Desk
from tests.ui.events.test_timeline import recognize


def do_squats(desk: Desk, until_s: float, begin_s: float = 0.0) -> None:
    counter = desk.window.counting.counter
    for i in range(round((until_s - begin_s) * 10)):
        t_s, taken = begin_s + i / 10, counter.taken
        desk.pipeline.update(position_s=t_s)
        desk.pipeline.deliver(t_s, squat(t_s), desk.pipeline.current_status.source)
        desk.wait(lambda taken=taken: counter.taken > taken)
    desk.poll()


def test_squats_are_counted_and_shown_and_exported(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    view = desk.window.counting.view
    assert not view.isVisible()
    do_squats(desk, 6.5)
    desk.wait(view.isVisible)
    assert view.text.startswith(("3 ", "2 "))
    assert view.text.endswith(" a minute")
    assert view.accessibleDescription() == view.text
    event = Event("squat", 0.0, 6.4, 0.9, 0.9, 1.0)
    assert desk.window.event_views.session_events.repetitions(event) == 3
    desk.pipeline.update(position_s=12.0)
    desk.poll()
    desk.wait(lambda: not view.isVisible())


def test_the_list_of_events_shows_the_count_of_each(make_desk: Callable[..., Desk], video: SourceSpec) -> None:
    desk = make_desk(source=video)
    desk.poll()
    panel = desk.window.event_views.events
    assert panel.table.isColumnHidden(REPETITIONS)
    do_squats(desk, 8.5)
    recognize(desk, 1.0, ["squat"] * 70 + [None] * 20 + ["clapping"] * 30 + [None] * 20)
    desk.wait(lambda: not panel.table.isColumnHidden(REPETITIONS))
    squats, clapping = panel.model.rows
    session_events = desk.window.event_views.session_events
    counted = session_events.repetitions(squats.event)
    assert counted in (2, 3, 4)
    assert [panel.model.index(row, REPETITIONS).data() for row in (0, 1)] == [str(counted), ""]
    assert f"{counted} repetitions" in panel.model.details(squats)
    assert "repetitions" not in panel.model.details(clapping)
    assert panel.model.as_text([squats]).endswith(f"\t{counted}")
    desk.trigger("summary")
    assert desk.window.lesson.dialog is not None
    assert "Repetitions" in desk.window.lesson.dialog.page.toPlainText()
    another = replace(video, address=video.address + "x")
    assert desk.window.counting.repetitions(squats.event, another) == 0, "those of another source do not count"


def test_recordings_show_what_the_picture_shows(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    assert desk.live.recording.count() is None
    do_squats(desk, 6.5)
    desk.wait(desk.window.counting.view.isVisible)
    found = desk.live.recording.count()
    assert found is not None
    assert desk.window.counting.view.text.startswith(f"{found.count} ")
    desk.trigger("count")
    assert desk.live.recording.count() is None


def test_counting_can_be_turned_off_and_that_is_remembered(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    assert desk.window.actions_by_id["count"].isChecked()
    desk.trigger("count")
    assert not desk.live.memory.settings.count_repetitions
    taken = desk.window.counting.counter.taken
    desk.pipeline.deliver(1.0, squat(0.2))
    assert desk.window.counting.counter.push not in desk.pipeline.watchers
    assert desk.window.counting.counter.taken == taken
