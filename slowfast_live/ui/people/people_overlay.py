"""Draws the people over the picture: boxes with rounded corners in the color of each, and up to three labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from slowfast_live.colors import LABEL_OVERLAY, identity_color
from slowfast_live.people.now import SLOW_FROM_S, PeopleNow, PersonNow
from slowfast_live.people.tracker import MEMORY_S
from slowfast_live.types import ReadoutState
from slowfast_live.ui.people.placement import Label, LabelPlacer
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import action_name, person_title
from slowfast_live.ui.style.painting import restores_painter
from slowfast_live.ui.style.theme import GRID, REGULAR, STRONG, TEXT, font

MOST_LABELS = 3
_ALSO_FROM = 0.2
"""Further labels are shown from this score on."""
_GONE_BELOW = 0.15
"""And go below this one."""
_SCORE_STEP = 0.05
"""Scores over the picture are rounded to this, and only change by more than this."""
_ROW = 2.5 * GRID
_SETTLED_S = 1.0
"""A second person is labeled after this long, since a region that moves may be nobody."""
_COMPANY_S = 2.0
"""Labels stay this long after the last but one person has left."""
_CROWD = 4
"""With more people, only actions are written."""
_RADIUS = 1.25 * GRID
_NARROWEST, _WIDEST = 14 * GRID, 30 * GRID


@dataclass(frozen=True, slots=True)
class PersonTag:
    """What is written at one person.

    Attributes:
        identity: The person.
        name: How the person is called.
        rows: Up to three (label, score) pairs, best first; the first one is shown strongly if it is `certain`.
        certain: Whether the first row is the recognized action.
        note: What is written if there are no rows.
    """

    identity: int
    name: str
    rows: tuple[tuple[str, float], ...]
    certain: bool
    note: str


class SteadyScores:
    """Holds what is written of each label of one person until it has clearly changed, so that nothing flickers."""

    def __init__(self) -> None:
        self._held: dict[str, float] = {}

    def steady(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return the scores as they are written; without those that are too low to be written."""
        held: dict[str, float] = {}
        for label, score in scores.items():
            before = self._held.get(label)
            if before is not None and abs(score - before) <= _SCORE_STEP:
                held[label] = before
            elif score >= (_ALSO_FROM if before is None else _GONE_BELOW):
                held[label] = _rounded(score)
        self._held = held
        return dict(held)


def tag_of(now: PersonNow, *, crowded: bool = False, scores: SteadyScores | None = None) -> PersonTag:
    """Return what is written at a person.

    Args:
        now: The person.
        crowded: Whether there are many people: only actions are written then.
        scores: What was written before.
    """
    tag = _tag(now, scores or SteadyScores())
    return replace(tag, note="") if crowded and not tag.rows else tag


def _tag(now: PersonNow, scores: SteadyScores) -> PersonTag:
    identity, readout = now.person.id, now.readout
    name = person_title(identity)
    if readout is None:
        return PersonTag(identity, name, (), False, tr("looking…"))
    if readout.state is ReadoutState.UNTRAINED:
        return PersonTag(identity, name, (), False, tr("untrained model"))
    written = scores.steady({label: score for label, score in readout.top if label not in readout.background})
    if readout.label is None:
        return PersonTag(identity, name, (), False, tr("no confident action"))
    best = written.pop(readout.label, _rounded(readout.score))
    others = sorted(written.items(), key=lambda pair: -pair[1])
    rows = ((readout.label, best), *others)
    return PersonTag(identity, name, rows[:MOST_LABELS], True, "")


def _rounded(score: float) -> float:
    return round(round(score / _SCORE_STEP) * _SCORE_STEP, 2)


def summary(now: PeopleNow) -> str:
    """Return the line in the corner of the picture; "" if nobody is there."""
    count = len(now.people)
    if not count:
        return ""
    if now.followed is not None and now.find(now.followed) is not None:
        return tr("Following {person_name}. Click again to stop.", person_name=person_title(now.followed))
    if count > 1 and now.every_s >= SLOW_FROM_S:
        return tr("{count} people, each recognized every {every_s} s", count=count, every_s=f"{now.every_s:.1f}")
    return tr("{count} people", count=count) if count > 1 else ""


