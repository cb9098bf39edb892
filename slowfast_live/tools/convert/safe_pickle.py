"""Reads pickles without executing code in them: NumPy arrays, and what training code stores beside weights."""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from typing import Any, BinaryIO, Literal

import numpy as np


class _Dtype:
    """Stand-in for `numpy.dtype` in a pickle: accepts only plain number types.

    NumPy's own dtypes and arrays trust what a pickle says about their internals: a crafted one crashes the process, or
    worse. Therefore no NumPy object is restored from a pickle; these stand-ins validate each value first.
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
            pickle.UnpicklingError: It is not a plain number type.
        """
        if not isinstance(self._name, str) or not re.fullmatch(r"b1|[iu][1248]|f[248]", self._name):
            raise pickle.UnpicklingError(f"an array of {str(self._name)[:40]!r} holds no plain numbers")
        return np.dtype(self._name).newbyteorder(self._order)


class _Array(np.ndarray[Any, Any]):
    """Stand-in for `numpy.ndarray` in a pickle; empty until its state has been validated."""

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
    """Base of what a pickle of NumPy arrays may call. Has no attributes, so that a pickle cannot modify it."""

    __slots__ = ()

    def __call__(self, *arguments: Any) -> Any:
        raise pickle.UnpicklingError("a call of what is only named")


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
    """Stand-in for the function with which Python 3 encodes bytes in older protocols."""

    __slots__ = ()

    def __call__(self, text: object, encoding: object = "latin1") -> bytes:
        if not isinstance(text, str) or encoding != "latin1":
            raise pickle.UnpicklingError(f"text in {str(encoding)[:40]!r}")
        return text.encode("latin1")


_NUMPY_ONLY: dict[tuple[str, str], _Make] = {
    ("numpy", "ndarray"): _Make(),  # only referenced, as an argument of _reconstruct
    ("numpy", "dtype"): _MakeDtype(),
    ("_codecs", "encode"): _Encode(),
}
"""Everything that a pickle of NumPy arrays refers to."""

for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):  # NumPy 1 and 2
    _NUMPY_ONLY[_module, "_reconstruct"] = _MakeArray()
    _NUMPY_ONLY[_module, "scalar"] = _MakeScalar()


class _NumpyUnpickler(pickle._Unpickler):
    """Based on the unpickler in Python, because the one in C allocates as much memory as a corrupt number requests."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NUMPY_ONLY[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not a NumPy array") from None


def unpickle_arrays(file: BinaryIO) -> Any:
    """Read a pickle of NumPy arrays and plain containers; anything else is rejected before it is executed.

    Raises:
        pickle.UnpicklingError: It refers to anything else.
    """
    return _NumpyUnpickler(file, encoding="latin1").load()


class _Namespace:
    """Stand-in for objects that hold settings (`argparse.Namespace`): discards them."""

    def __setstate__(self, state: object) -> None:
        """Ignore the settings."""


class _MakePath(_Make):
    __slots__ = ()

    def __call__(self, *parts: object) -> str:
        return "/".join(str(part) for part in parts)


_NUMPY_TYPES = ("Float64", "Float32", "Int64", "Int32", "Bool")
_PATHS = ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")

Stand = Callable[..., Any] | tuple[Callable[..., Any], str]


def torch_globals() -> list[Stand]:
    """Return stand-ins, for `torch.serialization.safe_globals`, for what training code often stores beside weights.

    `torch.load(weights_only=True)` rejects a whole file because of one NumPy number (the best accuracy), path or
    `argparse.Namespace` in it. With the stand-ins, such files can be read without running any of their code or NumPy's.
    """
    dtypes: list[Stand] = [
        (_Dtype, f"numpy.dtypes.{name}DType") for name in ("Float64", "Float32", "Int64", "Int32", "Bool")
    ]
    numbers: list[Stand] = [(make, f"{module}.{name}") for (module, name), make in _NUMPY_ONLY.items()]
    paths: list[Stand] = [
        (_MakePath(), f"pathlib.{name}") for name in ("Path", "PosixPath", "WindowsPath", "PurePosixPath")
    ]
    return [*numbers, *dtypes, (_Array, "_Array"), (_Namespace, "argparse.Namespace"), *paths]
