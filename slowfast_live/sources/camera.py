"""Cameras, read with OpenCV."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message, sentences
from slowfast_live.sources.base import Picture, later
from slowfast_live.types import U8, SourceInfo

log = logging.getLogger(__name__)

_HINTS = {
    "linux": Message("Is another program using it? Your user needs access to it (group 'video')."),
    "darwin": Message(
        "Allow the camera for this app in System Settings > Privacy & Security > Camera, "
        "and close other programs that use it."
    ),
    "win32": Message(
        "Allow desktop apps to use the camera in Settings > Privacy & security > Camera, "
        "and close other programs that use it."
    ),
}

_RETRIES = 20
_RETRY_S = 0.05
_FIRST_PICTURE_S = 5.0
_MJPG_FROM = 1280 * 720
"""Number of pixels above which uncompressed frames exceed the bandwidth of USB 2 at full rate."""


class VideoCapture(Protocol):
    """The part of `cv2.VideoCapture` that is used."""

    def isOpened(self) -> bool:  # noqa: N802
        """Whether the device was opened."""
        ...

    def read(self) -> tuple[bool, Any]:
        """Return whether there is a frame, and the frame."""
        ...

    def get(self, prop: int, /) -> float:
        """Return a property."""
        ...

    def set(self, prop: int, value: float, /) -> bool:
        """Request a property."""
        ...

    def release(self) -> None:
        """Close the device."""
        ...


OpenCapture = Callable[[int | str, int], VideoCapture]
"""Opens a camera, given its index or device path and the backend (`cv2.CAP_*`)."""


def open_capture(address: int | str, backend: int) -> VideoCapture:
    """Open a camera with OpenCV."""
    return cv2.VideoCapture(address, backend)


def backends(platform: str = sys.platform) -> tuple[int, ...]:
    """Return the capture backends to try on a platform (`sys.platform`), best first."""
    if platform == "win32":
        return cv2.CAP_MSMF, cv2.CAP_DSHOW
    if platform == "darwin":
        return (cv2.CAP_AVFOUNDATION,)
    return (cv2.CAP_V4L2,) if platform.startswith("linux") else (cv2.CAP_ANY,)


class CameraSource:
    """A camera. Its frames carry the monotonic time at which they were read.

    OpenCV has no time limit for drivers: a camera that hangs blocks `open` or `read`, and the pipeline abandons the
    reading thread.

    Args:
        address: Index ("0") or device path ("/dev/video0").
        size: Requested (width, height) in pixels; the camera may choose another. None: 640 x 480 or its own.
        backend: OpenCV's backend id; 0 for the platform's usual ones.
        title: Name for messages.
        capture: Opens the device; for tests.
        clock: Returns monotonic seconds.
        wait: Waits the given number of seconds before a retry.
        platform: `sys.platform`.
    """

    def __init__(
        self,
        address: str,
        size: tuple[int, int] | None = None,
        backend: int = 0,
        title: str = "",
        *,
        capture: OpenCapture = open_capture,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
        platform: str = sys.platform,
    ) -> None:
        self._address: int | str = int(address) if address.isdecimal() else address
        self._size = size
        self._backend = backend
        self._title = title or f"Camera {address}"
        self._open_capture = capture
        self._clock = clock
        self._wait = wait or threading.Event().wait
        self._platform = platform
        self._capture: VideoCapture | None = None
        self._first: U8 | None = None
        self._last_s = float("-inf")

    @property
    def warning(self) -> str:
        """Always "": cameras report problems as errors."""
        return ""

    def open(self) -> SourceInfo:
        """Open the camera and read its first frame, because many cameras open and then deliver nothing."""
        self.close()
        self._capture = capture = self._open_first()
        self._configure(capture)
        self._last_s = float("-inf")
        try:
            image = self._grab(capture, _FIRST_PICTURE_S)
        except SourceError:
            self.close()
            raise
        self._first = image
        fps = capture.get(cv2.CAP_PROP_FPS)
        return SourceInfo(
            width=image.shape[1],
            height=image.shape[0],
            fps=float(fps) if 1 <= fps <= 1000 else None,
            codec=_fourcc(capture.get(cv2.CAP_PROP_FOURCC)),
        )

    def read(self) -> Picture:
        """Wait for the next frame; a camera never ends."""
        if self._capture is None:
            raise SourceError(Message("{title} is not open.", title=self._title))
        image, self._first = self._first, None
        if image is None:
            image = self._grab(self._capture, _RETRIES * _RETRY_S)
        self._last_s = later(self._clock(), self._last_s)
        return Picture(image, self._last_s)

    def seek(self, t_s: float) -> None:
        """Raise an error: a camera is not seekable."""
        raise SourceError(Message("{title} is live and cannot be searched.", title=self._title))

    def close(self) -> None:
        """Release the camera."""
        capture, self._capture, self._first = self._capture, None, None
        if capture is not None:
            try:
                capture.release()
            except Exception:  # closing must not fail, whatever a driver does
                log.exception("%s: release failed", self._title)

    def _open_first(self) -> VideoCapture:
        tried = []
        for backend in (self._backend,) if self._backend else backends(self._platform):
            tried.append(str(backend))
            try:
                capture = self._open_capture(self._address, backend)
                if capture.isOpened():
                    return capture
                capture.release()
            except (cv2.error, OSError, RuntimeError) as error:
                log.warning("%s: backend %d: %s", self._title, backend, error)
        raise SourceError(
            sentences(Message("{title} could not be opened.", title=self._title), self._likely_cause()),
            details=f"address {self._address!r}, OpenCV backends tried: {', '.join(tried)}",
        )

    def _configure(self, capture: VideoCapture) -> None:
        """Request size, codec and a short queue. Drivers refuse silently; the frames are checked later."""
        width, height = self._size or (0, 0)
        if width * height >= _MJPG_FROM:
            capture.set(cv2.CAP_PROP_FOURCC, float(cv2.VideoWriter.fourcc(*"MJPG")))
        if width and height:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, float(width))
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, float(height))
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1.0)

    def _grab(self, capture: VideoCapture, patience_s: float) -> U8:
        """Return the next usable frame; failed reads are retried for `patience_s`."""
        deadline = self._clock() + patience_s
        reason = "no picture"
        while True:
            try:
                good, raw = capture.read()
            except cv2.error as error:
                good, raw, reason = False, None, str(error)
            if good and raw is not None:
                image = _as_bgr(raw)
                if image is not None:
                    return image
                reason = f"a picture of {getattr(raw, 'dtype', type(raw))} {getattr(raw, 'shape', '')}"
            if self._clock() >= deadline:
                raise SourceError(
                    sentences(
                        Message("{title} delivers no more pictures. Was it unplugged?", title=self._title), self._hint()
                    ),
                    details=f"for {patience_s:g} s: {reason}",
                )
            self._wait(_RETRY_S)

    def _likely_cause(self) -> str:
        """Return why a camera does not open, as far as the system knows."""
        if self._platform.startswith("linux"):
            number = isinstance(self._address, int)
            node = Path(f"/dev/video{self._address}" if number else str(self._address))
            if not node.exists():
                return Message("There is no {node}. Is it plugged in?", node=node)
            if not os.access(node, os.R_OK | os.W_OK):
                return Message("You may not use {node}: your user needs to be in the group 'video'.", node=node)
        return sentences(Message("Is it plugged in?"), self._hint())

    def _hint(self) -> str:
        return _HINTS.get("linux" if self._platform.startswith("linux") else self._platform, "")


def _as_bgr(raw: Any) -> U8 | None:
    """Convert a driver's output to uint8 (H, W, 3) BGR, read-only; None if that is not possible."""
    image = np.asarray(raw)
    if image.dtype != np.uint8 or image.size == 0:
        return None
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
        return None
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    # Copied only if necessary: OpenCV allocates each frame anew.
    picture = np.ascontiguousarray(image[:, :, :3])
    if not picture.flags.owndata:
        picture = picture.view()
    picture.flags.writeable = False
    return picture


def _fourcc(value: float) -> str:
    code = int(value) if value > 0 else 0
    letters = "".join(chr((code >> shift) & 0xFF) for shift in (0, 8, 16, 24))
    return letters.strip().lower() if letters.isascii() and letters.strip().isalnum() else ""
