"""Networks as OpenVINO graphs: find the features before the classifier, and put another classifier in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.errors import ModelError
from slowfast_live.messages import Message
from slowfast_live.types import F32

FEATURES, PROBABILITIES = "features", "probabilities"
_CLASSIFIERS = ("MatMul", "Convolution")
_PASSED = ("FakeQuantize", "Convert")
"""Operations between features and classifier that a quantized network has; the features before them are used."""


def features_of(network: Any, name: str) -> Any:
    """Return the output of a graph that holds the pooled features, float32 (1, F).

    A network of the build program has an output `features`. In any other one the input of the last matrix product or
    1x1 convolution before the probabilities is used, averaged over positions: the mean commutes with a linear layer.

    Args:
        network: `openvino.Model` of a model folder.
        name: The model's name, for errors.

    Raises:
        ModelError: There is no linear classifier at the end of the network.
    """
    named = [output for output in network.outputs if FEATURES in output.names]
    if named and _is_row(named[0]):
        return named[0].get_node().input_value(0)
    classifier = _classifier(network)
    if classifier is not None:
        value = classifier.input_value(0)
        while value.get_node().get_type_name() in _PASSED:
            value = value.get_node().input_value(0)
        shape = value.partial_shape
        if shape.rank.is_static and shape.is_static:
            row = _row(value, classifier.get_type_name() == "Convolution")
            if row is not None:
                return row
    raise ModelError(
        Message(
            "Model '{name}' cannot be taught: its last layer is not a linear classifier on pooled features. Choose "
            "another model to build on.",
            name=name,
        )
    )


def _is_row(output: Any) -> bool:
    shape = output.partial_shape
    return bool(shape.is_static) and len(list(shape)) == 2 and shape[0].get_length() == 1


def _row(value: Any, channels_first: bool) -> Any:
    rank = len(list(value.partial_shape))
    if rank == 2 and _is_row(value):
        return value
    axes = list(range(2, rank)) if channels_first else list(range(1, rank - 1))
    if rank < 3 or not axes:
        return None
    return ops.reduce_mean(value, np.array(axes, np.int64), False).output(0)


def _classifier(network: Any) -> Any:
    """Return the last matrix product or convolution with constant weights before the probabilities; None if none."""
    waiting = [output.get_node() for output in network.outputs if PROBABILITIES in output.names]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop(0)
        if node.get_type_name() in _CLASSIFIERS:
            return node
        for i in range(node.get_input_size()):
            before = node.input_value(i).get_node()
            if before.get_friendly_name() not in seen and before.get_type_name() != "Constant":
                seen.add(before.get_friendly_name())
                waiting.append(before)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A linear classifier on features.

    Attributes:
        weights: float32 (K, F).
        bias: float32 (K,), as the weights divided by the temperature.
        none: Index of the class that means "none of these"; None if there is none.
    """

    weights: F32
    bias: F32
    none: int | None = None

    def probabilities(self, features: F32) -> F32:
        """Return float32 (N, K) for features (N, F), as the graph computes it."""
        logits = features @ self.weights.T + self.bias
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)


def with_head(network: Any, features: Any, head: Head, kept: list[int] | None = None) -> Any:
    """Return a graph with another classifier in place of its own; everything before it stays as it is.

    Args:
        network: The network; its nodes are used again, so it must not be used afterward.
        features: Its pooled features, from `features_of`.
        head: The classifier.
        kept: Classes of the old classifier to keep beside the new ones. What the new classifier takes for "none of
            these" is shared out among them as the old one says, so `head.none` is required. None to keep none.

    Returns:
        `openvino.Model` with outputs `probabilities` (1, K) and `features` (1, F). With `kept`, the classes are those
        of the head without "none of these", then the kept ones.
    """
    logits = ops.add(ops.matmul(features, ops.constant(head.weights), False, True), ops.constant(head.bias[None]))
    probabilities = ops.softmax(logits, 1)
    if kept is not None:
        assert head.none is not None, "what the base model sees needs a class to stand for it"
        old = next(output for output in network.outputs if PROBABILITIES in output.names).get_node().input_value(0)
        new = [i for i in range(len(head.bias)) if i != head.none]
        chosen = ops.gather(old, ops.constant(np.array(kept, np.int64)), ops.constant(np.int64(1)))
        total = ops.add(ops.reduce_sum(chosen, np.array([1]), True), ops.constant(np.float32(1e-9)))
        rest = ops.gather(probabilities, ops.constant(np.array([head.none])), ops.constant(np.int64(1)))
        known = ops.multiply(ops.divide(chosen, total), rest)
        own = ops.gather(probabilities, ops.constant(np.array(new, np.int64)), ops.constant(np.int64(1)))
        probabilities = ops.concat([own, known], 1)
    for old_output in network.outputs:  # the names must be free
        names = old_output.names & {PROBABILITIES, FEATURES}
        if names:
            old_output.set_names(old_output.names - names)
            source = old_output.get_node().input_value(0)
            source.set_names(source.names - names)
    probabilities.output(0).set_names({PROBABILITIES})
    result = ops.result(features)
    features.set_names(features.names | {FEATURES})
    return ov.Model([ops.result(probabilities.output(0)), result], network.get_parameters(), "taught")
