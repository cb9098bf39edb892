"""The overlay on the video: the recognized action, or why there is none. Redrawn only when it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QTextLayout, QTextOption

from slowfast_live.colors import LABEL_OVERLAY, action_color
from slowfast_live.core.readout_text import NONE_KNOWN, Tone, readout_text, scores
from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.types import Readout, ReadoutState, Status
from slowfast_live.ui.commands.commands import key_text
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import class_name, headline, sentence
from slowfast_live.ui.style.painting import restores_painter
from slowfast_live.ui.style.theme import GRID, REGULAR, STRONG, TEXT, TEXT_HUGE, font

_COLORS = {Tone.PLAIN: LABEL_OVERLAY.text, Tone.QUIET: LABEL_OVERLAY.quiet, Tone.AMBER: LABEL_OVERLAY.amber}
_PADDING = 2 * GRID
_MARGIN = 2 * GRID
_WIDTH = 42 * GRID
"""Room for the longest standard line, with its bar and percent."""
_WIDEST = 72 * GRID
_HIGHEST = 40 * GRID
"""Maximum height of the label overlay and of the stats, in logical pixels."""
_ROW = 2.75 * GRID
_LARGEST_SHARE = 0.2
"""Maximum share of the canvas that the label overlay may cover with its bars; beyond it, the bars are omitted."""
_WITH_BARS = (ReadoutState.ACTION, ReadoutState.NO_CONFIDENT_ACTION, ReadoutState.UNTRAINED)


@dataclass(frozen=True, slots=True)
class Bar:
    """One of the top-k scores.

    `score` is rounded, so that bars that look equal compare equal. Only actions have a color.
    """

    label: str
    score: float
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Overlay:
    """Everything that the overlay shows.

    Attributes:
        headline: The large line; "" for no label overlay at all.
        value: The confidence, right-aligned in the headline.
        hint: A small line below it with the reason or what to do.
        tone: Tone of the headline.
        progress: A bar below the headline, 0..1; None for none.
        bars: The top-k scores.
        stats: The small line below the label overlay.
        badge: A word in the upper corner of the video: "Paused".
        reconnecting: Whether a live source is being opened again, so that the label is shown without a picture.
        action: The label whose color marks the label overlay; None for none.
    """

    headline: str = ""
    value: str = ""
    hint: str = ""
    tone: Tone = Tone.PLAIN
    progress: float | None = None
    bars: tuple[Bar, ...] = ()
    stats: str = ""
    badge: str = ""
    action: str | None = None
    reconnecting: bool = False


def compose(readout: Readout, status: Status, *, bars: bool = True) -> Overlay:
    """Compose the overlay for the current state. Pure: the same arguments give the same overlay.

    Args:
        readout: What may be shown of the predictions.
        status: The pipeline's state.
        bars: Whether to show the top-k scores.
    """
    text = readout_text(readout, status)
    if readout.state is ReadoutState.NO_PICTURE:
        reconnecting = status.reconnect_attempt > 0
        return Overlay(headline(text), hint=_silence(status), tone=text.tone, reconnecting=reconnecting)
    trusted = readout.state is not ReadoutState.UNTRAINED
    seen = {label for label, _score in readout.shown}
    shows_bars = bars and readout.state in _WITH_BARS
    covered = readout.state is not ReadoutState.WARMING_UP or not text.value
    return Overlay(
        headline(text),
        text.value,
        hint=_hint(readout, status),
        tone=text.tone,
        progress=None if covered else round(min(1.0, max(0.0, status.coverage)), 2),
        bars=tuple(
            Bar(label, score, trusted and label != NONE_KNOWN and (not readout.several or label in seen))
            for label, score in scores(readout)
        )
        if shows_bars
        else (),
        stats=formatting.stats_line(status.source_fps, status.predictions_per_s, status.latency_ms),
        badge=_badge(status),
        action=text.action,
    )


def _silence(status: Status) -> str:
    """Return what is wrong with a source that sends no frames."""
    name = formatting.source_name(status.source) if status.source else tr("The source")
    if status.reconnect_attempt:
        return tr("{name} does not answer.", name=name)
    return (
        tr("{name} has sent nothing for {silent_s} s.", name=name, silent_s=f"{status.silent_s:.0f}")
        if status.silent_s
        else ""
    )


def _badge(status: Status) -> str:
    if status.ended:
        return tr("Ended")
    if status.paused:
        return tr("Paused")
    return f"{status.speed:g}×" if status.speed != 1.0 and not (status.source and status.source.live) else ""


def _hint(readout: Readout, status: Status) -> str:
    """Return the reason or what to do; "" if there is nothing to add."""
    match readout.state:
        case ReadoutState.FAILED:
            return tr("Choose another model or device above.")
        case ReadoutState.TOO_SHORT:
            return tr(
                "The file is too short: it covers {coverage} of what the model needs.",
                coverage=formatting.percent(status.coverage),
            )
        case ReadoutState.RESTING:
            return tr("Nothing moves. The model resumes as soon as something does.")
        case ReadoutState.NOT_SEEN:
            return tr("Play this part to recognize it.")
        case ReadoutState.NO_MODEL:
            how = tr(
                "Choose one above, or build one: {keys}, or {command}",
                keys=key_text("models"),
                command=BUILD_COMMAND,
            )
            measuring = tr("This machine is being measured; the model resumes afterward.") if status.held else ""
            return measuring or sentence(status.switching) or how
        case _:
            return ""


class OverlayPainter:
    """Draws overlays and caches the last one: an unchanged overlay is not drawn again."""

    def __init__(self) -> None:
        self._key: tuple[Overlay, int, int, float, float] | None = None
        self._patches: list[tuple[QPointF, QImage]] = []
        self._areas: tuple[QRectF, ...] = ()
        self.drawn = 0
        """Number of times an overlay was actually drawn."""

    @property
    def areas(self) -> tuple[QRectF, ...]:
        """The areas that the last overlay covers, in logical pixels."""
        return self._areas

    @restores_painter
    def paint(self, painter: QPainter, overlay: Overlay, size: QSize, ratio: float, scale: float = 1.0) -> None:
        """Draw the overlay on top of what `painter` has painted.

        Args:
            painter: Paints on the canvas, in logical pixels.
            overlay: What to show.
            size: Size of the canvas in logical pixels.
            ratio: Device pixels per logical pixel.
            scale: How much larger than usual it is drawn.
        """
        key = (overlay, size.width(), size.height(), ratio, scale)
        if key != self._key:
            self._key = key
            self._patches, self._areas = _enlarged(overlay, size, ratio, scale)
            self.drawn += 1
        for corner, image in self._patches:
            painter.drawImage(corner, image)


def big(overlay: Overlay) -> Overlay:
    """Return what is left of an overlay in big-label mode: the action alone, or why there is none."""
    return replace(overlay, stats="", bars=(), value="" if overlay.action is not None else overlay.value)


def one_line_px(overlay: Overlay) -> float:
    """Return the width of a canvas on which the headline fits into one line, in logical pixels."""
    value_px = QFontMetricsF(font(TEXT_HUGE, REGULAR)).horizontalAdvance("100 %") + 2 * GRID if overlay.value else 0.0
    headline_px = QFontMetricsF(font(TEXT_HUGE, STRONG)).horizontalAdvance(overlay.headline)
    return headline_px + value_px + 2 * _PADDING + 2 * _MARGIN + 2


def _enlarged(
    overlay: Overlay, size: QSize, ratio: float, scale: float
) -> tuple[list[tuple[QPointF, QImage]], tuple[QRectF, ...]]:
    """Draw an overlay as on a smaller canvas of a higher density, so that everything is larger and sharp."""
    small = QSize(max(1, round(size.width() / scale)), max(1, round(size.height() / scale)))
    patches, grounds = _patches(overlay, small, ratio * scale)
    for _corner, image in patches:
        image.setDevicePixelRatio(ratio)
    areas = tuple(QRectF(area.topLeft() * scale, area.size() * scale) for area in grounds)
    return [(corner * scale, image) for corner, image in patches], areas


def render(overlay: Overlay, size: QSize, ratio: float) -> QImage:
    """Draw an overlay on a transparent image. See `OverlayPainter.paint`."""
    image = _empty(size.width(), size.height(), ratio)
    painter = QPainter(image)
    for corner, patch in _patches(overlay, size, ratio)[0]:
        painter.drawImage(corner, patch)
    painter.end()
    return image


def _empty(width: float, height: float, ratio: float) -> QImage:
    pixels = QSize(max(1, round(width * ratio)), max(1, round(height * ratio)))
    image = QImage(pixels, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    return image


def _patches(overlay: Overlay, size: QSize, ratio: float) -> tuple[list[tuple[QPointF, QImage]], tuple[QRectF, ...]]:
    """Draw only the corners with content: blending a whole large screen would take most of a frame's time."""
    areas: list[tuple[float, float, Callable[[_Drawing], None]]] = []
    if overlay.badge:
        areas.append((0.0, _MARGIN + 3 * GRID + 1, lambda drawing: drawing.badge(overlay)))
    if overlay.headline or overlay.stats:
        # Aligned to device pixels, so that it stays sharp.
        top = round(max(0, size.height() - _HIGHEST) * ratio) / ratio
        areas.append((top, size.height() - top, lambda drawing: drawing.label_box(overlay)))
    patches, grounds = [], []
    for top, height, draw in areas:
        image = _empty(min(size.width(), _WIDEST + 2 * _MARGIN), min(size.height(), height), ratio)
        painter = QPainter(image)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.translate(0, -top)
        drawing = _Drawing(painter, size)
        draw(drawing)
        painter.end()
        patches.append((QPointF(0, top), image))
        grounds += drawing.grounds
    return patches, tuple(grounds)


