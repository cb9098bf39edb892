"""What is found in a file depends on the file alone."""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slowfast_live.analysis.analyzer import AnalysisSettings, Analyzer
from slowfast_live.analysis.infer import infer_windows
from slowfast_live.analysis.windows import sliding
from slowfast_live.core.smoothing import Smoother
from slowfast_live.errors import DeviceError, SourceError, UsageError
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.pipeline.clip_buffer import ClipBuffer
from slowfast_live.sources.base import Picture
from slowfast_live.types import FrameWindow, SourceInfo
from tests.analysis.fakes import SPAN_S, DisorderlyRunner, PlainRunner, write_clip
from tests.pipeline.fakes import FakeBackend, FileFake
from tests.tiny_model import make_tiny_network

TOLERANCE = 2e-4
"""Findings are rounded to four digits."""


@pytest.fixture
def short(registry: Registry) -> Model:
    return registry.find("tiny_short-fp32")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of 160x96 that differ from left to right and from moment to moment."""
    import av

    path = tmp_path_factory.mktemp("video") / "moving.mp4"
    y, x = np.mgrid[:96, :160]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for i in range(90):
            image = np.stack(
                [127 + 120 * np.sin(x / 17 + i / 9), 127 + 120 * np.sin(y / 13 - i / 7), 2.5 * i * (x > 110) + 20], -1
            )
            frame = av.VideoFrame.from_ndarray(np.clip(image, 0, 255).astype(np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def plain_frames(path: Path, side: int) -> list[np.ndarray]:
    """All pictures, short side `side`, RGB; nothing of the app's own code."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        ok, image = capture.read()
        if not ok:
            return frames
        height, width = image.shape[:2]
        size = (math.floor(width / height * side), side)
        frames.append(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)[:, :, ::-1])


