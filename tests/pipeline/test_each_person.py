"""The model is asked about each person in turn, and the label of the window is about the leading one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from slowfast_live.core.clock import SystemClock
from slowfast_live.core.history import History
from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.spec import Model
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.pipeline.recognizer import Recognizer
from slowfast_live.types import U8, Notice
from tests.waiting import eventually

STEP_S = 1 / 30


class ByBrightness:
    """A model whose label is how bright its clip is: the left of the picture is dark, the right one bright."""

    device, execution_precision = "CPU", "f32"

    def __init__(self, model: Model) -> None:
        self.model = model
        self.clip: U8 = np.zeros(model.spec.input_shape[1:], np.uint8)
        self.requests = (self,)
        self.brightness: list[float] = []

    def compile(self, model: Model, device: str) -> ByBrightness:
        return self

    def start(self, done: object) -> None:
        level = float(self.clip.max())
        self.brightness.append(level)
        probs = np.full(len(self.model.spec.labels), 0.01, np.float32)
        probs[0 if level < 130 else 1] = 0.9
        done(InferResult(probs))  # type: ignore[operator]

    def close(self) -> None:
        pass


def picture() -> U8:
    image = np.zeros((96, 160, 3), np.uint8)
    image[20:90, 20:45] = 90
    image[20:90, 115:140] = 220
    return image


def someone(identity: int, x: float, width: float = 0.16) -> TrackedPerson:
    box = (x, 0.2, x + width, 0.95)
    path = np.array([[0, *box], [60, *box]], np.float32)
    return TrackedPerson(identity, box, 0.9, 0.0, 60.0, False, path, 60.0)


LEFT, RIGHT = someone(1, 0.12), someone(2, 0.71)


class Watch:
    """A recognizer of a live source in which some people stand."""

    def __init__(self, tiny: Model) -> None:
        self.people: Sequence[TrackedPerson] | None = (LEFT, RIGHT)
        self.model = ByBrightness(tiny)
        self.notices: list[Notice] = []
        self.recognizer = Recognizer(
            self.model, SystemClock(), self.notices.append, people=lambda generation: self.people
        )
        self.recognizer.start()
        self.recognizer.use(tiny, "CPU")
        eventually(lambda: self.recognizer.state().model is not None)
        self.generation = self.recognizer.begin(live=True, mirrored=False)
        self.t_s = 0.0

    def play(self, frames: int) -> None:
        for _ in range(frames):
            self.recognizer.push(picture(), self.t_s, self.t_s, self.generation)
            self.t_s += STEP_S
            eventually(lambda: self.recognizer.idle)


@pytest.fixture
def watch(tiny: Model) -> object:
    made = Watch(tiny)
    yield made
    made.recognizer.stop()


def test_each_person_gets_the_label_of_their_own_clip(watch: Watch) -> None:
    watch.play(90)
    labels = watch.model.model.spec.labels
    now = watch.recognizer.labels.now((LEFT, RIGHT), "fake")
    assert [p.readout.top[0][0] for p in now.people if p.readout is not None] == [labels[0], labels[1]]
    dark = sum(level < 130 for level in watch.model.brightness)
    assert abs(2 * dark - len(watch.model.brightness)) <= 1, "both are asked about equally often"


def test_the_label_of_the_window_is_about_the_leading_person(watch: Watch) -> None:
    labels = watch.model.model.spec.labels
    for followed, label in ((2, labels[1]), (1, labels[0])):
        watch.recognizer.labels.follow(followed)
        watch.play(90)
        prediction = watch.recognizer.prediction()
        assert prediction is not None and prediction.top[0][0] == label


def test_nobody_or_nobody_followed_is_the_whole_picture(watch: Watch) -> None:
    watch.people = ()
    watch.play(80)
    assert watch.recognizer.prediction() is not None
    assert all(level > 130 for level in watch.model.brightness)
    watch.people = None
    count = len(watch.model.brightness)
    watch.play(5)
    assert len(watch.model.brightness) == count + 5


def test_another_source_forgets_everybody(watch: Watch) -> None:
    watch.play(90)
    watch.generation = watch.recognizer.begin(live=True, mirrored=False)
    assert watch.recognizer.labels.known == 0
    assert watch.recognizer.labels.events().events == ()


def asked(tiny: Model, *, another: bool) -> tuple[int, int]:
    """Play a file in which one person moves; return requests beyond one a frame, and moments that were decided."""
    spec = msgspec.structs.replace(tiny.spec, clip=msgspec.structs.replace(tiny.spec.clip, crop="motion"))
    model, history = Model(tiny.folder, spec), History()
    backend = ByBrightness(model)
    recognizer = Recognizer(backend, SystemClock(), lambda _: None, history=history, people=lambda generation: (LEFT,))
    recognizer.start()
    recognizer.use(model, "CPU")
    eventually(lambda: recognizer.state().model is not None)
    generation, frames = recognizer.begin(live=False, mirrored=False, file="film"), 0
    for index in range(120):
        image, shift = np.zeros((96, 160, 3), np.uint8), round(6 * np.sin(index / 3))
        image[30 + shift : 80 + shift, 26:40] = 120
        if another:
            image[30 - shift : 80 - shift, 120:134] = 120
        t_s = index * STEP_S
        recognizer.push(image, t_s, t_s, generation)
        covered = recognizer.state().coverage >= 1
        if covered:
            eventually(lambda t_s=t_s: not recognizer.labels.unasked(1, t_s))  # type: ignore[misc]
        frames += covered
    eventually(
        lambda: len(recognizer.labels.trails()[0].said) == frames, "something is said of the person at each frame"
    )
    eventually(lambda: recognizer.idle)
    decisions = recognizer.state().decisions
    assert decisions is not None
    recognizer.stop()
    return len(backend.brightness) - frames, decisions.count


def test_one_person_who_is_all_that_moves_is_not_asked_about_twice(tiny: Model) -> None:
    more, moments = asked(tiny, another=False)
    assert more == 0 and moments > 10, "the moments of the file answer for the person, too"
    more, moments = asked(tiny, another=True)
    assert more > moments > 10, "what else moves is in the clip of the whole picture"
