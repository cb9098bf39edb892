"""The row above the video: source, model and device dropdowns, and tool buttons."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPaintEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QProgressBar,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.spec import Model
from slowfast_live.text_safety import shown_name
from slowfast_live.types import SourceKind, SourceSpec, Status
from slowfast_live.ui.commands.commands import describe, key_text, tip
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.elided_label import ElidedLabel
from slowfast_live.ui.style.formatting import source_title
from slowfast_live.ui.style.language import shown, tr
from slowfast_live.ui.style.names import sentence
from slowfast_live.ui.style.theme import GRID

NO_MODEL = tr("No model")
_MANAGE = "/manage"
"""Value of the dropdown's model manager entry; no folder name contains a slash."""
_ADD_SERVER = "/server"
"""Value of the entry that adds an inference server; no device is called so."""
_SERVER_TIP = tr("Run the model on OpenVINO Model Server or Triton, on another machine")
_GRACE_S = 1.0
"""Time in seconds for which a choice is shown before the pipeline confirms it; after that, the actual state is
shown."""


class Choice(QComboBox):
    """A dropdown that shows the current value and offers commands besides values."""

    def __init__(self, name: str, tooltip: str, least: int, most: int) -> None:
        super().__init__()
        self._items = QStandardItemModel(self)
        self.setModel(self._items)
        self.setMinimumWidth(least)
        self.setMaximumWidth(most)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._tooltip = tooltip
        describe(self, name, tooltip)

    def fill(self, entries: Sequence[tuple[str, Any, str, bool]]) -> None:
        """Set the entries: (text, value, tooltip, enabled); an empty text is a separator."""
        with QSignalBlocker(self):
            self._items.clear()
            for text, value, tooltip, enabled in entries:
                if not text:
                    self.insertSeparator(self._items.rowCount())
                    continue
                item = QStandardItem(text)
                item.setData(value, Qt.ItemDataRole.UserRole)
                item.setToolTip(formatting.tooltip(tooltip or text))
                item.setData(tooltip, Qt.ItemDataRole.AccessibleDescriptionRole)
                item.setEnabled(enabled)
                self._items.appendRow(item)
        metrics = self.fontMetrics()
        widest = max((metrics.horizontalAdvance(entry[0]) for entry in entries), default=0)
        self.view().setMinimumWidth(min(60 * GRID, widest + 6 * GRID))

    def select(self, index: int) -> None:
        """Show an entry without emitting a signal."""
        if index != self.currentIndex():
            with QSignalBlocker(self):
                self.setCurrentIndex(index)
        text = self.itemText(index) if index >= 0 else ""
        tooltip = formatting.tooltip(f"{text}\n{self._tooltip}" if text else self._tooltip)
        if tooltip != self.toolTip():
            self.setToolTip(tooltip)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the current text elided in the middle; Qt would clip it."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        text = option.currentText if self.currentIndex() >= 0 else self.placeholderText()
        room = field.width() - GRID
        option.currentText = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def index_where(self, test: Callable[[Any], bool]) -> int:
        """Return the first row whose value passes `test`, or -1."""
        for row in range(self._items.rowCount()):
            value = self.itemData(row)
            if value is not None and test(value):
                return row
        return -1


class _Pending:
    """A choice of the user that the pipeline has not confirmed yet."""

    def __init__(self) -> None:
        self.value: str | None = None
        self._since_s = 0.0

    def choose(self, value: str) -> None:
        self.value, self._since_s = value, time.monotonic()

    def settle(self, truth: str | None, busy: bool) -> str | None:
        """Return what to show: the choice while it may still be confirmed, else the actual state."""
        if self.value is not None and (
            self.value == truth or (not busy and time.monotonic() - self._since_s > _GRACE_S)
        ):
            self.value = None
        return self.value if self.value is not None else truth


