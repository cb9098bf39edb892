"""The screen as a source, on a real X display; windows on one with a real window manager."""

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from ctypes import wintypes

import numpy as np
import pytest

from slowfast_live.errors import SourceError, UsageError
from slowfast_live.sources import make_source, parse_source
from slowfast_live.sources.screen import RATE, ScreenSource, _fitted
from slowfast_live.sources.screens import (
    Area,
    ScreenAddress,
    ScreenWindow,
    _win32_windows,
    find_window,
    list_screens,
    list_windows,
    parse_address,
    why_not,
)
from slowfast_live.types import SourceKind

WIDTH, HEIGHT = 640, 480
RED, GREEN, BLUE = 0xFF0000, 0x00FF00, 0x0000FF
needs_x = pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb")
needs_manager = pytest.mark.skipif(shutil.which("openbox") is None, reason="needs openbox, a window manager")


class Desk:
    """An X display with windows of plain colors."""

    def __init__(self, name: str) -> None:
        from Xlib import display

        self.connection = display.Display(name)
        self.root = self.connection.screen().root
        self.gc = self.root.create_gc()

    def fill(self, color: int, area: Area) -> None:
        self.gc.change(foreground=color)
        self.root.fill_rectangle(self.gc, area.left, area.top, area.width, area.height)
        self.connection.sync()

    def window(self, title: str, color: int, area: Area):
        made = self.root.create_window(
            area.left, area.top, area.width, area.height, 0, self.connection.screen().root_depth, background_pixel=color
        )
        utf8 = self.connection.get_atom("UTF8_STRING")
        made.change_property(self.connection.get_atom("_NET_WM_NAME"), utf8, 8, title.encode())
        made.set_wm_normal_hints(flags=5, x=area.left, y=area.top, min_width=16, min_height=16)
        made.map()
        self.connection.sync()
        return made

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def desk(monkeypatch) -> Iterator[Desk]:
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as numbers:
        name = f":{numbers.readline().strip()}"
    monkeypatch.setenv("DISPLAY", name)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    desk = Desk(name)
    yield desk
    desk.close()
    server.terminate()
    server.wait(20)


@pytest.fixture
def managed(desk, monkeypatch) -> Iterator[Desk]:
    manager = subprocess.Popen(["openbox"], stderr=subprocess.DEVNULL)
    until(lambda: desk.root.get_full_property(desk.connection.get_atom("_NET_SUPPORTING_WM_CHECK"), 0) is not None)
    yield desk
    manager.terminate()
    manager.wait(20)


def until(condition, timeout_s=20.0):
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it never came to that"
        time.sleep(0.02)


def titles():
    try:
        return [window.title for window in list_windows()]
    except SourceError:  # the manager has just started and lists nothing yet
        return []


def color_of(picture):
    """The one color of a picture, as 0xRRGGBB."""
    assert (picture.image == picture.image[0, 0]).all()
    blue, green, red = (int(value) for value in picture.image[0, 0])
    return red << 16 | green << 8 | blue


@needs_x
def test_a_screen_and_a_region_of_it(desk):
    desk.fill(RED, Area(0, 0, WIDTH, HEIGHT))
    desk.fill(GREEN, Area(100, 50, 200, 120))
    screen = make_source(parse_source("screen"))
    info = screen.open()
    assert (info.width, info.height, info.fps, info.duration_s, info.seekable) == (WIDTH, HEIGHT, RATE, None, False)
    picture = screen.read()
    assert picture.image.shape == (HEIGHT, WIDTH, 3)
    assert picture.image.flags.c_contiguous and not picture.image.flags.writeable
    assert tuple(picture.image[0, 0]) == (0, 0, 255) and tuple(picture.image[60, 110]) == (0, 255, 0)  # BGR
    screen.close()
    part = make_source(parse_source("screen:1:100,50,200,120"))
    part.open()
    picture = part.read()
    assert picture.image.shape == (120, 200, 3) and color_of(picture) == GREEN
    desk.fill(BLUE, Area(100, 50, 200, 120))
    assert color_of(part.read()) == BLUE
    part.close()
    part.close()


@needs_x
def test_a_region_that_sticks_out_is_cut(desk):
    desk.fill(RED, Area(0, 0, WIDTH, HEIGHT))
    source = make_source(parse_source(f"screen:1:{WIDTH - 100},{HEIGHT - 80},400,400"))
    info = source.open()
    assert (info.width, info.height) == (100, 80) and color_of(source.read()) == RED
    source.close()


@needs_x
def test_what_is_not_there_is_said(desk):
    with pytest.raises(SourceError, match=r"no screen 7\. Expected a number that is here: 1"):
        make_source(parse_source("screen:7")).open()
    with pytest.raises(SourceError, match="does not lie on the screen, which is 640 × 480"):
        make_source(parse_source("screen:1:9000,0,100,100")).open()
    with pytest.raises(SourceError, match="not open"):
        ScreenSource("1").read()


@needs_x
@needs_manager
def test_a_window_is_listed_followed_and_missed(managed):
    window = managed.window("Fitness – lesson 3", BLUE, Area(40, 60, 200, 150))
    # Mapped again and again: a manager that has just started may miss the first request.
    until(lambda: (window.map(), managed.connection.sync(), "Fitness – lesson 3" in titles())[-1])
    source = make_source(parse_source("screen:window:lesson 3"))
    info = source.open()
    assert (info.width, info.height) == (200, 150)
    assert color_of(source.read()) == BLUE
    window.configure(x=300, y=200)
    managed.connection.sync()
    until(lambda: (source.read().image == (255, 0, 0)).all())
    where = next(found.area for found in list_windows() if "lesson 3" in found.title)
    assert where.left >= 300 and source._area == where
    window.unmap()
    managed.connection.sync()
    with pytest.raises(SourceError, match="closed or minimized"):
        until(lambda: source.read() is None)
    source.close()


