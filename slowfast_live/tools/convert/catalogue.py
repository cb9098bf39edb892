"""Catalog of the models that can be built from published weights, one row each. No torch here.

Accuracies are those that the authors of the weights state for the dataset they were trained on, over the views given by
`views`; the same holds for FLOPs and parameters. pytorchvideo: https://github.com/facebookresearch/pytorchvideo (model
zoo); PySlowFast: https://github.com/facebookresearch/SlowFast (model zoo, projects/mvitv2); torchvision: its weights
enum; Open Model Zoo: https://github.com/openvinotoolkit/open_model_zoo (model descriptions, accuracy-check.yml).

All networks of pytorchvideo and PySlowFast see RGB. Those for Charades and Something-Something are configured with
`REVERSE_INPUT_CHANNEL`, which reverses the BGR that OpenCV reads image files as. Open Model Zoo's see BGR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import Accuracy, Clip
from slowfast_live.tools.convert import datasets, open_model_zoo
from slowfast_live.tools.convert.datasets import Dataset
from slowfast_live.tools.convert.open_model_zoo import EncoderDecoder

PYTORCHVIDEO = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo"
PYSLOWFAST = "https://dl.fbaipublicfiles.com/pyslowfast/model_zoo"
MULTIGRID = "https://dl.fbaipublicfiles.com/pyslowfast/pyslowfast/model_zoo/multigrid/model_zoo"
MVITV2 = f"{PYSLOWFAST}/mvitv2/pysf_video_models"
TORCHVISION = "https://download.pytorch.org/models"

WHOLE_ACTION_S = (2.0, 4.0)
"""Shortest and longest time over which the clip of a whole action is spread in a live picture, in seconds."""

DEFAULT_MODEL = "slowfast_r50"


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the catalog.

    Attributes:
        name: Its name on the command line and, with the precision, of its folder.
        title: Name that the window shows.
        family: "SlowFast", "X3D", ...
        url: Address of its published weights; of their folder, if they are several files.
        clip: The network's input. For SlowFast, `frames` and `stride` are those of the Fast pathway.
        top1: Published top-1 accuracy in percent; None if unpublished.
        top5: Published top-5 accuracy in percent; None if unpublished.
        gflops: Published multiply-adds of one view in 1e9; None if unpublished.
        params_m: Published parameters in 1e6; None if unpublished.
        mean_ap: Published mean average precision in percent; None if unpublished.
        dataset: What it was trained on.
        encoder_decoder: Files of a network that is published as OpenVINO IR; None for a checkpoint.
        alpha: Frame-rate ratio of the two pathways; None for one pathway.
        views: Number of views per video over which the accuracy was averaged.
        caffe2: Whether the weights are a pickle of Caffe2 blobs instead of a torch file.
        transformer: Whether it has attention blocks instead of convolutions, which quantization needs to know.
        licence: SPDX name of the weights' license, as their project states it.
        sha256_prefix: First digits of the file's checksum, if the publisher included them in its name.
        heavy: Whether a build takes minutes rather than seconds on a laptop.
    """

    name: str
    title: str
    family: str
    url: str
    clip: Clip
    top1: float | None
    top5: float | None
    gflops: float | None
    params_m: float | None
    mean_ap: float | None = None
    dataset: Dataset = datasets.KINETICS_400
    encoder_decoder: EncoderDecoder | None = None
    alpha: int | None = None
    views: str = "10 x 3"
    caffe2: bool = False
    transformer: bool = False
    licence: str = "Apache-2.0"
    sha256_prefix: str = ""
    heavy: bool = True

    @property
    def file_name(self) -> str:
        """Name of the file at `url`."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def detects(self) -> bool:
        """Whether it scores what each person does, with a backbone and a head."""
        return self.dataset.people

    @property
    def published(self) -> tuple[Accuracy, ...]:
        """The published accuracies, as they stand in `model.json`."""
        note = f"{self.views} views, as its authors measured it; one view of a live picture gives less"
        if self.encoder_decoder is not None:
            note = "as its authors measured it"
        elif self.detects:
            note = "frame mAP with the boxes that its authors' person detector found, as they measured it"
        figures = (("top-1", self.top1), ("top-5", self.top5), ("mAP", self.mean_ap))
        return tuple(Accuracy(self.dataset.title, name, value, note=note) for name, value in figures if value)


def _slowfast(name: str, title: str, file: str, frames: int, alpha: int, *figures: float) -> Entry:
    top1, top5, gflops, params_m = figures
    clip = Clip(frames, 2, 256)
    url = f"{PYTORCHVIDEO}/kinetics/{file}"
    return Entry(name, title, "SlowFast", url, clip, top1, top5, gflops, params_m, alpha=alpha)


def _resnet(name: str, title: str, family: str, file: str, clip: Clip, *figures: float) -> Entry:
    top1, top5, gflops, params_m = figures
    return Entry(name, title, family, f"{PYTORCHVIDEO}/kinetics/{file}", clip, top1, top5, gflops, params_m)


def _x3d(name: str, title: str, file: str, clip: Clip, *figures: float | None) -> Entry:
    top1, top5, gflops, params_m = figures
    url = f"{PYTORCHVIDEO}/kinetics/{file}"
    family = "Efficient X3D" if name.startswith("efficient") else "X3D"
    return Entry(name, title, family, url, clip, top1, top5, gflops, params_m, heavy=name == "x3d_l")


def _mvit(name: str, title: str, file: str, clip: Clip, *figures: float) -> Entry:
    top1, top5, gflops, params_m = figures
    url = f"{PYTORCHVIDEO}/kinetics/{file}"
    return Entry(name, title, "MViT", url, clip, top1, top5, gflops, params_m, views="5 x 1", transformer=True)


def _charades(name: str, title: str, family: str, url: str, clip: Clip, *figures: float | None, **more: Any) -> Entry:
    """Build a row for Charades; figures: mAP, GFLOPs, parameters."""
    mean_ap, gflops, params_m = figures
    charades, title = datasets.CHARADES, f"{title}, Charades"
    clip = msgspec.structs.replace(clip, fps=charades.fps)
    return Entry(name, title, family, url, clip, None, None, gflops, params_m, mean_ap, charades, **more)


def _something(name: str, title: str, family: str, url: str, clip: Clip, *figures: float | None, **more: Any) -> Entry:
    """Build a row for Something-Something v2; figures: top-1, top-5, GFLOPs, parameters."""
    clip = msgspec.structs.replace(clip, spans_s=WHOLE_ACTION_S, mirrored=False)
    dataset, title = datasets.SOMETHING_V2, f"{title}, Something-Something v2"
    top1, top5, gflops, params_m = figures
    more = {"views": "3 x 1", **more}
    return Entry(name, title, family, url, clip, top1, top5, gflops, params_m, dataset=dataset, **more)


def _detection(name: str, title: str, family: str, url: str, clip: Clip, *figures: float | None, **more: Any) -> Entry:
    """Build a row for AVA, a network that scores what each person does; figures: mAP, parameters."""
    mean_ap, params_m = figures
    more = {"dataset": datasets.AVA, **more}
    title = f"{title}, {more['dataset'].title}"
    clip = msgspec.structs.replace(clip, crop="whole")
    return Entry(name, title, family, url, clip, None, None, None, params_m, mean_ap, **more)


def _encoder_decoder(files: EncoderDecoder, title: str, dataset: Dataset, stride: int, *figures: float | None) -> Entry:
    """Build a row for a network of Open Model Zoo; figures: top-1, GFLOPs, parameters."""
    top1, gflops, params_m = figures
    return Entry(
        files.name.replace("-", "_"),
        title,
        "Encoder-decoder",
        files.url,
        Clip(files.frames, stride, 224, mirrored=dataset.mirrored),
        top1,
        None,
        gflops,
        params_m,
        dataset=dataset,
        encoder_decoder=files,
    )


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
        f"{PYSLOWFAST}/kinetics400/I3D_NLN_8x8_R50.pkl",
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
    _x3d(
        "efficient_x3d_xs",
        "Efficient X3D-XS",
        "efficient_x3d_xs_original_form.pyth",
        Clip(4, 12, 182),
        68.5,
        88.0,
        None,
        3.79,
    ),
    _x3d(
        "efficient_x3d_s",
        "Efficient X3D-S",
        "efficient_x3d_s_original_form.pyth",
        Clip(13, 6, 182),
        73.0,
        90.6,
        None,
        3.79,
    ),
    Entry(
        "slowfast_r50_stepwise",
        "SlowFast R50 8x8 stepwise",
        "SlowFast",
        f"{MULTIGRID}/Kinetics/SLOWFAST_8x8_R50_stepwise.pkl",
        Clip(32, 2, 256),
        76.8,
        92.7,
        65.71,
        34.57,
        alpha=4,
    ),
    Entry(
        "mvit_v2_s_pyslowfast",
        "MViTv2-S 16x4 (PySlowFast)",
        "MViT",
        f"{MVITV2}/MViTv2_S_16x4_k400_f302660347.pyth",
        Clip(16, 4, 224, resize_side=256),
        81.0,
        94.6,
        64.224,
        34.537,
        views="5 x 1",
        transformer=True,
    ),
    Entry(
        "mvit_v2_b",
        "MViTv2-B 32x3",
        "MViT",
        f"{MVITV2}/MViTv2_B_32x3_k400_f304025456.pyth",
        Clip(32, 3, 224, resize_side=256),
        82.9,
        95.7,
        225.0,
        51.2,
        views="5 x 1",
        transformer=True,
    ),
    Entry(
        "mvit_base_32x3_k600",
        "MViT-B 32x3, Kinetics-600",
        "MViT",
        f"{PYSLOWFAST}/mvit/k600.pyth",
        Clip(32, 3, 224, resize_side=256),
        83.9,
        96.5,
        None,
        None,
        dataset=datasets.KINETICS_600,
        views="5 x 1",
        transformer=True,
    ),
    _charades(
        "slow_r50_charades",
        "Slow R50 8x8",
        "Slow",
        f"{PYTORCHVIDEO}/charades/SLOW_8x8_R50.pyth",
        Clip(8, 8, 256),
        34.72,
        55.10,
        31.96,
    ),
    _charades(
        "slowfast_r50_charades",
        "SlowFast R50 8x8",
        "SlowFast",
        f"{PYTORCHVIDEO}/charades/SLOWFAST_8x8_R50.pyth",
        Clip(32, 2, 256),
        37.24,
        66.60,
        34.00,
        alpha=4,
    ),
    _charades(
        "slowfast_16x8_r50_charades",
        "SlowFast R50 16x8",
        "SlowFast",
        f"{MULTIGRID}/Charades/SLOWFAST_16x8_R50.pkl",
        Clip(64, 2, 256),
        38.9,
        None,
        None,
        alpha=4,
    ),
    _something(
        "slow_r50_ssv2",
        "Slow R50 8x8",
        "Slow",
        f"{PYTORCHVIDEO}/ssv2/SLOW_8x8_R50.pyth",
        Clip(8, 8, 256),
        60.04,
        85.19,
        55.10,
        31.96,
    ),
    _something(
        "slowfast_r50_ssv2",
        "SlowFast R50 8x8",
        "SlowFast",
        f"{PYTORCHVIDEO}/ssv2/SLOWFAST_8x8_R50.pyth",
        Clip(32, 2, 256),
        61.68,
        86.92,
        66.60,
        34.04,
        alpha=4,
    ),
    _something(
        "slowfast_16x8_r50_ssv2",
        "SlowFast R50 16x8",
        "SlowFast",
        f"{MULTIGRID}/SSv2/SLOWFAST_16x8_R50.pkl",
        Clip(64, 1, 256),
        63.0,
        88.5,
        None,
        None,
        alpha=4,
        views="1",
    ),
    _something(
        "mvit_v2_s_ssv2",
        "MViTv2-S 16x4",
        "MViT",
        f"{MVITV2}/MViTv2_S_16x4_ssv2_f308341823.pyth",
        Clip(16, 4, 224, resize_side=256),
        68.2,
        91.4,
        64.0,
        34.4,
        transformer=True,
    ),
    _something(
        "mvit_v2_b_ssv2",
        "MViTv2-B 32x3",
        "MViT",
        f"{MVITV2}/MViTv2_B_32x3_ssv2_f305803282.pyth",
        Clip(32, 2, 224, resize_side=256),
        70.5,
        92.7,
        225.0,
        51.1,
        transformer=True,
    ),
    _detection(
        "slow_r50_detection",
        "Slow R50 4x16",
        "Slow",
        f"{PYTORCHVIDEO}/ava/SLOW_4x16_R50_DETECTION.pyth",
        Clip(4, 16, 256),
        19.5,
        31.78,
    ),
    _detection(
        "slowfast_r50_detection",
        "SlowFast R50 8x8",
        "SlowFast",
        f"{PYTORCHVIDEO}/ava/SLOWFAST_8x8_R50_DETECTION.pyth",
        Clip(32, 2, 256),
        24.67,
        33.82,
        alpha=4,
    ),
    _detection(
        "slowfast_r101_50_50_detection_v21",
        "SlowFast R101 8x8 non-local",
        "SlowFast",
        f"{PYSLOWFAST}/ava/SLOWFAST_32x2_R101_50_50_v2.1.pkl",
        Clip(32, 2, 256),
        28.2,
        None,
        alpha=4,
        dataset=datasets.AVA_21,
    ),
    _detection(
        "slowfast_r101_50_50_detection",
        "SlowFast R101 8x8 non-local",
        "SlowFast",
        f"{PYSLOWFAST}/ava/SLOWFAST_32x2_R101_50_50.pkl",
        Clip(32, 2, 256),
        29.1,
        None,
        alpha=4,
    ),
    _detection(
        "slowfast_16x8_r101_50_50_detection",
        "SlowFast R101 16x8 non-local",
        "SlowFast",
        f"{PYSLOWFAST}/ava/SLOWFAST_64x2_R101_50_50.pkl",
        Clip(64, 2, 256),
        29.4,
        None,
        alpha=4,
    ),
    _encoder_decoder(
        open_model_zoo.ACTION_RECOGNITION,
        "Action recognition 0001",
        datasets.KINETICS_400,
        2,
        56.5283,
        58.80,
        25.681,
    ),
    _encoder_decoder(
        open_model_zoo.DRIVER_ACTION_RECOGNITION,
        "Driver action recognition ADAS 0002",
        datasets.DRIVERS,
        2,
        93.8253,
        5.48,
        7.068,
    ),
    _encoder_decoder(
        open_model_zoo.WELD_POROSITY_DETECTION,
        "Weld porosity detection 0001",
        datasets.WELDING,
        1,
        97.14,
        29.09,
        11.173,
    ),
)

CATALOGUE: dict[str, Entry] = {entry.name: entry for entry in _ROWS}
"""All models that can be built, by name."""


def lookup(name: str) -> Entry:
    """Return the model with that name.

    Raises:
        UsageError: There is none; the message lists the valid names.
    """
    try:
        return CATALOGUE[name]
    except KeyError:
        known = ", ".join(CATALOGUE)
        raise UsageError(f"There is no model '{name}' to build. Models that can be built: {known}.") from None


def kinetics400() -> tuple[str, ...]:
    """Return the 400 class names of Kinetics-400 in the order of the checkpoints' outputs."""
    return datasets.KINETICS_400.labels()
