from pathlib import Path

import cv2
import numpy as np
import pytest

from slowfast_live.errors import UsageError
from slowfast_live.tools.training import dataset
from slowfast_live.tools.training.filming import FilmStudio
from slowfast_live.tools.training.mesh import panorama
from slowfast_live.tools.training.mesh.body import Wardrobe
from slowfast_live.tools.training.render import Camera


def write(path: Path) -> Path:
    """Red ahead, green to the right, blue behind, gray to the left; a lamp up on the right."""
    image = np.full((64, 128, 3), 0.4, np.float32)
    for columns, color in (
        (slice(48, 80), (0.8, 0.1, 0.1)),
        (slice(80, 112), (0.1, 0.8, 0.1)),
        (slice(0, 16), (0.1, 0.1, 0.8)),
        (slice(112, 128), (0.1, 0.1, 0.8)),
    ):
        image[:, columns] = color
    image[14:18, 94:98] = 400.0
    cv2.imwrite(str(path), image[..., ::-1])
    return path


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("panoramas") / "room.hdr")


@pytest.mark.parametrize(("yaw", "channel"), [(0.0, 0), (-np.pi / 2, 1), (np.pi, 2)])
def test_a_view_shows_what_is_in_its_direction(around: Path, yaw: float, channel: int) -> None:
    camera = Camera((0, 1, 0), 3.0, yaw, 0.0, 1.5)
    image = panorama.view(panorama.read(around), camera, 0.0, 40, 40)
    assert image.shape == (40, 40, 3) and image.dtype == np.uint8
    assert image[18:22, 18:22].mean((0, 1)).argmax() == channel


def test_a_panorama_can_be_turned(around: Path) -> None:
    camera = Camera((0, 1, 0), 3.0, 0.0, 0.0, 1.5)
    turned = panorama.view(panorama.read(around), camera, np.pi / 2, 40, 40)
    assert turned[18:22, 18:22].mean((0, 1)).argmax() == 1


@pytest.mark.parametrize("turn", [0.0, 1.0, 4.0])
def test_the_light_comes_from_where_it_is_seen(around: Path, turn: float) -> None:
    image = panorama.read(around)
    light = panorama.light(image, turn, np.random.default_rng(0))
    direction = np.array(light.direction) / np.linalg.norm(light.direction)
    yaw = float(np.arctan2(-direction[0], -direction[2]))
    camera = Camera((0, 1, 0), 3.0, yaw, -float(np.arcsin(direction[1])), 0.8)
    view = panorama.view(image, camera, turn, 60, 60).astype(float).mean(-1)
    row, column = divmod(int(view.argmax()), 60)
    assert abs(row - 30) < 10 and abs(column - 30) < 10


def test_a_folder_without_panoramas_and_a_broken_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--panoramas, holds no panoramas"):
        panorama.found(tmp_path)
    (tmp_path / "a.hdr").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"a\.hdr is no panorama"):
        panorama.read(panorama.found(tmp_path)[0])


def test_a_clip_follows_from_its_seed_and_the_studio(around: Path, wardrobe: Wardrobe) -> None:
    studio = FilmStudio(wardrobe=wardrobe, panoramas=(around,), real_share=1.0)
    first, again, plain = (dataset.sample(3, 4, s)[0] for s in (studio, studio, None))
    assert np.array_equal(first, again) and not np.array_equal(first, plain)
