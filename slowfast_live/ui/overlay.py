"""What lies over the picture: one confident line, or why there is none. Drawn once a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QTextLayout, QTextOption

from slowfast_live.colours import PLATE, action_colour
from slowfast_live.types import Readout, ReadoutState, Status
from slowfast_live.ui import wording
from slowfast_live.ui.shortcuts import key_text
from slowfast_live.ui.theme import GRID, REGULAR, STRONG, TEXT, TEXT_HUGE, font

_PADDING = 2 * GRID
_MARGIN = 2 * GRID
_WIDTH = 39 * GRID
_WIDEST = 72 * GRID
_HIGHEST = 40 * GRID
"""Plate and stats are never higher."""
_ROW = 2.75 * GRID
_LARGEST_SHARE = 0.2
"""The plate leaves its bars out where it would cover more of the canvas than this."""
UNTRAINED = "untrained model: scores mean nothing"


class Tone(Enum):
    """How a line speaks."""

    PLAIN = "plain"
    QUIET = "quiet"
    AMBER = "amber"


@dataclass(frozen=True, slots=True)
class Bar:
    """One of the best scores; `score` is rounded, so that what looks equal is equal."""

    label: str
    score: float
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Overlay:
    """Everything that the overlay shows.

    Attributes:
        headline: The large line; "" for no plate at all.
        value: At its right end: the confidence.
        hint: A small line below, that says why or what to do.
        tone: How the headline speaks.
        progress: A bar below the headline, 0..1; None for none.
        bars: The best scores.
        stats: The small line below the plate.
        badge: A word in the picture's upper corner: "Paused".
        action: The label whose colour marks the plate; None where there is none.
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


def compose(readout: Readout, status: Status, *, bars: bool = True) -> Overlay:
    """Say what is known now. Pure: the same arguments give the same overlay.

    Args:
        readout: What may be shown of the predictions.
        status: The pipeline's state.
        bars: Whether the best scores are wanted.
    """
    stats = wording.stats_line(status.source_fps, status.predictions_per_s, status.latency_ms)
    if status.reconnect_attempt:
        return Overlay(
            f"reconnecting ({status.reconnect_attempt})",
            hint=f"{wording.source_name(status.source)} does not answer." if status.source else "",
            tone=Tone.AMBER,
        )
    if status.silent_s:
        name = status.source.name if status.source else "The source"
        return Overlay("no picture", hint=f"{name} has sent nothing for {status.silent_s:.0f} s.", tone=Tone.AMBER)
    badge = ""
    if status.ended:
        badge = "Ended"
    elif status.paused:
        badge = "Paused"
    elif status.speed != 1.0 and not (status.source and status.source.live):
        badge = f"{status.speed:g}×"
    trusted = readout.state is not ReadoutState.UNTRAINED
    rows = tuple(Bar(label, round(score, 2), trusted) for label, score in readout.top[:5]) if bars else ()
    best = wording.percent(readout.score)
    match readout.state:
        case ReadoutState.ACTION if readout.label is not None:
            return Overlay(readout.label, best, bars=rows, stats=stats, badge=badge, action=readout.label)
        case ReadoutState.UNTRAINED:
            return Overlay(UNTRAINED, tone=Tone.AMBER, bars=rows, stats=stats, badge=badge)
        case ReadoutState.FAILED:
            hint = "Choose another model or device above."
            return Overlay("the model gives no answer", hint=hint, tone=Tone.AMBER, stats=stats, badge=badge)
        case ReadoutState.TOO_SHORT:
            hint = f"The file ended with {wording.percent(status.coverage)} of what the model needs to see."
            return Overlay("too short to tell", hint=hint, tone=Tone.QUIET, stats=stats, badge=badge)
        case ReadoutState.RESTING:
            hint = "Nothing moves. The model goes on at once when something does."
            return Overlay("idle, resting", hint=hint, tone=Tone.QUIET, stats=stats, badge=badge)
        case ReadoutState.WARMING_UP:
            share = round(min(1.0, max(0.0, status.coverage)), 2)
            value, progress = (wording.percent(share), share) if share < 1 else ("", None)
            return Overlay("warming up", value, tone=Tone.QUIET, progress=progress, stats=stats, badge=badge)
        case ReadoutState.NO_MODEL:
            if status.switching:
                return Overlay("no model yet", hint=status.switching, tone=Tone.QUIET, stats=stats, badge=badge)
            hint = f"Choose one above, or build one: {key_text('models')}, or python build_models.py"
            return Overlay("no model", hint=hint, tone=Tone.QUIET, stats=stats, badge=badge)
        case _:
            return Overlay("no confident action", tone=Tone.QUIET, bars=rows, stats=stats, badge=badge)


