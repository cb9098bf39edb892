"""Clips for calibration and comparison: real ones, decoded as in the app, or synthetic ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from slowfast_live import paths
from slowfast_live.core.framing import Framing
from slowfast_live.core.sampling import pick, uniform_temporal_indices
from slowfast_live.errors import SourceError, UsageError
from slowfast_live.inference.spec import Clip
from slowfast_live.sources.local import bounded_source
from slowfast_live.sources.videos import find_videos, is_video_name
from slowfast_live.types import U8

_LOG = logging.getLogger(__name__)


def calibration_videos(places: Sequence[Path]) -> list[Path]:
    """Return the videos in `places` (files and folders), each once.

    Raises:
        UsageError: A place does not exist or cannot be searched, or no place contains a video.
    """
    found = find_videos(places)
    if found.unread:
        raise UsageError(found.unread[0].reason)
    return [video.path for video in found.files]


def bundled_videos() -> list[Path]:
    """Return the videos that are shipped with the app, if any."""
    return sorted(p for p in paths.bundled("assets").rglob("*") if is_video_name(p.name))


def _decode(path: Path, framing: Framing) -> tuple[list[U8], list[float]]:
    pictures: list[U8] = []
    times_s: list[float] = []
    with closing(bounded_source(path)) as source:
        source.open()
        while (picture := source.read()) is not None:
            pictures.append(framing.admit(picture.image))
            times_s.append(picture.t_s)
    if not pictures:
        raise SourceError(f"{path} holds no picture.")
    return pictures, times_s


def windows_of(path: Path, clip: Clip, count: int) -> list[U8]:
    """Decode a video and cut `count` clips from it, evenly spaced over its length.

    Args:
        path: A video file.
        clip: The network's input.
        count: Number of clips.

    Returns:
        uint8 (T, S, S, 3), RGB, or (T, H, W, 3) of whole pictures, sampled by time and cropped as in the app. A video
        shorter than the clip's span gives one clip, spread over its length.

    Raises:
        SourceError: It cannot be decoded.
    """
    framing, timing = clip.framing(), clip.timing
    pictures, times_s = _decode(path, framing)
    first = next((i for i, t in enumerate(times_s) if t - times_s[0] >= timing.span_s - timing.tolerance_s), None)
    if first is None:
        return [_composed(framing, clip, [pictures[i] for i in uniform_temporal_indices(len(pictures), clip.frames)])]
    ends = sorted({int(i) for i in np.linspace(first, len(times_s) - 1, count)})
    windows: list[U8] = []
    for end in ends:
        picked = pick(times_s[: end + 1], timing)
        assert picked is not None, "the span is covered from `first` on"
        windows.append(_composed(framing, clip, [pictures[i] for i in picked]))
    return windows


def _composed(framing: Framing, clip: Clip, pictures: Sequence[U8]) -> U8:
    height, width = pictures[0].shape[:2] if clip.crop == "whole" else (clip.side, clip.side)
    out = np.empty((clip.frames, height, width, 3), np.uint8)
    framing.compose(pictures, out)
    return out


def windows_from(videos: Sequence[Path], clip: Clip, total: int) -> list[U8]:
    """Return about `total` clips, evenly distributed over the videos; see `windows_of`."""
    each = max(1, round(total / max(1, len(videos))))
    windows: list[U8] = []
    for path in videos:
        windows += windows_of(path, clip, each)
        if len(windows) >= total:
            break
    return windows[:total]


def drawn(clip: Clip, count: int, seed: int = 0) -> list[U8]:
    """Generate clips of textures that move, rotate and brighten over a still background.

    They are used if no video is available: they contain edges, colors and motion in every direction, but cannot replace
    real ones for calibrating scores.

    Args:
        clip: Determines their shape.
        count: Number of clips.
        seed: The same seed gives the same clips.

    Returns:
        uint8 (T, S, S, 3) each.
    """
    rng = np.random.default_rng(seed)
    side = clip.side
    return [_drawn_one(rng, clip.frames, side) for _ in range(count)]


def _texture(rng: np.random.Generator, side: int) -> U8:
    """Return color noise at three scales, the coarse ones stronger, as in photographs; some scales have hard edges."""
    picture = np.zeros((side, side, 3), np.float32)
    for grain, weight in ((3, 0.5), (12, 0.3), (side // 4, 0.2)):
        coarse = rng.random((grain, grain, 3), dtype=np.float32)
        coarse = coarse * 0.4 + coarse.mean(2, keepdims=True) * 0.6
        how = cv2.INTER_NEAREST if rng.random() < 0.5 else cv2.INTER_LINEAR
        picture += weight * cv2.resize(coarse, (side, side), interpolation=how)
    picture = (picture - picture.mean()) * rng.uniform(1.0, 3.0) + rng.uniform(0.2, 0.7)
    return np.asarray((picture * 255).clip(0, 255), np.uint8)


def _drawn_one(rng: np.random.Generator, frames: int, side: int) -> U8:
    ground = _texture(rng, side)
    shapes = [
        (
            _texture(rng, side),
            rng.uniform(0.2, 0.8, 2) * side,
            rng.uniform(-0.5, 0.5, 2) * side,
            rng.uniform(0.08, 0.3, 2) * side,
            rng.uniform(0, 180),
            rng.uniform(-270, 270),
        )
        for _ in range(int(rng.integers(1, 5)))
    ]
    gain = rng.uniform(0.4, 1.2, 2)
    clip = np.empty((frames, side, side, 3), np.uint8)
    for index in range(frames):
        t = index / max(1, frames - 1)
        picture = ground.copy()
        for texture, start, travel, axes, angle, turn in shapes:
            mask = np.zeros((side, side), np.uint8)
            center = start + travel * np.sin(2 * np.pi * t)
            cv2.ellipse(
                mask,
                (int(center[0]), int(center[1])),
                (max(1, int(axes[0])), max(1, int(axes[1]))),
                float(angle + turn * t),
                0,
                360,
                255,
                -1,
            )
            picture[mask > 0] = texture[mask > 0]
        brightness = gain[0] + (gain[1] - gain[0]) * t
        clip[index] = np.clip(picture * brightness, 0, 255).astype(np.uint8)
    return clip
