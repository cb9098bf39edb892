"""What the pointer on the timeline is told: the time, what is known of it, and a preview of a file."""

from __future__ import annotations

import math

from PySide6.QtCore import QObject, QPoint, QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from slowfast_live.ui import wording
from slowfast_live.ui.chronicle import Chronicle
from slowfast_live.ui.hover_plate import HoverPlate
from slowfast_live.ui.previewer import SIZE, Moment, Previewer

_FINEST_S = 0.25
_ROOM = QSize(SIZE[0], SIZE[0] * 9 // 16)


class Pointer(QObject):
    """Shows a plate in the window of its widget while something is pointed at.

    Args:
        chronicle: What happened.
        previewer: Makes the previews.
        widget: Whose window the plate lies in.
    """

    def __init__(self, chronicle: Chronicle, previewer: Previewer, widget: QWidget) -> None:
        super().__init__(widget)
        self._chronicle, self._previewer, self._widget = chronicle, previewer, widget
        self._wish: Moment | None = None
        self._foot = QPoint()
        self.plate: HoverPlate | None = None
        previewer.ready.connect(self._show_preview)

    def point_at(self, t_s: float, pixel_s: float, foot: QPoint) -> None:
        """Tell of a moment.

        Args:
            t_s: Seconds on the source's clock.
            pixel_s: Seconds that a pixel stands for: finer than that nobody can point.
            foot: Where the plate stands, in the window.
        """
        if self.plate is None:
            self.plate = HoverPlate(self._widget.window())
        self._foot = foot
        self.plate.say(self._when(t_s, pixel_s), *self._known_of(t_s))
        path = self._chronicle.path
        if path is None:
            self._wish = None
            self.plate.show_preview(None)
        else:
            finest_s = max(2 * pixel_s, _FINEST_S)
            step_s = _FINEST_S * 2 ** math.ceil(math.log2(finest_s / _FINEST_S))
            self._wish = Moment(path, round(t_s / step_s), step_s)
            self.plate.show_preview(self._previewer.request(self._wish) or self.plate.image, _ROOM)
        self.plate.stand_above(foot)

    def leave(self) -> None:
        """Nothing is pointed at any more."""
        self._wish = None
        self._previewer.cancel()
        if self.plate is not None:
            self.plate.hide()
            self.plate.show_preview(None)

    def _show_preview(self, moment: Moment, image: QImage) -> None:
        if moment == self._wish and self.plate is not None:
            self.plate.show_preview(image)
            self.plate.stand_above(self._foot)

    def _when(self, t_s: float, pixel_s: float) -> str:
        if self._chronicle.live or pixel_s > _FINEST_S:
            return self._chronicle.when(t_s)
        return wording.clock_tenths(t_s)

    def _known_of(self, t_s: float) -> tuple[str, tuple[str, ...]]:
        """Return the action at a moment, "" for none, and what there is to say of it, line by line."""
        noted, moment = self._chronicle.noted_at(t_s), self._chronicle.history.at(t_s)
        label = noted.event.label if noted else ""
        if moment is None:
            return label, (label or "Not looked at yet",)
        said = f"score {wording.percent(moment.score)}"
        if moment.activity is not None:
            said = f"{said} · activity {wording.percent(moment.activity)}"
        return label, (label or ("No event" if moment.label else "No confident action"), said)
