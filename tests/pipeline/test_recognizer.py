"""Switching models, the newest window, epochs, and results that go wrong."""

import threading

import numpy as np
import pytest

from slowfast_live.errors import DeviceError
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.types import Level, PipelineState, ReadoutState
from tests.pipeline.conftest import Rig
from tests.pipeline.fakes import FILE, FileFake
from tests.waiting import eventually


def play(rig: Rig, frames: int, fps: float = 30.0) -> None:
    """Let `frames` more frames of the file pass, each classified where a model runs."""
    for _ in range(frames):
        before = rig.pipeline.status().frames_captured
        rig.clock.step(1 / fps + 1e-7)
        eventually(lambda before=before: rig.pipeline.status().frames_captured > before)


def play_until_asked(rig: Rig) -> None:
    """Let one more frame pass, and wait until the model is asked about it."""
    asked = rig.backend.started
    play(rig, 1)
    eventually(lambda: rig.backend.started > asked)


@pytest.fixture
def playing(rig: Rig, tiny: Model) -> Rig:
    rig.sources[FILE.address] = lambda: FileFake(frames=3000)
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model == tiny.name)
    rig.pipeline.open(FILE)
    eventually(lambda: rig.pipeline.status().state is PipelineState.RUNNING and rig.pipeline.frame())
    return rig


def test_nothing_is_classified_before_the_span_is_covered(playing: Rig) -> None:
    play(playing, 62)
    assert not playing.predictions and 0.9 < playing.pipeline.status().coverage < 1
    assert playing.pipeline.readout().state is ReadoutState.WARMING_UP
    play(playing, 1)
    eventually(lambda: playing.predictions)
    prediction, readout = playing.predictions[0]
    assert abs(prediction.t_end_s - 2.1) < 1e-5 and readout.state is ReadoutState.ACTION
    assert np.isclose(prediction.probs.sum(), 1) and len(prediction.top) == 5


def test_the_newest_window_wins(playing: Rig) -> None:
    play(playing, 63)
    eventually(lambda: len(playing.predictions) == 1)
    playing.backend.gate.clear()
    play_until_asked(playing)  # this one occupies the request
    play(playing, 9)  # these pass
    playing.backend.gate.set()
    eventually(lambda: len(playing.predictions) == 3)
    ends = [round(p.t_end_s * 30) for p, _ in playing.predictions]
    assert ends == [63, 64, 73]


def test_one_prediction_a_frame_and_then_rest(playing: Rig) -> None:
    play(playing, 70)
    eventually(lambda: playing.predictions and playing.predictions[-1][0].t_end_s > 2.33)
    count = len(playing.predictions)
    playing.clock.step(0.001)
    assert len(playing.predictions) == count
    ends = [p.t_end_s for p, _ in playing.predictions]
    assert len(set(ends)) == len(ends)


def test_no_model_and_no_source(rig: Rig) -> None:
    assert rig.pipeline.readout().state is ReadoutState.NO_MODEL
    assert rig.pipeline.frame() is None and rig.pipeline.prediction() is None
    assert rig.pipeline.status().state is PipelineState.IDLE
    rig.pipeline.play()
    rig.pipeline.pause()
    rig.pipeline.seek(1)
    rig.pipeline.step(1)
    rig.pipeline.use_device("CPU")
    rig.pipeline.stop()


def test_the_old_model_goes_on_while_the_new_one_compiles(playing: Rig, registry: Registry) -> None:
    play(playing, 64)
    eventually(lambda: playing.predictions)
    playing.backend.compile_gate.clear()
    short = registry.find("tiny_short-fp32")
    playing.pipeline.use_model(short)
    eventually(lambda: playing.pipeline.status().switching)
    count = len(playing.predictions)
    play(playing, 40)
    eventually(lambda: len(playing.predictions) > count)
    assert playing.pipeline.status().model == "tiny_trained-fp32"
    generation = playing.pipeline.status().generation
    playing.backend.compile_gate.set()
    eventually(lambda: playing.pipeline.status().model == short.name)
    assert playing.pipeline.status().generation > generation
    # Its ring was filled meanwhile: it speaks of the next frame, without a second warm-up.
    play(playing, 1)
    eventually(lambda: playing.pipeline.prediction() is not None)
    assert playing.pipeline.prediction().model == short.name
    eventually(lambda: playing.backend.open_runners == 1, "the old model is released")
    eventually(lambda: playing.pipeline.status().switching == "")


def test_the_same_kind_of_clip_keeps_its_pictures(playing: Rig, registry: Registry) -> None:
    play(playing, 64)
    playing.pipeline.use_model(registry.find("tiny-fp32"))
    eventually(lambda: playing.pipeline.status().model == "tiny-fp32")
    assert playing.pipeline.status().coverage == 1
    eventually(lambda: playing.pipeline.readout().state is ReadoutState.UNTRAINED)
    assert playing.pipeline.readout().label is None


