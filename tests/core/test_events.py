"""Events as laws. Times are multiples of 1/64 s, which floats hold exactly: no rule hangs on a rounding."""

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.events import Event, EventRule, EventTracker, label_lag_s
from slowfast_live.core.sampling import ClipTiming

TICK = 1 / 64
Sample = tuple[float, str | None, float]
RULE = EventRule(shortest_s=0.5, gap_s=0.75, hold_s=1.0)

labels = st.sampled_from([None, "a", "b", "c"])
steps = st.integers(1, 48) | st.integers(48, 160)
samples = st.lists(st.tuples(steps, labels, st.floats(0, 1, width=32)), max_size=60).map(
    lambda rows: [(sum(r[0] for r in rows[: i + 1]) * TICK, row[1], row[2]) for i, row in enumerate(rows)]
)
seconds = st.integers(0, 128).map(lambda n: n * TICK)
rules = st.builds(EventRule, shortest_s=seconds, gap_s=seconds, lag_s=seconds, hold_s=st.integers(1, 128).map(float))


def track(rows: list[Sample], rule: EventRule = RULE) -> list[Event]:
    tracker = EventTracker(rule)
    events = [event for row in rows for event in tracker.update(*row)]
    return [*events, *tracker.finish()]


def every(step_s: float, *spans: tuple[float, float, str]) -> list[Sample]:
    """Samples `step_s` apart until the end of the last span, labelled where a span covers them."""
    last = max(end for _begin, end, _label in spans)
    times = [i * step_s for i in range(round(last / step_s) + 1)]
    return [(t, next((label for b, e, label in spans if b <= t < e), None), 0.5) for t in times]


def spans(events: list[Event]) -> list[tuple[str, float, float]]:
    return [(event.label, event.begin_s, event.end_s) for event in events]


@given(samples, rules)
def test_events_never_overlap_and_begin_before_they_end(rows: list[Sample], rule: EventRule) -> None:
    events = track(rows, rule)
    for event in events:
        assert event.begin_s < event.end_s
        assert event.begin_s <= event.peak_s <= event.end_s
    for one, next_one in itertools.pairwise(events):
        assert one.end_s <= next_one.begin_s


@given(samples, rules)
def test_scores_are_those_of_the_label(rows: list[Sample], rule: EventRule) -> None:
    for event in track(rows, rule):
        told = [score for _t, label, score in rows if label == event.label]
        assert min(told) - 1e-9 <= event.mean_score <= event.peak_score <= max(told)


@given(samples, rules, st.lists(st.integers(0, 60)))
def test_asking_in_between_changes_nothing(rows: list[Sample], rule: EventRule, asked: list[int]) -> None:
    """Any split of the input gives the same events, and the open event grows into the final one."""
    tracker, events, seen = EventTracker(rule), [], []
    for i, row in enumerate(rows):
        events += tracker.update(*row)
        if i in asked and (current := tracker.current()) is not None:
            seen.append(current)
    events += tracker.finish()
    assert events == track(rows, rule)
    for current in seen:
        assert any((e.label, e.begin_s) == (current.label, current.begin_s) for e in events)


@given(samples, rules, st.data())
def test_repeating_a_sample_changes_nothing(rows: list[Sample], rule: EventRule, data: st.DataObject) -> None:
    """A machine that predicts twice as often tells the same."""
    finer = []
    for (t_s, label, score), following in zip(rows, [*rows[1:], None], strict=False):
        finer.append((t_s, label, score))
        if following is not None and following[0] - t_s <= rule.hold_s:
            ticks = round((following[0] - t_s) / TICK)
            extra = data.draw(st.lists(st.integers(0, ticks), max_size=3).map(sorted))
            finer += [(t_s + n * TICK, label, score) for n in extra]
    plain, fine = track(rows, rule), track(finer, rule)
    assert spans(fine) == spans(plain)
    for one, other in zip(fine, plain, strict=True):
        assert math.isclose(one.mean_score, other.mean_score, abs_tol=1e-6)
        assert (one.peak_score, one.peak_s) == (other.peak_score, other.peak_s)


