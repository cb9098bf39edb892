"""Clocks that leap, stand still and run back; slow machines, slow and fast cameras; sixteen hours."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from slowfast_live.core.meters import Distribution, RateMeter
from slowfast_live.core.ring import Ring
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.core.smoothing import Smoother
from slowfast_live.errors import SourceError
from slowfast_live.inference.spec import Model
from slowfast_live.sources.camera import CameraSource
from slowfast_live.sources.stream import ArrivalClock
from slowfast_live.types import PipelineState
from slowfast_live.ui.controller.pipeline_poller import ShownFrames
from tests.pipeline.conftest import Rig
from tests.pipeline.fakes import CAMERA, FILE, FileFake, LiveFake, picture
from tests.stepped_clock import SteppedClock
from tests.waiting import eventually

HOUR_S = 3600.0
UPTIME_S = 16 * HOUR_S


@pytest.fixture
def file_plays(rig: Rig, tiny: Model) -> Rig:
    rig.sources[FILE.address] = lambda: FileFake(frames=3000)
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model == tiny.name)
    rig.pipeline.open(FILE)
    eventually(lambda: rig.pipeline.frame() is not None)
    return rig


def play(rig: Rig, frames: int) -> None:
    for _ in range(frames):
        before = rig.pipeline.status().frames_captured
        rig.clock.step(1 / 30 + 1e-7)
        eventually(lambda before=before: rig.pipeline.status().frames_captured > before, "the next picture")


class Live:
    """A camera whose pictures the test sends."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.source = rig, LiveFake()
        rig.sources["0"] = lambda: self.source
        rig.pipeline.open(CAMERA)
        eventually(lambda: rig.pipeline.status().state is PipelineState.RUNNING)

    def send(self, count: int, fps: float) -> None:
        for _ in range(count):
            before = self.rig.pipeline.status().frames_captured
            self.rig.clock.step(1 / fps)
            self.source.inbox.put(picture(self.rig.clock.now_s(), before))
            eventually(lambda before=before: self.rig.pipeline.status().frames_captured > before)


@pytest.fixture
def live(rig: Rig, tiny: Model) -> Iterator[Live]:
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model == tiny.name)
    live = Live(rig)
    yield live
    live.source.inbox.put(SourceError("over"))


@pytest.mark.parametrize("leap_s", [5 * HOUR_S, -5 * HOUR_S], ids=["suspended", "set back"])
def test_a_file_goes_on_where_it_was(file_plays: Rig, leap_s: float) -> None:
    play(file_plays, 70)
    eventually(lambda: file_plays.predictions)
    position_s = file_plays.pipeline.status().position_s
    captured = file_plays.pipeline.status().frames_captured
    file_plays.clock.step(leap_s)
    eventually(lambda: file_plays.clock.step(1 / 60) or file_plays.pipeline.status().frames_captured > captured + 10)
    status = file_plays.pipeline.status()
    assert position_s < status.position_s <= position_s + 1.0, "it neither jumps nor waits"
    assert status.latency_ms >= 0 and not file_plays.pipeline.notices()


@pytest.mark.parametrize("leap_s", [5 * HOUR_S, -5 * HOUR_S], ids=["suspended", "set back"])
def test_a_camera_is_recognized_anew_after_a_leap(live: Live, leap_s: float) -> None:
    pipeline = live.rig.pipeline
    live.send(70, 30)
    eventually(lambda: pipeline.prediction() is not None)
    live.rig.clock.step(leap_s)
    live.send(5, 30)
    assert pipeline.status().coverage < 0.2, "no window spans the leap"
    live.send(70, 30)
    eventually(lambda: (p := pipeline.prediction()) is not None and p.t_end_s > live.rig.clock.now_s() - 0.2)
    status = pipeline.status()
    assert 0 <= status.latency_ms < 1000 and status.source_fps == pytest.approx(30, rel=0.05)
    assert status.silent_s == 0 and not pipeline.notices()


def test_a_clock_that_is_set_back_does_not_stretch_a_reconnection(rig: Rig) -> None:
    camera = LiveFake(iter([None, None]))
    rig.sources["0"] = lambda: camera
    rig.pipeline.open(CAMERA)
    camera.inbox.put(SourceError("Fake camera was unplugged."))
    eventually(lambda: rig.pipeline.status().reconnect_attempt == 1)
    rig.clock.step(-HOUR_S)
    eventually(lambda: rig.clock.step(0.1) or camera.opened == 2)
    camera.inbox.put(SourceError("over"))


def test_a_machine_that_sleeps_during_an_inference_is_not_told_that_the_model_is_stuck(live: Live) -> None:
    live.rig.backend.gate.clear()
    live.send(70, 30)
    live.rig.clock.step(5 * HOUR_S)
    live.send(5, 30)
    live.rig.backend.gate.set()
    live.send(70, 30)
    eventually(lambda: live.rig.pipeline.prediction() is not None)
    assert not live.rig.pipeline.notices()


def test_a_machine_at_a_quarter_of_its_speed_speaks_of_now(live: Live) -> None:
    """A model that needs four frames' time: fewer predictions, each of the newest picture, none queued."""
    live.send(66, 30)
    eventually(lambda: live.rig.predictions)
    live.rig.backend.gate.clear()
    live.send(1, 30)
    ends: list[float] = []
    for _ in range(20):
        live.send(4, 30)
        seen = len(live.rig.predictions)
        live.rig.backend.gate.set()
        eventually(lambda seen=seen: len(live.rig.predictions) > seen)
        live.rig.backend.gate.clear()
        ends.append(live.rig.clock.now_s() - live.rig.predictions[-1][0].t_end_s)
    live.rig.backend.gate.set()
    assert max(ends) < 6 / 30, "no prediction is older than the inference that it waited for"
    assert live.rig.pipeline.status().frames_dropped == 0