@needs_x
def test_without_a_window_manager_it_says_so(desk):
    with pytest.raises(SourceError, match="_NET_CLIENT_LIST"):
        make_source(parse_source("screen:window:anything")).open()


@needs_x
def test_the_screens_are_listed(desk):
    assert [(spec.address, spec.name) for spec in list_screens()] == [("1", "Screen 1")]


class Clock:
    def __init__(self):
        self.now_s = 50.0
        self.waited = []

    def __call__(self):
        return self.now_s

    def wait(self, seconds):
        self.waited.append(seconds)
        self.now_s += seconds


@needs_x
def test_it_is_paced_and_never_makes_up_for_lost_time(desk):
    clock = Clock()
    source = ScreenSource("1", clock=clock, wait=clock.wait)
    source.open()
    times = [source.read().t_s for _ in range(5)]
    assert np.diff(times) == pytest.approx([1 / RATE] * 4)
    clock.now_s += 3.0  # the machine was busy
    late = [source.read().t_s for _ in range(3)]
    assert late[0] == pytest.approx(times[-1] + 3.0) and np.diff(late) == pytest.approx([1 / RATE] * 2)
    clock.now_s -= 40.0  # the clock was set back
    waited = len(clock.waited)
    assert source.read().t_s < late[-1]
    assert sum(clock.waited[waited:]) <= 1 / RATE
    source.close()


def test_addresses():
    assert parse_source("screen") == ScreenAddress(1).spec
    assert parse_source("Screen:2").title == "Screen 2"
    assert parse_source("screen:0").name == "All screens"
    assert parse_source("screen::0,0,64,64").address == "1:0,0,64,64"
    spec = parse_source("screen:2:-100,50,640,480")
    assert (spec.kind, spec.address, spec.live) == (SourceKind.SCREEN, "2:-100,50,640,480", True)
    assert spec.name == "Screen 2, 640 × 480 at -100, 50"
    assert parse_source("screen:window: a: b ").address == "window:a: b"
    for address in (ScreenAddress(3), ScreenAddress(1, Area(1, 2, 30, 40)), ScreenAddress(window="x:y")):
        assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("screen:x", "names no screen"),
        ("screen:1:2,3,4", "names no screen"),
        ("screen:1:0,0,9,100", "too small"),
        ("screen:window:", "No title"),
        ("screen:1:0,0,99999999,5", "names no screen"),
    ],
)
def test_addresses_that_cannot_be(text, said):
    with pytest.raises(UsageError, match=said):
        parse_source(text)


def test_where_nothing_can_be_captured():
    assert "Wayland" in why_not("linux", {"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland"})
    assert "Wayland" in why_not("linux", {"WAYLAND_DISPLAY": "wayland-0"})
    assert "DISPLAY" in why_not("linux", {})
    assert why_not("linux", {"DISPLAY": ":0", "XDG_SESSION_TYPE": "x11"}) == ""
    assert why_not("win32", {}) == why_not("darwin", {}) == ""
    with pytest.raises(SourceError, match="choose a screen"):
        list_windows("darwin")


def test_which_window_a_title_means():
    area = Area(0, 0, 100, 100)
    windows = [ScreenWindow(title, area) for title in ("My player", "player", "Editor")]
    assert find_window("player", windows) is windows[1]
    assert find_window("PLAY", windows) is windows[0]
    with pytest.raises(SourceError, match="'My player', 'player', 'Editor'"):
        find_window("browser", windows)


def test_a_window_of_another_size_is_fitted():
    white = np.full((100, 300, 3), 255, np.uint8)
    fitted = _fitted(white, (150, 100))
    assert fitted.shape == (100, 150, 3)
    assert (fitted[25:75] == 255).all() and not fitted[:24].any() and not fitted[76:].any()
    assert _fitted(white, (300, 100)) is white


class User32:
    """What `EnumWindows` and its companions answer, for two windows, a hidden and a minimized one."""

    WINDOWS = (("Clock", True, False), ("Hidden", False, False), ("Small", True, True), ("Notes – ü", True, False))

    def EnumWindows(self, visit, parameter):  # noqa: N802
        for handle in range(len(self.WINDOWS)):
            assert visit(handle, parameter)

    def GetWindowTextLengthW(self, handle):  # noqa: N802
        return len(self.WINDOWS[handle or 0][0])

    def IsWindowVisible(self, handle):  # noqa: N802
        return self.WINDOWS[handle or 0][1]

    def IsIconic(self, handle):  # noqa: N802
        return self.WINDOWS[handle or 0][2]

    def GetWindowTextW(self, handle, buffer, length):  # noqa: N802
        buffer.value = self.WINDOWS[handle or 0][0]

    def GetClientRect(self, handle, pointer):  # noqa: N802
        rect = ctypes.cast(pointer, ctypes.POINTER(wintypes.RECT)).contents
        rect.right, rect.bottom = 320, 200

    def ClientToScreen(self, handle, pointer):  # noqa: N802
        ctypes.cast(pointer, ctypes.POINTER(wintypes.POINT)).contents.x = -30

    def GetWindowThreadProcessId(self, handle, pointer):  # noqa: N802
        ctypes.cast(pointer, ctypes.POINTER(wintypes.DWORD)).contents.value = 77


def test_windows_of_windows():
    found = _win32_windows(User32())
    assert [window.title for window in found] == ["Clock", "Notes – ü"]
    assert found[0] == ScreenWindow("Clock", Area(-30, 0, 320, 200), 77)
