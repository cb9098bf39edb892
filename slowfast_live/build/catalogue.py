"""The models that can be built from published weights, one row each. No torch here.

Accuracies are those of the weights' authors on Kinetics-400, over the views that `views` names; Flops and
parameters likewise. pytorchvideo: https://github.com/facebookresearch/pytorchvideo (model zoo); PySlowFast:
https://github.com/facebookresearch/SlowFast (model zoo); torchvision: its weights enum.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from slowfast_live import paths
from slowfast_live.errors import ModelError, UsageError
from slowfast_live.inference.spec import Clip

PYTORCHVIDEO = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics"
PYSLOWFAST = "https://dl.fbaipublicfiles.com/pyslowfast/model_zoo/kinetics400"
TORCHVISION = "https://download.pytorch.org/models"

DEFAULT_MODEL = "slowfast_r50"


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the family.

    Attributes:
        name: Its name on the command line and, with the precision, of its folder.
        title: What the window calls it.
        family: "SlowFast", "X3D", ...
        url: Where its published weights are.
        clip: What the network sees. For SlowFast `frames` and `stride` are the Fast pathway's.
        top1: Published top-1 accuracy on Kinetics-400 in percent.
        top5: Published top-5 accuracy.
        gflops: Published multiply-adds of one view in 1e9; None where none are published.
        params_m: Published parameters in 1e6.
        alpha: Frame-rate ratio of the two pathways; None for one pathway.
        views: Over how many views of a video the accuracy was averaged.
        caffe2: The weights are a pickle of Caffe2 blobs rather than a torch file.
        transformer: Attention blocks instead of convolutions; tells the quantiser what to look for.
        licence: SPDX name of the weights' licence, as their project states it.
        sha256_prefix: First digits of the file's checksum, where the publisher put them into its name.
        heavy: Takes minutes rather than seconds to build on a laptop.
    """

    name: str
    title: str
    family: str
    url: str
    clip: Clip
    top1: float
    top5: float
    gflops: float | None
    params_m: float
    alpha: int | None = None
    views: str = "10 x 3"
    caffe2: bool = False
    transformer: bool = False
    licence: str = "Apache-2.0"
    sha256_prefix: str = ""
    heavy: bool = True

    @property
    def file_name(self) -> str:
        """Name of the file behind `url`."""
        return self.url.rsplit("/", 1)[-1]


def _slowfast(name: str, title: str, file: str, frames: int, alpha: int, *figures: float) -> Entry:
    top1, top5, gflops, params_m = figures
    clip = Clip(frames, 2, 256)
    url = f"{PYTORCHVIDEO}/{file}"
    return Entry(name, title, "SlowFast", url, clip, top1, top5, gflops, params_m, alpha=alpha)


def _resnet(name: str, title: str, family: str, file: str, clip: Clip, *figures: float) -> Entry:
    top1, top5, gflops, params_m = figures
    return Entry(name, title, family, f"{PYTORCHVIDEO}/{file}", clip, top1, top5, gflops, params_m)


def _x3d(name: str, title: str, file: str, clip: Clip, *figures: float) -> Entry:
    top1, top5, gflops, params_m = figures
    url = f"{PYTORCHVIDEO}/{file}"
    return Entry(name, title, "X3D", url, clip, top1, top5, gflops, params_m, heavy=name == "x3d_l")


def _mvit(name: str, title: str, file: str, clip: Clip, *figures: float) -> Entry:
    top1, top5, gflops, params_m = figures
    url = f"{PYTORCHVIDEO}/{file}"
    return Entry(name, title, "MViT", url, clip, top1, top5, gflops, params_m, views="5 x 1", transformer=True)


