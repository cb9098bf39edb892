"""Asking other programs what a video holds: ffprobe and ffmpeg."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sources.numbered_video import SIZE, number_of

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffprobe") is None or shutil.which("ffmpeg") is None, reason="needs the ffmpeg command"
)


def probe(path: Path) -> dict[str, Any]:
    """Return what ffprobe says: format, and streams by type; nothing may be wrong with the file."""
    command = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    found = json.loads(done.stdout)
    return {"format": found["format"], **{stream["codec_type"]: stream for stream in found["streams"]}}


def picture_times(path: Path) -> list[float]:
    """Return the presentation times of all pictures, decoded by ffmpeg."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=pts_time", "-of", "csv=p=0"]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [float(line.strip(",")) for line in done.stdout.split() if line.strip(",")]


def numbers(path: Path, size: tuple[int, int] = SIZE) -> list[int]:
    """Return the numbers that the pictures carry; see `numbered_video`."""
    return [number_of(image) for image in pictures(path, size)]


def pictures(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Return all pictures, uint8 (N, H, W, 3) BGR, as the ffmpeg command decodes them."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-f", "rawvideo"]
    done = subprocess.run([*command, "-pix_fmt", "bgr24", "-"], capture_output=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, size[1], size[0], 3)


def sound(path: Path, rate: int = 8000) -> np.ndarray:
    """Return the sound as float32 (N,) at `rate`; silence stands for what comes before its begin."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-af", "aresample=async=1:first_pts=0", "-f", "f32le"]
    done = subprocess.run([*command, "-ac", "1", "-ar", str(rate), "-"], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, np.float32)