def test_a_switch_that_fails_leaves_the_old_model(playing: Rig, registry: Registry) -> None:
    play(playing, 64)
    playing.backend.compile_error = DeviceError("The GPU driver is missing.")
    playing.pipeline.use_model(registry.find("tiny_short-fp32"), "GPU")
    notices = []
    eventually(lambda: notices.extend(playing.pipeline.notices()) or notices)
    assert (
        notices[0].level is Level.ERROR
        and "GPU driver" in notices[0].message
        and "remains in use" in notices[0].message
    )
    assert playing.pipeline.status().model == "tiny_trained-fp32"
    count = len(playing.predictions)
    play(playing, 2)
    eventually(lambda: len(playing.predictions) > count)


def test_a_device_that_failed_is_not_tried_with_the_next_model(playing: Rig, registry: Registry) -> None:
    playing.backend.compile_error = DeviceError("The GPU driver is missing.")
    playing.pipeline.use_device("GPU")
    eventually(lambda: playing.pipeline.notices() and not playing.pipeline.status().switching)
    playing.backend.compile_error = None
    other = registry.find("tiny_short-fp32")
    playing.pipeline.use_model(other)
    eventually(lambda: playing.pipeline.status().model == other.name)
    assert playing.backend.compiled[-1] == (other.name, "CPU")


def test_a_newer_order_overtakes(playing: Rig, registry: Registry) -> None:
    playing.backend.compile_gate.clear()
    playing.pipeline.use_model(registry.find("tiny_short-fp32"))
    eventually(lambda: len(playing.backend.compiled) == 2)
    playing.pipeline.use_model(registry.find("tiny-fp32"))
    playing.pipeline.use_model(registry.find("tiny-fp32"), "AUTO")
    playing.backend.compile_gate.set()
    eventually(lambda: playing.pipeline.status().device == "AUTO")
    eventually(lambda: playing.backend.open_runners == 1)
    assert ("tiny-fp32", "CPU") not in playing.backend.compiled


def test_no_model_again(playing: Rig) -> None:
    play(playing, 64)
    playing.pipeline.use_model(None)
    eventually(lambda: playing.backend.open_runners == 0)
    assert playing.pipeline.readout().state is ReadoutState.NO_MODEL
    play(playing, 2)


def test_results_of_an_older_epoch_are_dropped(playing: Rig) -> None:
    play(playing, 63)
    eventually(lambda: len(playing.predictions) == 1)
    playing.backend.gate.clear()
    play_until_asked(playing)
    playing.pipeline.seek(50.0, scrubbing=True)
    eventually(lambda: abs(playing.pipeline.status().position_s - 50) < 0.02)
    playing.backend.gate.set()
    eventually(lambda: playing.pipeline.settled)
    play(playing, 3)
    assert len(playing.predictions) == 1 and playing.pipeline.prediction() is None


def test_a_failing_inference_is_told_once(playing: Rig) -> None:
    playing.backend.infer_error = RuntimeError("device lost")
    play(playing, 70)
    notices = []
    eventually(lambda: notices.extend(playing.pipeline.notices()) or notices)
    play(playing, 5)
    notices += playing.pipeline.notices()
    assert len(notices) == 1 and "device lost" in notices[0].message
    playing.backend.infer_error = None
    play(playing, 2)
    eventually(lambda: playing.predictions)


def test_a_listener_that_fails_does_not_stop_the_worker(playing: Rig, caplog) -> None:
    def bad(*_: object) -> None:
        raise OSError("disk full")

    playing.listener = bad
    play(playing, 66)
    eventually(lambda: playing.pipeline.status().predictions >= 2)
    assert "disk full" in caplog.text


def test_threshold(playing: Rig) -> None:
    play(playing, 64)
    eventually(lambda: playing.pipeline.readout().state is ReadoutState.ACTION)
    playing.pipeline.set_threshold(1.0)
    play(playing, 2)
    eventually(lambda: playing.pipeline.readout().state is ReadoutState.NO_CONFIDENT_ACTION)
    playing.pipeline.set_threshold(None)
    play(playing, 1)
    eventually(lambda: playing.pipeline.readout().state is ReadoutState.ACTION)


def test_stop_and_start_again(playing: Rig, tiny: Model) -> None:
    play(playing, 64)
    playing.pipeline.stop()
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"recognizer", "model loader"} and not any(n.startswith("capture") for n in names)
    playing.pipeline.use_model(tiny)
    playing.pipeline.open(FILE)
    eventually(lambda: playing.pipeline.status().state is PipelineState.RUNNING)
    count = len(playing.predictions)
    play(playing, 66)
    eventually(lambda: len(playing.predictions) > count)


def test_the_clip_of_now_is_what_the_model_got(playing: Rig) -> None:
    assert playing.pipeline.newest_clip() is None, "the span is not covered"
    play(playing, 63)
    eventually(lambda: playing.predictions)
    found = playing.pipeline.newest_clip()
    assert found is not None and found.model is playing.pipeline._recognizer.state().model
    assert found.window.t_end_s == playing.predictions[-1][0].t_end_s
    assert found.window.generation == playing.pipeline.status().generation
    expected = np.empty_like(found.clip)
    found.framing.compose(found.window.pictures, expected)
    assert np.array_equal(found.clip, expected)
    assert found.size == playing.pipeline.frame().image.shape[:2]
