"""The side panel: collapsible details (current action, known actions, model card, live statistics), and the events."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from slowfast_live.inference.spec import Model
from slowfast_live.settings import Panel
from slowfast_live.types import Readout, Status
from slowfast_live.ui.commands.commands import describe, tip
from slowfast_live.ui.events.events_panel import EventsPanel
from slowfast_live.ui.panels.action_list import ActionList
from slowfast_live.ui.panels.live_panel import LivePanel
from slowfast_live.ui.panels.model_card import ModelCard
from slowfast_live.ui.panels.now_panel import NowPanel
from slowfast_live.ui.panels.section import Section
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID

WIDTHS = (38 * GRID, 46 * GRID)
_SHARE = 0.23
"""Share of the window's width, limited to `WIDTHS`, that the panel takes until the user drags its edge."""
_MOST = 0.6
"""Largest share that the user can give it."""


_PANELS: tuple[tuple[Panel, str], ...] = (("details", tr("Details")), ("events", tr("Events")))


class SidePanel(QWidget):
    """Two tabs, details and events; the details scroll if the window is not tall enough.

    Args:
        events: The events panel.
        folded: Names of the collapsed sections.
        parent: Qt parent.
    """

    folded_changed = Signal(list)
    """Emits the names of the collapsed sections."""
    panel_changed = Signal(str)
    """Emits the name of the current tab."""

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
            "now": Section("now", tr("Now"), self.now),
            "actions": Section("actions", tr("Actions"), self.actions_known),
            "model": Section("model", tr("Model"), self.card),
            "live": Section("live", tr("Live"), self.live),
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
        describe(self._tabs, tr("Side panel"), tip("events", tr("Details, or the list of events")))
        for (_name, title), widget in zip(_PANELS, (self._details, events), strict=True):
            self._tabs.addTab(title)
            self._stack.addWidget(widget)
        self._tabs.currentChanged.connect(self._turn)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._tabs)
        column.addWidget(self._stack, 1)
        self.setMinimumWidth(WIDTHS[0])
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def width_in(self, window_width: int, chosen: int) -> int:
        """Return the panel's width.

        Args:
            window_width: Width of the window.
            chosen: Width that the user gave the panel; 0 for none.
        """
        if chosen:
            return max(WIDTHS[0], min(chosen, round(window_width * _MOST)))
        return min(max(round(window_width * _SHARE), WIDTHS[0]), WIDTHS[1])

    @property
    def panel(self) -> Panel:
        """The current tab."""
        return _PANELS[self._tabs.currentIndex()][0]

    def show_panel(self, name: Panel) -> None:
        """Switch to a tab."""
        self._tabs.setCurrentIndex([panel for panel, _title in _PANELS].index(name))

    def show_count(self, events: int) -> None:
        """Show the number of events."""
        self._tabs.setTabText(1, tr("Events · {events}", events=events) if events else tr("Events"))

    def _turn(self, index: int) -> None:
        self._stack.setCurrentIndex(index)
        self.panel_changed.emit(_PANELS[index][0])

    def show_status(self, status: Status, shown_fps: float) -> None:
        """Show the live statistics."""
        self.live.show_status(status, shown_fps)

    def show_readout(self, readout: Readout, status: Status | None = None) -> None:
        """Show the current readout."""
        self.now.show_readout(readout, status)

    def show_model(self, model: Model | None, chosen: Collection[str] | None = None) -> None:
        """Show the running model's card, actions and recommended threshold.

        Args:
            model: The model; None for none.
            chosen: The actions that are looked for; None for all.
        """
        self.card.show_model(model.spec if model else None)
        self.live.pace.show_model(model.spec if model else None)
        self.actions_known.show_labels(model.spec.actions if model else (), chosen)
        self.events.know(model.spec.actions if model else ())
        self.now.set_recommended(model.spec.decision.threshold if model else None)

    def find_action(self) -> None:
        """Expand the actions section and focus its search field."""
        self.show_panel("details")
        self.sections["actions"].set_folded(False)
        self._reveal(self.sections["actions"])
        self.actions_known.focus_search()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        for section in self.sections.values():
            section.set_theme(theme)
        self.now.set_theme(theme)
        self.live.set_theme(theme)
        self.actions_known.set_theme(theme)
        self.events.set_theme(theme)

    def _reveal(self, section: Section) -> None:
        """Scroll to a section: to all of it if it fits, else to its top."""
        # A section that was just expanded, or the panel itself, is not laid out yet.
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        viewport, content = self._details.viewport(), self._details.widget()
        assert content is not None  # set once, in the constructor
        top = section.mapTo(content, QPoint(0, 0)).y()
        bar, room = self._details.verticalScrollBar(), viewport.height()
        lowest = top + section.height() - room
        bar.setValue(min(max(bar.value(), lowest), top))

    def _fold(self, name: str, folded: bool) -> None:
        (self._folded.add if folded else self._folded.discard)(name)
        self.folded_changed.emit(sorted(self._folded))
        if not folded:
            self._reveal(self.sections[name])