class Company:
    """Whether there are several people, so that each needs a label: of one alone, the large label says it."""

    def __init__(self) -> None:
        self._seen_s: float | None = None

    def several(self, now: PeopleNow, t_s: float) -> bool:
        """Whether people are labeled at a time: two are there for a while, or were a moment ago, or one is followed."""
        there = [one.person for one in now.people if not one.person.lost and t_s - one.person.first_s >= _SETTLED_S]
        if len(there) > 1:
            self._seen_s = t_s
        elif self._seen_s is not None and not 0 <= t_s - self._seen_s <= _COMPANY_S:
            self._seen_s = None
        return self._seen_s is not None or now.followed is not None


class PeoplePainter:
    """Paints boxes and labels. One per canvas."""

    def __init__(self) -> None:
        self._placer = LabelPlacer()
        self._boxes: list[tuple[int, QRectF]] = []
        self._scores: dict[int, SteadyScores] = {}
        self._company = Company()

    def person_at(self, point: QPointF) -> int | None:
        """Return the identity of the person at a point of the canvas, the smallest box first; None if nobody is."""
        hits = [(box.width() * box.height(), identity) for identity, box in self._boxes if box.contains(point)]
        return min(hits)[1] if hits else None

    @restores_painter
    def paint(
        self,
        painter: QPainter,
        now: PeopleNow,
        t_s: float,
        picture: QRectF,
        obstacles: Sequence[QRectF] = (),
        *,
        labeled: bool = True,
    ) -> None:
        """Draw everybody where they are at a time.

        Args:
            painter: Paints on the canvas, in logical pixels.
            now: The people.
            t_s: Time of the frame that is shown, on the source's clock.
            picture: Where the picture is on the canvas.
            obstacles: What labels must not cover.
            labeled: Whether names and actions are written, too.
        """
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.setClipRect(picture)
        self._boxes = []
        several = self._company.several(now, t_s) and labeled
        labels, tags, fade = [], {}, {}
        for person in sorted(now.people, key=lambda p: (p.person.id != now.lead, p.person.lost, p.person.id)):
            box = _placed(person.person.moved(t_s), picture)
            if box.isEmpty():
                continue
            identity = person.person.id
            fade[identity] = _opacity(person, t_s)
            self._boxes.append((identity, box))
            scores = self._scores.setdefault(identity, SteadyScores())
            tags[identity] = tag_of(person, crowded=len(now.people) > _CROWD, scores=scores)
            if several:
                labels.append(Label(identity, box, _size(tags[identity])))
        self._scores = {identity: self._scores[identity] for identity in tags}
        for identity, box in self._boxes:
            painter.setOpacity(fade[identity])
            _draw_box(painter, box, identity_color(identity), strong=identity in (now.followed, now.lead))
        for identity, rect in self._placer.place(labels, picture, obstacles).items():
            painter.setOpacity(fade[identity])
            _draw_tag(painter, rect, tags[identity])
        painter.setOpacity(1.0)
        if labeled and (text := summary(now)):
            _draw_summary(painter, text, picture, obstacles)


def _opacity(person: PersonNow, t_s: float) -> float:
    """Return how opaque somebody is drawn: who is not found any more fades."""
    if not person.person.lost:
        return 1.0
    return min(1.0, max(0.15, 1 - (t_s - person.person.seen_s) / MEMORY_S))


def _placed(box: tuple[float, float, float, float], picture: QRectF) -> QRectF:
    x1, y1, x2, y2 = box
    rect = QRectF(
        picture.left() + x1 * picture.width(),
        picture.top() + y1 * picture.height(),
        (x2 - x1) * picture.width(),
        (y2 - y1) * picture.height(),
    )
    return rect.intersected(picture.adjusted(1, 1, -1, -1))


@restores_painter
def _draw_box(painter: QPainter, box: QRectF, color: str, *, strong: bool) -> None:
    radius = min(_RADIUS, box.width() / 3, box.height() / 3)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    shade = QColor(0, 0, 0, 110)
    for pen_color, width in ((shade, 5.0 if strong else 4.0), (QColor(color), 3.0 if strong else 2.0)):
        painter.setPen(QPen(pen_color, width))
        painter.drawRoundedRect(box, radius, radius)


