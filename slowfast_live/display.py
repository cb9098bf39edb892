"""Whether there is a screen to open a window on. Asked before Qt is loaded: Qt ends the process instead of saying."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

_OFFSCREEN = ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")
_X11_SOCKETS = Path("/tmp/.X11-unix")
_X11_PORT = 6000
_TIMEOUT_S = 2.0


def why_no_display(environment: Mapping[str, str] | None = None, platform: str = sys.platform) -> str:
    """Return why no window can be opened, or "" where one can.

    Args:
        environment: The environment variables; those of the process where None.
        platform: `sys.platform`.
    """
    environment = os.environ if environment is None else environment
    if platform in ("win32", "darwin") or environment.get("QT_QPA_PLATFORM", "").split(":")[0] in _OFFSCREEN:
        return ""
    wayland, display = environment.get("WAYLAND_DISPLAY", ""), environment.get("DISPLAY", "")
    if wayland and _wayland_answers(wayland, environment.get("XDG_RUNTIME_DIR", "")):
        return ""
    if display:
        return "" if _x11_answers(display) else f"the display {display} does not answer"
    if wayland:
        return f"the Wayland display {wayland} does not answer"
    return "neither DISPLAY nor WAYLAND_DISPLAY is set"


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
