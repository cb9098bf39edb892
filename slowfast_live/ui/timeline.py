"""The timeline under the picture: what happened when, and where we are. It is the one playhead of a file."""

from __future__ import annotations

import math
from collections.abc import Callable

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
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from slowfast_live.core.corrections import Noted
from slowfast_live.types import Status
from slowfast_live.ui import wording
from slowfast_live.ui.chronicle import Chronicle
from slowfast_live.ui.previewer import Previewer
from slowfast_live.ui.shortcuts import key_text
from slowfast_live.ui.theme import GRID, LIGHT, Theme
from slowfast_live.ui.time_axis import Scale, Span, file_whole, live_whole
from slowfast_live.ui.timeline_hover import Pointer
from slowfast_live.ui.timeline_painting import (
    FULL,
    SLIM,
    Scene,
    device_columns,
    mark_event,
    mark_playhead,
    paint,
    scale_of,
)
from slowfast_live.ui.viewport import Viewport

_SCRUB_MS = 40
"""While the playhead is dragged, a new moment is asked for at most this often."""
_DRAG_PX = 4
"""A press that moves less is a click."""
_NOTCH = 120
ZOOM = 1.25
"""By so much one notch of the wheel, or one key, looks closer."""
_PAN = 0.1
_STEP_S = 1.0
_WAIT_TICKS = 10
"""After a seek, positions from before it are passed over for at most a second."""
_PLATE = 10 * GRID
"""Width of what moves with the playhead."""
_QUICK_TICKS, _CALM_TICKS = 2, 5
"""The layer is painted at every second status report, five times a second; within a pixel at every fifth."""


