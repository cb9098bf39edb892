"""The dialogs that ask which file, folder of pictures, stream or part of the screen to open."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QWidget

from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.controller import source_input
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.panels.server_dialog import server_dialog
from slowfast_live.ui.sources.screen_dialog import ScreenDialog
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.threads.background import BackgroundTasks


class SourceDialogs(QObject):
    """Asks for a source, in non-blocking dialogs, and opens it.

    Args:
        controller: Opens the source, and knows the recent ones.
        background: Runs slow work off the GUI thread.
        window: Parent of the dialogs.

    Attributes:
        current: The dialog shown last; None before that.
    """

    def __init__(self, controller: Controller, background: BackgroundTasks, window: QWidget) -> None:
        super().__init__(window)
        self._controller, self._background, self._window = controller, background, window
        self.current: QDialog | None = None

    def ask_file(self) -> None:
        """Let the user select a file, or several to play one after the other, in a non-blocking dialog."""
        dialog = QFileDialog(self._window, tr("Open a video"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(source_input.file_filter().split(";;"))
        dialog.setOption(QFileDialog.Option.HideNameFilterDetails)
        recent = self._controller.memory.settings.recent_files
        movies = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        dialog.setDirectory(str(Path(recent[0]).parent) if recent else movies)
        dialog.filesSelected.connect(self._open_files)
        self._show(dialog)

    def ask_pictures(self) -> None:
        """Let the user select a folder of images, then their frame rate, in non-blocking dialogs."""
        dialog = QFileDialog(self._window, tr("Open a folder of images"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        recent = self._controller.memory.settings.recent_files
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        dialog.setDirectory(str(Path(recent[0]).parent) if recent else pictures)
        dialog.fileSelected.connect(lambda path: self.ask_rate(Path(path)))
        self._show(dialog)

    def ask_rate(self, folder: Path) -> None:
        """Ask for the frame rate of a folder of images, and play them."""
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle(tr("Open a folder of images"))
        dialog.setLabelText(tr("Frames per second of {name}", name=folder.name))
        dialog.setInputMode(QInputDialog.InputMode.DoubleInput)
        dialog.setDoubleRange(0.01, 1000.0)
        dialog.setDoubleDecimals(3)
        dialog.setDoubleValue(self._controller.memory.settings.picture_rate)
        dialog.setOkButtonText(tr("Open"))
        dialog.doubleValueSelected.connect(lambda rate: self._controller.open_pictures(folder, rate))
        self._show(dialog)

    def _open_files(self, paths: list[str]) -> None:
        self._controller.open_several(
            [SourceSpec(SourceKind.FILE, str(source_input.on_disk(Path(path)))) for path in paths]
        )

    def ask_screen(self) -> None:
        """Let the user choose a screen, a region or a window, in a non-blocking dialog."""
        source = self._controller.pipeline.status().source
        current = source if source is not None and source.kind is SourceKind.SCREEN else None
        dialog = ScreenDialog(self._background, current, self._window)
        dialog.chosen.connect(self._controller.open_source)
        self._show(dialog)

    def ask_url(self) -> None:
        """Let the user type a stream's URL, in a non-blocking dialog."""
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle(tr("Open a stream"))
        dialog.setLabelText(tr("URL of the stream, e.g. rtsp://192.168.1.20/stream"))
        dialog.setInputMode(QInputDialog.InputMode.TextInput)
        dialog.setOkButtonText(tr("Open"))
        dialog.resize(480, dialog.sizeHint().height())
        dialog.textValueSelected.connect(self._controller.open_text)
        self._show(dialog)

    def ask_server(self) -> None:
        """Let the user type the address of an inference server, in a non-blocking dialog."""
        self._show(server_dialog(self._window, self._controller.add_server))

    def _show(self, dialog: QDialog) -> None:
        self.current = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
