"""Timeline and list of events: what they share, and how they are wired to each other and to the player."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from slowfast_live.core.corrections import Noted
from slowfast_live.core.history import History
from slowfast_live.types import Status
from slowfast_live.ui.background import Background
from slowfast_live.ui.chronicle import Chronicle
from slowfast_live.ui.controller import Controller
from slowfast_live.ui.events_export import EventsExport
from slowfast_live.ui.events_panel import EventsPanel
from slowfast_live.ui.presenter import Presented
from slowfast_live.ui.previewer import Previewer
from slowfast_live.ui.theme import Theme
from slowfast_live.ui.timeline import ZOOM, Timeline


class Story(QObject):
    """Owns the chronicle and its two views.

    Args:
        history: What the pipeline's predictions are written to.
        controller: Where wishes go, and what tells which models there are.
        actions: The window's commands.
        background: Who writes what is exported.
        window: Qt's owner, and that of the dialogs.
    """

    notice = Signal(object)

    following_changed = Signal(bool)
    """False: the timeline of a live source was moved back and stands still."""

    def __init__(
        self,
        history: History,
        controller: Controller,
        actions: dict[str, QAction],
        background: Background,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._controller = controller
        self.chronicle = Chronicle(history, self)
        self.previewer = Previewer(self)
        self.timeline = Timeline(self.chronicle, self.previewer)
        self.events = EventsPanel(self.chronicle, actions)
        self.export = EventsExport(self.chronicle, controller, background, window)
        self.export.notice.connect(self.notice)
        controller.models_changed.connect(self.chronicle.know)
        self.timeline.seek.connect(self._seek)
        self.timeline.following_changed.connect(self.following_changed)
        self.events.jump.connect(self._jump)
        self.events.reveal.connect(self._reveal)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """What the window's commands do here."""
        timeline = self.timeline
        return {
            "zoom_in": lambda: timeline.zoom(ZOOM),
            "zoom_out": lambda: timeline.zoom(1 / ZOOM),
            "zoom_all": timeline.show_all,
            "now": timeline.go_now,
            "undo": self.chronicle.undo,
            "export_events": self.export.ask,
        }

    def show_status(self, status: Status) -> None:
        """Take over where the source is and what happened since."""
        self.chronicle.tick(status)
        self.timeline.show_status(status)

    def show_picture(self, presented: Presented) -> None:
        """Move the playhead with the picture."""
        self.timeline.set_position(presented.frame.t_s)

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self.timeline.set_theme(theme)

    def close(self) -> None:
        """End the thread behind the previews."""
        self.previewer.stop()

    def _seek(self, t_s: float, scrubbing: bool) -> None:
        self._controller.pipeline.seek(t_s, scrubbing=scrubbing)

    def _jump(self, t_s: float) -> None:
        self.timeline.seek_to(t_s)

    def _reveal(self, noted: Noted) -> None:
        self.chronicle.select(noted)
        self.timeline.reveal(noted)
