from __future__ import annotations

import numpy as np
import pytest

from slowfast_live.tools.convert.compare import RuntimeOutputs, difference, logits_of
from slowfast_live.tools.convert.random_weights import distinct_pairs


def outputs(logits: np.ndarray) -> RuntimeOutputs:
    scores = np.exp(logits - logits.max(1, keepdims=True))
    return RuntimeOutputs((scores / scores.sum(1, keepdims=True)).astype(np.float32), logits.astype(np.float32))


LOGITS = np.array([[4.0, 2.0, 0.0, -1.0, -2.0, -3.0], [0.0, 1.0, 5.0, 2.0, -4.0, -5.0]])


def test_the_same_outputs_do_not_differ() -> None:
    same = difference(outputs(LOGITS), outputs(LOGITS))
    assert same.logit_error < 1e-6 and same.mean_kl < 1e-9 and same.max_probability_change == 0
    assert same.top1_agreement == same.top5_agreement == 1 and same.clips == 2


def test_logits_come_back_from_probabilities_but_for_their_mean() -> None:
    expected = LOGITS - LOGITS.mean(1, keepdims=True)
    assert logits_of(outputs(LOGITS).probabilities) == pytest.approx(expected, abs=1e-5)


def test_the_largest_logit_error_is_relative_to_the_spread_of_its_clip() -> None:
    moved = LOGITS.copy()
    moved[1, 0] += 0.6  # the mean moves by 0.1, so the logit by 0.5; the clip's spread is 10
    assert difference(outputs(LOGITS), outputs(moved)).logit_error == pytest.approx(0.05, rel=1e-3)


def test_agreement_counts_classes() -> None:
    swapped = LOGITS.copy()
    swapped[0, [0, 1]] = swapped[0, [1, 0]]  # another best class
    swapped[1, [4, 5]] = swapped[1, [5, 4]]  # another fifth class
    found = difference(outputs(LOGITS), outputs(swapped))
    assert found.top1_agreement == 0.5
    assert found.top5_agreement == pytest.approx((1 + 0.8) / 2)
    assert found.max_probability_change == pytest.approx(
        float(np.abs(outputs(LOGITS).probabilities - outputs(swapped).probabilities).max())
    )


def test_kl_is_that_of_the_reference() -> None:
    p, q = np.array([[0.6, 0.4]], np.float32), np.array([[0.9, 0.1]], np.float32)
    features = np.zeros((1, 2), np.float32)
    kl = difference(RuntimeOutputs(p, features), RuntimeOutputs(q, features)).mean_kl
    assert kl == pytest.approx(0.6 * np.log(0.6 / 0.9) + 0.4 * np.log(0.4 / 0.1), rel=1e-6)


def test_distinct_pairs_counts_clips_with_other_best_classes() -> None:
    rows = np.eye(3, 12)
    assert distinct_pairs(rows, best=1) == 1.0
    assert distinct_pairs(np.vstack([rows, rows[:1]]), best=1) == pytest.approx(5 / 6)
    assert distinct_pairs(rows[:1]) == 0.0
