import numpy as np
import pytest

from slowfast_live.tools.training.figure import F32, Cloth, Person, Pose, materials, solids
from slowfast_live.tools.training.render import SHADOW_CELLS, Camera, Light, draw, room, shadow_map, to_bytes

RED = np.array([Cloth((1.0, 0.0, 0.0)).row()], np.float32)


def ball(x: float, y: float, z: float, radius: float, length: float = 0.0) -> F32:
    return np.array([[x, y, z, 1, 0, 0, 0, 1, 0, 0, 0, 1, length, radius, radius, 0]], np.float32)


def canvas(height: int, width: int) -> tuple[F32, F32]:
    return np.zeros((height, width, 3), np.float32), np.full((height, width), 1e9, np.float32)


LEVEL = Camera(target=(0.0, 0.0, 0.0), distance_m=5.0, pitch=0.0, focal=2.0)


def test_a_ball_is_as_large_as_perspective_makes_it_and_as_far() -> None:
    color, depth = canvas(101, 101)
    draw(ball(0, 0, 0, 0.5), RED, LEVEL, Light(), color, depth)
    drawn = depth < 1e8
    # The outline of a ball: sin(angle) = r / d.
    radius = 2.0 * 101 * np.tan(np.arcsin(0.5 / 5.0))
    assert drawn.sum() == pytest.approx(np.pi * radius**2, rel=0.03)
    assert depth[50, 50] == pytest.approx(4.5, abs=1e-3)
    assert (color[drawn][:, 0] > 0).all() and (color[~drawn] == 0).all()


def test_a_cone_is_as_high_as_its_ends() -> None:
    color, depth = canvas(101, 101)
    draw(ball(0, -0.5, 0, 0.2, 1.0), RED, LEVEL, Light(), color, depth)
    rows = np.flatnonzero((depth < 1e8).any(1))
    assert len(rows) == pytest.approx(1.4 / 5 * 202, abs=3)
    assert np.ptp((depth < 1e8)[40:60].sum(1)) == 0  # the sides are parallel


def test_the_nearer_solid_hides_the_farther_whatever_the_order() -> None:
    near, far = ball(0, 0, 1, 0.3), ball(0, 0, -1, 0.3)
    far[0, 15] = 1
    tints = np.concatenate([RED, np.array([Cloth((0.0, 0.0, 1.0)).row()], np.float32)])
    pictures = []
    for order in ((near, far), (far, near)):
        color, depth = canvas(64, 64)
        draw(np.concatenate(order), tints, LEVEL, Light(rim=0.0), color, depth)
        pictures.append(color)
    assert np.array_equal(*pictures)
    assert pictures[0][32, 32, 0] > 0 and pictures[0][32, 32, 2] == 0


def test_the_side_towards_the_light_is_brighter() -> None:
    color, depth = canvas(64, 64)
    draw(ball(0, 0, 0, 0.8), RED, LEVEL, Light(direction=(1.0, 0.0, 0.3)), color, depth)
    assert color[32, 44, 0] > 1.3 * color[32, 20, 0]


def test_what_is_behind_the_camera_is_not_drawn() -> None:
    color, depth = canvas(32, 32)
    draw(ball(0, 0, 7, 0.5), RED, LEVEL, Light(), color, depth)
    assert (depth == 1e9).all()


def test_axes_are_a_right_handed_frame_and_the_eye_looks_at_the_target() -> None:
    camera = Camera(target=(1.0, 2.0, 3.0), yaw=0.7, pitch=0.3, roll=0.2)
    axes = camera.axes()
    assert np.allclose(axes @ axes.T, np.eye(3)) and np.linalg.det(axes) == pytest.approx(1)
    middle = camera.rays(3, 3)[1, 1]
    assert np.allclose(camera.eye + middle * camera.distance_m, camera.target)


@pytest.mark.parametrize("outside", [False, True])
def test_scenes_are_whole_pictures_with_a_floor_that_takes_shadows(outside: bool) -> None:
    camera = Camera()
    scene = room(camera, 48, 64, wall=(0.8, 0.8, 0.8), floor=(0.5, 0.4, 0.3), outside=outside)
    assert scene.color.shape == (48, 64, 3) and np.isfinite(scene.color).all() and np.isfinite(scene.depth).all()
    assert np.isfinite(scene.floor[-1]).all() and np.isnan(scene.floor[0]).all()
    shadow = shadow_map(solids(Person(), Pose.standing(1))[0], Light(), (0.0, 0.0))
    assert shadow.shape == (SHADOW_CELLS, SHADOW_CELLS) and shadow.min() >= 0 and 0.3 < shadow.max() <= 1
    darker = scene.shadowed(shadow, (0.0, 0.0))
    assert (darker <= scene.color + 1e-6).all() and (darker < scene.color - 0.02).any()


def test_a_person_has_skin_clothes_and_hair() -> None:
    color, depth = canvas(96, 64)
    who = Person(shirt=Cloth((0.0, 1.0, 0.0)), trousers=Cloth((0.0, 0.0, 1.0)))
    draw(solids(who, Pose.standing(1))[0], materials(who), Camera(), Light(rim=0.0), color, depth)
    picture = to_bytes(color)
    drawn = picture[depth < 1e8].astype(int)
    assert 0.05 < (depth < 1e8).mean() < 0.5
    assert ((drawn[:, 1] > 60) & (drawn[:, 0] == 0)).sum() > 50  # the shirt
    assert ((drawn[:, 2] > 60) & (drawn[:, 0] == 0)).sum() > 50  # the trousers
    assert ((drawn[:, 0] > drawn[:, 2]) & (drawn[:, 1] > drawn[:, 2])).sum() > 20  # skin
