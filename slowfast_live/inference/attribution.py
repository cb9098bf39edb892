"""How much each place of the last feature maps adds to a class: class activation maps, exact for what follows the maps.

After the last feature maps a network pools, and classifies what is left. All of that is linear, or linear with gates
(a ReLU, the steps of a quantization) that are known for a given clip. A class's logit is therefore a sum over the
places of the maps, plus what the biases add, and the exact share of each place follows from walking back from the logit
to the maps. If the head is one linear layer, this is CAM (Zhou et al., 2016, arXiv 1512.04150).

The graph is read from OpenVINO; the walk itself is done with NumPy, on a few small arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov

from slowfast_live.errors import ModelError
from slowfast_live.messages import Message
from slowfast_live.types import F32

_PASSING = ("Reshape", "Squeeze", "Unsqueeze", "Transpose", "Concat", "FakeQuantize", "ReduceMean", "AvgPool")
"""Operations of a head that lie between the last feature maps and the classifier, besides those with weights."""
_WEIGHTED = ("MatMul", "Convolution", "Add", "Subtract", "Multiply")
_MAP_AXES = 5


@dataclass(frozen=True, slots=True, eq=False)
class HeadStep:
    """One operation of a head.

    Attributes:
        name: Name of its result.
        kind: Type of the operation.
        inputs: Names of its inputs that depend on the clip.
        constants: Its other inputs, by their number.
        shape: Shape of its result.
        facts: Attributes of the operation, such as axes.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    constants: Mapping[int, F32]
    shape: tuple[int, ...]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class ClassifierHead:
    """What follows the last feature maps, in the order of computation.

    Attributes:
        maps: Names of the last feature maps, float (1, C, T, H, W) each.
        steps: The operations.
        logits: Name of the logits, (1, K) or (1, P, K): then the positions P are averaged.
        classes: K.
    """

    maps: tuple[str, ...]
    steps: tuple[HeadStep, ...]
    logits: str
    classes: int

    def forward(self, maps: Mapping[str, F32]) -> dict[str, F32]:
        """Return the results of all steps for the given feature maps."""
        values = dict(maps)
        for step in self.steps:
            values[step.name] = _FORWARD[step.kind](step, [values[name] for name in step.inputs])
        return values

    def attribute(self, maps: Mapping[str, F32], label: int) -> tuple[dict[str, F32], float]:
        """Return what each place adds to a class's logit.

        Args:
            maps: The last feature maps.
            label: Number of the class.

        Returns:
            For each map, float32 (T, H, W), summed over its channels; and the logit.
        """
        values = self.forward(maps)
        logits = values[self.logits]
        seed = np.zeros_like(logits)
        seed[..., label] = 1 / max(1, logits[..., label].size)
        gradients: dict[str, F32] = {self.logits: seed}
        for step in reversed(self.steps):
            gradient = gradients.pop(step.name, None)
            if gradient is None:
                continue
            given = [values[name] for name in step.inputs]
            for name, part in zip(
                step.inputs, _BACKWARD[step.kind](step, given, values[step.name], gradient), strict=True
            ):
                gradients[name] = gradients[name] + part if name in gradients else part
        shares = {name: np.asarray((gradients[name] * maps[name]).sum((0, 1)), np.float32) for name in self.maps}
        return shares, float(logits[..., label].mean())


def read_head(network: Any, probabilities: str) -> ClassifierHead:
    """Find the head of a network.

    Args:
        network: OpenVINO model.
        probabilities: Name of its output.

    Raises:
        ModelError: It has another structure: a transformer, for example, has no feature maps that are pooled.
    """
    outputs = [output for output in network.outputs if probabilities in output.names]
    if len(outputs) != 1:
        raise ModelError(Message("it has no output '{probabilities}'", probabilities=probabilities))
    walk = _Walk()
    logits = walk.logits(outputs[0].get_node().input_value(0))
    walk.back(logits, pooled=False)
    if not walk.maps:
        raise ModelError(Message("it has no feature maps that are pooled"))
    shape = tuple(logits.shape)
    return ClassifierHead(tuple(walk.maps), tuple(walk.steps), _key(logits), int(shape[-1]))


