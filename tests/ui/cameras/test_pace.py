"""Pictures come before predictions."""

from __future__ import annotations

from itertools import pairwise

from slowfast_live.ui.cameras.pace import FEWEST, SharedPace


def test_nothing_is_limited_while_pictures_are_shown() -> None:
    pace = SharedPace(sources=9)
    assert [pace.update(68, late, 120.0) for late in (0, 1, 0)] == [None, None, None]


def test_late_pictures_slow_the_model_down_to_a_least() -> None:
    pace, reached = SharedPace(sources=4), 60.0
    for _ in range(20):
        limit = pace.update(30, 10, reached)
        assert limit is not None
        reached = min(reached, limit)
    assert reached == 4 * FEWEST


def test_a_model_that_hardly_runs_is_not_slowed_down() -> None:
    assert SharedPace(sources=4).update(30, 20, 4 * FEWEST) is None, "while it is compiled, for instance"


def test_it_recovers_and_the_limit_ends() -> None:
    pace = SharedPace(sources=4)
    limit = pace.update(30, 10, 60.0)
    limits = [limit]
    while limit is not None:
        limit = pace.update(30, 0, min(limit, 60.0))  # as many as are allowed, up to what the machine can do
        limits.append(limit)
        assert len(limits) < 100
    assert all(b > a for a, b in pairwise(limits[:-1]))  # type: ignore[operator]
