import inspect

import numpy as np
import pytest

from slowfast_live.tools.training import motions
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.figure import SOLID_FIELDS, Person, Pose, joints, materials, rotation, solids
from slowfast_live.tools.training.motions import Motion

MOTIONS = [
    f
    for name, f in inspect.getmembers(motions, inspect.isfunction)
    if not name.startswith("_") and f.__module__ == motions.__name__
]
T = np.linspace(0, 4, 81)
STYLES = [
    Style(),
    Style(tempo=1.8, reach=1.2, phase=0.3, side="L", spread=0.0, variant=0.0),
    Style(tempo=0.6, reach=0.7, phase=0.9, lag=0.1, spread=1.0, variant=1.0),
    Style(variant=0.65, rest=1.0, travel_m=0.8),
    *(Style(reach=1.15, variant=variant, rest=0.4) for variant in (0.38, 0.58, 0.72, 0.8, 0.9)),
]


def test_there_are_motions() -> None:
    assert len(MOTIONS) >= 16


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rotations_keep_their_axis_and_turn_right_handed(axis: int) -> None:
    matrix = rotation(axis, np.array([np.pi / 2]))[0]
    unit = np.eye(3)
    assert np.allclose(matrix @ unit[axis], unit[axis])
    assert np.allclose(matrix @ unit[(axis + 1) % 3], unit[(axis + 2) % 3])


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("motion", MOTIONS, ids=lambda f: f.__name__)
def test_bones_keep_their_lengths_and_stay_above_the_floor(motion: Motion, style: Style) -> None:
    who = Person(height_m=1.6)
    at = joints(who, motion(T, style)).at
    for side in "LR":
        for bone, length in (
            (("shoulder", "elbow"), 0.52 * who.arm_m),
            (("elbow", "wrist"), 0.48 * who.arm_m),
            (("hip", "knee"), 0.43 * who.scale),
            (("knee", "ankle"), 0.43 * who.scale),
        ):
            ends = [at[f"{name}{side}"] for name in bone]
            assert np.allclose(np.linalg.norm(ends[1] - ends[0], axis=1), length, rtol=1e-6)
    for name, points in at.items():
        if not name.startswith("palm"):
            assert np.isfinite(points).all()
            assert points[:, 1].min() > -0.06, name


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda f: f.__name__)
def test_nothing_jumps_from_frame_to_frame(motion: Motion) -> None:
    """At 100 pictures a second no joint moves faster than 15 m/s, save for a start."""
    t = np.linspace(0, 5, 501)
    for points in joints(Person(), motion(t, Style())).at.values():
        assert np.linalg.norm(np.diff(points, axis=0), axis=1).max() < 0.15


def test_a_rest_is_between_jumps_and_at_both_ends_of_a_squat() -> None:
    t = np.linspace(0, 12, 1201)

    def resting(motion: Motion, style: Style) -> float:
        hips = joints(Person(), motion(t, style)).at["hips"][:, 1]
        return float((np.abs(np.gradient(hips, t)) < 0.01).mean())

    for motion in (motions.jumping, motions.squats):
        assert resting(motion, Style(rest=1.0)) > resting(motion, Style()) + 0.25


def test_a_jump_forward_goes_forward_in_the_air_only() -> None:
    t = np.linspace(0, 6, 601)
    pose = motions.jumping(t, Style(rest=0.5, travel_m=0.6))
    on = pose.place[:, 1] < 1e-9
    assert np.ptp(np.round(pose.place[on, 2] / 0.6, 6) % 1.0) < 1e-6
    assert np.ptp(pose.place[:, 2]) > 1.0 and (np.diff(pose.place[:, 2]) > -1e-9).all()


def travel(motion: Motion) -> float:
    """The longest way that a joint goes along one axis, in metres."""
    return max(float(np.ptp(p, axis=0).max()) for p in joints(Person(), motion(T, Style())).at.values())


@pytest.mark.parametrize(
    "motion", [m for m in MOTIONS if m not in (motions.standing, motions.sitting)], ids=lambda f: f.__name__
)
def test_every_action_moves_more_than_standing(motion: Motion) -> None:
    assert travel(motion) > 3 * travel(motions.standing)


def test_the_leading_side_is_the_mirror_image() -> None:
    left = joints(Person(), motions.kicking(T, Style(side="L"))).at
    right = joints(Person(), motions.kicking(T, Style(side="R"))).at
    mirrored = right["ankleR"] * (-1, 1, 1)
    assert np.allclose(left["ankleL"], mirrored)


@pytest.mark.parametrize("motion", [motions.standing, motions.sitting])
def test_who_is_still_breathes_but_stays(motion: Motion) -> None:
    assert 0 < travel(motion) < 0.1


def test_standing_stands_on_its_feet() -> None:
    at = joints(Person(), Pose.standing(3)).at
    assert np.allclose(at["ankleL"][:, 1], 0.075, atol=0.01)
    assert (at["crown"][:, 1] > 1.6).all() and (at["crown"][:, 1] < 1.8).all()


def test_blend_goes_from_one_to_the_other() -> None:
    a, b = Pose.standing(3), motions.squats(T[20:23], Style())
    mixed = a.blend(b, np.array([0.0, 0.5, 1.0]))
    assert mixed.sink[0] == a.sink[0] and mixed.sink[2] == b.sink[2]
    assert np.allclose(mixed.hands["L"][1], (a.hands["L"][1] + b.hands["L"][1]) / 2)


@pytest.mark.parametrize(
    "who", [Person(), Person(hair_style=1, sleeves=2.0, skirt=True), Person(hair_style=3, legs=0.4)]
)
def test_solids_have_the_stated_shape_and_known_materials(who: Person) -> None:
    shapes = solids(who, Pose.standing(2))
    assert shapes.dtype == np.float32 and shapes.shape[0] == 2 and shapes.shape[2] == SOLID_FIELDS
    assert np.isfinite(shapes).all() and (shapes[..., 13:15] > 0).all()
    assert set(np.unique(shapes[..., 15])) <= set(range(len(materials(who))))
