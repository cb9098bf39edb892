"""The same moments of a file give the same probabilities, whichever way they are reached."""

import math
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import pytest

from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.sources import make_source
from slowfast_live.types import Prediction, SourceKind, SourceSpec
from tests.stepped_clock import SteppedClock
from tests.tiny_model import make_tiny_network
from tests.waiting import eventually

TOLERANCE = 1e-4
SECONDS = 4.0


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds that change all the time, 30 fps, 320x240, encoded with B-frames."""
    import av

    path = tmp_path_factory.mktemp("video") / "moving.mp4"
    y, x = np.mgrid[:240, :320]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for i in range(int(SECONDS * 30)):
            t = i / 30
            image = np.stack(
                [127 + 120 * np.sin(x / 37 + 2.1 * t), 127 + 120 * np.sin(y / 23 - 3 * t), 60 + 20 * t * (x > 160)], -1
            )
            box = int(100 + 90 * math.sin(2 * t))
            image[80:160, box : box + 60] = (20, 230, 200 if i % 20 < 10 else 20)
            frame = av.VideoFrame.from_ndarray(np.clip(image, 0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def plain_loop(path: Path, model: Model) -> tuple[np.ndarray, list[float]]:
    """The network as a notebook would run it: nothing of the app's own code. (windows, K) and their end times."""
    spec = model.spec
    capture = cv2.VideoCapture(str(path))
    fps = capture.get(cv2.CAP_PROP_FPS)
    frames = []
    while True:
        ok, image = capture.read()
        if not ok:
            break
        height, width = image.shape[:2]
        side = spec.clip.side
        if width < height:
            size = (side, math.floor(height / width * side))
        else:
            size = (math.floor(width / height * side), side)
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        top, left = round((size[1] - side) / 2), round((size[0] - side) / 2)
        rgb = image[top : top + side, left : left + side, ::-1].astype(np.float32) / 255
        frames.append((rgb - 0.45) / 0.225)
    network = ov.compile_model(make_tiny_network(spec, 1, bare=True), "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    answers, ends = [], []
    for end in range(63, len(frames)):
        clip = np.stack(frames[end - 63 : end + 1])[np.linspace(0, 63, 32).astype(int)]
        fast = np.ascontiguousarray(clip.transpose(3, 0, 1, 2)[None], np.float32)
        slow = np.ascontiguousarray(fast[:, :, np.linspace(0, 31, 8).astype(int)])
        answers.append(network([slow, fast])["probabilities"][0])
        ends.append(end / fps)
    return np.array(answers), ends


def compare(predictions: list[Prediction], answers: np.ndarray, ends: list[float]) -> float:
    """Return the largest difference of probabilities at the same moments."""
    worst = 0.0
    for prediction in predictions:
        nearest = int(np.argmin(np.abs(np.array(ends) - prediction.t_end_s)))
        assert abs(ends[nearest] - prediction.t_end_s) < 2e-3, "a moment that the plain loop does not have"
        worst = max(worst, float(np.abs(answers[nearest] - prediction.probs).max()))
    return worst


def collect(path: Path, model: Model, clock: SteppedClock | None) -> list[Prediction]:
    """Play the whole file through the pipeline; with a clock: one frame a step, each waited for."""
    predictions: list[Prediction] = []
    pipeline = Pipeline(OpenVinoBackend(), make_source, clock, lambda p, _: predictions.append(p))
    try:
        pipeline.use_model(model)
        eventually(lambda: pipeline.status().model)
        pipeline.open(SourceSpec(SourceKind.FILE, str(path)))
        eventually(lambda: pipeline.status().frames_captured)
        while clock is not None and not pipeline.status().ended:
            before = pipeline.status().frames_captured
            clock.step(1 / pipeline.status().info.fps + 1e-7)
            eventually(lambda n=before: pipeline.status().frames_captured > n or pipeline.status().ended)
            if pipeline.status().coverage >= 1:
                end = pipeline.status().position_s
                eventually(lambda end=end: predictions and predictions[-1].t_end_s >= end - 1e-9)
        eventually(lambda: pipeline.status().ended)
    finally:
        pipeline.stop()
    return predictions


def test_live_stepped_and_plain_agree(video: Path, tiny: Model) -> None:
    answers, ends = plain_loop(video, tiny)
    assert np.abs(answers.max(0) - answers.min(0)).max() > 0.1, "the clip must make the answers change"
    stepped = collect(video, tiny, SteppedClock())
    live = collect(video, tiny, None)
    assert len(stepped) == len(answers), "stepped: every window of the file, once"
    assert len(live) > 5
    assert compare(stepped, answers, ends) < TOLERANCE
    assert compare(live, answers, ends) < TOLERANCE


def test_a_real_clip(clips: Path, registry: Registry) -> None:
    """29.97 fps, real camera noise."""
    tiny = registry.find("tiny_trained-fp32")
    answers, ends = plain_loop(clips / "archery.mp4", tiny)
    stepped = collect(clips / "archery.mp4", tiny, SteppedClock())
    assert len(stepped) == len(answers)
    assert compare(stepped, answers, ends) < TOLERANCE


def test_the_plain_loop_is_the_published_order(clips: Path, tiny: Model, record_property) -> None:
    """pytorchvideo: sample, /255, normalise, scale the short side, crop, split; on floats, in torch."""
    torch = pytest.importorskip("torch", reason="torch is only needed to build models")
    spec, side = tiny.spec, tiny.spec.clip.side
    capture = cv2.VideoCapture(str(clips / "archery.mp4"))
    frames = np.stack([capture.read()[1][:, :, ::-1] for _ in range(64)])
    video = torch.from_numpy(frames.copy()).permute(3, 0, 1, 2).float()  # C T H W
    video = video[:, torch.linspace(0, 63, 32).long()]
    video = (video / 255 - 0.45) / 0.225
    height, width = video.shape[2:]
    size = (math.floor(height / width * side), side) if width < height else (side, math.floor(width / height * side))
    video = torch.nn.functional.interpolate(video, size=size, mode="bilinear", align_corners=False)
    top, left = round((size[0] - side) / 2), round((size[1] - side) / 2)
    fast = video[None, :, :, top : top + side, left : left + side].contiguous()
    slow = fast.index_select(2, torch.linspace(0, 31, 8).long())
    network = ov.compile_model(make_tiny_network(spec, 1, bare=True), "CPU")
    published = network([slow.numpy(), fast.numpy()])["probabilities"][0]
    ours = plain_loop(clips / "archery.mp4", tiny)[0][0]
    difference = float(np.abs(published - ours).max())
    record_property("largest_difference", difference)
    # Ours resizes before it leaves uint8: half a grey level of rounding, and OpenCV's fixed-point weights.
    assert 0 < difference < 5e-3
    print(f"largest difference to the published order: {difference:.2e}")  # noqa: T201
