"""The screen as a source: a screen, a region of it or a window, captured with `mss`."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from slowfast_live.errors import SourceError
from slowfast_live.messages import Message
from slowfast_live.sources.base import Picture, later
from slowfast_live.sources.screens import (
    ALL_SCREENS,
    SMALLEST,
    Area,
    ScreenAddress,
    ScreenWindow,
    find_window,
    grabber,
    list_windows,
    parse_address,
)
from slowfast_live.types import U8, SourceInfo

RATE = 25.0
"""Pictures per second, if the machine captures them as fast."""
_FOLLOW_S = 0.25
"""How often the place of a window is looked up, in seconds."""


class ScreenSource:
    """Pictures of the screen, at `RATE` or as fast as the machine captures them.

    A region or a window that does not lie on the screen completely is cut to what does. A window is followed when it
    moves; what covers it is captured as well. The size of the pictures stays that of the first one: a window that is
    resized is fitted into it, with black bars. The pointer is not captured.

    Args:
        address: What to capture; see `screens.parse_address`.
        clock: Returns monotonic seconds.
        wait: Waits the given number of seconds.
        windows: Lists the windows; for tests.
    """

    def __init__(
        self,
        address: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
        windows: Callable[[], Sequence[ScreenWindow]] = list_windows,
    ) -> None:
        self._what: ScreenAddress = parse_address(address)
        self._clock, self._wait, self._windows = clock, wait or threading.Event().wait, windows
        self._resources = contextlib.ExitStack()
        self._screen: Any = None
        self._area = Area(0, 0, 0, 0)
        self._located_s = 0.0
        self._size = (0, 0)
        self._due_s = self._last_s = float("-inf")

    @property
    def warning(self) -> str:
        """A screen has no problems that do not stop it."""
        return ""

    def open(self) -> SourceInfo:
        """Find the screen or window."""
        self.close()
        self._screen = self._resources.enter_context(grabber())
        self._locate()
        self._size = (self._area.width, self._area.height)
        self._due_s = self._clock()
        return SourceInfo(*self._size, fps=RATE, codec="screen")

    def read(self) -> Picture | None:
        """Wait until the next picture is due, and capture it."""
        if self._screen is None:
            raise SourceError(Message("{title} is not open.", title=self._what.title))
        now_s = self._clock()
        if 0 < (left_s := self._due_s - now_s) <= 1 / RATE:
            self._wait(left_s)
            now_s = self._clock()
        # What is late by more than a period is not made up for; nor does a clock that was set back matter.
        on_time = 0 <= now_s - self._due_s < 1 / RATE
        self._due_s = (self._due_s if on_time else now_s) + 1 / RATE
        if self._what.window and not 0 <= now_s - self._located_s < _FOLLOW_S:
            self._locate()
        image = self._grab()
        self._last_s = later(now_s, self._last_s)
        return Picture(image, self._last_s)

    def seek(self, t_s: float) -> None:
        """Not possible; a screen is live."""
        raise SourceError(Message("{title} is live and cannot be searched.", title=self._what.title))

    def close(self) -> None:
        """Release the connection to the screen."""
        self._screen = None
        with contextlib.suppress(Exception):  # closing never fails, whatever the display server does
            self._resources.close()

    def _locate(self) -> None:
        """Find the rectangle to capture.

        Raises:
            SourceError: There is no such screen, region or window.
        """
        what, monitors = self._what, [_area(monitor) for monitor in self._screen.monitors]
        if what.screen >= len(monitors):
            there = f"1 to {len(monitors) - 1}" if len(monitors) > 2 else "1"
            raise SourceError(
                Message(
                    "There is no screen {screen}. Expected a number that is here: {there}.",
                    screen=what.screen,
                    there=there,
                )
            )
        whole = monitors[ALL_SCREENS if what.window else what.screen]
        wanted = whole
        if what.window:
            wanted = find_window(what.window, self._windows()).area
        elif what.region is not None:
            region = what.region
            wanted = Area(whole.left + region.left, whole.top + region.top, region.width, region.height)
        area = wanted.within(whole)
        if min(area.width, area.height) < SMALLEST:
            raise SourceError(
                Message(
                    "{title} does not lie on the screen, which is {width} × {height} pixels.",
                    title=what.title,
                    width=whole.width,
                    height=whole.height,
                )
            )
        self._area, self._located_s = area, self._clock()

    def _grab(self) -> U8:
        from mss.exception import ScreenShotError

        try:
            shot = self._screen.grab(self._area.as_mss())
        except (ScreenShotError, OSError) as error:
            raise SourceError(
                Message("{title} can no longer be captured: {error}.", title=self._what.title, error=error), repr(error)
            ) from error
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        image = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR), np.uint8)
        image = _fitted(image, self._size)
        image.flags.writeable = False
        return image


def _area(monitor: Any) -> Area:
    return Area(*(int(monitor[side]) for side in ("left", "top", "width", "height")))


def _fitted(image: U8, size: tuple[int, int]) -> U8:
    """Return the image in exactly this (width, height): scaled down if it is larger, with black around it."""
    (height, width), (wanted_width, wanted_height) = image.shape[:2], size
    if (width, height) == size:
        return image
    scale = min(1.0, wanted_width / width, wanted_height / height)
    if scale < 1:
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        image = np.asarray(cv2.resize(image, inner, interpolation=cv2.INTER_AREA), np.uint8)
        height, width = image.shape[:2]
    fitted = np.zeros((wanted_height, wanted_width, 3), np.uint8)
    top, left = (wanted_height - height) // 2, (wanted_width - width) // 2
    fitted[top : top + height, left : left + width] = image
    return fitted
