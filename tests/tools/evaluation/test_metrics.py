import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.tools.evaluation.metrics import confusion, rank_of, reliability, wilson

pairs = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def error(found: list[tuple[float, bool]], bins: int = 10) -> float:
    scores, right = zip(*found, strict=True)
    return reliability(np.array(scores), np.array(right), bins).error


def test_calibration_error_is_the_gap_of_score_and_share_right() -> None:
    assert error([(0.75, True)] * 3 + [(0.75, False)]) == pytest.approx(0)
    assert error([(0.95, True), (0.95, False)] * 2) == pytest.approx(0.45)


@given(pairs)
def test_calibration_error_is_a_share_and_ignores_order(found: list[tuple[float, bool]]) -> None:
    assert 0 <= error(found) <= 1
    assert error(found) == pytest.approx(error(found[::-1]))


@given(pairs)
def test_repeating_the_predictions_changes_nothing(found: list[tuple[float, bool]]) -> None:
    assert error(found * 3) == pytest.approx(error(found))


@given(pairs)
def test_one_bin_gives_the_gap_of_the_means(found: list[tuple[float, bool]]) -> None:
    scores, right = zip(*found, strict=True)
    assert error(found, 1) == pytest.approx(abs(np.mean(scores) - np.mean(right)))


@given(pairs)
def test_finer_bins_never_find_less(found: list[tuple[float, bool]]) -> None:
    """The triangle inequality, for bins that divide one another."""
    assert error(found, 10) >= error(found, 5) - 1e-12


@given(pairs)
def test_always_sure_and_right_is_calibrated(found: list[tuple[float, bool]]) -> None:
    assert error([(1.0, True) for _ in found]) == 0


def test_no_predictions_have_no_calibration() -> None:
    assert math.isnan(reliability(np.array([]), np.array([], bool)).error)
    with pytest.raises(ValueError, match="two arrays"):
        reliability(np.zeros(2), np.zeros(3, bool))


counts = st.integers(0, 500).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


@given(counts)
def test_wilsons_interval_holds_the_share_within_0_and_1(count: tuple[int, int]) -> None:
    hits, total = count
    low, high = wilson(hits, total)
    assert 0 <= low <= high <= 1
    assert total == 0 or low - 1e-12 <= hits / total <= high + 1e-12


@given(counts)
def test_wilsons_interval_is_mirrored(count: tuple[int, int]) -> None:
    hits, total = count
    low, high = wilson(hits, total)
    assert wilson(total - hits, total) == pytest.approx((1 - high, 1 - low))


@given(counts, st.integers(2, 9))
def test_more_of_the_same_narrows_the_interval(count: tuple[int, int], times: int) -> None:
    hits, total = count
    narrow, wide = wilson(hits * times, total * times), wilson(hits, total)
    assert narrow[1] - narrow[0] <= wide[1] - wide[0] + 1e-12


def test_wilsons_interval_solves_its_equation() -> None:
    """Its ends are the shares p for which |hits/n - p| = z sqrt(p (1 - p) / n)."""
    for end in wilson(21, 29, z=1.96):
        assert abs(21 / 29 - end) == pytest.approx(1.96 * math.sqrt(end * (1 - end) / 29))


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


def test_rank_and_confusion() -> None:
    scores = np.array([0.2, 0.5, 0.3])
    assert [rank_of(scores, k) for k in range(3)] == [2, 0, 1]
    assert confusion(np.array([0, 0, 2]), np.array([0, 1, 2]), 3).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
