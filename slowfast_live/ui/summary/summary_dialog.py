"""Shows the summary of a session; prints it, or saves it as PDF or HTML."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMarginsF, QStandardPaths, Qt, Signal
from PySide6.QtGui import QPageLayout, QPageSize, QPdfWriter, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.errors import ExportError
from slowfast_live.export.atomic import write_whole
from slowfast_live.types import Level, Notice, Topic
from slowfast_live.ui.commands.buttons import push_button
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID

_FILTERS = ("PDF (*.pdf)", tr("Web page (*.html)"))
_ENDINGS = dict(zip(_FILTERS, (".pdf", ".html"), strict=True))
_MARGIN_MM = 18.0


class SummaryDialog(QDialog):
    """The page, and what can be done with it.

    Args:
        html: The page; see `page`.
        stem: Name offered for a file, without its ending.
        parent: The window.
    """

    notice = Signal(object)
    """Emits a `Notice` when the page was saved or could not be."""

    def __init__(self, html: str, stem: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._html, self._stem = html, stem
        self.setWindowTitle(tr("Summary"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.page = QTextBrowser()
        self.page.setObjectName("paper")
        self.page.setOpenLinks(False)
        self.page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page.setHtml(html)
        describe(self.page, tr("Summary"), tr("What was done from the start to the end"))
        self.print = push_button(tr("Print…"), tr("Print this page"))
        self.print.clicked.connect(self._print)
        self.keep = push_button(tr("Save…"), tr("Save this page as PDF or as a web page"))
        self.keep.clicked.connect(self._ask)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        describe(buttons.button(QDialogButtonBox.StandardButton.Close), tr("Close"), tr("Close this page (Esc)"))
        foot = QHBoxLayout()
        foot.addWidget(self.print)
        foot.addWidget(self.keep)
        foot.addStretch(1)
        foot.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addWidget(self.page, 1)
        layout.addLayout(foot)
        resize_to_fit(self, 80 * GRID, 72 * GRID)

    def _print(self) -> None:
        # Deferred: loads the printing system, which takes a second on some systems.
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self)
        dialog.setWindowTitle(tr("Print the summary"))
        dialog.accepted.connect(lambda: self._document().print_(printer))
        QDialog.open(dialog)  # PySide's stubs know only an older overload

    def _ask(self) -> None:
        dialog = QFileDialog(self, tr("Save the summary"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(list(_FILTERS))
        dialog.setDefaultSuffix(".pdf")
        dialog.filterSelected.connect(lambda name: dialog.setDefaultSuffix(_ENDINGS[name]))
        folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        dialog.setDirectory(folder or str(Path.home()))
        dialog.selectFile(tr("{stem} summary", stem=self._stem))
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Write the page in the format that the file name implies; a notice names the file or the error."""
        try:
            if path.suffix.lower() in (".html", ".htm"):
                write_whole(path, self._html.encode())
            else:
                self._write_pdf(path)
        except (ExportError, OSError) as error:
            text = getattr(error, "message", "") or tr(
                "The summary cannot be saved to {path}: {error}", path=path, error=error
            )
            self.notice.emit(Notice(Level.ERROR, text, repr(error), topic=Topic.EXPORT))
            return
        self.notice.emit(Notice(Level.INFO, tr("Saved {path}", path=path), file=path))

    def _write_pdf(self, path: Path) -> None:
        with path.open("ab"):  # QPdfWriter does not say why it cannot write
            pass
        writer = QPdfWriter(str(path))
        writer.setTitle(self._stem)
        writer.setPageLayout(
            QPageLayout(
                QPageSize(QPageSize.PageSizeId.A4),
                QPageLayout.Orientation.Portrait,
                QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM),
                QPageLayout.Unit.Millimeter,
            )
        )
        self._document().print_(writer)

    def _document(self) -> QTextDocument:
        document = QTextDocument()
        document.setHtml(self._html)
        return document