_ROWS = (
    _slowfast("slowfast_r50", "SlowFast R50 8x8", "SLOWFAST_8x8_R50.pyth", 32, 4, 76.94, 92.69, 65.71, 34.57),
    _slowfast("slowfast_4x16_r50", "SlowFast R50 4x16", "SLOWFAST_4x16_R50.pyth", 32, 8, 75.34, 91.89, 36.69, 34.48),
    _slowfast("slowfast_r101", "SlowFast R101 8x8", "SLOWFAST_8x8_R101.pyth", 32, 4, 77.90, 93.27, 127.20, 62.83),
    _slowfast(
        "slowfast_16x8_r101_50_50",
        "SlowFast R101 16x8",
        "SLOWFAST_16x8_R101_50_50.pyth",
        64,
        4,
        78.70,
        93.61,
        215.61,
        53.77,
    ),
    _resnet("slow_r50", "Slow R50 8x8", "Slow", "SLOW_8x8_R50.pyth", Clip(8, 8, 256), 74.58, 91.63, 54.52, 32.45),
    _resnet(
        "slow_4x16_r50",
        "Slow R50 4x16",
        "Slow",
        "SLOW_4x16_R50.pyth",
        Clip(4, 16, 256),
        72.40,
        90.18,
        27.55,
        32.45,
    ),
    _resnet("c2d_r50", "C2D R50 8x8", "C2D", "C2D_8x8_R50.pyth", Clip(8, 8, 256), 71.46, 89.68, 25.89, 24.33),
    _resnet("i3d_r50", "I3D R50 8x8", "I3D", "I3D_8x8_R50.pyth", Clip(8, 8, 256), 73.27, 90.70, 37.53, 28.04),
    Entry(
        "i3d_nln_r50",
        "I3D non-local R50 8x8",
        "I3D",
        f"{PYSLOWFAST}/I3D_NLN_8x8_R50.pkl",
        Clip(8, 8, 256),
        74.0,
        91.1,
        None,
        35.4,
        caffe2=True,
    ),
    _resnet("csn_r101", "CSN R101 32x2", "CSN", "CSN_32x2_R101.pyth", Clip(32, 2, 256), 77.00, 92.90, 75.62, 22.21),
    _resnet(
        "r2plus1d_r50",
        "R(2+1)D R50 16x4",
        "R(2+1)D",
        "R2PLUS1D_16x4_R50.pyth",
        Clip(16, 4, 256),
        76.01,
        92.23,
        76.45,
        28.11,
    ),
    _x3d("x3d_xs", "X3D-XS", "X3D_XS.pyth", Clip(4, 12, 182), 69.12, 88.63, 0.91, 3.79),
    _x3d("x3d_s", "X3D-S", "X3D_S.pyth", Clip(13, 6, 182), 73.33, 91.27, 2.96, 3.79),
    _x3d("x3d_m", "X3D-M", "X3D_M.pyth", Clip(16, 5, 256), 75.94, 92.72, 6.72, 3.79),
    _x3d("x3d_l", "X3D-L", "X3D_L.pyth", Clip(16, 5, 312), 77.44, 93.31, 26.64, 6.15),
    _mvit(
        "mvit_base_16x4",
        "MViT-B 16x4",
        "MVIT_B_16x4.pyth",
        Clip(16, 4, 224, resize_side=256),
        78.85,
        93.85,
        70.80,
        36.61,
    ),
    _mvit(
        "mvit_base_32x3",
        "MViT-B 32x3",
        "MVIT_B_32x3_f294077834.pyth",
        Clip(32, 3, 224, resize_side=256),
        80.30,
        94.69,
        170.37,
        36.61,
    ),
    Entry(
        "mvit_v2_s",
        "MViTv2-S 16x4",
        "MViT",
        f"{TORCHVISION}/mvit_v2_s-ae3be167.pth",
        Clip(16, 4, 224, resize_side=256),
        80.757,
        94.665,
        64.224,
        34.537,
        views="5 x 1",
        transformer=True,
        licence="BSD-3-Clause",
        sha256_prefix="ae3be167",
    ),
)

CATALOGUE: dict[str, Entry] = {entry.name: entry for entry in _ROWS}
"""All models that can be built, by name."""


def lookup(name: str) -> Entry:
    """Return the model of that name.

    Raises:
        UsageError: There is none; the message lists the valid names.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        known = ", ".join(CATALOGUE)
        raise UsageError(f"There is no model '{name}' to build. Models that can be built: {known}.") from None


def kinetics400() -> tuple[str, ...]:
    """Return the 400 class names in the order of the checkpoints' outputs."""
    path = paths.bundled("assets") / "kinetics400.json"
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}, the list of class names, cannot be read: {error}.") from error
    return tuple(names)