@given(samples, st.integers(1, 128).map(float))
def test_without_a_least_length_and_gaps_all_labelled_time_is_kept(rows: list[Sample], hold_s: float) -> None:
    rule = EventRule(shortest_s=0, gap_s=0, hold_s=hold_s)
    told = sum(event.length_s for event in track(rows, rule))
    held = [min(b[0] - a[0], hold_s) for a, b in itertools.pairwise(rows) if a[1] is not None]
    tail = 0.0  # what is still seen at the end lasts to it
    if len(rows) > 1 and rows[-1][1] is not None and rows[-2][1] == rows[-1][1]:
        tail = max(0.0, rows[-1][0] - rows[-2][0] - hold_s)
    assert math.isclose(told, sum(held), abs_tol=1e-9) or math.isclose(told, sum(held) + tail, abs_tol=1e-9)


@given(samples, rules)
def test_events_are_events_again(rows: list[Sample], rule: EventRule) -> None:
    """Idempotence: what the rule has made, it leaves as it is, wherever an event is as long as it asks."""
    rule = EventRule(rule.shortest_s, 0.0, 0.0, hold_s=1e6)
    events = [e for e in track(rows, rule) if e.length_s >= rule.shortest_s]
    again = [row for e in events for row in ((e.begin_s, e.label, e.mean_score), (e.end_s, None, 0.0))]
    assert spans(track(again, rule)) == _joined(spans(events))


def _joined(rows: list[tuple[str, float, float]]) -> list[tuple[str, float, float]]:
    """Neighbours of one label that touch are one."""
    joined: list[tuple[str, float, float]] = []
    for label, begin_s, end_s in rows:
        if joined and joined[-1][0] == label and joined[-1][2] == begin_s:
            joined[-1] = (label, joined[-1][1], end_s)
        else:
            joined.append((label, begin_s, end_s))
    return joined


@given(samples, st.floats(0, 5))
def test_the_lag_only_shifts(rows: list[Sample], lag_s: float) -> None:
    plain = track([*rows, (1e4, None, 0.0)])
    dated_back = track([*rows, (1e4, None, 0.0)], EventRule(0.5, 0.75, lag_s, 1.0))
    assert [e.label for e in plain] == [e.label for e in dated_back]
    for one, other in zip(plain, dated_back, strict=True):
        assert math.isclose(one.begin_s - lag_s, other.begin_s, abs_tol=1e-6)
        assert math.isclose(one.end_s - lag_s, other.end_s, abs_tol=1e-6)


@given(
    st.lists(st.tuples(st.floats(1.2, 5), st.sampled_from(["a", "b", None])), min_size=1, max_size=8),
    st.floats(0.03, 0.25),
)
def test_the_rate_of_predictions_hardly_matters(parts: list[tuple[float, str | None]], step_s: float) -> None:
    """Resampled more coarsely, each event keeps its label, and its begin and end to within a step."""
    ends = [sum(length for length, _ in parts[: i + 1]) for i in range(len(parts))]

    def at(t_s: float) -> str | None:
        return next((label for end, (_, label) in zip(ends, parts, strict=True) if t_s < end), None)

    fine, coarse = (
        track([(i * step, at(i * step), 0.5) for i in range(math.ceil(ends[-1] / step))]) for step in (0.02, step_s)
    )
    assert [e.label for e in fine] == [e.label for e in coarse]
    for one, other in zip(fine, coarse, strict=True):
        assert abs(one.begin_s - other.begin_s) <= step_s + 0.04
        assert abs(one.end_s - other.end_s) <= step_s + 0.04


def test_a_short_label_is_no_event() -> None:
    assert track(every(TICK, (1, 1.25, "a"), (2, 4, "b"), (5, 6, None))) == track(
        every(TICK, (2, 4, "b"), (5, 6, None))
    )


