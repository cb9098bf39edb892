"""Small encoders and decoders as OpenVINO IR, in place of Open Model Zoo's."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from slowfast_live.tools.convert.open_model_zoo import FOLDERS, EncoderDecoder

EMBEDDING, SIDE, FRAMES = 24, 64, 16


def _weights(rng: np.random.Generator, *shape: int) -> Any:
    fan_in = int(np.prod(shape[1:]))
    return ops.constant(rng.normal(0, (2 / fan_in) ** 0.5, shape).astype(np.float32))


def encoder(seed: int, outputs: int = EMBEDDING, *, fixed: bool = False) -> ov.Model:
    """Build an encoder: (1, 3, S, S) -> (1, `outputs`, 1, 1).

    With `fixed` its graph holds a reshape to one picture, so that it takes no batch.
    """
    rng = np.random.default_rng(seed)
    picture = ops.parameter([1, 3, SIDE, SIDE], np.float32, name="0")
    x = ops.divide(ops.subtract(picture, np.float32([[[[104]], [[117]], [[124]]]])), np.float32(58))
    for channels, inputs in ((8, 3), (16, 8), (outputs, 16)):
        x = ops.convolution(x, _weights(rng, channels, inputs, 5, 5), [4, 4], [2, 2], [2, 2], [1, 1])
        x = ops.relu(x)
    x = ops.reduce_mean(x, np.array([2, 3]), True)
    if fixed:
        x = ops.reshape(x, np.array([1, outputs, 1, 1]), False)
    return ov.Model([ops.result(x)], [picture], "encoder")


def decoder(seed: int, classes: int) -> ov.Model:
    """Build a decoder with attention: (1, T, E) -> (1, K)."""
    rng = np.random.default_rng(seed)
    given = ops.parameter([1, FRAMES, EMBEDDING], np.float32, name="0")
    query, key, value = (ops.matmul(given, _weights(rng, EMBEDDING, EMBEDDING), False, True) for _ in range(3))
    place = ops.constant(rng.normal(0, 1, (1, FRAMES, EMBEDDING)).astype(np.float32))
    weights = ops.softmax(ops.matmul(ops.add(query, place), key, False, True), 2)
    pooled = ops.reduce_mean(ops.matmul(weights, value, False, False), np.array([1]), False)
    logits = ops.matmul(pooled, _weights(rng, classes, EMBEDDING), False, True)
    return ov.Model([ops.result(ops.multiply(logits, np.float32(8)))], [given], "decoder")


def publish(files: EncoderDecoder, classes: int, root: Path, *, fixed: bool = False) -> dict[str, Any]:
    """Write all precisions as Open Model Zoo arranges them, and return their table.

    Returns:
        Name -> precision -> files with `url` (relative to a server that is still to be started), `size`, `sha384`.
    """
    table: dict[str, list[dict[str, Any]]] = {}
    for precision in FOLDERS.values():
        folder = root / precision
        folder.mkdir(parents=True)
        if classes > 3:
            models = {"-encoder": encoder(1, fixed=fixed), "-decoder": decoder(2, classes)}
        else:
            models = {"": encoder(1, classes, fixed=fixed)}
        rows = []
        for part, model in models.items():
            path = folder / f"{files.name}{part}.xml"
            ov.save_model(model, path, compress_to_fp16=precision != "FP32")
            for file in (path, path.with_suffix(".bin")):
                content = file.read_bytes()
                digest = hashlib.sha384(content).hexdigest()
                rows.append({"url": f"{precision}/{file.name}", "size": len(content), "sha384": digest})
        table[precision] = rows
    return {files.name: table}
