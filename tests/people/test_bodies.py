"""Regions that move become bodies: parts are joined, people are not, and shadows are nobody."""

import numpy as np
import pytest

from slowfast_live.people.bodies import Bodies

STANDING = (0.3, 0.1, 0.5, 0.9)


def join(bodies: Bodies, t_s: float, *regions: tuple[float, float, float, float]) -> list[tuple[float, ...]]:
    found = bodies.join(np.array(regions, np.float32).reshape(-1, 4), t_s)
    assert found.dtype == np.float32 and found.shape[1] == 4
    return [tuple(round(float(edge), 2) for edge in box) for box in found]


def test_hands_and_feet_of_somebody_whose_trunk_rests_are_one() -> None:
    bodies = Bodies()
    assert join(bodies, 0.0, (0.3, 0.1, 0.5, 0.35), (0.32, 0.45, 0.48, 0.9)) == [(0.3, 0.1, 0.5, 0.9)]


def test_two_hands_belong_to_the_body_that_moved_a_moment_ago() -> None:
    bodies = Bodies()
    assert join(bodies, 0.0, STANDING) == [STANDING]
    both = (0.3, 0.2, 0.36, 0.5), (0.44, 0.2, 0.5, 0.5)
    assert join(bodies, 0.5, *both) == [(0.3, 0.2, 0.5, 0.5)]


def test_the_extent_is_forgotten() -> None:
    bodies = Bodies()
    join(bodies, 0.0, STANDING)
    assert len(join(bodies, 2.5, (0.3, 0.2, 0.36, 0.5), (0.44, 0.2, 0.5, 0.5))) == 2
    bodies.reset()
    assert len(join(bodies, 2.6, (0.3, 0.2, 0.36, 0.5), (0.44, 0.2, 0.5, 0.5))) == 2


def test_two_people_side_by_side_are_two() -> None:
    bodies = Bodies()
    other = (0.6, 0.15, 0.8, 0.9)
    for step in range(5):
        assert join(bodies, step * 0.1, STANDING, other) == [STANDING, other]


def test_two_people_who_touched_and_step_apart_are_two() -> None:
    bodies = Bodies()
    assert len(join(bodies, 0.0, (0.3, 0.1, 0.7, 0.9))) == 1
    hand = (0.56, 0.5, 0.58, 0.6)
    parts = join(bodies, 0.1, (0.3, 0.1, 0.48, 0.9), (0.52, 0.12, 0.7, 0.9), hand)
    assert sorted(parts) == [(0.3, 0.1, 0.48, 0.9), (0.52, 0.12, 0.7, 0.9)]


@pytest.mark.parametrize(
    "thing",
    [
        pytest.param((0.55, 0.82, 0.7, 0.9), id="a shadow on the floor"),
        pytest.param((0.0, 0.0, 0.03, 0.3), id="the edge of a screen"),
        pytest.param((0.6, 0.7, 0.68, 0.88), id="a bottle"),
    ],
)
def test_small_things_beside_somebody_are_nobody(thing: tuple[float, float, float, float]) -> None:
    bodies = Bodies()
    assert join(bodies, 0.0, STANDING, thing) == [STANDING]


def test_somebody_at_some_distance_and_somebody_who_lies_are_people() -> None:
    bodies = Bodies()
    farther, lying = (0.05, 0.2, 0.15, 0.55), (0.55, 0.7, 0.95, 0.9)
    assert set(join(bodies, 0.0, STANDING, farther, lying)) == {STANDING, farther, lying}


def test_somebody_far_away_alone_is_found() -> None:
    assert join(Bodies(), 0.0, (0.5, 0.5, 0.54, 0.62)) == [(0.5, 0.5, 0.54, 0.62)]


def test_nothing_moves() -> None:
    bodies = Bodies()
    assert join(bodies, 0.0) == []
    join(bodies, 0.1, STANDING)
    assert join(bodies, 0.2) == []


def test_it_does_not_grow() -> None:
    bodies = Bodies()
    rng = np.random.default_rng(0)
    for step in range(2000):
        x = float(rng.uniform(0, 0.8))
        join(bodies, step * 0.1, (x, 0.1, x + 0.15, 0.9))
    assert len(bodies._bodies) <= 21, "what was not seen for two seconds is forgotten"
