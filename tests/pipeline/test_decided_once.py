"""However a file is played, sought, held and stepped through: what is recognised of it is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.history import History
from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.types import PipelineState, ReadoutState
from tests.pipeline.fakes import FILE, FakeBackend, FakeRequest, FakeRunner, FileFake
from tests.stepped_clock import SteppedClock
from tests.waiting import eventually

LENGTH_S = 6.0


class WindowRequest(FakeRequest):
    """Answers with scores that depend on every picture of the window: one wrong picture, and the answer is another."""

    def _answer(self, done: Callable[[InferResult], None]) -> None:
        clip, backend = self._clip[:, 20, 20, 0].astype(np.float64), self._runner.backend
        backend.gate.wait()
        backend.windows.append(clip.astype(int).tolist())
        classes = len(self._runner.model.spec.labels)
        shares = np.sin(np.outer(np.arange(1, classes + 1), clip / 40)).mean(1) * 6
        shares += 0.01 * ((clip * np.arange(1, len(clip) + 1)).sum() % 97)  # not the same for any two windows
        shares[int(clip[-1] / 45) % classes] += 3
        values = np.exp(shares - shares.max())
        done(InferResult(np.asarray(values / values.sum(), np.float32)))


class WindowBackend(FakeBackend):
    def __init__(self) -> None:
        super().__init__()
        self.windows: list[list[int]] = []

    def compile(self, model: Model, device: str) -> FakeRunner:
        runner = super().compile(model, device)
        runner.requests = (WindowRequest(runner),)
        return runner


class Viewer:
    """Somebody who plays a file, one picture at a time."""

    def __init__(self, fps: float, length_s: float = LENGTH_S) -> None:
        self.fps, self.frames = fps, round(length_s * fps)
        self.clock, self.backend, self.history = SteppedClock(1000.0), WindowBackend(), History()
        self.pipeline = Pipeline(self.backend, lambda _spec: FileFake(self.frames, fps), self.clock, None, self.history)

    def open(self, model: Model) -> None:
        self.use(model)
        self.pipeline.open(FILE)
        eventually(lambda: self.pipeline.status().state is PipelineState.RUNNING and self.pipeline.frame())
        self.settle()

    def use(self, model: Model) -> None:
        self.pipeline.use_model(model)
        eventually(lambda: self.pipeline.status().model == model.name)

    def settle(self) -> None:
        """Wait until every command is carried out and every window answered."""
        eventually(lambda: self.pipeline.settled)

    @property
    def decisions(self) -> DecisionSet:
        """Those of the model that ran last."""
        return list(self.history.sets(self.history.file).values())[-1]

    def play(self, frames: int) -> None:
        self.pipeline.play()
        for _ in range(frames):
            status = self.pipeline.status()
            if status.ended:
                return
            self.clock.step(1 / self.fps + 1e-7)
            eventually(lambda n=status.frames_captured: self._went_on(n))
            self.settle()

    def _went_on(self, captured: int) -> bool:
        status = self.pipeline.status()
        return status.frames_captured > captured or status.ended

    def seek(self, t_s: float, *, scrubbing: bool = False) -> None:
        self.pipeline.seek(t_s, scrubbing=scrubbing)
        # The picture at or before the moment, or one that is less than a rounding after it.
        nearest_s = min(t_s, (self.frames - 1) / self.fps)
        eventually(lambda: abs(self.pipeline.status().position_s - nearest_s) < 1 / self.fps + 1e-6)
        self.settle()

    def play_all(self) -> None:
        self.seek(0.0)
        self.play(self.frames + 20)
        assert self.pipeline.status().ended

    @property
    def found(self) -> tuple:
        """Events and curves."""
        columns = self.history.columns(-1.0, LENGTH_S + 1, 400)
        curves = [np.nan_to_num(values, nan=-1.0).tolist() for values in (columns.score, columns.activity)]
        return list(self.history.snapshot().events), curves


@contextmanager
def viewer(fps: float, model: Model) -> Iterator[Viewer]:
    one = Viewer(fps)
    try:
        one.open(model)
        yield one
    finally:
        one.pipeline.stop()


commands = st.one_of(
    st.tuples(st.just("play"), st.integers(1, 70)),
    st.tuples(st.just("seek"), st.floats(0, LENGTH_S)),
    st.tuples(st.just("scrub"), st.floats(0, LENGTH_S)),
    st.tuples(st.just("step"), st.integers(-3, 3)),
    st.tuples(st.just("pause"), st.just(0)),
)


_straight: dict[float, tuple] = {}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(fps=30.0, clicked=[("scrub", 2.6665), ("play", 70)])  # two pictures lie within a rounding of the moment
@given(fps=st.sampled_from([10.0, 24.0, 30.0, 200.0]), clicked=st.lists(commands, max_size=10))
def test_it_does_not_matter_what_was_clicked(registry: Registry, fps: float, clicked: list) -> None:
    model = registry.find("tiny_short-fp32")
    if fps not in _straight:
        with viewer(fps, model) as straight:
            straight.play_all()
            _straight[fps] = straight.found
    events, curves = _straight[fps]
    assert events and max(curves[0]) > 0.5
    with viewer(fps, model) as one:
        for what, amount in clicked:
            if what == "play":
                one.play(amount)
            elif what == "step":
                one.pipeline.step(amount)
            elif what == "pause":
                one.pipeline.pause()
            else:
                one.seek(amount, scrubbing=what == "scrub")
            one.settle()
        one.play_all()
        assert one.found == _straight[fps]
        # No window spans a jump: neighbouring pictures of each are equally far apart.
        for window in one.backend.windows:
            steps = np.diff(window) % 256
            assert steps.max() <= steps.min() + 1 + max(1, round(fps / 130))


def test_a_second_pass_decides_nothing(registry: Registry) -> None:
    with viewer(30.0, registry.find("tiny_short-fp32")) as one:
        one.play_all()
        found, version = one.found, one.history.version
        one.play_all()
        assert one.found == found and one.history.version == version
        asked = len(one.backend.windows)
        one.pipeline.set_rest(True)
        one.play_all()
        assert one.found == found and len(one.backend.windows) == asked, "to save power the model is not even asked"


def test_saving_power_changes_nothing_that_is_found(registry: Registry) -> None:
    model = registry.find("tiny_short-fp32")
    with viewer(30.0, model) as one:
        one.play_all()
        found = one.found
    with viewer(30.0, model) as one:
        one.pipeline.set_rest(True)
        one.play_all()
        assert one.found == found


def test_another_model_makes_another_set_and_the_first_comes_back(registry: Registry) -> None:
    first, second = registry.find("tiny_short-fp32"), registry.find("tiny_trained-fp32")
    with viewer(30.0, first) as one:
        one.play_all()
        found = one.found
        one.use(second)
        assert one.found[0] == []
        one.play_all()
        assert one.found != found and one.found[0]
        one.use(first)
        assert one.found == found
        one.pipeline.set_mirror(True)
        assert one.found[0] == [], "swapped left and right the model sees something else"
        one.pipeline.set_mirror(False)
        assert one.found == found


def test_a_file_that_is_opened_again_is_known(registry: Registry, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE.address).write_bytes(b"a file that is there")
    with viewer(30.0, registry.find("tiny_short-fp32")) as one:
        one.play_all()
        found, version = one.found, one.decisions.version
        one.pipeline.open(FILE)
        eventually(lambda: not one.pipeline.status().opening and one.pipeline.frame().index == 0)
        assert one.found == found
        one.play_all()
        assert one.found == found and one.decisions.version == version


def test_held_it_shows_what_is_stored_of_the_moment(registry: Registry) -> None:
    with viewer(30.0, registry.find("tiny_short-fp32")) as one:
        one.play_all()
        one.pipeline.pause()
        events = one.history.snapshot().events
        assert events
        for event in events:
            one.seek((event.begin_s + event.end_s) / 2)
            said = one.pipeline.readout()
            assert (said.state, said.label) == (ReadoutState.ACTION, event.label)
            one.seek(event.begin_s + 1 / one.fps, scrubbing=True)
            assert one.pipeline.readout().label == event.label


def test_held_where_nothing_was_looked_at_it_says_so_until_it_is(registry: Registry) -> None:
    with viewer(30.0, registry.find("tiny_short-fp32")) as one:
        one.play(40)
        one.pipeline.pause()
        one.seek(4.0, scrubbing=True)
        assert one.pipeline.readout().state is ReadoutState.NOT_SEEN
        one.seek(4.0)
        known = (ReadoutState.ACTION, ReadoutState.NO_CONFIDENT_ACTION)
        eventually(lambda: one.pipeline.readout().state in known)
        assert one.history.snapshot().end_s == pytest.approx(4.0)
        one.seek(0.2)
        assert one.pipeline.readout().state is not ReadoutState.NOT_SEEN, "so early nothing can ever be known"


def test_a_held_moment_is_recognized_by_another_model_too(registry: Registry) -> None:
    known = (ReadoutState.ACTION, ReadoutState.NO_CONFIDENT_ACTION)
    with viewer(30.0, registry.find("tiny_short-fp32")) as one:
        one.play(100)
        one.pipeline.pause()
        one.settle()
        assert one.pipeline.readout().state in known
        frame = one.pipeline.frame()
        one.use(registry.find("tiny_trained-fp32"))
        eventually(lambda: one.pipeline.readout().state in known)
        eventually(lambda: one.history.snapshot().end_s > frame.t_s - 0.1)
        one.pipeline.set_mirror(True)
        eventually(lambda: one.pipeline.frame().mirrored and one.pipeline.readout().state in known)
        assert one.pipeline.frame().t_s == frame.t_s and one.pipeline.status().paused


def test_what_was_asked_before_a_jump_is_not_lost(registry: Registry) -> None:
    with viewer(30.0, registry.find("tiny_short-fp32")) as one:
        one.play(60)
        decided = one.decisions
        assert decided is not None
        one.backend.gate.clear()
        for _ in range(3):
            before, captured = decided.count, one.pipeline.status().frames_captured
            one.clock.step(0.1 / 3 + 1e-7)
            eventually(lambda n=captured: one.pipeline.status().frames_captured > n)
        one.pipeline.seek(5.0, scrubbing=True)
        eventually(lambda: abs(one.pipeline.status().position_s - 5.0) < 0.02)
        one.backend.gate.set()
        eventually(lambda: decided.count > before)


def test_a_slow_model_looks_at_fewer_moments_on_the_same_clock(registry: Registry) -> None:
    with viewer(30.0, registry.find("tiny_short-fp32")) as one:
        decided = one.history.decisions("slow", one.decisions.rule)
        decided.fit(0.3)
        assert decided.step_s == pytest.approx(0.4)
        times = [i / 30 for i in range(90)]
        wanted = [now for before, now in zip([None, *times], times, strict=False) if decided.moment(before, now)]
        assert wanted == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8])
