"""Sources that play, pause, jump, block, die and lie."""

import itertools
import threading

import pytest

from slowfast_live.errors import SourceError
from slowfast_live.inference.spec import Model
from slowfast_live.types import Level, PipelineState, ReadoutState, SourceKind, SourceSpec
from tests.pipeline.conftest import Rig
from tests.pipeline.fakes import CAMERA, FILE, OTHER_CAMERA, FileFake, LiveFake, picture
from tests.waiting import eventually


def shown(rig: Rig) -> int:
    """The grey level of the frame shown, which is the number of a file's frame."""
    frame = rig.pipeline.frame()
    return -1 if frame is None else int(frame.image[20, 20, 0])


def open_file(rig: Rig, **kwargs: object) -> None:
    rig.sources[FILE.address] = lambda: FileFake(**kwargs)
    rig.pipeline.open(FILE)
    eventually(lambda: shown(rig) == 0, "first frame")


def test_a_file_is_paced_by_its_times(rig: Rig) -> None:
    open_file(rig)
    for i in range(1, 20):
        rig.clock.step(1 / 30 + 1e-6)
        eventually(lambda i=i: shown(rig) == i, f"frame {i}")
    status = rig.pipeline.status()
    assert status.state is PipelineState.RUNNING and status.frames_captured == 20 and status.frames_dropped == 0
    assert abs(status.position_s - 19 / 30) < 1e-9


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed(rig: Rig, speed: float) -> None:
    open_file(rig)
    rig.pipeline.set_speed(speed)
    for i in range(1, 10):
        rig.clock.step(1 / 30 / speed + 1e-6)
        eventually(lambda i=i: shown(rig) == i, f"frame {i}")
    rig.pipeline.set_speed(100)
    assert rig.pipeline.status().speed == 2.0


def test_pause_and_play(rig: Rig) -> None:
    open_file(rig)
    rig.pipeline.pause()
    eventually(lambda: rig.pipeline.status().paused)
    rig.clock.step(5)
    rig.pipeline.play()
    eventually(lambda: not rig.pipeline.status().paused)
    rig.clock.step(1 / 30 + 1e-6)
    eventually(lambda: shown(rig) == 1, "the next frame, not one 5 s later")


def test_step_on_and_back(rig: Rig, tiny: Model) -> None:
    rig.pipeline.use_model(tiny)
    open_file(rig)
    rig.pipeline.step(3)
    eventually(lambda: shown(rig) == 3)
    rig.pipeline.step(-1)
    eventually(lambda: shown(rig) == 2)
    assert rig.pipeline.status().paused


def test_a_seek_shows_and_classifies_the_moment_at_once(rig: Rig, tiny: Model) -> None:
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model)
    open_file(rig)
    rig.pipeline.pause()
    rig.pipeline.seek(5.0)
    eventually(lambda: shown(rig) == 150)
    eventually(lambda: rig.pipeline.prediction() is not None, "a prediction without any time passing")
    prediction = rig.pipeline.prediction()
    assert prediction is not None and prediction.t_end_s == 5.0
    assert prediction.top[0][0] == f"action {150 % 7}"


def test_scrubbing_shows_without_classifying(rig: Rig, tiny: Model) -> None:
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model)
    open_file(rig)
    rig.pipeline.pause()
    rig.pipeline.seek(4.0, scrubbing=True)
    eventually(lambda: shown(rig) == 120)
    assert rig.pipeline.status().coverage == 0
    assert rig.pipeline.readout().state is ReadoutState.WARMING_UP


def test_a_file_ends_and_plays_again(rig: Rig) -> None:
    open_file(rig, frames=10)
    for _ in range(12):
        rig.clock.step(1 / 30 + 1e-6)
    eventually(lambda: rig.pipeline.status().ended)
    assert shown(rig) == 9
    rig.pipeline.play()
    eventually(lambda: shown(rig) == 0 and not rig.pipeline.status().ended)
    rig.clock.step(1 / 30 + 1e-6)
    eventually(lambda: shown(rig) == 1)


