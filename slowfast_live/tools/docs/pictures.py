"""Pictures of the real window for the documents: the demo, recognized by the bundled model.

`QT_QPA_PLATFORM=offscreen python -m slowfast_live.tools.docs pictures` takes them anew. The window runs as it does for
a user, with settings of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from PySide6.QtWidgets import QApplication

from slowfast_live import paths
from slowfast_live.tools.docs.scenes import DARK, SCENES
from slowfast_live.tools.docs.studio import Studio
from slowfast_live.ui.app import make_application
from slowfast_live.ui.style.theme import Mode

FOLDER = paths.ROOT / "docs" / "pictures"
MOVING = paths.ROOT / "assets" / "demo.webp"
_MOVING_WIDTH = 720
_MOVING_S, _MOVING_FPS = 12.0, 6
_SCENE_SIZE = (1280, 800)


def take(only: Sequence[str] = ()) -> None:
    """Take the pictures: the window in both themes with a moving one, and one of each scene.

    Args:
        only: Names of the pictures to take; all if empty.
    """
    app = make_application()
    FOLDER.mkdir(parents=True, exist_ok=True)
    themes: tuple[Mode, ...] = ("light", "dark")
    for theme in themes:
        if only and f"window-{theme}" not in only:
            continue
        with _studio(app, theme) as studio:
            studio.until(studio.recognized)
            studio.rest(1.0)
            studio.grab().save(FOLDER / f"window-{theme}.png", optimize=True)
            if theme == "light":
                _film(studio)
    for name, scene in SCENES.items():
        if only and name not in only:
            continue
        with _studio(app, "dark" if name in DARK else "light") as studio:
            studio.until(studio.recognized)
            widget = scene(studio)
            studio.rest(0.6)
            picture = studio.grab(widget)
            picture.thumbnail(_SCENE_SIZE, Image.Resampling.LANCZOS)
            picture.save(FOLDER / f"{name}.png", optimize=True)


@contextmanager
def _studio(app: QApplication, theme: Mode) -> Iterator[Studio]:
    with tempfile.TemporaryDirectory() as home:
        studio = Studio(app, Path(home), theme)
        studio.live.start()
        try:
            yield studio
        finally:
            studio.close()


def _film(studio: Studio) -> None:
    frames = []
    for _ in range(int(_MOVING_S * _MOVING_FPS)):
        studio.rest(1 / _MOVING_FPS)
        picture = studio.grab()
        height = round(picture.height * _MOVING_WIDTH / picture.width)
        frames.append(picture.resize((_MOVING_WIDTH, height), Image.Resampling.LANCZOS))
    pause_ms = round(1000 / _MOVING_FPS)
    frames[0].save(MOVING, save_all=True, append_images=frames[1:], duration=pause_ms, loop=0, quality=60, method=4)
