"""What the user says of events stands over what the model said."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.corrections import MAX_EDITS, AnnotatedEvent, Corrections, merge_edits
from slowfast_live.core.events import Event

NAMES = ("squat", "lunge", "clapping")


def sequence(*labels: str) -> list[Event]:
    return [Event(label, 10.0 * i, 10.0 * i + 5, 0.7, 0.9, 10.0 * i + 1) for i, label in enumerate(labels)]


SEQUENCE = sequence("squat", "clapping", "squat")


def names(noted: tuple[AnnotatedEvent, ...]) -> list[str]:
    return [one.event.label for one in noted]


def test_without_corrections_events_are_as_the_model_said() -> None:
    noted = Corrections().apply(SEQUENCE, going_on=2)
    assert [one.event for one in noted] == SEQUENCE
    assert [one.going_on for one in noted] == [False, False, True]
    assert not any(one.corrected for one in noted)


def test_one_event_or_all_of_a_label() -> None:
    corrections = Corrections()
    corrections.rename(corrections.apply(SEQUENCE)[0], "lunge")
    assert names(corrections.apply(SEQUENCE)) == ["lunge", "clapping", "squat"]
    corrections.rename_all("squat", "deep squat")
    noted = corrections.apply(SEQUENCE)
    assert names(noted) == ["lunge", "clapping", "deep squat"]
    assert noted[0].said == "squat" and noted[0].corrected
    assert names(corrections.apply([*SEQUENCE, replace(SEQUENCE[0], begin_s=30, end_s=35)]))[-1] == "deep squat"


def test_what_is_deleted_stays_deleted_when_it_is_recognized_again() -> None:
    corrections = Corrections()
    corrections.delete(corrections.apply(SEQUENCE)[1:2])
    moved = [replace(event, begin_s=event.begin_s + 0.4, end_s=event.end_s + 0.3) for event in SEQUENCE]
    assert names(corrections.apply(moved)) == ["squat", "squat"]


def test_a_growing_event_keeps_its_name() -> None:
    corrections = Corrections()
    corrections.rename(corrections.apply(SEQUENCE)[2], "lunge")
    grown = [*SEQUENCE[:2], replace(SEQUENCE[2], end_s=60.0)]
    assert names(corrections.apply(grown)) == ["squat", "clapping", "lunge"]


def test_another_label_in_its_place_is_another_event() -> None:
    corrections = Corrections()
    corrections.delete(corrections.apply(SEQUENCE)[:1])
    assert names(corrections.apply(sequence("clapping", "clapping"))) == ["clapping", "clapping"]


def test_an_empty_name_changes_nothing() -> None:
    corrections = Corrections()
    corrections.rename(corrections.apply(SEQUENCE)[0], "")
    corrections.rename_all("squat", "")
    assert not corrections.last and not corrections.undo()


def test_an_added_event_replaces_what_the_model_says_of_its_time() -> None:
    corrections = Corrections()
    corrections.add("jump", 2.0, 12.0)
    noted = corrections.apply(SEQUENCE)
    assert [(n.event.label, n.event.begin_s, n.event.end_s) for n in noted] == [
        ("squat", 0.0, 2.0),
        ("jump", 2.0, 12.0),
        ("clapping", 12.0, 15.0),
        ("squat", 20.0, 25.0),
    ]
    assert [n.event.by_hand for n in noted] == [False, True, False, False]
    corrections.rename(noted[1], "leap")
    assert names(corrections.apply(SEQUENCE)) == ["squat", "leap", "clapping", "squat"]
    corrections.delete(corrections.apply(SEQUENCE)[1:2])
    assert names(corrections.apply(SEQUENCE)) == ["squat", "clapping", "squat"]


def test_an_event_added_inside_another_leaves_both_its_ends() -> None:
    corrections = Corrections()
    corrections.add("jump", 2.0, 3.0)
    noted = corrections.apply(SEQUENCE[:1], going_on=0)
    assert names(noted) == ["squat", "jump", "squat"]
    assert [n.going_on for n in noted] == [False, False, True], "only what reaches the end goes on"
    assert noted[2].event.begin_s == 3.0 and noted[2].event.end_s == 5.0


def test_a_renamed_event_is_found_in_the_events_of_another_model() -> None:
    corrections = Corrections()
    corrections.rename(corrections.apply(SEQUENCE, model="one")[0], "lunge", model="one")
    others = sequence("squatting", "applauding")
    assert names(corrections.apply(others, model="two")) == ["lunge", "applauding"]


def test_a_renamed_event_that_another_model_does_not_see_is_shown() -> None:
    corrections = Corrections()
    corrections.rename(corrections.apply(SEQUENCE, model="one")[1], "applause", model="one")
    noted = corrections.apply([], model="two")
    assert names(noted) == ["applause"] and noted[0].said == "clapping"
    corrections.delete(noted)
    assert names(corrections.apply([], model="two")) == []


def test_a_deletion_hides_no_event_that_only_another_model_sees() -> None:
    corrections = Corrections()
    corrections.delete(corrections.apply(SEQUENCE, model="one")[:1])
    assert names(corrections.apply(sequence("walking"), model="two")) == ["walking"]


def test_undone_edits_can_be_redone_until_something_else_is_done() -> None:
    corrections = Corrections()
    corrections.delete(corrections.apply(SEQUENCE)[:1])
    corrections.undo()
    assert "squat" in corrections.next and corrections.redo()
    assert names(corrections.apply(SEQUENCE)) == ["clapping", "squat"]
    corrections.undo()
    corrections.rename_all("squat", "knee bend")
    assert not corrections.next and not corrections.redo()


def test_earlier_edits_come_below_those_made_while_they_were_loaded() -> None:
    earlier = Corrections()
    earlier.rename_all("squat", "lunge")
    now = Corrections()
    now.rename_all("lunge", "deep lunge")
    now.delete(now.apply(SEQUENCE)[1:2])
    now.load(earlier.edits)
    assert names(now.apply(SEQUENCE)) == ["deep lunge", "deep lunge"]
    assert now.undo() and now.undo() and now.undo() and not now.undo(), "undo reaches back to earlier runs"
    assert names(now.apply(SEQUENCE)) == ["squat", "clapping", "squat"]


def test_loading_the_same_edits_again_changes_nothing() -> None:
    corrections = Corrections()
    corrections.rename_all("squat", "lunge")
    corrections.undo()
    kept = corrections.edits
    corrections.load(kept)
    assert corrections.edits == kept and not corrections.last


def test_undo_takes_back_what_was_done_here_not_in_another_window() -> None:
    here, there = Corrections(), Corrections()
    here.delete(here.apply(SEQUENCE)[:1])
    there.rename_all("clapping", "applause")
    assert here.merge(there.edits) and not here.merge(there.edits)
    assert names(here.apply(SEQUENCE)) == ["applause", "squat"]
    assert here.undo() and not here.undo()
    assert names(here.apply(SEQUENCE)) == ["squat", "applause", "squat"]


def test_the_log_is_bounded_and_forgets_undone_edits_first() -> None:
    corrections = Corrections()
    corrections.rename_all("squat", "a")
    for _ in range(5):
        corrections.rename_all("a", "b")
        corrections.undo()
    for i in range(MAX_EDITS - 1):
        corrections.rename_all("x", f"y{i}")
    assert len(corrections.edits) == MAX_EDITS
    assert corrections.edits[0].change == Corrections(corrections.edits).edits[0].change
    assert names(corrections.apply(SEQUENCE)) == ["a", "clapping", "a"], "the first edit still applies"


@st.composite
def logs(draw: st.DrawFn) -> Corrections:
    corrections = Corrections()
    for kind in draw(st.lists(st.sampled_from(["rename", "all", "delete", "add", "undo", "redo"]), max_size=8)):
        noted = corrections.apply(SEQUENCE)
        if kind == "rename" and noted:
            corrections.rename(draw(st.sampled_from(noted)), draw(st.sampled_from(NAMES)))
        elif kind == "all":
            corrections.rename_all(draw(st.sampled_from(NAMES)), draw(st.sampled_from(NAMES)))
        elif kind == "delete" and noted:
            corrections.delete([draw(st.sampled_from(noted))])
        elif kind == "add":
            begin_s = draw(st.floats(0, 30))
            corrections.add(draw(st.sampled_from(NAMES)), begin_s, begin_s + draw(st.floats(0.1, 20)))
        elif kind == "undo":
            corrections.undo()
        elif kind == "redo":
            corrections.redo()
    return corrections


@given(logs())
def test_events_never_overlap_and_begin_before_they_end(corrections: Corrections) -> None:
    events = [noted.event for noted in corrections.apply(SEQUENCE, going_on=2)]
    assert all(event.begin_s < event.end_s for event in events)
    assert all(one.end_s <= other.begin_s for one, other in itertools.pairwise(events))


@given(logs(), logs(), logs())
def test_logs_merge_in_any_order_without_losing_an_edit(one: Corrections, two: Corrections, three: Corrections) -> None:
    a, b, c = one.edits, two.edits, three.edits
    merged = merge_edits(merge_edits(a, b), c)
    assert merged == merge_edits(c, merge_edits(b, a)) == merge_edits(merged, b)
    assert {edit.id for edit in merged} == {edit.id for edit in (*a, *b, *c)}


@given(logs(), st.lists(st.booleans(), max_size=6))
def test_a_window_that_went_on_wins_over_its_older_self(log: Corrections, ways: list[bool]) -> None:
    older = log.edits
    for back in ways:
        log.undo() if back else log.redo()
    assert merge_edits(older, log.edits) == merge_edits(log.edits, older) == log.edits


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
    corrections, events = Corrections(), sequence(*labels)
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


def of_person(person: int | None, events: tuple[Event, ...], corrections: Corrections, **more: Any) -> list[str]:
    return [noted.event.label for noted in corrections.apply(events, person=person, **more)]


def test_edits_of_a_person_leave_others_and_the_whole_picture_alone() -> None:
    events = (Event("squat", 0, 5, 0.8, 0.9, 1), Event("clapping", 6, 9, 0.8, 0.9, 7))
    corrections = Corrections()
    first, second = corrections.apply(events, person=2)
    assert first.person == second.person == 2
    corrections.rename(first, "lunge")
    corrections.add("jump", 12.0, 13.0, person=2)
    corrections.move(second, 6.0, 11.0)
    assert of_person(2, events, corrections) == ["lunge", "clapping", "jump"]
    assert corrections.apply(events, person=2)[1].event.end_s == 11.0
    for other in (None, 1, 3):
        assert of_person(other, events, corrections) == ["squat", "clapping"]
    assert corrections.people() == {2}
    assert of_person(2, (), corrections) == ["lunge", "jump"], "a name that was given is kept without the model's event"
    while corrections.undo():
        pass
    assert of_person(2, events, corrections) == ["squat", "clapping"] and corrections.people() == set()


def test_events_of_several_people_are_deleted_in_one_step() -> None:
    events = (Event("squat", 0, 5, 0.8, 0.9, 1),)
    corrections = Corrections()
    corrections.delete([corrections.apply(events, person=person)[0] for person in (None, 1)])
    assert [of_person(who, events, corrections) for who in (None, 1, 2)] == [[], [], ["squat"]]
    assert corrections.undo() and of_person(1, events, corrections) == ["squat"]


def test_edits_of_a_former_identity_are_those_of_the_present_one() -> None:
    events = (Event("squat", 0, 5, 0.8, 0.9, 1),)
    corrections = Corrections()
    corrections.rename(corrections.apply(events, person=2)[0], "lunge")
    assert of_person(5, events, corrections, joined={2: 5}) == ["lunge"]
    assert corrections.people({2: 5}) == {5}
