"""The window's icons: line drawings on a 24-unit square, rendered in the theme's colors at any pixel density."""

from __future__ import annotations

import hashlib
import tempfile
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from slowfast_live.ui.style.palette import Theme

_STROKE = 'fill="none" stroke="{c}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
_SHAPES = {
    "play": '<path d="M7 4v16l13-8z" fill="{c}"/>',
    "pause": '<path d="M8 5v14M16 5v14" stroke="{c}" stroke-width="3.5" stroke-linecap="round"/>',
    # The bar is behind the arrow: in front of it, it would mean the previous or the next file.
    "step-back": '<path d="M14.5 5.5v13L5 12z" fill="{c}"/><path d="M18.5 6v12" ' + _STROKE + "/>",
    "step-forward": '<path d="M9.5 5.5v13L19 12z" fill="{c}"/><path d="M5.5 6v12" ' + _STROKE + "/>",
    "loop": '<path d="M17 3l3 3-3 3M4 11V9.5A3.5 3.5 0 0 1 7.5 6H20M7 21l-3-3 3-3M20 13v1.5a3.5 3.5 0 '
    '0 1-3.5 3.5H4" ' + _STROKE + "/>",
    "menu": '<path d="M4 7h16M4 12h16M4 17h16" ' + _STROKE + "/>",
    "camera": '<path d="M3.5 8h3l2-2.5h7l2 2.5h3v11h-17z" '
    + _STROKE
    + '/><circle cx="12" cy="13" r="3.4" '
    + _STROKE
    + "/>",
    "panel": '<rect x="3.5" y="5" width="17" height="14" rx="2" '
    + _STROKE
    + '/><path d="M14.5 5v14" '
    + _STROKE
    + "/>",
    "full-screen": '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5" ' + _STROKE + "/>",
    "help": '<circle cx="12" cy="12" r="8.5" ' + _STROKE + '/><path d="M9.7 9.6a2.4 2.4 0 1 1 3.3 2.3c-.7.3-1 .8-1 '
    '1.6M12 16.4v.1" ' + _STROKE + "/>",
    "mirror": '<path d="M12 4v16M9 7.5L4 17h5zM15 7.5L20 17h-5z" ' + _STROKE + "/>",
    "record": '<circle cx="12" cy="12" r="7" fill="{c}"/>',
    "stop": '<rect x="6" y="6" width="12" height="12" rx="2" fill="{c}"/>',
    "close": '<path d="M6.5 6.5l11 11M17.5 6.5l-11 11" ' + _STROKE + "/>",
    "chevron-down": '<path d="M6 9.5l6 6 6-6" ' + _STROKE + "/>",
    "chevron-right": '<path d="M9.5 6l6 6-6 6" ' + _STROKE + "/>",
    "check": '<path d="M5 12.5l5 5 9-11" stroke="{c}" stroke-width="3" fill="none" stroke-linecap="round" '
    'stroke-linejoin="round"/>',
    "undo": '<path d="M8 5L4 9l4 4M4.5 9H14a5.5 5.5 0 0 1 0 11H9" ' + _STROKE + "/>",
    "redo": '<path d="M16 5l4 4-4 4M19.5 9H10a5.5 5.5 0 0 0 0 11h5" ' + _STROKE + "/>",
    "add": '<path d="M12 5v14M5 12h14" ' + _STROKE + "/>",
    "export": '<path d="M12 15V4M8 7.5L12 3.5l4 4M5 13v6.5h14V13" ' + _STROKE + "/>",
    "rename": '<path d="M5 19l1-4L16.5 4.5l3 3L9 18z" ' + _STROKE + "/>",
    "delete": '<path d="M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7" ' + _STROKE + "/>",
    "copy": '<rect x="8.5" y="8.5" width="11" height="11" rx="2" '
    + _STROKE
    + '/><path d="M15.5 5.5v-1h-11v11h1" '
    + _STROKE
    + "/>",
    "timeline": '<path d="M4 8.5h6M13 8.5h7M4 15.5h3M10 15.5h10" stroke="{c}" stroke-width="4" fill="none"/>',
    "analyze": '<circle cx="10.5" cy="10.5" r="6" '
    + _STROKE
    + '/><path d="M15 15l5 5M8 10.5h1M10.5 8v5M13 9.5v2" '
    + _STROKE
    + "/>",
    "replay": '<path d="M5 5v5h5M5.6 10a7.5 7.5 0 1 1-1 5M12 8.5V13l3 2" ' + _STROKE + "/>",
    "reset": '<path d="M5 5v5h5M5.6 10a7.5 7.5 0 1 1-1 5" ' + _STROKE + "/>",
}


def names() -> tuple[str, ...]:
    """Return the names of all icons."""
    return tuple(_SHAPES)


def _svg(name: str, color: str) -> bytes:
    body = _SHAPES[name].replace("{c}", color)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">{body}</svg>'.encode()


def pixmap(name: str, color: str, size: int = 20, ratio: float = 1.0) -> QPixmap:
    """Return an icon as a pixmap of `size` logical pixels at `ratio` device pixels per logical pixel."""
    pixels = round(size * ratio)
    result = QPixmap(QSize(pixels, pixels))
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    QSvgRenderer(QByteArray(_svg(name, color))).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    result.setDevicePixelRatio(ratio)
    return result


@lru_cache(maxsize=128)
def icon(name: str, theme: Theme, off: str = "") -> QIcon:
    """Return an icon in a theme's colors: text color (or `off`) when off, accent when on, gray when disabled."""
    result = QIcon()
    for ratio in (1.0, 2.0):
        for mode, state, color in (
            (QIcon.Mode.Normal, QIcon.State.Off, off or theme.text),
            (QIcon.Mode.Normal, QIcon.State.On, theme.accent),
            (QIcon.Mode.Disabled, QIcon.State.Off, theme.disabled),
            (QIcon.Mode.Disabled, QIcon.State.On, theme.disabled),
        ):
            result.addPixmap(pixmap(name, color, 20, ratio), mode, state)
    return result


@lru_cache(maxsize=32)
def quiet_icon(name: str, theme: Theme) -> QIcon:
    """Return a purely decorative icon: gray in every state."""
    result = QIcon()
    for ratio in (1.0, 2.0):
        result.addPixmap(pixmap(name, theme.quiet, 16, ratio))
    return result


@lru_cache(maxsize=1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="slowfast-live-icons-", ignore_cleanup_errors=True)


def file(name: str, color: str) -> str:
    """Return the path of an icon saved as a file, with forward slashes; style sheets accept only files."""
    data = _svg(name, color)
    path = Path(_folder().name) / f"{name}-{hashlib.blake2b(data, digest_size=6).hexdigest()}.svg"
    if not path.exists():
        path.write_bytes(data)
    return path.as_posix()
