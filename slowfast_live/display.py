"""Check for a usable display before Qt is loaded, because Qt ends the process if there is none."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_OFFSCREEN = ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")
_X11_SOCKETS = Path("/tmp/.X11-unix")
_X11_PORT = 6000
_TIMEOUT_S = 2.0
_PACKAGES: dict[str, tuple[str, str, str]] = {
    "libxcb-cursor.so.0": ("libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
    "libxcb-icccm.so.4": ("libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    "libxcb-image.so.0": ("libxcb-image0", "xcb-util-image", "xcb-util-image"),
    "libxcb-keysyms.so.1": ("libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    "libxcb-render-util.so.0": ("libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"),
    "libxcb.so.1": ("libxcb1", "libxcb", "libxcb"),
    "libxcb-randr.so.0": ("libxcb-randr0", "libxcb", "libxcb"),
    "libxcb-render.so.0": ("libxcb-render0", "libxcb", "libxcb"),
    "libxcb-shape.so.0": ("libxcb-shape0", "libxcb", "libxcb"),
    "libxcb-shm.so.0": ("libxcb-shm0", "libxcb", "libxcb"),
    "libxcb-sync.so.1": ("libxcb-sync1", "libxcb", "libxcb"),
    "libxcb-xfixes.so.0": ("libxcb-xfixes0", "libxcb", "libxcb"),
    "libxcb-xkb.so.1": ("libxcb-xkb1", "libxcb", "libxcb"),
    "libX11-xcb.so.1": ("libx11-xcb1", "libX11-xcb", "libx11"),
    "libX11.so.6": ("libx11-6", "libX11", "libx11"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon", "libxkbcommon"),
    "libxkbcommon-x11.so.0": ("libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
    "libEGL.so.1": ("libegl1", "libglvnd-egl", "libglvnd"),
    "libGL.so.1": ("libgl1", "libglvnd-glx", "libglvnd"),
    "libfontconfig.so.1": ("libfontconfig1", "fontconfig", "fontconfig"),
    "libfreetype.so.6": ("libfreetype6", "freetype", "freetype2"),
    "libglib-2.0.so.0": ("libglib2.0-0", "glib2", "glib2"),
    "libdbus-1.so.3": ("libdbus-1-3", "dbus-libs", "dbus"),
    "libwayland-client.so.0": ("libwayland-client0", "libwayland-client", "wayland"),
    "libwayland-cursor.so.0": ("libwayland-cursor0", "libwayland-cursor", "wayland"),
    "libwayland-egl.so.1": ("libwayland-egl1", "libwayland-egl", "wayland"),
}
"""Libraries that Qt requires but does not include, and their packages on Debian and Ubuntu, Fedora, and Arch."""

Load = Callable[[str], object]


def why_no_display(
    environment: Mapping[str, str] | None = None,
    platform: str = sys.platform,
    plugins: Path | None = None,
    load: Load = ctypes.CDLL,
) -> str:
    """Return why no window can be opened, with advice; "" if one can.

    Args:
        environment: The environment variables; those of the process by default.
        platform: `sys.platform`.
        plugins: Folder of Qt's platform plugins; that of the installed PySide6 by default.
        load: Loads a shared library, or raises OSError.
    """
    environment = os.environ if environment is None else environment
    asked = environment.get("QT_QPA_PLATFORM", "").split(";")[0].split(":")[0]
    if platform in ("win32", "darwin"):
        return ""
    plugins = plugins or platform_plugins()
    if asked in _OFFSCREEN:
        return _why_not(asked, plugins, load)
    wayland, display = environment.get("WAYLAND_DISPLAY", ""), environment.get("DISPLAY", "")
    reasons = []
    if wayland and asked in ("", "wayland", "wayland-egl"):
        if not _wayland_answers(wayland, environment.get("XDG_RUNTIME_DIR", "")):
            reasons.append(f"the Wayland display {wayland} does not answer")
        elif reason := _why_not("wayland", plugins, load):
            reasons.append(reason)
        else:
            return ""
    if display and asked in ("", "xcb"):
        if not _x11_answers(display):
            reasons.append(f"the display {display} does not answer")
        elif reason := _why_not("xcb", plugins, load):
            reasons.append(reason)
        elif not _x11_admits(display, load):
            reasons.append(f"the display {display} refuses this user (see XAUTHORITY and `xhost`)")
        else:
            return ""
    if reasons:
        return "; ".join(reversed(reasons))
    if asked and asked not in ("xcb", "wayland", "wayland-egl"):
        return _why_not(asked, plugins, load)
    if asked and (wayland or display):
        wanted = "DISPLAY" if asked == "xcb" else "WAYLAND_DISPLAY"
        return f"QT_QPA_PLATFORM asks for {asked}, but {wanted} is not set"
    return "neither DISPLAY nor WAYLAND_DISPLAY is set"


def platform_plugins() -> Path | None:
    """Return the folder of Qt's platform plugins, without loading Qt; None if PySide6 is not found."""
    spec = importlib.util.find_spec("PySide6")
    for place in (spec.submodule_search_locations if spec else None) or ():
        for folder in (Path(place) / "Qt" / "plugins" / "platforms", Path(place) / "plugins" / "platforms"):
            if folder.is_dir():
                return folder
    return None


