"""What was recognised over time: bounded, replaced where it is played again, cheap to draw."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.events import Event, EventRule, EventTracker
from slowfast_live.core.history import CELL_S, LIVE_SPAN_S, Cells, History, splice
from slowfast_live.types import Prediction, Readout, ReadoutState

RULE = EventRule(shortest_s=0.5, gap_s=0.5, lag_s=1.0)
LABELS = st.sampled_from([None, "squat", "clapping"])


def prediction(t_s: float, epoch: int = 1, model: str = "m") -> Prediction:
    return Prediction(np.ones(1, np.float32), (), t_s, 10.0, 10.0, model, "CPU", epoch)


def readout(label: str | None, score: float = 0.8) -> Readout:
    state = ReadoutState.ACTION if label else ReadoutState.NO_CONFIDENT_ACTION
    return Readout(state, label, score)


def play(history: History, begin_s: float, labels: list[str | None], epoch: int, step_s: float = 0.1) -> float:
    """Play a stretch; return the time of its last prediction."""
    t_s = begin_s
    for i, label in enumerate(labels):
        t_s = begin_s + i * step_s
        history.add(prediction(t_s, epoch), readout(label))
    return t_s


def made(*, live: bool = False, rule: EventRule = RULE) -> History:
    history = History()
    history.know({"m": rule})
    history.begin(live=live)
    return history


def check_lane(events: tuple[Event, ...] | list[Event]) -> None:
    assert all(event.begin_s < event.end_s and event.begin_s <= event.peak_s <= event.end_s for event in events)
    assert all(0 <= event.mean_score <= event.peak_score + 1e-9 for event in events)
    assert all(one.end_s <= other.begin_s for one, other in pairwise(events))


passes = st.lists(
    st.tuples(st.floats(0, 60), st.lists(st.tuples(LABELS, st.integers(1, 30)), min_size=1, max_size=6)),
    min_size=1,
    max_size=6,
)


def spelled(runs: list[tuple[str | None, int]]) -> list[str | None]:
    return [label for label, count in runs for _ in range(count)]


@given(passes)
def test_events_never_overlap_whatever_is_played_and_sought(played: list) -> None:
    history = made()
    for epoch, (begin_s, runs) in enumerate(played):
        play(history, 1 + begin_s, spelled(runs), epoch)
        check_lane(history.snapshot().events)


@given(st.lists(st.tuples(LABELS, st.integers(1, 30)), min_size=1, max_size=8))
def test_a_single_pass_is_what_the_tracker_says(runs: list) -> None:
    history, tracker = made(), EventTracker(RULE)
    events: list[Event] = []
    for i, label in enumerate(spelled(runs)):
        history.add(prediction(2 + i * 0.1), readout(label))
        events += tracker.update(2 + i * 0.1, label, 0.8)
    current = tracker.current()
    assert list(history.snapshot().events) == [*events, *([current] if current else [])]


@given(st.lists(st.tuples(LABELS, st.integers(1, 30)), min_size=1, max_size=8))
def test_playing_it_again_changes_nothing(runs: list) -> None:
    history = made()
    labels = spelled(runs)
    play(history, 2.0, labels, 1)
    once = history.snapshot().events
    curve = history.columns(0, 20, 100)
    play(history, 2.0, labels, 2)
    again = history.snapshot().events
    assert [event.label for event in once] == [event.label for event in again]
    assert np.allclose([(e.begin_s, e.end_s) for e in once], [(e.begin_s, e.end_s) for e in again])
    assert np.array_equal(curve.score, history.columns(0, 20, 100).score, equal_nan=True)


def test_playing_it_again_replaces_it() -> None:
    history = made()
    play(history, 2.0, ["squat"] * 100, 1)
    play(history, 5.0, ["clapping"] * 40, 2)
    names = [event.label for event in history.snapshot().events]
    assert names == ["squat", "clapping", "squat"]
    assert history.at(6.0) is not None and history.at(6.0).label == "clapping"


@given(st.floats(2, 12), st.integers(1, 12))
def test_a_short_look_elsewhere_leaves_no_hole(t_s: float, count: int) -> None:
    history = made()
    play(history, 2.0, ["squat"] * 100, 1)
    play(history, t_s, ["squat"] * count, 2)
    assert len(history.snapshot().events) == 1
    play(history, 40.0, [None], 3)
    assert len(history.snapshot().events) == 1


def test_a_jump_forward_says_nothing_of_the_time_between() -> None:
    history = made()
    play(history, 2.0, ["squat"] * 20, 1)
    play(history, 52.0, ["clapping"] * 20, 2)
    assert history.at(30.0) is None
    assert [event.label for event in history.snapshot().events] == ["squat", "clapping"]


def test_the_event_that_is_seen_now_is_named() -> None:
    history = made()
    play(history, 2.0, ["squat"] * 20 + [None] * 20 + ["clapping"] * 20, 1)
    snapshot = history.snapshot()
    assert snapshot.going_on == 1 and snapshot.events[1].label == "clapping"
    play(history, 8.1, [None] * 20, 1)
    assert history.snapshot().going_on is None


def test_predictions_of_the_source_before_are_not_taken() -> None:
    history = made()
    play(history, 2.0, ["squat"] * 20, 4)
    history.begin(live=False, epoch=5)
    play(history, 2.0, ["squat"] * 20, 4)
    assert history.snapshot().events == () and history.at(2.0) is None
    play(history, 2.0, ["squat"] * 20, 5)
    assert len(history.snapshot().events) == 1


def test_a_slow_model_makes_events_too() -> None:
    history = made()
    for epoch in (1, 2):
        play(history, 2.0, ["squat"] * 10, epoch, step_s=3.0)
    assert [event.label for event in history.snapshot().events] == ["squat"]
    assert history.at(20.0) is not None


def test_activity_is_that_of_the_readout() -> None:
    history = made()
    for i, activity in enumerate((0.6, None, 0.1)):
        said = replace(readout("squat", 0.5), activity=activity)
        history.add(prediction(2.0 + i * 0.1), said)
    levels = [history.at(2.02 + i * 0.1 - RULE.lag_s).activity for i in range(3)]
    assert levels == [pytest.approx(0.6), None, pytest.approx(0.1)]
    assert math.isnan(made().columns(0, 9, 3).activity[0])


def test_what_is_new_has_another_version() -> None:
    history = made()
    before = history.version
    play(history, 2.0, ["squat"], 1)
    assert history.version > before


def test_threads_may_write_and_ask_at_once() -> None:
    history, stop = made(live=True), threading.Event()

    def ask() -> None:
        while not stop.is_set():
            check_lane(history.snapshot().events)
            history.columns(0, 100, 50)

    with ThreadPoolExecutor() as pool:
        asking = pool.submit(ask)
        play(history, 2.0, spelled([("squat", 40), (None, 20)] * 20), 1)
        stop.set()
        asking.result()


# Cells


@given(
    st.lists(st.tuples(st.floats(0, 50), st.floats(0, 5), st.floats(0, 1)), min_size=1, max_size=20),
    st.floats(-5, 60),
    st.floats(0.01, 60),
    st.integers(1, 300),
)
def test_columns_hold_the_highest_of_what_was_written(
    writes: list, begin_s: float, length_s: float, count: int
) -> None:
    cells, naive = Cells(), np.full(2000, np.nan, np.float32)
    for at_s, for_s, score in writes:
        cells.write(at_s, at_s + for_s, 0, score, score)
        naive[math.floor(at_s / CELL_S) : math.floor((at_s + for_s) / CELL_S) + 1] = score
    columns = cells.columns(begin_s, begin_s + length_s, count)
    edges = np.linspace(begin_s, begin_s + length_s, count + 1)
    for i, value in enumerate(columns.score):
        low = math.floor(edges[i] / CELL_S)
        high = max(math.ceil(edges[i + 1] / CELL_S), low + 1)
        inside = naive[max(0, low) : max(0, high)]
        known = inside[~np.isnan(inside)]
        assert (math.isnan(value) and not known.size) or value == known.max()
    assert np.array_equal(columns.score, columns.activity, equal_nan=True)


@given(st.lists(st.floats(0, 30), min_size=1, max_size=300), st.floats(1000, 1e6))
def test_a_live_source_rolls_in_bounded_memory(steps: list, start_s: float) -> None:
    cells = Cells(span_s=20)
    t_s = start_s
    written: list[float] = []
    for step_s in steps:
        t_s += step_s
        cells.write(t_s, t_s, 1, 0.5, 0.5)
        written.append(t_s)
    assert cells.count <= 2 * 20 / CELL_S + 1024 + 4
    for when_s in written:
        known = cells.at(when_s) is not None
        assert known == (math.floor(when_s / CELL_S) > math.floor(t_s / CELL_S) - math.ceil(20 / CELL_S) - 1)


def test_a_clock_that_starts_again_starts_the_roll_again() -> None:
    cells = Cells(span_s=LIVE_SPAN_S)
    cells.write(5000, 5001, 1, 0.9, 0.9)
    cells.write(2, 3, 2, 0.4, 0.4)
    assert cells.at(5000.5) is None
    assert cells.at(2.5) == pytest.approx((2, 0.4, 0.4))


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 1)), min_size=1, max_size=40))
def test_a_long_file_is_kept_in_longer_cells(writes: list) -> None:
    cells = Cells(most=256)
    for t_s, score in writes:
        cells.write(t_s, t_s, 1, score, score)
    assert cells.count <= 1024
    assert all(cells.at(t_s) is not None for t_s, _ in writes), "nothing is lost, only less finely kept"
    highest = cells.columns(0, 501, 1).score[0]
    assert highest <= max(score for _, score in writes) + 1e-6


# Splicing


@st.composite
def lanes(draw: st.DrawFn, begin_s: float = 0.0, end_s: float = 40.0) -> list[Event]:
    times = sorted(draw(st.lists(st.floats(begin_s, end_s), max_size=12, unique=True)))
    events = []
    for low, high in zip(times[::2], times[1::2], strict=False):
        label = draw(st.sampled_from(["squat", "clapping"]))
        events.append(Event(label, low, high, 0.5, 0.7, draw(st.floats(low, high))))
    return events


@given(st.data())
def test_splicing_keeps_the_lane_and_what_lies_outside(data: st.DataObject) -> None:
    old = data.draw(lanes())
    begin_s, end_s = sorted((data.draw(st.floats(0, 40)), data.draw(st.floats(0, 40))))
    new = data.draw(lanes(begin_s, end_s))
    joined = splice(old, new, begin_s, end_s, RULE)
    check_lane(joined)

    def named(events: list[Event], t_s: float) -> str | None:
        return next((e.label for e in events if e.begin_s < t_s < e.end_s), None)

    for t_s in np.linspace(0.05, 39.95, 80):
        then = named(joined, t_s)
        if begin_s < t_s < end_s:
            assert then == named(new, t_s) or named(new, t_s) is None
        elif then is not None and named(old, t_s) is None:
            pytest.fail("an event where there was none")
