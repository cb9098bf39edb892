"""People in timeline and events list: a row for each, whose events, previews of one person, and whom one follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt

from slowfast_live.colors import identity_color
from slowfast_live.core.corrections import AnnotatedEvent, Corrections
from slowfast_live.core.events import Event
from slowfast_live.people.now import PeopleEvents, PeopleNow, PersonEvent
from slowfast_live.people.records import PersonTrail, SaidOfPerson
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.events.events_model import ACTION, EVERYBODY, EVERYTHING, PERSON, WHOLE_PICTURE
from slowfast_live.ui.events.people_lanes import block_title, blocks
from slowfast_live.ui.events.session_findings import persons
from slowfast_live.ui.events.session_people import SessionPeople
from slowfast_live.ui.events.time_axis import Span
from tests.ui.conftest import Desk
from tests.ui.events.test_timeline import place, recognize

LEFT = Qt.MouseButton.LeftButton
pytestmark = pytest.mark.usefixtures("qapp")


def does(person: int, label: str, begin_s: float, end_s: float, *, going_on: bool = False) -> PersonEvent:
    return PersonEvent(person, Event(label, begin_s, end_s, 0.8, 0.9, begin_s), going_on)


EVENTS = (does(1, "squat", 3, 20), does(2, "clapping", 5, 30), does(1, "lunge", 22, 40))


def tell(desk: Desk, *events: PersonEvent, followed: int | None = None, version: int = 1) -> None:
    desk.pipeline.current_person_events = (version, events)
    desk.pipeline.current_people = PeopleNow(followed=followed, detector="fake")
    desk.poll()


@pytest.fixture
def crowd(desk: Desk) -> Desk:
    """A file with two people; somebody squats for the whole picture."""
    desk.window.resize(1280, 900)
    desk.poll()
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 20)
    tell(desk, *EVENTS)
    desk.trigger("events")
    return desk


def row_y(desk: Desk, row: int) -> int:
    timeline = desk.window.timeline
    top, height = timeline._rows.people[row]
    return top + height // 2


def test_each_person_has_a_row_in_their_color(crowd: Desk) -> None:
    timeline = crowd.window.timeline
    assert len(timeline._rows.people) == 2 and timeline.height() > 96
    image = timeline.grab().toImage()
    for row, (person, t_s) in enumerate(((1, 10.0), (2, 25.0))):
        at = place(crowd, t_s, row_y(crowd, row) - 7)
        assert image.pixelColor(at).name() == identity_color(person, timeline._theme.name)


def test_several_actions_at_once_are_named_together() -> None:
    """A model may give several answers at once; the row names all of them instead of the one that was painted last."""
    several = [
        AnnotatedEvent(Event(label, begin_s, end_s, score, score, begin_s), label, person=person)
        for label, begin_s, end_s, score, person in (
            ("stand", 0, 10, 0.7, 1),
            ("talk to", 2, 4, 0.9, 1),
            ("sit", 3, 8, 0.8, 2),
            ("watch", 9, 12, 0.5, 1),
            ("walk", 12, 15, 0.9, 1),
            ("stand", 14, 16, 0.4, 1),
        )
    ]
    found = [(block[0].person, block_title(block)) for block in blocks(several)]
    assert found == [(1, "talk to · stand · watch"), (2, "sit"), (1, "walk · stand")]


def test_the_lane_of_actions_does_not_deny_what_people_do(desk: Desk) -> None:
    """A model of people stores no events of the whole picture of a file."""
    desk.poll()
    assert desk.window.timeline._hint() == "No action recognized yet"
    tell(desk, *EVENTS)
    assert desk.window.timeline._hint() == ""


def test_one_person_alone_adds_no_row(desk: Desk) -> None:
    desk.poll()
    height = desk.window.timeline.height()
    tell(desk, does(1, "squat", 3, 20))
    assert desk.window.timeline.height() == height
    assert not desk.window.event_views.session_events.all_notes


def test_people_who_come_one_after_the_other_add_no_rows(desk: Desk) -> None:
    desk.poll()
    height = desk.window.timeline.height()
    after = (does(1, "squat", 3, 20), does(2, "squat", 20.5, 30), does(3, "lunge", 29.5, 40))
    tell(desk, *after)
    assert desk.window.timeline.height() == height
    tell(desk, *after, does(4, "clapping", 10, 12), version=2)
    assert desk.window.timeline.height() > height
    tell(desk, does(1, "squat", 3, 20), followed=1, version=2)
    assert len(desk.window.timeline._rows.people) == 1


def test_more_people_than_rows_share_the_last_one() -> None:
    people = SessionPeople()
    events = [does(i, "squat", 1, 2 + i / 10) for i in range(1, 12)]
    people.take(PeopleEvents(1, tuple(events)), PeopleNow(followed=3))
    people.correct(Corrections(), "", overlapping=False)
    rows = people.rows(Span(0, 10), 4)
    assert [row.person for row in rows] == [3, 10, 11, None]
    assert len(rows[-1].people) == 8 and len(rows[-1].notes) == 8
    assert people.rows(Span(50, 60), 4) == ()


def test_a_low_window_keeps_its_room_for_the_picture(crowd: Desk) -> None:
    tell(crowd, *(does(i, "squat", 1, 20) for i in range(1, 6)), version=2)
    assert len(crowd.window.timeline._rows.people) == 4
    crowd.window.resize(900, 600)
    tell(crowd, *(does(i, "squat", 1, 20) for i in range(1, 6)), version=3)
    assert len(crowd.window.timeline._rows.people) == 3


def test_a_click_on_a_name_follows_that_person(crowd: Desk) -> None:
    timeline = crowd.window.timeline
    crowd.qtbot.mouseClick(timeline, LEFT, pos=QPoint(30, row_y(crowd, 1)))
    assert crowd.pipeline.calls[-1] == ("follow", 2)
    tell(crowd, *EVENTS, followed=2)
    crowd.qtbot.mouseClick(timeline, LEFT, pos=QPoint(30, row_y(crowd, 1)))
    assert crowd.pipeline.calls[-1] == ("follow", None)


def names_of(desk: Desk, person: int) -> list[str]:
    return [n.event.label for n in desk.window.event_views.session_events.people.notes if n.person == person]


def test_events_of_people_are_renamed_and_deleted_and_that_is_undone(crowd: Desk) -> None:
    crowd.qtbot.mouseClick(crowd.window.timeline, LEFT, pos=place(crowd, 10.0, row_y(crowd, 1)))
    session_events, panel = crowd.window.event_views.session_events, crowd.window.event_views.events
    selected = session_events.selected
    assert selected is not None and (selected.person, selected.event.label) == (2, "clapping")
    assert panel.details.startswith("Person 2: clapping")
    row = panel.model.row_of(selected)
    assert row is not None and panel.model.setData(panel.model.index(row, ACTION), "applause")
    assert names_of(crowd, 2) == ["applause"] and panel.details.startswith("Person 2: applause (the model: clapping)")
    assert session_events.selected is not None and session_events.selected.event.label == "applause"
    assert session_events.undoable == "Person 2: “clapping” renamed to “applause”"
    assert [noted.event.label for noted in session_events.notes] == ["squat"], "the whole picture is not touched"
    panel.delete_selected()
    assert names_of(crowd, 2) == [] and names_of(crowd, 1) == ["squat", "lunge"]
    session_events.undo()
    session_events.undo()
    assert names_of(crowd, 2) == ["clapping"]
    session_events.redo()
    tell(crowd, *EVENTS, does(2, "clapping", 41, 44, going_on=True), version=2)
    assert names_of(crowd, 2) == ["applause", "clapping"], "edits stay while the model goes on"


def test_renaming_all_renames_those_of_people_too(crowd: Desk) -> None:
    crowd.window.event_views.session_events.rename_all("squat", "deep squat")
    assert names_of(crowd, 1) == ["deep squat", "lunge"]
    assert [noted.event.label for noted in crowd.window.event_views.session_events.notes] == ["deep squat"]


def test_an_event_of_a_person_is_dragged_at_its_end(crowd: Desk) -> None:
    timeline, session_events = crowd.window.timeline, crowd.window.event_views.session_events
    crowd.qtbot.mouseClick(timeline, LEFT, pos=place(crowd, 10.0, row_y(crowd, 1)))
    crowd.qtbot.mousePress(timeline, LEFT, pos=place(crowd, 30.0, row_y(crowd, 1)))
    crowd.qtbot.mouseMove(timeline, place(crowd, 34.0, row_y(crowd, 1)))
    crowd.qtbot.mouseRelease(timeline, LEFT, pos=place(crowd, 36.0, row_y(crowd, 1)))
    selected = session_events.selected
    assert selected is not None and selected.person == 2
    assert selected.event.begin_s == 5 and selected.event.end_s == pytest.approx(36, abs=0.5)
    crowd.qtbot.mouseClick(timeline, LEFT, pos=place(crowd, 10.0, row_y(crowd, 0)))
    count = session_events.corrections.count
    crowd.qtbot.mousePress(timeline, LEFT, pos=place(crowd, 20.0, row_y(crowd, 1)))
    crowd.qtbot.mouseRelease(timeline, LEFT, pos=place(crowd, 25.0, row_y(crowd, 1)))
    assert session_events.corrections.count == count, "the boundary of an event is dragged in its own row only"
    session_events.undo()
    assert session_events.people.at(2, 34.0) is None


def test_an_event_of_a_person_moves_neighbors_of_that_person_only(crowd: Desk) -> None:
    session_events = crowd.window.event_views.session_events
    lunge = session_events.people.at(1, 30.0)
    assert lunge is not None
    session_events.move(lunge, 10.0, 40.0)
    ends = [(n.person, n.event.label, n.event.begin_s, n.event.end_s) for n in session_events.people.notes]
    assert ends == [(1, "squat", 3, 10), (2, "clapping", 5, 30), (1, "lunge", 10, 40)]


def test_an_event_is_added_for_the_person_who_is_listed(crowd: Desk) -> None:
    crowd.window.event_views.events.whose.choose(2)
    crowd.trigger("add_event")
    dialog = crowd.window.event_views.dialog
    assert dialog is not None and dialog.who.currentText() == "Person 2"
    dialog.name.setEditText("juggling")
    dialog.begin.setText("0:35.0")
    dialog.end.setText("0:38.0")
    dialog.accept()
    session_events = crowd.window.event_views.session_events
    assert names_of(crowd, 2) == ["clapping", "juggling"]
    assert session_events.selected is not None and session_events.selected.person == 2
    assert session_events.undoable == "Person 2: “juggling” added"


def test_edits_follow_a_person_who_is_recognized_as_somebody_of_before(crowd: Desk) -> None:
    session_events = crowd.window.event_views.session_events
    clapping = session_events.people.at(2, 10.0)
    assert clapping is not None
    session_events.rename(clapping, "applause")
    crowd.pipeline.joined = {2: 7}
    tell(crowd, EVENTS[0], does(7, "clapping", 5, 30), EVENTS[2], version=2)
    assert names_of(crowd, 7) == ["applause"] and names_of(crowd, 2) == []


def test_the_list_says_whose_events_they_are_and_filters_by_person(crowd: Desk) -> None:
    panel = crowd.window.event_views.events
    whose = [(noted.person or 0, noted.event.label) for noted in panel.model.rows]
    assert sorted(whose) == [(0, "squat"), (1, "lunge"), (1, "squat"), (2, "clapping")]
    assert not panel.table.isColumnHidden(PERSON)
    for chosen, count in ((EVERYTHING, 4), (WHOLE_PICTURE, 1), (EVERYBODY, 3), (1, 2), (2, 1)):
        panel.whose.choose(chosen)
        assert len(panel.model.rows) == count
    panel.whose.choose(EVERYTHING)
    panel.model.sort(PERSON)
    assert [noted.person for noted in panel.model.rows] == [None, 1, 1, 2]


def test_following_somebody_shows_their_events_alone(crowd: Desk) -> None:
    panel = crowd.window.event_views.events
    tell(crowd, *EVENTS, followed=1)
    assert panel.whose.chosen == 1 and {noted.person for noted in panel.model.rows} == {1}
    tell(crowd, *EVENTS)
    assert panel.whose.chosen == EVERYTHING


def test_pointing_at_a_row_shows_the_person(crowd: Desk) -> None:
    crowd.pipeline.person_boxes = {2: (0.5, 0.2, 0.7, 0.8)}
    timeline = crowd.window.timeline
    timeline._hover(QPointF(place(crowd, 10.0, row_y(crowd, 1))))
    card, requested = timeline.pointer.card, timeline.pointer._requested
    assert card is not None and card.texts[1:] == ("Person 2", "clapping", "score 80 %")
    assert requested is not None and requested.part == pytest.approx((0.47, 0.11, 0.73, 0.89))
    timeline._hover(QPointF(place(crowd, 10.0, 10)))
    requested = timeline.pointer._requested
    assert requested is not None and requested.part is None
    tell(crowd, *EVENTS, followed=2)
    timeline._hover(QPointF(place(crowd, 11.0, 10)))
    requested = timeline.pointer._requested
    assert requested is not None and requested.part is not None, "whoever is followed is shown"


def test_another_source_forgets_everybody(crowd: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(b"video")
    crowd.pipeline.current_person_events = (2, ())
    crowd.pipeline.update(source=SourceSpec(SourceKind.FILE, str(other)))
    crowd.poll()
    panel = crowd.window.event_views.events
    assert panel.whose.isHidden() and panel.table.isColumnHidden(PERSON)
    assert not crowd.window.timeline._rows.people


def test_an_event_in_progress_grows(crowd: Desk) -> None:
    people = crowd.window.event_views.session_events.people
    tell(crowd, *EVENTS, does(2, "squat", 41, 42, going_on=True), version=2)
    assert people.notes[-1].going_on
    tell(crowd, *EVENTS, does(2, "squat", 41, 44, going_on=True), version=2)
    assert people.notes[-1].event.end_s == 44


def test_people_are_exported(crowd: Desk) -> None:
    said = tuple(SaidOfPerson(t, "squat", 0.9, (("squat", 0.9), ("lunge", 0.05))) for t in (3.0, 4.0, 5.0))
    trail = PersonTrail(1, tuple((t / 5, 0.1, 0.2, 1.05, 0.9) for t in range(15, 60)), said)
    crowd.pipeline.current_trails = (trail,)
    snapshot = crowd.window.event_views.export._snapshot()
    assert snapshot is not None
    person, other = persons(replace(snapshot, begin_s=3.0, end_s=10.0))
    assert person.id == 1 and person.boxes[0] == (3.0, 0.1, 0.2, 1.0, 0.9)
    assert [event.label for event in person.events] == ["squat"] and person.events[0].end_s == 10.0
    assert person.predictions[0].labels == (("squat", 0.9), ("lunge", 0.05))
    assert other.id == 2 and other.boxes == () and (other.begin_s, other.end_s) == (5.0, 10.0)
