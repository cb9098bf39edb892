"""Links take the color of the theme, also of the one that is chosen later."""

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from slowfast_live.ui.style.link_label import LinkLabel


def colors(label: LinkLabel) -> set[str]:
    image = label.grab().toImage()
    return {image.pixelColor(x, y).name() for y in range(image.height()) for x in range(image.width())}


@pytest.fixture
def application(qapp: QApplication) -> Iterator[QApplication]:
    before = qapp.palette()
    yield qapp
    qapp.setPalette(before)


def test_links_follow_the_palette(qtbot: QtBot, application: QApplication) -> None:
    label = LinkLabel('deleted · <a href="undo">Undo</a>')
    qtbot.addWidget(label)
    label.show()
    for color, other in (("#ff0000", "#00aa00"), ("#00aa00", "#ff0000")):
        palette = QPalette(application.palette())
        palette.setColor(QPalette.ColorRole.Link, QColor(color))
        application.setPalette(palette)
        application.processEvents()
        assert color in colors(label) and other not in colors(label)
