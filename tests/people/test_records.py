"""What is known of people over a source: bounded, found again when a file is played again, and joined."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.events import Event
from slowfast_live.people import records
from slowfast_live.people.boxes import Detections
from slowfast_live.people.records import PersonEvents, PersonRecords
from slowfast_live.people.tracker import TrackedPerson, Tracker
from slowfast_live.types import Readout, ReadoutState


def someone(identity: int, t_s: float, x: float = 0.1, first_s: float = 0.0) -> TrackedPerson:
    box = (x, 0.2, x + 0.1, 0.9)
    return TrackedPerson(identity, box, 0.9, first_s, t_s, False, np.array([[0, *box]], np.float32), t_s)


def event(label: str, begin_s: float, end_s: float) -> Event:
    return Event(label, begin_s, end_s, 0.8, 0.9, (begin_s + end_s) / 2)


def test_where_somebody_was_is_interpolated_and_unknown_elsewhere() -> None:
    kept = PersonRecords()
    for step in range(51):
        kept.saw([someone(1, step / 10, x=step / 100)], step / 10)
    box = kept.box_at(1, 2.55)
    assert box is not None and box[0] == pytest.approx(0.255, abs=0.011)
    assert kept.rows == 26, "five a second are enough"
    assert kept.box_at(1, 7.0) is None and kept.box_at(2, 1.0) is None
    assert [identity for identity, _ in kept.who_at(3.0)] == [1]


def test_left_and_right_are_swapped_with_the_picture() -> None:
    kept = PersonRecords()
    kept.saw([someone(1, 0.0, x=0.1)], 0.0)
    kept.mirror()
    assert kept.box_at(1, 0.0) == pytest.approx((0.8, 0.2, 0.9, 0.9))


def test_ten_thousand_people_leave_a_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_ROWS", 3000)
    kept, events = PersonRecords(), PersonEvents()
    for i in range(1, 10_001):
        for step in range(3):
            t_s = 3.0 * i + step / 2
            kept.saw([someone(i, t_s)], t_s)
            kept.said(i, Readout(ReadoutState.ACTION, "squat", 0.9, (("squat", 0.9),), t_s))
        events.add(i, [event("squat", 3.0 * i, 3.0 * i + 1)])
        assert kept.rows <= 3000 + 3
    assert len(kept.trails()) <= 1000 and kept.trails()[-1].id == 10_000
    assert len(events.all()) == records.MAX_EVENTS


def test_one_person_who_stays_for_ever_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_ROWS", 500)
    kept = PersonRecords()
    for step in range(5000):
        kept.saw([someone(1, step / 5)], step / 5)
    assert kept.rows <= 500 and kept.box_at(1, 999.0) is not None


def test_a_part_that_is_played_again_replaces_what_was_found_there() -> None:
    events = PersonEvents()
    events.reached(0.0, 10.0)
    events.add(1, [event("squat", 0, 4), event("lunge", 5, 9)])
    events.end_pass()
    events.reached(3.0, 5.0)
    events.reached(3.0, 6.0)
    events.add(1, [event("clapping", 3.0, 6.0)])
    assert [(e.event.label, e.event.begin_s, e.event.end_s) for e in events.all()] == [
        ("squat", 0, 3.0),
        ("clapping", 3.0, 6.0),
        ("lunge", 6.0, 9),
    ]


def test_an_action_that_was_cut_by_a_jump_is_one_again() -> None:
    events = PersonEvents()
    events.reached(0.0, 4.0)
    events.add(1, [event("squat", 0, 4)])
    events.end_pass()
    events.reached(4.0, 8.0)
    events.add(1, [event("squat", 4.2, 8)])
    events.add(2, [event("squat", 4.2, 8)])
    assert [(e.person, e.event.begin_s, e.event.end_s) for e in events.all()] == [(1, 0, 8), (2, 4.2, 8)]


def detections(*xs: float) -> Detections:
    boxes = np.array([[x, 0.2, x + 0.1, 0.9] for x in xs], np.float32)
    return Detections(boxes, np.full(len(xs), 0.9, np.float32))


def test_people_of_a_file_that_is_played_again_keep_their_numbers() -> None:
    kept = PersonRecords()
    tracker = Tracker(0.5, known=kept.who_at)
    for _ in range(3):
        tracker.reset()
        for step in range(20):
            people = tracker.update(detections(0.1, 0.6), step / 5)
            kept.saw(people, step / 5)
        assert [person.id for person in people] == [1, 2]


def test_who_was_first_found_in_the_middle_is_the_same_from_the_beginning_on() -> None:
    kept = PersonRecords()
    for step in range(25, 50):
        kept.saw([someone(1, step / 5)], step / 5)
    for step in range(30):  # again, from the beginning: a new person, until the old one is met
        person = someone(7, step / 5)
        for identity, other in kept.earlier([person], step / 5):
            kept.join(identity, other)
        kept.saw([person], step / 5)
    assert [trail.id for trail in kept.trails()] == [7]
    assert kept.box_at(7, 1.0) is not None and kept.box_at(7, 9.0) is not None


def test_a_stranger_at_another_place_is_not_taken_for_somebody() -> None:
    kept = PersonRecords()
    for step in range(50):
        kept.saw([someone(1, step / 5)], step / 5)
    assert kept.earlier([someone(7, 2.0, x=0.7)], 2.0) == []
    assert kept.earlier([someone(7, 20.0)], 20.0) == [], "live, nothing is played again"


@given(st.lists(st.floats(0, 3), max_size=60))
def test_what_is_known_stays_in_order_however_a_file_is_played(times: list[float]) -> None:
    kept = PersonRecords()
    for t_s in times:
        kept.saw([someone(1, t_s)], t_s)
        kept.said(1, Readout(ReadoutState.ACTION, label="squat", score=0.5, t_end_s=t_s))
    for trail in kept.trails():
        assert all(one[0] < other[0] for one, other in pairwise(trail.boxes))
        assert all(one.t_s < other.t_s for one, other in pairwise(trail.said))
    assert kept.rows == sum(len(trail.boxes) + len(trail.said) for trail in kept.trails())


@pytest.mark.parametrize("interval_s", [0.03, 0.1, 0.15, 0.5])
def test_a_second_pass_leaves_no_gaps(interval_s: float) -> None:
    """Whatever the interval: what is seen again replaces what was known of then, and no more."""
    kept = PersonRecords()
    for _ in range(3):
        for step in range(int(6.0 / interval_s)):
            t_s = step * interval_s
            kept.saw([someone(1, t_s)], t_s)
            kept.said(1, Readout(ReadoutState.ACTION, "squat", 0.9, (("squat", 0.9),), t_s))
    (trail,) = kept.trails()
    longest = max(interval_s, records.STEP_S) * 2 + 1e-6
    for times in ([row[0] for row in trail.boxes], [said.t_s for said in trail.said]):
        assert times == sorted(times) and times[0] < longest and times[-1] > 6.0 - 2 * longest
        assert max(b - a for a, b in pairwise(times)) <= longest
