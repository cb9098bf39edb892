"""Several labels at each moment of a file: decided once, in any order, like single ones."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slowfast_live.core.events import EventRule, EventTracker
from slowfast_live.core.history import History
from slowfast_live.core.moments import STEP_S, DecisionRule, check_rows
from slowfast_live.core.several import SeveralLabels, in_order, thresholds_of
from slowfast_live.core.several_decisions import SeveralDecisionSet, decision_set
from slowfast_live.core.smoothing import Smoother
from slowfast_live.errors import SessionError
from slowfast_live.sessions.format import Moments, decode_recognized
from slowfast_live.sessions.recognition import DecidedPart

LABELS = tuple(f"label {i}" for i in range(7))
RULE = DecisionRule(
    LABELS,
    ("label 6",),
    threshold=0.5,
    events=EventRule(lag_s=0.8, overlapping=True),
    thresholds=(("label 2", 0.8),),
)


def scores(seed: int, count: int, repeat: int = 9) -> np.ndarray:
    """Each label by itself, about the same for a while."""
    rng = np.random.default_rng(seed)
    parts = [rng.uniform(0, 1, len(LABELS)) for _ in range(count // repeat + 1)]
    noise = rng.normal(0, 0.06, (count, len(LABELS)))
    return np.asarray([np.clip(parts[i // repeat] + noise[i], 0, 1) for i in range(count)], np.float32)


def look(decided: SeveralDecisionSet, said: np.ndarray, which: list[int]) -> None:
    for i in which:
        moment = decided.moment((i - 1) * STEP_S if i else None, i * STEP_S)
        if moment is not None:
            decided.add(moment, said[i], 0.5 if moment.measure else None)


def everything(decided: SeveralDecisionSet, end_s: float) -> tuple:
    at = [decided.readout_at(t_s) for t_s in np.linspace(-2, end_s, 120)]
    curve = decided.curve(-5, end_s)
    return decided.events(), at, decided.range_s, curve.score.tolist(), curve.begin_s.tolist()


def straight(said: np.ndarray, rule: DecisionRule = RULE) -> SeveralDecisionSet:
    decided = SeveralDecisionSet(rule)
    look(decided, said, list(range(len(said))))
    return decided


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 80), st.data())
def test_any_order_of_looking_gives_the_same(seed: int, count: int, data: st.DataObject) -> None:
    said, decided = scores(seed, count), SeveralDecisionSet(RULE)
    look(decided, said, data.draw(st.permutations(range(count))))
    (events, _), *rest = everything(decided, count * STEP_S + 3)
    (expected, _), *others = everything(straight(said), count * STEP_S + 3)
    assert events == expected and rest == others


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 700), max_size=25, unique=True), st.data())
def test_gaps_that_are_filled_in_a_long_span(seed: int, missed: list[int], data: st.DataObject) -> None:
    said, decided = scores(seed, 720), SeveralDecisionSet(RULE)
    look(decided, said, [i for i in range(720) if i not in missed])
    look(decided, said, data.draw(st.permutations(missed)))
    assert decided.events()[0] == straight(said).events()[0]


def test_it_is_what_smoothing_thresholds_and_trackers_say() -> None:
    said = scores(4, 200)
    smoother, several = Smoother(), SeveralLabels(LABELS, ("label 6",))
    limits = thresholds_of(LABELS, dict(RULE.thresholds), 0.5)
    rule = replace(RULE.events, hold_s=float("inf"))
    trackers = {label: EventTracker(rule) for label in LABELS}
    held: tuple[int, ...] = ()
    events = []
    decided = straight(said)
    for i, probs in enumerate(said):
        t_s = i * STEP_S
        smoothed = smoother.update(probs, t_s)
        held = several.choose(smoothed, limits, held)
        moment = decided.readout_of(_moment(i))
        assert moment is not None and [label for label, _ in moment.shown] == [LABELS[k] for k in held]
        assert [score for _, score in moment.shown] == pytest.approx([smoothed[k] for k in held], abs=1e-4)
        for k, label in enumerate(LABELS):
            events += trackers[label].update(t_s, label if k in held else None, float(smoothed[k]))
    events += [event for tracker in trackers.values() for event in tracker.finish()]
    found, _ = decided.events()
    assert len({event.label for event in found}) > 2, "labels must change"
    assert any(one.end_s > other.begin_s for one, other in pairwise(found))
    pairs = zip(found, in_order(events), strict=True)
    assert all((a.label, a.begin_s, a.end_s) == (b.label, b.begin_s, b.end_s) for a, b in pairs)


def _moment(i: int):
    from slowfast_live.core.moments import Moment, cell_of

    return Moment(i * STEP_S, cell_of((i - 1) * STEP_S) if i else -1, True)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.75, None])
def test_another_threshold_gives_what_it_would_have_given(threshold: float | None) -> None:
    said = scores(9, 150)
    moved, fresh = straight(said), SeveralDecisionSet(RULE)
    moved.set_threshold(0.9)
    moved.set_threshold(threshold)
    fresh.set_threshold(threshold)
    look(fresh, said, list(range(len(said))))
    assert moved.events() == fresh.events()
    assert everything(moved, 16)[1] == everything(fresh, 16)[1]


def test_an_event_bridges_a_gap_in_its_label() -> None:
    said = np.zeros((60, len(LABELS)), np.float32)
    said[:, 0] = 0.9
    said[:25, 1] = said[29:, 1] = 0.9
    decided = straight(said)
    labels = {event.label for event in decided.events()[0]}
    assert labels == {"label 0", "label 1"} and len(decided.events()[0]) == 2
    at = decided.readout_at(2.4)
    assert at is not None and {label for label, _ in at.shown} == labels


def test_saved_and_restored() -> None:
    said = scores(2, 120)
    decided = straight(said)
    stored = Moments.of(decided.decided()).decided("")
    check_rows(stored)
    assert stored.rule == RULE
    other = decision_set(stored.rule)
    other.restore(stored)
    assert isinstance(other, SeveralDecisionSet)
    assert other.events()[0] == decided.events()[0]
    history = History()
    history.begin(live=False, file="a")
    history.restore("a", "key", stored)
    assert history.snapshot().events == decided.events()[0] and history.snapshot().overlapping


def test_an_untrained_model_shows_no_label() -> None:
    decided = straight(scores(2, 40), replace(RULE, trained=False))
    assert decided.events()[0] == () and not decided.readout_at(2.0).shown  # type: ignore[union-attr]


def test_a_session_keeps_overlapping_events() -> None:
    packed = DecidedPart("0" * 32, straight(scores(4, 200))).pack()
    assert packed.overlapping and len(packed.events) > 3
    assert decode_recognized(msgspec.json.encode(packed), "it") == packed
    single = msgspec.structs.replace(packed, overlapping=False)
    with pytest.raises(SessionError):
        decode_recognized(msgspec.json.encode(single), "it")