def plain_answer(network: ov.CompiledModel, frames: list[np.ndarray], last: int, left: int, model: Model) -> np.ndarray:
    """The network on the 32 pictures that end with `last`, cropped at `left`."""
    side, t = model.spec.clip.side, model.spec.clip.frames
    picked = np.stack(frames[last - 2 * t + 1 : last + 1])[np.linspace(0, 2 * t - 1, t).astype(int)]
    clip = (picked[:, :, left : left + side].astype(np.float32) / 255 - 0.45) / 0.225
    fast = np.ascontiguousarray(clip.transpose(3, 0, 1, 2)[None])
    slow = np.ascontiguousarray(fast[:, :, np.linspace(0, t - 1, t // 4).astype(int)])
    return np.array(network([slow, fast])["probabilities"][0])


def as_vector(scores: tuple[tuple[str, float], ...], model: Model) -> np.ndarray:
    """The scores that findings tell, at the labels' places; NaN for those that they do not tell."""
    vector = np.full(len(model.spec.labels), np.nan)
    for label, score in scores:
        vector[model.spec.labels.index(label)] = score
    return vector


@pytest.mark.parametrize("views", [1, 3])
def test_sliding_windows_agree_with_a_plain_loop(video: Path, short: Model, views: int) -> None:
    runner = OpenVinoBackend(throughput=True).compile(short, "CPU")
    try:
        found = Analyzer(runner, AnalysisSettings(stride_s=0.2, views=views)).analyze(video)
    finally:
        runner.close()
    frames = plain_frames(video, 48)
    network = ov.compile_model(make_tiny_network(short.spec, 2, bare=True), "CPU")
    width = frames[0].shape[1]
    lefts = [round((width - 48) / 2)] if views == 1 else [0, round((width - 48) / 2), width - 48]
    expected, smoother = [], Smoother()
    for last in [*range(31, 90, 6), 89]:
        probs = np.mean([plain_answer(network, frames, last, left, short) for left in lefts], axis=0)
        expected.append((last / 30, probs, smoother.update(np.float32(probs), last / 30)))
    assert len(found.predictions) == len(expected)
    assert np.ptp([probs for _, probs, _ in expected], axis=0).max() > 0.1, "the answers must change"
    for row, (end_s, probs, smoothed) in zip(found.predictions, expected, strict=True):
        assert math.isclose(row.end_s, end_s, abs_tol=1e-3)
        assert math.isclose(row.begin_s, end_s - SPAN_S, abs_tol=1e-3)
        assert np.nanmax(np.abs(as_vector(row.top, short) - probs)) < TOLERANCE
        assert np.nanmax(np.abs(as_vector(row.smoothed, short) - smoothed)) < TOLERANCE
    mean = np.mean([probs for _, probs, _ in expected], axis=0)
    assert np.nanmax(np.abs(as_vector(found.whole, short) - mean)) < TOLERANCE


def test_thirty_views_agree_with_a_plain_loop(video: Path, short: Model) -> None:
    """10 clips, uniform over the video, of 3 crops each: softmax averaged."""
    runner = OpenVinoBackend(throughput=True).compile(short, "CPU")
    try:
        found = Analyzer(runner, AnalysisSettings(views=30)).analyze(video)
    finally:
        runner.close()
    frames = plain_frames(video, 48)
    network = ov.compile_model(make_tiny_network(short.spec, 2, bare=True), "CPU")
    width = frames[0].shape[1]
    total = []
    for i in range(10):
        start = i * (89 - 31) / 9
        last = math.ceil(start + 31 - 1e-6)
        total.append(
            np.mean(
                [plain_answer(network, frames, last, x, short) for x in (0, round((width - 48) / 2), width - 48)],
                axis=0,
            )
        )
    assert len(found.predictions) == 10 and not found.events
    for row, probs in zip(found.predictions, total, strict=True):
        assert np.nanmax(np.abs(as_vector(row.top, short) - probs)) < TOLERANCE
    assert np.nanmax(np.abs(as_vector(found.whole, short) - np.mean(total, axis=0))) < TOLERANCE


def test_a_model_that_follows_motion_has_one_view(short: Model) -> None:
    from msgspec.structs import replace

    following = replace(short.spec, clip=replace(short.spec.clip, crop="motion"))
    runner = PlainRunner(Model(short.folder, following))
    Analyzer(runner, AnalysisSettings(views=1))
    for views in (3, 30):
        with pytest.raises(UsageError, match="follows what moves"):
            Analyzer(runner, AnalysisSettings(views=views))
    with pytest.raises(UsageError, match="1, 3, 30"):
        Analyzer(runner, AnalysisSettings(views=2))


@settings(max_examples=20)
@given(requests=st.integers(1, 5), seed=st.integers(0, 1000))
def test_a_machine_that_answers_late_and_in_disorder_finds_the_same(
    video: Path, tiny_models: Path, requests: int, seed: int
) -> None:
    model = Registry([tiny_models]).find("tiny_short-fp32")
    settings = AnalysisSettings(stride_s=0.15, views=3)
    plain = Analyzer(PlainRunner(model, 1), settings).analyze(video)
    disorderly = DisorderlyRunner(model, requests, seed)
    assert Analyzer(disorderly, settings).analyze(video) == plain
    disorderly.close()


def test_events_are_where_the_video_changes(tmp_path: Path, short: Model) -> None:
    path = write_clip(tmp_path / "parts.mp4", [(3, 10), (3, 130), (3, 10)])
    found = Analyzer(PlainRunner(short), AnalysisSettings(stride_s=0.25)).analyze(path)
    assert [event.label for event in found.events] == ["action 0", "action 6", "action 0"]
    for event, begin_s in zip(found.events[1:], (3.0, 6.0), strict=True):
        assert abs(event.begin_s - begin_s) < 0.5
    assert found.events[-1].end_s == found.predictions[-1].end_s == found.source.duration_s - round(1 / 30, 3)
    assert all(row.motion > 0.2 for row in found.predictions)


@given(st.lists(st.floats(0.004, 0.4), min_size=1, max_size=150), st.floats(0.05, 1.5))
def test_a_window_each_stride_whatever_the_frame_rate(tiny_models: Path, gaps: list[float], stride_s: float) -> None:
    """The first moment that can be looked at, the last one, and none further apart than a stride and a frame."""
    model = Registry([tiny_models]).find("tiny_short-fp32")
    times = [0.0, *np.cumsum(gaps)]

    class Timed(FileFake):
        def read(self) -> Picture | None:
            self.at += 1
            return Picture(np.zeros((8, 8, 3), np.uint8), times[self.at - 1]) if self.at <= len(times) else None

    ends = [
        w.t_end_s for w in sliding(Timed(), ClipBuffer.for_model(model.spec, live=False), stride_s, lambda _t: None)
    ]
    if times[-1] < SPAN_S - 1e-3:
        assert ends == []
        return
    kept_s = 1 / 130  # a clip buffer keeps no more frames a second
    assert ends[-1] >= times[-1] - kept_s and ends[0] <= SPAN_S + max(gaps) + kept_s
    assert ends == sorted(set(ends)) and set(ends) <= set(times)
    for before, after in itertools.pairwise(ends):
        assert after - before <= stride_s + 2 * max(gaps)
    grid = [math.floor((end - ends[0] + 0.25e-3) / stride_s + 1e-9) for end in ends[:-1]]
    assert len(grid) == len(set(grid)), "no two looks at one step"


class LongSource:
    """Minutes of pictures, made as they are read, that change every five seconds."""

    warning = ""

    def __init__(self, minutes: float) -> None:
        self.frames, self.at = int(minutes * 60 * 5), 0

    def open(self) -> SourceInfo:
        return SourceInfo(64, 48, 5.0, self.frames / 5)

    def read(self) -> Picture | None:
        if self.at >= self.frames:
            return None
        self.at += 1
        level = self.at // 25 % 2 * 130 + 5
        image = np.full((48, 64, 3), level, np.uint8)
        image[8:16, self.at % 56 : self.at % 56 + 8] = 255 - level
        return Picture(image, (self.at - 1) / 5)

    def seek(self, t_s: float) -> None:
        raise AssertionError

    def close(self) -> None:
        pass


def test_twenty_minutes_keep_memory_flat(short: Model, tmp_path: Path) -> None:
    """Nothing grows but the rows: no picture is kept, and a prediction costs as little late as early."""
    import tracemalloc

    (tmp_path / "long.mp4").write_bytes(b"-")
    sizes: list[tuple[float, int]] = []

    def on_progress(t_s: float, _duration_s: float | None) -> None:
        if round(t_s * 5) % 300 == 0 and t_s > 0:
            sizes.append((t_s, tracemalloc.get_traced_memory()[0]))

    analyzer = Analyzer(PlainRunner(short), AnalysisSettings(), open_source=lambda _path: LongSource(20))
    tracemalloc.start()
    try:
        found = analyzer.analyze(tmp_path / "long.mp4", on_progress)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.predictions) > 2390 and len(found.events) > 100
    (early_s, early), (late_s, late) = sizes[1], sizes[-1]
    a_prediction = (late - early) / ((late_s - early_s) / 0.5)
    assert a_prediction < 4096, f"{a_prediction:.0f} bytes a prediction"
    a_window = 32 * 48 * 64 * 3
    assert peak - late < 20 * a_window


def test_what_is_looked_at_waits_for_its_requests(short: Model) -> None:
    """However many windows there are, only as many are taken as there are requests."""
    taken = answered = 0

    def windows() -> Iterator[FrameWindow]:
        nonlocal taken
        pictures = tuple(np.zeros((48, 48, 3), np.uint8) for _ in range(16))
        for i in range(50):
            taken += 1
            assert taken - answered <= 4
            yield FrameWindow(pictures, i, i + 1.0, 0.0, 0)

    for window, _probs in infer_windows(PlainRunner(short, 3), [short.spec.framing()], windows()):
        assert window.t_start_s == answered
        answered += 1
    assert answered == 50


def test_a_model_that_fails_is_told(short: Model, video: Path) -> None:
    backend = FakeBackend()
    backend.infer_error = RuntimeError("out of memory")
    with pytest.raises(DeviceError, match="'tiny_short-fp32' failed on CPU: out of memory"):
        Analyzer(backend.compile(short, "CPU"), AnalysisSettings()).analyze(video)


def test_a_video_shorter_than_the_model_looks_at(tmp_path: Path, short: Model) -> None:
    path = write_clip(tmp_path / "short.mp4", [(0.5, 100)])
    for views in (1, 30):
        found = Analyzer(PlainRunner(short), AnalysisSettings(views=views)).analyze(path)
        assert not found.predictions and not found.events and not found.whole
        assert "nothing was recognized" in found.warnings[0]


def test_an_untrained_model_finds_no_events(video: Path, registry: Registry) -> None:
    model = registry.find("tiny-fp32")
    found = Analyzer(PlainRunner(model), AnalysisSettings(stride_s=0.2)).analyze(video)
    assert found.predictions and not found.events and "random" in found.warnings[0]
    assert not any(row.label for row in found.predictions)


def test_a_file_that_is_no_video(tmp_path: Path, short: Model) -> None:
    (tmp_path / "notes.mp4").write_text("not a video")
    with pytest.raises(SourceError, match=r"notes\.mp4"):
        Analyzer(PlainRunner(short), AnalysisSettings()).analyze(tmp_path / "notes.mp4")
    with pytest.raises(SourceError, match=r"gone\.mp4"):
        Analyzer(PlainRunner(short), AnalysisSettings()).analyze(tmp_path / "gone.mp4")


@pytest.mark.parametrize("stride_s", [0.0, -1.0, math.nan, math.inf])
def test_a_stride_that_makes_no_sense(stride_s: float) -> None:
    with pytest.raises(UsageError, match="--stride"):
        AnalysisSettings(stride_s=stride_s)


def test_thirty_views_begin_with_the_first_picture(video: Path, short: Model, tmp_path: Path) -> None:
    """Where the sound begins before the pictures, the clips are those of the same file without sound."""
    from tests.sources.numbered_video import ffmpeg

    later = tmp_path / "later.mp4"
    ffmpeg("-itsoffset", 2, "-i", video, "-f", "lavfi", "-i", "sine=d=1", "-c:v", "copy", later)
    settings = AnalysisSettings(views=30)
    plain, moved = (Analyzer(PlainRunner(short), settings).analyze(path) for path in (video, later))
    assert len(plain.predictions) == 10
    assert [row.end_s for row in moved.predictions] == pytest.approx([row.end_s + 2 for row in plain.predictions])
    assert [row.top for row in moved.predictions] == [row.top for row in plain.predictions]


def test_findings_are_on_the_clock_that_players_show(video: Path, short: Model, tmp_path: Path) -> None:
    from tests.sources.numbered_video import ffmpeg

    later = tmp_path / "later.mkv"
    ffmpeg("-itsoffset", 2, "-i", video, "-f", "lavfi", "-i", "sine=d=1", "-c:v", "copy", later)
    plain, moved = (Analyzer(PlainRunner(short), AnalysisSettings()).analyze(path) for path in (video, later))
    assert [row.end_s for row in moved.predictions] == pytest.approx(
        [row.end_s + 2 for row in plain.predictions], abs=0.03
    )
    assert moved.source.duration_s == pytest.approx(5, abs=0.1)
    assert not moved.warnings
