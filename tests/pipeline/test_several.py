"""A model that gives several answers at once, and a limit on predictions, live and for a file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from slowfast_live.core.history import History
from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.spec import Clip, Decision, Model
from slowfast_live.pipeline import Pipeline
from slowfast_live.pipeline.clip_buffer import ClipBuffer
from slowfast_live.types import PipelineState, ReadoutState
from tests.pipeline.conftest import Rig
from tests.pipeline.fakes import CAMERA, FILE, FakeBackend, FakeRequest, FileFake, LiveFake, picture
from tests.waiting import eventually

FPS = 30


class SeveralRequest(FakeRequest):
    """Label 0 always, label 1 in bright pictures, label 2 a little."""

    def _answer(self, done) -> None:
        probs = np.zeros(len(self._runner.model.spec.labels), np.float32)
        probs[0], probs[2] = 0.9, 0.55
        probs[1] = 0.8 if self._clip[-1, 20, 20, 0] > 60 else 0.1
        done(InferResult(probs))


class SeveralBackend(FakeBackend):
    def compile(self, model: Model, device: str):
        runner = super().compile(model, device)
        runner.requests = (SeveralRequest(runner),)
        return runner


def several(tiny: Model, **decision: object) -> Model:
    spec = msgspec.structs.replace(tiny.spec, activation="sigmoid", decision=Decision(threshold=0.5, **decision))
    return msgspec.structs.replace(tiny, spec=spec)


@pytest.fixture
def many(rig: Rig) -> Rig:
    rig.backend = SeveralBackend()
    return rig


def play_to_end(rig: Rig, model: Model, frames: int) -> None:
    rig.sources[FILE.address] = lambda: FileFake(frames=frames)
    rig.pipeline.use_model(model)
    eventually(lambda: rig.pipeline.status().model == model.name)
    rig.pipeline.open(FILE)
    eventually(lambda: rig.pipeline.status().state is PipelineState.RUNNING and rig.pipeline.frame())
    while not rig.pipeline.status().ended:
        rig.clock.step(1 / FPS + 1e-7)
        eventually(lambda: rig.pipeline.settled)


def test_all_labels_that_reach_their_thresholds_are_shown(many: Rig, tiny: Model) -> None:
    model = several(tiny, thresholds={tiny.spec.labels[2]: 0.7})
    play_to_end(many, model, 130)
    early, late = many.predictions[0][1], many.predictions[-1][1]
    assert late.state is ReadoutState.ACTION and late.several
    assert {label for label, _ in late.shown} == set(tiny.spec.labels[:2]), "label 2 has a threshold of its own"
    assert {label for label, _ in early.shown} == {tiny.spec.labels[0]} or early.t_end_s > 2


def test_a_file_gets_overlapping_events_whatever_the_threshold(rig: Rig, tiny: Model) -> None:
    rig.backend = SeveralBackend()
    history = History()
    rig.pipeline = Pipeline(rig, rig.make, rig.clock, history=history)
    try:
        play_to_end(rig, several(tiny), 200)
        snapshot = history.snapshot()
        assert snapshot.overlapping
        assert {event.label for event in snapshot.events} == set(tiny.spec.labels[:3])
        rig.pipeline.set_threshold(0.7)
        assert {event.label for event in history.snapshot().events} == set(tiny.spec.labels[:2])
    finally:
        rig.pipeline.stop()


def test_a_live_source_is_not_predicted_more_often_than_the_limit(rig: Rig, tiny: Model) -> None:
    camera = LiveFake()
    rig.sources[CAMERA.address] = lambda: camera
    rig.pipeline.set_rate_limit(2.0)
    rig.pipeline.use_model(tiny)
    eventually(lambda: rig.pipeline.status().model == tiny.name)
    rig.pipeline.open(CAMERA)
    for i in range(240):
        camera.inbox.put(picture(i / FPS, i))
        eventually(lambda i=i: rig.pipeline.status().frames_captured > i)
        rig.clock.step(1 / FPS)
        eventually(lambda: rig.pipeline.settled)
    ends = [prediction.t_end_s for prediction, _ in rig.predictions]
    gaps = np.diff(ends)
    assert len(ends) >= 8 and gaps.min() > 0.45, "two a second"
    assert rig.pipeline.status().rate_limit == 2.0
    rig.pipeline.set_rate_limit(None)
    count = len(rig.predictions)
    for i in range(240, 250):
        camera.inbox.put(picture(i / FPS, i))
        eventually(lambda i=i: rig.pipeline.status().frames_captured > i)
        eventually(lambda: rig.pipeline.settled)
    assert len(rig.predictions) >= count + 8
    camera.inbox.put(None)


def test_a_limit_decides_fewer_moments_of_a_file(rig: Rig, tiny: Model) -> None:
    history = History()
    rig.pipeline = Pipeline(rig, rig.make, rig.clock, history=history)
    try:
        rig.pipeline.set_rate_limit(1.0)
        play_to_end(rig, tiny, 300)
        (decided,) = history.sets(history.file).values()
        assert decided.step_s == pytest.approx(1.6) and 3 <= decided.count <= 6
    finally:
        rig.pipeline.stop()


def test_a_clip_that_must_not_be_mirrored_is_swapped_back(tiny: Model) -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, :32] = 255
    for mirrored in (True, False):
        clip = Clip(frames=1, stride=1, side=64, mirrored=mirrored)
        buffer = ClipBuffer.for_model(msgspec.structs.replace(tiny.spec, clip=clip), live=True)
        buffer.push(image, 1.0, 1.0, mirrored=True)
        window = buffer.ring.window(0)
        assert window is not None
        assert window.pictures[0][0, 0, 0] == (255 if mirrored else 0)


def test_a_chosen_span_changes_when_pictures_are_taken(tmp_path: Path, tiny: Model) -> None:
    clip = Clip(frames=8, stride=8, side=64, spans_s=(2.0, 4.0))
    assert clip.timing.span_s == pytest.approx(3.0)
    assert clip.spread(2.5).timing.span_s == pytest.approx(2.5)
    assert clip.spread(9).timing.span_s == pytest.approx(4.0) and clip.spread(None) == clip
    assert tiny.spec.clip.spread(2.5) is tiny.spec.clip
    buffer = ClipBuffer.for_model(msgspec.structs.replace(tiny.spec, clip=clip.spread(2.0)), live=True)
    for i in range(200):
        buffer.push(np.zeros((64, 64, 3), np.uint8), i / FPS, i / FPS)
    window = buffer.ring.window(0)
    assert window is not None and len(window.pictures) == 8
    assert window.t_end_s - window.t_start_s == pytest.approx(2.0, abs=1 / FPS)
