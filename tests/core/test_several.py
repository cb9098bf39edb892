"""Several labels at a time: each with a threshold, hysteresis and events of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.corrections import Corrections
from slowfast_live.core.events import Event, EventRule, EventTracker
from slowfast_live.core.history import History
from slowfast_live.core.readout_text import readout_text
from slowfast_live.core.several import MOST_SHOWN, OverlapTracker, SeveralLabels, in_order, rows_of, thresholds_of
from slowfast_live.rules.rule import Rule, RuleWatch
from slowfast_live.types import Prediction, Readout, ReadoutState

LABELS = ("sitting", "reading", "eating", "none of them")
RULE = EventRule(shortest_s=0.3, gap_s=0.3, lag_s=0.5, overlapping=True)
Shown = tuple[tuple[str, float], ...]


def limits(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_labels_have_their_own_thresholds_which_move_with_the_users() -> None:
    own = {"eating": 0.9}
    assert thresholds_of(LABELS, own, 0.5).tolist() == pytest.approx([0.5, 0.5, 0.9, 0.5])
    assert thresholds_of(LABELS, own, 0.5, 0.3).tolist() == pytest.approx([0.3, 0.3, 0.7, 0.3])
    assert thresholds_of(LABELS, own, 0.5, 0.8).tolist() == pytest.approx([0.8, 0.8, 1.0, 0.8])


def test_each_label_holds_by_itself() -> None:
    several = SeveralLabels(LABELS, ("none of them",), hysteresis=0.05)
    thresholds = limits(0.5, 0.5, 0.9, 0.5)
    assert several.choose(limits(0.6, 0.5, 0.8, 0.99), thresholds, ()) == (0, 1)
    assert several.choose(limits(0.46, 0.44, 0.9, 0.1), thresholds, (0, 1)) == (2, 0)
    assert several.choose(limits(0.46, 0.44, 0.86, 0.1), thresholds, ()) == ()


def test_no_more_than_the_best_are_shown() -> None:
    labels = [f"label {i}" for i in range(9)]
    shown = SeveralLabels(labels).choose(np.linspace(0.6, 0.9, 9, dtype=np.float32), np.full(9, 0.5, np.float32), ())
    assert shown == (8, 7, 6, 5, 4) and len(shown) == MOST_SHOWN


def test_a_readout_names_all_that_is_shown() -> None:
    several = SeveralLabels(LABELS)
    readout = several.readout(limits(0.6, 0.9, 0.2, 0.1), (1, 0), 3.0, trained=True)
    assert readout.state is ReadoutState.ACTION and readout.several
    assert [label for label, _ in readout.shown] == ["reading", "sitting"]
    assert readout.label == "reading" and readout.others[0][0] == "sitting"
    assert readout_text(readout).headline == "reading · sitting" and readout_text(readout).value == ""
    one = several.readout(limits(0.6, 0.9, 0.2, 0.1), (1,), 3.0, trained=True)
    assert readout_text(one).headline == "reading" and readout_text(one).value == "90 %"
    assert several.readout(limits(0.6, 0.9, 0.2, 0.1), (), 3.0, trained=False).state is ReadoutState.UNTRAINED
    assert not several.readout(limits(0.1, 0.1, 0.1, 0.1), (), 3.0, trained=True).shown


samples = st.lists(st.lists(st.sampled_from(LABELS[:3]), unique=True, max_size=3).map(sorted), min_size=1, max_size=60)


def scored(labels: list[str], i: int) -> Shown:
    return tuple((label, 0.5 + 0.01 * (i % 7)) for label in labels)


@given(samples)
def test_the_events_of_each_label_are_those_of_a_tracker_that_sees_it_alone(seen: list[list[str]]) -> None:
    together, alone = OverlapTracker(RULE), {label: EventTracker(RULE) for label in LABELS[:3]}
    events: list[Event] = []
    expected: list[Event] = []
    for i, labels in enumerate(seen):
        shown = scored(labels, i)
        events += together.update(i / 10, shown)
        for label, tracker in alone.items():
            score = dict(shown).get(label)
            expected += tracker.update(i / 10, label if score is not None else None, score or 0.0)
    current = [event for tracker in alone.values() if (event := tracker.current()) is not None]
    assert list(together.current()) == in_order(current)
    events += together.finish()
    expected += [event for tracker in alone.values() for event in tracker.finish()]
    assert in_order(events) == in_order(expected)


@given(samples, st.integers(0, 59))
def test_a_restored_tracker_goes_on_as_if_nothing_had_happened(seen: list[list[str]], at: int) -> None:
    one = OverlapTracker(RULE)
    events: list[Event] = []
    other, others = one, events
    for i, labels in enumerate(seen):
        if i == at:
            other, others = OverlapTracker.restored(RULE, one.state), list(events)
            assert other.state == one.state
        new = one.update(i / 10, scored(labels, i))
        events += new
        if other is not one:
            others += other.update(i / 10, scored(labels, i))
    if other is not one:
        assert [*others, *other.finish()] == [*events, *one.finish()]


def test_time_that_goes_back_starts_over() -> None:
    tracker = OverlapTracker(RULE)
    for i in range(10):
        tracker.update(5 + i / 10, (("sitting", 0.9),))
    assert [event.label for event in tracker.update(0.0, (("reading", 0.9),))] == ["sitting"]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), max_size=12))
def test_events_in_one_row_never_overlap(spans: list[tuple[int, int]]) -> None:
    events = [Event("a", begin, begin + length, 1, 1, begin) for begin, length in sorted(spans)]
    rows = rows_of(events)
    for i, event in enumerate(events):
        for j in range(i):
            assert rows[j] != rows[i] or events[j].end_s <= event.begin_s
        together = [j for j in range(i + 1) if events[j].end_s > event.begin_s]
        assert rows[i] < len(together), "no row is left free in vain"


def prediction(t_s: float, generation: int = 1) -> Prediction:
    return Prediction(np.ones(1, np.float32), (), t_s, 10.0, 10.0, "m", "CPU", generation)


def readout(*labels: str) -> Readout:
    pairs = tuple((label, 0.8) for label in labels)
    state = ReadoutState.ACTION if labels else ReadoutState.NO_CONFIDENT_ACTION
    label = labels[0] if labels else None
    return Readout(state, label, 0.8, pairs, others=pairs[1:], several=True)


def test_live_events_overlap_and_several_go_on() -> None:
    history = History()
    history.know({"m": RULE})
    history.begin(live=True)
    for i in range(60):
        labels = [label for label, since in (("sitting", 10), ("reading", 20)) if i >= since]
        history.add(prediction(i / 10), readout(*labels))
    snapshot = history.snapshot()
    assert snapshot.overlapping and [event.label for event in snapshot.events] == ["sitting", "reading"]
    assert snapshot.events[0].begin_s == pytest.approx(0.5) and snapshot.events[1].begin_s == pytest.approx(1.5)
    assert snapshot.in_progress == {0, 1}
    # A later pass over the same time replaces the events of each label.
    for i in range(60):
        history.add(prediction(i / 10, 2), readout("eating"))
    labels = [event.label for event in history.snapshot().events]
    assert labels == ["eating"] or set(labels) <= {"eating", "sitting", "reading"}
    assert history.snapshot().events[0].label == "eating"


def test_a_limit_on_predictions_does_not_tear_live_events_apart() -> None:
    def length(expected_s: float) -> float:
        history = History()
        history.begin(live=True)
        history.expect(expected_s)
        for i in range(6):
            history.add(prediction(2.0 * i), readout("sitting"))
        return sum(event.length_s for event in history.snapshot().events)

    assert length(2.0) == pytest.approx(10.0) and length(0.0) < 8


def watched(rule: Rule, *readouts: Readout) -> list[tuple[str, float]]:
    from dataclasses import replace

    watch = RuleWatch(rule)
    found = []
    for i, shown in enumerate(readouts):
        if (trigger := watch.update(replace(shown, t_end_s=i / 2), 100.0 + i / 2)) is not None:
            found.append((trigger.action, trigger.t_s))
    return found


def test_a_rule_waits_for_a_label_among_others() -> None:
    rule = Rule("reading", threshold=0.5, hold_s=1.0, cool_down_s=0)
    shown = [readout("sitting", "reading")] * 4
    assert watched(rule, *shown) == [("reading", 1.0)]
    assert watched(Rule("eating", hold_s=0.5), *shown) == []
    # Any action: the one seen first is followed, also when another one becomes the best.
    swapped = [readout("sitting"), readout("reading", "sitting"), readout("reading", "sitting")]
    assert watched(Rule(hold_s=1.0, cool_down_s=0), *swapped) == [("sitting", 1.0)]


def test_corrections_of_overlapping_events() -> None:
    events = [Event("sitting", 0, 10, 0.8, 0.9, 5), Event("reading", 2, 4, 0.8, 0.9, 3)]
    corrections = Corrections()
    corrections.add("eating", 1, 8)
    corrections.add("sitting", 6, 7)
    noted = corrections.apply(events, {0, 1}, overlapping=True)
    assert [(n.event.label, n.event.begin_s, n.event.end_s) for n in noted] == [
        ("sitting", 0, 6),
        ("eating", 1, 8),
        ("reading", 2, 4),
        ("sitting", 6, 7),
        ("sitting", 7, 10),
    ]
    corrections = Corrections()
    first = corrections.apply(events, overlapping=True)
    corrections.rename(first[1], "studying")
    assert [n.event.label for n in corrections.apply(events, overlapping=True)] == ["sitting", "studying"]
    corrections.delete([first[0]])
    assert [n.event.label for n in corrections.apply(events, overlapping=True)] == ["studying"]
