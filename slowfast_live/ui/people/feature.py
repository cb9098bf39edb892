"""Shows the people in the picture, and lets the user follow one of them with a click."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, QRectF
from PySide6.QtGui import QPainter

from slowfast_live.people.now import PeopleNow
from slowfast_live.types import Frame, Readout
from slowfast_live.ui.controller.protocols import PipelinePort
from slowfast_live.ui.people.people_overlay import PeoplePainter
from slowfast_live.ui.style.painting import restores_painter


class PeopleFeature(QObject):
    """Connects the pipeline's people with the canvas.

    Args:
        pipeline: Follows people.
        parent: Qt parent.
    """

    def __init__(self, pipeline: PipelinePort, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pipeline = pipeline
        self._painter = PeoplePainter()
        self._shown = PeopleNow()
        self.labeled = True
        """Whether names and actions are written at the people; a small picture has no room for them."""

    @property
    def shown(self) -> PeopleNow:
        """The people who were drawn last."""
        return self._shown

    @restores_painter
    def paint(self, painter: QPainter, frame: Frame, picture: QRectF, obstacles: tuple[QRectF, ...]) -> None:
        """Draw the people over a frame; called by the canvas."""
        self._shown = self._pipeline.people()
        self._painter.paint(painter, self._shown, frame.t_s, picture, obstacles, labeled=self.labeled)

    def click(self, point: QPointF) -> bool:
        """Follow the person at a point of the canvas, or nobody in particular again; return whether it meant one."""
        identity = self._painter.person_at(point)
        if identity is None and self._shown.followed is None:
            return False
        self.toggle(identity)
        return True

    def toggle(self, identity: int | None) -> None:
        """Follow a person, or nobody in particular if it is the one who is followed; None: nobody."""
        self._pipeline.follow(None if identity == self._pipeline.people().followed else identity)

    def readouts(self) -> list[Readout]:
        """Return what is shown of each person who is in the picture now."""
        people = self._pipeline.people().people
        return [now.readout for now in people if now.readout is not None and not now.person.lost]
