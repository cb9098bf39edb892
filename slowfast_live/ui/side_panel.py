"""The panel beside the picture: now, live numbers, model card and actions, each of which folds."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from slowfast_live.inference.spec import Model
from slowfast_live.types import Readout, Status
from slowfast_live.ui.action_list import ActionList
from slowfast_live.ui.live_panel import LivePanel
from slowfast_live.ui.model_card import ModelCard
from slowfast_live.ui.now_panel import NowPanel
from slowfast_live.ui.section import Section
from slowfast_live.ui.theme import GRID, Theme

WIDTH = 38 * GRID


class SidePanel(QScrollArea):
    """Scrolls where the window is low."""

    folded_changed = Signal(list)
    """Names of the sections that are folded."""

    def __init__(self, folded: Iterable[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.now, self.live, self.card, self.actions_known = (
            NowPanel(),
            LivePanel(),
            ModelCard(),
            ActionList(),
        )
        self.sections = {
            "now": Section("now", "Now", self.now),
            "live": Section("live", "Live", self.live),
            "model": Section("model", "Model", self.card),
            "actions": Section("actions", "Actions", self.actions_known),
        }
        content = QWidget()
        content.setObjectName("side")
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, GRID // 2, 0, GRID)
        layout.setSpacing(GRID // 2)
        self._folded = {name for name in folded if name in self.sections}
        for name, section in self.sections.items():
            section.set_folded(name in self._folded)
            section.body.setVisible(name not in self._folded)
            section.folded.connect(self._fold)
            layout.addWidget(section)
        layout.addStretch(1)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(WIDTH)

    def show_status(self, status: Status, shown_fps: float) -> None:
        """Show the live numbers."""
        self.live.show_status(status, shown_fps)

    def show_readout(self, readout: Readout) -> None:
        """Show what is being done."""
        self.now.show_readout(readout)

    def show_model(self, model: Model | None) -> None:
        """Show the running model's card, actions and recommended threshold."""
        self.card.show_model(model.spec if model else None)
        self.actions_known.show_labels(model.spec.labels if model else ())
        self.now.set_recommended(model.spec.decision.threshold if model else None)

    def find_action(self) -> None:
        """Unfold the actions and put the cursor into their search field."""
        self.sections["actions"].set_folded(False)
        self.actions_known.focus_search()
        self.ensureWidgetVisible(self.actions_known)

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        for section in self.sections.values():
            section.set_theme(theme)
        self.now.set_theme(theme)
        self.live.set_theme(theme)
        self.actions_known.set_theme(theme)

    def _fold(self, name: str, folded: bool) -> None:
        (self._folded.add if folded else self._folded.discard)(name)
        self.folded_changed.emit(sorted(self._folded))
