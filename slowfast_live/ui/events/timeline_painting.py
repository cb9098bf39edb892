"""Paint the timeline's lanes, curves and axis as one image, repainted only when something has changed."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPen

from slowfast_live.colors import action_color
from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.core.curves import Columns
from slowfast_live.core.events import Event
from slowfast_live.core.part import Part
from slowfast_live.core.several import rows_of
from slowfast_live.types import F32, U8
from slowfast_live.ui.events.people_lanes import paint_people
from slowfast_live.ui.events.session_people import PeopleRow
from slowfast_live.ui.events.time_axis import Scale, Span, tick_step_s, ticks
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.curve import area
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import action_name
from slowfast_live.ui.style.painting import fill_action, restores_painter
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID, RADIUS, STRONG, TEXT, font

_EDGE = 2 * GRID
_GUTTER = 9 * GRID
_TICKS_APART = {False: 9 * GRID, True: 11 * GRID}
_MOST_LANES = 4
PEOPLE_ROW, _PEOPLE_GAP = 2 * GRID + 1, 2
_NAME_FROM_PX = 4 * GRID
"""An event narrower than this is drawn without its name in it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Vertical layout of the lanes, in logical pixels: (top, height) of each; None if it is hidden."""

    height: int
    left: int
    events: tuple[int, int]
    score: tuple[int, int] | None = None
    activity: tuple[int, int] | None = None
    axis: tuple[int, int] | None = None
    people: tuple[tuple[int, int], ...] = ()

    def with_people(self, count: int) -> Rows:
        """Return the rows with `count` more for people, below the events."""
        if not count:
            return self
        top, height = self.events
        first, more = top + height + _PEOPLE_GAP, count * (PEOPLE_ROW + _PEOPLE_GAP)

        def lower(row: tuple[int, int] | None) -> tuple[int, int] | None:
            return None if row is None else (row[0] + more, row[1])

        people = tuple((first + i * (PEOPLE_ROW + _PEOPLE_GAP), PEOPLE_ROW) for i in range(count))
        return replace(
            self,
            height=self.height + more,
            score=lower(self.score),
            activity=lower(self.activity),
            axis=lower(self.axis),
            people=people,
        )

    def person_row(self, y: float) -> int | None:
        """Return the number of the row of people at a height; None if it is elsewhere."""
        return next((i for i, (top, height) in enumerate(self.people) if top <= y < top + height + _PEOPLE_GAP), None)


FULL = Rows(
    12 * GRID, _GUTTER, (GRID, 22), (GRID + 26, 22), (GRID + 52, 2 * GRID - 4), (GRID + 66, 12 * GRID - GRID - 66)
)
SEVERAL = Rows(12 * GRID, _GUTTER, (GRID, 48), None, (GRID + 52, 2 * GRID - 4), FULL.axis)
"""For events that overlap: more room for their rows in place of the score, which differs from label to label."""
SLIM = Rows(3 * GRID, _EDGE, (GRID // 2, 2 * GRID))


def scale_of(rows: Rows, width: int, span: Span) -> Scale:
    """Return the scale of a span in a widget of the given width."""
    return Scale(span, rows.left, max(1, width - rows.left - _EDGE))


@dataclass(frozen=True, slots=True, eq=False)
class TimelineScene:
    """The content to paint.

    Attributes:
        rows: The vertical layout.
        scale: The visible time span and its scale.
        notes: The events, oldest first.
        columns: The curves, one value for each device pixel of `scale.width`.
        day_offset_s: For a live source, the offset that turns its clock into the time of day; None if times count from
            0.
        hint: The text to show if there are no events.
        overlapping: Whether events may overlap.
        people: The rows of people.
        followed: The person whom the user follows; None for nobody.
    """

    rows: Rows
    scale: Scale
    notes: Sequence[AnnotatedEvent]
    columns: Columns
    day_offset_s: float | None = None
    hint: str = ""
    overlapping: bool = False
    people: Sequence[PeopleRow] = ()
    followed: int | None = None


def device_columns(scale: Scale, ratio: float) -> int:
    """Return the width of a scale in device pixels."""
    return max(1, round(scale.width * ratio))


def visible(notes: Sequence[AnnotatedEvent], span: Span, *, overlapping: bool = False) -> range:
    """Return the indices of the events in a span; of overlapping ones, some within the range may have ended before."""
    first = bisect_left(notes, span.begin_s, key=lambda noted: noted.event.end_s)
    if overlapping:
        first = next((i for i, noted in enumerate(notes) if noted.event.end_s > span.begin_s), len(notes))
    last = bisect_left(notes, span.end_s, key=lambda noted: noted.event.begin_s)
    return range(first, max(first, last))


def paint(scene: TimelineScene, size: QSize, ratio: float, theme: Theme) -> QImage:
    """Return an image of lanes, curves and axis, without anything that moves.

    Costs O(width): of several events within a pixel, one is painted.

    Args:
        scene: The content to paint.
        size: In logical pixels.
        ratio: Device pixels per logical pixel.
        theme: The colors.
    """
    image = QImage(size * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(theme.window))
    painter = QPainter(image)
    painter.setFont(font())
    rows, scale = scene.rows, scene.scale
    for row in (rows.events, *rows.people, rows.score, rows.activity):
        if row is not None:
            painter.fillRect(QRectF(scale.left, row[0], scale.width, row[1]), QColor(theme.sunken))
    tints = _paint_events(painter, scene, ratio, theme)
    paint_people(painter, rows.people, scene.people, scale, scene.followed, theme)
    if rows.score is not None:
        _paint_curve(painter, scene.columns.score, rows.score, tints, scale.left, ratio)
    if rows.activity is not None:
        gray = np.broadcast_to(_rgb(theme.quiet), (len(scene.columns.activity), 3))
        _paint_curve(painter, scene.columns.activity, rows.activity, gray, scale.left, ratio)
    if rows.axis is not None:
        _paint_axis(painter, scene, theme)
        _paint_names(painter, rows, theme)
    painter.end()
    return image


@restores_painter
def _paint_events(painter: QPainter, scene: TimelineScene, ratio: float, theme: Theme) -> U8:
    """Paint the events; return the color of each device column, uint8 (n, 3) RGB."""
    scale, (top, room) = scene.scale, scene.rows.events
    count = device_columns(scale, ratio)
    tints = np.tile(_rgb(theme.quiet), (count, 1))
    metrics = QFontMetrics(painter.font())
    shown = visible(scene.notes, scale.span, overlapping=scene.overlapping)
    lanes = _lanes(scene, shown)
    height = room / (max(lanes.values(), default=0) + 1)
    i, stop = shown.start, shown.stop
    while i < stop:
        event = scene.notes[i].event
        if scene.overlapping and event.end_s <= scale.span.begin_s:
            i += 1
            continue
        begin = max(0, round((scale.x(event.begin_s) - scale.left) * ratio))
        end = min(count, max(begin + 1, round((scale.x(event.end_s) - scale.left) * ratio)))
        color = action_color(event.label, theme.name)
        tints[begin:end] = _rgb(color)
        gap = 1 if end - begin > 3 else 0  # keeps two events of the same color apart
        lane = lanes.get(i, 0)
        box = QRectF(scale.left + begin / ratio, top + lane * height, (end - gap - begin) / ratio, height)
        if scene.overlapping:
            box.adjust(0, 0, 0, -1)  # keeps rows apart
        fill_action(painter, box, event.label, theme)
        if (beside := _room_beside(scene, i, box, metrics)) is not None:
            painter.setPen(QColor(theme.quiet))  # too short for its name, but there is room next to it
            name = action_name(event.label)
            painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        elif box.width() >= _NAME_FROM_PX and box.height() >= TEXT:
            inside = box.adjusted(GRID - 2, 0, -GRID // 2, 0)
            name = metrics.elidedText(action_name(event.label), Qt.TextElideMode.ElideRight, int(inside.width()))
            painter.setPen(QColor(theme.surface))
            painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        if end - begin > 1 or scene.overlapping:
            i += 1
        else:  # the next event that reaches beyond this pixel
            beyond_s = scale.t(scale.left + end / ratio)
            i = max(i + 1, bisect_left(scene.notes, beyond_s, i, stop, key=lambda noted: noted.event.end_s))
    if not shown and scene.hint:
        painter.setPen(QColor(theme.quiet))
        inside = QRectF(scale.left + GRID - 2, top, scale.width - GRID, room)
        text = metrics.elidedText(scene.hint, Qt.TextElideMode.ElideRight, int(inside.width()))
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    return tints


def _lanes(scene: TimelineScene, shown: range) -> dict[int, int]:
    """Return the row of each overlapping event, at most `_MOST_LANES`; empty if events do not overlap."""
    if not scene.overlapping:
        return {}
    rows = rows_of([scene.notes[i].event for i in shown])
    return {i: min(row, _MOST_LANES - 1) for i, row in zip(shown, rows, strict=True)}


def _room_beside(scene: TimelineScene, i: int, box: QRectF, metrics: QFontMetrics) -> QRectF | None:
    """Return where the name of a short event fits next to it; None if it fits into its box, or nowhere."""
    noted, scale = scene.notes[i], scene.scale
    name_px = metrics.horizontalAdvance(action_name(noted.event.label)) + 2
    if scene.overlapping or noted.going_on or box.width() >= name_px + GRID:
        return None
    after_s = scene.notes[i + 1].event.begin_s if i + 1 < len(scene.notes) else scale.span.end_s
    room_px = scale.x(min(after_s, scale.span.end_s)) - box.right() - GRID
    return QRectF(box.right() + 3, box.top(), room_px, box.height()) if room_px >= name_px else None


@restores_painter
def _paint_curve(painter: QPainter, values: F32, row: tuple[int, int], tints: U8, left: float, ratio: float) -> None:
    """Paint a curve over a fill, each column in its own color; nothing if the value is unknown."""
    top, height = row
    pixels = area(values, max(1, round(height * ratio)), tints, ratio)
    image = QImage(pixels.data, pixels.shape[1], pixels.shape[0], QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(left, top), image)


@restores_painter
def _paint_axis(painter: QPainter, scene: TimelineScene, theme: Theme) -> None:
    rows, scale = scene.rows, scene.scale
    assert rows.axis is not None
    step_s = tick_step_s(scale, _TICKS_APART[scene.day_offset_s is not None])
    foot = rows.activity[0] + rows.activity[1] if rows.activity else rows.axis[0]
    painter.setPen(QColor(theme.quiet))
    for t_s in ticks(scale, step_s, scene.day_offset_s or 0.0):
        painter.fillRect(QRectF(round(scale.x(t_s)), foot, 1, GRID // 2), QColor(theme.control_border))
    for box, text in tick_boxes(rows, scale, scene.day_offset_s):
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def tick_boxes(rows: Rows, scale: Scale, day_offset_s: float | None) -> list[tuple[QRectF, str]]:
    """Return the tick labels, each with its bounding box, without those that would be cut off."""
    assert rows.axis is not None
    top, height = rows.axis
    step_s = tick_step_s(scale, _TICKS_APART[day_offset_s is not None])
    metrics = QFontMetrics(font())
    boxes = []
    for t_s in ticks(scale, step_s, day_offset_s or 0.0):
        text = tick_text(t_s, step_s, day_offset_s)
        width = metrics.horizontalAdvance(text) + 2
        box = QRectF(round(scale.x(t_s)) - width / 2, top, width, height)
        if box.left() >= 0 and box.right() <= scale.left + scale.width + _EDGE:
            boxes.append((box, text))
    return boxes


def tick_text(t_s: float, step_s: float, day_offset_s: float | None) -> str:
    """Return the label of a tick, no more precise than the tick distance."""
    if day_offset_s is not None:
        return formatting.time_of_day(t_s + day_offset_s, seconds=step_s < 60)
    return formatting.clock_tenths(t_s) if step_s < 1 else formatting.clock(t_s)


@restores_painter
def _paint_names(painter: QPainter, rows: Rows, theme: Theme) -> None:
    painter.setPen(QColor(theme.quiet))
    metrics = QFontMetrics(painter.font())
    for name, row in ((tr("Actions"), rows.events), (tr("Score"), rows.score), (tr("Activity"), rows.activity)):
        if row is None:
            continue
        middle = row[0] + row[1] / 2
        where = QRectF(0, middle - TEXT, rows.left - GRID, 2 * TEXT)
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, rows.left - GRID)
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)


@restores_painter
def mark_event(painter: QPainter, row: tuple[int, int], scale: Scale, event: Event, theme: Theme) -> None:
    """Paint a frame around an event in a row, on top of the layer."""
    left = max(scale.left, scale.x(event.begin_s))
    right = min(scale.left + scale.width, scale.x(event.end_s))
    if right > left:
        top, height = row
        painter.setPen(QPen(QColor(theme.text), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(left, top - 1, max(2.0, right - left), height + 2))


@restores_painter
def dim_outside(painter: QPainter, rows: Rows, scale: Scale, part: Part, theme: Theme) -> None:
    """Dim what lies outside the marked part, with a line at each of its ends; nothing if none is marked."""
    if not part.marked:
        return
    veil = QColor(theme.window)
    veil.setAlphaF(0.7)
    foot = rows.axis[0] if rows.axis else rows.height
    right_end = scale.left + scale.width
    for t_s, left in ((part.begin_s, True), (part.end_s, False)):
        if t_s is None:
            continue
        x = min(max(scale.x(t_s), scale.left), right_end)
        outside = QRectF(scale.left, 0, x - scale.left, foot) if left else QRectF(x, 0, right_end - x, foot)
        painter.fillRect(outside, veil)
        painter.fillRect(QRectF(x - 1, 0, 2, foot), QColor(theme.accent))
        painter.fillRect(QRectF(x - 1 if left else x - 5, 0, 6, 2), QColor(theme.accent))


@dataclass(frozen=True, slots=True)
class Playhead:
    """Geometry of a file's playhead.

    Attributes:
        x: Center of its line, in logical pixels.
        text: Its time.
        time_box: Box behind the time; None without an axis.
        hidden: Boxes of the axis labels that the plate would touch; they are hidden entirely.
    """

    x: int
    text: str
    time_box: QRectF | None
    hidden: tuple[QRectF, ...]

    @property
    def reach(self) -> tuple[int, int]:
        """Leftmost and rightmost logical pixel of the area to repaint when it moves."""
        boxes = [box for box in (self.time_box, *self.hidden) if box is not None]
        left = min([self.x - 2.0, *(box.left() for box in boxes)])
        right = max([self.x + 3.0, *(box.right() for box in boxes)])
        return math.floor(left) - 1, math.ceil(right) + 1


@lru_cache(maxsize=4)
def playhead(rows: Rows, scale: Scale, t_s: float) -> Playhead:
    """Return the geometry of the playhead at a time; kept, because a frame asks for it several times."""
    x, text = round(scale.x(t_s)), formatting.clock(t_s)
    if rows.axis is None:
        return Playhead(x, text, None, ())
    wide = QFontMetrics(font(weight=STRONG)).horizontalAdvance(text) + GRID + GRID // 2
    left = min(max(x - wide / 2, 0.0), scale.left + scale.width + _EDGE - wide)
    time_box = QRectF(left, rows.axis[0], wide, min(rows.axis[1], TEXT + GRID))
    room = time_box.adjusted(-GRID / 2, 0, GRID / 2, 0)
    hidden = tuple(box for box in _file_tick_boxes(rows, scale) if box.intersects(room))
    return Playhead(x, text, time_box, hidden)


def stands_alike(scale: Scale, one_s: float, other_s: float) -> bool:
    """Whether the playhead looks the same at two times; far cheaper than comparing its geometry."""
    return round(scale.x(one_s)) == round(scale.x(other_s)) and formatting.clock(one_s) == formatting.clock(other_s)


@lru_cache(maxsize=4)
def _file_tick_boxes(rows: Rows, scale: Scale) -> tuple[QRectF, ...]:
    """Return the boxes of a file's tick labels; kept, because every frame asks for them."""
    return tuple(box for box, _text in tick_boxes(rows, scale, None))


@restores_painter
def mark_playhead(painter: QPainter, rows: Rows, scale: Scale, t_s: float, theme: Theme) -> None:
    """Paint a file's playhead on top of the layer, with its time if there is an axis."""
    head = playhead(rows, scale, t_s)
    foot = rows.axis[0] if rows.axis else rows.height
    painter.fillRect(QRectF(head.x - 2, 0, 5, foot), QColor(theme.window))
    painter.fillRect(QRectF(head.x - 1, 0, 3, foot), QColor(theme.text))
    if head.time_box is None:
        return
    for box in head.hidden:
        painter.fillRect(box.toAlignedRect(), QColor(theme.window))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.text))
    painter.drawRoundedRect(head.time_box, RADIUS / 2, RADIUS / 2)
    painter.setFont(font(weight=STRONG))
    painter.setPen(QColor(theme.window))
    painter.drawText(head.time_box, Qt.AlignmentFlag.AlignCenter, head.text)


def _rgb(color: str) -> U8:
    value = QColor(color)
    return np.array([value.red(), value.green(), value.blue()], np.uint8)
