"""Every row of the table in `faults.py`, through the whole pipeline."""

import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.pipeline import Pipeline
from slowfast_live.pipeline.inferences import STUCK_AFTER_S
from slowfast_live.types import Notice, PipelineState, ReadoutState, SourceKind, SourceSpec
from tests.pipeline.conftest import Rig
from tests.pipeline.fakes import FILE, FileFake
from tests.steady.broken import BrokenBackend, BrokenFile, Gate
from tests.steady.faults import MODEL_FILES, MODELS, SOURCES, FileFault, ModelFault, SourceFault, Then
from tests.stepped_clock import SteppedClock
from tests.waiting import eventually

BAD = SourceSpec(SourceKind.FILE, "bad.mp4")
THIRD = SourceSpec(SourceKind.FILE, "third.mp4")
STOPS_WITHIN_S = 10.0
"""Two seconds for each of the few things that may block, and the machine's own slowness."""

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")


class Table:
    """A pipeline that plays and recognises, and what it has told."""

    def __init__(self, rig: Rig, registry: Registry) -> None:
        self.rig, self.pipeline = rig, rig.pipeline
        self.backend = rig.backend = BrokenBackend()
        self.gate = Gate()
        self.told: list[Notice] = []
        self.registry = registry
        rig.sources = {name.address: lambda: FileFake(frames=3000) for name in (FILE, THIRD)}

    def play(self, frames: int) -> None:
        """Let so many more pictures of the file pass."""
        for _ in range(frames):
            before = self.pipeline.status().frames_captured
            self.rig.clock.step(1 / 30 + 1e-7)
            eventually(lambda before=before: self.pipeline.status().frames_captured > before, "the next picture")

    def plays(self, source: SourceSpec) -> None:
        eventually(lambda: self.pipeline.status().source == source and not self.pipeline.status().opening)
        self.play(3)
        assert self.pipeline.status().state is PipelineState.RUNNING

    def recognizes(self, model: str) -> None:
        """Pictures come, and each is soon spoken of by that model."""
        eventually(lambda: self.pipeline.status().model == model, f"{model} runs")
        before = self.pipeline.status().predictions

        def spoken() -> bool:
            self.play(1)
            prediction = self.pipeline.prediction()
            return prediction is not None and prediction.model == model and self.pipeline.status().predictions > before

        eventually(spoken, f"{model} speaks")
        assert self.pipeline.readout().top

    def tells(self, pattern: str) -> None:
        if pattern:
            eventually(lambda: self.told.extend(self.pipeline.notices()) or self.told or self.rig.clock.step(0.01))
        self.told += self.pipeline.notices()
        assert len(self.told) == bool(pattern), self.told
        assert all(re.search(pattern, notice.message) for notice in self.told), self.told


@pytest.fixture
def table(rig: Rig, registry: Registry, tiny: Model) -> Iterator[Table]:
    threads = set(threading.enumerate())
    table = Table(rig, registry)
    table.pipeline.use_model(tiny)
    table.pipeline.open(FILE)
    table.plays(FILE)
    table.recognizes(tiny.name)
    yield table
    began_s = time.monotonic()
    table.pipeline.stop()
    assert time.monotonic() - began_s < STOPS_WITHIN_S
    table.gate.release()
    eventually(lambda: not set(threading.enumerate()) - threads, "no thread is left")
    assert not table.pipeline.notices()