@pytest.mark.parametrize("fps", [5, 120])
def test_slow_and_fast_cameras_cover_the_same_span(live: Live, fps: int) -> None:
    live.send(int(2.1 * fps), fps)
    assert live.rig.pipeline.status().coverage < 1 and not live.rig.predictions
    live.send(3, fps)
    eventually(lambda: live.rig.predictions)
    assert live.rig.predictions[0][0].t_end_s - 1000.0 - 1 / fps >= 2.1 - 1e-6
    assert live.rig.pipeline.status().source_fps == pytest.approx(fps, rel=0.1)
    recognizer = live.rig.pipeline._recognizer
    assert recognizer._buffer is not None and len(recognizer._buffer.ring) <= 2.2 * fps + 2


class Capture:
    """What stands for `cv2.VideoCapture`."""

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def read(self) -> tuple[bool, np.ndarray]:
        return True, np.zeros((4, 4, 3), np.uint8)

    def get(self, prop: int, /) -> float:
        return 30.0

    def set(self, prop: int, value: float, /) -> bool:
        return True

    def release(self) -> None:
        pass


def test_a_camera_follows_a_clock_that_is_set_back() -> None:
    clock = SteppedClock(2 * HOUR_S)
    camera = CameraSource("0", capture=lambda *_: Capture(), clock=clock.now_s)
    camera.open()
    camera.read()
    clock.step(-HOUR_S)
    times = []
    for _ in range(5):
        clock.step(1 / 30)
        times.append(camera.read().t_s)
    assert np.diff(times) == pytest.approx(1 / 30, rel=1e-6)


def test_a_stream_follows_a_clock_that_is_set_back() -> None:
    arrivals = ArrivalClock()
    for i in range(30):
        arrivals.place(i / 30, 2 * HOUR_S + i / 30)
    times = [arrivals.place(i / 30, HOUR_S + i / 30) for i in range(30, 60)]
    assert np.diff(times) == pytest.approx(1 / 30, rel=1e-6)


def test_shown_frames_forget_a_clock_that_is_set_back() -> None:
    clock = SteppedClock(2 * HOUR_S)
    shown = ShownFrames(clock.now_s)
    for _ in range(60):
        clock.step(1 / 30)
        shown.add()
    clock.step(-HOUR_S)
    for _ in range(600):
        clock.step(1 / 30)
        shown.add()
    assert shown.fps == pytest.approx(30, rel=0.05)
    assert shown.mean_fps > 0
    assert len(shown._recent) <= 70


def test_sixteen_hours_hold_no_more_than_one_minute() -> None:
    timing = ClipTiming(32, 2, 30.0)
    ring, rate, latency, smoother, arrivals = Ring(timing, 1.0), RateMeter(), Distribution(), Smoother(), ArrivalClock()
    clock = SteppedClock()
    shown = ShownFrames(clock.now_s)
    image = np.zeros((4, 4, 3), np.uint8)
    probs = np.array([0.25, 0.75], np.float32)
    sizes = []
    for i in range(int(UPTIME_S * 2)):
        t_s = arrivals.place(i / 2, clock.now_s())
        ring.push(lambda: image, t_s, t_s)
        rate.tick(t_s)
        rate.rate(t_s)
        latency.add(20 + i % 50)
        smoother.update(probs, t_s)
        shown.add()
        clock.step(0.5)
        if i in (119, int(UPTIME_S * 2) - 1):
            sizes.append((len(ring), len(rate._times_s), len(latency._bins), len(shown._recent)))
    assert sizes[0] == pytest.approx(sizes[1], abs=1)
    assert rate.rate(UPTIME_S) == pytest.approx(2, rel=0.01)
    assert shown.mean_fps == pytest.approx(2, rel=1e-6)


@pytest.mark.parametrize("start_s", [0.0, UPTIME_S, 400 * 24 * HOUR_S], ids=["start", "16 hours", "400 days"])
@pytest.mark.parametrize("fps", [30, 120])
def test_windows_are_the_same_however_long_the_machine_runs(start_s: float, fps: int) -> None:
    timing = ClipTiming(32, 2, 30.0)
    ring = Ring(timing, 0.5)
    for i in range(3 * fps):
        image = np.full((4, 4, 3), i % 256, np.uint8)
        ring.push(lambda image=image: image, start_s + i / fps, 0.0)
    window = ring.window(1)
    assert window is not None
    picked = [int(p[0, 0, 0]) for p in window.pictures]
    step = fps // 30
    last = 3 * fps - 1
    expected = [(last - step * (63 - int(x))) % 256 for x in np.linspace(0, 63, 32)]
    assert len(picked) == 32 and (picked == expected if fps == 30 else abs(picked[0] - expected[0]) <= step)


def test_many_switches_leave_the_pipeline_no_larger(rig: Rig) -> None:
    rig.sources[FILE.address] = lambda: FileFake(frames=3000)
    for _ in range(60):
        rig.pipeline.open(FILE)
        eventually(lambda: not rig.pipeline.status().opening)
    eventually(lambda: sum(thread.name.startswith("capture") for thread in threading.enumerate()) == 1)
    rig.pipeline.open(FILE)
    assert rig.pipeline.ending_sources <= 2