def test_what_is_wrong_with_a_file_is_told_at_its_end(rig: Rig) -> None:
    class CutOff(FileFake):
        warning = "clip.mp4 seems to be cut off."

    rig.sources[FILE.address] = lambda: CutOff(frames=5)
    rig.pipeline.open(FILE)
    eventually(lambda: rig.clock.step(1 / 30) or rig.pipeline.status().ended)
    notices = []
    eventually(lambda: notices.extend(rig.pipeline.notices()) or notices)
    assert [(n.level, n.message) for n in notices] == [(Level.WARNING, "clip.mp4 seems to be cut off.")]


def test_a_source_is_closed_and_another_one_opened(rig: Rig) -> None:
    made: list[FileFake] = []
    rig.sources[FILE.address] = lambda: made.append(FileFake(frames=50)) or made[-1]
    rig.pipeline.open(FILE)
    eventually(lambda: rig.clock.step(1 / 30) or shown(rig) > 0)
    generation = rig.pipeline.status().generation
    rig.pipeline.close_source()
    status = rig.pipeline.status()
    assert status.source is None and status.info is None and status.generation > generation
    eventually(lambda: made[0].closed)
    rig.pipeline.open(FILE)
    eventually(lambda: rig.pipeline.status().info is not None)
    rig.pipeline.close_source()
    rig.pipeline.close_source()


def test_a_finished_recording_behind_a_url_ends_and_plays_again(rig: Rig) -> None:
    camera = LiveFake()
    rig.sources["0"] = lambda: camera
    rig.pipeline.open(CAMERA)
    camera.inbox.put(picture(1000.0, 1))
    camera.inbox.put(None)
    eventually(lambda: rig.pipeline.status().ended)
    assert rig.pipeline.status().reconnect_attempt == 0 and shown(rig) == 1
    rig.pipeline.play()
    eventually(lambda: camera.opened == 2)
    camera.inbox.put(picture(1001.0, 2))
    eventually(lambda: shown(rig) == 2 and not rig.pipeline.status().ended)
    camera.inbox.put(SourceError("over"))


def test_loop(rig: Rig) -> None:
    rig.pipeline.set_loop(True)
    open_file(rig, frames=10)
    generation = rig.pipeline.status().generation
    for i in itertools.chain(range(1, 10), range(0, 3)):
        rig.clock.step(1 / 30 + 1e-6)
        eventually(lambda i=i: shown(rig) == i, f"frame {i}")
    assert rig.pipeline.status().generation > generation and not rig.pipeline.status().ended


def test_a_file_shorter_than_the_span_is_told(rig: Rig, tiny: Model) -> None:
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model)
    open_file(rig, frames=30)
    assert rig.pipeline.readout().state is ReadoutState.TOO_SHORT
    eventually(lambda: rig.clock.step(1 / 30) or rig.pipeline.status().ended)
    assert rig.pipeline.readout().state is ReadoutState.TOO_SHORT
    assert not rig.predictions


def test_dropped_frames_belong_to_their_source(rig: Rig) -> None:
    open_file(rig)
    rig.clock.step(0.5)
    eventually(lambda: rig.pipeline.status().source_dropped >= 10)
    assert rig.pipeline.status().source_frames >= 10
    open_file(rig)
    status = rig.pipeline.status()
    assert status.source_dropped == 0 and status.source_frames <= 1
    assert status.frames_dropped >= 10, "the session's own count goes on"


def test_a_machine_that_falls_behind_shows_fewer_frames_and_counts_them(rig: Rig) -> None:
    open_file(rig)
    rig.clock.step(0.5)  # 15 frames are due at once
    eventually(lambda: rig.pipeline.status().frames_captured >= 16)
    assert rig.pipeline.status().frames_dropped >= 10
    rig.clock.step(10)  # hopelessly late: it goes on from where it is, and skips nothing
    eventually(lambda: rig.pipeline.status().frames_captured >= 17)
    assert rig.pipeline.status().position_s < 2


