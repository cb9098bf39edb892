"""The one menu, made of the table of commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from slowfast_live.ui import wording
from slowfast_live.ui.theme import Mode

CAMERA_SIZES: tuple[tuple[str, tuple[int, int] | None], ...] = (
    ("The camera's own choice", None),
    ("640 × 480", (640, 480)),
    ("1280 × 720", (1280, 720)),
    ("1920 × 1080", (1920, 1080)),
)
THEMES: tuple[tuple[str, Mode], ...] = (("Like the system", "auto"), ("Light", "light"), ("Dark", "dark"))


class MainMenu(QMenu):
    """Built once; the recent files are listed anew each time they are looked at.

    Args:
        actions: The commands' actions, by id.
        recent: Returns the recent files' paths.
        on_recent: Called with the path chosen.
        on_forget: Called to empty the recent files.
        on_camera_size: Called with the size chosen.
        on_theme: Called with the theme chosen.
        parent: Qt's owner.
    """

    def __init__(
        self,
        actions: dict[str, QAction],
        recent: Callable[[], Sequence[str]],
        on_recent: Callable[[str], object],
        on_forget: Callable[[], object],
        on_camera_size: Callable[[tuple[int, int] | None], object],
        on_theme: Callable[[Mode], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._recent, self._on_recent, self._on_forget = recent, on_recent, on_forget
        self._size_actions: list[tuple[tuple[int, int] | None, QAction]] = []
        self._theme_actions: list[tuple[Mode, QAction]] = []
        self._add(actions, "open_file", "open_url", "open_demo")
        self.recent_menu = self.addMenu("Recent files")
        self.recent_menu.aboutToShow.connect(self._fill_recent)
        self.addSeparator()
        sizes = self.addMenu("Camera size")
        group = QActionGroup(self)
        for text, size in CAMERA_SIZES:
            action = self._choice(sizes, group, text)
            action.triggered.connect(lambda _=False, size=size: on_camera_size(size))
            self._size_actions.append((size, action))
        self._add(actions, "mirror", "loop", "snapshot")
        self.addSeparator()
        self._add(actions, "events", "export_events")
        self.addSeparator()
        self._add(actions, "full_screen", "side_panel", "timeline", "overlay_bars", "on_top", "rest")
        themes = self.addMenu("Theme")
        group = QActionGroup(self)
        for text, mode in THEMES:
            action = self._choice(themes, group, text)
            action.triggered.connect(lambda _=False, mode=mode: on_theme(mode))
            self._theme_actions.append((mode, action))
        self.addSeparator()
        self._add(actions, "models", "measure", "analyze")
        self.addSeparator()
        self._add(actions, "help", "quit")

    def _add(self, actions: dict[str, QAction], *names: str) -> None:
        for name in names:
            self.addAction(actions[name])

    def _choice(self, menu: QMenu, group: QActionGroup, text: str) -> QAction:
        action = menu.addAction(text)
        action.setCheckable(True)
        group.addAction(action)
        return action

    def show_chosen(self, size: tuple[int, int] | None, mode: Mode) -> None:
        """Tick what is in force."""
        for value, action in self._size_actions:
            action.setChecked(value == size)
        for name, action in self._theme_actions:
            action.setChecked(name == mode)

    def _fill_recent(self) -> None:
        self.recent_menu.clear()
        paths = list(self._recent())
        for path in paths:
            action = self.recent_menu.addAction(Path(path).name.replace("&", "&&"))
            action.setToolTip(wording.tooltip(path))
            action.triggered.connect(lambda _=False, path=path: self._on_recent(path))
        if paths:
            self.recent_menu.addSeparator()
            self.recent_menu.addAction("Forget them").triggered.connect(lambda: self._on_forget())
        else:
            self.recent_menu.addAction("None yet").setEnabled(False)
