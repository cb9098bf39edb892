"""The REC button: what is recorded, how long it is and how large."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from slowfast_live.recording.recorder import Progress
from slowfast_live.ui import icons, wording
from slowfast_live.ui.shortcuts import describe, tip
from slowfast_live.ui.theme import GRID, LIGHT, Theme

REST = "REC"
COMPLETING = "Saving…"
_WIDEST = "0:00:00 · 00.0 GB"


class RecordButton(QToolButton):
    """Shows the state of a recording; whoever owns it says what a click does."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = LIGHT
        self.setObjectName("record")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.setIconSize(QSize(2 * GRID, 2 * GRID))
        self._show(REST, "Record", tip("record"), recording=False)

    def show_progress(self, progress: Progress | None) -> None:
        """Show a recording; None for none."""
        if progress is None or not progress.running:
            self._show(REST, "Record", tip("record"), recording=False)
        elif progress.stopping:
            self._show(COMPLETING, "Completing the recording", "The recording is being completed", recording=True)
        else:
            words = f"{wording.clock(progress.elapsed_s)} · {wording.size(progress.size)}"
            left_out = wording.left_out(progress.dropped)
            spoken = f"Stop recording, {words}" + (f", {left_out}" if left_out else "")
            tooltip = "\n".join(part for part in (tip("record", "Stop recording"), left_out) if part)
            self._show(words, spoken, tooltip, recording=True)

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._theme = theme
        self._show_icon()

    def _show(self, text: str, name: str, tooltip: str, *, recording: bool) -> None:
        if self.text() != text:
            self.setText(text)
        if self.toolTip() != tooltip or self.accessibleName() != name:
            describe(self, name, tooltip)
        if self.property("recording") != recording:
            self.setProperty("recording", recording)
            self.style().unpolish(self)
            self.style().polish(self)
            # Wide enough for any time and size, so that nothing moves while they grow.
            room = self.fontMetrics().horizontalAdvance(_WIDEST) + 6 * GRID
            self.setMinimumWidth(room if recording else 0)
            self._show_icon()

    def _show_icon(self) -> None:
        recording = bool(self.property("recording"))
        self.setIcon(icons.icon("stop" if recording else "record", self._theme, off=self._theme.red))
