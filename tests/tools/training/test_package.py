import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.tools.training.package import choose_threshold
from slowfast_live.tools.training.record import measure, operate

scores = st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=4, max_size=30)


def probabilities(rows: list[list[float]]) -> np.ndarray:
    values = np.array(rows)
    return values / values.sum(1, keepdims=True)


def test_what_a_threshold_does() -> None:
    p = np.array([[0.9, 0.05, 0.05], [0.5, 0.4, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2]])
    y = np.array([0, 1, 1, 2, 2])
    low, high = (operate(p, y, 2, t) for t in (0.3, 0.7))
    assert (low.right, low.wrong, low.false_alarms) == pytest.approx((1 / 3, 2 / 3, 0.5))
    assert (high.right, high.wrong, high.false_alarms) == pytest.approx((1 / 3, 1 / 3, 0))


@given(scores, st.floats(0, 1))
def test_the_threshold_is_the_lowest_with_few_false_alarms(rows: list[list[float]], limit: float) -> None:
    p = probabilities(rows)
    y = np.arange(len(p)) % 3
    chosen = choose_threshold(p, y, 2, limit)
    assert chosen.false_alarms <= limit or chosen.threshold == 0.95
    lower = [operate(p, y, 2, percent / 100) for percent in range(5, round(100 * chosen.threshold))]
    assert all(each.false_alarms > limit for each in lower)


@given(scores)
def test_a_higher_threshold_shows_less(rows: list[list[float]]) -> None:
    p = probabilities(rows)
    y = np.arange(len(p)) % 3
    shown = [operate(p, y, 2, percent / 100) for percent in range(5, 96, 10)]
    for a, b in itertools.pairwise(shown):
        assert a.right >= b.right and a.wrong >= b.wrong and a.false_alarms >= b.false_alarms


def test_figures_of_held_out_clips() -> None:
    p = np.array([[0.9, 0.05, 0.05], [0.5, 0.4, 0.1], [0.1, 0.1, 0.8]])
    found = measure(p, np.array([0, 1, 2]), ("a", "b", "other"), 2, 0.6)
    assert (found.top1.hits, found.top3.hits, found.clips) == (2, 3, 3)
    assert found.confusion.counts == ((1, 0, 0), (1, 0, 0), (0, 0, 1))
    assert found.operation.right == 0.5 and found.operation.wrong == 0