def test_opening_fails_with_one_notice_and_the_old_source_goes_on(rig: Rig) -> None:
    open_file(rig)
    bad = SourceSpec(SourceKind.FILE, "text.mp4")
    rig.sources["text.mp4"] = lambda: FileFake(error=SourceError("text.mp4 is not a video."))
    rig.pipeline.open(bad)
    notices = []
    eventually(lambda: notices.extend(rig.pipeline.notices()) or notices)
    assert [(n.level, n.message) for n in notices] == [(Level.ERROR, "text.mp4 is not a video.")]
    status = rig.pipeline.status()
    assert status.state is PipelineState.RUNNING and status.source == FILE and not status.opening
    rig.clock.step(1 / 30 + 1e-6)
    eventually(lambda: shown(rig) == 1)


def test_without_an_old_source_the_state_is_failed(rig: Rig) -> None:
    rig.sources[FILE.address] = lambda: FileFake(error=SourceError("clip.mp4 is empty."))
    rig.pipeline.open(FILE)
    eventually(lambda: rig.pipeline.status().state is PipelineState.FAILED)
    open_file(rig)
    assert rig.pipeline.status().state is PipelineState.RUNNING


def test_a_file_without_pictures_is_told(rig: Rig) -> None:
    rig.sources[FILE.address] = lambda: FileFake(frames=0)
    rig.pipeline.open(FILE)
    notices = []
    eventually(lambda: notices.extend(rig.pipeline.notices()) or notices)
    assert "no pictures" in notices[0].message


def test_an_unexpected_error_becomes_a_notice(rig: Rig) -> None:
    class Broken(FileFake):
        def read(self) -> None:
            raise ZeroDivisionError("inside a decoder")

    rig.sources[FILE.address] = Broken
    rig.pipeline.open(FILE)
    notices = []
    eventually(lambda: notices.extend(rig.pipeline.notices()) or notices)
    assert "clip.mp4" in notices[0].message and "ZeroDivisionError" in notices[0].details
    eventually(lambda: rig.made[0].closed)


def test_a_dead_camera_is_retried_with_growing_pauses_and_comes_back(rig: Rig) -> None:
    gone = SourceError("Fake camera was unplugged.")
    camera = LiveFake(iter([None, gone, gone, None]))
    rig.sources["0"] = lambda: camera
    rig.pipeline.open(CAMERA)
    camera.inbox.put(picture(1000.0, 7))
    eventually(lambda: shown(rig) == 7)
    camera.inbox.put(gone)
    for attempt, pause in ((1, 1), (2, 2), (3, 4)):
        eventually(lambda attempt=attempt: rig.pipeline.status().reconnect_attempt == attempt, f"attempt {attempt}")
        opened = camera.opened
        rig.clock.step(pause - 0.01)
        assert rig.pipeline.status().reconnect_attempt == attempt and camera.opened == opened
        rig.clock.step(0.02)
        eventually(lambda opened=opened: camera.opened == opened + 1)
    camera.inbox.put(picture(1010.0, 9))
    eventually(lambda: shown(rig) == 9 and rig.pipeline.status().reconnect_attempt == 0)
    notices = rig.pipeline.notices()
    assert len(notices) == 1 and notices[0].level is Level.WARNING and "unplugged" in notices[0].message
    camera.inbox.put(gone)


def test_stop_while_reconnecting_is_prompt(rig: Rig) -> None:
    camera = LiveFake()
    rig.sources["0"] = lambda: camera
    rig.pipeline.open(CAMERA)
    camera.inbox.put(SourceError("gone"))
    eventually(lambda: rig.pipeline.status().reconnect_attempt == 1)
    rig.pipeline.stop()
    assert not any(thread.name.startswith("capture") for thread in threading.enumerate())


