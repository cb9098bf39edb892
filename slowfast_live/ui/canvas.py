"""The picture: as large as it fits, aspect kept, pixel for pixel, with the overlay on top."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from slowfast_live.types import Frame, PipelineState, Status
from slowfast_live.ui import wording
from slowfast_live.ui.model_card import BUILD_COMMAND
from slowfast_live.ui.overlay import Overlay, OverlayPainter
from slowfast_live.ui.presenter import Presented, fit
from slowfast_live.ui.shortcuts import key_text
from slowfast_live.ui.theme import GRID, LIGHT, REGULAR, STRONG, TEXT, TEXT_LARGE, Theme, font

_POINTER_MS = 2000


class Canvas(QWidget):
    """Shows what the presenter made, and paints nothing else than a blit and a cached overlay."""

    target_changed = Signal(int, int)
    """The size in device pixels that pictures should have."""
    painted = Signal()
    """A picture not seen before is on the screen."""
    activated = Signal()
    """Double click."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presented: Presented | None = None
        self._image: QImage | None = None
        self._fresh = False
        self._overlay = Overlay()
        self._painter = OverlayPainter()
        self._title, self._hint = "", ""
        self._theme = LIGHT
        self._ratio = 0.0
        self._hides_pointer = False
        self._pointer = QTimer(self)
        self._pointer.setSingleShot(True)
        self._pointer.setInterval(_POINTER_MS)
        self._pointer.timeout.connect(lambda: self.setCursor(Qt.CursorShape.BlankCursor))
        self.setObjectName("canvas")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(20 * GRID, 15 * GRID)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Picture")

    @property
    def frame(self) -> Frame | None:
        """The frame that is shown."""
        return self._presented.frame if self._presented else None

    @property
    def overlay(self) -> Overlay:
        """What lies over it."""
        return self._overlay

    @property
    def overlays_drawn(self) -> int:
        """How often the overlay was really drawn."""
        return self._painter.drawn

    def picture_rect(self) -> QRectF:
        """Return where the picture lies, in logical pixels; the whole canvas while there is none."""
        if self._image is None:
            return QRectF(self.rect())
        ratio = self.devicePixelRatioF()
        width, height = self._target()
        x, y, w, h = fit(self._image.width(), self._image.height(), width, height)
        return QRectF(x / ratio, y / ratio, w / ratio, h / ratio)

    def present(self, presented: Presented) -> None:
        """Show a new picture. Its pixels must stay valid until the next call."""
        pixels = presented.pixels
        height, width = pixels.shape[:2]
        # The image shares the array's memory: row length given, array kept alive beside it.
        image = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB32)
        self._image, self._presented, self._fresh = image, presented, True
        self.update()

    def clear(self) -> None:
        """Forget the picture."""
        self._image, self._presented, self._fresh = None, None, False
        self.update()

    def set_overlay(self, overlay: Overlay) -> None:
        """Show other words over the picture."""
        if overlay != self._overlay:
            self._overlay = overlay
            words = " ".join(part for part in (overlay.headline, overlay.value, overlay.hint) if part)
            self.setAccessibleDescription(words or self._title)
            self.update()

    def set_message(self, title: str, hint: str = "") -> None:
        """Set what stands in the middle while there is no picture."""
        if (title, hint) != (self._title, self._hint):
            self._title, self._hint = title, hint
            if self._image is None:
                self.setAccessibleDescription(f"{title} {hint}".strip())
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        self._theme = theme
        self.update()

    def _target(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Ask for pictures of the new size."""
        super().resizeEvent(event)
        self._announce()

    def _announce(self) -> None:
        self._ratio = self.devicePixelRatioF()
        self.target_changed.emit(*self._target())

    def hide_pointer(self, hide: bool) -> None:
        """Hide the pointer while it rests over the picture (full screen), or show it for good."""
        self._pointer.stop()
        self._hides_pointer = hide
        self.setMouseTracking(hide)
        self.unsetCursor()
        if hide:
            self._pointer.start()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Bring the pointer back."""
        if self._hides_pointer:
            self.unsetCursor()
            self._pointer.start()
        super().mouseMoveEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Full screen, or back."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.activated.emit()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Blit the picture, then the overlay."""
        ratio = self.devicePixelRatioF()
        if ratio != self._ratio:  # the window moved to a screen of another density
            self._announce()
        painter = QPainter(self)
        if self._image is not None:
            self._paint_picture(painter, ratio)
        else:
            painter.fillRect(self.rect(), QColor(self._theme.letterbox))
            self._paint_message(painter)
        if self._image is not None or self._overlay.headline.startswith("reconnecting"):
            self._painter.paint(painter, self._overlay, self.size(), ratio)
        if self.hasFocus():
            painter.setPen(QColor(self._theme.accent))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
        if self._fresh:
            self._fresh = False
            self.painted.emit()

    def _paint_picture(self, painter: QPainter, ratio: float) -> None:
        assert self._image is not None
        rect = self.picture_rect()
        width, height = self.width(), self.height()
        inner = rect.adjusted(1, 1, -1, -1)  # the picture may begin within a logical pixel
        left, top, right, bottom = inner.left(), inner.top(), inner.right(), inner.bottom()
        for margin in (
            QRectF(0, 0, width, top),
            QRectF(0, bottom, width, height - bottom),
            QRectF(0, top, left, bottom - top),
            QRectF(right, top, width - right, bottom - top),
        ):
            painter.fillRect(margin, QColor(self._theme.letterbox))
        pixels = (self._image.width(), self._image.height())
        if pixels == (round(rect.width() * ratio), round(rect.height() * ratio)):
            self._image.setDevicePixelRatio(ratio)
            painter.drawImage(rect.topLeft(), self._image)
        else:  # resized since the picture was made: a coarse scaling until the next one
            self._image.setDevicePixelRatio(1.0)
            painter.drawImage(rect, self._image)

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
        """Prefer a 16:9 picture."""
        return QSize(960, 540)


def empty_words(status: Status) -> tuple[str, str]:
    """Return what is said while there is no picture: (title, hint)."""
    name = wording.source_name(status.source) if status.source else ""
    if status.state is PipelineState.FAILED:
        return f"{name or 'The source'} cannot be shown", "Choose another source, or drop a video here."
    if status.opening or status.state is PipelineState.STARTING:
        return f"Opening {name}…" if name else "Starting…", ""
    if status.source is None:
        return (
            "Nothing is open",
            f"Choose a source, or drop a video here. Models are built with {key_text('models')} or {BUILD_COMMAND}",
        )
    if status.info is None:
        return f"{name} cannot be shown", "Choose another source, or drop a video here."
    return "", ""
