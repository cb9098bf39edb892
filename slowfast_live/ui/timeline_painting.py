"""What the timeline looks like: lanes, curves and axis as one picture, made anew only when something is new."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPen

from slowfast_live.colours import action_colour
from slowfast_live.core.corrections import Noted
from slowfast_live.core.events import Event
from slowfast_live.core.history import Columns
from slowfast_live.types import F32, U8
from slowfast_live.ui import wording
from slowfast_live.ui.theme import GRID, RADIUS, STRONG, TEXT, Theme, font
from slowfast_live.ui.time_axis import Scale, Span, tick_step_s, ticks

_EDGE = 2 * GRID
_GUTTER = 9 * GRID
_TICKS_APART = {False: 9 * GRID, True: 11 * GRID}
_FILL, _LINE_PX = 0.30, 1.5
_NAME_FROM_PX = 4 * GRID
"""An event narrower than this bears no name."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Where the lanes stand in the widget, in logical pixels: (top, height) of each; None where it is folded away."""

    height: int
    left: int
    events: tuple[int, int]
    score: tuple[int, int] | None = None
    activity: tuple[int, int] | None = None
    axis: tuple[int, int] | None = None


FULL = Rows(
    12 * GRID, _GUTTER, (GRID, 22), (GRID + 26, 22), (GRID + 52, 2 * GRID - 4), (GRID + 66, 12 * GRID - GRID - 66)
)
SLIM = Rows(3 * GRID, _EDGE, (GRID // 2, 2 * GRID))


def scale_of(rows: Rows, width: int, span: Span) -> Scale:
    """Return how a span lies in a widget of a width."""
    return Scale(span, rows.left, max(1, width - rows.left - _EDGE))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What there is to paint.

    Attributes:
        rows: Where.
        scale: Which time.
        notes: The events, oldest first.
        columns: The curves, one value for each device pixel of `scale.width`.
        day_offset_s: Of a live source: what makes its clock the time of day; None: times count from 0.
        hint: What to say where there is no event.
    """

    rows: Rows
    scale: Scale
    notes: Sequence[Noted]
    columns: Columns
    day_offset_s: float | None = None
    hint: str = ""


def device_columns(scale: Scale, ratio: float) -> int:
    """Return how many device pixels a scale is wide."""
    return max(1, round(scale.width * ratio))


def visible(notes: Sequence[Noted], span: Span) -> range:
    """Return the indices of the events that lie in a span."""
    first = bisect_left(notes, span.begin_s, key=lambda noted: noted.event.end_s)
    last = bisect_left(notes, span.end_s, key=lambda noted: noted.event.begin_s)
    return range(first, max(first, last))


def paint(scene: Scene, size: QSize, ratio: float, theme: Theme) -> QImage:
    """Return the picture: lanes, curves and axis, without what moves.

    Costs O(width): of many events in a pixel one is painted.

    Args:
        scene: What there is to paint.
        size: In logical pixels.
        ratio: Device pixels a logical pixel.
        theme: The colours.
    """
    image = QImage(size * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(theme.window))
    painter = QPainter(image)
    painter.setFont(font())
    rows, scale = scene.rows, scene.scale
    for row in (rows.events, rows.score, rows.activity):
        if row is not None:
            painter.fillRect(QRectF(scale.left, row[0], scale.width, row[1]), QColor(theme.sunken))
    tints = _paint_events(painter, scene, ratio, theme)
    if rows.score is not None:
        _paint_curve(painter, scene.columns.score, rows.score, tints, scale.left, ratio)
    if rows.activity is not None:
        grey = np.broadcast_to(_rgb(theme.quiet), (len(scene.columns.activity), 3))
        _paint_curve(painter, scene.columns.activity, rows.activity, grey, scale.left, ratio)
    if rows.axis is not None:
        _paint_axis(painter, scene, theme)
        _paint_names(painter, rows, theme)
    painter.end()
    return image


def _paint_events(painter: QPainter, scene: Scene, ratio: float, theme: Theme) -> U8:
    """Paint the events; return the colour of each device column, uint8 (n, 3) RGB."""
    scale, (top, height) = scene.scale, scene.rows.events
    count = device_columns(scale, ratio)
    tints = np.tile(_rgb(theme.quiet), (count, 1))
    metrics = QFontMetrics(painter.font())
    shown = visible(scene.notes, scale.span)
    i, stop = shown.start, shown.stop
    while i < stop:
        event = scene.notes[i].event
        begin = max(0, round((scale.x(event.begin_s) - scale.left) * ratio))
        end = min(count, max(begin + 1, round((scale.x(event.end_s) - scale.left) * ratio)))
        colour = action_colour(event.label, theme.name)
        tints[begin:end] = _rgb(colour)
        gap = 1 if end - begin > 3 else 0  # two events of one colour stay two
        box = QRectF(scale.left + begin / ratio, top, (end - gap - begin) / ratio, height)
        painter.fillRect(box, QColor(colour))
        if box.width() >= _NAME_FROM_PX:
            inside = box.adjusted(GRID - 2, 0, -GRID // 2, 0)
            name = metrics.elidedText(event.label, Qt.TextElideMode.ElideRight, int(inside.width()))
            painter.setPen(QColor(theme.surface))
            painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        if end - begin > 1:
            i += 1
        else:  # the next one that reaches beyond this pixel
            beyond_s = scale.t(scale.left + end / ratio)
            i = max(i + 1, bisect_left(scene.notes, beyond_s, i, stop, key=lambda noted: noted.event.end_s))
    if not shown and scene.hint:
        painter.setPen(QColor(theme.quiet))
        inside = QRectF(scale.left + GRID - 2, top, scale.width - GRID, height)
        text = metrics.elidedText(scene.hint, Qt.TextElideMode.ElideRight, int(inside.width()))
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    return tints


def _paint_curve(painter: QPainter, values: F32, row: tuple[int, int], tints: U8, left: float, ratio: float) -> None:
    """Paint a curve over a fill, each column in its colour; nothing where the value is not known."""
    top, height = row
    pixels = area(values, max(1, round(height * ratio)), tints, ratio)
    image = QImage(pixels.data, pixels.shape[1], pixels.shape[0], QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(left, top), image)


def area(values: F32, height: int, tints: U8, ratio: float = 1.0) -> U8:
    """Return the picture of a curve with what lies under it, uint8 (height, n, 4), premultiplied BGRA.

    Args:
        values: float32 (n,), 0..1; NaN where there is nothing.
        height: In device pixels; 1.0 reaches the top.
        tints: uint8 (n, 3), RGB.
        ratio: Device pixels a logical pixel: the curve's thickness follows it.
    """
    known = ~np.isnan(values)
    # A known zero is a line at the foot, the unknown lies below it.
    tall = np.where(known, np.clip(values, 0, 1) * np.float32(height - 1) + 1, np.float32(-_LINE_PX * ratio))
    edge = np.arange(height, 0, -1, dtype=np.float32)[:, None] - tall  # of each row's top, above the curve
    inside = np.clip(1 - edge, 0, 1)
    cover = inside * np.clip(edge + np.float32(_LINE_PX * ratio), np.float32(_FILL), 1)
    alpha = (cover * 256 + 0.5).astype(np.uint16)
    pixels = np.empty((height, len(values), 4), np.uint8)
    for channel in range(3):
        pixels[..., channel] = (alpha * tints[:, 2 - channel]) >> 8
    pixels[..., 3] = alpha - (alpha >> 8)
    return pixels


def _paint_axis(painter: QPainter, scene: Scene, theme: Theme) -> None:
    rows, scale = scene.rows, scene.scale
    assert rows.axis is not None
    live = scene.day_offset_s is not None
    step_s = tick_step_s(scale, _TICKS_APART[live])
    foot = rows.activity[0] + rows.activity[1] if rows.activity else rows.axis[0]
    boxes = tick_boxes(rows, scale, scene.day_offset_s)
    for t_s, box in zip(ticks(scale, step_s, scene.day_offset_s or 0.0), boxes, strict=True):
        painter.fillRect(QRectF(round(scale.x(t_s)), foot, 1, GRID // 2), QColor(theme.control_border))
        if box.left() < 0 or box.right() > scale.left + scale.width + _EDGE:
            continue  # half a time tells nothing
        painter.setPen(QColor(theme.quiet))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, tick_text(t_s, step_s, scene.day_offset_s))


def tick_boxes(rows: Rows, scale: Scale, day_offset_s: float | None) -> list[QRectF]:
    """Return where the times below the ticks stand."""
    assert rows.axis is not None
    top, height = rows.axis
    apart = _TICKS_APART[day_offset_s is not None]
    step_s = tick_step_s(scale, apart)
    places = (round(scale.x(t_s)) for t_s in ticks(scale, step_s, day_offset_s or 0.0))
    return [QRectF(x - apart / 2, top, apart - 1, height) for x in places]


def tick_text(t_s: float, step_s: float, day_offset_s: float | None) -> str:
    """Return what stands at a tick: no finer than the ticks are apart."""
    if day_offset_s is not None:
        return wording.time_of_day(t_s + day_offset_s, seconds=step_s < 60)
    return wording.clock_tenths(t_s) if step_s < 1 else wording.clock(t_s + 1e-6)


def _paint_names(painter: QPainter, rows: Rows, theme: Theme) -> None:
    painter.setPen(QColor(theme.quiet))
    metrics = QFontMetrics(painter.font())
    for name, row in (("Actions", rows.events), ("Score", rows.score), ("Activity", rows.activity)):
        if row is None:
            continue
        middle = row[0] + row[1] / 2
        where = QRectF(0, middle - TEXT, rows.left - GRID, 2 * TEXT)
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, rows.left - GRID)
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)


def mark_event(painter: QPainter, rows: Rows, scale: Scale, event: Event, theme: Theme) -> None:
    """Paint a frame around an event, over the layer."""
    left = max(scale.left, scale.x(event.begin_s))
    right = min(scale.left + scale.width, scale.x(event.end_s))
    if right > left:
        top, height = rows.events
        painter.setPen(QPen(QColor(theme.text), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(left, top - 1, max(2.0, right - left), height + 2))


def mark_playhead(painter: QPainter, rows: Rows, scale: Scale, t_s: float, theme: Theme) -> None:
    """Paint the playhead of a file over the layer, with its time where there is an axis."""
    x = round(scale.x(t_s))
    foot = rows.axis[0] if rows.axis else rows.height
    painter.fillRect(QRectF(x - 2, 0, 5, foot), QColor(theme.window))
    painter.fillRect(QRectF(x - 1, 0, 3, foot), QColor(theme.text))
    if rows.axis is None:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font(weight=STRONG))
    text = wording.clock(t_s)
    wide = QFontMetrics(painter.font()).horizontalAdvance(text) + GRID + GRID // 2
    left = min(max(x - wide / 2, 0.0), scale.left + scale.width + _EDGE - wide)
    plate = QRectF(left, rows.axis[0], wide, min(rows.axis[1], TEXT + GRID))
    for tick in tick_boxes(rows, scale, None):  # half a figure beside the plate would look broken
        if tick.intersects(plate):
            painter.fillRect(tick, QColor(theme.window))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.text))
    painter.drawRoundedRect(plate, RADIUS / 2, RADIUS / 2)
    painter.setPen(QColor(theme.window))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)


def _rgb(colour: str) -> U8:
    value = QColor(colour)
    return np.array([value.red(), value.green(), value.blue()], np.uint8)
