"""Judge motions without rendering: classify the joints of real people after training on the joints of rendered ones.

The joints of the motions are projected through the cameras of `dataset`, a small convolutional network over time is
trained on them, and the 2-D joints that a pose network found in real clips are classified. A real clip that is missed
here is missed for its motion or its viewpoint, not for its pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from slowfast_live.core.sampling import ClipTiming
from slowfast_live.errors import UsageError
from slowfast_live.tools.training.acting import Recordings
from slowfast_live.tools.training.actions import LABELS, REJECT
from slowfast_live.tools.training.config import bundled
from slowfast_live.tools.training.dataset import draw_label
from slowfast_live.tools.training.figure import joints
from slowfast_live.tools.training.filming import FilmStudio, stage

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

PARTS = ("head", *(part + side for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in "LR"))
"""The joints that are compared, in order."""

_LANDMARKS = (0, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Where `PARTS` stand among the 33 landmarks of BlazePose; the nose stands for the head."""

_SHOULDERS, _HIPS = (1, 2), (7, 8)
_PAIRS = ((3, 4), (5, 6), (9, 10), (11, 12))
_STEP_S = 0.25
"""From one window of a real clip to the next."""

TIMING = ClipTiming(32, 1, 16.0)
"""Two seconds, as the larger model sees them; joints of real clips are known less often and are filled in."""


@dataclass(frozen=True)
class Tracks:
    """Joints in pictures over time.

    Attributes:
        xy: float64 (N, T, 13, 2), pixels from the top left corner; also of joints outside the picture.
        seen: (N, T, 13), whether a joint lies inside the picture.
    """

    xy: F64
    seen: Mask


def project(seed: int, studio: FilmStudio) -> tuple[F64, Mask, int]:
    """Return the joints of the clip of a seed, as `dataset.sample` would film it: (T, 13, 2), (T, 13), label."""
    rng = np.random.default_rng(seed)
    label = draw_label(rng)
    scene = stage(rng, label, studio)
    at = joints(scene.lead.who, scene.lead.pose).at
    at["head"] = (at["chin"] + at["crown"]) / 2
    xy = scene.project(np.stack([at[name] for name in PARTS], 1))
    return xy, _inside(xy, scene.height, scene.width), label


def _inside(xy: F64, height: int, width: int) -> Mask:
    margin = 0.03 * min(height, width)
    low, high = -margin, np.array([width, height]) + margin
    return np.asarray(((xy > low) & (xy < high)).all(-1))


def generate(count: int, seed: int, recordings: Recordings | None = None) -> tuple[Tracks, I64]:
    """Project `count` clips of consecutive seeds."""
    clip = msgspec.structs.replace(bundled().clip, frames=TIMING.frames, stride=TIMING.stride, fps=TIMING.fps)
    studio = FilmStudio(clip, recordings)
    drawn = [project(seed + i, studio) for i in range(count)]
    xy, seen, labels = zip(*drawn, strict=True)
    return Tracks(np.stack(xy), np.stack(seen)), np.array(labels, np.int64)


def degrade(tracks: Tracks, rng: np.random.Generator) -> Tracks:
    """Add what pose networks get wrong: jitter, offsets, limbs that drift or swap, frames held, another proportion."""
    n, t = tracks.xy.shape[:2]
    xy, seen = tracks.xy.copy(), tracks.seen.copy()
    size = _size(xy)[:, None, None, None]
    xy += rng.normal(0, 1, (n, 1, 13, 2)) * size * 0.05
    xy += rng.normal(0, 1, xy.shape) * size * rng.choice([0.01, 0.03, 0.06], (n, 1, 1, 1))
    drift = np.cumsum(rng.normal(0, 0.08, xy.shape), 1) * size
    xy = np.where(rng.random((n, 1, 13, 1)) < 0.06, xy + drift, xy)
    xy = _resampled(xy, rng)
    # Pictures of a slower source, or joints that were not found, are those of the frame before.
    for i in np.flatnonzero(rng.random(n) < 0.12):
        every = 2
        xy[i] = xy[i, (np.arange(t) // every) * every]
    for i in np.flatnonzero(rng.random(n) < 0.25):
        k, length = int(rng.integers(1, t - 1)), int(rng.integers(1, 5))
        xy[i, k : k + length] = xy[i, k - 1]
    for a, b in _PAIRS:
        for i in np.flatnonzero(rng.random(n) < 0.03):
            k, length = int(rng.integers(t)), int(rng.integers(1, 8))
            xy[i, k : k + length, [a, b]] = xy[i, k : k + length, [b, a]]
    seen &= rng.random((n, 1, 13)) > 0.02
    center = xy.mean((1, 2), keepdims=True)
    turn = rng.normal(0, 0.06, n)
    matrix = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], -1).reshape(n, 2, 2)
    wide = np.exp(rng.normal(0, 0.06, (n, 1, 1, 1))) * np.array([1.0, 0.0]) + np.array([0.0, 1.0])
    return Tracks(np.einsum("nij,ntkj->ntki", matrix, (xy - center) * wide) + center, seen)


