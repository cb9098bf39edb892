import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.framing import (
    CenterCrop,
    FollowMotion,
    center_crop,
    resize_short_side,
    short_side_size,
    shrink,
)
from slowfast_live.core.motion import motion_box
from slowfast_live.types import U8


@given(st.integers(2, 2000), st.integers(2, 2000), st.sampled_from([48, 112, 182, 256]))
def test_the_short_side_is_met_and_the_shape_kept(height: int, width: int, side: int) -> None:
    new_height, new_width = short_side_size(height, width, side)
    assert min(new_height, new_width) == side
    assert abs(new_height / new_width - height / width) <= 1 / min(height, width) * max(height, width) / side


@given(st.integers(2, 300), st.integers(2, 300))
def test_any_picture_becomes_the_square(height: int, width: int) -> None:
    square = CenterCrop(64).admit(np.zeros((height, width, 3), np.uint8))
    assert square.shape == (64, 64, 3) and square.dtype == np.uint8 and square.flags.c_contiguous


def test_the_center_is_kept_and_colors_are_swapped() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 100:200] = (255, 128, 0)  # BGR
    square = CenterCrop(50).admit(image)
    assert (square[:, 2:-2] == (0, 128, 255)).all()  # RGB


def test_resize_side_larger_than_the_crop() -> None:
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    square = CenterCrop(224, 256).admit(image)
    whole = cv2.resize(image, (341, 256), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(square, whole[16:240, 58:282, ::-1])
    with pytest.raises(ValueError, match="smaller"):
        CenterCrop(256, 224)


def test_a_very_wide_picture_costs_no_more() -> None:
    square = CenterCrop(64).admit(np.full((4, 4000, 3), 7, np.uint8))
    assert (square == 7).all()


def test_compose_writes_every_picture() -> None:
    out = np.empty((3, 8, 8, 3), np.uint8)
    pictures = [np.full((8, 8, 3), i, np.uint8) for i in range(3)]
    CenterCrop(8).compose(pictures, out)
    assert [int(picture.mean()) for picture in out] == [0, 1, 2]


def test_same_as_torch_interpolate() -> None:
    """The rule that the published networks were trained with, to one grey level of fixed-point rounding."""
    torch = pytest.importorskip("torch", reason="torch is only needed to build models")
    image = np.random.default_rng(1).integers(0, 256, (240, 321, 3), np.uint8)
    ours = resize_short_side(image, 256)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(image).permute(2, 0, 1)[None].float(), ours.shape[:2], mode="bilinear", align_corners=False
    )[0].permute(1, 2, 0)
    assert np.abs(ours - theirs.numpy()).max() < 1
    assert center_crop(ours, 256).shape == (256, 256, 3)


def moving_square(height: int, width: int, left: int, top: int, size: int, noise: int = 0) -> list[U8]:
    """Sixteen pictures of a bright square that goes its own width to the right."""
    rng = np.random.default_rng(5)
    ground = rng.integers(0, 200, (height, width, 3), np.uint8)
    out = []
    for i in range(16):
        picture = ground.copy()
        x = left + size * i // 15
        picture[top : top + size, x : x + size] = 255
        if noise:
            picture = np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
        out.append(picture)
    return out


@given(
    st.sampled_from([(128, 227), (227, 128), (128, 128), (128, 512)]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(14, 40),
)
def test_the_square_follows_what_moves(shape: tuple[int, int], x: float, y: float, size: int) -> None:
    height, width = shape
    left, top = int(x * (width - 2 * size)), int(y * (height - size))
    pictures = moving_square(height, width, left, top, size)
    x0, y0, side = FollowMotion(96).square(pictures)
    # The middle of the movement is inside, and so is nearly all of it.
    assert x0 <= left + size * 0.4 and x0 + side >= left + size * 1.6
    assert y0 <= top + size * 0.4 and y0 + side >= top + size * 0.6
    assert side <= max(height, width)


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([48, 96, 112]))
def test_follow_motion_makes_the_square_of_any_picture(height: int, width: int, side: int) -> None:
    framing = FollowMotion(side, 128)
    rng = np.random.default_rng(height * 701 + width)
    pictures = [framing.admit(rng.integers(0, 256, (height, width, 3), np.uint8)) for _ in range(4)]
    assert min(pictures[0].shape[:2]) == 128 and pictures[0].flags.c_contiguous
    out = np.full((4, side, side, 3), 99, np.uint8)
    framing.compose(pictures, out)
    again = np.empty_like(out)
    framing.compose(pictures, again)
    assert np.array_equal(out, again)


def test_follow_motion_enlarges_what_is_small() -> None:
    framing = FollowMotion(96)
    out = np.empty((16, 96, 96, 3), np.uint8)
    framing.compose(moving_square(128, 227, 150, 60, 20), out)
    moved = (out.astype(float).std(0).mean(-1) > 20).mean()
    # 40 x 20 of 128 x 227 pixels move; in a square 1.7 times as wide as they are, six times that share.
    assert moved > 0.1


def test_follow_motion_takes_the_center_where_nothing_moves() -> None:
    rng = np.random.default_rng(0)
    still = rng.integers(0, 256, (128, 200, 3), np.uint8)
    assert motion_box([still] * 8) is None
    assert FollowMotion(96).square([still] * 8) == (36, 0, 128)


def test_noise_is_no_motion() -> None:
    rng = np.random.default_rng(0)
    ground = np.full((128, 200, 3), 120.0)
    noisy = [np.clip(ground + rng.normal(0, 4, ground.shape), 0, 255).astype(np.uint8) for _ in range(16)]
    assert motion_box(noisy) is None
    quiet, loud = (FollowMotion(96).square(moving_square(128, 200, 90, 40, 24, n)) for n in (0, 4))
    assert np.abs(np.subtract(quiet, loud)).max() <= 16


def test_outside_the_picture_it_is_black() -> None:
    pictures = moving_square(512, 128, 10, 0, 40)
    for picture in pictures[8:]:
        picture[400:500, 10:100] = 0
    out = np.full((16, 96, 96, 3), 99, np.uint8)
    _, _, side = FollowMotion(96).square(pictures)
    assert side > 128
    FollowMotion(96).compose(pictures, out)
    assert (out[:, :, 0] == 0).all() and (out[:, :, -1] == 0).all() and out[:, :, 48].max() > 100


def test_follow_motion_swaps_colors() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[:] = (255, 128, 0)  # BGR
    assert (FollowMotion(48).admit(image) == (0, 128, 255)).all()  # RGB


@pytest.mark.parametrize(
    ("size", "target"), [((1080, 1920), (128, 227)), ((480, 640), (128, 170)), ((301, 203), (64, 43))]
)
def test_shrinking_by_halves_averages_areas(size: tuple[int, int], target: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (size[0] // 24, size[1] // 24, 3), np.uint8)
    image = np.asarray(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
    image = np.asarray(cv2.add(image, rng.integers(0, 30, image.shape, np.uint8)), np.uint8)
    small = shrink(image, target[1], target[0])
    exact = cv2.resize(image, target[::-1], interpolation=cv2.INTER_AREA)
    assert small.shape == (*target, 3)
    assert np.abs(small.astype(float) - exact).mean() < 4
    assert abs(float(small.mean()) - float(image.mean())) < 1


def test_fine_stripes_become_gray_when_shrunk() -> None:
    image = np.zeros((256, 256, 3), np.uint8)
    image[::2] = 255
    assert np.ptp(shrink(image, 60, 60)) <= 2
