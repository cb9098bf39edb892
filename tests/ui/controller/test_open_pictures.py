"""Folders of pictures in the window: chosen, dropped, remembered with their rate."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QInputDialog

from slowfast_live import settings
from slowfast_live.types import SourceKind, SourceSpec
from tests.ui.conftest import Desk


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(9):
        Image.new("RGB", (8, 8)).save(folder / f"f_{number}.png")
    return folder


def test_a_folder_is_chosen_then_its_rate(desk: Desk, pictures: Path, tmp_path: Path) -> None:
    desk.trigger("open_pictures")
    chosen = desk.window.findChild(QFileDialog)
    assert chosen is not None and chosen.fileMode() == QFileDialog.FileMode.Directory
    chosen.fileSelected.emit(str(pictures))
    asked = desk.window.findChild(QInputDialog)
    assert asked is not None and asked.doubleValue() == 25 and "frames" in asked.labelText()
    asked.setDoubleValue(12.5)
    asked.accept()
    assert desk.pipeline.last("open") == (SourceSpec(SourceKind.FILE, str(pictures), rate=12.5),)
    desk.show_picture()
    desk.poll()
    desk.live.close()
    kept = settings.load(tmp_path / "settings.json").settings
    assert kept.picture_rate == 12.5
    assert kept.last_source == SourceSpec(SourceKind.FILE, str(pictures), rate=12.5)


def test_a_folder_that_is_dropped_plays_at_the_rate_of_the_last(desk: Desk, pictures: Path) -> None:
    desk.live.memory.settings.picture_rate = 30.0
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(pictures))])
    drop = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    desk.window.dropEvent(drop)
    assert desk.pipeline.last("open") == (SourceSpec(SourceKind.FILE, str(pictures), rate=30.0),)


def test_a_recent_folder_that_has_lost_its_pictures_is_taken_off(desk: Desk, pictures: Path) -> None:
    source = SourceSpec(SourceKind.FILE, str(pictures))
    desk.live.controller.open_source(source)
    desk.show_picture()
    desk.poll()
    assert str(pictures) in desk.live.memory.settings.recent_files
    for file in pictures.iterdir():
        file.unlink()
    told: list[Any] = []
    desk.live.controller.notice.connect(told.append)
    desk.live.controller.open_source(source)
    assert "no longer exists" in told[-1].message
    assert str(pictures) not in desk.live.memory.settings.recent_files


def test_an_empty_folder_says_what_was_expected(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told: list[Any] = []
    desk.live.controller.notice.connect(told.append)
    desk.live.controller.open_text(str(tmp_path / "empty"))
    assert "nor a folder of images" in told[-1].message
