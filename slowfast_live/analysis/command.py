"""The command `slowfast-live analyze`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from slowfast_live import ending
from slowfast_live.analysis.analyzer import AnalysisSettings
from slowfast_live.analysis.batch import Batch
from slowfast_live.analysis.engine import Engine
from slowfast_live.analysis.mirror import Mirror, MirroringReporter, mirrored
from slowfast_live.analysis.outputs import OutputFolder
from slowfast_live.analysis.progress import ConsoleReporter, JsonReporter, Reporter
from slowfast_live.colors import use_labels
from slowfast_live.errors import ModelError, UsageError
from slowfast_live.export.findings import ModelFacts
from slowfast_live.inference.backend import CompiledModel
from slowfast_live.inference.building import NO_MODEL
from slowfast_live.inference.device_backend import DeviceBackend, chosen_device
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.sources.videos import find_videos
from slowfast_live.types import Notice

SOME_FAILED, INTERRUPTED = 1, ending.INTERRUPTED


@dataclass(frozen=True, slots=True)
class AnalyzeOptions:
    """What to analyze.

    Attributes:
        given: Files and folders, by path or URL.
        outputs: Where the results go.
        settings: How to analyze.
        model: Name or folder of a model; None for the best one available.
        device: OpenVINO device, or the address of an inference server.
        json_lines: Whether to report progress to other programs as JSON lines on standard output.
    """

    given: tuple[Path, ...]
    outputs: OutputFolder
    settings: AnalysisSettings
    model: str | None = None
    device: str = "CPU"
    json_lines: bool = False


EngineMaker = Callable[[Model, ModelFacts, AnalyzeOptions, Callable[[str], None]], Engine]
"""Makes an engine for a model, its facts and the options, and a function that tells the user something."""


def run(order: AnalyzeOptions, make_engine: EngineMaker | None = None) -> int:
    """Analyze and return the exit code: 0 if all is done, 1 if some files failed, 130 if stopped (Ctrl-C).

    Args:
        order: What to analyze.
        make_engine: Makes what analyzes the files; None for this machine.

    Raises:
        SlowFastLiveError: The analysis could not start or continue, for a reason that the user can fix.
    """
    model = _model(order.model)
    if "ava" in order.outputs.formats and not order.settings.method(model).people:
        raise UsageError("--export ava lists what each person does: give --people as well, such as --people auto.")
    use_labels(model.spec.actions)
    device = chosen_device(order.device)
    found = find_videos(order.given)
    mirror = mirrored(order.outputs.folder)
    outputs = order.outputs if mirror is None else replace(order.outputs, folder=mirror.folder)
    with _reporter(order, mirror) as reporter, ending.bounded():
        batch = Batch(
            model,
            device,
            order.settings,
            outputs,
            lambda: _compile(model, device, lambda notice: batch.tell(notice.message)),
            reporter,
            partial(_made, make_engine, model, order) if make_engine is not None else None,
        )
        result = batch.run(found)
    if result.stopped:
        return INTERRUPTED
    return SOME_FAILED if result.failures else 0


def _made(
    make_engine: EngineMaker, model: Model, order: AnalyzeOptions, facts: ModelFacts, tell: Callable[[str], None]
) -> Engine:
    return make_engine(model, facts, order, tell)


def _model(name: str | None) -> Model:
    if name is not None:
        return Registry().find(name)
    models, broken = Registry().scan()
    if models:
        return models[0]
    raise broken[0] if broken else ModelError(NO_MODEL)


def _compile(model: Model, device: str, notify: Callable[[Notice], None]) -> CompiledModel:
    from slowfast_live.inference.openvino_backend import OpenVinoBackend

    local = OpenVinoBackend(throughput=True)
    return DeviceBackend(local, notify, throughput=True, wait_for_lost=False).compile(model, device)


def _reporter(order: AnalyzeOptions, mirror: Mirror | None) -> Reporter:
    reporter: Reporter = JsonReporter() if order.json_lines else ConsoleReporter(Console())
    return reporter if mirror is None else MirroringReporter(reporter, mirror)
