"""Scale the newest frame to the canvas's size and pixel format, off the GUI thread. Imports no Qt."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from slowfast_live.types import U8, Frame

log = logging.getLogger(__name__)

_POLL_S = 0.1
"""Polling interval of the thread, for frames that arrived without a wakeup."""
_STOP_S = 2.0
_LARGEST = 16384


def fit(width: int, height: int, target_width: int, target_height: int) -> tuple[int, int, int, int]:
    """Return (x, y, width, height) of a frame scaled to fit the target and centered in it.

    The aspect ratio is kept to within a pixel; width and height are at least one pixel.
    """
    scale = min(target_width / width, target_height / height)
    new_width = min(target_width, max(1, round(width * scale)))
    new_height = min(target_height, max(1, round(height * scale)))
    return (target_width - new_width) // 2, (target_height - new_height) // 2, new_width, new_height


def scale_to_bgra(image: U8, out: U8) -> None:
    """Scale uint8 (H, W, 3) BGR into `out`, uint8 (h, w, 4) BGRA, opaque.

    Downscaling averages areas, so that fine structure does not flicker: repeated halving first, then linear
    interpolation, because area averaging by an arbitrary factor costs ten times as much. Upscaling interpolates
    linearly.
    """
    height, width = out.shape[:2]
    if image.shape[:2] == (height, width):
        cv2.cvtColor(image, cv2.COLOR_BGR2BGRA, dst=out)
    elif width < image.shape[1]:
        while image.shape[1] >= 2 * width and image.shape[0] >= 2 * height:
            half = (image.shape[1] // 2, image.shape[0] // 2)
            image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        cv2.cvtColor(small, cv2.COLOR_BGR2BGRA, dst=out)
    else:
        four = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
        cv2.resize(four, (width, height), dst=out, interpolation=cv2.INTER_LINEAR)


@dataclass(frozen=True, slots=True, eq=False)
class ScaledFrame:
    """A frame ready to be painted.

    Attributes:
        frame: The frame.
        pixels: uint8 (h, w, 4), BGRA, contiguous: its picture in device pixels. Valid until the next `take`.
    """

    frame: Frame
    pixels: U8


class FrameScaler:
    """A thread that scales the newest frame to the canvas; keeps only the latest result and drops older ones.

    Three buffers rotate (being written, ready, on display), so that nothing is allocated per frame and no thread waits.

    Args:
        newest: Returns the newest frame, from any thread.
        ready: Called on this thread when a result is ready and the previous one has been taken.
    """

    def __init__(self, newest: Callable[[], Frame | None], ready: Callable[[], None] = lambda: None) -> None:
        self._newest, self._on_ready = newest, ready
        self.late = 0
        """Number of results that the next one replaced before they were taken."""
        self._lock = threading.Lock()
        self._target = (0, 0)
        self._ready: ScaledFrame | None = None
        self._spare: list[U8] = []
        self._shown: U8 | None = None
        self._work = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="frame scaler", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> bool:
        """Stop the thread; return whether it ended in time."""
        self._stopping = True
        self._work.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_S)
        if self._thread.is_alive():
            log.warning("The frame scaler did not end within %g s and is abandoned.", _STOP_S)
            return False
        return True

    def set_target(self, width: int, height: int) -> None:
        """Set the canvas's size in device pixels; (0, 0) pauses scaling."""
        with self._lock:
            self._target = (min(width, _LARGEST), min(height, _LARGEST))
        self._work.set()

    def wake(self) -> None:
        """Signal that there is a new frame; call from any thread."""
        self._work.set()

    def take(self) -> ScaledFrame | None:
        """Return the newest result not taken yet; the one taken before becomes invalid."""
        with self._lock:
            result, self._ready = self._ready, None
            if result is not None:
                if self._shown is not None:
                    self._spare.append(self._shown)
                self._shown = result.pixels
            return result

    def _run(self) -> None:
        last: tuple[Frame, tuple[int, int]] | None = None
        while True:
            self._work.wait(_POLL_S)
            self._work.clear()
            if self._stopping:
                return
            frame = self._newest()
            with self._lock:
                target = self._target
            if frame is None or 0 in target or (last and last[0] is frame and last[1] == target):
                continue
            last = (frame, target)
            try:
                self._present(frame, target)
            except (cv2.error, MemoryError):
                log.exception("a frame of %s cannot be shown", frame.image.shape)

    def _present(self, frame: Frame, target: tuple[int, int]) -> None:
        height, width = frame.image.shape[:2]
        _, _, new_width, new_height = fit(width, height, *target)
        pixels = self._buffer((new_height, new_width, 4))
        scale_to_bgra(frame.image, pixels)
        with self._lock:
            before, self._ready = self._ready, ScaledFrame(frame, pixels)
            if before is not None:
                self.late += before.frame is not frame
                self._spare.append(before.pixels)
        if before is None:
            self._on_ready()

    def _buffer(self, shape: tuple[int, int, int]) -> U8:
        with self._lock:
            self._spare = [spare for spare in self._spare if spare.shape == shape]
            if self._spare:
                return self._spare.pop()
        return np.empty(shape, np.uint8)
