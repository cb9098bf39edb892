"""The picture with its overlay as a PNG file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF, QStandardPaths, Signal
from PySide6.QtGui import QImage, QPainter

from slowfast_live.errors import SlowFastLiveError
from slowfast_live.types import U8, Frame, Level, Notice
from slowfast_live.ui.background import Background
from slowfast_live.ui.canvas import Canvas
from slowfast_live.ui.overlay import Overlay, render


class SnapshotError(SlowFastLiveError):
    """A snapshot cannot be saved."""


class Snapshots(QObject):
    """Saves what the canvas shows.

    Args:
        canvas: Whose picture is saved.
        background: Who writes.
        folder: Where to; the user's pictures where None.
        parent: Qt's owner.
    """

    notice = Signal(object)

    def __init__(self, canvas: Canvas, background: Background, folder: Path | None, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas, self._background, self._folder = canvas, background, folder

    def take(self) -> None:
        """Draw the picture with its overlay now, save it off the GUI thread; a notice names the file."""
        frame, over, shown = self._canvas.frame, self._canvas.overlay, self._canvas.picture_rect().size()
        if frame is None:
            self.notice.emit(Notice(Level.INFO, "There is no picture to save yet."))
            return
        folder = self._folder or default_folder()
        picture = compose(frame, over, shown)
        self._background.run(
            lambda: save(picture, folder),
            lambda path: self.notice.emit(Notice(Level.INFO, f"Saved {path}")),
            self._failed,
            name="snapshot",
        )

    def _failed(self, error: Exception) -> None:
        details = getattr(error, "details", "") or repr(error)
        self.notice.emit(Notice(Level.ERROR, str(error), details))


def default_folder() -> Path:
    """Return the user's folder for snapshots: "SlowFast Live" in Pictures."""
    pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return Path(pictures or Path.home()) / "SlowFast Live"


def compose(frame: Frame, overlay: Overlay, shown: QSizeF) -> U8:
    """Draw the overlay over the whole frame, as large on it as it is on the screen.

    Args:
        frame: The frame; its full resolution is kept.
        overlay: What lies over it.
        shown: Size at which the picture is shown, in logical pixels: it sets the overlay's scale.
    """
    height, width = frame.image.shape[:2]
    ratio = max(1.0, width / max(1.0, shown.width()))
    picture = QImage(frame.image.data, width, height, frame.image.strides[0], QImage.Format.Format_BGR888)
    logical = QSizeF(max(1.0, shown.width()), max(1.0, shown.height())).toSize()
    result = QImage(logical * ratio, QImage.Format.Format_RGB32)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(QRectF(0, 0, result.width(), result.height()), picture)
    painter.drawImage(QPointF(0, 0), render(overlay, logical, ratio))
    painter.end()
    rows = np.frombuffer(result.constBits(), np.uint8).reshape(result.height(), result.bytesPerLine())
    return rows[:, : 4 * result.width()].reshape(result.height(), result.width(), 4)[..., :3].copy()


def save(image: U8, folder: Path, now: datetime | None = None) -> Path:
    """Save a snapshot, uint8 (h, w, 3) BGR, under a name of its own, made of the time. From any thread.

    Raises:
        SnapshotError: It cannot be written.
    """
    stem = f"SlowFast Live {(now or datetime.now()):%Y-%m-%d %H-%M-%S}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            path = folder / (f"{stem}.png" if number == 1 else f"{stem} ({number}).png")
            try:
                path.touch(exist_ok=False)  # takes the name: two snapshots in a second do not meet
                break
            except FileExistsError:
                number += 1
        part = path.with_suffix(".part")
        try:
            part.write_bytes(cv2.imencode(".png", image)[1].tobytes())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SnapshotError(
            f"The snapshot cannot be saved to {folder}: {error.strerror or error}.", details=repr(error)
        ) from error
    return path
