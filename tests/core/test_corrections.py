"""What the user says of events stands over what the model said."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.corrections import Corrections, Noted
from slowfast_live.core.events import Event

NAMES = ("squat", "lunge", "clapping")


def lane(*labels: str) -> list[Event]:
    return [Event(label, 10.0 * i, 10.0 * i + 5, 0.7, 0.9, 10.0 * i + 1) for i, label in enumerate(labels)]


LANE = lane("squat", "clapping", "squat")


def names(noted: tuple[Noted, ...]) -> list[str]:
    return [one.event.label for one in noted]


def test_without_corrections_events_are_as_the_model_said() -> None:
    noted = Corrections().apply(LANE, going_on=2)
    assert [one.event for one in noted] == LANE
    assert [one.going_on for one in noted] == [False, False, True]
    assert not any(one.corrected for one in noted)


def test_one_event_or_all_of_a_label() -> None:
    corrections = Corrections()
    corrections.rename(corrections.apply(LANE)[0], "lunge")
    assert names(corrections.apply(LANE)) == ["lunge", "clapping", "squat"]
    corrections.rename_all("squat", "deep squat")
    noted = corrections.apply(LANE)
    assert names(noted) == ["lunge", "clapping", "deep squat"]
    assert noted[0].said == "squat" and noted[0].corrected
    assert names(corrections.apply([*LANE, replace(LANE[0], begin_s=30, end_s=35)]))[-1] == "deep squat"


def test_what_is_deleted_stays_deleted_when_it_is_recognised_again() -> None:
    corrections = Corrections()
    corrections.delete(corrections.apply(LANE)[1:2])
    moved = [replace(event, begin_s=event.begin_s + 0.4, end_s=event.end_s + 0.3) for event in LANE]
    assert names(corrections.apply(moved)) == ["squat", "squat"]


def test_a_growing_event_keeps_its_name() -> None:
    corrections = Corrections()
    corrections.rename(corrections.apply(LANE)[2], "lunge")
    grown = [*LANE[:2], replace(LANE[2], end_s=60.0)]
    assert names(corrections.apply(grown)) == ["squat", "clapping", "lunge"]


def test_another_label_in_its_place_is_another_event() -> None:
    corrections = Corrections()
    corrections.delete(corrections.apply(LANE)[:1])
    assert names(corrections.apply(lane("clapping", "clapping"))) == ["clapping", "clapping"]


def test_an_empty_name_changes_nothing() -> None:
    corrections = Corrections()
    corrections.rename(corrections.apply(LANE)[0], "")
    corrections.rename_all("squat", "")
    assert not corrections.last and not corrections.undo()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("rename"), st.integers(0, 5), st.sampled_from(NAMES)),
        st.tuples(st.just("all"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
        st.tuples(st.just("delete"), st.integers(0, 5), st.just("")),
    ),
    max_size=12,
)


@given(st.lists(st.sampled_from(NAMES), max_size=6), steps)
def test_undo_takes_back_step_by_step(labels: list[str], made: list) -> None:
    corrections, events = Corrections(), lane(*labels)
    seen = [corrections.apply(events)]
    for kind, what, name in made:
        noted = corrections.apply(events)
        last = corrections.last
        if kind == "all":
            corrections.rename_all(what, name)
            done = what != name
        elif not noted:
            continue
        else:
            one = noted[what % len(noted)]
            done = kind == "delete" or name != one.event.label
            corrections.rename(one, name) if kind == "rename" else corrections.delete([one])
        if done:
            assert corrections.last
            seen.append(corrections.apply(events))
        else:
            assert corrections.last == last
    while len(seen) > 1:
        assert corrections.apply(events) == seen.pop()
        assert corrections.undo()
    assert corrections.apply(events) == seen[0] and not corrections.undo()
