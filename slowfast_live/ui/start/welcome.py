"""What a newcomer meets: the start card on the first start, and advice when nothing is recognized."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from slowfast_live.inference.spec import Model
from slowfast_live.types import Frame, Readout, Status
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.start.advisor import Advisor
from slowfast_live.ui.start.start_card import StartCard
from slowfast_live.ui.style.palette import Theme


class Welcome(QObject):
    """Owns the start card and the advisor.

    Args:
        controller: Knows the model and the settings.
        actions: The window's commands.
        page: The widget that the card covers.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(self, controller: Controller, actions: dict[str, QAction], page: QWidget) -> None:
        super().__init__(page)
        self._controller = controller
        self.card = StartCard(actions, page)
        self.advisor = Advisor(parent=self)
        self.advisor.notice.connect(self.notice)
        self.advisor.settled.connect(self.settled)
        self.card.closed.connect(self._seen)
        controller.model_changed.connect(self._show_actions)

    def greet(self) -> None:
        """Show the start card, unless it was seen before."""
        if not self._controller.memory.settings.welcomed:
            self.card.open_card()

    def look(self, status: Status, readout: Readout) -> None:
        """Follow the pipeline's state; called ten times a second."""
        self.advisor.look(status, readout, len(self._controller.labels))

    def see(self, frame: Frame) -> None:
        """Look at a frame that is shown."""
        self.advisor.see(frame)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self.card.set_theme(theme)

    def _seen(self) -> None:
        self._controller.memory.settings.welcomed = True
        self._controller.memory.changed()

    def _show_actions(self, model: Model | None) -> None:
        self.card.show_labels(model.spec.actions if model else (), model.spec.title if model else "")
