"""The contenders that are measured on a model."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from slowfast_live.inference.spec import IR_FILE, Model
from slowfast_live.tools.bench.processes import AbsentError, BenchmarkAppPlayer, Player, ProcessPlayer
from slowfast_live.tools.bench.results import Facts, Measurement, Subject
from slowfast_live.tools.bench.sample_video import sample_video_file
from slowfast_live.tools.bench.schedule import Entrant

SMALL, LARGE = (640, 480), (1920, 1080)
_WORKER = "slowfast_live.tools.bench.worker"
_TORCH_WORKER = "slowfast_live.tools.torch_timing"
NAMES = (
    "torch",
    "onnxruntime",
    "notebook",
    "benchmark_app",
    "benchmark_app_throughput",
    "bare",
    "pipeline",
    "window_picture",
    "window",
)
"""All contenders, in the order of the tables; `window_1080p` repeats the last one with larger frames."""
QUICK = ("benchmark_app", "bare", "pipeline", "window")
_TITLES = {
    "torch": "PyTorch eager",
    "onnxruntime": "ONNX Runtime",
    "notebook": "OpenVINO notebook",
    "benchmark_app": "benchmark_app",
    "benchmark_app_throughput": "benchmark_app, throughput",
    "bare": "our request, bare",
    "pipeline": "our pipeline",
    "window_picture": "the picture alone in a window",
    "window": "our window",
    "window_1080p": "our window, 1080p",
}
CONFIGURATIONS: dict[str, dict[str, object]] = {
    "ours": {},
    "f32": {"INFERENCE_PRECISION_HINT": "f32"},
    "bf16": {"INFERENCE_PRECISION_HINT": "bf16"},
    "one thread": {"INFERENCE_NUM_THREADS": 1},
    "pinned": {"ENABLE_CPU_PINNING": True},
    "two streams": {"NUM_STREAMS": 2},
}
"""Ways to compile a model, as additional OpenVINO properties.

`--configurations` measures them with one request at a time.
"""
_NEEDED = {"torch": ("torch", "pytorchvideo"), "onnxruntime": ("onnxruntime", "torch", "pytorchvideo", "onnx")}
_PRECISION = re.compile(r"-(fp32|fp16|int8)$")


class _Missing:
    """A contender that is not installed."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def prepare(self) -> Facts:
        raise AbsentError(self._reason)

    def turn(self, seconds: float) -> Measurement:
        raise AbsentError(self._reason)

    def close(self) -> None:
        pass


def subject_of(model: Model) -> Subject:
    """Describe a model for the report."""
    spec = model.spec
    return Subject(model.name, spec.title, spec.precision, spec.trained, spec.gflops)


def network_of(name: str) -> str:
    """Extract the network's name from a model's name: "x3d_s" from "x3d_s-untrained-int8"."""
    return _PRECISION.sub("", name).removesuffix("-untrained")


def entrants(model: Model, device: str, names: Sequence[str], siblings: Sequence[Model] = ()) -> list[Entrant]:
    """Return the contenders called `names` for a model.

    Args:
        model: The model.
        device: OpenVINO device name.
        names: Some of `NAMES` and "window_1080p".
        siblings: The same network in other precisions: the notebook runs FP32 if it is available.
    """
    return [_entrant(name, model, device, siblings) for name in names]


def configured(model: Model, device: str) -> list[Entrant]:
    """Return our bare infer request in each of `CONFIGURATIONS`."""
    words = ["bare", "--model", str(model.folder), "--device", device, "--config"]
    return [
        Entrant(name, name, ProcessPlayer(_WORKER, [*words, json.dumps(config)]))
        for name, config in CONFIGURATIONS.items()
    ]


def _entrant(name: str, model: Model, device: str, siblings: Sequence[Model]) -> Entrant:
    note = ""
    if name in _NEEDED:
        note = "Same network, random weights, FP32, on the processor."
    if name == "notebook":
        model = next((m for m in siblings if m.spec.precision == "FP32"), model)
        note = f"IR of {model.name}; pictures of 640 x 480 prepared with NumPy."
    return Entrant(name, _TITLES[name], _player(name, model, device), note)


def _player(name: str, model: Model, device: str) -> Player:
    if name in _NEEDED:
        missing = [package for package in _NEEDED[name] if importlib.util.find_spec(package) is None]
        if missing:
            return _Missing(f"{', '.join(missing)} is not installed.")
        return ProcessPlayer(_TORCH_WORKER, [name, "--network", network_of(model.name)])
    if name.startswith("benchmark_app"):
        hint = "throughput" if name.endswith("throughput") else "latency"
        return BenchmarkAppPlayer(benchmark_app(), model.folder / IR_FILE, device, hint)
    words = [name.removesuffix("_1080p"), "--model", str(model.folder), "--device", device]
    if name.startswith(("pipeline", "window")):
        words += ["--video", str(sample_video_file(LARGE if name.endswith("1080p") else SMALL))]
    return ProcessPlayer(_WORKER, words, {"QT_QPA_PLATFORM": "offscreen"} if name.startswith("window") else {})


def benchmark_app() -> str | None:
    """Return the path of OpenVINO's benchmark_app, searched beside this Python and on the PATH."""
    beside = Path(sys.executable).parent
    return shutil.which("benchmark_app", path=str(beside)) or shutil.which("benchmark_app")