class Timeline(QWidget):
    """Lanes, curves and axis; click and drag seek, wheel zooms, keys do both.

    Args:
        chronicle: What happened.
        previewer: Makes previews of a file's moments.
        parent: Qt's owner.
    """

    seek = Signal(float, bool)
    """A moment in seconds, and whether it is one of many while the playhead is dragged."""
    scrubbed = Signal(object)
    """The moment under the playhead while it is dragged; None when it is let go."""
    following_changed = Signal(bool)
    """False: a live view was moved back and stands still."""

    def __init__(self, chronicle: Chronicle, previewer: Previewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chronicle = chronicle
        self.pointer = Pointer(chronicle, previewer, self)
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
        self._hover_x: float | None = None
        self._followed = True
        self.setObjectName("timeline")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFixedHeight(self._rows.height)
        self._describe()
        chronicle.moved.connect(self._moved_on)
        chronicle.changed.connect(self._outdate)
        chronicle.restarted.connect(self._restart)
        chronicle.selected_changed.connect(self.update)

    # What it shows

    @property
    def scrubbing(self) -> bool:
        """Whether the playhead is being dragged."""
        return self._scrubbing

    @property
    def position_s(self) -> float:
        """Where the playhead stands."""
        return self._position_s

    @property
    def scale(self) -> Scale:
        """Which time lies where."""
        return scale_of(self._rows, self.width(), self.viewport.view)

    @property
    def slim(self) -> bool:
        """Whether only the lane of events is shown."""
        return self._rows is SLIM

    def set_slim(self, slim: bool) -> None:
        """Fold to the lane of events, or unfold."""
        self._rows = SLIM if slim else FULL
        self.setFixedHeight(self._rows.height)
        self._outdate()

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._theme = theme
        self._outdate()

    def show_status(self, status: Status) -> None:
        """Show where the source is; called ten times a second."""
        self._status, before = status, self.viewport.view
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
            if self._hover_x is not None:  # what is known there may be new
                self._hover(self._hover_x)

    def set_position(self, t_s: float) -> None:
        """Move the playhead, unless it is being dragged; cheap, for every picture."""
        if self._scrubbing or self._sought is not None or t_s == self._position_s:
            return
        before_s, self._position_s = self._position_s, t_s
        if self.viewport.keep_in_sight(before_s, t_s):
            self._outdate()
        scale = self.scale
        if not self.viewport.live and round(scale.x(before_s)) != round(scale.x(t_s)):
            for moment_s in (before_s, t_s):
                self.update(self._around(scale.x(moment_s)))

    def zoom(self, factor: float) -> None:
        """Look closer (> 1) or from farther away, about the playhead or now."""
        view = self.viewport.view
        centre_s = view.end_s if self.viewport.follows else (view.begin_s + view.end_s) / 2
        inside = not self.viewport.live and view.holds(self._position_s)
        self._zoom_about(self._position_s if inside else centre_s, factor)

    def show_all(self) -> None:
        """Look at the whole time."""
        self.viewport.show_all()
        self._looked()

    def go_now(self) -> None:
        """Look at what happens now; of a file: at the playhead."""
        if self.viewport.live:
            self.viewport.go_now()
        elif not self.viewport.view.holds(self._position_s):
            view = self.viewport.view
            self.viewport.pan(self._position_s - (view.begin_s + view.end_s) / 2)
        self._looked()

    def reveal(self, noted: Noted) -> None:
        """Bring an event into view."""
        view, event = self.viewport.view, noted.event
        middle_s = (event.begin_s + event.end_s) / 2
        if not view.holds(middle_s):
            self.viewport.pan(middle_s - (view.begin_s + view.end_s) / 2)
            self._looked()

    def _whole(self) -> Span:
        snapshot, status = self._chronicle.snapshot, self._status
        if self._chronicle.live:
            now_s = max(status.position_s, snapshot.end_s)
            return live_whole(snapshot.begin_s if snapshot.end_s > snapshot.begin_s else now_s, now_s)
        stated_s = (status.info.duration_s if status.info else None) or 0.0
        return file_whole(stated_s, max(snapshot.end_s, status.position_s))

    def _restart(self) -> None:
        self._sought = None
        self._position_s = 0.0
        self.viewport.reset(self._whole(), live=self._chronicle.live)
        self._describe()
        self._looked()

    def _describe(self) -> None:
        """Tell screen readers where the playhead stands, and how to move it."""
        self.setAccessibleName("Timeline")
        self.setAccessibleDescription(f"{self._place_in_words()}. {self._how_to()}")

    def _place_in_words(self) -> str:
        if self._chronicle.live:
            return "The last ten minutes"
        noted = self._chronicle.noted_at(self._position_s)
        doing = f", {noted.event.label}" if noted else ""
        return f"At {wording.clock(self._position_s)} of {wording.clock(self.viewport.whole.end_s)}{doing}"

    def _how_to(self) -> str:
        if self._chronicle.live:
            what = "Drag to look back, wheel to zoom"
        else:
            what = "Click or drag to seek (arrow keys: 1 s), wheel to zoom, Shift and drag to move"
        return f"{what}; {key_text('zoom_all')} shows all, {key_text('timeline')} folds"

    # News

    def _moved_on(self) -> None:
        self._news = True

    def _moved_a_pixel(self) -> bool:
        """Whether news come in at another pixel than when the layer was painted."""
        moved_s = abs(self._newest_s - self._painted_at_s)
        return moved_s >= self.scale.pixel_s / self.devicePixelRatioF()

    @property
    def _newest_s(self) -> float:
        """Where news come in."""
        return self.viewport.whole.end_s if self.viewport.live else self._status.position_s

    def _outdate(self) -> None:
        self._layer = None
        self.update()

    def _looked(self) -> None:
        """The view is another one."""
        self._outdate()
        followed = self.viewport.follows or not self.viewport.live
        if followed != self._followed:
            self._followed = followed
            self.following_changed.emit(followed)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the layer, and what moves over it."""
        ratio = self.devicePixelRatioF()
        if self._layer is None or self._layer.devicePixelRatio() != ratio:
            self._layer = self._make_layer(ratio)
        painter = QPainter(self)
        painter.drawImage(QPointF(0, 0), self._layer)
        scale = self.scale
        if self._chronicle.selected is not None:
            mark_event(painter, self._rows, scale, self._chronicle.selected.event, self._theme)
        if self._hover_x is not None:
            painter.fillRect(QRectF(self._hover_x, 0, 1, self._rows.height), QColor(self._theme.control_border))
        file = not self.viewport.live and self._status.info is not None
        if file and self.viewport.view.holds(self._position_s):
            mark_playhead(painter, self._rows, scale, self._position_s, self._theme)
        if self.hasFocus():
            painter.setPen(QPen(QColor(self._theme.accent), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def _make_layer(self, ratio: float) -> QImage:
        scale, view = self.scale, self.viewport.view
        columns = self._chronicle.history.columns(view.begin_s, view.end_s, device_columns(scale, ratio))
        self._painted_at_s, self._news, self._ticks = self._newest_s, False, 0
        scene = Scene(self._rows, scale, self._chronicle.notes, columns, self._chronicle.day_offset_s, self._hint())
        return paint(scene, self.size(), ratio, self._theme)

    def _hint(self) -> str:
        if self._chronicle.notes:
            return ""
        if self._status.model is None:
            return "Without a model nothing is recognised"
        return "No action recognised yet"

    def _around(self, x: float) -> QRect:
        """Return what must be painted anew where the playhead stands at `x`."""
        left = min(max(round(x) - _PLATE // 2, 0), self.width() - _PLATE)
        return QRect(left, 0, _PLATE, self.height())

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin to seek, or to move the view."""
        if self._press is not None:
            return
        self._press = (event.button(), event.position(), self.viewport.view)
        self._moved = False
        if self._seeks(event):
            self._scrubbing = True
            self._since_scrub.invalidate()
            self._scrub(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go on with either, and tell of the moment at the pointer."""
        if self._press is not None:
            _button, begin, view = self._press
            dx = event.position().x() - begin.x()
            self._moved = self._moved or abs(dx) >= _DRAG_PX
            if self._scrubbing:
                self._scrub(event.position().x())
            elif self._moved:
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self.viewport.view = view
                self.viewport.pan(-dx * self.scale.pixel_s)
                self._looked()
        self._hover(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """End it."""
        if self._press is None or event.button() is not self._press[0]:
            return
        self._press = None
        self.unsetCursor()
        t_s = self._moment(event.position().x())
        if self._scrubbing:
            self._scrubbing = False
            self.scrubbed.emit(None)
            self.seek_to(t_s)
        if not self._moved and event.button() is Qt.MouseButton.LeftButton:
            self._chronicle.select(self._chronicle.noted_at(t_s))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Look at the whole time."""
        self.show_all()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom about the pointer; sideways, or with Shift: move."""
        pixels, angle = event.pixelDelta(), event.angleDelta()
        sideways = abs(angle.x()) > abs(angle.y())
        if sideways or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            turned = angle.x() if sideways else angle.y()
            moved_px = pixels.x() if sideways and not pixels.isNull() else turned / _NOTCH * _PAN * self.scale.width
            self._pan_px(-moved_px)
        else:
            self._zoom_about(self._moment(event.position().x()), ZOOM ** (angle.y() / _NOTCH))
        self._hover(event.position().x())
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """A right click is no way to seek and opens nothing."""
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """The pointer is elsewhere."""
        self._unhover()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """So is it where there is no timeline."""
        self._unhover()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Another width is another picture."""
        self._layer = None

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
            self.update(self._around(self.scale.x(moment_s)))
        self._position_s = t_s
        self.scrubbed.emit(t_s)
        if not self._since_scrub.isValid() or self._since_scrub.elapsed() >= _SCRUB_MS:
            self._since_scrub.start()
            self.seek.emit(t_s, True)

    def seek_to(self, t_s: float) -> None:
        """Seek, and have the playhead stand there at once."""
        before_s, self._position_s = self._position_s, t_s
        self._sought = (t_s, _WAIT_TICKS)
        if self.viewport.keep_in_sight(before_s, t_s):
            self._looked()
        self.update()
        self._describe()
        self.seek.emit(t_s, False)

    def _zoom_about(self, t_s: float, factor: float) -> None:
        self.viewport.zoom(t_s, factor)
        self._looked()

    def _pan_px(self, pixels: float) -> None:
        self.viewport.pan(pixels * self.scale.pixel_s)
        self._looked()

    def _hover(self, x: float) -> None:
        scale = self.scale
        if not scale.left <= x <= scale.left + scale.width:
            self._unhover()
            return
        for place in (self._hover_x, x):
            if place is not None:
                self.update(QRect(round(place) - 1, 0, 4, self.height()))
        self._hover_x = x
        self.pointer.point_at(self._moment(x), scale.pixel_s, self.mapTo(self.window(), QPoint(round(x), -GRID)))

    def _unhover(self) -> None:
        if self._hover_x is not None:
            self._hover_x = None
            self.pointer.leave()
            self.update()

    # Keys and gestures

    def event(self, event: QEvent) -> bool:
        """Have the keys below go here, not to the window's commands, while this has the focus; take pinches."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = not event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
            if plain and self._command(event) is not None:
                event.accept()
                return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            if event.pos().x() < self.scale.left:  # elsewhere the plate tells, and a tooltip would lie over it
                QToolTip.showText(event.globalPos(), self._how_to(), self)
            return True
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom_about(self._moment(event.position().x()), 1 + event.value())
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Seek, zoom or move."""
        command = self._command(event)
        if command is None:
            super().keyPressEvent(event)
            return
        command()

    def _command(self, event: QKeyEvent) -> Callable[[], None] | None:
        """Return what a key does here; None where it does nothing."""
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
        """Seek a second on or back; of a live source, or with Shift, move the view."""
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
