"""Clips to calibrate and to compare with: real ones decoded as the app decodes them, or drawn ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from slowfast_live import paths
from slowfast_live.core.framing import Framing
from slowfast_live.core.sampling import pick, uniform_temporal_indices
from slowfast_live.errors import SourceError, UsageError
from slowfast_live.inference.spec import Clip
from slowfast_live.types import U8

_LOG = logging.getLogger(__name__)

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"})


def find_videos(places: Iterable[Path], purpose: str = "calibration") -> list[Path]:
    """Return the video files that `places` (files and folders) name, sorted, each once; `purpose` is for errors.

    Raises:
        UsageError: A place does not exist, or no place holds a video.
    """
    found: dict[Path, None] = {}
    places = list(places)
    for place in places:
        if place.is_dir():
            inside = sorted(p for p in place.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
            found.update(dict.fromkeys(inside))
        elif place.is_file():
            found[place] = None
        else:
            raise UsageError(f"{place}, given for {purpose}, does not exist.")
    if not found:
        kinds = ", ".join(sorted(VIDEO_SUFFIXES))
        raise UsageError(f"No video lies in {', '.join(map(str, places))}; looked for {kinds}.")
    return list(found)


def bundled_videos() -> list[Path]:
    """Return the videos that come with the app; none where it has none."""
    return sorted(p for p in paths.bundled("assets").rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)


def _decode(path: Path, framing: Framing) -> tuple[list[U8], list[float]]:
    pictures: list[U8] = []
    times_s: list[float] = []
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            rate = stream.average_rate or Fraction(30)
            for index, frame in enumerate(container.decode(stream)):
                time_s = frame.time if frame.time is not None else float(index / rate)
                if times_s and time_s <= times_s[-1]:
                    continue
                pictures.append(framing.admit(np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)))
                times_s.append(time_s)
    except (av.FFmpegError, IndexError, OSError) as error:
        raise SourceError(f"{path} cannot be decoded as video: {error}.") from error
    if not pictures:
        raise SourceError(f"{path} holds no picture.")
    return pictures, times_s


def windows_of(path: Path, clip: Clip, count: int) -> list[U8]:
    """Decode a video and cut `count` clips from it, evenly spread over its length.

    Args:
        path: A video file.
        clip: What the network sees.
        count: Clips wanted.

    Returns:
        uint8 (T, S, S, 3), RGB, sampled by time and framed as the app does it. Of a video shorter than the clip's span,
        one clip spread over what there is.

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
    out = np.empty((clip.frames, clip.side, clip.side, 3), np.uint8)
    framing.compose(pictures, out)
    return out


def windows_from(videos: Sequence[Path], clip: Clip, total: int) -> list[U8]:
    """Return about `total` clips, spread evenly over the videos; see `windows_of`."""
    each = max(1, round(total / max(1, len(videos))))
    windows: list[U8] = []
    for path in videos:
        windows += windows_of(path, clip, each)
        if len(windows) >= total:
            break
    return windows[:total]


def drawn(clip: Clip, count: int, seed: int = 0) -> list[U8]:
    """Draw clips of textures that move, turn and brighten over a still ground.

    They stand in where no video is at hand: they hold edges, colours and motion of every direction, but are
    no substitute for real ones when scores are to be calibrated.

    Args:
        clip: Their shape.
        count: How many.
        seed: Same seed, same clips.

    Returns:
        uint8 (T, S, S, 3) each.
    """
    rng = np.random.default_rng(seed)
    side = clip.side
    return [_drawn_one(rng, clip.frames, side) for _ in range(count)]


def _texture(rng: np.random.Generator, side: int) -> U8:
    """Colour at three scales, the coarse ones stronger, as in photographs; some scales with hard edges."""
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
            centre = start + travel * np.sin(2 * np.pi * t)
            cv2.ellipse(
                mask,
                (int(centre[0]), int(centre[1])),
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
