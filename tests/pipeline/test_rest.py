"""The model rests while nothing moves, and goes on with the first window in which something does."""

import numpy as np
import pytest

from slowfast_live.core.activity import IDLE_AFTER_S
from slowfast_live.inference.spec import Model
from slowfast_live.sources.base import Picture
from slowfast_live.types import PipelineState, ReadoutState
from tests.pipeline.conftest import Rig
from tests.pipeline.fakes import FILE, FileFake
from tests.waiting import eventually

FPS = 30
STILL_FROM_S, MOVES_AGAIN_S = 3.0, 12.0


class SceneFake(FileFake):
    """A block that goes to and fro, stands still from 3 s to 12 s, and moves again."""

    def read(self) -> Picture | None:
        if self.at >= self.frames:
            return None
        t_s = self.at / FPS
        self.at += 1
        moving_s = t_s if t_s < STILL_FROM_S else STILL_FROM_S + max(0.0, t_s - MOVES_AGAIN_S)
        image = np.full((96, 128, 3), 90, np.uint8)
        left = 20 + round(30 * abs((moving_s * 1.5) % 2 - 1))
        image[30:80, left : left + 30] = 200
        image.flags.writeable = False
        return Picture(image, t_s)


@pytest.fixture
def scene(rig: Rig, tiny: Model) -> Rig:
    rig.sources[FILE.address] = lambda: SceneFake(frames=600)
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model == tiny.name)
    rig.pipeline.open(FILE)
    eventually(lambda: rig.pipeline.status().state is PipelineState.RUNNING and rig.pipeline.frame())
    return rig


def play_until(rig: Rig, t_s: float) -> None:
    """Let frames pass one by one; each is looked at before the next one comes."""
    while rig.pipeline.status().position_s < t_s - 1e-6:
        before = rig.pipeline.status().frames_captured
        rig.clock.step(1 / FPS + 1e-7)
        eventually(lambda before=before: rig.pipeline.status().frames_captured > before)
        eventually(lambda: rig.pipeline.settled)


def test_it_never_rests_unless_asked_to(scene: Rig) -> None:
    play_until(scene, 11)
    assert not scene.pipeline.status().resting
    assert scene.predictions[-1][0].t_end_s > 10.9


def test_it_rests_when_nothing_moves_and_says_so(scene: Rig) -> None:
    scene.pipeline.set_rest(True)
    play_until(scene, STILL_FROM_S + IDLE_AFTER_S - 0.2)
    assert not scene.pipeline.status().resting
    play_until(scene, STILL_FROM_S + IDLE_AFTER_S + 1.2)
    assert scene.pipeline.status().resting
    assert scene.pipeline.readout().state is ReadoutState.RESTING
    last = scene.predictions[-1][0].t_end_s
    count = len(scene.predictions)
    play_until(scene, MOVES_AGAIN_S - 0.1)
    assert len(scene.predictions) == count
    assert STILL_FROM_S + IDLE_AFTER_S - 0.1 <= last <= STILL_FROM_S + IDLE_AFTER_S + 1.0


def test_motion_ends_the_rest_within_two_frames(scene: Rig) -> None:
    scene.pipeline.set_rest(True)
    play_until(scene, MOVES_AGAIN_S)
    assert scene.pipeline.status().resting
    count = len(scene.predictions)
    play_until(scene, MOVES_AGAIN_S + 2 / FPS)
    eventually(lambda: len(scene.predictions) > count)
    assert not scene.pipeline.status().resting
    first = scene.predictions[count][0]
    assert first.t_end_s <= MOVES_AGAIN_S + 2 / FPS + 1e-6
    assert scene.pipeline.readout().state is not ReadoutState.RESTING


def test_switching_it_off_ends_the_rest_at_once(scene: Rig) -> None:
    scene.pipeline.set_rest(True)
    play_until(scene, MOVES_AGAIN_S - 1)
    assert scene.pipeline.status().resting
    count = len(scene.predictions)
    scene.pipeline.set_rest(False)
    eventually(lambda: len(scene.predictions) > count)
    assert not scene.pipeline.status().resting


def test_another_position_ends_the_rest(scene: Rig) -> None:
    scene.pipeline.set_rest(True)
    play_until(scene, MOVES_AGAIN_S - 1)
    assert scene.pipeline.status().resting
    scene.pipeline.seek(6.0)
    eventually(lambda: scene.pipeline.status().position_s < 7)
    eventually(lambda: not scene.pipeline.status().resting)


def test_readouts_tell_how_much_goes_on(scene: Rig) -> None:
    play_until(scene, 7)
    moving = [r.activity for p, r in scene.predictions if p.t_end_s < STILL_FROM_S]
    still = [r.activity for p, r in scene.predictions if p.t_end_s > STILL_FROM_S + 1]
    assert min(moving) > 0.1 and max(still) < 0.02
