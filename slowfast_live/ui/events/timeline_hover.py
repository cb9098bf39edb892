"""Show the time, the recognized action and a preview at the pointer's position on the timeline."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from slowfast_live.core.readout_text import NO_ACTION, NONE_KNOWN, NOT_RECOGNIZED
from slowfast_live.ui.events.hover_card import HoverCard
from slowfast_live.ui.events.previewer import SIZE, Part, Previewer, PreviewRequest
from slowfast_live.ui.events.session_events import SessionEvents
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import action_name, person_title, sentence

_FINEST_S = 0.25
_ROOM = QSize(SIZE[0], SIZE[0] * 9 // 16)


class Pointer(QObject):
    """Shows a card in its widget's window while the pointer is over the timeline.

    Args:
        session_events: The session's events.
        previewer: Creates the previews.
        widget: The widget whose window contains the card.
    """

    def __init__(self, session_events: SessionEvents, previewer: Previewer, widget: QWidget) -> None:
        super().__init__(widget)
        self._session_events, self._previewer, self._widget = session_events, previewer, widget
        self._requested: PreviewRequest | None = None
        self._foot = QPoint()
        self.place_of: Callable[[int, float], Part | None] = lambda person, t_s: None
        """Returns where a person is in the file's picture at a time, in shares of it; None if that is not known."""
        self.card: HoverCard | None = None
        previewer.ready.connect(self._show_preview)

    def point_at(self, t_s: float, pixel_s: float, foot: QPoint, person: int | None = None) -> None:
        """Show the details at a time.

        Args:
            t_s: Seconds on the source's clock.
            pixel_s: Seconds per pixel: the pointer is no more precise than that.
            foot: Bottom center of the card, in the window.
            person: Whose row it is; None for the whole picture, or for the person whom the user follows.
        """
        if self.card is None:
            self.card = HoverCard(self._widget.window())
        self._foot = foot
        known = self._known_of(t_s) if person is None else self._known_of_person(person, t_s)
        self.card.show_texts(self._when(t_s, pixel_s), *known, person)
        path = self._session_events.path
        if path is None:
            self._requested = None
            self.card.show_preview(None)
        else:
            finest_s = max(2 * pixel_s, _FINEST_S)
            step_s = _FINEST_S * 2 ** math.ceil(math.log2(finest_s / _FINEST_S))
            source = self._session_events.source
            rate = source.rate if source is not None else None
            number = round(t_s / step_s)
            shown = self._session_events.people.followed if person is None else person
            part = None if shown is None else self.place_of(shown, number * step_s)
            self._requested = PreviewRequest(path, number, step_s, rate, part)
            self.card.show_preview(self._previewer.request(self._requested) or self.card.image, _ROOM)
        self.card.stand_above(foot)

    def leave(self) -> None:
        """Hide the card when the pointer has left."""
        self._requested = None
        self._previewer.cancel()
        if self.card is not None:
            self.card.hide()
            self.card.show_preview(None)

    def _show_preview(self, moment: PreviewRequest, image: QImage) -> None:
        if moment == self._requested and self.card is not None:
            self.card.show_preview(image)
            self.card.stand_above(self._foot)

    def _when(self, t_s: float, pixel_s: float) -> str:
        if self._session_events.live or pixel_s > _FINEST_S:
            return self._session_events.when(t_s)
        return formatting.clock_tenths(t_s)

    def _known_of_person(self, person: int, t_s: float) -> tuple[str, tuple[str, ...]]:
        """Return what a person does at a time ("" for nothing) and its details, line by line."""
        noted = self._session_events.people.at(person, t_s)
        if noted is None:
            return "", (person_title(person), sentence(NO_ACTION))
        text = tr("score {score}", score=formatting.percent(noted.event.mean_score))
        return noted.event.label, (person_title(person), action_name(noted.event.label), text)

    def _known_of(self, t_s: float) -> tuple[str, tuple[str, ...]]:
        """Return the action at a time ("" for none) and its details, line by line."""
        noted, moment = self._session_events.noted_at(t_s), self._session_events.history.at(t_s)
        label = noted.event.label if noted else ""
        if moment is None:
            return label, (action_name(label) or sentence(NOT_RECOGNIZED),)
        text = tr("score {score}", score=formatting.percent(moment.score))
        if moment.activity is not None:
            text = tr("{value} · activity {activity}", value=text, activity=formatting.percent(moment.activity))
        seen = action_name(label or moment.label or "")
        return label, (seen or sentence(NONE_KNOWN if moment.none_known else NO_ACTION), text)
