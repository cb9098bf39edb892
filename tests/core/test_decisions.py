"""Each moment of a file is decided once, and the order in which moments are looked at changes nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.events import Event, EventRule, EventTracker
from slowfast_live.core.moments import STEP_S, DecisionRule, Moment, cell_of
from slowfast_live.core.smoothing import LabelHysteresis, Smoother

LABELS = ("squat", "clapping", "walking", "nothing")
RULE = DecisionRule(LABELS, ("nothing",), threshold=0.4, events=EventRule(lag_s=1.0))


def probs(rng: np.random.Generator, classes: int = len(LABELS)) -> np.ndarray:
    values = rng.gamma(0.3, size=classes) + 1e-6
    return np.asarray(values / values.sum(), np.float32)


def scores(seed: int, count: int, classes: int = len(LABELS), repeat: int = 8) -> np.ndarray:
    """What a model says of moments: about the same for a while, then something else."""
    rng = np.random.default_rng(seed)
    parts = [0.7 * probs(rng, classes) for _ in range(count // repeat + 1)]
    return np.asarray([parts[i // repeat] + 0.3 * probs(rng, classes) for i in range(count)], np.float32)


def look(decided: DecisionSet, times: list[float], said: np.ndarray, which: list[int]) -> None:
    """Look at moments by their numbers, in any order."""
    for i in which:
        moment = decided.moment(times[i - 1] if i else None, times[i])
        if moment is not None:
            decided.add(moment, said[i], 0.5 if moment.measure else None)


def everything(decided: DecisionSet, end_s: float) -> tuple:
    curve = decided.curve(-5.0, end_s)
    at = [decided.readout_at(t_s) for t_s in np.linspace(-2, end_s, 200)]
    arrays = [values.tolist() for values in (curve.begin_s, curve.end_s, curve.score)]
    return decided.events()[0], arrays, np.nan_to_num(curve.activity, nan=-1).tolist(), at, decided.range_s


def straight(times: list[float], said: np.ndarray, rule: DecisionRule = RULE) -> DecisionSet:
    decided = DecisionSet(rule)
    look(decided, times, said, list(range(len(times))))
    return decided


steps = st.one_of(st.just(STEP_S), st.sampled_from([1 / 30, 0.04, 0.4, 1.7, 3.0]))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 90), steps, st.data())
def test_any_order_of_looking_gives_the_same(seed: int, count: int, step_s: float, data: st.DataObject) -> None:
    times, said = [i * step_s for i in range(count)], scores(seed, count)
    chunks = data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(1, 60)), max_size=12))
    decided = DecisionSet(RULE)
    for begin, length in chunks:
        look(decided, times, said, list(range(begin, min(begin + length, count))))
        check_in_order(decided.events()[0])
    order = data.draw(st.permutations(range(count)))
    look(decided, times, said, order)
    assert everything(decided, times[-1] + 5) == everything(straight(times, said), times[-1] + 5)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 900), max_size=30, unique=True), st.data())
def test_gaps_that_are_filled_in_a_long_span(seed: int, missed: list[int], data: st.DataObject) -> None:
    times, said = [i * STEP_S for i in range(1200)], scores(seed, 1200, repeat=14)
    decided = DecisionSet(RULE)
    look(decided, times, said, [i for i in range(1200) if i not in missed])
    look(decided, times, said, data.draw(st.permutations(missed)))
    assert everything(decided, 130) == everything(straight(times, said), 130)


def check_in_order(events: tuple[Event, ...]) -> None:
    assert all(event.begin_s < event.end_s and event.begin_s <= event.peak_s <= event.end_s for event in events)
    assert all(one.end_s <= other.begin_s for one, other in pairwise(events))


@given(st.integers(0, 10_000), st.integers(1, 120))
def test_it_says_what_smoother_guard_and_tracker_say(seed: int, count: int) -> None:
    times, said = [i * STEP_S for i in range(count)], scores(seed, count)
    decided = straight(times, said)
    smoother, guard, tracker = Smoother(), LabelHysteresis(LABELS, RULE.background_labels), EventTracker(RULE.events)
    events: list[Event] = []
    for t_s, raw in zip(times, said, strict=True):
        readout = guard.update(smoother.update(raw, t_s), t_s, RULE.threshold)
        events += tracker.update(t_s, readout.label, readout.score)
        found = decided.readout_of(Moment(t_s, -1, measure=False))
        assert found is not None and abs(found.score - readout.score) < 1e-3
    events += tracker.finish()
    ours = decided.events()[0]
    if [event.label for event in events] == [event.label for event in ours]:  # scores at the threshold may be rounded
        assert np.allclose([e.mean_score for e in events], [e.mean_score for e in ours], atol=5e-3)


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10_000), st.integers(1, 899), st.integers(1, 14))
def test_two_long_spans_that_meet(seed: int, hole: int, length: int) -> None:
    times, said = [i * STEP_S for i in range(900)], scores(seed, 900, repeat=14)
    decided = DecisionSet(RULE)
    gap = range(hole, min(hole + length, 900))
    look(decided, times, said, [*range(gap.stop, 900), *range(hole)])
    look(decided, times, said, list(gap))
    assert everything(decided, 95) == everything(straight(times, said), 95)


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_a_threshold_chosen_later_is_as_if_it_had_always_been(seed: int, chosen: list[float]) -> None:
    times, said = [i * STEP_S for i in range(120)], scores(seed, 120)
    decided = straight(times, said)
    for threshold in chosen:
        decided.set_threshold(threshold)
    rule = DecisionRule(LABELS, RULE.background_labels, threshold=chosen[-1], events=RULE.events)
    assert everything(decided, 15) == everything(straight(times, said, rule), 15)
    decided.set_threshold(None)
    assert everything(decided, 15) == everything(straight(times, said), 15)


def test_what_is_decided_is_never_replaced() -> None:
    decided, said = DecisionSet(RULE), np.eye(4, dtype=np.float32)
    moment = decided.moment(0.9, 1.0)
    assert moment is not None
    decided.add(moment, said[0])
    before = everything(decided, 5)
    version = decided.version
    assert decided.moment(0.9, 1.0) is None
    decided.add(moment, said[1])
    assert everything(decided, 5) == before and decided.version == version


@given(st.floats(1, 400), st.integers(0, 5000))
def test_each_cell_has_one_moment_and_where_it_lies_does_not_depend_on_where_reading_began(
    fps: float, first: int
) -> None:
    times = [i / fps for i in range(first, first + 200)]
    decided = DecisionSet(RULE)
    found = [m for before, now in pairwise(times) if (m := decided.moment(before, now)) is not None]
    cells = [moment.cell for moment in found]
    assert cells == sorted(set(cells))
    assert [m.t_s for m in found] == [now for before, now in pairwise(times) if cell_of(before) != cell_of(now)]
    assert decided.moment(None, 3.0) is None, "after a jump it is not known whether a picture is the first of its cell"
    assert decided.moment(None, 0.0) is not None, "but the first of a file is"


def test_a_slow_model_gets_fewer_moments_and_later_none_twice() -> None:
    decided, said = DecisionSet(RULE), np.eye(4, dtype=np.float32)[0]
    decided.add(decided.moment(0.0, 0.1), said)
    decided.fit(0.35)
    times = [i / 30 for i in range(120)]
    for before, now in pairwise(times):
        if (moment := decided.moment(before, now)) is not None:
            decided.add(moment, said)
    assert decided.step_s == 0.4 and decided.count == 1 + 9
    decided.fit(0.01)
    assert not any(decided.moment(before, now) for before, now in pairwise(times)), "a quicker machine changes nothing"
    assert [event.label for event in decided.events()[0]] == ["squat"], "the label stands from one moment to the next"


def test_memory_is_bounded_and_the_least_recent_detail_goes() -> None:
    decided, said = DecisionSet(RULE, max_moments=256), np.eye(4, dtype=np.float32)
    for i in range(1000):
        moment = decided.moment((i - 1) * STEP_S if i else None, i * STEP_S)
        if moment is not None:
            decided.add(moment, said[i // 100 % 2])
    assert decided.memory_bytes <= 1024 * 200 and decided.count <= 256
    labels = [event.label for event in decided.events()[0]]
    assert labels == ["squat", "clapping"] * 5


def test_of_many_classes_the_best_are_kept_and_say_the_same() -> None:
    labels = tuple(f"action {i}" for i in range(400))
    rule = DecisionRule(labels, threshold=0.3, events=RULE.events)
    times, said = [i * STEP_S for i in range(200)], scores(7, 200, 400)
    decided, smoother = straight(times, said, rule), Smoother()
    for t_s, raw in zip(times, said, strict=True):
        smoothed = smoother.update(raw, t_s)
        found = decided.readout_of(Moment(t_s, -1, measure=False))
        best = int(np.argmax(smoothed))
        assert found is not None and abs(found.top[0][1] - smoothed[best]) < 0.01


def test_a_file_of_few_pictures_has_events_too() -> None:
    """As of slides: each picture stands for seconds, and nothing lies between two."""
    times, said = [3.0 * i for i in range(12)], np.eye(4, dtype=np.float32)[[0] * 6 + [1] * 6]
    decided = straight(times, said)
    assert [event.label for event in decided.events()[0]] == ["squat", "clapping"]
    assert decided.readout_at(10.0) is not None
