"""Networks that encode each picture by itself: pictures that the last clip held are not encoded again.

An encoder-decoder (Open Model Zoo's) is one graph of a whole clip in its folder. Its tensor `EMBEDDINGS` divides it:
what lies before depends on one picture only. A clip that shares pictures with the one before needs the encoder for the
new ones alone, and the decoder. Pictures are recognized by their content, so the result is that of the whole graph.
"""

from __future__ import annotations

import logging
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.inference.spec import PROBABILITIES
from slowfast_live.types import F32, U8

log = logging.getLogger(__name__)

EMBEDDINGS = "embeddings"
"""Name of the tensor (1, T, E) of what the encoder makes of each picture."""
_PAYS = 0.5
"""Share of a clip's pictures that the clip before must have held; with less, the whole graph runs all at once."""
_KEPT = 4
"""Clips whose pictures are kept."""


class Parts(NamedTuple):
    """A divided network: `encoder` takes a clip of one picture and gives (1, 1, E), `decoder` takes (1, T, E)."""

    encoder: Any
    decoder: Any


def divide(network: Any) -> Parts | None:
    """Return the two parts of a network, which is left as it is; None if it has no such parts.

    Args:
        network: `ov.Model` with one input, uint8 (1, T, S, S, 3), and an output `PROBABILITIES`.
    """
    first = network.clone()
    embeddings = _embeddings(first)
    if embeddings is None or embeddings.partial_shape.is_dynamic:
        return None
    _, frames, size = embeddings.shape
    encoder = ov.Model([ops.result(embeddings)], first.get_parameters(), "encoder")
    clip = list(encoder.input(0).shape)
    try:
        encoder.reshape([clip[0], 1, *clip[2:]])
    except RuntimeError as error:
        log.info("The encoder takes no single picture: %s", error)
        return None
    if list(encoder.output(0).partial_shape) != [1, 1, size]:
        return None
    second = network.clone()
    embeddings = _embeddings(second)
    assert embeddings is not None
    given = ops.parameter([1, frames, size], embeddings.get_element_type(), name=EMBEDDINGS)
    for target in embeddings.get_target_inputs():
        target.replace_source_output(given.output(0))
    result = second.output(PROBABILITIES).get_node().input_value(0)
    return Parts(encoder, ov.Model([ops.result(result)], [given], "decoder"))


def _embeddings(network: Any) -> Any:
    for node in network.get_ordered_ops():
        for output in node.outputs():
            if EMBEDDINGS in output.get_names():
                return output
    return None


class EncodedOnce:
    """Runs a divided network on clips that share pictures. Not thread-safe; each infer request has its own.

    Args:
        encoder: The compiled encoder.
        decoder: The compiled decoder.
    """

    def __init__(self, encoder: ov.CompiledModel, decoder: ov.CompiledModel) -> None:
        self._encoder, self._decoder = encoder.create_infer_request(), decoder.create_infer_request()
        self._known: OrderedDict[int, tuple[U8, F32]] = OrderedDict()
        self._last: frozenset[int] = frozenset()
        self.encoded = 0
        """Number of pictures that were encoded."""

    def infer(self, clip: U8) -> F32 | None:
        """Return the probabilities, float32 (K,); None if the clip shares too little with the one before.

        Args:
            clip: uint8 (T, S, S, 3).
        """
        keys = [zlib.crc32(np.ascontiguousarray(picture).data) for picture in clip]
        shared = sum(key in self._last for key in keys)
        self._last = frozenset(keys)
        if shared < _PAYS * len(keys):
            return None
        embeddings = [self._encode(key, picture) for key, picture in zip(keys, clip, strict=True)]
        while len(self._known) > _KEPT * len(keys):
            self._known.popitem(last=False)
        answer = self._decoder.infer([np.stack(embeddings)[None]])
        return np.array(next(iter(answer.values()))[0], np.float32)

    def _encode(self, key: int, picture: U8) -> F32:
        known = self._known.get(key)
        if known is not None and np.array_equal(known[0], picture):
            self._known.move_to_end(key)
            return known[1]
        answer = self._encoder.infer([np.ascontiguousarray(picture)[None, None]])
        embedding = np.array(next(iter(answer.values()))[0, 0])
        self._known[key] = picture.copy(), embedding
        self._known.move_to_end(key)
        self.encoded += 1
        return embedding


class EncodesOnce:
    """The compiled parts of a network, from which each infer request makes its own `EncodedOnce`."""

    def __init__(self, parts: Sequence[ov.CompiledModel]) -> None:
        self._encoder, self._decoder = parts

    def request(self) -> EncodedOnce:
        """Return a new `EncodedOnce`."""
        return EncodedOnce(self._encoder, self._decoder)
