"""What the user chooses to see: full screen, side panel, timeline, overlay, theme; remembered across starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QByteArray, QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from slowfast_live.settings import Panel
from slowfast_live.ui.commands.menu_bar import MenuBar
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.events.timeline import Timeline
from slowfast_live.ui.panels.notice_bar import NoticeBar
from slowfast_live.ui.panels.side_panel import SidePanel
from slowfast_live.ui.panels.source_bar import SourceBar
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.theme import ThemeManager
from slowfast_live.ui.video.canvas import Canvas
from slowfast_live.ui.video.presenting_bar import PresentingBar
from slowfast_live.ui.video.transport import Transport


@dataclass(frozen=True, slots=True, eq=False)
class WindowParts:
    """The parts of the window that can be shown or hidden."""

    menu: MenuBar
    source_bar: SourceBar
    notice_bar: NoticeBar
    canvas: Canvas
    side_panel: SidePanel
    timeline: Timeline
    transport: Transport
    presenting: PresentingBar


class ViewOptions(QObject):
    """Applies the view's options to the window and remembers them.

    Args:
        parts: Parts of the window.
        actions: Actions by their names.
        memory: Remembers the options.
        themes: Provides and changes the theme.
        redraw: Draws the overlay again.
        window: The window.
    """

    def __init__(
        self,
        parts: WindowParts,
        actions: dict[str, QAction],
        memory: SettingsStore,
        themes: ThemeManager,
        redraw: Callable[[], None],
        window: QMainWindow,
    ) -> None:
        super().__init__(window)
        self._parts, self._actions, self._memory = parts, actions, memory
        self._themes, self._redraw, self._window = themes, redraw, window
        self._settings = memory.settings
        self._normal_state = Qt.WindowState.WindowNoState

    def apply(self, *, mirror: bool, loop: bool, threshold: float | None) -> None:
        """Show the view as it was left.

        Args:
            mirror: Whether left and right are swapped.
            loop: Whether files start again at their end.
            threshold: The threshold chosen by the user; None if none was chosen.
        """
        settings = self._settings
        for name, value in (
            ("mirror", mirror),
            ("loop", loop),
            ("overlay_bars", settings.overlay_bars),
            ("big_label", settings.big_label),
            ("count", settings.count_repetitions),
            ("rest", settings.rest),
            ("people", settings.people),
        ):
            self._actions[name].blockSignals(True)
            self._actions[name].setChecked(value)
            self._actions[name].blockSignals(False)
        self._parts.canvas.set_big(settings.big_label)
        self._actions["side_panel"].setChecked(settings.side_panel)
        self._parts.side_panel.setVisible(settings.side_panel)
        self._parts.side_panel.show_panel(settings.panel)
        self._actions["timeline"].setChecked(settings.timeline)
        self._parts.timeline.set_slim(not settings.timeline)
        self._actions["on_top"].setChecked(settings.on_top)
        self._parts.side_panel.now.set_threshold(threshold)
        if not settings.geometry or not self._window.restoreGeometry(QByteArray.fromBase64(settings.geometry.encode())):
            resize_to_fit(self._window, 1280, 800)

    def set_full_screen(self, on: bool) -> None:
        """Show only the video and its overlay on the whole screen, or return to the normal view."""
        if on:
            self._normal_state = self._window.windowState()
        for part in (self._parts.menu, self._parts.source_bar, self._parts.timeline, self._parts.transport):
            part.setVisible(not on)
        self._parts.side_panel.setVisible(not on and self._settings.side_panel)
        self._parts.notice_bar.set_silent(on)
        self._parts.canvas.set_presenting(on)
        self._parts.presenting.set_on(on)
        self._actions["leave_full_screen"].setEnabled(on)
        self._window.setWindowState(Qt.WindowState.WindowFullScreen if on else self._normal_state)

    def set_side_panel(self, on: bool) -> None:
        """Show or hide the side panel."""
        self._settings.side_panel = on
        self._parts.side_panel.setVisible(on and not self._window.isFullScreen())
        self._memory.changed()

    def set_timeline(self, on: bool) -> None:
        """Show the timeline at full height, or slim."""
        self._settings.timeline = on
        self._parts.timeline.set_slim(not on)
        self._memory.changed()

    def set_overlay_bars(self, on: bool) -> None:
        """Show or hide the bars of the best classes over the picture."""
        self._settings.overlay_bars = on
        self._redraw()
        self._memory.changed()

    def set_big_label(self, on: bool) -> None:
        """Draw the label so large that it can be read across the room, or as usual."""
        self._settings.big_label = on
        self._parts.canvas.set_big(on)
        self._redraw()
        self._memory.changed()

    def set_on_top(self, on: bool) -> None:
        """Keep the window above others, or not."""
        self._settings.on_top = on
        self._memory.changed()
        visible = self._window.isVisible()
        self._window.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint, on)
        if visible:  # Qt hides a window whose flags change
            self._window.show()

    def choose_theme(self, mode: str) -> None:
        """Choose "auto", "light" or "dark"; other values are ignored."""
        if mode in ("auto", "light", "dark"):
            self._themes.set_mode(mode)  # type: ignore[arg-type]
            self._settings.theme = mode  # type: ignore[assignment]
            self._memory.changed()

    def remember_panel(self, name: Panel) -> None:
        """Remember which panel is shown."""
        self._settings.panel = name
        self._memory.changed()

    def remember_panel_width(self, width: int) -> None:
        """Remember how wide the side panel is; 0 for its usual share."""
        self._settings.panel_width = width
        self._memory.changed()

    def remember_folded(self, names: list[str]) -> None:
        """Remember which sections are folded."""
        self._settings.folded = names
        self._memory.changed()

    def remember_place(self) -> None:
        """Save the window's position and size."""
        if not self._window.isFullScreen():
            self._settings.geometry = bytes(self._window.saveGeometry().toBase64().data()).decode()
