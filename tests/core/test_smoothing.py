import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.smoothing import LabelHysteresis, Smoother
from slowfast_live.types import ReadoutState

LABELS = ("walking", "running", "nothing known")


def probs(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@given(st.lists(st.floats(0.001, 0.5), min_size=1, max_size=60))
def test_a_step_is_63_percent_visible_after_the_time_constant(gaps: list[float]) -> None:
    """The same whatever the rate, so a fast machine and a slow one show the same."""
    smoother = Smoother(0.6)
    smoother.update(probs(0, 1), 10.0)
    t_s = 10.0
    for gap in gaps:
        t_s += gap
        value = smoother.update(probs(1, 0), t_s)
        assert math.isclose(value[0], 1 - math.exp(-(t_s - 10.0) / 0.6), abs_tol=1e-4)
        assert math.isclose(value.sum(), 1, abs_tol=1e-4)


def test_going_back_in_time_starts_afresh() -> None:
    smoother = Smoother(0.6)
    smoother.update(probs(0, 1), 10.0)
    assert smoother.update(probs(1, 0), 5.0)[0] == 1


def test_zero_time_constant_turns_it_off() -> None:
    smoother = Smoother(0)
    smoother.update(probs(0, 1), 0)
    assert smoother.update(probs(1, 0), 1e-3)[0] == 1


def test_no_label_below_the_threshold() -> None:
    guard = LabelHysteresis(LABELS)
    readout = guard.update(probs(0.49, 0.3, 0.21), 0, 0.5)
    assert readout.state is ReadoutState.NO_CONFIDENT_ACTION and readout.label is None
    assert readout.score == np.float32(0.49) and readout.top[0][0] == "walking"
    assert guard.update(probs(0.5, 0.3, 0.2), 0, 0.5).label == "walking"


def test_hysteresis_keeps_a_label_that_wavers() -> None:
    guard = LabelHysteresis(LABELS, hysteresis=0.05)
    assert guard.update(probs(0.52, 0.4, 0.08), 0, 0.5).label == "walking"
    assert guard.update(probs(0.46, 0.44, 0.1), 0, 0.5).label == "walking"  # a little below the threshold
    assert guard.update(probs(0.48, 0.52, 0), 0, 0.5).label == "walking"  # another leads by a little
    assert guard.update(probs(0.44, 0.56, 0), 0, 0.5).label == "running"  # another leads clearly
    assert guard.update(probs(0.4, 0.44, 0.16), 0, 0.5).label is None


def test_a_reject_class_is_never_shown() -> None:
    guard = LabelHysteresis(LABELS, background_labels=["nothing known"])
    assert guard.update(probs(0.05, 0.05, 0.9), 0, 0.5).state is ReadoutState.NO_CONFIDENT_ACTION
    assert guard.update(probs(0.6, 0.0, 0.4), 0, 0.5).label == "walking"
    assert guard.update(probs(0.2, 0.0, 0.8), 0, 0.5).label is None


def test_an_untrained_model_never_gets_a_label() -> None:
    readout = LabelHysteresis(LABELS).update(probs(0.99, 0.01, 0), 0, 0.5, trained=False)
    assert readout.state is ReadoutState.UNTRAINED and readout.label is None and readout.top


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=40), st.floats(0.1, 0.9))
def test_a_shown_label_is_always_nearly_the_best_and_nearly_above_the_threshold(
    rows: list[list[float]], threshold: float
) -> None:
    guard = LabelHysteresis(LABELS, hysteresis=0.05)
    for i, row in enumerate(rows):
        values = np.array(row, np.float32) / np.float32(sum(row))
        readout = guard.update(values, i, threshold)
        if readout.label is None:
            assert values.max() < threshold
        else:
            score = values[LABELS.index(readout.label)]
            assert score >= threshold - 0.05 - 1e-6 and score >= values.max() - 0.05 - 1e-6
