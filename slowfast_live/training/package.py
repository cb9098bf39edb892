"""From a training's checkpoint to a model folder: calibrated, converted, described and measured."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import torch
from torch.nn import functional

from slowfast_live.build.export import describe, save, to_onnx, to_openvino
from slowfast_live.build.slowfast import SlowFast, slowfast
from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import Accuracy, Clip, Decision, ModelSpec
from slowfast_live.training.dataset import LABELS, REJECT, SIDE, TIMING, WORKING_SIDE
from slowfast_live.training.evaluate import Recognise, Result
from slowfast_live.training.figure import F32
from slowfast_live.training.train import NETWORK
from slowfast_live.types import U8

NAME = "slowfast_demo-fp16"


def load(checkpoint: Path) -> SlowFast:
    """Return the averaged network of a checkpoint, in eval mode.

    Raises:
        ModelError: There is none, or it is another network's.
    """
    network = slowfast(NETWORK)
    try:
        network.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    except (OSError, RuntimeError, KeyError) as error:
        raise ModelError(f"{checkpoint} is no checkpoint of this training: {error}.") from error
    return network.eval()


@torch.no_grad()
def calibrate(network: SlowFast, x: U8, y: Any) -> float:
    """Scale the scores by one temperature (Guo et al. 2017, arXiv 1706.04599), folded into the classifier.

    Args:
        network: Changed in place.
        x: Clips that were not trained on, uint8 (N, T, S, S, 3).
        y: Their labels (N,).

    Returns:
        The temperature.
    """
    logits = torch.cat([network(torch.from_numpy(x[i : i + 16])).logits for i in range(0, len(x), 16)])
    truth = torch.from_numpy(np.asarray(y))
    temperatures = torch.linspace(0.4, 3.0, 131)
    losses = torch.stack([functional.cross_entropy(logits / t, truth) for t in temperatures])
    best = float(temperatures[losses.argmin()])
    classifier = network.blocks[-1].proj
    assert isinstance(classifier, torch.nn.Linear)
    classifier.weight.div_(best)
    classifier.bias.div_(best)
    return best


def specification(accuracy: tuple[Accuracy, ...] = (), note: str = "") -> ModelSpec:
    """Return the model's description."""
    parameters = sum(p.numel() for p in slowfast(NETWORK).parameters())
    return ModelSpec(
        name=NAME,
        title="SlowFast demo",
        family="SlowFast",
        labels=LABELS,
        clip=Clip(
            frames=TIMING.frames,
            stride=TIMING.stride,
            side=SIDE,
            fps=TIMING.fps,
            resize_side=WORKING_SIDE,
            crop="motion",
        ),
        alpha=NETWORK.alpha,
        precision="FP16",
        trained=True,
        features=NETWORK.features,
        decision=Decision(threshold=0.45, rejects=(REJECT,)),
        licence="Apache-2.0",
        origin={"note": "Trained by this project on clips that it rendered itself. " + note},
        accuracy=accuracy,
        params_m=round(parameters / 1e6, 2),
        description="A small SlowFast for everyday actions, trained only on rendered people.",
    )


def convert(network: SlowFast) -> Any:
    """Return the network as an OpenVINO model."""
    shape = (1, TIMING.frames, SIDE, SIDE, 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        to_onnx(network, shape, path)
        return to_openvino(path)


def write(model: Any, spec: ModelSpec, folder: Path, card: str) -> None:
    """Write `model.xml`, `model.bin`, `CARD.md` and, last, `model.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    save(model, spec, folder)
    (folder / "CARD.md").write_text(card, encoding="utf-8")
    describe(spec, folder)


def recogniser(model: Any, threads: int = 2) -> Recognise:
    """Compile an OpenVINO model for the CPU: a function from a clip to its probabilities."""
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
    request = ov.Core().compile_model(model, "CPU", options).create_infer_request()

    def recognise(clip: U8) -> F32:
        request.infer({0: clip})
        return np.array(request.get_tensor("probabilities").data[0], np.float32)

    return recognise


def figures(result: Result, dataset: str) -> tuple[Accuracy, ...]:
    """Return a result's figures as the description holds them."""
    note = f"{len(result.scores)} clips of real people, windows averaged; calibration error {result.ece:.2f}"
    return tuple(
        Accuracy(dataset=dataset, metric=name, value=round(100 * value, 1), origin="measured", note=note)
        for name, value in (("top-1", result.top1), ("top-3", result.top3))
    )
