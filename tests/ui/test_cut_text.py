"""No text is cut off: in a small window, in every dialog, at every density, and where texts are a third longer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QWidget

from slowfast_live.types import Level, Notice, Readout, ReadoutState
from tests.ui.conftest import Desk
from tests.ui.cut_text import cut_texts
from tests.ui.dialogs import DIALOGS
from tests.ui.events.test_timeline import recognize
from tests.ui.fakes import LABELS, TOP

SIZES = [(720, 480), (900, 600), (1280, 800)]


def settle() -> None:
    for _ in range(6):
        QApplication.processEvents()


def fill(desk: Desk, size: tuple[int, int]) -> None:
    """Everything at once: a recording, a model being prepared, a long label, events, a warning."""
    desk.window.resize(*size)
    desk.show_picture()
    desk.pipeline.current_readout = Readout(ReadoutState.ACTION, LABELS[-1], 0.83, ((LABELS[-1], 0.83), *TOP[1:]))
    desk.pipeline.predict()
    desk.pipeline.update(switching="Preparing SlowFast demo for CPU", frames_dropped=12_345)
    if size[1] >= 600:
        desk.window.notice_bar.show_notice(
            Notice(Level.WARNING, "Rules could not be kept: the disk is full.", "ENOSPC")
        )
    recognize(desk, 3.0, ["squat"] * 100 + [None] * 50 + ["clapping"] * 150)
    for _ in range(4):
        desk.poll()
    settle()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("panel", ["details", "events"])
def test_the_window_cuts_no_text(desk: Desk, size: tuple[int, int], panel: str) -> None:
    fill(desk, size)
    desk.window.side_panel.show_panel(panel)  # type: ignore[arg-type]
    if panel == "events":
        desk.window.side_panel.events.table.selectRow(0)
    desk.window.side_panel.now.set_threshold(0.5)
    settle()
    assert cut_texts(desk.window) == []


def test_what_is_being_prepared_is_told_whole_in_a_small_window(desk: Desk) -> None:
    fill(desk, (900, 600))
    label = desk.window.source_bar._busy_text
    assert label.text() == "Preparing SlowFast demo for CPU"
    desk.live.recording.button.setProperty("recording", None)
    desk.pipeline.update(switching="Preparing " + "a model with a very long name " * 5)
    desk.poll()
    settle()
    assert label.text().endswith("…") and label.toolTip() == label.whole_text


@pytest.mark.parametrize("name", DIALOGS)
def test_no_dialog_cuts_text(desk: Desk, name: str) -> None:
    dialog = DIALOGS[name](desk)
    settle()
    assert cut_texts(dialog) == []
    dialog.resize(dialog.minimumSize().expandedTo(dialog.minimumSizeHint()))
    settle()
    assert cut_texts(dialog) == [], "at its smallest"


@pytest.mark.parametrize("name", ["window", *DIALOGS])
def test_there_is_room_for_texts_a_third_longer(desk: Desk, qapp: QApplication, name: str) -> None:
    usual = QFont(qapp.font())
    longer = QFont(usual)
    longer.setLetterSpacing(QFont.SpacingType.PercentageSpacing, 130)
    qapp.setFont(longer)
    try:
        fill(desk, (900, 600))
        widget: QWidget = desk.window if name == "window" else DIALOGS[name](desk)
        settle()
        assert widget.fontMetrics().horizontalAdvance("mmmm") > 1.2 * _width(usual, widget)
        assert cut_texts(widget) == []
    finally:
        qapp.setFont(usual)


def _width(font: QFont, widget: QWidget) -> int:
    from PySide6.QtGui import QFontMetrics

    font = QFont(font)
    font.setPixelSize(widget.font().pixelSize() if widget.font().pixelSize() > 0 else 13)
    return QFontMetrics(font).horizontalAdvance("mmmm")


@pytest.mark.parametrize("factor", ["1.5", "2"])
def test_no_text_is_cut_at_higher_densities(factor: str) -> None:
    """The same tests in a process of their own: a density is chosen before the first window."""
    wanted = (
        "tests/ui/test_cut_text.py::test_the_window_cuts_no_text",
        "tests/ui/test_cut_text.py::test_no_dialog_cuts_text",
    )
    environment = os.environ | {"QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen"}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *wanted],
        env=environment, cwd=root, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("name", ["window", *DIALOGS])
def test_fields_are_of_one_height_and_numbers_look_the_same(desk: Desk, name: str) -> None:
    widget: QWidget = desk.window if name == "window" else DIALOGS[name](desk)
    settle()
    numbers = [field for field in widget.findChildren(QAbstractSpinBox) if field.isVisible()]
    lines = [
        field
        for field in (*widget.findChildren(QLineEdit), *widget.findChildren(QComboBox))
        if field.isVisible() and on_its_own(field)
    ]
    assert {field.height() for field in (*numbers, *lines)} <= {32}
    assert {field.alignment() for field in numbers} <= {Qt.AlignmentFlag.AlignCenter}
    assert {field.buttonSymbols() for field in numbers} <= {QAbstractSpinBox.ButtonSymbols.UpDownArrows}


def on_its_own(field: QWidget) -> bool:
    return not isinstance(field.parentWidget(), QAbstractSpinBox | QComboBox)