def test_a_camera_is_released_before_another_is_opened(rig: Rig) -> None:
    first, second = LiveFake(), LiveFake()
    rig.sources |= {"0": lambda: first, "1": lambda: second}
    rig.pipeline.open(CAMERA)
    first.inbox.put(picture(1000.0, 1))
    eventually(lambda: shown(rig) == 1)
    rig.pipeline.open(OTHER_CAMERA)
    assert second.opened == 0  # the first one blocks in its read
    first.inbox.put(picture(1000.1, 2))
    eventually(lambda: second.opened == 1)
    assert first.closed == 1
    second.inbox.put(picture(1000.2, 3))
    eventually(lambda: shown(rig) == 3)
    second.inbox.put(picture(1000.3, 3))
    rig.pipeline.open(CAMERA)
    second.inbox.put(picture(1000.4, 3))
    eventually(lambda: first.opened == 2)
    first.inbox.put(picture(1000.5, 4))
    first.inbox.put(picture(1000.6, 4))
    eventually(lambda: shown(rig) == 4)
    first.inbox.put(SourceError("over"))


def test_a_source_that_blocks_is_left_behind_and_never_released_from_outside(rig: Rig, caplog) -> None:
    camera = LiveFake()
    rig.sources["0"] = lambda: camera
    rig.pipeline.open(CAMERA)
    camera.inbox.put(picture(1000.0, 5))
    eventually(lambda: shown(rig) == 5)
    rig.pipeline.stop()
    assert "left behind" in caplog.text and "Fake camera" in caplog.text
    assert camera.closed == 0
    camera.inbox.put(picture(1001.0, 6))  # it wakes up at last, and cleans up after itself
    eventually(lambda: camera.closed == 1)
    assert camera.closed_by[0] != threading.get_ident()
    assert shown(rig) == 5


def test_a_silent_camera_has_nothing_to_say_about_now(rig: Rig, tiny: Model) -> None:
    camera = LiveFake()
    rig.sources["0"] = lambda: camera
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model)
    rig.pipeline.open(CAMERA)
    eventually(lambda: rig.pipeline.status().state is PipelineState.RUNNING)
    for i in range(80):
        rig.clock.step(1 / 30 + 1e-6)
        camera.inbox.put(picture(rig.clock.now_s(), 3))
        eventually(lambda i=i: rig.pipeline.status().frames_captured == i + 1)
    eventually(lambda: rig.pipeline.readout().state is ReadoutState.ACTION)
    assert rig.pipeline.status().silent_s == 0
    rig.clock.step(3)
    assert rig.pipeline.readout().state is ReadoutState.NO_PICTURE
    assert rig.pipeline.status().silent_s == pytest.approx(3)
    camera.inbox.put(SourceError("over"))


def test_a_camera_that_lies_about_its_rate_is_sampled_by_time(rig: Rig, tiny: Model) -> None:
    camera = LiveFake()  # says 30, delivers 10
    rig.sources["0"] = lambda: camera
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model)
    rig.pipeline.open(CAMERA)
    eventually(lambda: rig.pipeline.status().state is PipelineState.RUNNING)
    for i in range(30):
        rig.clock.step(0.1)
        camera.inbox.put(picture(rig.clock.now_s(), i))
        eventually(lambda i=i: rig.pipeline.status().frames_captured == i + 1)
    eventually(lambda: rig.predictions)
    assert abs(rig.pipeline.status().source_fps - 10) < 0.2
    first = rig.predictions[0][0]
    assert abs(first.t_end_s - (1000.1 + 2.1)) < 1e-6  # the span of 2.1 s, not 64 frames
    camera.inbox.put(SourceError("over"))


def test_mirror(rig: Rig) -> None:
    open_file(rig)
    assert rig.pipeline.frame().image[0, 0, 0] == 255 and rig.pipeline.frame().image[0, -1, 0] == 0
    rig.pipeline.set_mirror(True)
    rig.clock.step(1 / 30 + 1e-6)
    eventually(lambda: shown(rig) == 1)
    image = rig.pipeline.frame().image
    assert image[0, -1, 0] == 254 and image[0, 0, 0] == 1 and not image.flags.writeable
