"""Checks that a server runs the model that `model.json` describes, so that no label is shown for another output."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from slowfast_live.errors import ModelError
from slowfast_live.inference.remote.client import RemoteFacts, TensorFacts
from slowfast_live.inference.spec import PROBABILITIES, Model, ModelSpec
from slowfast_live.messages import Message
from slowfast_live.types import F32, U8

log = logging.getLogger(__name__)

LABELS_PARAMETER = "slowfast_live_labels"
"""Parameter in Triton's `config.pbtxt` with the digest of the labels."""
_REFERENCE_CLIPS = 3
_MAX_DIFFERENCE = 0.25
"""Two devices may round differently, above all INT8; two orders of labels differ by far more."""


def labels_digest(spec: ModelSpec) -> str:
    """Return a digest of the labels in their order."""
    return hashlib.blake2b(msgspec.json.encode(spec.labels), digest_size=16).hexdigest()


def check_interface(facts: RemoteFacts, model: Model, where: str) -> str:
    """Compare what a server says of a model with its description; return the name of its input.

    Raises:
        ModelError: They differ.
    """
    wanted = model.spec.input_shape
    again = Message("Export it anew: slowfast-live models export {name} --server DIR", name=model.name)
    inputs = facts.inputs
    if len(inputs) != 1 or inputs[0].datatype != "UINT8" or not _fits(inputs[0], wanted):
        found = "; ".join(map(str, inputs)) or "nothing"
        raise ModelError(
            Message(
                "Model '{name}' on {where} takes {found}, but its model.json here describes one clip UINT8 "
                "{wanted}. {again}",
                name=model.name,
                where=where,
                found=found,
                wanted=list(wanted),
                again=again,
            )
        )
    outputs = [output for output in facts.outputs if output.name == PROBABILITIES]
    classes = len(model.spec.labels)
    if len(outputs) != 1 or not _fits(outputs[0], (1, classes)):
        found = "; ".join(map(str, facts.outputs)) or "nothing"
        raise ModelError(
            Message(
                "Model '{name}' on {where} gives {found}, but its model.json here names {classes} labels, for "
                "which an output '{probabilities}' [1, {classes}] is expected. {again}",
                name=model.name,
                where=where,
                found=found,
                classes=classes,
                probabilities=PROBABILITIES,
                again=again,
            )
        )
    return inputs[0].name


def check_digest(found: str, model: Model, where: str) -> None:
    """Compare the digest of the labels that a server gives with those of `model.json`.

    Raises:
        ModelError: They differ.
    """
    if found != labels_digest(model.spec):
        raise ModelError(
            Message(
                "Model '{name}' on {where} was exported with other labels than its model.json here has. Export it "
                "anew: slowfast-live models export {name} --server DIR",
                name=model.name,
                where=where,
            )
        )


def check_by_example(ask: Callable[[U8], F32], ask_here: Callable[[U8], F32], model: Model, where: str) -> None:
    """Compare a server's answers with those of the same model on this machine, for servers that do not give labels.

    Args:
        ask: Returns the server's probabilities for a clip.
        ask_here: Returns those of the model on this machine.
        model: The model.
        where: The server's address, for messages.

    Raises:
        ModelError: They differ by more than rounding, as other weights or labels do.
    """
    conclusive = False
    for clip in _reference_clips(model.spec):
        there, here = ask(clip), ask_here(clip)
        if float(np.abs(there - here).max()) > _MAX_DIFFERENCE:
            raise ModelError(
                Message(
                    "Model '{name}' on {where} answers otherwise than the same model on this machine: it has other "
                    "weights or labels. Export it anew: slowfast-live models export {name} --server DIR",
                    name=model.name,
                    where=where,
                )
            )
        conclusive = conclusive or float(here.max()) > 2 * _MAX_DIFFERENCE
    if not conclusive:
        log.warning("%s cannot be checked for the order of its labels: its answers are too even.", where)


def _reference_clips(spec: ModelSpec) -> Iterator[U8]:
    random = np.random.default_rng(0)
    for number in range(_REFERENCE_CLIPS):
        yield random.integers(0, 255 // (number + 1), spec.input_shape[1:], np.uint8)


def _fits(tensor: TensorFacts, wanted: tuple[int, ...]) -> bool:
    return len(tensor.shape) == len(wanted) and all(
        size in (-1, need) for size, need in zip(tensor.shape, wanted, strict=True)
    )
