"""A model's network up to its features: compiled for collecting examples, and how to recognize it again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from slowfast_live import paths
from slowfast_live.errors import ModelError, TeachingError
from slowfast_live.inference.spec import IR_FILE, WEIGHTS_FILE, Model
from slowfast_live.messages import Message, system_reason
from slowfast_live.teaching.graph import FEATURES, features_of
from slowfast_live.types import F32, U8

TRUNK_KEY = "trunk"
"""Key in a taught model's `origin`: the identity of the network that it was taught on."""


def identity_of(model: Model) -> str:
    """Return the identity of a model's network up to its features.

    A taught model has that of the model it was taught on, because both compute the same features. It can therefore
    stand in for it where that one was deleted.

    Raises:
        ModelError: The model cannot be read.
    """
    if known := model.spec.origin.get(TRUNK_KEY):
        return known
    digest = hashlib.blake2b(digest_size=16)
    for name in (IR_FILE, WEIGHTS_FILE):
        path = model.folder / name
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise ModelError(
                Message("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
            ) from error
    return digest.hexdigest()


def find_trunk(wanted: str, base: str, models: Iterable[Model]) -> Model:
    """Return a model with the network that examples were taken with: the base model, or one that was taught on it.

    Args:
        wanted: Identity of the network.
        base: Name of the model that was used, for the error.
        models: The models at hand.

    Raises:
        TeachingError: There is none any more.
    """
    order = sorted(models, key=lambda model: model.name != base)
    for model in order:
        try:
            if identity_of(model) == wanted:
                return model
        except ModelError:
            continue
    raise gone(base)


def gone(base: str) -> TeachingError:
    """Return the error for examples whose model is not there any more.

    Args:
        base: Its name.
    """
    return TeachingError(
        Message(
            "The examples were taken with the model '{base}', which is gone or was built anew, and no model that "
            "was taught on it is left. The examples are kept: bring that model back, or take new examples with "
            "another one.",
            base=base,
        )
    )


def read_network(model: Model) -> Any:
    """Return a model's network as `openvino.Model`, with its weights in memory, so that the file may be replaced.

    Raises:
        ModelError: It cannot be read.
    """
    core = ov.Core()
    core.set_property({"ENABLE_MMAP": False})
    path = model.folder / IR_FILE
    try:
        return core.read_model(path)
    except RuntimeError as error:
        raise ModelError(Message("{path} is not a readable OpenVINO model.", path=path), details=str(error)) from error


class Trunk:
    """Computes features of clips. Not thread-safe.

    Args:
        model: The model whose features are used.
        device: OpenVINO device.
        cache_dir: Folder for compiled models; None for the user's cache.

    Raises:
        ModelError: The model cannot be taught.
    """

    def __init__(self, model: Model, device: str = "CPU", cache_dir: Path | None = None) -> None:
        self.model = model
        self.identity = identity_of(model)
        network = read_network(model)
        features = features_of(network, model.name)
        features.set_names(features.names | {FEATURES})
        result = ov.opset13.result(features)
        alone = ov.Model([result], network.get_parameters(), "features")
        self.size = int(features.partial_shape[1].get_length())
        core = ov.Core()
        folder = cache_dir if cache_dir is not None else paths.cache_dir() / "compiled"
        try:
            self._compiled = core.compile_model(
                alone, device, {"PERFORMANCE_HINT": "LATENCY", "CACHE_DIR": str(folder)}
            )
        except RuntimeError as error:
            raise ModelError(
                Message(
                    "Model '{name}' cannot be compiled for {device}. Choose another device or model.",
                    name=model.name,
                    device=device,
                ),
                details=str(error),
            ) from error

    def __call__(self, clip: U8) -> F32:
        """Return float32 (2, F): the features of a clip, uint8 (T, S, S, 3), RGB, and of its mirror image."""
        both = [clip[None], np.ascontiguousarray(clip[None, :, :, ::-1])]
        return np.stack([np.array(self._compiled(each)[0][0], np.float32) for each in both])
