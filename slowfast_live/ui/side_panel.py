"""The panel beside the picture: details that fold (now, live numbers, model card, actions), and the events."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from slowfast_live.inference.spec import Model
from slowfast_live.settings import Panel
from slowfast_live.types import Readout, Status
from slowfast_live.ui.action_list import ActionList
from slowfast_live.ui.events_panel import EventsPanel
from slowfast_live.ui.live_panel import LivePanel
from slowfast_live.ui.model_card import ModelCard
from slowfast_live.ui.now_panel import NowPanel
from slowfast_live.ui.section import Section
from slowfast_live.ui.shortcuts import describe, tip
from slowfast_live.ui.theme import GRID, Theme

WIDTHS = (38 * GRID, 46 * GRID)
_SHARE = 0.23
"""Of the window's width, within `WIDTHS`."""


_PANELS: tuple[tuple[Panel, str], ...] = (("details", "Details"), ("events", "Events"))


class SidePanel(QWidget):
    """Two tabs; the details scroll where the window is low.

    Args:
        events: The list of events.
        folded: Names of the sections that are folded.
        parent: Qt's owner.
    """

    folded_changed = Signal(list)
    """Names of the sections that are folded."""
    panel_changed = Signal(str)
    """Name of the tab that is shown."""

    def __init__(self, events: EventsPanel, folded: Iterable[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.events = events
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
        self._details = QScrollArea()
        self._details.setWidget(content)
        self._details.setWidgetResizable(True)
        self._details.setFrameShape(QFrame.Shape.NoFrame)
        self._details.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._details.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._tabs, self._stack = QTabBar(), QStackedWidget()
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(True)
        describe(self._tabs, "Side panel", tip("events", "Details, or the list of events"))
        for (_name, title), widget in zip(_PANELS, (self._details, events), strict=True):
            self._tabs.addTab(title)
            self._stack.addWidget(widget)
        self._tabs.currentChanged.connect(self._turn)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._tabs)
        column.addWidget(self._stack, 1)
        self.fit(0)

    def fit(self, window_width: int) -> None:
        """Take a fair share of a window's width."""
        self.setFixedWidth(min(max(round(window_width * _SHARE), WIDTHS[0]), WIDTHS[1]))

    @property
    def panel(self) -> Panel:
        """The tab that is shown."""
        return _PANELS[self._tabs.currentIndex()][0]

    def show_panel(self, name: Panel) -> None:
        """Turn to a tab."""
        self._tabs.setCurrentIndex([panel for panel, _title in _PANELS].index(name))

    def show_count(self, events: int) -> None:
        """Say how many events there are."""
        self._tabs.setTabText(1, f"Events · {events}" if events else "Events")

    def _turn(self, index: int) -> None:
        self._stack.setCurrentIndex(index)
        self.panel_changed.emit(_PANELS[index][0])

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
        self.events.know(model.spec.labels if model else ())
        self.now.set_recommended(model.spec.decision.threshold if model else None)

    def find_action(self) -> None:
        """Unfold the actions and put the cursor into their search field."""
        self.show_panel("details")
        self.sections["actions"].set_folded(False)
        self.actions_known.focus_search()
        self._details.ensureWidgetVisible(self.actions_known)

    def set_theme(self, theme: Theme) -> None:
        """Take over a theme's colours."""
        for section in self.sections.values():
            section.set_theme(theme)
        self.now.set_theme(theme)
        self.live.set_theme(theme)
        self.actions_known.set_theme(theme)
        self.events.set_theme(theme)

    def _fold(self, name: str, folded: bool) -> None:
        (self._folded.add if folded else self._folded.discard)(name)
        self.folded_changed.emit(sorted(self._folded))
