"""What was recognised over time: bounded, replaced where it is played again, cheap to draw."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.events import Event, EventRule, EventTracker
from slowfast_live.core.history import History
from slowfast_live.core.moments import STEP_S, DecisionRule
from slowfast_live.types import Prediction, Readout, ReadoutState
from tests.core.test_passes import check_in_order

RULE = EventRule(shortest_s=0.5, gap_s=0.5, lag_s=1.0)
LABELS = st.sampled_from([None, "squat", "clapping"])


def prediction(t_s: float, generation: int = 1, model: str = "m") -> Prediction:
    return Prediction(np.ones(1, np.float32), (), t_s, 10.0, 10.0, model, "CPU", generation)


def readout(label: str | None, score: float = 0.8) -> Readout:
    state = ReadoutState.ACTION if label else ReadoutState.NO_CONFIDENT_ACTION
    return Readout(state, label, score)


def play(history: History, begin_s: float, labels: list[str | None], generation: int, step_s: float = 0.1) -> float:
    """Play a stretch; return the time of its last prediction."""
    t_s = begin_s
    for i, label in enumerate(labels):
        t_s = begin_s + i * step_s
        history.add(prediction(t_s, generation), readout(label))
    return t_s


def made(*, live: bool = True, rule: EventRule = RULE) -> History:
    history = History()
    history.know({"m": rule})
    history.begin(live=live)
    return history


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
    for generation, (begin_s, runs) in enumerate(played):
        play(history, 1 + begin_s, spelled(runs), generation)
        check_in_order(history.snapshot().events)


@given(st.lists(st.tuples(LABELS, st.integers(1, 30)), min_size=1, max_size=8))
def test_a_single_pass_is_what_the_tracker_says(runs: list) -> None:
    history, tracker = made(), EventTracker(RULE)
    events: list[Event] = []
    for i, label in enumerate(spelled(runs)):
        history.add(prediction(2 + i * 0.1), readout(label))
        events += tracker.update(2 + i * 0.1, label, 0.8)
    current = tracker.current()
    assert list(history.snapshot().events) == [*events, *([current] if current else [])]


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
    history.begin(live=True, generation=5)
    play(history, 2.0, ["squat"] * 20, 4)
    assert history.snapshot().events == () and history.at(2.0) is None
    play(history, 2.0, ["squat"] * 20, 5)
    assert len(history.snapshot().events) == 1


def test_a_slow_model_makes_events_too() -> None:
    history = made()
    for generation in (1, 2):
        play(history, 2.0, ["squat"] * 10, generation, step_s=3.0)
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
            check_in_order(history.snapshot().events)
            history.columns(0, 100, 50)

    with ThreadPoolExecutor() as pool:
        asking = pool.submit(ask)
        play(history, 2.0, spelled([("squat", 40), (None, 20)] * 20), 1)
        stop.set()
        asking.result()


# Files


FILE_RULE = DecisionRule(("squat", "clapping"), events=RULE)


def decide(history: History, model: str, label: int, begin: int = 20, end: int = 60) -> DecisionSet:
    """Look at the moments of a file from one cell to another."""
    decided = history.decisions(model, FILE_RULE)
    assert decided is not None
    for cell in range(begin, end):
        moment = decided.moment((cell - 1) * STEP_S, cell * STEP_S)
        if moment is not None:
            decided.add(moment, np.eye(2, dtype=np.float32)[label], 0.5)
    return decided


def test_a_second_pass_changes_nothing_and_another_model_makes_another_set() -> None:
    history = History()
    history.begin(live=False, file="a")
    decide(history, "m", 0)
    first, curve, version = history.snapshot(), history.columns(0, 10, 50), history.version
    decide(history, "m", 1)
    assert history.version == version and history.snapshot() == first
    decide(history, "other", 1)
    assert [event.label for event in history.snapshot().events] == ["clapping"]
    history.decisions("m", FILE_RULE)
    assert history.snapshot().events == first.events and history.version > version
    assert np.array_equal(history.columns(0, 10, 50).score, curve.score, equal_nan=True)


def test_a_file_that_was_shown_before_is_remembered() -> None:
    history = History()
    history.begin(live=False, file=("a", 1))
    decide(history, "m", 0)
    events = history.snapshot().events
    history.begin(live=False, file=("b", 1))
    assert history.snapshot().events == () and history.at(3.0) is None
    decide(history, "m", 1)
    history.begin(live=True, generation=7)
    assert history.decisions("m", FILE_RULE) is None and history.snapshot().events == ()
    history.begin(live=False, file=("a", 1))
    history.decisions("m", FILE_RULE)
    assert history.snapshot().events == events
    history.begin(live=False, file=("a", 2))
    assert history.decisions("m", FILE_RULE).count == 0, "the file was changed"


def test_files_shown_before_are_forgotten_before_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    history = History()
    monkeypatch.setattr("slowfast_live.core.history.MAX_KEPT_BYTES", 3 * DecisionSet(FILE_RULE).memory_bytes)
    for number in range(6):
        history.begin(live=False, file=number)
        decide(history, "m", 0)
    counts = []
    for number in reversed(range(6)):
        history.begin(live=False, file=number)
        decided = history.decisions("m", FILE_RULE)
        counts.append(decided.count)
    assert counts[:4] == [40] * 4 and counts[-2:] == [0, 0]


def test_a_chosen_threshold_holds_for_all_that_is_decided() -> None:
    history = History()
    history.begin(live=False, file="a")
    decided = decide(history, "m", 0)
    assert len(history.snapshot().events) == 1
    history.set_threshold(1.1)
    assert history.snapshot().events == ()
    history.set_threshold(None)
    assert len(history.snapshot().events) == 1 and decided.threshold == FILE_RULE.threshold
