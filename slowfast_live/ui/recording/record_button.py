"""The REC button: shows the recording's state, length and file size."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from slowfast_live.recording.recorder import RecordingProgress
from slowfast_live.ui.commands.commands import describe, tip
from slowfast_live.ui.style import formatting, icons
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.style.tone import restyle

REST = "REC"
COMPLETING = tr("Saving…")
_WIDEST = "0:00:00 · 00.0 GB"


class RecordButton(QToolButton):
    """Shows the state of a recording; its owner decides what a click does."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = LIGHT
        self.setObjectName("record")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.setIconSize(QSize(2 * GRID, 2 * GRID))
        self._show(REST, tr("Record"), tip("record"), recording=False)

    def show_progress(self, progress: RecordingProgress | None) -> None:
        """Show the progress of a recording; None if nothing is recorded."""
        if progress is None or not progress.running:
            self._show(REST, tr("Record"), tip("record"), recording=False)
        elif progress.stopping:
            self._show(
                COMPLETING, tr("Completing the recording"), tr("The recording is being completed"), recording=True
            )
        else:
            words = f"{formatting.clock(progress.elapsed_s)} · {formatting.size(progress.size)}"
            left_out = formatting.left_out(progress.dropped)
            accessible = tr("Stop recording, {words}", words=words) + (f", {left_out}" if left_out else "")
            tooltip = "\n".join(part for part in (tip("record", tr("Stop recording")), left_out) if part)
            self._show(words, accessible, tooltip, recording=True)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        self._show_icon()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size that fits any time and file size while recording, so that the layout stays put as they grow."""
        size = super().sizeHint()
        if self.property("recording"):
            room = self.fontMetrics().horizontalAdvance(_WIDEST) + 5 * GRID
            size.setWidth(max(size.width(), room))
        return size

    def _show(self, text: str, name: str, tooltip: str, *, recording: bool) -> None:
        if self.text() != text:
            self.setText(text)
        if self.toolTip() != tooltip or self.accessibleName() != name:
            describe(self, name, tooltip)
        if self.property("recording") != recording:
            self.setProperty("recording", recording)
            restyle(self)
            self.updateGeometry()
            self._show_icon()

    def _show_icon(self) -> None:
        recording = bool(self.property("recording"))
        self.setIcon(icons.icon("stop" if recording else "record", self._theme, off=self._theme.red))