class SourceBar(QWidget):
    """The three dropdowns, and the tools that others add."""

    source_chosen = Signal(object)
    """Emits a `SourceSpec`."""
    file_wanted = Signal()
    pictures_wanted = Signal()
    url_wanted = Signal()
    screen_wanted = Signal()
    model_chosen = Signal(str)
    manager_wanted = Signal()
    device_chosen = Signal(str)
    server_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._current: SourceSpec | None = None
        self._offered: tuple[tuple[SourceSpec, ...], tuple[str, ...]] = ((), ())
        self._pending_model, self._pending_device = _Pending(), _Pending()
        self._shown_model: str | None = None
        self._shown_device: str | None = None
        self.sources = Choice(
            tr("Source"), tip("focus_source", tr("Source: camera, file, stream, screen or demo")), 136, 304
        )
        self.sources.setPlaceholderText(tr("Choose a source"))
        self.models = Choice(tr("Model"), tip("focus_model", tr("Model that recognizes the actions")), 136, 304)
        self.devices = Choice(tr("Device"), tip("focus_device", tr("Device that runs the model")), 128, 304)
        self.sources.activated.connect(self._source_activated)
        self.models.activated.connect(self._model_activated)
        self.devices.activated.connect(self._device_activated)
        self._last: QWidget = self.devices
        self._busy = QProgressBar()
        self._busy.setRange(0, 0)
        self._busy.setTextVisible(False)
        self._busy.setAccessibleName(tr("A model is being prepared"))
        self._busy_text = ElidedLabel()
        self._busy_text.setProperty("tone", "quiet")
        self._row = row = QHBoxLayout()
        row.setContentsMargins(GRID, GRID, GRID, GRID - 2)
        row.setSpacing(GRID)
        for widget, stretch in (
            (self.sources, 3),
            (self.models, 3),
            (self.devices, 3),
            (self._busy_text, 0),
        ):
            row.addWidget(widget, stretch)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        keep = self._busy.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self._busy.setSizePolicy(keep)
        self._busy.setVisible(False)
        column.addWidget(self._busy)
        self.offer_sources((), ())
        self.offer_models([])
        self.offer_devices([])

    def add_tool(self, tool: QWidget) -> None:
        """Append a control to the right of the dropdowns."""
        self._row.addWidget(tool)
        QWidget.setTabOrder(self._last, tool)
        self._last = tool

    def offer_sources(self, cameras: Sequence[SourceSpec], recent: Sequence[str]) -> None:
        """Set the entries of the source dropdown."""
        self._offered = (tuple(cameras), tuple(recent))
        rows: list[tuple[str, Any, str, bool]] = [
            (source_title(camera), camera, camera.address, True) for camera in cameras
        ]
        if not cameras:
            rows.append((tr("No camera found"), None, tr("Connect one: it appears here automatically."), False))
        rows.append(("", None, "", True))
        for path in recent:
            spec = SourceSpec(SourceKind.FILE, path)
            rows.append((spec.name, spec, shown_name(path), True))
        if recent:
            rows.append(("", None, "", True))
        if self._current and self._current.kind in (SourceKind.STREAM, SourceKind.SCREEN):
            rows.append((source_title(self._current), self._current, "", True))
        elif self._current and self._current.kind is SourceKind.FILE and self._current.address not in recent:
            rows.append((self._current.name, self._current, shown_name(self._current.address), True))
        elif self._current and self._current.kind is SourceKind.CAMERA and not self._same_camera(cameras):
            rows.append((source_title(self._current), self._current, "", True))
        demo = SourceSpec(SourceKind.DEMO)
        rows += [
            (source_title(demo), demo, tip("open_demo"), True),
            ("", None, "", True),
            (tr("Open file…"), "file", tip("open_file"), True),
            (tr("Open folder of images…"), "pictures", tip("open_pictures"), True),
            (tr("Open stream URL…"), "url", tip("open_url"), True),
            (tr("Watch the screen…"), "screen", tip("open_screen"), True),
        ]
        self.sources.fill(rows)
        self._select_source()

    def _same_camera(self, cameras: Sequence[SourceSpec]) -> bool:
        return any(_same(camera, self._current) for camera in cameras)

    def _select_source(self) -> None:
        self.sources.select(self.sources.index_where(lambda value: _same(value, self._current)))

    def offer_models(self, models: Sequence[Model]) -> None:
        """Set the entries of the model dropdown."""
        manage: list[tuple[str, Any, str, bool]] = [
            ("", None, "", True),
            (tr("Manage models…"), _MANAGE, tip("models"), True),
        ]
        if models:
            self.models.fill(
                [*((m.spec.display_name, m.name, sentence(m.spec.description), True) for m in models), *manage]
            )
            self.models.select(-1)
        else:
            how = tr(
                "No model found. Build one with Manage models… ({keys}) or: {command}",
                keys=key_text("models"),
                command=BUILD_COMMAND,
            )
            self.models.fill([(NO_MODEL, None, how, False), *manage])
            self.models.select(0)

    def offer_devices(self, devices: Sequence[DeviceInfo]) -> None:
        """Set the entries of the device dropdown; unavailable devices are listed with the reason."""
        rows = []
        for device in devices:
            name = device.name if device.full_name in ("", device.name) else f"{device.name} · {device.full_name}"
            rows.append(
                (
                    name if device.available else tr("{name} · not available", name=device.name),
                    device.name,
                    shown(device.reason),
                    device.available,
                )
            )
        if devices:
            rows += [("", "", "", True), (tr("Add inference server…"), _ADD_SERVER, _SERVER_TIP, True)]
        self.devices.fill(rows)
        self.devices.select(-1)
        self.devices.setPlaceholderText(tr("Device"))

    def show_status(self, status: Status) -> None:
        """Show the current source, model and device, and any change in progress."""
        if status.source != self._current:
            self._current = status.source
            self.offer_sources(*self._offered)
        busy = bool(status.switching)
        self._shown_model = self._pending_model.settle(status.model or status.held or None, busy)
        self._select_model()
        device = self._pending_device.settle(status.device or None, busy)
        if device is not None:
            self._shown_device = device
            self._select_device()
        switching = sentence(status.switching)
        if self._busy_text.whole_text != switching:
            self._busy_text.set_text(switching)
            self._busy.setVisible(busy)

    def _source_activated(self, index: int) -> None:
        value = self.sources.itemData(index)
        self._select_source()
        if value == "file":
            self.file_wanted.emit()
        elif value == "pictures":
            self.pictures_wanted.emit()
        elif value == "url":
            self.url_wanted.emit()
        elif value == "screen":
            self.screen_wanted.emit()
        elif isinstance(value, SourceSpec):
            self.source_chosen.emit(value)

    def _select_device(self) -> None:
        device = self._shown_device
        self.devices.select(self.devices.index_where(lambda value: value == device or value.split(".")[0] == device))

    def _select_model(self) -> None:
        none = self.models.itemData(0) is None
        self.models.select(0 if none else self.models.index_where(lambda value: value == self._shown_model))

    def _model_activated(self, index: int) -> None:
        name = self.models.itemData(index)
        if name == _MANAGE:
            self._select_model()
            self.manager_wanted.emit()
        elif name is not None:
            self._pending_model.choose(name)
            self.model_chosen.emit(name)

    def _device_activated(self, index: int) -> None:
        name = self.devices.itemData(index)
        if name == _ADD_SERVER:
            self._select_device()
            self.server_wanted.emit()
        elif name is not None:
            self._pending_device.choose(name)
            self.device_chosen.emit(name)


def _same(one: Any, other: SourceSpec | None) -> bool:
    """Whether both are the same source, regardless of the requested size."""
    if not isinstance(one, SourceSpec) or other is None:
        return False
    return (one.kind, one.address) == (other.kind, other.address)
