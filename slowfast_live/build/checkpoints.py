"""Published and own checkpoints, read without running anything that is in them."""

from __future__ import annotations

import io
import math
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import torch
from torch import Tensor, nn

from slowfast_live.errors import ModelError

_WRAPPERS = ("model_state", "state_dict", "model")
"""Keys under which training code keeps the state dict."""

_TRAINING_BLOBS = re.compile(r"(_momentum|^lr$|^model_iter$|_lr$)")
"""Caffe2 blobs of the optimiser, which a network has no place for."""

_BATCH_NORM = {"s": "weight", "b": "bias", "rm": "running_mean", "riv": "running_var"}


def load_torch(path: Path) -> dict[str, Tensor]:
    """Read the state dict in a torch file; nothing but tensors and plain values is admitted.

    Args:
        path: A file of `torch.save`: the state dict itself, or a mapping that holds it as `model_state`,
            `state_dict` or `model`. A leading "module." of the names is dropped.

    Raises:
        ModelError: It cannot be read, holds code, or holds no state dict.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} was refused: it is damaged, or holds more than tensors. Only plain state dicts are "
            "read, because other pickles can run code.",
            details=str(error),
        ) from error
    except Exception as error:  # a damaged checkpoint may raise anything
        raise ModelError(f"{path} cannot be read as a torch checkpoint.", details=str(error)) from error
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    state = {
        str(name).removeprefix("module."): value
        for name, value in (content.items() if isinstance(content, Mapping) else ())
        if isinstance(value, Tensor)
    }
    if not state:
        raise ModelError(
            f"{path} holds no state dict: expected names with tensors, or one under {', '.join(_WRAPPERS)}."
        )
    return state


class _Dtype:
    """Stands for `numpy.dtype` in a pickle: a plain number type, or it is refused.

    NumPy's own dtypes and arrays believe what a pickle says of their insides: a crafted one ends the process, or
    worse. So nothing of NumPy's is restored from a pickle; these stand-ins look at each value first.
    """

    __slots__ = ("_name", "_order")

    def __init__(self, name: object) -> None:
        self._name = name
        self._order: Literal["<", ">", "="] = "="

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "="):
            self._order = state[1]

    def numpy(self) -> np.dtype[Any]:
        """Return the dtype.

        Raises:
            pickle.UnpicklingError: It is none of plain numbers.
        """
        if not isinstance(self._name, str) or not re.fullmatch(r"b1|[iu][1248]|f[248]", self._name):
            raise pickle.UnpicklingError(f"an array of {str(self._name)[:40]!r} holds no plain numbers")
        return np.dtype(self._name).newbyteorder(self._order)


class _Array(np.ndarray[Any, Any]):
    """Stands for `numpy.ndarray` in a pickle; empty until its state has been looked at."""

    def __setstate__(self, state: Any) -> None:
        _version, shape, dtype, fortran, raw = state
        if isinstance(raw, str):  # as Python 2 wrote it
            raw = raw.encode("latin1")
        if not isinstance(dtype, _Dtype) or not isinstance(raw, bytes) or not isinstance(shape, tuple):
            raise pickle.UnpicklingError("an array whose parts are none")
        if not all(type(size) is int and size >= 0 for size in shape):
            raise pickle.UnpicklingError(f"an array of shape {shape!r}")
        plain = dtype.numpy()
        if math.prod(shape) * plain.itemsize != len(raw):
            raise pickle.UnpicklingError(f"an array of shape {shape} with {len(raw)} bytes")
        super().__setstate__((1, shape, plain, bool(fortran), raw))  # type: ignore[arg-type]  # it wants no np.bool


class _Make:
    """What a pickle of NumPy arrays may call. Without attributes, so that a pickle cannot change it."""

    __slots__ = ()


class _MakeDtype(_Make):
    __slots__ = ()

    def __call__(self, name: object, *_: object) -> _Dtype:
        return _Dtype(name)


class _MakeArray(_Make):
    __slots__ = ()

    def __call__(self, *_: object) -> _Array:
        return _Array(0)


class _MakeScalar(_Make):
    __slots__ = ()

    def __call__(self, dtype: object, raw: object) -> Any:
        if isinstance(raw, str):
            raw = raw.encode("latin1")
        if not isinstance(dtype, _Dtype) or not isinstance(raw, bytes):
            raise pickle.UnpicklingError("a number whose parts are none")
        return np.frombuffer(raw, dtype.numpy(), 1)[0]


class _Encode(_Make):
    """How Python 3 writes bytes in the older protocols."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object = "latin1") -> bytes:
        if not isinstance(text, str) or encoding != "latin1":
            raise pickle.UnpicklingError(f"text in {str(encoding)[:40]!r}")
        return text.encode("latin1")


_NUMPY_ONLY: dict[tuple[str, str], _Make] = {
    ("numpy", "ndarray"): _Make(),  # only ever named, as an argument of _reconstruct
    ("numpy", "dtype"): _MakeDtype(),
    ("_codecs", "encode"): _Encode(),
}
"""All that a pickle of NumPy arrays refers to."""

for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):  # NumPy 1 and 2
    _NUMPY_ONLY[_module, "_reconstruct"] = _MakeArray()
    _NUMPY_ONLY[_module, "scalar"] = _MakeScalar()


