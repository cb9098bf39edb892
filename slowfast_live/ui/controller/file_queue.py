"""Several files, played one after the other. Contains no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from slowfast_live.types import SourceKind, SourceSpec, Status
from slowfast_live.ui.controller.controller import Controller


class FileQueue(QObject):
    """The files that are to be played, and which of them is.

    The queue goes on when a file has ended by itself. A file that cannot be opened is passed over, with its message; if
    another source is opened, the queue stays as it is, and goes on when the user asks for the next file.

    Args:
        controller: Opens the files.
        parent: Qt parent.
    """

    changed = Signal()
    """Emitted when the files, or the current one, have changed."""

    def __init__(self, controller: Controller, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._files: list[SourceSpec] = []
        self._current: int | None = None
        self._ended = False
        self._wanted: int | None = None  # requested, and not open yet
        controller.several_wanted.connect(self.play)

    @property
    def files(self) -> tuple[SourceSpec, ...]:
        """The files, in the order of playing."""
        return tuple(self._files)

    @property
    def current(self) -> int | None:
        """Number of the file that is open, from 0; None if another source is."""
        return self._current

    @property
    def has_next(self) -> bool:
        """Whether a file follows."""
        return bool(self._files) if self._current is None else self._following(1) is not None

    @property
    def has_previous(self) -> bool:
        """Whether a file precedes."""
        return self._following(-1) is not None

    def play(self, files: Sequence[SourceSpec]) -> None:
        """Replace the queue, and play its first file."""
        self._files = list(files)
        self._open(0 if self._files else None)

    def load(self, files: Sequence[SourceSpec]) -> None:
        """Replace the queue by files of which the first is open already."""
        self._files, self._current, self._wanted = list(files), 0, None
        self.changed.emit()

    def add(self, files: Sequence[SourceSpec]) -> None:
        """Add files at the end; if the queue was empty, the file that is open comes first."""
        if not self._files:
            source = self._controller.pipeline.status().source
            if source is not None and source.kind is SourceKind.FILE:
                self._files, self._current = [source], 0
        self._files += files
        self.changed.emit()

    def remove(self, number: int) -> None:
        """Remove a file; the one that is open plays on."""
        if 0 <= number < len(self._files):
            del self._files[number]
            self._wanted = None
            if self._current is not None and number <= self._current:
                self._current = None if number == self._current else self._current - 1
            self.changed.emit()

    def move(self, number: int, by: int) -> None:
        """Move a file up (< 0) or down the queue."""
        to = number + by
        if 0 <= number < len(self._files) and 0 <= to < len(self._files):
            self._files.insert(to, self._files.pop(number))
            self._wanted = None
            if self._current == number:
                self._current = to
            elif self._current is not None and min(number, to) <= self._current <= max(number, to):
                self._current += 1 if to < number else -1
            self.changed.emit()

    def clear(self) -> None:
        """Remove all files; the one that is open plays on."""
        self._files, self._current, self._wanted = [], None, None
        self.changed.emit()

    def open(self, number: int) -> None:
        """Play one of the files."""
        if 0 <= number < len(self._files):
            self._open(number)

    def next(self) -> None:
        """Play the next file."""
        number = self._following(1)
        if number is None and self._current is None and self._files:
            number = 0
        self._open(number)

    def previous(self) -> None:
        """Play the previous file."""
        self._open(self._following(-1))

    def update(self, status: Status) -> None:
        """Go on after a file has ended, or could not be opened; called ten times a second."""
        if not self._files or status.opening:
            return
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            tried = self._controller.tried
            failed = status.source is None or not _same(self._files[wanted], status.source)
            if failed and tried is not None and _same(self._files[wanted], tried):
                self._open(wanted + 1)
                return
        current = self._place_of(status)
        if current != self._current:
            self._current = current
            self.changed.emit()
        if status.ended and not self._ended and not status.loop and current is not None:
            self._open(current + 1)
        self._ended = status.ended

    def _place_of(self, status: Status) -> int | None:
        if status.source is None:
            return None
        if self._current is not None and _same(self._files[self._current], status.source):
            return self._current
        places = (number for number, file in enumerate(self._files) if _same(file, status.source))
        return next(places, None)

    def _following(self, by: int) -> int | None:
        if self._current is None:
            return None
        number = self._current + by
        return number if 0 <= number < len(self._files) else None

    def _open(self, number: int | None) -> None:
        """Open a file, or the first one after it that exists; the controller tells the user about the others."""
        while number is not None and 0 <= number < len(self._files):
            file = self._files[number]
            self._controller.open_source(file)
            if self._controller.tried is not None and _same(self._controller.tried, file):
                self._wanted = self._current = number
                break
            number += 1
        self.changed.emit()


def _same(one: SourceSpec, other: SourceSpec) -> bool:
    """Return whether both are the same file, whatever the rate of its pictures."""
    return replace(one, rate=None, title="") == replace(other, rate=None, title="")
