"""Connect the timeline and the events list to each other and to the player."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.core.history import History
from slowfast_live.types import Level, Notice, Status, Topic
from slowfast_live.ui.events.add_event import AddEventDialog, offered_span
from slowfast_live.ui.events.events_export import EventsExport, ExportContext
from slowfast_live.ui.events.events_panel import EventsPanel
from slowfast_live.ui.events.previewer import Part, Previewer
from slowfast_live.ui.events.session_events import SessionEvents
from slowfast_live.ui.events.timeline import ZOOM, Timeline
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.threads.background import BackgroundTasks
from slowfast_live.ui.video.frame_scaler import ScaledFrame

_LAG_S = 2.0
"""An event in progress that ended less than this many seconds ago, as far as is known, still goes on."""
_ROOM = 0.15
"""Room around a person in a preview, on each side, in shares of the box."""
_INTERVAL_S = 1 / 25
"""Frame interval in seconds, for a file that does not state its frame rate."""


class EventsContext(ExportContext, Protocol):
    """What the views of events need to know of the rest of the window."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The actions that the model knows."""
        ...

    @property
    def mirror(self) -> bool:
        """Whether left and right are swapped."""
        ...

    @property
    def models_changed(self) -> Any:
        """Signal that emits the available models."""
        ...


class EventViews(QObject):
    """Owns the session's events and their two views.

    Args:
        history: The history that the pipeline's predictions are written to.
        controller: Runs the model and knows the available ones.
        actions: The window's commands.
        background: Runs exports off the GUI thread.
        window: Qt parent, also of the dialogs.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    following_changed = Signal(bool)
    """Emits False if the timeline of a live source was moved back and no longer follows it."""

    def __init__(
        self,
        history: History,
        controller: EventsContext,
        actions: dict[str, QAction],
        background: BackgroundTasks,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._controller = controller
        self.dialog: AddEventDialog | None = None
        self._interval_s = _INTERVAL_S
        self.session_events = SessionEvents(history, self)
        self.previewer = Previewer(self)
        self.timeline = Timeline(self.session_events, self.previewer)
        self.events = EventsPanel(self.session_events, actions)
        self.export = EventsExport(self.session_events, controller, background, window)
        self.export.notice.connect(self.notice)
        self.export.settled.connect(self.settled)
        controller.models_changed.connect(self.session_events.know)
        self.timeline.seek.connect(self._seek)
        self.timeline.following_changed.connect(self.following_changed)
        self.events.jump.connect(self._jump)
        self.timeline.pointer.place_of = self._place_of
        self.timeline.edge_dragged.connect(self.change_times)
        self.events.times_wanted.connect(self.ask_times)
        self.session_events.edited.connect(lambda: self.settled.emit(Topic.EDIT))
        self.events.reveal.connect(self._reveal)

    @property
    def commands(self) -> dict[str, Callable[[], object]]:
        """Handlers of the window's commands, by name."""
        timeline = self.timeline
        return {
            "zoom_in": lambda: timeline.zoom(ZOOM),
            "zoom_out": lambda: timeline.zoom(1 / ZOOM),
            "zoom_all": timeline.show_all,
            "now": timeline.go_now,
            "undo": self.session_events.undo,
            "redo": self.session_events.redo,
            "add_event": self.ask_event,
            "export_events": self.export.ask,
        }

    def ask_event(self) -> None:
        """Let the user add an event at the current position, in a non-blocking dialog."""
        session_events = self.session_events
        if session_events.source is None:
            return
        status = self._controller.pipeline.status()
        position_s = session_events.snapshot.end_s if session_events.archived else status.position_s
        known_end_s = status.info.duration_s if status.info is not None and not session_events.archived else None
        ends_here = session_events.live or session_events.archived
        begin_s, end_s = offered_span(position_s, known_end_s, live=ends_here)
        part = session_events.part
        if part.begin_s is not None and part.end_s is not None:
            begin_s, end_s = part.begin_s, part.end_s
        names = {noted.event.label for noted in session_events.all_notes} | set(self._controller.labels)
        chosen = self.events.whose.chosen
        dialog = AddEventDialog(
            sorted(names, key=str.casefold),
            begin_s,
            end_s,
            session_events.day_offset_s or 0.0,
            self.events.window(),
            people=session_events.people.known,
            person=chosen if chosen > 0 else None,
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.added.connect(session_events.add)
        self.dialog = dialog
        dialog.open()

    def change_times(self, noted: AnnotatedEvent, begin_s: float, end_s: float) -> None:
        """Give an event other boundaries, and offer to undo it."""
        self.session_events.move(noted, begin_s, end_s)
        text = f"{self.session_events.undoable}."
        self.notice.emit(Notice(Level.INFO, text, command="undo", topic=Topic.EDIT))

    def ask_times(self, noted: AnnotatedEvent) -> None:
        """Let the user type other boundaries of an event, in a non-blocking dialog."""
        event, offset_s = noted.event, self.session_events.day_offset_s or 0.0
        window = self.events.window()
        dialog = AddEventDialog((), event.begin_s, event.end_s, offset_s, window, event.label)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.added.connect(lambda _name, begin_s, end_s, _person: self.change_times(noted, begin_s, end_s))
        self.dialog = dialog
        dialog.open()

    def show_status(self, status: Status) -> None:
        """Show the source's position and what has happened since."""
        self._interval_s = 1 / status.info.fps if status.info is not None and status.info.fps else _INTERVAL_S
        self.session_events.tick(status)
        pipeline = self._controller.pipeline
        self.session_events.take_people(pipeline.person_events(), pipeline.people())
        self.timeline.show_status(status)
        newest = self.session_events.notes[-1] if self.session_events.notes else None
        shown = None if self.session_events.live else self.session_events.noted_at(self.timeline.position_s)
        if shown is None and newest is not None and newest.going_on:
            behind_s = self.timeline.position_s - newest.event.end_s  # it is recognized a little later than it happens
            shown = newest if self.session_events.live or 0 <= behind_s < _LAG_S else None
        self.events.show_now(shown)

    def show_picture(self, presented: ScaledFrame) -> None:
        """Move the playhead to the new frame."""
        self.timeline.set_position(presented.frame.t_s)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self.timeline.set_theme(theme)

    def close(self) -> None:
        """Stop the preview thread."""
        self.previewer.stop()

    def _seek(self, t_s: float, scrubbing: bool) -> None:
        self._controller.pipeline.seek(t_s, scrubbing=scrubbing)

    def _place_of(self, person: int, t_s: float) -> Part | None:
        """Return the part of the file's picture that shows a person with some room around, in shares of it."""
        box = self._controller.pipeline.person_at(person, t_s)
        if box is None:
            return None
        x1, y1, x2, y2 = box
        if self._controller.mirror:  # previews are not mirrored
            x1, x2 = 1 - x2, 1 - x1
        more_x, more_y = _ROOM * (x2 - x1), _ROOM * (y2 - y1)
        part = (max(0.0, x1 - more_x), max(0.0, y1 - more_y), min(1.0, x2 + more_x), min(1.0, y2 + more_y))
        return tuple(round(edge, 2) for edge in part) if part[2] > part[0] and part[3] > part[1] else None  # type: ignore[return-value]

    def _jump(self, begin_s: float) -> None:
        # A seek shows the frame at or before a time; the frame before an event's begin does not belong to it yet.
        self.timeline.seek_to(begin_s + self._interval_s)

    def _reveal(self, noted: AnnotatedEvent) -> None:
        self.session_events.select(noted)
        self.timeline.reveal(noted)
