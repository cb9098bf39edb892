"""The model manager lists models with their accuracy and speed, and builds, selects and deletes them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QSplitter,
    QTableView,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import Model
from slowfast_live.ui.commands.buttons import push_button
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.controller.controller import Controller
from slowfast_live.ui.models.build_form import BuildForm, quiet_label
from slowfast_live.ui.models.details import details_html
from slowfast_live.ui.models.model_builder import BuildOrder, BuildOutcome, ModelBuilder
from slowfast_live.ui.models.model_catalogue import (
    Buildable,
    CatalogueRow,
    OnDisk,
    Speeds,
    delete,
    merge,
    own_weights,
    stem_of,
    survey,
)
from slowfast_live.ui.models.model_table import (
    BUILT,
    NAME,
    SPARED,
    WIDTHS,
    BadgeDelegate,
    Index,
    RowModel,
    SortedRows,
    megabytes,
    spared,
)
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr, words
from slowfast_live.ui.style.palette import Theme
from slowfast_live.ui.style.theme import GRID
from slowfast_live.ui.threads.background import BackgroundTasks

_TICK_MS = 1000


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """Result of the catalogue query, which runs on a thread."""

    buildable: list[Buildable]
    missing: list[str]
    error: ModelError | None = None


class ModelManager(QDialog):
    """A non-modal dialog; a build continues after it is closed.

    Args:
        controller: Provides the available models and receives the choice.
        builder: Builds models.
        background: Runs slow work off the GUI thread.
        speeds: Speeds measured in this session.
        parent: The window.
    """

    detector_wanted = Signal()
    """The user wants to get or choose a person detector."""

    def __init__(
        self,
        controller: Controller,
        builder: ModelBuilder,
        background: BackgroundTasks,
        speeds: Speeds,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Models"))
        self._controller, self._builder, self._background = controller, builder, background
        self._buildable: list[Buildable] = []
        self._on_disk: list[OnDisk] = []
        self._surveys = 0
        self._asking = False
        self._just_built = ""
        self._shown_html = self._shown_key = ""
        self._table_model = RowModel(speeds, self)
        self._sorted = SortedRows(self._table_model, self)
        self._make_list()
        self.form = BuildForm(builder)
        self._make_foot()
        self._lay_out()
        self._wire()
        self.setMinimumSize(680, 440)
        resize_to_fit(self, 1080, 680)

    # Building

    def _make_list(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search models"))
        self.search.setClearButtonEnabled(True)
        describe(self.search, tr("Search models"), tr("Name, family, precision, or 'not built' (Ctrl+F)"))
        self._count = QLabel()
        self._count.setTextFormat(Qt.TextFormat.PlainText)
        self._count.setProperty("tone", "quiet")
        self.table = QTableView()
        self.table.setModel(self._sorted)
        self.table.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.table.setSortingEnabled(True)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(30)
        header = self.table.horizontalHeader()
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSortIndicatorClearable(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(48)
        for column, width in WIDTHS.items():
            self.table.setColumnWidth(column, width)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.table.installEventFilter(self)
        self._badges = BadgeDelegate(self._badges_at, self.table)
        self.table.setItemDelegateForColumn(BUILT, self._badges)
        describe(self.table, tr("Models"), tr("One row per model; Enter uses it, or opens the form to build it"))
        self.details = QTextBrowser()
        self.details.setOpenExternalLinks(True)
        self.details.setTabChangesFocus(True)
        self.details.setMinimumWidth(25 * GRID)
        describe(self.details, tr("Details of the model"), tr("Description and origin of the selected model"))

    def _make_foot(self) -> None:
        self.folders = QComboBox()
        self.folders.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.folders.setMinimumWidth(25 * GRID)
        describe(self.folders, tr("Built precision"), tr("The built precision to use, show or delete"))
        self.use = push_button(tr("Use"), tr("Switch to this model (Enter in the list)"))
        self.show_folder = push_button(tr("Show folder"), tr("Open its folder in the file manager"))
        self.delete = push_button(tr("Delete…"), tr("Delete it from disk, after confirmation"))
        self.person_detector = push_button(tr("Person detector…"), tr("Get or choose what finds people in the picture"))
        self.shut = push_button(tr("Close"), tr("Close; a running build continues (Esc)"))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addSpacing(GRID)
        top.addWidget(self._count)
        top.addSpacing(GRID)
        top.addWidget(self.person_detector)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(GRID)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(self.table)
        self._splitter.addWidget(self.details)
        self._splitter.setStretchFactor(0, 3)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([800, 240])
        foot = QHBoxLayout()
        foot.setSpacing(GRID)
        foot.addWidget(quiet_label(tr("On disk")))
        for widget in (self.folders, self.use, self.show_folder, self.delete):
            foot.addWidget(widget)
        foot.addStretch(1)
        foot.addWidget(self.shut)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        layout.setSpacing(GRID + 4)
        layout.addLayout(top)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self.form)
        rule = QFrame()
        rule.setObjectName("rule")
        layout.addWidget(rule)
        layout.addLayout(foot)

    def _wire(self) -> None:
        self.search.textChanged.connect(self._search)
        self.table.selectionModel().currentRowChanged.connect(lambda: self._show_row())
        self.table.activated.connect(lambda: self._activate())
        self.form.check_asked.connect(lambda: self._find_out())
        self.folders.currentIndexChanged.connect(lambda: self._enable())
        self.use.clicked.connect(lambda: self._use())
        self.show_folder.clicked.connect(lambda: self._show_folder())
        self.delete.clicked.connect(lambda: self._ask_delete())
        self.person_detector.clicked.connect(lambda: self.detector_wanted.emit())
        self.shut.clicked.connect(lambda: self.close())
        QShortcut(QKeySequence.StandardKey.Find, self, self._focus_search)
        self._controller.models_changed.connect(lambda: self._refresh())
        self._controller.model_changed.connect(lambda: self._running_changed())
        self._builder.started.connect(self._started)
        self._builder.finished.connect(self._finished)
        if self._builder.busy and self._builder.order is not None:
            self._started(self._builder.order)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._each_second)

    # What is there

    def open_up(self) -> None:
        """Show the dialog or bring it to the front, and refresh the list."""
        self.show()
        self.raise_()
        self.activateWindow()
        self._refresh()
        self._find_out()
        self.table.setFocus()

    def set_theme(self, theme: Theme) -> None:
        """Apply a theme."""
        self._badges.theme = theme
        place = self.details.verticalScrollBar().value()
        self.details.setHtml(self._shown_html)  # links take the color of the palette that they are set in
        self.details.verticalScrollBar().setValue(place)
        self.table.viewport().update()
        self._show_row()

    def event(self, event: QEvent) -> bool:
        """Refresh the speeds only while the dialog is visible."""
        if event.type() == QEvent.Type.Show:
            self._tick.start()
        elif event.type() == QEvent.Type.Hide:
            self._tick.stop()
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Hide columns of a narrow table whose content is also in the details."""
        if watched is self.table and event.type() == QEvent.Type.Resize:
            hidden = spared(self.table.width())
            for column in SPARED:
                self.table.setColumnHidden(column, column in hidden)
            QTimer.singleShot(0, self.table, lambda: self.table.scrollTo(self.table.currentIndex()))
        return super().eventFilter(watched, event)

    def _find_out(self) -> None:
        tools = self._builder.tools
        self._asking = True
        self._count_rows()

        def ask() -> _Catalogue:
            missing = tools.missing()
            try:
                return _Catalogue(tools.catalogue(), missing)
            except ModelError as error:
                return _Catalogue([], missing, error)

        self._background.run(ask, self._found_out, name="catalogue")

    def _found_out(self, catalogue: _Catalogue) -> None:
        self._asking = False
        self._buildable = catalogue.buildable or self._buildable
        self.form.show_missing(catalogue.missing)
        if catalogue.error is not None and not self._builder.busy:
            self.form.show_message(words(catalogue.error), "amber")
            self.form.log.setPlainText(catalogue.error.details)
        self._fill()

    def _refresh(self) -> None:
        """Determine the sizes of the model folders, on a thread."""
        self._surveys += 1
        number, models = self._surveys, self._controller.models

        def found(on_disk: list[OnDisk]) -> None:
            if number == self._surveys:  # else a newer one is under way
                self._on_disk = on_disk
                self._fill()

        self._background.run(lambda: survey(models), found, name="survey")

    def _fill(self) -> None:
        chosen = self.row()
        key = chosen.key if chosen else next((b.name for b in self._buildable if b.default), "")
        running = self._controller.pipeline.status().model
        if chosen is None:
            key = next((stem_of(one.model) for one in self._on_disk if one.model.name == running), key)
        rows = merge(self._buildable, self._on_disk)
        built = [row.key for row in rows if any(stem_of(one.model) == self._just_built for one in row.built)]
        if built:
            key, self._just_built = built[0], ""
        self._table_model.set_rows(rows)
        self._table_model.set_running(running)
        self._count_rows()
        self._choose(key)

    def _count_rows(self) -> None:
        shown, rows = self._sorted.rowCount(), self._table_model.rows
        built = sum(bool(row.built) for row in rows)
        if self._asking and not self._buildable:
            self._count.setText(tr("Listing the models that can be built…"))
        elif shown < len(rows):
            self._count.setText(tr("{shown} of {rows}", shown=shown, rows=len(rows)))
        else:
            self._count.setText(
                tr("{counted}, {built} built", counted=formatting.counted(len(rows), "model"), built=built)
            )

    def _choose(self, key: str) -> None:
        keys = [row.key for row in self._table_model.rows]
        index = self._sorted.mapFromSource(self._table_model.index(keys.index(key) if key in keys else 0, NAME))
        if not index.isValid() and self._sorted.rowCount():
            index = self._sorted.index(0, NAME)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.table.selectionModel().setCurrentIndex(index, flags)
        self._show_row()

    def choose(self, key: str) -> None:
        """Select a row by its name."""
        self._choose(key)
        self.table.scrollTo(self.table.currentIndex())

    def _search(self, words: str) -> None:
        self._sorted.search(words)
        self._count_rows()
        if not self.table.currentIndex().isValid():
            self._choose("")

    def _focus_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _number(self) -> int:
        index = self._sorted.mapToSource(self.table.currentIndex())
        return index.row() if index.isValid() else -1

    def row(self) -> CatalogueRow | None:
        """Return the selected row."""
        number = self._number()
        return self._table_model.rows[number] if 0 <= number < len(self._table_model.rows) else None

    def _badges_at(self, index: Index) -> tuple[str, ...]:
        row = self._table_model.rows[self._sorted.mapToSource(index).row()]
        order = self._builder.order if self._builder.busy else None
        return () if order is not None and row.key == order.name else row.badges

    # The chosen one

    def _show_row(self) -> None:
        row = self.row()
        kept = self.folders.currentData()
        self.folders.blockSignals(True)
        self.folders.clear()
        running = self._controller.pipeline.status().model
        for one in row.built if row else ():
            spec = one.model.spec
            parts = [spec.precision + ("" if spec.trained else tr(" untrained")), megabytes(one.size_mb)]
            parts += [tr("running")] if one.model.name == running else []
            self.folders.addItem(" · ".join(parts), one.model.name)
        names = [self.folders.itemData(number) for number in range(self.folders.count())]
        trained = [one.model.name for one in (row.built if row else ()) if one.model.spec.trained]
        best = next((name for name in (kept, running) if name in names), (trained or names or [""])[-1])
        self.folders.setCurrentIndex(self.folders.findData(best))
        self.folders.setPlaceholderText(tr("Not built") if row else "")
        self.folders.blockSignals(False)
        self._show_details()
        self.form.show_row(row, self._on_disk)
        self._enable()

    def _show_details(self) -> None:
        """Show the details of the selected row; keep the scroll position if it is the same row."""
        row, bar = self.row(), self.details.verticalScrollBar()
        html = details_html(row, self._folder(), self._table_model.speed(self._number())) if row else ""
        place = bar.value()
        if html != self._shown_html:
            same = row is not None and self._shown_key == row.key
            self._shown_html, self._shown_key = html, row.key if row else ""
            self.details.setHtml(html)
            bar.setValue(place if same else 0)

    def _folder(self) -> OnDisk | None:
        row, name = self.row(), self.folders.currentData()
        return next((one for one in row.built if one.model.name == name), None) if row else None

    def _enable(self) -> None:
        one = self._folder()
        running = self._controller.pipeline.status().model
        self.folders.setEnabled(one is not None)
        self.use.setEnabled(one is not None and one.model.name != running)
        self.show_folder.setEnabled(one is not None)
        kept = self._kept(one) if one else tr("It is not built")
        self.delete.setEnabled(not kept)
        self.delete.setToolTip(formatting.tooltip(kept or tr("Delete it from disk, after confirmation")))

    def _kept(self, one: OnDisk) -> str:
        """Return why a folder cannot be deleted now; "" if it can."""
        if one.kept:
            return one.kept
        if one.model.name == self._controller.pipeline.status().model:
            return tr("It is in use: choose another model first")
        if self._builder.busy and self._builder.order and one.model.name in self._builder.order.folders:
            return tr("It is being rebuilt")
        return ""

    def _running_changed(self) -> None:
        self._table_model.set_running(self._controller.pipeline.status().model)
        self._show_row()

    def _activate(self) -> None:
        if self.use.isEnabled():
            self._use()
        elif self.form.build.isEnabled():
            self.form.build.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _use(self) -> None:
        if (one := self._folder()) is not None:
            self._controller.choose_model(one.model.name)
            self.form.show_message(tr("Switching to {display_name}.", display_name=one.model.spec.display_name))

    def _show_folder(self) -> None:
        one = self._folder()
        if one is not None and not QDesktopServices.openUrl(QUrl.fromLocalFile(str(one.model.folder.absolute()))):
            self.form.show_message(
                tr("No file manager could be opened. The folder is {folder}", folder=one.model.folder), "amber"
            )

    def _ask_delete(self) -> None:
        one = self._folder()
        if one is None or self._kept(one):
            return
        box = QMessageBox(self)
        box.setWindowTitle(tr("Delete a model"))
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(tr("Delete {display_name}?", display_name=one.model.spec.display_name))
        box.setInformativeText(
            tr(
                "{folder}\n{megabytes} will be freed. It can be built again{value}; this cannot be undone.",
                folder=one.model.folder,
                megabytes=megabytes(one.size_mb),
                value=tr(" while you have its checkpoint") if own_weights(one.model) else "",
            )
        )
        yes = box.addButton(tr("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        no = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(no)
        box.setEscapeButton(no)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        yes.clicked.connect(lambda: self._delete(one))
        self.question = box
        box.open()

    def _delete(self, one: OnDisk) -> None:
        model = one.model
        if why := self._kept(one):  # the window went on while the question stood
            self.form.show_message(
                tr("{display_name} was not deleted. {why}.", display_name=model.spec.display_name, why=why), "amber"
            )
            return
        self._background.run(
            lambda: delete(model),
            lambda _: self._deleted(model),
            lambda error: self.form.show_message(words(error), "red"),
            name="delete",
        )

    def _deleted(self, model: Model) -> None:
        self.form.show_message(tr("{display_name} is deleted.", display_name=model.spec.display_name))
        self._controller.rescan()

    # Building

    def _started(self, order: BuildOrder) -> None:
        self._table_model.set_building(order.name)
        self._enable()

    def _finished(self, outcome: BuildOutcome) -> None:
        row = self.row()
        if outcome.done and row is not None and row.key == outcome.order.name:
            self._just_built = outcome.order.folder_stem
        self._table_model.set_building("")
        self._show_row()

    def _each_second(self) -> None:
        if self._table_model.refresh_speeds():
            self._show_details()
