"""Lets pytorchvideo and torchvision be imported beside any build of torch."""

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
"""Operators stay registered for as long as their library object lives."""

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def prepare_imports() -> None:
    """Make torchvision and pytorchvideo.models importable; call it before their import, as often as wanted.

    Where torch is a CPU build and torchvision is not, or the other way round, torchvision's compiled
    operators do not load and its import fails with "operator torchvision::nms does not exist", because it
    describes operators that nobody has declared. Declaring them is enough: no network here calls them. Where
    the compiled operators load, nothing is declared.
    """
    if "pytorchvideo.models" in sys.modules:
        return
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _SCHEMAS:
            raise
        # What the failed import left half done must not be found by the next one.
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
    """Takes the place of a tensor in `x[part] += value` and keeps the value."""

    value: Tensor

    def __getitem__(self, _part: Any) -> float:
        return 0.0

    def __setitem__(self, _part: Any, value: Tensor) -> None:
        self.value = value


@contextmanager
def attention_without_scatter() -> Iterator[None]:
    """Let MViTv2 add its relative positions out of place while the block runs; the sums are the same.

    torchvision adds them in place to all of the attention but the class token's row and column. The ONNX
    exporter turns that into a scatter with an index for every number, which takes 11 GB and a slow graph.
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
    # It splits off the class token; the exporter makes a sequence of that, which OpenVINO does not convert.
    torch.tensor_split = sliced  # type: ignore[assignment]
    try:
        yield
    finally:
        module._add_rel_pos = original  # type: ignore[attr-defined]
        torch.tensor_split = tensor_split
