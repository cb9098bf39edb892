"""Whether a window can be opened, asked before Qt, which ends the process instead of saying why not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slowfast_live import display

LINUX = "linux"


class Loader:
    """Loads everything but some libraries, and what needs them."""

    def __init__(self, *missing: str, needs: str = "") -> None:
        self.missing, self.needs = missing, needs

    def __call__(self, name: str) -> object:
        wanted = self.missing[0] if self.missing and self.needs and name.endswith(self.needs) else name
        if wanted in self.missing:
            raise OSError(f"{wanted}: cannot open shared object file: No such file or directory")
        return object()


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    for name in ("xcb", "offscreen", "vnc"):
        (tmp_path / f"libq{name}.so").touch()
    return tmp_path


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of display answer."""
    monkeypatch.setattr(display, "_answers", lambda family, address: True)


@pytest.mark.usefixtures("answering")
def test_a_missing_library_is_named_with_its_packages(plugins: Path) -> None:
    load = Loader("libxcb-cursor.so.0", "libxkbcommon-x11.so.0", needs="libqxcb.so")
    reason = display.why_no_display({"DISPLAY": ":7"}, LINUX, plugins, load)
    assert "libxcb-cursor.so.0, libxkbcommon-x11.so.0" in reason
    assert "apt-get install libxcb-cursor0 libxkbcommon-x11-0" in reason
    assert "dnf install xcb-util-cursor libxkbcommon-x11" in reason
    assert "pacman -S xcb-util-cursor libxkbcommon-x11" in reason
    assert display.why_no_display({"DISPLAY": ":7"}, LINUX, plugins, Loader()) == ""


@pytest.mark.usefixtures("answering")
def test_an_unknown_library_is_named_as_the_system_names_it(plugins: Path) -> None:
    reason = display.why_no_display({"DISPLAY": ":7"}, LINUX, plugins, Loader("libodd.so.3", needs="libqxcb.so"))
    assert "libodd.so.3: cannot open" in reason and "apt-get" not in reason


@pytest.mark.usefixtures("answering")
def test_wayland_without_its_plugin_needs_x11(plugins: Path) -> None:
    wayland = {"WAYLAND_DISPLAY": "wayland-0", "XDG_RUNTIME_DIR": "/run"}
    assert "no plugin for wayland, only for offscreen, vnc, xcb" in display.why_no_display(
        wayland, LINUX, plugins, Loader()
    )
    assert display.why_no_display({**wayland, "DISPLAY": ":7"}, LINUX, plugins, Loader()) == ""
    (plugins / "libqwayland.so").touch()
    assert display.why_no_display(wayland, LINUX, plugins, Loader()) == ""


@pytest.mark.usefixtures("answering")
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"QT_QPA_PLATFORM": "xcb", "WAYLAND_DISPLAY": "wayland-0"}, "DISPLAY is not set"),
        ({"QT_QPA_PLATFORM": "wayland", "DISPLAY": ":7"}, "WAYLAND_DISPLAY is not set"),
        ({"QT_QPA_PLATFORM": "dreams", "DISPLAY": ":7"}, "no plugin for dreams"),
        ({"QT_QPA_PLATFORM": "eglfs"}, "no plugin for eglfs"),
        ({}, "neither DISPLAY nor WAYLAND_DISPLAY"),
    ],
)
def test_a_platform_that_cannot_be_had_says_why(environment: dict[str, str], said: str, plugins: Path) -> None:
    assert said in display.why_no_display(environment, LINUX, plugins, Loader())


def test_a_display_that_nobody_serves_is_named(plugins: Path) -> None:
    for name in (":4711", "nowhere.invalid:0", "nonsense", "/no/such/socket:0"):
        assert f"the display {name} does not answer" in display.why_no_display(
            {"DISPLAY": name}, LINUX, plugins, Loader()
        )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux finds its libraries so")
def test_the_window_says_which_library_is_broken_and_does_not_abort(tmp_path: Path) -> None:
    """The loader looks in this folder first, and finds a file there that is no library."""
    (tmp_path / "libdbus-1.so.3").write_bytes(b"no library")
    variables = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "QT_QPA_PLATFORM": "offscreen"}
    ran = subprocess.run(
        (sys.executable, "-m", "slowfast_live", "--quit-after", "1"),
        env=variables, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 2, ran.stderr
    assert "libdbus-1" in ran.stderr and "apt-get install" in ran.stderr and "Traceback" not in ran.stderr
