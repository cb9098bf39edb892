"""What was recognized comes back as it was, and goes on from there."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.events import Event
from slowfast_live.core.history import History, model_key
from slowfast_live.core.moments import STEP_S, DecisionRule
from slowfast_live.sessions.format import Recognized, decode_recognized
from slowfast_live.sessions.recognition import DecidedPart, at_last, capture, restore
from slowfast_live.types import Prediction, Readout, ReadoutState
from tests.sessions.made import RULE, make_decisions

KEY = ("slowfast_r50", b"spec")


def kept(history: History, file: object) -> list[Recognized]:
    """What lies in the store of it."""
    return [decode_recognized(msgspec.json.encode(part.pack()), "x") for part in capture(history, file)]


def watched(count: int = 100, rule: DecisionRule = RULE) -> History:
    history = History()
    history.begin(live=False, file="clip")
    decisions = history.decisions(KEY, rule)
    assert decisions is not None
    decisions.restore(make_decisions(count, rule).decided())
    return history


def curves(history: History) -> tuple[np.ndarray, np.ndarray]:
    columns = history.columns(0.0, 12.0, 240)
    return columns.score, columns.activity


def test_a_file_shows_the_same_events_and_curves_in_the_next_run() -> None:
    before, after = watched(), History()
    after.begin(live=False, file="clip again")
    restore(after, "clip again", kept(before, "clip"))
    assert after.snapshot().events == before.snapshot().events != ()
    for one, other in zip(curves(after), curves(before), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_model_goes_on_with_what_it_said() -> None:
    before, after = watched(60), History()
    after.begin(live=False, file="clip")
    own = after.decisions(KEY, RULE)
    assert own is not None and own.count == 0
    restore(after, "clip", kept(before, "clip"))
    assert own.count == 60 and after.decisions(KEY, RULE) is own
    assert own.moment(2.9, 3.0) is None, "it is not decided twice"
    whole = make_decisions(100)
    for i in range(60, 100):  # what the rest of the file makes of it
        moment = own.moment((i - 1) * STEP_S, i * STEP_S)
        assert moment is not None
        probs = np.full(3, 0.05, np.float32)
        probs[(0, 2, 1)[3 * i // 60] if i < 60 else 1] = 0.9
        own.add(moment, probs, None)
    assert own.count == whole.count == 100


def test_what_was_decided_while_it_was_read_is_kept_too() -> None:
    whole, stored = make_decisions(100), make_decisions(100)
    rows = stored.decided().rows
    part = DecisionSet(RULE)
    for i in range(40, 50):
        moment = part.moment((i - 1) * STEP_S, i * STEP_S)
        assert moment is not None
        probs = np.full(3, 0.05, np.float32)
        probs[(0, 2, 1)[3 * i // 100]] = 0.9
        part.add(moment, probs, 0.4 if moment.measure else None)
    decided = stored.decided()
    without = np.delete(rows, slice(40, 50))
    part.restore(type(decided)(RULE, None, decided.every, decided.thin, without))
    assert part.count == 100 and part.events()[0] == whole.events()[0]


def test_another_model_makes_another_set() -> None:
    before, after = watched(), History()
    after.begin(live=False, file="clip")
    other = after.decisions(("x3d", b"spec"), RULE)
    restore(after, "clip", kept(before, "clip"))
    assert other is not None and other.count == 0 and after.snapshot().events == ()
    assert set(after.sets("clip")) == {model_key(("x3d", b"spec")), model_key(KEY)}


def test_a_set_that_claims_to_be_of_a_model_but_is_not_is_not_used() -> None:
    others = DecisionRule(("a", "b", "c"), model="slowfast_r50")
    before, after = watched(rule=others), History()
    after.begin(live=False, file="clip")
    restore(after, "clip", kept(before, "clip"))
    own = after.decisions(KEY, RULE)
    assert own is not None and own.rule == RULE and own.count == 0
    restore(after, "clip", kept(before, "clip"))
    assert own.count == 0


def test_what_is_read_too_late_is_not_put_into_another_file() -> None:
    before, after = watched(), History()
    after.begin(live=False, file="other")
    restore(after, "clip", kept(before, "clip"))
    assert after.sets("other") == {} and after.snapshot().events == ()


@pytest.mark.parametrize("threshold", [0.3, 0.6])
def test_the_threshold_in_force_holds_for_what_is_restored(threshold: float) -> None:
    before, after, expected = watched(), History(), watched()
    after.set_threshold(threshold)
    after.begin(live=False, file="clip")
    restore(after, "clip", kept(before, "clip"))
    expected.set_threshold(threshold)
    assert after.snapshot().events == expected.snapshot().events


def live(labels: list[str | None]) -> History:
    history = History()
    history.begin(live=True)
    for i, label in enumerate(labels):
        t_s = 5000 + i * 0.1
        state = ReadoutState.ACTION if label else ReadoutState.NO_CONFIDENT_ACTION
        readout = Readout(state, label, 0.8 if label else 0.2, (), t_s, 0.5)
        history.add(Prediction(np.ones(1, np.float32), (), t_s, 9.0, 9.0, "slowfast_r50", "CPU", 0), readout)
    return history


def test_a_live_source_is_shown_again_with_its_times() -> None:
    before, after = live(["squat"] * 50 + [None] * 30 + ["clapping"] * 40), History()
    after.begin(live=False, archived=True)
    (found,) = kept(before, before.file)
    assert found.model.name == "slowfast_r50"
    restore(after, after.file, [found])
    one, other = after.snapshot(), before.snapshot()
    assert one.events == other.events and (one.begin_s, one.end_s) == (other.begin_s, other.end_s)
    for curve, expected in zip(after_columns(after), after_columns(before), strict=True):
        np.testing.assert_array_equal(curve, expected)
    assert after.at(5003.0) == before.at(5003.0)
    assert after.decisions(KEY, RULE) is None, "a model that is chosen meanwhile takes nothing in"


def after_columns(history: History) -> tuple[np.ndarray, np.ndarray]:
    columns = history.columns(4990.0, 5020.0, 300)
    return columns.score, columns.activity


def test_the_last_events_of_a_live_source_are_kept_though_it_is_gone() -> None:
    history = live(["squat"] * 50)
    snapshot = history.snapshot()
    part = at_last(None, "slowfast_r50", snapshot)
    found = decode_recognized(msgspec.json.encode(part.pack()), "x")
    assert found.events == snapshot.events and isinstance(found.events[0], Event)


def test_a_set_without_a_moment_is_not_kept() -> None:
    history = History()
    history.begin(live=False, file="clip")
    history.decisions(KEY, RULE)
    assert capture(history, "clip") == []
    assert DecidedPart("k", make_decisions(50)).known_s == pytest.approx(5.0)


def test_a_live_source_that_showed_none_of_the_known_actions_is_read_again() -> None:
    before, top = History(), (("nothing", 0.9),)
    before.begin(live=True)
    for i in range(40):
        t_s, said = 5000 + i / 10, ReadoutState.NO_CONFIDENT_ACTION
        readout = Readout(said, None, 0.2, top if i % 2 else (), t_s, 0.5, background=("nothing",))
        before.add(Prediction(np.ones(1, np.float32), (), t_s, 9.0, 9.0, "slowfast_r50", "CPU", 0), readout)
    (found,) = kept(before, before.file)
    assert found.curves is not None
    assert {-1, -2} <= set(found.curves.arrays()[0].tolist())
