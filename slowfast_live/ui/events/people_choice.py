"""Whose events are listed: a dropdown that appears once there are events of people."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QComboBox, QWidget

from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.events.events_model import EVERYBODY, EVERYTHING, WHOLE_PICTURE, person_dot
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import person_title
from slowfast_live.ui.style.palette import LIGHT, Theme
from slowfast_live.ui.style.theme import GRID

_GENERAL = (
    (tr("Everything"), EVERYTHING),
    (tr("Whole picture"), WHOLE_PICTURE),
    (tr("All people"), EVERYBODY),
)


class PeopleChoice(QComboBox):
    """Offers everything, the whole picture, all people, and each person. Who is followed is chosen automatically.

    Args:
        parent: Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = LIGHT
        self._people: tuple[int, ...] = ()
        self._followed: int | None = None
        for text, value in _GENERAL:
            self.addItem(text, value)
        self.setIconSize(QSize(GRID, GRID))
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(9)
        describe(self, tr("Whose events"), tr("List only the events of one person, or those of the whole picture"))
        self.hide()

    @property
    def chosen(self) -> int:
        """A person's number, `EVERYTHING`, `WHOLE_PICTURE` or `EVERYBODY`."""
        value = self.currentData()
        return EVERYTHING if value is None else int(value)

    def reset(self) -> None:
        """Forget everybody: another source follows."""
        self._followed = None
        self.offer((), None)
        self.setCurrentIndex(0)

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._theme = theme
        for index, person in enumerate(self._people, len(_GENERAL)):
            self.setItemIcon(index, person_dot(person, theme))

    def choose(self, value: int) -> None:
        """Choose a person, `EVERYTHING`, `WHOLE_PICTURE` or `EVERYBODY`."""
        self.setCurrentIndex(max(0, self.findData(value)))

    def offer(self, people: Sequence[int], followed: int | None) -> None:
        """Offer people; choose the one who is followed from now on, and everything when nobody is any more."""
        if tuple(people) != self._people and not self.view().isVisible():
            chosen = self.chosen
            self._people = tuple(people)
            with QSignalBlocker(self):
                while self.count() > len(_GENERAL):
                    self.removeItem(self.count() - 1)
                for person in people:
                    self.addItem(QIcon(person_dot(person, self._theme)), person_title(person), person)
            self.choose(chosen)
            self.setVisible(bool(people))
        if followed != self._followed and (followed is None or followed in self._people):
            before, self._followed = self._followed, followed
            if followed is not None:
                self.choose(followed)
            elif self.chosen == before:
                self.choose(EVERYTHING)
