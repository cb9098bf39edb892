"""The video canvas: the frame as large as it fits, with its aspect ratio kept, and the overlay on top."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.types import Frame, PipelineState, SourceSpec, Status
from slowfast_live.ui.commands.commands import describe, key_text
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.painting import draw_focus, restores_painter
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID, REGULAR, STRONG, TEXT, TEXT_HUGE, TEXT_LARGE, font
from slowfast_live.ui.video.frame_scaler import ScaledFrame, fit
from slowfast_live.ui.video.heat import Heat, paint_heat
from slowfast_live.ui.video.overlay import Overlay, OverlayPainter, one_line_px

_POINTER_MS = 2000
_USUAL_HEIGHT, _MAX_SCALE = 640, 3.0
"""On a whole screen the overlay grows with the height beyond the usual, up to a limit."""
_BIG_SHARE = 0.12
"""Height of the letters in big-label mode, as a share of the canvas."""

CanvasLayer = Callable[[QPainter, Frame, QRectF, tuple[QRectF, ...]], None]


class Canvas(QWidget):
    """Shows the frames that the scaler prepared; painting is only a blit and a cached overlay."""

    target_changed = Signal(int, int)
    """Emitted with the width and height, in device pixels, to which frames should be scaled."""
    painted = Signal()
    """Emitted when a new frame is on the screen."""
    activated = Signal()
    """Emitted on a double click."""
    pointer_rested = Signal(bool)
    """Emits, in full screen, False when the pointer moves and True when it has rested for a while."""
    menu_wanted = Signal(QPoint)
    """Emitted with a point in global coordinates, on a right click or the menu key."""
    clicked = Signal(QPointF)
    """Emitted on a click with the left button, with the point in logical pixels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presented: ScaledFrame | None = None
        self._image: QImage | None = None
        self._fresh = False
        self._overlay = Overlay()
        self._painter = OverlayPainter()
        self._layer: CanvasLayer | None = None
        self._heat: Heat | None = None
        self._title, self._hint = "", ""
        self._ways = _WaysOut(self)
        self._theme = LIGHT
        self._ratio = 0.0
        self._hides_pointer = False
        self._presenting = self._big = False
        self._pointer = QTimer(self)
        self._pointer.setSingleShot(True)
        self._pointer.setInterval(_POINTER_MS)
        self._pointer.timeout.connect(self._rest_pointer)
        self.setObjectName("canvas")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(20 * GRID, 15 * GRID)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(tr("Picture"))

    @property
    def frame(self) -> Frame | None:
        """The frame on display."""
        return self._presented.frame if self._presented else None

    @property
    def overlay(self) -> Overlay:
        """The overlay on display."""
        return self._overlay

    @property
    def overlays_drawn(self) -> int:
        """Number of times the overlay was actually redrawn."""
        return self._painter.drawn

    def picture_rect(self) -> QRectF:
        """Return the rectangle of the frame in logical pixels; the whole canvas if there is no frame."""
        if self._image is None:
            return QRectF(self.rect())
        ratio = self.devicePixelRatioF()
        width, height = self._target()
        x, y, w, h = fit(self._image.width(), self._image.height(), width, height)
        return QRectF(x / ratio, y / ratio, w / ratio, h / ratio)

    def present(self, presented: ScaledFrame) -> None:
        """Show a new frame. Its pixels must stay valid until the next call."""
        pixels = presented.pixels
        height, width = pixels.shape[:2]
        # The QImage shares the array's memory: the row stride is passed, and the array is kept alive alongside it.
        image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB32)
        first = self._image is None
        self._image, self._presented, self._fresh = image, presented, True
        if self._ways.isVisible():
            self._ways.hide()
        if first:
            self._describe()
        self.update()

    def clear(self) -> None:
        """Remove the frame."""
        self._image, self._presented, self._fresh = None, None, False
        self._place_ways()
        self._describe()
        self.update()

    def set_overlay(self, overlay: Overlay) -> None:
        """Set the overlay."""
        if overlay != self._overlay:
            self._overlay = overlay
            self._describe()
            self.update()

    def set_layer(self, layer: CanvasLayer | None) -> None:
        """Set what is drawn between frame and overlay: called with painter, frame, picture and what not to cover."""
        self._layer = layer
        self.update()

    def _covered(self) -> Iterator[QRectF]:
        """Where widgets stand over the picture: the count, messages, controls."""
        for child in self.children():
            if isinstance(child, QWidget) and child.isVisible() and not child.isWindow():
                yield QRectF(child.geometry())

    @property
    def heat(self) -> Heat | None:
        """The heat map on display."""
        return self._heat

    def set_heat(self, heat: Heat | None) -> None:
        """Draw a heat map over the frame; None for none."""
        if heat is not self._heat:
            self._heat = heat
            self.update()

    def set_message(self, title: str, hint: str = "") -> None:
        """Set the message shown in the middle while there is no frame."""
        if (title, hint) != (self._title, self._hint):
            self._title, self._hint = title, hint
            self._describe()
            self.update()

    @property
    def _shows_overlay(self) -> bool:
        return self._image is not None or self._overlay.reconnecting

    def _describe(self) -> None:
        """Describe the painted content to screen readers."""
        overlay = self._overlay
        texts = (overlay.headline, overlay.value, overlay.hint) if self._shows_overlay else (self._title, self._hint)
        self.setAccessibleDescription(" ".join(part for part in texts if part))

    def offer(self, actions: Sequence[QAction]) -> None:
        """Offer actions as buttons below the message while there is no frame."""
        self._ways.offer(actions)
        self._place_ways()

    def _place_ways(self) -> None:
        self._ways.setVisible(self._image is None and self._ways.any)
        self._ways.adjustSize()
        left = (self.width() - self._ways.width()) // 2
        self._ways.move(max(0, left), min(round(self.height() / 2 + 5 * GRID), self.height() - self._ways.height()))

    @property
    def label_scale(self) -> float:
        """How much larger than usual the overlay is drawn: more on a whole screen, most in big-label mode."""
        if self._big:
            fits = self.width() / one_line_px(self._overlay)
            return max(1.0, min(self.height() * _BIG_SHARE / TEXT_HUGE, fits))
        return min(max(1.0, self.height() / _USUAL_HEIGHT), _MAX_SCALE) if self._presenting else 1.0

    def set_big(self, big: bool) -> None:
        """Draw the label so large that it can be read across the room, or as usual."""
        self._big = big
        self.update()

    def set_presenting(self, on: bool) -> None:
        """Show the picture between black bars, with a label that grows with the screen, or as usual."""
        self._presenting = on
        self.hide_pointer(on)
        self.update()

    @property
    def _letterbox(self) -> QColor:
        return QColor(Qt.GlobalColor.black) if self._presenting else QColor(self._theme.letterbox)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        self.update()

    def _target(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Request frames of the new size."""
        super().resizeEvent(event)
        self._announce()
        self._place_ways()

    def _announce(self) -> None:
        self._ratio = self.devicePixelRatioF()
        self.target_changed.emit(*self._target())

    def hide_pointer(self, hide: bool) -> None:
        """Hide the pointer while it rests over the video (in full screen), or always show it."""
        self._pointer.stop()
        self._hides_pointer = hide
        self.setMouseTracking(hide)
        self.unsetCursor()
        if hide:
            self._pointer.start()

    def _rest_pointer(self) -> None:
        self.setCursor(Qt.CursorShape.BlankCursor)
        self.pointer_rested.emit(True)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Show the pointer again."""
        if self._hides_pointer:
            self.unsetCursor()
            self._pointer.start()
            self.pointer_rested.emit(False)
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Emit `clicked`."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit(event.position())
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Emit `activated` on a double click, which toggles full screen."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.activated.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Ask for the context menu."""
        self.menu_wanted.emit(event.globalPos())
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Blit the frame, then the overlay."""
        ratio = self.devicePixelRatioF()
        if ratio != self._ratio:  # the window moved to a screen of another density
            self._announce()
        painter = QPainter(self)
        if self._image is not None:
            self._paint_picture(painter, ratio)
            if self._heat is not None:
                paint_heat(painter, self._heat, self.picture_rect())
        else:
            painter.fillRect(self.rect(), self._letterbox)
            self._paint_message(painter)
        if self._shows_overlay:
            if self._layer is not None and self._presented is not None:
                self._layer(
                    painter, self._presented.frame, self.picture_rect(), (*self._painter.areas, *self._covered())
                )
            self._painter.paint(painter, self._overlay, self.size(), ratio, self.label_scale)
        if self.hasFocus():
            draw_focus(painter, self.rect(), self._theme)
        painter.end()
        if self._fresh:
            self._fresh = False
            self.painted.emit()

    @restores_painter
    def _paint_picture(self, painter: QPainter, ratio: float) -> None:
        assert self._image is not None
        rect = self.picture_rect()
        width, height = self.width(), self.height()
        inner = rect.adjusted(1, 1, -1, -1)  # the frame may begin at a fraction of a logical pixel
        left, top, right, bottom = inner.left(), inner.top(), inner.right(), inner.bottom()
        for margin in (
            QRectF(0, 0, width, top),
            QRectF(0, bottom, width, height - bottom),
            QRectF(0, top, left, bottom - top),
            QRectF(right, top, width - right, bottom - top),
        ):
            painter.fillRect(margin, self._letterbox)
        pixels = (self._image.width(), self._image.height())
        if pixels == (round(rect.width() * ratio), round(rect.height() * ratio)):
            self._image.setDevicePixelRatio(ratio)
            painter.drawImage(rect.topLeft(), self._image)
        else:  # resized since the frame was scaled: a coarse scaling until the next one
            self._image.setDevicePixelRatio(1.0)
            painter.drawImage(rect, self._image)

    @restores_painter
    def _paint_message(self, painter: QPainter) -> None:
        if not self._title:
            return
        middle = self.height() / 2
        area = QRectF(self.rect()).adjusted(3 * GRID, 0, -3 * GRID, 0)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        painter.setFont(font(TEXT_LARGE, STRONG))
        painter.setPen(QColor(self._theme.text))
        painter.drawText(
            QRectF(area.left(), 0, area.width(), middle - GRID / 2),
            flags | Qt.AlignmentFlag.AlignBottom,
            self._title,
        )
        painter.setFont(font(TEXT, REGULAR))
        painter.setPen(QColor(self._theme.quiet))
        painter.drawText(
            QRectF(area.left(), middle + GRID / 2, area.width(), middle),
            flags | Qt.AlignmentFlag.AlignTop,
            self._hint,
        )

    def sizeHint(self) -> QSize:  # noqa: N802
        """Prefer a 16:9 canvas."""
        return QSize(960, 540)


class _WaysOut(QWidget):
    """A row of buttons, one for each action."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._actions: tuple[QAction, ...] = ()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID)
        self.hide()

    @property
    def any(self) -> bool:
        """Whether there are any actions to offer."""
        return bool(self._actions)

    def offer(self, actions: Sequence[QAction]) -> None:
        """Replace the actions."""
        if tuple(actions) == self._actions:
            return
        self._actions = tuple(actions)
        while (item := self._row.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for action in self._actions:
            button = QPushButton(action.text())
            describe(button, action.text().rstrip("…"), action.toolTip())
            button.clicked.connect(lambda _=False, action=action: action.trigger())
            self._row.addWidget(button)


def ways_out(status: Status) -> tuple[str, ...]:
    """Return the names of the commands to offer while there is no frame and none is expected."""
    if status.opening or status.info is not None or status.state is PipelineState.STARTING:
        return ()
    failed = status.state is PipelineState.FAILED or status.source is not None
    return ("retry", "open_demo", "open_file") if failed else ("open_demo", "open_file", "open_url")


def empty_words(status: Status, tried: SourceSpec | None = None) -> tuple[str, str]:
    """Return the message to show while there is no frame: (title, hint).

    Args:
        status: The pipeline's state.
        tried: The last source requested, which a failed pipeline no longer reports.
    """
    source = status.source or tried
    name = formatting.source_name(source) if source else ""
    if status.state is PipelineState.FAILED:
        return tr("{value} cannot be shown", value=name or tr("The source")), tr(
            "Choose another source, or drop a video here."
        )
    if status.opening or status.state is PipelineState.STARTING:
        return tr("Opening {name}…", name=name) if name else tr("Starting…"), ""
    if status.source is None:
        return (
            tr("Nothing is open"),
            tr(
                "Choose a source, or drop a video here. To build models: {keys} or {command}",
                keys=key_text("models"),
                command=BUILD_COMMAND,
            ),
        )
    if status.info is None:
        return tr("{name} cannot be shown", name=name), tr("Choose another source, or drop a video here.")
    return "", ""
