"""The menu bar: File, Edit, View, Playback, Tools and Help, generated from the table of commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from slowfast_live.text_safety import shown_name
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import LANGUAGES, tr
from slowfast_live.ui.style.theme import Mode

CAMERA_SIZES: tuple[tuple[str, tuple[int, int] | None], ...] = (
    (tr("Camera default"), None),
    ("640 × 480", (640, 480)),
    ("1280 × 720", (1280, 720)),
    ("1920 × 1080", (1920, 1080)),
)
_LIKE_THE_SYSTEM = tr("Same as system")
THEMES: tuple[tuple[str, Mode], ...] = ((_LIKE_THE_SYSTEM, "auto"), (tr("Light"), "light"), (tr("Dark"), "dark"))
RECENT, CAMERA_SIZE, THEME = "@recent", "@camera size", "@theme"
LANGUAGE, RECORDING = "@language", "@recording"
MENUS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        tr("&File"),
        (
            "open_camera", "open_file", "open_pictures", "open_url", "open_screen", "open_demo", RECENT, "retry", "",
            "queue", "next_file", "previous_file", "",
            "sessions", "save_session", "export_events", "",
            "snapshot", "copy_picture", "record", "save_last", RECORDING, "",
            "quit",
        ),
    ),
    (tr("&Edit"), ("undo", "redo", "", "add_event", "", "mark_in", "mark_out", "clear_marks", "", "find_action")),
    (
        tr("&View"),
        (
            "full_screen", "", "side_panel", "timeline", "events", "",
            "overlay_bars", "big_label", "people", "count", "explain", "on_top", "",
            "zoom_in", "zoom_out", "zoom_all", "now", "", THEME, LANGUAGE,
        ),
    ),
    (
        tr("&Playback"),
        (
            "play_pause", "step_back", "step_forward", "back", "forward", "", "slower", "faster", "loop", "",
            "mirror", CAMERA_SIZE,
        ),
    ),
    (
        tr("&Tools"),
        (
            "run_session", "summary", "", "analyze", "analyze_this", "rules", "publish", "",
            "models", "recognize_400", "person_detector", "teach", "measure", "",
            "lower", "higher", "recommended", "rest",
        ),
    ),
    (tr("&Help"), ("start_card", "help", "", "about")),
)  # fmt: skip
"""The menus, each with its entries: a command's id, "" for a separator, or one of the submenus named above."""
_SUBMENUS = {
    RECENT: tr("Recent files"),
    CAMERA_SIZE: tr("Camera size"),
    THEME: tr("Theme"),
    LANGUAGE: tr("Language"),
    RECORDING: tr("Recording options"),
}
_Value = TypeVar("_Value")


class MenuBar(QMenuBar):
    """Built once; the recent files are listed anew each time their submenu opens.

    Args:
        actions: The commands' actions, by ID.
        recent: Returns the recent files' paths.
        on_recent: Called with the selected path.
        on_forget: Called to clear the recent files.
        on_camera_size: Called with the selected size.
        on_theme: Called with the selected theme mode.
        on_language: Called with the selected language's code, or "auto".
        parent: Qt parent.
    """

    def __init__(
        self,
        actions: dict[str, QAction],
        recent: Callable[[], Sequence[str]],
        on_recent: Callable[[str], object],
        on_forget: Callable[[], object],
        on_camera_size: Callable[[tuple[int, int] | None], object],
        on_theme: Callable[[Mode], object],
        on_language: Callable[[str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._recent, self._on_recent, self._on_forget = recent, on_recent, on_forget
        self._size_actions: list[tuple[tuple[int, int] | None, QAction]] = []
        self._theme_actions: list[tuple[Mode, QAction]] = []
        self._language_actions: list[tuple[str, QAction]] = []
        self.submenus: dict[str, QMenu] = {}
        """The submenus, by the name that `MENUS` gives them."""
        for title, entries in MENUS:
            self._fill(self.addMenu(title), entries, actions)
        self._offer_choices(self.submenus[CAMERA_SIZE], CAMERA_SIZES, on_camera_size, self._size_actions)
        self._offer_choices(self.submenus[THEME], THEMES, on_theme, self._theme_actions)
        languages = [(_LIKE_THE_SYSTEM, "auto"), *((name, code) for code, name in LANGUAGES.items())]
        self._offer_choices(self.submenus[LANGUAGE], languages, on_language, self._language_actions)
        self.recent_menu = self.submenus[RECENT]
        self.recent_menu.aboutToShow.connect(self._list_recent)
        self.setAccessibleName(tr("Menu bar"))

    def _fill(self, menu: QMenu, entries: Sequence[str], actions: dict[str, QAction]) -> None:
        menu.setToolTipsVisible(True)
        for entry in entries:
            if not entry:
                menu.addSeparator()
            elif entry in _SUBMENUS:
                self.submenus[entry] = menu.addMenu(_SUBMENUS[entry])
            else:
                menu.addAction(actions[entry])

    def _offer_choices(
        self,
        menu: QMenu,
        choices: Sequence[tuple[str, _Value]],
        choose: Callable[[_Value], object],
        made: list[tuple[_Value, QAction]],
    ) -> None:
        group = QActionGroup(self)
        for text, value in choices:
            action = menu.addAction(text)
            action.setCheckable(True)
            group.addAction(action)
            action.triggered.connect(lambda _=False, value=value: choose(value))
            made.append((value, action))

    def open_first(self) -> None:
        """Open the first menu, from where the arrow keys reach all others."""
        if self.isVisible():
            self.setActiveAction(self.actions()[0])

    def show_chosen(self, size: tuple[int, int] | None, mode: Mode, language: str) -> None:
        """Check the current camera size, theme mode and language."""
        for value, action in self._size_actions:
            action.setChecked(value == size)
        for name, action in self._theme_actions:
            action.setChecked(name == mode)
        for code, action in self._language_actions:
            action.setChecked(code == language)

    def _list_recent(self) -> None:
        self.recent_menu.clear()
        paths = list(self._recent())
        for path in paths:
            action = self.recent_menu.addAction(shown_name(Path(path).name).replace("&", "&&"))
            action.setToolTip(formatting.tooltip(path))
            action.triggered.connect(lambda _=False, path=path: self._on_recent(path))
        if paths:
            self.recent_menu.addSeparator()
            self.recent_menu.addAction(tr("Clear list")).triggered.connect(lambda: self._on_forget())
        else:
            self.recent_menu.addAction(tr("None yet")).setEnabled(False)
