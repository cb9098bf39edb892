"""What of the screen can be captured: the screens, and the windows that the platform lists.

Windows are listed on X11 (through the window manager's `_NET_CLIENT_LIST_STACKING`, see the Extended Window Manager
Hints) and on Windows (`EnumWindows`). macOS and Wayland give other programs no list of windows without further
permissions, so that there only screens and regions can be chosen; in a Wayland session nothing can be captured at all.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slowfast_live.errors import SourceError, UsageError
from slowfast_live.messages import Message
from slowfast_live.types import SourceKind, SourceSpec

ALL_SCREENS = 0
"""Number of all screens together; the first screen has number 1."""
SMALLEST = 16
"""Smallest width and height of a region, in pixels."""
_WINDOW = "window:"
_WAYLAND = Message(
    "The screen cannot be captured in a Wayland session, because Wayland lets no program read what others show. "
    "Log in to an X11 (Xorg) session, or let a program such as OBS offer the screen as a virtual camera and choose "
    "that camera here."
)


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in pixels of the virtual screen, which may begin at negative coordinates.

    Attributes:
        left: First column.
        top: First row.
        width: Number of columns.
        height: Number of rows.
    """

    left: int
    top: int
    width: int
    height: int

    def within(self, other: Area) -> Area:
        """Return the part that lies in another area; its size is not positive if there is none."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right = min(self.left + self.width, other.left + other.width)
        bottom = min(self.top + self.height, other.top + other.height)
        return Area(left, top, right - left, bottom - top)

    def as_mss(self) -> dict[str, int]:
        """Return the area as `mss` expects it."""
        return {"left": self.left, "top": self.top, "width": self.width, "height": self.height}


@dataclass(frozen=True, slots=True)
class ScreenWindow:
    """A window on the screen.

    Attributes:
        title: Its title.
        area: Its contents, without the frame that the window manager draws.
        process: ID of its process; 0 if unknown.
    """

    title: str
    area: Area
    process: int = 0


@dataclass(frozen=True, slots=True)
class ScreenAddress:
    """What to capture.

    Attributes:
        screen: Number of the screen, from 1; `ALL_SCREENS` for all together.
        region: Part of that screen, relative to its upper left corner; None for all of it.
        window: Title of a window, or a part of it; "" for none.
    """

    screen: int = 1
    region: Area | None = None
    window: str = ""

    def __str__(self) -> str:
        if self.window:
            return f"{_WINDOW}{self.window}"
        if self.region is None:
            return str(self.screen)
        r = self.region
        return f"{self.screen}:{r.left},{r.top},{r.width},{r.height}"

    @property
    def title(self) -> str:
        """Name for messages and menus."""
        if self.window:
            return f"Window: {self.window}"
        name = "All screens" if self.screen == ALL_SCREENS else f"Screen {self.screen}"
        r = self.region
        return name if r is None else f"{name}, {r.width} × {r.height} at {r.left}, {r.top}"

    @property
    def spec(self) -> SourceSpec:
        """The source that captures it."""
        return SourceSpec(SourceKind.SCREEN, str(self), title=self.title)


_EXPECTED = Message(
    'Expected "screen", "screen:2", "screen:0" (all screens), "screen:1:LEFT,TOP,WIDTH,HEIGHT" or '
    '"screen:window:TITLE".'
)


def parse_address(text: str) -> ScreenAddress:
    """Parse what follows "screen:" in the address of a source; "" is the first screen.

    >>> parse_address("2:0,100,640,480").region
    Area(left=0, top=100, width=640, height=480)

    Raises:
        UsageError: It is no number, region or title of a window.
    """
    if text.lower().startswith(_WINDOW):
        title = text[len(_WINDOW) :].strip()
        if not title:
            raise UsageError(Message("No title of a window is given. {expected}", expected=_EXPECTED))
        return ScreenAddress(window=title)
    found = re.fullmatch(r"(\d{1,3})?(?::(-?\d{1,6}),(-?\d{1,6}),(\d{1,6}),(\d{1,6}))?", text, re.ASCII)
    if found is None:
        raise UsageError(Message("'screen:{text}' names no screen. {expected}", text=text, expected=_EXPECTED))
    screen = int(found[1]) if found[1] else 1
    if found[2] is None:
        return ScreenAddress(screen)
    region = Area(*(int(found[number]) for number in range(2, 6)))
    if min(region.width, region.height) < SMALLEST:
        raise UsageError(
            Message(
                "The region {width} × {height} is too small: expected at least {smallest} × {smallest} pixels.",
                width=region.width,
                height=region.height,
                smallest=SMALLEST,
            )
        )
    return ScreenAddress(screen, region)


def why_not(platform: str = sys.platform, environment: Mapping[str, str] = os.environ) -> str:
    """Return why the screen cannot be captured at all; "" if it can.

    Args:
        platform: `sys.platform`.
        environment: Environment variables.
    """
    if not platform.startswith("linux"):
        return ""
    if environment.get("XDG_SESSION_TYPE", "").lower() == "wayland" or environment.get("WAYLAND_DISPLAY"):
        return _WAYLAND
    if not environment.get("DISPLAY"):
        return Message("The screen cannot be captured: there is none (the variable DISPLAY is not set).")
    return ""


def lists_windows(platform: str = sys.platform) -> bool:
    """Return whether single windows can be captured on a platform (`sys.platform`)."""
    return platform == "win32" or platform.startswith("linux")


def list_screens() -> list[SourceSpec]:
    """Return the screens, and all of them together if there are several; may take some milliseconds.

    Raises:
        SourceError: The screen cannot be captured here.
    """
    with grabber() as screen:
        count = len(screen.monitors) - 1
    numbers = [*range(1, count + 1), *([ALL_SCREENS] if count > 1 else [])]
    return [ScreenAddress(number).spec for number in numbers]


@contextlib.contextmanager
def grabber() -> Iterator[Any]:
    """Provide an `mss.MSS` object; to be used by one thread.

    Raises:
        SourceError: The screen cannot be captured here.
    """
    if reason := why_not():
        raise SourceError(reason)
    try:
        import mss
        from mss.exception import ScreenShotError
    except ImportError as error:
        text = Message("Capturing the screen needs the package mss, which is missing: pip install mss.")
        raise SourceError(text, repr(error)) from error
    try:
        made = mss.MSS()
    except (ScreenShotError, OSError) as error:
        raise SourceError(Message("The screen cannot be captured: {error}.", error=error), repr(error)) from error
    with made:
        yield made


def list_windows(platform: str = sys.platform) -> list[ScreenWindow]:
    """Return the visible windows with a title, the one on top first; without those of this process.

    Raises:
        SourceError: The platform lists no windows.
    """
    if not lists_windows(platform):
        text = Message("Single windows cannot be captured on this system; choose a screen or a region of it.")
        raise SourceError(text)
    listed = _win32_windows() if platform == "win32" else _x11_windows()
    return [window for window in listed if window.process != os.getpid()]


def find_window(title: str, windows: Sequence[ScreenWindow]) -> ScreenWindow:
    """Return the window with a title: the exact one, else the first that contains the text, ignoring case.

    Raises:
        SourceError: There is none; the message lists those that there are.
    """
    for window in windows:
        if window.title == title:
            return window
    for window in windows:
        if title.casefold() in window.title.casefold():
            return window
    there = ", ".join(f"'{window.title}'" for window in windows[:8]) or "none"
    raise SourceError(
        Message(
            "No window whose title contains '{title}' is on the screen (closed or minimized?). Open: {there}.",
            title=title,
            there=there,
        )
    )


def _x11_windows() -> list[ScreenWindow]:
    if reason := why_not():
        raise SourceError(reason)
    try:
        from Xlib import display, error
    except ImportError as problem:
        text = Message("Listing windows needs the package python-xlib, which is missing: pip install python-xlib.")
        raise SourceError(text, repr(problem)) from problem
    try:
        connection = display.Display()
    except (error.DisplayError, OSError) as problem:
        raise SourceError(
            Message("The windows cannot be listed: {problem}.", problem=problem), repr(problem)
        ) from problem
    try:
        root = connection.screen().root
        ids = _x11_property(connection, root, "_NET_CLIENT_LIST_STACKING")
        if ids is None:  # an older window manager: not in the order of stacking
            ids = _x11_property(connection, root, "_NET_CLIENT_LIST")
        if ids is None:
            raise SourceError(
                Message(
                    "The window manager does not list its windows (_NET_CLIENT_LIST); choose a screen or a region "
                    "of it."
                )
            )
        found = []
        for number in reversed(list(ids)):
            try:
                window = _x11_window(connection, root, connection.create_resource_object("window", number))
            except error.XError:  # closed in the meantime
                continue
            if window is not None:
                found.append(window)
        return found
    finally:
        connection.close()


def _x11_property(connection: Any, window: Any, name: str) -> Any:
    """Return the value of a property of an X11 window; None if it has none."""
    from Xlib import X

    found = window.get_full_property(connection.get_atom(name), X.AnyPropertyType)
    return found.value if found is not None else None


def _x11_window(connection: Any, root: Any, window: Any) -> ScreenWindow | None:
    from Xlib import X

    if window.get_attributes().map_state != X.IsViewable:
        return None
    raw = _x11_property(connection, window, "_NET_WM_NAME") or _x11_property(connection, window, "WM_NAME") or b""
    title = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    if not title.strip():
        return None
    size, place = window.get_geometry(), window.translate_coords(root, 0, 0)
    process = _x11_property(connection, window, "_NET_WM_PID")
    # The place of the root as seen from the window: the window's own place, negated.
    area = Area(-int(place.x), -int(place.y), int(size.width), int(size.height))
    return ScreenWindow(title, area, int(process[0]) if process else 0)


def _win32_windows(user32: Any = None) -> list[ScreenWindow]:
    """List windows through the Win32 API.

    Args:
        user32: `ctypes.windll.user32`; another one for tests.
    """
    from ctypes import wintypes

    user32 = user32 or ctypes.windll.user32  # type: ignore[attr-defined,unused-ignore]
    found: list[ScreenWindow] = []

    def visit(handle: int, _parameter: int) -> bool:
        length = user32.GetWindowTextLengthW(handle)
        if not length or not user32.IsWindowVisible(handle) or user32.IsIconic(handle):
            return True
        text = ctypes.create_unicode_buffer(length + 1)
        user32.GetWindowTextW(handle, text, length + 1)
        inside, corner, process = wintypes.RECT(), wintypes.POINT(), wintypes.DWORD()
        user32.GetClientRect(handle, ctypes.byref(inside))
        user32.ClientToScreen(handle, ctypes.byref(corner))
        user32.GetWindowThreadProcessId(handle, ctypes.byref(process))
        area = Area(corner.x, corner.y, inside.right - inside.left, inside.bottom - inside.top)
        if text.value.strip() and min(area.width, area.height) >= SMALLEST:
            found.append(ScreenWindow(text.value, area, process.value))
        return True

    make = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
    user32.EnumWindows(make(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)(visit), 0)
    return found