class _NumpyUnpickler(pickle._Unpickler):
    """Written in Python: the one in C lays out as much memory as a damaged number says."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NUMPY_ONLY[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not a NumPy array") from None


def unpickle_arrays(file: BinaryIO) -> Any:
    """Read a pickle of NumPy arrays and plain containers; anything else is refused before it is run.

    Raises:
        pickle.UnpicklingError: It refers to anything else.
    """
    return _NumpyUnpickler(file, encoding="latin1").load()


def load_caffe2(path: Path) -> dict[str, Tensor]:
    """Read the blobs of a Caffe2 pickle, {"blobs": {name: array}}, without the optimiser's.

    Raises:
        ModelError: It cannot be read, or refers to anything but NumPy arrays.
    """
    try:
        content = unpickle_arrays(io.BytesIO(path.read_bytes()))
        blobs = content["blobs"]
        return {
            name: torch.from_numpy(np.array(blob))
            for name, blob in blobs.items()
            if isinstance(blob, np.ndarray) and not _TRAINING_BLOBS.search(name)
        }
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} was refused: it holds more than NumPy arrays, and such pickles can run code.",
            details=str(error),
        ) from error
    except Exception as error:  # a damaged pickle may raise anything
        raise ModelError(f"{path} cannot be read as a Caffe2 checkpoint.", details=repr(error)) from error


def i3d_nln_name(blob: str) -> str:
    """Return the name in our I3D with non-local blocks of a Caffe2 blob of PySlowFast's I3D_NLN_8x8_R50.

    `conv1_w` is the stem's convolution, `res4_2_branch2b_bn_riv` a batch-norm variance,
    `nonlocal_conv4_1_phi_b` a bias of the non-local block behind block 1 of stage 4, `pred_w` the classifier.

    Raises:
        ModelError: No blob of that network is called so.
    """
    if match := re.fullmatch(r"(?:res_)?conv1_bn_(s|b|rm|riv)", blob):
        return f"blocks.0.norm.{_BATCH_NORM[match[1]]}"
    if blob == "conv1_w":
        return "blocks.0.conv.weight"
    if match := re.fullmatch(r"pred_([wb])", blob):
        return f"blocks.6.proj.{'weight' if match[1] == 'w' else 'bias'}"
    if match := re.fullmatch(r"nonlocal_conv(\d)_(\d+)_(theta|phi|g|out)_([wb])", blob):
        kind = "weight" if match[4] == "w" else "bias"
        return f"{_block(match[1], match[2])}.1.conv_{match[3]}.{kind}"
    if match := re.fullmatch(r"nonlocal_conv(\d)_(\d+)_bn_(s|b|rm|riv)", blob):
        return f"{_block(match[1], match[2])}.1.norm.{_BATCH_NORM[match[3]]}"
    if match := re.fullmatch(r"res(\d)_(\d+)_branch(1|2a|2b|2c)_(?:(w)|bn_(s|b|rm|riv))", blob):
        stage, index, branch, convolution, statistic = match.groups()
        block = _block(stage, index)
        # Where a non-local block follows, the residual block is the first of the two.
        block += ".0" if _followed(stage, index) else ""
        if branch == "1":
            inside = "branch1_conv.weight" if convolution else f"branch1_norm.{_BATCH_NORM[statistic]}"
        else:
            letter = branch[1]
            inside = (
                f"branch2.conv_{letter}.weight" if convolution else f"branch2.norm_{letter}.{_BATCH_NORM[statistic]}"
            )
        return f"{block}.{inside}"
    raise ModelError(f"The checkpoint holds '{blob}', which I3D with non-local blocks has no place for.")


def _followed(stage: str, index: str) -> bool:
    return (stage, index) in {("3", "1"), ("3", "3"), ("4", "1"), ("4", "3"), ("4", "5")}


def _block(stage: str, index: str) -> str:
    # Stage 2 is part 1; a pool stands between it and stage 3.
    part = 1 if stage == "2" else int(stage)
    return f"blocks.{part}.res_blocks.{index}"


def from_caffe2(blobs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the blobs of I3D_NLN_8x8_R50 under the names of our network."""
    return {i3d_nln_name(name): blob for name, blob in blobs.items()}


def fill(network: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Load a state dict, every name and shape of it.

    Args:
        network: The network to fill.
        state: Names and tensors. Counters of batch-norm updates may be absent; a vector may stand for a
            tensor with further dimensions of 1.
        origin: What to call it in a message.

    Raises:
        ModelError: Names are missing or too many, or shapes differ; the message says which.
    """
    wanted = network.state_dict()
    given = dict(state)
    for name, tensor in wanted.items():
        if name.endswith("num_batches_tracked"):
            given.setdefault(name, tensor)
        elif name in given and given[name].ndim < tensor.ndim:
            shape = (*given[name].shape, *(1,) * (tensor.ndim - given[name].ndim))
            given[name] = given[name].reshape(shape)
    problems = [
        *_listed("missing", sorted(wanted.keys() - given.keys())),
        *_listed("not expected", sorted(given.keys() - wanted.keys())),
        *_listed(
            "of another shape",
            [
                f"{name} {tuple(given[name].shape)} instead of {tuple(wanted[name].shape)}"
                for name in wanted.keys() & given.keys()
                if given[name].shape != wanted[name].shape
            ],
        ),
    ]
    if problems:
        hint = ""
        if any("proj" in p or "head" in p for p in problems):
            hint = " For a checkpoint with other classes give --classes N or --labels FILE."
        raise ModelError(f"{origin} does not fit this network: {'; '.join(problems)}.{hint}")
    network.load_state_dict(given, strict=True)


def _listed(what: str, names: list[str], shown: int = 3) -> list[str]:
    if not names:
        return []
    rest = f" and {len(names) - shown} more" if len(names) > shown else ""
    return [f"{what}: {', '.join(names[:shown])}{rest}"]