class _Walk:
    """Collects the steps of a head, from the logits back to the last feature maps."""

    def __init__(self) -> None:
        self.steps: list[HeadStep] = []
        self.maps: list[str] = []
        self._seen: set[str] = set()

    def logits(self, value: Any) -> Any:
        """Return the logits, given the probabilities."""
        node = value.get_node()
        while node.get_type_name() in ("ReduceMean", "Reshape", "Squeeze"):
            node = node.input_value(0).get_node()
        if node.get_type_name() not in ("Softmax", "Sigmoid"):
            raise ModelError(
                Message("its probabilities come from {node}, expected a softmax or sigmoid", node=node.get_type_name())
            )
        return node.input_value(0)

    def back(self, value: Any, *, pooled: bool) -> None:
        """Add what a value is computed from, then the step that computes it."""
        key, node = _key(value), value.get_node()
        if key in self._seen:
            return
        self._seen.add(key)
        kind = node.get_type_name()
        if pooled and kind not in ("AvgPool", "ReduceMean", "Concat", "FakeQuantize"):
            if len(value.shape) != _MAP_AXES:
                raise ModelError(Message("what it pools is no map of time and space"))
            self.maps.append(key)
            return
        if kind not in (*_PASSING, *_WEIGHTED, "Relu"):
            raise ModelError(Message("its head has the operation {kind}, which cannot be traced", kind=kind))
        given = [node.input_value(number) for number in range(node.get_input_size())]
        constants = {number: one for number, one in enumerate(map(_constant, given)) if one is not None}
        changing = [one for number, one in enumerate(given) if number not in constants]
        if not changing or (len(changing) > 1 and kind != "Concat"):
            raise ModelError(
                Message("its head multiplies or adds what it computes ({kind}), which cannot be traced", kind=kind)
            )
        if kind in ("MatMul", "Convolution", "FakeQuantize", "AvgPool", "ReduceMean") and 0 in constants:
            raise ModelError(Message("its head has a {kind} of a constant, which cannot be traced", kind=kind))
        pools = kind in ("AvgPool", "ReduceMean") and len(changing[0].shape) == _MAP_AXES
        for one in changing:
            self.back(one, pooled=pooled or pools)
        facts = dict(node.get_attributes())
        names = tuple(_key(one) for one in changing)
        self.steps.append(HeadStep(key, kind, names, constants, tuple(value.shape), facts))


def outputs_of(network: Any, head: ClassifierHead) -> list[Any]:
    """Return the network's values that are the head's feature maps, in the order of `Head.maps`."""
    found = {_key(output): output for node in network.get_ordered_ops() for output in node.outputs()}
    return [found[name] for name in head.maps]


def _key(value: Any) -> str:
    return f"{value.get_node().get_friendly_name()}:{value.get_index()}"


