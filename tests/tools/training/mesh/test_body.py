from pathlib import Path

import cv2
import numpy as np
import pytest

from slowfast_live.errors import UsageError
from slowfast_live.tools.training import motions
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.figure import Pose, joints
from slowfast_live.tools.training.mesh.body import MeshPerson, Wardrobe, draw_person, matrices
from slowfast_live.tools.training.mesh.makehuman import body_data
from slowfast_live.tools.training.render import Camera, Light

from .tiny_body import write_garment

T = np.arange(12) / 6
MOTIONS = [motions.walking, motions.squats, motions.lunging, motions.bowing, motions.jumping_jacks, motions.push_ups]


def drawn(seed: int, wardrobe: Wardrobe) -> MeshPerson:
    return draw_person(np.random.default_rng(seed), wardrobe)


def picture(who: MeshPerson, pose: Pose, frame: int, camera: Camera, side: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """Return one frame of somebody before nothing: RGB, and where they are."""
    colors = np.zeros((side, side, 3), np.float32)
    depth = np.full((side, side), 1e9, np.float32)
    who.draw(matrices(who, joints(who, pose))[frame], camera, Light(), colors, depth)
    return colors, depth < 1e8


def seen(points: np.ndarray, camera: Camera, side: int) -> np.ndarray:
    axes, away = camera.axes(), points - camera.eye
    scale = camera.focal * side / -(away @ axes[2])
    return np.stack([side / 2 + away @ axes[0] * scale, side / 2 - away @ axes[1] * scale], -1)


def test_the_same_seed_gives_the_same_person_and_picture(wardrobe: Wardrobe) -> None:
    pose, camera = Pose.standing(1), Camera((0, 0.9, 0), 4.0, 0.3, 0.1, 1.2)
    one, same, other = (picture(drawn(seed, wardrobe), pose, 0, camera)[0] for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_the_proportions_are_those_of_the_body(wardrobe: Wardrobe) -> None:
    who = drawn(3, wardrobe)
    leg = np.linalg.norm(who.heads["LeftUpLeg"] - who.heads["LeftLeg"])
    leg += np.linalg.norm(who.heads["LeftLeg"] - who.heads["LeftFoot"])
    assert 0.86 * who.leg * who.scale == pytest.approx(leg)
    assert who.arm_m == pytest.approx(0.52 / 17.8 * who.height_m * 10, rel=0.1)


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda m: m.__name__)
def test_bones_are_where_the_joints_are(motion: motions.Motion, wardrobe: Wardrobe) -> None:
    who = drawn(5, wardrobe)
    at = joints(who, motion(T, Style())).at
    turned = matrices(who, joints(who, motion(T, Style())))
    names = list(who.parents)
    for bone, joint in (
        ("LeftHand", "wristL"),
        ("RightForeArm", "elbowR"),
        ("LeftFoot", "ankleL"),
        ("RightLeg", "kneeR"),
    ):
        m = turned[:, names.index(bone)]
        placed = np.einsum("tij,j->ti", m[..., :3], who.heads[bone]) + m[..., 3]
        assert np.linalg.norm(placed - at[joint], axis=1).max() < 0.16, bone
    fore = turned[:, names.index("LeftForeArm"), :, :3]
    rest = who.heads["LeftHand"] - who.heads["LeftForeArm"]
    towards = at["wristL"] - at["elbowL"]
    along = np.einsum("tij,j->ti", fore, rest / np.linalg.norm(rest))
    assert np.sum(along * towards, 1).min() / np.linalg.norm(towards, axis=1).max() > 0.99
    assert np.allclose(turned[..., :3] @ np.swapaxes(turned[..., :3], -1, -2), np.eye(3), atol=0.02)


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda m: m.__name__)
def test_the_silhouette_holds_the_joints(motion: motions.Motion, wardrobe: Wardrobe) -> None:
    who, camera, side = drawn(5, wardrobe), Camera((0, 0.8, 0), 4.5, 0.6, 0.1, 1.2), 160
    pose = motion(T, Style())
    at = joints(who, pose).at
    for frame in (0, 5, 9):
        _, mask = picture(who, pose, frame, camera, side)
        near = cv2.dilate(mask.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
        for name in ("wristL", "wristR", "kneeL", "ankleR", "chin", "hips"):
            x, y = seen(at[name][frame], camera, side).round().astype(int)
            assert near[np.clip(y, 0, side - 1), np.clip(x, 0, side - 1)], (name, frame)
        assert 0.01 < mask.mean() < 0.4


def test_who_is_behind_the_camera_is_not_drawn(wardrobe: Wardrobe) -> None:
    _, mask = picture(drawn(1, wardrobe), Pose.standing(1), 0, Camera((0, 0.9, -30.0), 4.0, 0.0, 0.0, 1.2))
    assert not mask.any()


def test_what_is_nearer_stays(wardrobe: Wardrobe) -> None:
    who = drawn(1, wardrobe)
    colors, depth = np.full((80, 80, 3), 0.5, np.float32), np.full((80, 80), 1.0, np.float32)
    turned = matrices(who, joints(who, Pose.standing(1)))
    who.draw(turned[0], Camera((0, 0.9, 0), 4.0, 0, 0, 1.2), Light(), colors, depth)
    assert (colors == 0.5).all() and (depth == 1.0).all()


def test_clothes_are_worn_and_hide_the_body(body: Path, tmp_path: Path) -> None:
    write_garment(tmp_path / "clothes" / "male_suit")
    write_garment(tmp_path / "clothes" / "female_suit")
    write_garment(tmp_path / "hair" / "short")
    dressed = Wardrobe(body, tmp_path)
    dressed.check()
    counts = {len(drawn(seed, dressed).surface.kinds) for seed in range(8)}  # type: ignore[union-attr]
    assert len(counts) > 1


@pytest.mark.parametrize("missing", ["clothes", "hair"])
def test_a_folder_without_clothes_is_named(body: Path, tmp_path: Path, missing: str) -> None:
    for kind in {"clothes", "hair"} - {missing}:
        write_garment(tmp_path / kind / "male_x")
    with pytest.raises(UsageError, match=f"--clothes, holds no {missing}"):
        Wardrobe(body, tmp_path).check()


def test_the_real_body_looks_like_a_person() -> None:
    try:
        wardrobe = Wardrobe(body_data())
    except UsageError as error:
        pytest.skip(error.message)
    camera = Camera((0, 0.9, 0), 4.0, 0.0, 0.0, 1.2)
    for seed in range(4):
        who = drawn(seed, wardrobe)
        assert 1.3 < who.height_m < 2.2 and 0.8 < who.leg < 1.2 and 0.8 < who.arm < 1.2
        _, mask = picture(who, Pose.standing(1), 0, camera)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert 2.0 < len(rows) / len(columns) < 6.0
