"""Learning from takes: what is learned, how it is tested, and what is said when there is too little."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from slowfast_live.errors import TeachingError
from slowfast_live.teaching.advice import sentences, summary
from slowfast_live.teaching.learning import MAX_ROWS, check_takes, learn, rows_of
from slowfast_live.teaching.takes import NOTHING, Take

Takes = Callable[..., list[Take]]


def test_what_is_learned_tells_the_actions_apart(some_takes: Takes) -> None:
    learned = learn(some_takes({"nodding": 4, "bowing": 4, "clapping": 4, NOTHING: 4}))
    assert learned.labels == ("nodding", "bowing", "clapping")
    assert learned.head.none == 3
    new = some_takes({"nodding": 2, "bowing": 2, "clapping": 2, NOTHING: 2}, seed=7)
    for take in new:
        scores = learned.head.probabilities(take.features())
        expected = learned.labels.index(take.label) if take.label else 3
        assert (scores.argmax(1) == expected).all()
        assert np.allclose(scores.sum(1), 1, atol=1e-5)
    assert learned.report.right == 12
    assert summary(learned.report).startswith("It works well: 12 of 12 takes")


def test_random_features_are_not_learned(some_takes: Takes) -> None:
    """The control: held-out takes of random features are right by chance only, whatever the training set gives."""
    rng = np.random.default_rng(5)
    takes = [
        msgspec.structs.replace(take, data=rng.normal(size=(take.windows, 2, take.size)).astype("<f2").tobytes())
        for take in some_takes(dict.fromkeys("abcde", 6))
    ]
    report = learn(takes).report
    assert report.right <= 14  # of 30, where 6 are expected
    assert "does not work well yet" in summary(report)


def test_windows_of_a_take_are_never_on_both_sides(some_takes: Takes) -> None:
    """Each take is at a place of its own, unrelated to its label: only a test by window would call that learned."""
    takes = []
    for number in range(12):
        (take,) = some_takes({"x" if number % 2 else "y": 1}, spread=0.01)
        center = np.random.default_rng(number).normal(0, 1, (1, 2, take.size))
        data = (center + np.zeros((take.windows, 2, take.size))).astype("<f2").tobytes()
        takes.append(msgspec.structs.replace(take, data=data))
    report = learn(takes).report
    assert report.right <= 10


def test_a_class_that_resembles_another_is_named_with_what_to_add(some_takes: Takes) -> None:
    one, other = some_takes({"nodding": 5, "clapping": 5}, spread=1.0), some_takes({"nodding": 5}, spread=1.0, seed=9)
    mixed = [msgspec.structs.replace(take, label="bowing") for take in other]
    lines = sentences(learn([*one, *mixed]).report)
    assert any(
        line.startswith("“bowing” and “nodding” are mixed up in ") and line.endswith("add two more of each.")
        for line in lines
    )


def test_two_classes_with_one_take_each_are_learned_and_said_to_be_untested(some_takes: Takes) -> None:
    learned = learn(some_takes({"nodding": 1, "bowing": 1}))
    assert learned.labels == ("nodding", "bowing")
    lines = sentences(learned.report)
    assert lines[0] == "It cannot be tested yet: each action has one take only."
    assert any("“nodding” and “bowing” have one take only" in line for line in lines)
    assert any("There is no example of “none of these”" in line for line in lines)


def test_ten_thousand_examples_are_learned_within_bounds(some_takes: Takes) -> None:
    takes = some_takes({"nodding": 5000, "bowing": 5000}, windows=3)
    assert len(rows_of(takes, ("nodding", "bowing")).labels) <= MAX_ROWS
    assert learn(takes).report.takes == (5000, 5000, 0)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "no example of an action"),
        ({NOTHING: 3}, "no example of an action"),
        ({"nodding": 3}, "nothing to tell it apart"),
    ],
)
def test_too_little_is_said_clearly(some_takes: Takes, counts: dict[str, int], message: str) -> None:
    with pytest.raises(TeachingError, match=message):
        learn(some_takes(counts))


def test_one_action_and_nothing_is_enough(some_takes: Takes) -> None:
    learned = learn(some_takes({"nodding": 3, NOTHING: 3}))
    assert learned.labels == ("nodding",)
    assert learned.report.unknown_rejected is not None


def test_takes_of_different_networks_are_not_mixed(some_takes: Takes) -> None:
    takes = some_takes({"nodding": 2, "bowing": 2})
    takes[0] = msgspec.structs.replace(takes[0], trunk="other")
    with pytest.raises(TeachingError, match="2 different models"):
        check_takes(takes)


def test_values_that_are_not_finite_are_named(some_takes: Takes) -> None:
    takes = some_takes({"nodding": 2, "bowing": 2})
    bad = np.full((takes[0].windows, 2, takes[0].size), np.nan, "<f2").tobytes()
    takes[0] = msgspec.structs.replace(takes[0], data=bad)
    with pytest.raises(TeachingError, match="damaged"):
        learn(takes)


def test_work_can_be_ended(some_takes: Takes) -> None:
    class EndedError(Exception):
        pass

    def end(share: float) -> None:
        if share > 0.3:
            raise EndedError

    with pytest.raises(EndedError):
        learn(some_takes({"nodding": 3, "bowing": 3}), end)