def _rows(tag: PersonTag) -> list[tuple[str, str]]:
    if not tag.rows:
        return [(tag.note, "")] if tag.note else []
    return [(action_name(label), f"{100 * score:.0f} %") for label, score in tag.rows]


def _size(tag: PersonTag) -> QSizeF:
    strong, regular = QFontMetricsF(font(TEXT, STRONG)), QFontMetricsF(font(TEXT, REGULAR))
    widest = strong.horizontalAdvance(tag.name)
    for index, (text, value) in enumerate(_rows(tag)):
        metrics = strong if index == 0 and tag.certain else regular
        widest = max(
            widest, metrics.horizontalAdvance(text) + (regular.horizontalAdvance("100 %") + GRID) * bool(value)
        )
    narrowest = _NARROWEST if _rows(tag) else 0.0
    width = min(max(widest + 2.5 * GRID, narrowest), _WIDEST)
    return QSizeF(width, _ROW * (1 + len(_rows(tag))) + GRID)


@restores_painter
def _draw_tag(painter: QPainter, rect: QRectF, tag: PersonTag) -> None:
    color = QColor(identity_color(tag.identity))
    ground = QColor(LABEL_OVERLAY.ground)
    ground.setAlphaF(LABEL_OVERLAY.ground_alpha)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(rect, GRID, GRID)
    painter.setBrush(color)
    painter.drawRoundedRect(QRectF(rect.left(), rect.top() + GRID / 2, 3, rect.height() - GRID), 1.5, 1.5)
    inner = rect.adjusted(1.25 * GRID, GRID / 2, -GRID, 0)
    line = QRectF(inner.left(), inner.top(), inner.width(), _ROW)
    _text(painter, tag.name, line, color, STRONG)
    for index, (text, value) in enumerate(_rows(tag)):
        line.translate(0, _ROW)
        certain = index == 0 and tag.certain
        tone = QColor(LABEL_OVERLAY.text if certain else LABEL_OVERLAY.quiet)
        room = QRectF(line)
        if value:
            room.setRight(room.right() - QFontMetricsF(font(TEXT, REGULAR)).horizontalAdvance("100 %") - GRID / 2)
            _text(painter, value, line, QColor(LABEL_OVERLAY.quiet), REGULAR, Qt.AlignmentFlag.AlignRight)
        _text(painter, text, room, tone, STRONG if certain else REGULAR)


@restores_painter
def _text(
    painter: QPainter,
    text: str,
    rect: QRectF,
    color: QColor,
    weight: object,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    used = font(TEXT, STRONG if weight is STRONG else REGULAR)
    painter.setFont(used)
    painter.setPen(color)
    shown = QFontMetricsF(used).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
    painter.drawText(rect, align | Qt.AlignmentFlag.AlignVCenter, shown)


def summary_rect(text: str, picture: QRectF, obstacles: Sequence[QRectF]) -> QRectF:
    """Return where the line in the upper right corner of the picture goes: left of what is there already."""
    width = min(QFontMetricsF(font(TEXT, REGULAR)).horizontalAdvance(text) + 2 * GRID, picture.width() - 4 * GRID)
    rect = QRectF(picture.right() - width - 2 * GRID, picture.top() + 2 * GRID, width, 3 * GRID)
    for obstacle in sorted(obstacles, key=lambda one: -one.right()):
        if rect.intersects(obstacle):
            rect.moveRight(obstacle.left() - GRID)
    if rect.left() < picture.left():
        rect.moveLeft(picture.left() + 2 * GRID)
    return rect


@restores_painter
def _draw_summary(painter: QPainter, text: str, picture: QRectF, obstacles: Sequence[QRectF]) -> None:
    rect = summary_rect(text, picture, obstacles)
    ground = QColor(LABEL_OVERLAY.ground)
    ground.setAlphaF(LABEL_OVERLAY.ground_alpha)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(rect, GRID / 2, GRID / 2)
    _text(painter, text, rect.adjusted(GRID, 0, -GRID, 0), QColor(LABEL_OVERLAY.text), REGULAR)