class _Drawing:
    """One drawing of an overlay, built from the bottom edge of the video upward."""

    def __init__(self, painter: QPainter, size: QSize) -> None:
        self._painter = painter
        self._width, self._height = float(size.width()), float(size.height())
        self.grounds: list[QRectF] = []

    def badge(self, overlay: Overlay) -> None:
        self._pill(overlay.badge, _MARGIN, _MARGIN, LABEL_OVERLAY.text)

    def label_box(self, overlay: Overlay) -> None:
        bottom = self._height - _MARGIN
        if overlay.stats:
            bottom = self._pill(overlay.stats, _MARGIN, bottom - 3 * GRID, LABEL_OVERLAY.quiet) - GRID / 2
        if overlay.headline:
            self._label_box(overlay, bottom)

    def _ground(self, rect: QRectF, radius: float) -> None:
        self.grounds.append(rect)
        self._filled(rect, radius, LABEL_OVERLAY.ground, LABEL_OVERLAY.ground_alpha)

    def _filled(self, rect: QRectF, radius: float, color: str, alpha: float = 1.0) -> None:
        brush = QColor(color)
        brush.setAlphaF(alpha)
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(brush)
        self._painter.drawRoundedRect(rect, radius, radius)

    def _pill(self, text: str, left: float, top: float, color: str) -> float:
        used = font(TEXT, REGULAR)
        width = min(QFontMetricsF(used).horizontalAdvance(text) + 2 * GRID, self._width - 2 * _MARGIN)
        rect = QRectF(left, top, width, 3 * GRID)
        self._ground(rect, GRID / 2)
        self._text(text, rect.adjusted(GRID, 0, -GRID, 0), TEXT, color)
        return top

    def _text(
        self,
        text: str,
        rect: QRectF,
        size_px: int,
        color: str,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        weight: object = REGULAR,
    ) -> None:
        used = font(size_px, STRONG if weight is STRONG else REGULAR)
        shown = QFontMetricsF(used).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        self._painter.setFont(used)
        self._painter.setPen(QColor(color))
        self._painter.drawText(rect, align | Qt.AlignmentFlag.AlignVCenter, shown)

    def _label_box(self, overlay: Overlay, bottom: float) -> None:
        room = self._width - 2 * _MARGIN
        headline_font, value_font = font(TEXT_HUGE, STRONG), font(TEXT_HUGE, REGULAR)
        value_width = QFontMetricsF(value_font).horizontalAdvance("100 %") + 2 * GRID if overlay.value else 0.0
        wanted = QFontMetricsF(headline_font).horizontalAdvance(overlay.headline) + value_width + 2 * _PADDING + 1
        if overlay.hint:
            wanted = max(wanted, QFontMetricsF(font()).horizontalAdvance(overlay.hint) + 2 * _PADDING + 1)
        width = min(max(_WIDTH, wanted), _WIDEST, room)
        inner = width - 2 * _PADDING
        lines = _lines(overlay.headline, inner - value_width)
        line_height = 4.5 * GRID
        height = (
            _PADDING * 2 - GRID
            + line_height * len(lines)
            + (2.5 * GRID if overlay.hint else 0)
            + (GRID if overlay.progress is not None else 0)
        )  # fmt: skip
        bars, with_bars = overlay.bars, height + GRID / 2 + _ROW * len(overlay.bars)
        if width * with_bars > _LARGEST_SHARE * self._width * self._height:
            bars = ()
        elif bars:
            height = with_bars
        label_box = QRectF(_MARGIN, bottom - height, width, height)
        self._ground(label_box, GRID)
        if overlay.action is not None:
            mark = QRectF(label_box.left(), label_box.top() + GRID, 4, height - 2 * GRID)
            self._filled(mark, 2, action_color(overlay.action))
        color = _COLORS[overlay.tone]
        left, top = label_box.left() + _PADDING, label_box.top() + _PADDING - GRID / 2
        for number, line in enumerate(lines):
            rect = QRectF(left, top + number * line_height, inner - value_width, line_height)
            self._text(line, rect, TEXT_HUGE, color, weight=STRONG)
        if overlay.value:
            rect = QRectF(left, top, inner, line_height)
            self._text(overlay.value, rect, TEXT_HUGE, color, Qt.AlignmentFlag.AlignRight)
        top += line_height * len(lines)
        if overlay.hint:
            self._text(overlay.hint, QRectF(left, top, inner, 2.5 * GRID), TEXT, LABEL_OVERLAY.quiet)
            top += 2.5 * GRID
        if overlay.progress is not None:
            self._track(QRectF(left, top + GRID / 2, inner, 3), overlay.progress, LABEL_OVERLAY.text)
            top += GRID
        top += GRID / 2
        for number, bar in enumerate(bars):
            self._bar(bar, QRectF(left, top + number * _ROW, inner, _ROW))

    def _bar(self, bar: Bar, rect: QRectF) -> None:
        color = action_color(bar.label) if bar.trusted else LABEL_OVERLAY.quiet
        number_width = 5 * GRID
        track_width = min(14 * GRID, rect.width() * 0.2)
        names = rect.adjusted(0, 0, -(track_width + number_width + GRID), 0)
        self._text(class_name(bar.label), names, TEXT, LABEL_OVERLAY.quiet)
        track = QRectF(rect.right() - number_width - track_width, rect.center().y() - 2, track_width, 4)
        self._track(track, bar.score, color)
        self._text(
            formatting.percent(bar.score),
            QRectF(rect.right() - number_width, rect.top(), number_width, rect.height()),
            TEXT,
            LABEL_OVERLAY.quiet,
            Qt.AlignmentFlag.AlignRight,
        )

    def _track(self, rect: QRectF, share: float, color: str) -> None:
        radius = rect.height() / 2
        self._filled(rect, radius, "#ffffff", LABEL_OVERLAY.bar_ground_alpha)
        if share > 0:
            done = QRectF(rect.topLeft(), rect.bottomRight())
            done.setWidth(max(rect.height(), rect.width() * min(1.0, share)))
            self._filled(done, radius, color)


def _lines(text: str, width: float) -> list[str]:
    """Break a headline into one or two lines; the second is elided if it still does not fit."""
    used = font(TEXT_HUGE, STRONG)
    if QFontMetricsF(used).horizontalAdvance(text) <= width:
        return [text]
    layout = QTextLayout(text, used)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    line = layout.createLine()
    line.setLineWidth(max(1.0, width))
    line.setPosition(QPointF(0, 0))
    length = line.textLength()
    layout.endLayout()
    return [text[:length].rstrip(), text[length:].lstrip()]
