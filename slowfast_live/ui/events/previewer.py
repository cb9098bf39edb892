"""Previews of a file, decoded off the GUI thread: only the latest request counts, and decoded previews are cached."""

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

MAX_KEPT = 256
"""At `SIZE`, this many take 15 MB."""
SIZE = (176, 112)
"""Maximum (width, height) of a preview."""
_POLL_MS = 15
_STOP_S = 1.0


Part = tuple[float, float, float, float]


class Reader(Protocol):
    """Decodes previews; see `PreviewReader`."""

    path: Path

    def at(self, t_s: float, wanted: Callable[[], bool], part: Part | None = None) -> U8 | None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """A requested preview.

    Attributes:
        path: The file.
        number: Counts steps of `step_s`.
        step_s: Step in seconds.
        rate: Images per second of a folder of images.
        part: The part that is shown, left, top, right and bottom in shares of the picture; None for all of it.
    """

    path: Path
    number: int
    step_s: float
    rate: float | None = None
    part: Part | None = None

    @property
    def t_s(self) -> float:
        """The time, in seconds."""
        return self.number * self.step_s


class Previewer(QObject):
    """Decodes previews on a thread, which starts with the first request. A new request replaces a pending one.

    Args:
        parent: Qt parent.
        make_reader: Creates the decoder of a file; called on the thread.
    """

    ready = Signal(object, QImage)
    """Emits a `PreviewRequest` and its image."""

    def __init__(
        self, parent: QObject | None = None, make_reader: Callable[[Path, float | None], Reader] | None = None
    ) -> None:
        super().__init__(parent)
        self._make_reader = make_reader or _open
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._requested: PreviewRequest | None = None
        self._done: list[tuple[PreviewRequest, U8 | None]] = []
        self._stopping = False
        # Used by the GUI thread only:
        self._kept: OrderedDict[PreviewRequest, QImage | None] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._collect)

    def request(self, moment: PreviewRequest) -> QImage | None:
        """Return a cached preview; if there is none, return None, start decoding and emit `ready` later."""
        if moment in self._kept:
            self._kept.move_to_end(moment)
            self.cancel()
            return self._kept[moment]
        with self._changed:
            if moment != self._requested:  # a repeated request continues
                self._requested = moment
                self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="slowfast-live-previews", daemon=True)
            self._thread.start()
        self._timer.start()
        return None

    def cancel(self) -> None:
        """Drop the pending request, because the pointer has left."""
        with self._changed:
            self._requested = None

    def stop(self) -> None:
        """Stop the thread; returns within 1 s."""
        with self._changed:
            self._requested, self._stopping = None, True
            self._changed.notify_all()
        self._timer.stop()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _collect(self) -> None:
        with self._changed:
            done, self._done = self._done, []
            idle = self._requested is None
        for moment, pixels in done:
            image = None if pixels is None else _image(pixels)
            self._kept[moment] = image
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
            if image is not None:
                self.ready.emit(moment, image)
        if idle:
            self._timer.stop()

    # Runs on the thread

    def _work(self) -> None:
        step_back()
        reader: Reader | None = None
        rate: float | None = None
        while True:
            with self._changed:
                while self._requested is None and not self._stopping:
                    self._changed.wait()
                request = self._requested
            if request is None:
                break
            if reader is None or (reader.path, rate) != (request.path, request.rate):
                if reader is not None:
                    reader.close()
                reader, rate = self._make_reader(request.path, request.rate), request.rate
            self._answer(reader, request)
        if reader is not None:
            reader.close()

    def _answer(self, reader: Reader, request: PreviewRequest) -> None:
        try:
            pixels = reader.at(request.t_s, lambda: self._requested is request, request.part)
        except SourceError as error:
            log.debug("%s", error)
            pixels = None
        except Exception:
            log.exception("no preview of %s at %.1f s", request.path, request.t_s)
            pixels = None
        with self._changed:
            if self._requested is request:
                self._done.append((request, pixels))
                self._requested = None


def _open(path: Path, rate: float | None) -> Reader:
    from slowfast_live.sources.previews import PreviewReader  # deferred: loads the decoders

    return PreviewReader(path, SIZE, rate)


def _image(pixels: U8) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_BGR888).copy()
