import csv
from pathlib import Path

import av
import numpy as np
import pytest

from slowfast_live.core.framing import CentreCrop
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.training.evaluate import (
    EvaluationError,
    calibration_error,
    evaluate,
    label_of,
    pictures,
    windows,
    write_confusion,
    write_csv,
)

TIMING = ClipTiming(4, 1, 10.0)
FRAMING = CentreCrop(16)


def video(path: Path, level: int, frames: int = 30, fps: int = 10) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(frames):
            image = np.full((32, 32, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("p1_waving_one_hand_org.avi", "waving hand"),
        ("p5_bending_org.avi", "bending"),
        ("push_up_2.mp4", "push up"),
        ("jumping_jacks.mp4", "jumping jacks"),
        ("walking_indoor.mp4", "walking"),
        ("two_people_interacting_1080p.mp4", "two people interacting"),
    ],
)
def test_labels_from_file_names(name: str, label: str) -> None:
    assert label_of(Path(name)) == label


def test_windows_take_the_newest_picture_of_each_instant() -> None:
    times = np.arange(10) / 10
    admitted = [np.full((16, 16, 3), i, np.uint8) for i in range(10)]
    found = [w[0, :, 0, 0, 0].tolist() for w in windows(times, admitted, TIMING, FRAMING, 16, 0.2)]
    assert found == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7], [6, 7, 8, 9]]


def test_a_clip_shorter_than_a_window_gives_one() -> None:
    admitted = [np.full((16, 16, 3), i, np.uint8) for i in range(2)]
    found = [w[0, :, 0, 0, 0].tolist() for w in windows(np.array([0.0, 0.1]), admitted, TIMING, FRAMING, 16, 0.2)]
    assert found == [[0, 0, 0, 1]]


def test_calibration_error_is_the_gap_of_confidence_and_accuracy() -> None:
    assert calibration_error(np.full(4, 0.75), np.array([1.0, 1, 1, 0])) == pytest.approx(0)
    assert calibration_error(np.full(4, 0.95), np.array([1.0, 0, 1, 0])) == pytest.approx(0.45)


def test_evaluate_scores_known_clips_only(tmp_path: Path) -> None:
    labels = ("dark", "bright", "grey")
    clips = [(video(tmp_path / f"{n}.mp4", level), label) for n, level, label in (
        ("a", 10, "dark"), ("b", 240, "bright"), ("c", 240, "dark"), ("d", 100, "unknown"))]  # fmt: skip

    def recognise(clip: np.ndarray) -> np.ndarray:
        bright = clip.mean() > 128
        return np.array([0.2, 0.7, 0.1] if bright else [0.7, 0.2, 0.1], np.float32)

    result = evaluate(clips, labels, recognise, TIMING, FRAMING, 16, 0.5)
    assert [s.path.stem for s in result.scores] == ["a", "b", "c"]
    assert result.top1 == pytest.approx(2 / 3) and result.top3 == 1
    assert result.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert result.ece == pytest.approx(abs(0.7 - 2 / 3), abs=1e-6)
    write_csv(result, tmp_path / "r.csv")
    rows = list(csv.reader((tmp_path / "r.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[3][:4] == ["c.mp4", "dark", "bright", "0.700"]
    write_confusion(result, tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"


def test_no_known_clip_and_no_video_say_so(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="labels: a, b"):
        evaluate([(tmp_path / "x.mp4", "c")], ("a", "b"), lambda clip: np.zeros(2, np.float32), TIMING, FRAMING, 16)
    (tmp_path / "x.mp4").write_bytes(b"no video")
    with pytest.raises(EvaluationError, match=r"x\.mp4"):
        pictures(tmp_path / "x.mp4", FRAMING)