def _constant(value: Any) -> F32 | None:
    """Return a value that does not depend on the input, computed (weights may be compressed); None if it does."""
    node = value.get_node()
    if node.get_type_name() == "Constant":
        return np.array(node.data)
    waiting, seen = [node], set()
    while waiting:
        one = waiting.pop()
        if one.get_friendly_name() in seen:
            continue
        seen.add(one.get_friendly_name())
        if one.get_type_name() == "Parameter" or len(seen) > 8:  # weights are a few operations away from constants
            return None
        waiting += [one.input_value(number).get_node() for number in range(one.get_input_size())]
    compiled = ov.compile_model(ov.Model([value], [], "constant"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled.create_infer_request().infer({})[0])


# The operations: what they compute, and how what their result adds is divided among their inputs.

_Values = list[F32]


def _axes(step: HeadStep, dimensions: int) -> tuple[int, ...]:
    return tuple(int(axis) % dimensions for axis in np.ravel(step.constants[1]))


def _permutation(step: HeadStep) -> tuple[int, ...]:
    return tuple(int(axis) for axis in np.ravel(step.constants[1]))


def _matrix(step: HeadStep) -> F32:
    """Return the weights of a MatMul as (inputs, outputs)."""
    weights = step.constants[1]
    return np.asarray(weights.T if step.facts.get("transpose_b") else weights, np.float32)


def _turned(step: HeadStep, x: F32) -> F32:
    """Return the left side of a MatMul as it is multiplied, or back again."""
    return np.swapaxes(x, -1, -2) if step.facts.get("transpose_a") else x


def _kernel(step: HeadStep) -> F32:
    """Return the weights of a 1 x 1 x 1 convolution as (outputs, inputs)."""
    weights = step.constants[1]
    if any(side != 1 for side in weights.shape[2:]) or any(int(s) != 1 for s in step.facts.get("strides", ())):
        raise ModelError(Message("its head has a convolution over several places, which cannot be traced"))
    return np.asarray(weights.reshape(weights.shape[:2]), np.float32)


def _other(step: HeadStep) -> F32:
    (constant,) = step.constants.values()
    return np.asarray(constant, np.float32)


def _windows(step: HeadStep) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Return for each result of an AvgPool where it lies, and what it is the mean of, as indices of arrays (N, C, ...).

    Raises:
        ModelError: It pads.
    """
    if any(int(pad) for side in ("pads_begin", "pads_end") for pad in step.facts.get(side, ())):
        raise ModelError(Message("its head pools with padding, which cannot be traced"))
    kernel = [int(side) for side in step.facts["kernel"]]
    strides = [int(side) for side in step.facts["strides"]]
    every = (slice(None), slice(None))
    return [
        (
            (*every, *place),
            (*every, *(slice(p * s, p * s + k) for p, s, k in zip(place, strides, kernel, strict=True))),
        )
        for place in np.ndindex(*step.shape[2:])
    ]


def _pool(step: HeadStep, given: _Values) -> F32:
    (x,) = given
    result = np.empty(step.shape, np.float32)
    for place, window in _windows(step):
        result[place] = x[window].mean((2, 3, 4))
    return result


def _pool_back(step: HeadStep, given: _Values, _result: F32, gradient: F32) -> _Values:
    (x,) = given
    back = np.zeros_like(x, dtype=np.float32)
    for place, window in _windows(step):
        view = back[window]
        view += (gradient[place] / view[0, 0].size)[:, :, None, None, None]
    return [back]


def _mean(step: HeadStep, given: _Values) -> F32:
    (x,) = given
    return np.asarray(x.mean(_axes(step, x.ndim), keepdims=bool(step.facts.get("keep_dims"))), np.float32)


def _mean_back(step: HeadStep, given: _Values, _result: F32, gradient: F32) -> _Values:
    (x,) = given
    axes = _axes(step, x.ndim)
    kept = [1 if axis in axes else side for axis, side in enumerate(x.shape)]
    size = float(np.prod([x.shape[axis] for axis in axes]))
    return [np.broadcast_to(gradient.reshape(kept) / size, x.shape)]


def _quantized(step: HeadStep, given: _Values) -> F32:
    (x,) = given
    low, high, out_low, out_high = (np.asarray(step.constants[n], np.float32) for n in (1, 2, 3, 4))
    steps = int(step.facts["levels"]) - 1
    clipped = np.clip(x, low, high)
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.rint((clipped - low) / (high - low) * steps)
    return np.asarray(level / steps * (out_high - out_low) + out_low, np.float32)


def _gate_back(_step: HeadStep, given: _Values, result: F32, gradient: F32) -> _Values:
    """Divide in proportion: what a gate lets through of a value, it lets through of all that the value consists of."""
    (x,) = given
    ratio = np.divide(result, x, out=np.zeros(x.shape, np.float32), where=np.abs(x) > 1e-12)
    return [gradient * ratio]


def _joined_back(step: HeadStep, given: _Values, _result: F32, gradient: F32) -> _Values:
    axis = int(step.facts["axis"])
    ends = np.cumsum([x.shape[axis] for x in given])[:-1]
    return list(np.split(gradient, ends, axis))


def _convolved_back(step: HeadStep, _given: _Values, _result: F32, gradient: F32) -> _Values:
    return [np.asarray(np.einsum("oi,no...->ni...", _kernel(step), gradient), np.float32)]


def _shifted(step: HeadStep, given: _Values) -> F32:
    if step.kind == "Add":
        return np.asarray(given[0] + _other(step), np.float32)
    if 0 in step.constants:
        return np.asarray(_other(step) - given[0], np.float32)
    return np.asarray(given[0] - _other(step), np.float32)


def _shifted_back(step: HeadStep, given: _Values, _result: F32, gradient: F32) -> _Values:
    sign = -1.0 if step.kind == "Subtract" and 0 in step.constants else 1.0
    return [_unbroadcast(sign * gradient, given[0].shape)]


def _scaled_back(step: HeadStep, given: _Values, _result: F32, gradient: F32) -> _Values:
    return [_unbroadcast(gradient * _other(step), given[0].shape)]


def _unbroadcast(gradient: F32, shape: Sequence[int]) -> F32:
    if gradient.shape != tuple(shape):
        raise ModelError(Message("its head repeats what it computes, which cannot be traced"))
    return np.asarray(gradient, np.float32)


def _reshaped_back(_step: HeadStep, given: _Values, _result: F32, gradient: F32) -> _Values:
    return [gradient.reshape(given[0].shape)]


_FORWARD: dict[str, Callable[[HeadStep, _Values], F32]] = {
    "Reshape": lambda step, given: given[0].reshape(step.shape),
    "Squeeze": lambda step, given: given[0].reshape(step.shape),
    "Unsqueeze": lambda step, given: given[0].reshape(step.shape),
    "Transpose": lambda step, given: given[0].transpose(_permutation(step)),
    "Concat": lambda step, given: np.concatenate(given, int(step.facts["axis"])),
    "FakeQuantize": _quantized,
    "ReduceMean": _mean,
    "AvgPool": _pool,
    "Relu": lambda _step, given: np.maximum(given[0], 0),
    "MatMul": lambda step, given: np.asarray(_turned(step, given[0]) @ _matrix(step), np.float32),
    "Convolution": lambda step, given: np.asarray(np.einsum("oi,ni...->no...", _kernel(step), given[0]), np.float32),
    "Add": _shifted,
    "Subtract": _shifted,
    "Multiply": lambda step, given: np.asarray(given[0] * _other(step), np.float32),
}

_BACKWARD: dict[str, Callable[[HeadStep, _Values, F32, F32], _Values]] = {
    "Reshape": _reshaped_back,
    "Squeeze": _reshaped_back,
    "Unsqueeze": _reshaped_back,
    "Transpose": lambda step, _given, _result, gradient: [gradient.transpose(np.argsort(_permutation(step)))],
    "Concat": _joined_back,
    "FakeQuantize": _gate_back,
    "ReduceMean": _mean_back,
    "AvgPool": _pool_back,
    "Relu": _gate_back,
    "MatMul": lambda step, _given, _result, gradient: [
        np.asarray(_turned(step, gradient @ _matrix(step).T), np.float32)
    ],
    "Convolution": _convolved_back,
    "Add": _shifted_back,
    "Subtract": _shifted_back,
    "Multiply": _scaled_back,
}
