from collections.abc import Callable, Iterator

import pytest

from slowfast_live.inference.backend import CompiledModel
from slowfast_live.inference.spec import Model
from slowfast_live.pipeline import Pipeline
from slowfast_live.types import PipelineState, Prediction, Readout, SourceSpec
from tests.pipeline.fakes import FakeBackend
from tests.stepped_clock import SteppedClock


class Rig:
    """A pipeline whose clock, sources and backend belong to the test."""

    def __init__(self) -> None:
        self.clock = SteppedClock(1000.0)
        self.backend = FakeBackend()
        self.sources: dict[str, Callable[[], object]] = {}
        self.made: list[object] = []
        self.predictions: list[tuple[Prediction, Readout]] = []
        self.listener = lambda p, r: self.predictions.append((p, r))
        self.pipeline = Pipeline(self, self.make, self.clock, lambda p, r: self.listener(p, r))

    def compile(self, model: Model, device: str) -> CompiledModel:
        """The backend may be exchanged by a test."""
        return self.backend.compile(model, device)

    def make(self, spec: SourceSpec) -> object:
        source = self.sources[spec.address]()
        self.made.append(source)
        return source


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.backend.gate.set()
    rig.backend.compile_gate.set()
    rig.pipeline.stop()
    assert rig.pipeline.status().state is PipelineState.IDLE
    assert rig.backend.open_runners == 0
