"""Sources for a soak test: small generated files, and a camera that fails now and then."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np

from slowfast_live.errors import SourceError
from slowfast_live.sources import FrameSource, Picture, make_source
from slowfast_live.types import U8, SourceInfo, SourceKind, SourceSpec

CAMERA = SourceSpec(SourceKind.CAMERA, "0", "Pattern camera")
_FPS = 30
_DIES_AFTER = 400
"""Number of frames after which the camera fails once; it works again when it is reopened."""


def pattern(number: int, width: int, height: int) -> U8:
    """Return uint8 (height, width, 3): a square that moves over a gradient."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = np.linspace(20, 160, width).astype(np.uint8)[None, :, None]
    side = height // 4
    top, left = (5 * number) % (height - side), (7 * number) % (width - side)
    image[top : top + side, left : left + side] = (230, 90 + number % 100, 40)
    return image


def write_video(path: Path, width: int, height: int, seconds: float) -> SourceSpec:
    """Write a small video and return it as a source."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=_FPS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(round(seconds * _FPS)):
            frame = av.VideoFrame.from_ndarray(pattern(number, width, height), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return SourceSpec(SourceKind.FILE, str(path))


class PatternCamera:
    """A simulated camera with 30 frames per second. See `FrameSource`."""

    warning = ""

    def __init__(self) -> None:
        self._number = 0
        self._due_s = 0.0
        self._pause = threading.Event()

    def open(self) -> SourceInfo:
        """See `FrameSource.open`."""
        self._due_s = time.monotonic()
        return SourceInfo(640, 480, float(_FPS))

    def read(self) -> Picture:
        """See `FrameSource.read`."""
        self._number += 1
        if self._number % _DIES_AFTER == 0:
            raise SourceError("Pattern camera was unplugged.")
        self._due_s += 1 / _FPS
        self._pause.wait(max(0.0, self._due_s - time.monotonic()))
        image = pattern(self._number, 640, 480)
        image.flags.writeable = False
        return Picture(image, time.monotonic())

    def seek(self, t_s: float) -> None:
        """Reject seeking, which a camera does not support."""
        raise SourceError("Pattern camera is live and cannot be searched.")

    def close(self) -> None:
        """See `FrameSource.close`."""


def make(spec: SourceSpec) -> FrameSource:
    """Return the source that a spec describes; every camera is the simulated one."""
    return PatternCamera() if spec.kind is SourceKind.CAMERA else make_source(spec)


class OneCamera:
    """The available cameras: only the simulated one. See `CameraPort`."""

    version = 1

    def cameras(self) -> list[SourceSpec]:
        """Return the simulated camera."""
        return [CAMERA]
