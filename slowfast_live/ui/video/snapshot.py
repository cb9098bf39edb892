"""Save the frame with its overlay as a PNG file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF, QStandardPaths, Signal
from PySide6.QtGui import QGuiApplication, QImage, QPainter

from slowfast_live.errors import SlowFastLiveError
from slowfast_live.files import reserve, write_bytes
from slowfast_live.messages import system_reason
from slowfast_live.types import U8, Frame, Level, Notice, Topic
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.threads.background import BackgroundTasks
from slowfast_live.ui.video.canvas import Canvas
from slowfast_live.ui.video.overlay import Overlay, render


class SnapshotError(SlowFastLiveError):
    """A snapshot cannot be saved."""


class Snapshots(QObject):
    """Saves what the canvas shows.

    Args:
        canvas: The canvas whose frame is saved.
        background: Runs the writing off the GUI thread.
        folder: Destination folder; None for the default (see `default_folder`).
        parent: Qt parent.
    """

    notice = Signal(object)
    settled = Signal(object)
    """Emitted with the `Topic` of notices that no longer apply."""

    def __init__(self, canvas: Canvas, background: BackgroundTasks, folder: Path | None, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas, self._background, self._folder = canvas, background, folder

    def take(self) -> None:
        """Draw the frame with its overlay now and save it off the GUI thread; a notice names the file."""
        frame, over, shown = self._canvas.frame, self._canvas.overlay, self._canvas.picture_rect().size()
        if frame is None:
            self.notice.emit(Notice(Level.INFO, tr("There is no picture to save yet.")))
            return
        folder = self._folder or default_folder()
        picture = compose(frame, over, shown)
        self._background.run(
            lambda: save(picture, folder),
            self._saved,
            self._failed,
            name="snapshot",
        )

    def copy(self) -> None:
        """Copy the frame with its overlay to the clipboard."""
        frame, over, shown = self._canvas.frame, self._canvas.overlay, self._canvas.picture_rect().size()
        if frame is None:
            self.notice.emit(Notice(Level.INFO, tr("There is no picture to copy yet.")))
            return
        QGuiApplication.clipboard().setImage(draw(frame, over, shown))
        self.notice.emit(Notice(Level.INFO, tr("The picture was copied."), topic=Topic.SNAPSHOT))

    def _saved(self, path: Path) -> None:
        self.settled.emit(Topic.SNAPSHOT)
        self.notice.emit(Notice(Level.INFO, tr("Saved {path}", path=path), file=path))

    def _failed(self, error: Exception) -> None:
        details = getattr(error, "details", "") or repr(error)
        self.notice.emit(Notice(Level.ERROR, words(error), details, topic=Topic.SNAPSHOT))


def default_folder() -> Path:
    """Return the user's folder for snapshots: "SlowFast Live" in Pictures."""
    pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
    return Path(pictures or Path.home()) / "SlowFast Live"


def compose(frame: Frame, overlay: Overlay, shown: QSizeF) -> U8:
    """Draw the overlay over the whole frame; return it as uint8 (h, w, 3) BGR. See `draw`."""
    result = draw(frame, overlay, shown)
    rows = np.frombuffer(result.constBits(), np.uint8).reshape(result.height(), result.bytesPerLine())
    return rows[:, : 4 * result.width()].reshape(result.height(), result.width(), 4)[..., :3].copy()


def draw(frame: Frame, overlay: Overlay, shown: QSizeF) -> QImage:
    """Draw the overlay over the whole frame, in the same proportion as on the screen.

    Args:
        frame: The frame; its full resolution is kept.
        overlay: The overlay.
        shown: Size at which the frame is displayed, in logical pixels; sets the overlay's scale.
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
    return result


def save(image: U8, folder: Path, now: datetime | None = None) -> Path:
    """Save a snapshot, uint8 (h, w, 3) BGR, under a unique name made from the time. Safe to call from any thread.

    Raises:
        SnapshotError: The file cannot be written.
    """
    wanted = folder / f"SlowFast Live {(now or datetime.now()):%Y-%m-%d %H-%M-%S}.png"
    try:
        path = reserve(wanted)  # two snapshots in the same second do not collide, and no file of the user is replaced
        try:
            write_bytes(path, cv2.imencode(".png", image)[1].tobytes())
        except OSError:
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SnapshotError(
            tr("The snapshot cannot be saved to {folder}: {value}.", folder=folder, value=system_reason(error)),
            details=repr(error),
        ) from error
    return path
