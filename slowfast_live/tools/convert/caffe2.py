"""Caffe2 checkpoints: PySlowFast's non-local I3D, a pickle of NumPy blobs."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from slowfast_live.errors import ModelError
from slowfast_live.tools.convert.safe_pickle import unpickle_arrays

_TRAINING_BLOBS = re.compile(r"(_momentum|^lr$|^model_iter$|_lr$)")
"""Caffe2 blobs of the optimizer, which are not part of a network."""

_BATCH_NORM = {"s": "weight", "b": "bias", "rm": "running_mean", "riv": "running_var"}


def load_caffe2(path: Path) -> dict[str, Tensor]:
    """Read the blobs of a Caffe2 pickle, {"blobs": {name: array}}, without those of the optimizer.

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
    """Translate the name of a Caffe2 blob of PySlowFast's I3D_NLN_8x8_R50 to that in our I3D with non-local blocks.

    `conv1_w` is the stem's convolution, `res4_2_branch2b_bn_riv` a batch-norm variance, `nonlocal_conv4_1_phi_b` a bias
    of the non-local block after block 1 of stage 4, `pred_w` the classifier.

    Raises:
        ModelError: That network has no blob of this name.
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
        # If a non-local block follows, the residual block is the first of the two.
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
    # Stage 2 is part 1; a pooling layer lies between it and stage 3.
    part = 1 if stage == "2" else int(stage)
    return f"blocks.{part}.res_blocks.{index}"


def from_caffe2(blobs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the blobs of I3D_NLN_8x8_R50 with the names of our network."""
    return {i3d_nln_name(name): blob for name, blob in blobs.items()}
