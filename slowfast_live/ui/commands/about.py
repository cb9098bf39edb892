"""About the app: version, licenses, and the facts that somebody who helps will ask for."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import psutil
from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from slowfast_live import __version__, paths
from slowfast_live.types import Status
from slowfast_live.ui.commands.commands import describe
from slowfast_live.ui.style.fitting import resize_to_fit
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.theme import GRID

_ICON_PX = 8 * GRID
_LIBRARIES = (
    "PySide6-Essentials",
    "openvino",
    "av",
    "opencv-python-headless",
    "numpy",
    "pillow",
    "jinja2",
    "msgspec",
    "cv2-enumerate-cameras",
    "filelock",
    "platformdirs",
    "psutil",
    "rich",
)
"""The libraries that the app runs on, by the names of their distributions."""


class AboutDialog(QDialog):
    """Shows the version, the licenses and the facts for support, which one button copies.

    Args:
        facts: The text for support; see `support_text`.
        models: The installed models, each as (title, license).
        parent: The window.
    """

    def __init__(self, facts: str, models: Iterable[tuple[str, str]] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("About SlowFast Live"))
        picture = QLabel()
        picture.setPixmap(QGuiApplication.windowIcon().pixmap(_ICON_PX, _ICON_PX))
        name, version = QLabel("SlowFast Live"), QLabel(tr("Version {version}", version=__version__))
        name.setProperty("scale", "large")
        version.setProperty("tone", "quiet")
        what = QLabel(tr("Live action recognition for webcams and video files. Everything stays on this machine."))
        what.setWordWrap(True)
        words = QVBoxLayout()
        words.setSpacing(GRID // 2)
        for widget in (name, version, what):
            words.addWidget(widget)
        words.addStretch(1)
        head = QHBoxLayout()
        head.setSpacing(2 * GRID)
        head.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        head.addLayout(words, 1)
        self.facts = self._page(facts, tr("Facts for support"))
        self.licenses = self._page(licenses(models), tr("Licenses"))
        self.pages = pages = QTabWidget()
        pages.setDocumentMode(True)
        pages.addTab(self.facts, tr("For support"))
        pages.addTab(self.licenses, tr("Licenses"))
        pages.tabBar().setAccessibleName(tr("Pages"))
        self.copy = QPushButton(tr("Copy what support needs"))
        describe(
            self.copy, tr("Copy what support needs"), tr("Copy these facts; they contain no file names or addresses")
        )
        self.copy.clicked.connect(self._copy)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        describe(buttons.button(QDialogButtonBox.StandardButton.Close), tr("Close"), tr("Close this dialog (Esc)"))
        foot = QHBoxLayout()
        foot.addWidget(self.copy)
        foot.addStretch(1)
        foot.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        layout.setSpacing(2 * GRID)
        layout.addLayout(head)
        layout.addWidget(pages, 1)
        layout.addLayout(foot)
        self.setMinimumWidth(60 * GRID)
        resize_to_fit(self, 72 * GRID, 60 * GRID)

    def _page(self, text: str, name: str) -> QPlainTextEdit:
        page = QPlainTextEdit(text)
        page.setReadOnly(True)
        page.setTabChangesFocus(True)
        page.setAccessibleName(name)
        return page

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.facts.toPlainText())
        self.copy.setText(tr("Copied"))


def support_text(status: Status, screen: str = "", models: int = 0) -> str:
    """Return what somebody who helps needs to know, one fact per line; no file names, addresses or user names.

    Args:
        status: The pipeline's state.
        screen: Size and density of the screen.
        models: Number of installed models.
    """
    memory = psutil.virtual_memory()
    info, source = status.info, status.source
    lines = [
        f"SlowFast Live {__version__}",
        f"System: {platform.platform()}",
        f"Python {platform.python_version()}, Qt {qVersion()}, OpenVINO {_version('openvino')}, "
        f"OpenCV {_version('opencv-python-headless')}, PyAV {_version('av')}",
        f"Processor: {platform.processor() or platform.machine()}, {psutil.cpu_count() or '?'} threads; "
        f"memory: {memory.total / 2**30:.1f} GiB, {memory.available / 2**30:.1f} free",
        f"Window: {QGuiApplication.platformName()}, {screen or 'no screen'}",
        f"Settings: {_without_home(paths.settings_file())}; models: {models}",
        f"Source: {source.kind.value if source else 'none'}"
        + (f", {info.width} × {info.height}, {info.codec or 'raw'}" if info else ""),
        f"Model: {status.model or 'none'} on {status.device or 'no device'}"
        + (f", computes in {status.execution_precision}" if status.execution_precision else ""),
        f"Now: {status.source_fps:.1f} pictures/s, {status.predictions_per_s:.1f} predictions/s, "
        f"latency {status.latency_ms:.0f} ms, {status.frames_dropped} of {status.frames_captured} pictures dropped",
    ]
    return "\n".join(lines)


def licenses(models: Iterable[tuple[str, str]] = ()) -> str:
    """Return the licenses of the app, its models, and the libraries that it runs on."""
    lines = ["SlowFast Live: Apache License 2.0", ""]
    if listed := list(models):
        lines += ["Models", *(f"  {title}: {license or 'not stated'}" for title, license in listed), ""]
    lines.append("Libraries")
    for name in _LIBRARIES:
        try:
            facts = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        expression, text = (next(iter(facts.get_all(key) or ()), "") for key in ("License-Expression", "License"))
        stated = str(expression) or _classified(facts.get_all("Classifier") or ()) or str(text)
        lines.append(f"  {facts['Name']} {facts['Version']}: {(stated or 'see its page').splitlines()[0]}")
    return "\n".join(lines)


def _classified(classifiers: Iterable[str]) -> str:
    found = [one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License :: ")]
    return ", ".join(found)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _without_home(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    except ValueError:
        return path.name
