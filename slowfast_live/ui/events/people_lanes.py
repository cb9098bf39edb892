"""Paint the timeline's rows of people: each person's actions in the person's color."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from slowfast_live.colors import identity_color
from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.core.readout_text import SEPARATOR
from slowfast_live.ui.events.session_people import PeopleRow
from slowfast_live.ui.events.time_axis import Scale
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import action_name, person_title
from slowfast_live.ui.style.painting import restores_painter
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID, REGULAR, TEXT, font

_FAINT = 0.3
"""Opacity of everybody else while somebody is followed."""
_NAME_FROM_PX = 4 * GRID


def row_title(row: PeopleRow) -> str:
    """Return what a row is called."""
    if row.person is not None:
        return person_title(row.person)
    return tr("{count} others", count=len(row.people))


def blocks(notes: Sequence[AnnotatedEvent]) -> list[list[AnnotatedEvent]]:
    """Return events in groups of those of one person that overlap: a model may give several answers at once.

    Args:
        notes: Events of one or more people, oldest first.
    """
    found: list[list[AnnotatedEvent]] = []
    last: dict[int | None, tuple[list[AnnotatedEvent], float]] = {}  # by person: the last group and its end
    for noted in notes:
        block, end_s = last.get(noted.person, ([], -math.inf))
        if noted.event.begin_s >= end_s:
            block, end_s = [], -math.inf
            found.append(block)
        block.append(noted)
        last[noted.person] = block, max(end_s, noted.event.end_s)
    return found


def block_title(block: Sequence[AnnotatedEvent]) -> str:
    """Return the names of the actions in a group, the surest first, each once."""
    surest = sorted(block, key=lambda noted: -noted.event.mean_score)
    return SEPARATOR.join(action_name(label) for label in dict.fromkeys(noted.event.label for noted in surest))


@restores_painter
def paint_people(
    painter: QPainter,
    places: Sequence[tuple[int, int]],
    rows: Sequence[PeopleRow],
    scale: Scale,
    followed: int | None,
    theme: Theme,
) -> None:
    """Paint the rows.

    Args:
        painter: Paints on the timeline, in logical pixels.
        places: Top and height of each row.
        rows: What is in them; there may be fewer.
        scale: The visible span.
        followed: The person whom the user follows; None for nobody.
        theme: The colors.
    """
    for (top, height), row in zip(places, rows, strict=False):
        strong = followed is not None and followed in row.people
        faint = followed is not None and not strong
        for block in blocks(row.notes):
            left = max(scale.left, scale.x(block[0].event.begin_s))
            right = min(scale.left + scale.width, scale.x(max(noted.event.end_s for noted in block)))
            box = QRectF(left, top, max(1.0, right - left - 1), height)
            name = "" if row.person is None else block_title(block)
            _paint_action(painter, box, name, block[0].person or 1, faint, theme)
        _paint_title(painter, QRectF(0, top, scale.left - GRID + 2, height), row, theme)


@restores_painter
def _paint_action(painter: QPainter, box: QRectF, name: str, person: int, faint: bool, theme: Theme) -> None:
    painter.setOpacity(_FAINT if faint else 1.0)
    painter.fillRect(box, QColor(identity_color(person, theme.name)))
    painter.setOpacity(1.0)
    inside = box.adjusted(GRID - 2, 0, -2, 0)
    if inside.width() < _NAME_FROM_PX:
        return
    painter.setFont(font(TEXT, REGULAR))
    painter.setPen(QColor(theme.text if faint else theme.surface))
    text = QFontMetricsF(painter.font()).elidedText(name, Qt.TextElideMode.ElideRight, inside.width())
    painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


@restores_painter
def _paint_title(painter: QPainter, room: QRectF, row: PeopleRow, theme: Theme) -> None:
    painter.setFont(font(TEXT, REGULAR))
    painter.setPen(QColor(theme.quiet if row.person is None else identity_color(row.person, theme.name)))
    metrics, text = QFontMetricsF(painter.font()), row_title(row)
    if row.person is not None and metrics.horizontalAdvance(text) > room.width():
        text = str(row.person)
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width())
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
