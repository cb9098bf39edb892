"""A model that scores what each person does is asked about everybody at once, at the window's middle."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.core.clock import SystemClock
from slowfast_live.core.readout_text import readout_text
from slowfast_live.errors import ModelError
from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Model
from slowfast_live.people.boxes import Detections
from slowfast_live.people.now import OFF
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.pipeline.pipeline import Pipeline
from slowfast_live.pipeline.recognizer import Recognizer
from slowfast_live.sources.base import Picture
from slowfast_live.types import U8, Notice, Prediction, Readout, ReadoutState
from tests.pipeline.fakes import CAMERA, LiveFake
from tests.tiny_detection import write_tiny_detection
from tests.waiting import eventually

STEP_S = 1 / 30
RED, BLUE = (0, 0, 255), (255, 0, 0)


def picture(*people: tuple[tuple[float, float, float, float], tuple[int, int, int]]) -> U8:
    """A black picture, 96 x 160, in which people are boxes of one color."""
    image = np.zeros((96, 160, 3), np.uint8)
    for (x1, y1, x2, y2), color in people:
        image[round(y1 * 96) : round(y2 * 96), round(x1 * 160) : round(x2 * 160)] = color
    return image


def someone(identity: int, x: float, first_s: float = 0.0) -> TrackedPerson:
    box = (x, 0.1, x + 0.2, 0.95)
    path = np.array([[0, *box], [60, *box]], np.float32)
    return TrackedPerson(identity, box, 0.9, first_s, 60.0, False, path, 60.0)


LEFT, RIGHT = someone(1, 0.1), someone(2, 0.7)
BOTH = picture((LEFT.box, RED), (RIGHT.box, BLUE))


class Watch:
    """A recognizer of a live source in which some people stand."""

    def __init__(self, model: Model, cache: Path) -> None:
        self.people: Sequence[TrackedPerson] | None = (LEFT, RIGHT)
        self.notices: list[Notice] = []
        self.told: list[tuple[Prediction, Readout]] = []
        self.recognizer = Recognizer(
            OpenVinoBackend(cache),
            SystemClock(),
            self.notices.append,
            lambda prediction, readout: self.told.append((prediction, readout)),
            people=lambda generation: self.people,
        )
        self.recognizer.start()
        self.recognizer.use(model, "CPU")
        eventually(lambda: self.recognizer.state().model is not None or self.notices, timeout_s=60)
        assert not self.notices
        self.generation = self.recognizer.begin(live=True, mirrored=False)
        self.t_s = 0.0

    def play(self, frames: int, image: U8 = BOTH) -> None:
        for _ in range(frames):
            self.recognizer.push(image, self.t_s, self.t_s, self.generation)
            self.t_s += STEP_S
            eventually(lambda: self.recognizer.idle)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return write_tiny_detection(tmp_path / "people-fp32")


@pytest.fixture
def watch(model: Model, tmp_path: Path) -> Iterator[Watch]:
    made = Watch(model, tmp_path / "cache")
    yield made
    made.recognizer.stop()


def labels(watch: Watch) -> list[str | None]:
    now = watch.recognizer.labels.now((LEFT, RIGHT), "fake")
    return [person.readout.label if person.readout is not None else None for person in now.people]


def test_everybody_gets_their_own_label_from_one_inference(watch: Watch) -> None:
    watch.play(60)
    assert labels(watch) == ["red", "blue"]
    assert len(watch.told) == watch.recognizer.count, "one prediction, that about the leading person, is the latest one"
    for followed, label in ((2, "blue"), (1, "red")):
        watch.recognizer.labels.follow(followed)
        watch.play(30)
        readout = watch.recognizer.state().readout
        assert readout is not None and readout.label == label
    assert all(score == 0 for _, readout in watch.told for label, score in readout.top if label == "off")


def test_nobody_runs_nothing_and_says_so(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.play(60)
    asked: list[int] = []
    compiled = watch.recognizer._compiled
    assert compiled is not None
    monkeypatch.setattr(compiled.requests[0], "start", lambda done: asked.append(1))
    watch.people = ()
    count = watch.recognizer.count
    watch.play(60, picture())
    state = watch.recognizer.state()
    assert not asked and watch.recognizer.count == count and state.prediction is None
    assert state.readout is not None and state.readout.state is ReadoutState.NOBODY
    assert readout_text(state.readout).headline == "nobody in the picture"
    assert watch.told[-1][1].state is ReadoutState.NOBODY, "whoever records events learns that nobody is there"
    watch.people = None
    watch.play(20, picture())
    assert not asked


def test_the_box_is_that_of_the_windows_middle(watch: Watch) -> None:
    """Somebody red walked from the left, where they were in the middle of the window, to the right."""
    path = np.array([[0, *LEFT.box], [1.8, *LEFT.box], [1.85, *RIGHT.box], [9, *RIGHT.box]], np.float32)
    walker = TrackedPerson(3, RIGHT.box, 0.9, 0.0, 3.0, False, path, 3.0)
    watch.people = (walker,)
    watch.play(66)  # the last window goes from 1.1 to 2.2 s
    prediction = watch.recognizer.prediction()
    assert prediction is not None and prediction.top[0][0] == "red"
    now = watch.recognizer.labels.now((walker,), "fake")
    assert now.people[0].person.box == RIGHT.box, "the label is shown where the person is now"


def test_scores_that_cannot_be_used_are_reported(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.play(40)
    compiled = watch.recognizer._compiled
    assert compiled is not None
    for result, message in (
        (InferResult(None, people=np.zeros((5, 4), np.float32)), r"values \(5, 4\) for 2 people"),
        (InferResult(None, people=np.full((2, 4), np.nan, np.float32)), "not a number"),
        (InferResult(None, ModelError("the driver failed")), "the driver failed"),
        (InferResult(np.zeros(4, np.float32)), "no scores of people"),
    ):
        monkeypatch.setattr(compiled.requests[0], "start", lambda done, r=result: done(r))
        watch.play(3)
        assert watch.notices and re.search(message, watch.notices[-1].message)
        assert watch.recognizer.state().failing


class Finds:
    """A detector that finds whoever is in the picture: columns of one color."""

    title, found = "fake", 0.5

    def detect(self, image: U8, t_s: float) -> Detections:
        boxes = [p.box for p in (LEFT, RIGHT) if image[48, round((p.box[0] + 0.1) * 160)].max() > 100]
        return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.9, np.float32))

    def reset(self) -> None:
        pass


def test_people_are_followed_while_such_a_model_runs_even_if_that_is_off(model: Model, tmp_path: Path) -> None:
    source = LiveFake()
    asked: list[str] = []

    def make(name: str) -> Finds:
        asked.append(name)
        return Finds()

    pipeline = Pipeline(OpenVinoBackend(tmp_path / "cache"), lambda spec: source, make_detector=make)
    pipeline.use_people(OFF)
    pipeline.use_model(model, "CPU")
    pipeline.open(CAMERA)
    try:
        eventually(lambda: asked == ["auto"], timeout_s=60)
        t_s = 0.0

        def labeled() -> bool:
            nonlocal t_s
            source.inbox.put(Picture(BOTH, t_s))
            t_s += STEP_S
            found = {p.person.id: p.readout.label for p in pipeline.people().people if p.readout is not None}
            return set(found.values()) == {"red", "blue"}

        eventually(labeled, timeout_s=60)
        pipeline.use_model(None)
        eventually(lambda: pipeline.status().model is None)
    finally:
        source.inbox.put(None)
        pipeline.stop()