def advice(missing: Iterable[str]) -> str:
    """Return how to install libraries on Debian and Ubuntu, Fedora, and Arch; "" if none of them is known."""
    known = [_PACKAGES[name] for name in missing if name in _PACKAGES]
    if not known:
        return ""
    debian, fedora, arch = (" ".join(dict.fromkeys(names)) for names in zip(*known, strict=True))
    return (
        f"On Debian and Ubuntu: sudo apt-get install {debian}. On Fedora: sudo dnf install {fedora}. "
        f"On Arch: sudo pacman -S {arch}"
    )


def _why_not(name: str, plugins: Path | None, load: Load) -> str:
    """Return why Qt cannot use a platform plugin; "" if it can, or if this is unknown."""
    if plugins is None:
        return ""  # another build of Qt, such as the distribution's: its packages include what it needs
    file = next((path for path in sorted(plugins.glob(f"libq{name}*.so")) if path.is_file()), None)
    if file is None:
        there = ", ".join(sorted(path.stem.removeprefix("libq") for path in plugins.glob("libq*.so")))
        return f"this Qt has no plugin for {name}, only for {there or 'nothing'}"
    try:
        load(str(file))
    except OSError as error:
        missing = missing_libraries(load)
        named = ", ".join(missing) or str(error)
        how = advice(missing)
        return f"Qt cannot start because of {named}." + (f" {how}" if how else "")
    return ""


def missing_libraries(load: Load = ctypes.CDLL) -> list[str]:
    """Return the libraries required by Qt for a window that cannot be loaded."""
    missing = []
    for name in _PACKAGES:
        if "wayland" in name:
            continue  # only needed without X11
        try:
            load(name)
        except OSError:
            missing.append(name)
    return missing


def _x11_admits(display: str, load: Load) -> bool:
    """Whether the X server accepts this user; True if that is unknown."""
    try:
        xcb = load("libxcb.so.1")
        connect, failed, leave = xcb.xcb_connect, xcb.xcb_connection_has_error, xcb.xcb_disconnect  # type: ignore[attr-defined]
    except (OSError, AttributeError):
        return True
    connect.restype, connect.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_void_p]
    failed.argtypes = leave.argtypes = [ctypes.c_void_p]
    connection = connect(display.encode(), None)
    try:
        return not failed(connection)
    finally:
        leave(connection)


def _wayland_answers(name: str, runtime_dir: str) -> bool:
    return _answers(socket.AF_UNIX, str(Path(runtime_dir) / name))


def _x11_answers(display: str) -> bool:
    match = re.fullmatch(r"(?P<host>.*?):(?P<number>\d+)(\.\d+)?", display)
    if match is None:
        return False
    host, number = match["host"], int(match["number"])
    if host in ("", "unix"):
        path = str(_X11_SOCKETS / f"X{number}")
        return _answers(socket.AF_UNIX, path) or _answers(socket.AF_UNIX, "\0" + path)
    if host.startswith("/"):
        return _answers(socket.AF_UNIX, display)
    return _answers(socket.AF_INET, (host, _X11_PORT + number))


def _answers(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.connect(address)
    except (OSError, ValueError):
        return False
    return True
