"""Previews of a file's moments, decoded off the GUI thread: the newest wish counts, what was decoded is kept."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QImage

from slowfast_live.core.priority import step_back
from slowfast_live.errors import SourceError
from slowfast_live.types import U8

log = logging.getLogger(__name__)

MOST_KEPT = 256
"""At `SIZE` these take 15 MB."""
SIZE = (176, 112)
"""A preview fits into this (width, height)."""
_POLL_MS = 15
_STOP_S = 1.0


class Reader(Protocol):
    """What decodes; see `PreviewReader`."""

    path: Path

    def at(self, t_s: float, wanted: Callable[[], bool]) -> U8 | None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Moment:
    """What a preview is wished of: `number` counts steps of `step_s` in a file."""

    path: Path
    number: int
    step_s: float

    @property
    def t_s(self) -> float:
        """The moment, in seconds."""
        return self.number * self.step_s


class Previewer(QObject):
    """Asks a thread for previews. The thread starts with the first wish; a newer wish drops the one before.

    Args:
        parent: Qt's owner.
        make_reader: Makes what decodes a file; called on the thread.
    """

    ready = Signal(object, QImage)
    """`Moment` and its picture."""

    def __init__(self, parent: QObject | None = None, make_reader: Callable[[Path], Reader] | None = None) -> None:
        super().__init__(parent)
        self._make_reader = make_reader or _open
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._wish: Moment | None = None
        self._done: list[tuple[Moment, U8 | None]] = []
        self._stopping = False
        # The GUI thread's own:
        self._kept: OrderedDict[Moment, QImage | None] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._collect)

    def request(self, moment: Moment) -> QImage | None:
        """Return a preview that is there already; else have it decoded, and `ready` tells."""
        if moment in self._kept:
            self._kept.move_to_end(moment)
            self.cancel()
            return self._kept[moment]
        with self._changed:
            if moment != self._wish:  # the same one goes on
                self._wish = moment
                self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="slowfast-live-previews", daemon=True)
            self._thread.start()
        self._timer.start()
        return None

    def cancel(self) -> None:
        """Nobody points at anything any more."""
        with self._changed:
            self._wish = None

    def stop(self) -> None:
        """End the thread; bounded."""
        with self._changed:
            self._wish, self._stopping = None, True
            self._changed.notify_all()
        self._timer.stop()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _collect(self) -> None:
        with self._changed:
            done, self._done = self._done, []
            idle = self._wish is None
        for moment, pixels in done:
            image = None if pixels is None else _image(pixels)
            self._kept[moment] = image
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            if image is not None:
                self.ready.emit(moment, image)
        if idle:
            self._timer.stop()

    # The thread.

    def _work(self) -> None:
        step_back()
        reader: Reader | None = None
        while True:
            with self._changed:
                while self._wish is None and not self._stopping:
                    self._changed.wait()
                wish = self._wish
            if wish is None:
                break
            if reader is None or reader.path != wish.path:
                if reader is not None:
                    reader.close()
                reader = self._make_reader(wish.path)
            self._answer(reader, wish)
        if reader is not None:
            reader.close()

    def _answer(self, reader: Reader, wish: Moment) -> None:
        try:
            pixels = reader.at(wish.t_s, lambda: self._wish is wish)
        except SourceError as error:
            log.debug("%s", error)
            pixels = None
        except Exception:
            log.exception("no preview of %s at %.1f s", wish.path, wish.t_s)
            pixels = None
        with self._changed:
            if self._wish is wish:
                self._done.append((wish, pixels))
                self._wish = None


def _open(path: Path) -> Reader:
    from slowfast_live.sources.previews import PreviewReader  # brings the decoders: not before they are wanted

    return PreviewReader(path, SIZE)


def _image(pixels: U8) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_BGR888).copy()
