import itertools
import json
from pathlib import Path

import av
import numpy as np
import pytest

from slowfast_live import paths
from slowfast_live.errors import UsageError
from slowfast_live.tools.training import demo
from slowfast_live.tools.training.performing import Performance


def test_same_seed_same_pictures(tmp_path: Path) -> None:
    def few(seed: int) -> np.ndarray:
        scene = demo.scenes(seed)[0]
        backdrop = demo.PLACES[scene.place](scene.camera, 60, 80, seed)
        person = Performance(scene.person, demo.poses(scene, fps=2)[0])
        return np.stack([demo.picture(scene, backdrop, person, frame, (40, 30)) for frame in range(8)])

    assert np.array_equal(few(3), few(3))
    assert not np.array_equal(few(3), few(4))


def test_every_scene_moves_and_fades_between(tmp_path: Path) -> None:
    pictures = np.stack(list(demo.frames(0, size=(32, 24), fps=4)))
    assert pictures.shape[1:] == (24, 32, 3) and pictures.dtype == np.uint8
    assert pictures[0].max() == 0 and pictures[-1].max() == 0
    each = len(pictures) // len(demo.scenes(0))
    for start in range(0, len(pictures), each):
        scene = pictures[start + 2 : start + each - 2].astype(float)
        assert scene.mean() > 40
        assert scene.std(0).max() > 15


def test_the_timeline_is_in_order_and_each_label_is_there_once() -> None:
    spans = demo.timeline(0)
    assert all(float(a["end_s"]) < float(b["start_s"]) for a, b in itertools.pairwise(spans))
    assert all(float(s["end_s"]) - float(s["start_s"]) >= 3 for s in spans)
    assert len({s["label"] for s in spans}) == len(spans) >= 8


def test_the_bundled_clip_is_what_the_app_promises() -> None:
    folder = paths.bundled("assets")
    video = folder / "demo.mp4"
    assert video.stat().st_size < 6e6
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.codec_context.name) == (640, 480, "h264")
        assert stream.average_rate == 30 and stream.format.name == "yuv420p"
        length_s = float(stream.duration * stream.time_base)
    assert 20 <= length_s <= 40
    spans = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    assert spans == demo.timeline(0)
    assert spans[-1]["end_s"] <= length_s


def test_what_is_there_is_not_rendered_over(tmp_path: Path) -> None:
    for name in ("demo.mp4", "demo.json"):
        (tmp_path / name).write_bytes(b"mine")
        with pytest.raises(UsageError, match=f"{name} exists and is left as it is"):
            demo.main([str(tmp_path / "demo.mp4")])
        assert [path.name for path in tmp_path.iterdir()] == [name]
        (tmp_path / name).unlink()