def test_a_gap_is_closed_and_a_longer_one_is_not() -> None:
    assert spans(track(every(TICK, (1, 2, "a"), (2.75, 4, "a"), (6, 7, None)))) == [("a", 1, 4)]
    assert spans(track(every(TICK, (1, 2, "a"), (2.8125, 4, "a"), (6, 7, None)))) == [("a", 1, 2), ("a", 2.8125, 4)]


def test_what_is_short_is_swallowed_by_what_goes_on_around_it() -> None:
    assert spans(track(every(TICK, (1, 2, "a"), (2, 2.25, "b"), (2.25, 4, "a"), (6, 7, None)))) == [("a", 1, 4)]


def test_another_event_ends_the_one_before() -> None:
    rows = every(TICK, (1, 2, "a"), (2, 2.5, "b"), (2.5, 4, "a"), (6, 7, None))
    assert spans(track(rows)) == [("a", 1, 2), ("b", 2, 2.5), ("a", 2.5, 4)]


def test_flicker_is_no_event_however_long_it_lasts() -> None:
    flicker = [(i / 2, i / 2 + 2 * TICK, "a") for i in range(40)]
    assert track(every(TICK, *flicker, (30, 31, None))) == []


def test_a_silent_source_does_not_stretch_an_event() -> None:
    rows: list[Sample] = [(0.0, "a", 0.9), (0.5, "a", 0.9), (60.0, None, 0.0)]
    assert spans(track(rows)) == [("a", 0, 1.5)]


def test_what_is_seen_at_the_end_lasts_to_it() -> None:
    rows = every(TICK, (1, 4, "a"))[:-1]
    (event,) = track(rows, EventRule(0.5, 0.75, lag_s=0.25))
    assert (event.begin_s, event.end_s) == (0.75, rows[-1][0])


def test_a_clock_that_goes_back_begins_anew() -> None:
    rows = every(TICK, (1, 3, "a"))
    assert spans(track([*rows, *rows])) == [("a", 1, 3), ("a", 1, 3)]


def test_the_open_event_is_told_once_it_is_sure() -> None:
    tracker = EventTracker(EventRule(0.5, 0.75, lag_s=0.25))
    tracker.update(1.0, "a", 0.6)
    tracker.update(1.25, "a", 0.8)
    assert tracker.current() is None
    tracker.update(1.5, "a", 0.7)
    current = tracker.current()
    assert current is not None and (current.begin_s, current.end_s) == (0.75, 1.5)
    assert current.mean_score == pytest.approx(0.7) and (current.peak_score, current.peak_s) == (0.8, 1.0)
    tracker.update(1.75, None, 0.1)
    in_a_gap = tracker.current()
    assert in_a_gap is not None and in_a_gap.end_s == 1.5
    assert tracker.update(2.75, None, 0.1) == (in_a_gap,)
    assert tracker.current() is None


def test_memory_is_bounded_for_labels_that_never_settle() -> None:
    tracker = EventTracker(RULE)
    for i in range(20_000):
        tracker.update(i * TICK, "abc"[i % 3], 0.5)
        assert len(tracker._pending) <= (RULE.shortest_s + RULE.gap_s) / TICK + 2


def test_the_lag_of_a_model() -> None:
    demo = ClipTiming(16, 1, 10.0)
    assert label_lag_s(demo) == pytest.approx(0.75 + 0.6 * math.log(2))
    one_picture = ClipTiming(2, 1, 30.0)
    assert label_lag_s(one_picture) < one_picture.span_s, "nothing is dated before the first picture"


@pytest.mark.parametrize("wrong", [{"shortest_s": -1}, {"gap_s": -0.1}, {"lag_s": -1}, {"hold_s": 0}])
def test_a_rule_checks_itself(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=json.dumps(next(iter(wrong)))[1:-1]):
        EventRule(**wrong)
