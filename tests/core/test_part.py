"""A part of a session, and boundaries that are moved."""

from __future__ import annotations

import msgspec
import pytest

from slowfast_live.core.corrections import Corrections, Edit
from slowfast_live.core.events import Event
from slowfast_live.core.part import Part


def event(label: str, begin_s: float, end_s: float) -> Event:
    return Event(label, begin_s, end_s, 0.8, 0.9, (begin_s + end_s) / 2)


SEEN = (event("squat", 1, 3), event("clapping", 4, 6), event("squat", 8, 10))


def spans(corrections: Corrections) -> list[tuple[str, float, float]]:
    return [(one.event.label, one.event.begin_s, one.event.end_s) for one in corrections.apply(SEEN)]


def test_events_are_cut_at_the_ends_of_the_part() -> None:
    found = Part(2, 5).cut(SEEN)
    assert [(one.label, one.begin_s, one.end_s) for one in found] == [("squat", 2, 3), ("clapping", 4, 5)]
    assert all(one.begin_s <= one.peak_s <= one.end_s for one in found)
    assert Part().cut(SEEN) == SEEN
    assert Part(6, None).cut(SEEN) == SEEN[2:]


def test_a_part_beyond_what_is_known_is_empty() -> None:
    begin_s, end_s = Part(20, 30).within(0, 10)
    assert begin_s == end_s and Part(20, 30).cut(SEEN) == ()


def test_a_moved_boundary_keeps_scores_and_can_be_undone() -> None:
    corrections = Corrections()
    noted = corrections.apply(SEEN)[1]
    corrections.move(noted, 3.5, 6.5)
    moved = corrections.apply(SEEN)[1].event
    assert (moved.begin_s, moved.end_s, moved.mean_score, moved.by_hand) == (3.5, 6.5, 0.8, False)
    assert corrections.last == "“clapping” moved"
    corrections.undo()
    assert corrections.apply(SEEN)[1].event == SEEN[1]
    corrections.redo()
    assert corrections.apply(SEEN)[1].event == moved


def test_it_replaces_what_lies_between_its_new_boundaries() -> None:
    corrections = Corrections()
    corrections.move(corrections.apply(SEEN)[1], 2.0, 8.5)
    assert spans(corrections) == [("squat", 1, 2.0), ("clapping", 2.0, 8.5), ("squat", 8.5, 10)]


def test_moved_again_and_renamed() -> None:
    corrections = Corrections()
    corrections.move(corrections.apply(SEEN)[1], 3.5, 6.5)
    corrections.move(corrections.apply(SEEN)[1], 4.5, 6.5)
    corrections.rename(corrections.apply(SEEN)[1], "applause")
    assert spans(corrections)[1] == ("applause", 4.5, 6.5)


def test_an_event_cannot_end_before_it_begins() -> None:
    corrections = Corrections()
    with pytest.raises(ValueError, match="begins before it ends"):
        corrections.move(corrections.apply(SEEN)[0], 3, 3)
    corrections.move(corrections.apply(SEEN)[0], 1, 3)
    assert not corrections.edits, "nothing changed"


def test_a_session_file_keeps_it() -> None:
    corrections = Corrections()
    corrections.move(corrections.apply(SEEN)[0], 0.5, 3)
    edits = msgspec.json.decode(msgspec.json.encode(corrections.edits), type=tuple[Edit, ...])
    assert spans(Corrections(edits))[0] == ("squat", 0.5, 3)
