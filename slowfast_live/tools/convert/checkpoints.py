"""Published and own checkpoints: finds the state dict in a file and loads it into a network."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from slowfast_live.errors import ModelError
from slowfast_live.tools.convert.safe_pickle import torch_globals

_WRAPPERS = (
    "model_state",
    "model_state_dict",
    "state_dict",
    "model",
    "network",
    "net",
    "weights",
    "params",
    "module",
    "ema",
    "model_ema",
    "state_dict_ema",
)
"""Keys under which training code stores the state dict; the first one that exists counts."""

_NOT_WEIGHTS = frozenset({"optimizer", "optimizer_state", "optimizer_state_dict", "optimizer_states", "optim"})
_DEEPEST = 4
"""Maximum nesting depth of mappings that are searched for a state dict."""

HOW_TO_SAVE = 'Save the weights alone with torch.save(model.state_dict(), "weights.pth") and give that file.'


def load_torch(path: Path) -> dict[str, Tensor]:
    """Read the state dict in a file of `torch.save` or safetensors; no code in it is executed.

    Args:
        path: A file with the state dict itself, or with mappings that hold it, under one of the usual names
            (`model_state`, `model_state_dict`, `state_dict`, `model`, ...) or any other.

    Returns:
        The tensors under the names that they have in the file; `fill` removes the prefixes of wrappers.

    Raises:
        ModelError: It cannot be read, contains code, or contains no state dict.
    """
    content = _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_torch(path)
    state = next(_state_dicts(content), None)
    if state is None:
        raise ModelError(
            f"{path} holds no state dict: expected names with tensors, or one under {', '.join(_WRAPPERS[:4])}. "
            + HOW_TO_SAVE
        )
    return state


def _read_torch(path: Path) -> Any:
    if known := _known_as_another_file(path):
        raise ModelError(f"{path} is {known}, not a checkpoint of torch.")
    try:
        with torch.serialization.safe_globals(torch_globals()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path} was refused: it is damaged, or holds more than tensors and plain values (a whole model, or "
            f"objects of the training code), and reading those can run code. {HOW_TO_SAVE}",
            details=str(error),
        ) from error
    except Exception as error:  # a damaged checkpoint may raise anything
        if "TorchScript" in str(error):
            raise ModelError(f"{path} is a TorchScript archive. {HOW_TO_SAVE}", details=str(error)) from error
        raise ModelError(f"{path} cannot be read as a torch checkpoint.", details=str(error)) from error


def _read_safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except Exception as error:  # a damaged file may raise anything
        raise ModelError(f"{path} cannot be read as safetensors.", details=str(error)) from error


def _known_as_another_file(path: Path) -> str:
    """Return the actual type of a file that is often mistaken for a checkpoint; "" for any other file."""
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip()
    except OSError:
        return ""
    if start.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS (fetch the file itself with `git lfs pull`)"
    if start[:9].lower().startswith((b"<!doctype", b"<html")):
        return "a web page (the download was answered by a page)"
    return ""


def _state_dicts(content: Any, depth: int = 0) -> Iterator[dict[str, Tensor]]:
    """Yield the state dicts in a checkpoint, the most likely one first."""
    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return
    tensors = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}
    inside = {name: value for name, value in content.items() if isinstance(value, Mapping) and name not in _NOT_WEIGHTS}
    known = [name for name in _WRAPPERS if name in inside]
    for name in known:
        yield from _state_dicts(inside[name], depth + 1)
    if tensors:
        yield tensors
    others = (found for name in inside if name not in known for found in _state_dicts(inside[name], depth + 1))
    yield from sorted(others, key=len, reverse=True)


def fill(network: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Load a state dict strictly: every name and shape must match.

    Args:
        network: The network to fill.
        state: Names and tensors. Prefixes of wrappers ("module.", "model.", "_orig_mod.", in any number and order) are
            removed. Counters of batch-norm updates may be missing; a vector may stand for a tensor with further
            dimensions of 1.
        origin: Name of the state dict in messages.

    Raises:
        ModelError: Names are missing or unexpected, shapes differ, or numbers are not finite; the message says which.
    """
    wanted = network.state_dict()
    given = without_prefix(state, wanted)
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
    if broken := _not_finite(given):
        raise ModelError(
            f"{origin} holds numbers that are not finite (NaN or infinity) in {'; '.join(_listed('weights', broken))}: "
            "training diverged, or the file is damaged. Give an earlier checkpoint."
        )
    network.load_state_dict(given, strict=True)


def without_prefix(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict with the names of a network: without the prefixes of wrappers.

    The prefix ("model.", "module.model._orig_mod.", ...) is the one under which most of the wanted names are found. If
    all of them are found, names without the prefix belong to something else (a loss, a second network) and are removed;
    else they are kept, so that a message can list them.
    """
    votes: dict[str, int] = {}
    for name in state:
        for prefix in _prefixes(name):
            votes[prefix] = votes.get(prefix, 0) + (name[len(prefix) :] in wanted)
    best = max(votes, key=lambda prefix: (votes[prefix], -len(prefix)), default="")
    inside = {name[len(best) :]: tensor for name, tensor in state.items() if name.startswith(best)}
    if best and all(name in inside or name.endswith("num_batches_tracked") for name in wanted):
        return inside
    return inside | {name: tensor for name, tensor in state.items() if not name.startswith(best)}


def _prefixes(name: str) -> Iterator[str]:
    """Yield the possible prefixes of a name: "", "a.", "a.b." for "a.b.c"."""
    yield ""
    for index, letter in enumerate(name):
        if letter == ".":
            yield name[: index + 1]


def _not_finite(state: Mapping[str, Tensor]) -> list[str]:
    return sorted(name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all())


def _listed(what: str, names: list[str], shown: int = 3) -> list[str]:
    if not names:
        return []
    rest = f" and {len(names) - shown} more" if len(names) > shown else ""
    return [f"{what}: {', '.join(names[:shown])}{rest}"]
