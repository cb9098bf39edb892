"""The timeline below the video: shows the events and the position, and serves as a file's only playhead."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QHelpEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.types import Status
from slowfast_live.ui.commands.commands import key_text
from slowfast_live.ui.events.edge_drag import Edge, edge_at
from slowfast_live.ui.events.previewer import Previewer
from slowfast_live.ui.events.session_events import SessionEvents
from slowfast_live.ui.events.session_people import PeopleRow
from slowfast_live.ui.events.time_axis import Scale, Span, archived_whole, file_whole, live_whole
from slowfast_live.ui.events.timeline_hover import Pointer
from slowfast_live.ui.events.timeline_painting import (
    FULL,
    SEVERAL,
    SLIM,
    Playhead,
    Rows,
    TimelineScene,
    device_columns,
    dim_outside,
    mark_event,
    mark_playhead,
    paint,
    playhead,
    scale_of,
    stands_alike,
)
from slowfast_live.ui.events.viewport import Viewport
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.painting import draw_focus
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID

_SCRUB_MS = 40
"""Minimum interval between seeks while the playhead is dragged, in milliseconds."""
_DRAG_PX = 4
"""A press that moves less than this many pixels is a click."""
_NOTCH = 120
ZOOM = 1.25
"""Zoom factor of one wheel notch or one key press."""
_PAN = 0.1
_STEP_S = 1.0
_MOST_ROWS, _MOST_ROWS_LOW = 4, 3
_HIGH_PX = 700
"""Most rows of people, and in windows that are lower than this; with more people, the last row holds all others."""
_WAIT_TICKS = 10
"""After a seek, positions from before it are ignored for at most this many ticks (one second)."""
_QUICK_TICKS, _CALM_TICKS = 2, 5
"""The layer is repainted at every second status update, five times a second, or at every fifth if nothing moved by a
pixel."""


class Timeline(QWidget):
    """Lanes, curves and axis; click and drag to seek, scroll to zoom, or use the keys for both.

    Args:
        session_events: The session's events.
        previewer: Creates previews of a file.
        parent: Qt parent.
    """

    seek = Signal(float, bool)
    """Emits a position in seconds, and whether it is one of many while the playhead is dragged."""
    stands_at = Signal(float)
    """Emits the playhead's position in seconds, for every other display of the time."""
    edge_dragged = Signal(object, float, float)
    """Emits an `AnnotatedEvent` with its new begin and end."""
    person_clicked = Signal(int)
    """Emits the identity of the person whose row was clicked at its name."""
    following_changed = Signal(bool)
    """Emits False if a live view was moved back and no longer follows the source."""

    def __init__(self, session_events: SessionEvents, previewer: Previewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session_events = session_events
        self.pointer = Pointer(session_events, previewer, self)
        self.viewport = Viewport()
        self._rows, self._theme = FULL, LIGHT
        self._status = Status()
        self._position_s = 0.0
        self._sought: tuple[float, int] | None = None
        self._layer: QImage | None = None
        self._painted_at_s = -math.inf
        self._news, self._ticks = False, 0
        self._press: tuple[Qt.MouseButton, QPointF, Span] | None = None
        self._moved = self._scrubbing = False
        self._since_scrub = QElapsedTimer()
        self._edge: Edge | None = None
        self._edge_at_s = 0.0
        self._hover_at: QPointF | None = None
        self._followed = True
        self.setObjectName("timeline")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFixedHeight(self._rows.height)
        self._describe()
        session_events.moved.connect(self._moved_on)
        session_events.changed.connect(self._events_changed)
        session_events.restarted.connect(self._restart)
        session_events.selected_changed.connect(self.update)
        session_events.part_changed.connect(self.update)

    # State

    @property
    def scrubbing(self) -> bool:
        """Whether the playhead is being dragged."""
        return self._scrubbing

    @property
    def position_s(self) -> float:
        """The playhead's position."""
        return self._position_s

    @property
    def scale(self) -> Scale:
        """The mapping between times and pixels."""
        return scale_of(self._rows, self.width(), self.viewport.view)

    @property
    def slim(self) -> bool:
        """Whether only the lane of events is shown."""
        return self._rows is SLIM

    def set_slim(self, slim: bool) -> None:
        """Collapse to the lane of events, or expand."""
        self._rows = SLIM if slim else self._full
        self.setFixedHeight(self._rows.height)
        self._outdate()

    def _events_changed(self) -> None:
        """Make room for the rows of people, and repaint."""
        if not self.slim and self._full.height != self.height():
            self.set_slim(False)
        self._outdate()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        self._outdate()

    def show_status(self, status: Status) -> None:
        """Show the source's position; called ten times a second."""
        hint = self._hint()
        self._status, before = status, self.viewport.view
        if self._hint() != hint:
            self._outdate()
        self.viewport.set_whole(self._whole())
        if self._sought is not None:
            target_s, left = self._sought
            near = abs(status.position_s - target_s) < 1.0
            self._sought = None if near or left == 0 else (target_s, left - 1)
        self.set_position(status.position_s)
        self._ticks += 1
        moved = self._moved_a_pixel()
        news = self._news or (self.viewport.live and moved)
        if (news and self._ticks >= (_QUICK_TICKS if moved else _CALM_TICKS)) or (
            not self.viewport.live and self.viewport.view != before
        ):
            self._outdate()
            if self._hover_at is not None:  # the details there may have changed
                self._hover(self._hover_at)

    def set_position(self, t_s: float) -> None:
        """Move the playhead, unless it is being dragged; cheap enough to call for every frame."""
        if self._scrubbing or self._sought is not None or t_s == self._position_s:
            return
        before_s, self._position_s = self._position_s, t_s
        self.stands_at.emit(t_s)
        if self.viewport.keep_in_sight(before_s, t_s):
            self._outdate()
        if not self.viewport.live and not stands_alike(self.scale, before_s, t_s):
            for moment_s in (before_s, t_s):
                self.update(self._around(moment_s))

    def zoom(self, factor: float) -> None:
        """Zoom in (> 1) or out, about the playhead or, for a live view, about now."""
        view = self.viewport.view
        center_s = view.end_s if self.viewport.follows else (view.begin_s + view.end_s) / 2
        inside = not self.viewport.live and view.holds(self._position_s)
        self._zoom_about(self._position_s if inside else center_s, factor)

    def show_all(self) -> None:
        """Show the whole time span."""
        self.viewport.show_all()
        self._view_changed()

    def go_now(self) -> None:
        """Scroll to now or, for a file, to the playhead."""
        if self.viewport.live:
            self.viewport.go_now()
        elif not self.viewport.view.holds(self._position_s):
            view = self.viewport.view
            self.viewport.pan(self._position_s - (view.begin_s + view.end_s) / 2)
        self._view_changed()

    def reveal(self, noted: AnnotatedEvent) -> None:
        """Scroll to an event."""
        view, event = self.viewport.view, noted.event
        middle_s = (event.begin_s + event.end_s) / 2
        if not view.holds(middle_s):
            self.viewport.pan(middle_s - (view.begin_s + view.end_s) / 2)
            self._view_changed()

    def _whole(self) -> Span:
        snapshot, status = self._session_events.snapshot, self._status
        if self._session_events.live:
            now_s = max(status.position_s, snapshot.end_s)
            return live_whole(snapshot.begin_s if snapshot.end_s > snapshot.begin_s else now_s, now_s)
        if self._session_events.archived:
            return archived_whole(snapshot.begin_s, snapshot.end_s, zero=self._session_events.day_offset_s is None)
        stated_s = (status.info.duration_s if status.info else None) or 0.0
        return file_whole(stated_s, max(snapshot.end_s, status.position_s))

    def _restart(self) -> None:
        self._sought = None
        self._position_s = 0.0
        self.stands_at.emit(0.0)
        self.viewport.reset(self._whole(), live=self._session_events.live)
        self._describe()
        self._view_changed()

    def _describe(self) -> None:
        """Describe the playhead's position, and how to move it, to screen readers."""
        self.setAccessibleName(tr("Timeline"))
        self.setAccessibleDescription(f"{self._position_text()}. {self._how_to()}")

    def _position_text(self) -> str:
        if self._session_events.live:
            return tr("The last ten minutes")
        noted = self._session_events.noted_at(self._position_s)
        doing = f", {noted.event.label}" if noted else ""
        return tr(
            "At {position_s} of {end_s}{doing}",
            position_s=formatting.clock(self._position_s),
            end_s=formatting.clock(self.viewport.whole.end_s),
            doing=doing,
        )

    def _how_to(self) -> str:
        if self._session_events.live:
            what = tr("Drag to scroll back, wheel to zoom")
        else:
            what = tr("Click or drag to seek (arrow keys: 1 s), wheel to zoom, Shift and drag to move")
        return tr(
            "{what}; {keys} shows all, {other_keys} collapses it",
            what=what,
            keys=key_text("zoom_all"),
            other_keys=key_text("timeline"),
        )

    # Updates

    def _moved_on(self) -> None:
        self._news = True

    def _moved_a_pixel(self) -> bool:
        """Whether new data appears at another pixel than when the layer was painted."""
        moved_s = abs(self._newest_s - self._painted_at_s)
        return moved_s >= self.scale.pixel_s / self.devicePixelRatioF()

    @property
    def _newest_s(self) -> float:
        """Time at which new data appears."""
        return self.viewport.whole.end_s if self.viewport.live else self._status.position_s

    def _outdate(self) -> None:
        self._layer = None
        self.update()

    def _view_changed(self) -> None:
        """Repaint after the view has changed."""
        self._outdate()
        followed = self.viewport.follows or not self.viewport.live
        if followed != self._followed:
            self._followed = followed
            self.following_changed.emit(followed)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the layer and what moves on top of it."""
        ratio = self.devicePixelRatioF()
        if self._layer is None or self._layer.devicePixelRatio() != ratio:
            self._layer = self._make_layer(ratio)
        painter = QPainter(self)
        painter.drawImage(QPointF(0, 0), self._layer)
        scale = self.scale
        if self._session_events.selected is not None:
            selected = self._session_events.selected.event
            if self._edge is not None:
                begin_s, end_s = self._edge.moved(self._edge_at_s)
                selected = replace(selected, begin_s=begin_s, end_s=end_s)
            if (row := self._row_of(self._session_events.selected)) is not None:
                mark_event(painter, row, scale, selected, self._theme)
        dim_outside(painter, self._rows, scale, self._session_events.part, self._theme)
        if self._hover_at is not None:
            painter.fillRect(QRectF(self._hover_at.x(), 0, 1, self._rows.height), QColor(self._theme.control_border))
        file = not self.viewport.live and self._status.info is not None
        if file and self.viewport.view.holds(self._position_s):
            mark_playhead(painter, self._rows, scale, self._position_s, self._theme)
        if self.hasFocus():
            draw_focus(painter, self.rect(), self._theme)
        painter.end()

    @property
    def _full(self) -> Rows:
        rows = SEVERAL if self._session_events.snapshot.overlapping else FULL
        return rows.with_people(min(len(self._session_events.people.known), self._most_people))

    @property
    def _most_people(self) -> int:
        """Most rows of people: fewer in a low window, which needs its room for the picture."""
        return _MOST_ROWS if self.window().height() >= _HIGH_PX else _MOST_ROWS_LOW

    @property
    def _people_rows(self) -> tuple[PeopleRow, ...]:
        places = len(self._rows.people)
        return self._session_events.people.rows(self.viewport.view, places) if places else ()

    def _row_of(self, noted: AnnotatedEvent) -> tuple[int, int] | None:
        """Return top and height of the row that shows an event; None if none does."""
        if noted.person is None:
            return self._rows.events
        shown = zip(self._rows.people, self._people_rows, strict=False)
        return next((place for place, row in shown if noted.person in row.people), None)

    def _person_row(self, y: float) -> PeopleRow | None:
        """Return the row of people at a height."""
        index, rows = self._rows.person_row(y), self._people_rows
        return rows[index] if index is not None and index < len(rows) else None

    def _noted_under(self, position: QPointF) -> AnnotatedEvent | None:
        """Return the event under the pointer: that of the person in whose row it is, else that of the whole picture."""
        t_s, row = self._moment(position.x()), self._person_row(position.y())
        if row is None:
            return self._session_events.noted_at(t_s)
        return next((n for n in row.notes if n.event.begin_s <= t_s <= n.event.end_s), None)

    def _make_layer(self, ratio: float) -> QImage:
        if not self.slim:
            self._rows = self._full
        scale, view = self.scale, self.viewport.view
        columns = self._session_events.history.columns(view.begin_s, view.end_s, device_columns(scale, ratio))
        self._painted_at_s, self._news, self._ticks = self._newest_s, False, 0
        scene = TimelineScene(
            self._rows,
            scale,
            self._session_events.notes,
            columns,
            self._session_events.day_offset_s,
            self._hint(),
            self._session_events.snapshot.overlapping,
            self._people_rows,
            self._session_events.people.followed,
        )
        return paint(scene, self.size(), ratio, self._theme)

    def _hint(self) -> str:
        if self._session_events.notes or self._session_events.people.notes:
            return ""
        if self._status.model is None and self._status.switching:
            return tr("The model is being prepared")
        if self._status.model is None and not self._status.held:
            return tr("No model: nothing is recognized")
        return tr("No action recognized yet")

    def _playhead(self, t_s: float) -> Playhead:
        return playhead(self._rows, self.scale, t_s)

    def _around(self, t_s: float) -> QRect:
        """Return the area to repaint for the playhead at a time."""
        left, right = self._playhead(t_s).reach
        return QRect(left, 0, right - left, self.height())

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin to seek or to move the view."""
        if self._press is not None:
            return
        if event.position().x() < self.scale.left and (row := self._person_row(event.position().y())) is not None:
            if row.person is not None and event.button() is Qt.MouseButton.LeftButton:
                self.person_clicked.emit(row.person)
            return
        self._press = (event.button(), event.position(), self.viewport.view)
        self._moved = False
        self._edge = self._edge_under(event) if event.button() is Qt.MouseButton.LeftButton else None
        if self._edge is not None:
            self._edge_at_s = self._moment(event.position().x())
        elif self._seeks(event):
            self._scrubbing = True
            self._since_scrub.invalidate()
            self._scrub(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Continue the drag, and show the details at the pointer."""
        if self._press is not None:
            _button, begin, view = self._press
            dx = event.position().x() - begin.x()
            self._moved = self._moved or abs(dx) >= _DRAG_PX
            if self._edge is not None:
                self._edge_at_s = self._moment(event.position().x())
                self.update()
            elif self._scrubbing:
                self._scrub(event.position().x())
            elif self._moved:
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self.viewport.view = view
                self.viewport.pan(-dx * self.scale.pixel_s)
                self._view_changed()
        elif self._edge_under(event) is not None:
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        else:
            self.unsetCursor()
        self._hover(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """End the drag or click."""
        if self._press is None or event.button() is not self._press[0]:
            return
        self._press = None
        self.unsetCursor()
        t_s = self._moment(event.position().x())
        if self._edge is not None:
            edge, self._edge = self._edge, None
            if self._moved:
                self.edge_dragged.emit(edge.noted, *edge.moved(t_s))
            self.update()
            return
        if self._scrubbing:
            self._scrubbing = False
            self.seek_to(t_s)
        if not self._moved and event.button() is Qt.MouseButton.LeftButton:
            self._session_events.select(self._noted_under(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Show the whole time span."""
        self.show_all()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom about the pointer; horizontally or with Shift, pan."""
        pixels, angle = event.pixelDelta(), event.angleDelta()
        sideways = abs(angle.x()) > abs(angle.y())
        if sideways or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            turned = angle.x() if sideways else angle.y()
            moved_px = pixels.x() if sideways and not pixels.isNull() else turned / _NOTCH * _PAN * self.scale.width
            self._pan_px(-moved_px)
        else:
            self._zoom_about(self._moment(event.position().x()), ZOOM ** (angle.y() / _NOTCH))
        self._hover(event.position())
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Ignore right clicks: they neither seek nor open a menu."""
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Hide the hover card when the pointer leaves."""
        self._unhover()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Hide the hover card along with the timeline."""
        self._unhover()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Discard the painted layer."""
        self._layer = None

    def _edge_under(self, event: QMouseEvent) -> Edge | None:
        """Return the boundary of the selected event under the pointer."""
        selected = self._session_events.selected
        row = None if selected is None else self._row_of(selected)
        if row is None:
            return None
        top, height = row
        if not top - 2 <= event.position().y() <= top + height + 2:
            return None
        return edge_at(event.position().x(), self.scale, selected)

    def _seeks(self, event: QMouseEvent) -> bool:
        plain = not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        return event.button() is Qt.MouseButton.LeftButton and plain and self._seekable

    @property
    def _seekable(self) -> bool:
        return not self.viewport.live and self._status.info is not None and self._status.info.seekable

    def _moment(self, x: float) -> float:
        view = self.viewport.view
        return min(max(self.scale.t(x), view.begin_s), view.end_s)

    def _scrub(self, x: float) -> None:
        t_s = self._moment(x)
        for moment_s in (self._position_s, t_s):
            self.update(self._around(moment_s))
        self._position_s = t_s
        self.stands_at.emit(t_s)
        if not self._since_scrub.isValid() or self._since_scrub.elapsed() >= _SCRUB_MS:
            self._since_scrub.start()
            self.seek.emit(t_s, True)

    def seek_to(self, t_s: float) -> None:
        """Seek, and move the playhead there at once."""
        before_s, self._position_s = self._position_s, t_s
        self._sought = (t_s, _WAIT_TICKS)
        self.stands_at.emit(t_s)
        if self.viewport.keep_in_sight(before_s, t_s):
            self._view_changed()
        self.update()
        self._describe()
        self.seek.emit(t_s, False)

    def _zoom_about(self, t_s: float, factor: float) -> None:
        self.viewport.zoom(t_s, factor)
        self._view_changed()

    def _pan_px(self, pixels: float) -> None:
        self.viewport.pan(pixels * self.scale.pixel_s)
        self._view_changed()

    def _hover(self, at: QPointF) -> None:
        scale, x = self.scale, at.x()
        if not scale.left <= x <= scale.left + scale.width:
            self._unhover()
            return
        for place in (self._hover_at, at):
            if place is not None:
                self.update(QRect(round(place.x()) - 1, 0, 4, self.height()))
        self._hover_at = at
        foot = self.mapTo(self.window(), QPoint(round(x), -GRID))
        self.pointer.point_at(self._moment(x), scale.pixel_s, foot, self._person_under(at))

    def _person_under(self, at: QPointF) -> int | None:
        """Return the person in whose row the pointer is; None if it is elsewhere."""
        row = self._person_row(at.y())
        if row is None or row.person is not None:
            return None if row is None else row.person
        noted = self._noted_under(at)
        return None if noted is None else noted.person

    def _unhover(self) -> None:
        if self._hover_at is not None:
            self._hover_at = None
            self.pointer.leave()
            self.update()

    # Keyboard and gestures

    def event(self, event: QEvent) -> bool:
        """Claim the keys below from the window's commands while the timeline has the focus; handle pinch gestures."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
            if plain and self._command(event) is not None:
                event.accept()
                return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            if event.pos().x() < self.scale.left:  # elsewhere there is the hover card, which a tooltip would cover
                QToolTip.showText(event.globalPos(), self._how_to(), self)
            return True
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom_about(self._moment(event.position().x()), 1 + event.value())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Seek, zoom or pan."""
        command = self._command(event)
        if command is None:
            super().keyPressEvent(event)
            return
        command()

    def _command(self, event: QKeyEvent) -> Callable[[], None] | None:
        """Return the command for a key; None if it has none."""
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        whole = self.viewport.whole
        commands: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Left: lambda: self._sideways(-1, shift),
            Qt.Key.Key_Right: lambda: self._sideways(1, shift),
            Qt.Key.Key_PageUp: lambda: self._pan_px(-self.scale.width),
            Qt.Key.Key_PageDown: lambda: self._pan_px(self.scale.width),
            Qt.Key.Key_Home: lambda: self._jump(whole.begin_s),
            Qt.Key.Key_End: lambda: self._jump(whole.end_s),
            Qt.Key.Key_Plus: lambda: self.zoom(ZOOM),
            Qt.Key.Key_Equal: lambda: self.zoom(ZOOM),
            Qt.Key.Key_Minus: lambda: self.zoom(1 / ZOOM),
            Qt.Key.Key_0: self.show_all,
        }
        return commands.get(event.key())

    def _sideways(self, direction: int, shift: bool) -> None:
        """Seek by a second; for a live source, or with Shift, pan the view."""
        if shift or not self._seekable:
            self._pan_px(direction * _PAN * self.scale.width)
        else:
            self._jump(self._position_s + direction * _STEP_S)

    def _jump(self, t_s: float) -> None:
        whole = self.viewport.whole
        t_s = min(max(t_s, whole.begin_s), whole.end_s)
        if self._seekable:
            self.seek_to(t_s)
        else:
            self._pan_px((t_s - self.viewport.view.begin_s) / self.scale.pixel_s)