@pytest.mark.parametrize("fault", SOURCES, ids=lambda fault: f"{fault.step}: {fault.what}")
def test_a_source_breaks(table: Table, tiny: Model, fault: SourceFault) -> None:
    pipeline, doing = table.pipeline, fault.doing(table.gate)
    broken = BrokenFile(fault.step, doing, fault.after)
    table.rig.sources[BAD.address] = doing if fault.step == "make" else lambda: broken
    pipeline.open(BAD)
    if fault.step in ("seek", "close"):
        table.plays(BAD)
    if fault.step == "seek":
        pipeline.seek(30.0)
    if fault.step == "close":
        pipeline.open(THIRD)
    if fault.after:
        eventually(lambda: table.rig.clock.step(1 / 30) or broken.calls > fault.after)
    if fault.doing(table.gate) is table.gate:
        eventually(table.gate.reached.is_set)
    table.tells(fault.says)
    match fault.then:
        case Then.KEEPS_THE_OLD:
            table.plays(FILE) if fault.says else table.play(3)
            assert pipeline.status().source == FILE
        case Then.TAKES_THE_NEW:
            table.plays(THIRD)
        case Then.IS_OVER:
            eventually(lambda: pipeline.status().state is PipelineState.FAILED)
            assert pipeline.readout().label is None
        case Then.SHOWS_NO_PICTURE:
            table.rig.clock.step(5.0)
            assert pipeline.status().silent_s == pytest.approx(5.0, abs=0.2)
            assert pipeline.readout().state is ReadoutState.NO_PICTURE
    pipeline.open(THIRD)
    table.plays(THIRD)
    table.recognizes(tiny.name)


@pytest.mark.parametrize("fault", MODELS, ids=lambda fault: f"{fault.step}: {fault.what}")
def test_a_model_breaks(table: Table, tiny: Model, fault: ModelFault) -> None:
    pipeline, backend = table.pipeline, table.backend
    bad = table.registry.find("tiny_short-fp32")
    doing = fault.doing(table.gate) if fault.doing else lambda: None
    backend.answer = fault.answer
    match fault.step:
        case "compile":
            backend.compiling = doing
        case "start":
            backend.starting = doing
        case "infer":
            backend.inferring = doing
        case "close":
            backend.closing = doing
    pipeline.use_model(bad)
    if fault.then is not Then.KEEPS_THE_OLD:
        eventually(lambda: pipeline.status().model == bad.name)
    match fault.then:
        case Then.KEEPS_THE_OLD:
            eventually(lambda: pipeline.status().switching == "" or table.gate.reached.is_set())
            table.tells(fault.says)
            table.recognizes(tiny.name)
        case Then.TAKES_THE_NEW:
            table.recognizes(bad.name)
            backend.heal()
            pipeline.use_model(tiny)
        case Then.SHOWS_NO_LABEL:
            table.play(40)
            if doing is table.gate:
                eventually(table.gate.reached.is_set)
                assert pipeline.readout().label is None
                for _ in range(int(STUCK_AFTER_S) + 2):  # pictures go on all the while
                    table.rig.clock.step(1.0)
                    table.play(2)
            table.tells(fault.says)
            table.play(5)
            readout = pipeline.readout()
            assert readout.state is ReadoutState.FAILED and readout.label is None and not readout.top
            assert pipeline.prediction() is None
            table.tells(fault.says)  # the same fault for each picture is told once
            backend.heal()
            pipeline.use_model(tiny)
    if not (fault.step == "compile" and doing is table.gate):
        table.recognizes(tiny.name)
        table.told.clear()
        backend.heal()
        pipeline.use_model(table.registry.find("tiny-fp32"))
        eventually(lambda: pipeline.status().model == "tiny-fp32", "models can still be switched")


@pytest.mark.parametrize("fault", MODEL_FILES, ids=lambda fault: f"{fault.file}: {fault.what}")
def test_a_model_file_is_broken(tiny: Model, tmp_path: Path, fault: FileFault) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny.folder, folder)
    fault.breaks(folder / fault.file)
    registry = Registry([tmp_path, tiny.folder.parent])
    models, refused = registry.scan()
    told = [error.message for error in refused]
    pipeline = Pipeline(OpenVinoBackend(tmp_path / "cache"), lambda spec: FileFake(frames=3000), SteppedClock())
    try:
        pipeline.use_model(registry.find(tiny.name))
        eventually(lambda: pipeline.status().model == tiny.name)
        for model in models:
            if model.folder == folder:
                pipeline.use_model(model)
                eventually(lambda: told.extend(notice.message for notice in pipeline.notices()) or told)
        assert len(told) == 1 and re.search(fault.says, told[0]), told
        assert pipeline.status().model == tiny.name, "the old one goes on"
    finally:
        pipeline.stop()