def _resampled(xy: F64, rng: np.random.Generator) -> F64:
    """Sample at other instants, as the joints of real clips are, and fill in between in straight lines."""
    t = xy.shape[1]
    instants = np.arange(t) / TIMING.fps
    step = 1 / rng.uniform(9, 13)
    knots = np.arange(rng.uniform(-step, 0), instants[-1] + step, step)
    at = np.clip(knots * TIMING.fps, 0, t - 1)

    def pick(a: F64, where: F64) -> F64:
        low = where.astype(int)
        high = np.minimum(low + 1, a.shape[1] - 1)
        w = (where - low)[None, :, None, None]
        return np.asarray(a[:, low] * (1 - w) + a[:, high] * w)

    return pick(pick(xy, at), np.clip((instants - knots[0]) / step, 0, len(knots) - 1))


def _extent(xy: F64) -> F64:
    """How long the trunk is in each picture in pixels, from whichever measure is not foreshortened: (N, T)."""

    def middle(pair: tuple[int, int]) -> F64:
        return np.asarray(xy[:, :, list(pair)].mean(2))

    trunk = np.linalg.norm(middle(_SHOULDERS) - middle(_HIPS), axis=-1)
    across = np.linalg.norm(xy[:, :, _SHOULDERS[0]] - xy[:, :, _SHOULDERS[1]], axis=-1)
    return np.asarray(np.maximum(trunk, across * 1.1))


def _size(xy: F64) -> F64:
    """How long the trunk of each clip's person usually is in pixels: (N,)."""
    return np.asarray(np.maximum(np.median(_extent(xy), 1), 1.0))


def features(tracks: Tracks) -> F32:
    """Return what the network sees, float32 (N, 92, T): places, poses, speeds, what is seen, and how size changes."""
    xy, seen = tracks.xy, tracks.seen[..., None].astype(np.float64)
    middle = xy[:, :, list(_SHOULDERS)].mean(2)
    size = _size(xy)[:, None, None, None]
    place = (xy - np.median(middle, 1)[:, None, None]) / size
    pose = (xy - middle[:, :, None]) / size
    speed = np.diff(place, axis=1, prepend=place[:, :1]) * TIMING.fps * 0.4
    parts = np.concatenate([place * seen, pose * seen, speed * seen], 2).reshape(*xy.shape[:2], -1)
    growth = np.log(np.maximum(_extent(xy), 1.0) / size[:, :, 0, 0])[..., None]
    whole = np.concatenate([np.clip(parts, -8, 8), tracks.seen, np.clip(growth, -2, 2)], 2)
    return np.ascontiguousarray(whole.transpose(0, 2, 1), np.float32)


