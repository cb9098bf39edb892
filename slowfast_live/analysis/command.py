"""`slowfast-live analyze`."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from slowfast_live.analysis.analyzer import AnalysisSettings
from slowfast_live.analysis.batch import Batch
from slowfast_live.analysis.outputs import Outputs
from slowfast_live.analysis.progress import ConsoleReporter, JsonReporter, Reporter
from slowfast_live.analysis.videos import find_videos
from slowfast_live.errors import ModelError
from slowfast_live.inference.backend import Runner
from slowfast_live.inference.devices import list_devices, require_device
from slowfast_live.inference.spec import Model, Registry

SOME_FAILED, INTERRUPTED = 1, 130


@dataclass(frozen=True, slots=True)
class Order:
    """What to analyze.

    Attributes:
        given: Files and folders.
        outputs: Where the results go.
        settings: How to look.
        model: A model's name or folder; the best one at hand where None.
        device: OpenVINO device.
        json_lines: Progress as JSON lines on standard output, for programs.
    """

    given: tuple[Path, ...]
    outputs: Outputs
    settings: AnalysisSettings
    model: str | None = None
    device: str = "CPU"
    json_lines: bool = False


def run(order: Order) -> int:
    """Analyze and return the exit code: 0 all is done, 1 some files failed, 130 stopped (Ctrl-C).

    Raises:
        SlowFastLiveError: Nothing could be done, or no more: what the user can mend.
    """
    model = _model(order.model)
    device = require_device(order.device, list_devices()).name
    videos = find_videos(order.given, leave_out=order.outputs.folder)
    with _reporter(order) as reporter, _ends_like_ctrl_c():
        batch = Batch(model, device, order.settings, order.outputs, lambda: _compile(model, device), reporter)
        result = batch.run(videos)
    if result.stopped:
        return INTERRUPTED
    return SOME_FAILED if result.failures else 0


def _model(name: str | None) -> Model:
    if name is not None:
        return Registry().find(name)
    models, broken = Registry().scan()
    if models:
        return models[0]
    raise broken[0] if broken else ModelError("No model is here yet. build_models.py builds them; see README.md.")


def _compile(model: Model, device: str) -> Runner:
    from slowfast_live.inference.openvino_backend import OpenVinoBackend

    return OpenVinoBackend(throughput=True).compile(model, device)


def _reporter(order: Order) -> Reporter:
    return JsonReporter() if order.json_lines else ConsoleReporter(Console())


@contextmanager
def _ends_like_ctrl_c() -> Iterator[None]:
    """Let a polite request to end (SIGTERM, on Windows Ctrl-Break) keep what was done, too."""
    polite = getattr(signal, "SIGBREAK", signal.SIGTERM)
    before = signal.signal(polite, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(polite, before)
