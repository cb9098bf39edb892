"""Explains a prediction: where and when in the clip a class's score comes from.

A second model is compiled, whose outputs are the last feature maps; see `attribution` for what is computed from them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import openvino as ov

from slowfast_live.errors import DeviceError, ModelError
from slowfast_live.inference.attribution import ClassifierHead, outputs_of, read_head
from slowfast_live.inference.spec import IR_FILE, Model
from slowfast_live.messages import Message
from slowfast_live.types import F32, U8

SLOW, FAST, ONLY = "slow", "fast", ""
"""Names of the pathways; a network with one pathway has `ONLY`."""
_PROBABILITIES = "probabilities"


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What each place of the last feature maps adds to the logit of one class.

    Attributes:
        label: The class.
        logit: Its logit; of a network that averages the probabilities of several positions (X3D), their mean.
        maps: For each pathway, float32 (T, H, W): the logit's shares by time and place. Negative shares speak against
            the class.
    """

    label: str
    logit: float
    maps: dict[str, F32]

    @property
    def bias(self) -> float:
        """What the biases of the head add, whatever the clip shows: the logit without the sum of all maps."""
        return self.logit - sum(float(one.sum()) for one in self.maps.values())

    @property
    def where(self) -> F32:
        """Shares by place, float32 (H, W), over all times and pathways; H and W are those of the finest map."""
        side = max((one.shape[1:] for one in self.maps.values()), key=lambda shape: shape[0] * shape[1])
        total = np.zeros(side, np.float32)
        for one in self.maps.values():
            flat = one.sum(0)
            part = np.asarray(cv2.resize(flat, side[::-1], interpolation=cv2.INTER_NEAREST), np.float32)
            total += part * (flat.size / part.size)
        return total

    @property
    def when(self) -> F32:
        """Shares by time, float32 (T,), over all places and pathways; T is that of the finest map."""
        length = max(one.shape[0] for one in self.maps.values())
        total = np.zeros(length, np.float32)
        for one in self.maps.values():
            at = np.arange(length) * one.shape[0] // length
            total += one.sum((1, 2))[at] * (one.shape[0] / length)
        return total

    @property
    def pathway_shares(self) -> dict[str, float]:
        """Share of each pathway in what the maps add, 0..1, by amount; empty for a network with one pathway."""
        if len(self.maps) < 2:
            return {}
        amounts = {name: abs(float(one.sum())) for name, one in self.maps.items()}
        total = sum(amounts.values())
        return {name: amount / total if total else 1 / len(amounts) for name, amount in amounts.items()}


def heat(where: F32, width: int, height: int) -> F32:
    """Return a smooth map of the shares that speak for a class, float32 (height, width), 0..1.

    Args:
        where: Shares by place; see `Explanation.where`.
        width: Width of the map.
        height: Height of the map.
    """
    positive = np.maximum(where, 0)
    highest = float(positive.max())
    if highest <= 0:
        return np.zeros((height, width), np.float32)
    smooth = cv2.resize(positive / highest, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(smooth, 0, 1), np.float32)


class Explainer:
    """Runs a model a second time, on request, to explain what it says. Thread-safe; `explain` takes one inference.

    Args:
        model: The model.
        device: OpenVINO device.
        exact: Whether to compute in float32, instead of in the precision that the device prefers as in the pipeline.

    Raises:
        ModelError: The model is damaged, or its structure has no feature maps to explain with (transformers).
        DeviceError: The device cannot run it.
    """

    def __init__(self, model: Model, device: str, *, exact: bool = False) -> None:
        self.model, self.device = model, device
        self._lock = threading.Lock()
        core = ov.Core()
        path = model.folder / IR_FILE
        try:
            network = core.read_model(path)
        except RuntimeError as error:
            raise ModelError(
                Message("{path} is not a readable OpenVINO model.", path=path), details=str(error)
            ) from error
        try:
            self._head: ClassifierHead = read_head(network, _PROBABILITIES)
        except ModelError as error:
            text = Message("{title} cannot be explained: {message}.", title=model.spec.title, message=error.message)
            raise ModelError(text, error.details) from error
        if self._head.classes != len(model.spec.labels):
            raise ModelError(
                Message("{title} cannot be explained: its logits do not fit its labels.", title=model.spec.title)
            )
        self._pathways = _pathways(self._head, network)
        explaining = ov.Model(
            [ov.opset13.result(output) for output in outputs_of(network, self._head)], network.get_parameters(), "maps"
        )
        properties = {"PERFORMANCE_HINT": "LATENCY"} | ({"INFERENCE_PRECISION_HINT": "f32"} if exact else {})
        try:
            compiled = core.compile_model(explaining, device, properties)
        except RuntimeError as error:
            text = Message(
                "{title} cannot be explained on {device}. Choose another device.", title=model.spec.title, device=device
            )
            raise DeviceError(text, details=str(error)) from error
        self._request = compiled.create_infer_request()

    def explain(self, clip: U8, label: str) -> Explanation:
        """Explain the score of a class.

        Args:
            clip: uint8 (T, S, S, 3), RGB, as the model gets it.
            label: One of the model's labels.

        Raises:
            ModelError: The model has no such label, or the inference fails.
        """
        labels = self.model.spec.labels
        if label not in labels:
            raise ModelError(Message("{title} has no action '{label}'.", title=self.model.spec.title, label=label))
        with self._lock:
            try:
                results: Any = self._request.infer({0: clip[None]})
            except RuntimeError as error:
                raise ModelError(
                    Message("{title} could not be explained.", title=self.model.spec.title), details=str(error)
                ) from error
            maps = {name: np.array(results[number], np.float32) for number, name in enumerate(self._head.maps)}
        shares, logit = self._head.attribute(maps, labels.index(label))
        return Explanation(label, logit, {self._pathways[name]: one for name, one in shares.items()})


def _pathways(head: ClassifierHead, network: Any) -> dict[str, str]:
    """Return the pathway of each map: of two, the one with fewer times is the slow one."""
    if len(head.maps) == 1:
        return {head.maps[0]: ONLY}
    if len(head.maps) != 2:
        raise ModelError(Message("The network has {count} pathways, which cannot be explained.", count=len(head.maps)))
    lengths = {name: int(output.shape[2]) for name, output in zip(head.maps, outputs_of(network, head), strict=True)}
    slow, fast = sorted(head.maps, key=lambda name: lengths[name])
    return {slow: SLOW, fast: FAST}
