"""Makes pytorchvideo and torchvision importable with any build of torch."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_SCHEMAS: list[torch.library.Library] = []
"""Keeps the library objects alive, because operators are registered only as long as their library object exists."""

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def prepare_imports() -> None:
    """Make torchvision and pytorchvideo.models importable; call it before importing them. Idempotent.

    If torch is a CPU build and torchvision is not, or vice versa, torchvision's compiled operators fail to load and its
    import fails with "operator torchvision::nms does not exist", because it registers properties of undeclared
    operators. Declaring them suffices: no network here calls them. If the compiled operators load, nothing is declared.
    """
    if "pytorchvideo.models" in sys.modules:
        return
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _SCHEMAS:
            raise
        # Remove partially imported modules, so that the next import starts afresh.
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for schema in _OPERATORS:
            library.define(schema)  # type: ignore[no-untyped-call]
        _SCHEMAS.append(library)
        importlib.import_module("torchvision")
    with warnings.catch_warnings():
        # fvcore, which pytorchvideo imports, compiles a loss with it at import time.
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.script`", category=DeprecationWarning)
        importlib.import_module("pytorchvideo.models")


class _Receiver:
    """Replaces the tensor in `x[part] += value` and stores the value."""

    value: Tensor

    def __getitem__(self, _part: Any) -> float:
        return 0.0

    def __setitem__(self, _part: Any, value: Tensor) -> None:
        self.value = value


@contextmanager
def attention_without_scatter() -> Iterator[None]:
    """Make MViTv2 add its relative positions out of place inside the block; the sums are the same.

    torchvision adds them in place to all of the attention except the class token's row and column. The ONNX exporter
    turns that into a scatter with an index for every number, which takes 11 GB and gives a slow graph.
    """
    module = sys.modules.get("torchvision.models.video.mvit")
    if module is None:
        yield
        return
    original, tensor_split = module._add_rel_pos, torch.tensor_split

    def out_of_place(attention: Tensor, *rest: Any) -> Tensor:
        receiver = _Receiver()
        original(receiver, *rest)
        tokens = torch.cat((attention[:, :, 1:, :1], attention[:, :, 1:, 1:] + receiver.value), 3)
        return torch.cat((attention[:, :, :1], tokens), 2)

    def sliced(x: Tensor, indices: tuple[int, ...], dim: int) -> list[Tensor]:
        edges = zip((0, *indices), (*indices, None), strict=True)
        return [x[(slice(None),) * dim + (slice(first, last),)] for first, last in edges]

    module._add_rel_pos = out_of_place  # type: ignore[attr-defined]
    # It splits off the class token; the exporter makes a sequence of that, which OpenVINO cannot convert.
    torch.tensor_split = sliced  # type: ignore[assignment]
    try:
        yield
    finally:
        module._add_rel_pos = original  # type: ignore[attr-defined]
        torch.tensor_split = tensor_split