class JointNetwork(nn.Module):
    """Five 1-D convolutions over time; mean and maximum over time; one linear layer."""

    def __init__(self, channels: int, classes: int, width: int = 160) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for number, stride in enumerate((1, 2, 1, 2, 1)):
            kernel = 5 if number == 0 else 3
            layers += [
                nn.Conv1d(channels, width, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
            ]
            channels = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(0.4), nn.Linear(2 * width, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Take float (N, C, T), return logits (N, K)."""
        y = self.body(x)
        return self.head(torch.cat([y.mean(2), y.amax(2)], 1))  # type: ignore[no-any-return]


def train(tracks: Tracks, labels: I64, epochs: int, seed: int, report: Callable[[str], None]) -> JointNetwork:
    """Train a network on projected joints, degraded anew in each epoch."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    batch = min(256, len(labels))
    each = len(labels) // batch
    network = JointNetwork(features(Tracks(tracks.xy[:1], tracks.seen[:1])).shape[1], len(LABELS))
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * each)
    targets = torch.from_numpy(labels)
    for epoch in range(epochs):
        seen = torch.from_numpy(features(degrade(tracks, rng)))
        order = torch.from_numpy(rng.permutation(len(labels)))
        network.train()
        right = 0.0
        for part in order[: each * batch].reshape(each, batch):
            scores = network(seen[part])
            loss = functional.cross_entropy(scores, targets[part], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            right += float((scores.argmax(1) == targets[part]).float().mean())
        report(f"epoch {epoch + 1} of {epochs}: {right / each:.1%} right")
    return network.eval()


@dataclass(frozen=True)
class PoseClip:
    """The joints of a real clip.

    Attributes:
        name: Of the file.
        group: Which collection it belongs to.
        label: One of `LABELS`; `REJECT` where what is done is none of the actions.
        xy: (F, 13, 2), NaN where nobody was found.
        fps: Frames a second.
        size: Height and width of the picture.
    """

    name: str
    group: str
    label: str
    xy: F64
    fps: float
    size: tuple[int, int]


_SAME = {
    "waving one hand": "waving hand",
    "waving two hands": "waving both hands",
    "waving both": "waving both hands",
    "boxing": "punching",
    "running on spot": "running",
    "walking indoor": "walking",
}


def _label(stem: str) -> tuple[str, str]:
    """Return collection and label of a file named COLLECTION__LABEL[__...][_NUMBER] or as Weizmann's are."""
    group, _, rest = stem.partition("__")
    name = rest.partition("__")[0]
    words = [w for w in Path(name).stem.split("_") if not w.isdigit() and w != "org"]
    if group == "weizmann":
        words = words[1:]
    text = " ".join(words)
    text = _SAME.get(text, text)
    return group, text if text in LABELS else REJECT


def read_clips(folder: Path) -> list[PoseClip]:
    """Read the .npz files of a folder: K (F, 33, 4), fps, shape.

    Raises:
        UsageError: There is none, or one cannot be read.
    """
    out = []
    for path in sorted(folder.glob("*.npz")):
        try:
            with np.load(path) as file:
                points, fps, shape = file["K"], float(file["fps"]), file["shape"]
            group, label = _label(path.stem)
            xy = points[:, _LANDMARKS, :2].astype(np.float64)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise UsageError(
                f"{path} holds no joints: {error}. Expected arrays K (F, 33, 4), fps and shape."
            ) from error
        out.append(PoseClip(path.stem, group, label, xy, fps, (int(shape[0]), int(shape[1]))))
    if not out:
        raise UsageError(f"{folder}, given with --poses, holds no joints (*.npz).")
    return out


def windows(clip: PoseClip) -> Tracks | None:
    """Cut a clip into windows of the network's timing, one each 0.25 s; None if hardly anybody was found."""
    found = np.flatnonzero(~np.isnan(clip.xy[:, 0, 0]))
    if len(found) < 4:
        return None
    instants = np.arange(len(clip.xy)) / clip.fps
    last = instants[-1]
    wanted = np.array(TIMING.offsets_s) + TIMING.span_s
    starts = np.arange(0, max(last - TIMING.span_s, 0) + 1e-6, _STEP_S)
    at = np.minimum(starts[:, None] + wanted, last)
    flat = clip.xy.reshape(len(clip.xy), -1)
    xy = np.stack([np.interp(at, instants[found], column[found]) for column in flat.T], -1)
    xy = xy.reshape(*at.shape, len(PARTS), 2)
    return Tracks(xy, _inside(xy, *clip.size))


@dataclass(frozen=True)
class Verdict:
    """What the network says of a clip: mean probabilities (K,), and those of each window (W, K)."""

    clip: PoseClip
    mean: F64
    each: F64

    def rank(self) -> int:
        """Return how many labels are thought likelier than the right one."""
        return int((self.mean > self.mean[LABELS.index(self.clip.label)]).sum())

    @property
    def best(self) -> str:
        """The likeliest label."""
        return LABELS[int(self.mean.argmax())]


@torch.no_grad()
def judge(networks: Sequence[JointNetwork], clips: Sequence[PoseClip]) -> list[Verdict]:
    """Classify real clips; the probabilities of several networks are averaged."""
    out = []
    for clip in clips:
        cut = windows(clip)
        if cut is None:
            each = np.eye(len(LABELS))[[LABELS.index(REJECT)]]
        else:
            seen = torch.from_numpy(features(cut))
            each = np.mean([network(seen).softmax(1).double().numpy() for network in networks], 0)
        out.append(Verdict(clip, each.mean(0), each))
    return out