class OverlayPainter:
    """Draws overlays, and keeps the last one: what has not changed is not drawn again."""

    def __init__(self) -> None:
        self._key: tuple[Overlay, int, int, float] | None = None
        self._patches: list[tuple[QPointF, QImage]] = []
        self.drawn = 0
        """How often it was really drawn."""

    def paint(self, painter: QPainter, overlay: Overlay, size: QSize, ratio: float) -> None:
        """Lay the overlay over what `painter` has painted.

        Args:
            painter: Paints on the canvas, in logical pixels.
            overlay: What to show.
            size: Logical size of the canvas.
            ratio: Device pixels a logical pixel.
        """
        key = (overlay, size.width(), size.height(), ratio)
        if key != self._key:
            self._key, self._patches = key, _patches(overlay, size, ratio)
            self.drawn += 1
        for corner, image in self._patches:
            painter.drawImage(corner, image)


def render(overlay: Overlay, size: QSize, ratio: float) -> QImage:
    """Draw an overlay on a transparent picture. See `OverlayPainter.paint`."""
    image = _empty(size.width(), size.height(), ratio)
    painter = QPainter(image)
    for corner, patch in _patches(overlay, size, ratio):
        painter.drawImage(corner, patch)
    painter.end()
    return image


def _empty(width: float, height: float, ratio: float) -> QImage:
    pixels = QSize(max(1, round(width * ratio)), max(1, round(height * ratio)))
    image = QImage(pixels, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    return image


def _patches(overlay: Overlay, size: QSize, ratio: float) -> list[tuple[QPointF, QImage]]:
    """Draw the corners that hold something: to blend all of a large screen would cost most of a frame."""
    areas: list[tuple[float, float, Callable[[_Drawing], None]]] = []
    if overlay.badge:
        areas.append((0.0, _MARGIN + 3 * GRID + 1, lambda drawing: drawing.badge(overlay)))
    if overlay.headline or overlay.stats:
        # On whole device pixels, so that it stays sharp.
        top = round(max(0, size.height() - _HIGHEST) * ratio) / ratio
        areas.append((top, size.height() - top, lambda drawing: drawing.plate(overlay)))
    patches = []
    for top, height, draw in areas:
        image = _empty(min(size.width(), _WIDEST + 2 * _MARGIN), min(size.height(), height), ratio)
        painter = QPainter(image)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.translate(0, -top)
        draw(_Drawing(painter, size))
        painter.end()
        patches.append((QPointF(0, top), image))
    return patches


class _Drawing:
    """One drawing of an overlay, from the lower edge of the picture upwards."""

    def __init__(self, painter: QPainter, size: QSize) -> None:
        self._painter = painter
        self._width, self._height = float(size.width()), float(size.height())

    def badge(self, overlay: Overlay) -> None:
        self._pill(overlay.badge, _MARGIN, _MARGIN, PLATE.text)

    def plate(self, overlay: Overlay) -> None:
        bottom = self._height - _MARGIN
        if overlay.stats:
            bottom = self._pill(overlay.stats, _MARGIN, bottom - 3 * GRID, PLATE.quiet) - GRID / 2
        if overlay.headline:
            self._plate(overlay, bottom)

    def _ground(self, rect: QRectF, radius: float) -> None:
        colour = QColor(PLATE.ground)
        colour.setAlphaF(PLATE.ground_alpha)
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(colour)
        self._painter.drawRoundedRect(rect, radius, radius)

    def _pill(self, text: str, left: float, top: float, colour: str) -> float:
        used = font(TEXT, REGULAR)
        width = min(QFontMetricsF(used).horizontalAdvance(text) + 2 * GRID, self._width - 2 * _MARGIN)
        rect = QRectF(left, top, width, 3 * GRID)
        self._ground(rect, GRID / 2)
        self._text(text, rect.adjusted(GRID, 0, -GRID, 0), TEXT, colour)
        return top

    def _text(
        self,
        text: str,
        rect: QRectF,
        size_px: int,
        colour: str,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        weight: object = REGULAR,
    ) -> None:
        used = font(size_px, STRONG if weight is STRONG else REGULAR)
        shown = QFontMetricsF(used).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        self._painter.setFont(used)
        self._painter.setPen(QColor(colour))
        self._painter.drawText(rect, align | Qt.AlignmentFlag.AlignVCenter, shown)

    def _plate(self, overlay: Overlay, bottom: float) -> None:
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
        plate = QRectF(_MARGIN, bottom - height, width, height)
        self._ground(plate, GRID)
        if overlay.action is not None:
            self._painter.setBrush(QColor(action_colour(overlay.action)))
            self._painter.drawRoundedRect(QRectF(plate.left(), plate.top() + GRID, 4, height - 2 * GRID), 2, 2)
        colour = {Tone.PLAIN: PLATE.text, Tone.QUIET: PLATE.quiet, Tone.AMBER: PLATE.amber}[overlay.tone]
        left, top = plate.left() + _PADDING, plate.top() + _PADDING - GRID / 2
        for number, line in enumerate(lines):
            rect = QRectF(left, top + number * line_height, inner - value_width, line_height)
            self._text(line, rect, TEXT_HUGE, colour, weight=STRONG)
        if overlay.value:
            rect = QRectF(left, top, inner, line_height)
            self._text(overlay.value, rect, TEXT_HUGE, colour, Qt.AlignmentFlag.AlignRight)
        top += line_height * len(lines)
        if overlay.hint:
            self._text(overlay.hint, QRectF(left, top, inner, 2.5 * GRID), TEXT, PLATE.quiet)
            top += 2.5 * GRID
        if overlay.progress is not None:
            self._track(QRectF(left, top + GRID / 2, inner, 3), overlay.progress, PLATE.text)
            top += GRID
        top += GRID / 2
        for number, bar in enumerate(bars):
            self._bar(bar, QRectF(left, top + number * _ROW, inner, _ROW))

    def _bar(self, bar: Bar, rect: QRectF) -> None:
        colour = action_colour(bar.label) if bar.trusted else PLATE.quiet
        number_width = 5 * GRID
        track_width = min(14 * GRID, rect.width() * 0.35)
        names = rect.adjusted(0, 0, -(track_width + number_width + GRID), 0)
        self._text(bar.label, names, TEXT, PLATE.quiet)
        track = QRectF(rect.right() - number_width - track_width, rect.center().y() - 2, track_width, 4)
        self._track(track, bar.score, colour)
        self._text(
            f"{bar.score:.2f}",
            QRectF(rect.right() - number_width, rect.top(), number_width, rect.height()),
            TEXT,
            PLATE.quiet,
            Qt.AlignmentFlag.AlignRight,
        )

    def _track(self, rect: QRectF, share: float, colour: str) -> None:
        radius = rect.height() / 2
        ground = QColor("#ffffff")
        ground.setAlphaF(PLATE.bar_ground_alpha)
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(ground)
        self._painter.drawRoundedRect(rect, radius, radius)
        if share > 0:
            self._painter.setBrush(QColor(colour))
            filled = QRectF(rect.topLeft(), rect.bottomRight())
            filled.setWidth(max(rect.height(), rect.width() * min(1.0, share)))
            self._painter.drawRoundedRect(filled, radius, radius)


def _lines(text: str, width: float) -> list[str]:
    """Break a headline into one or two lines; the second is elided where that is not enough."""
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
