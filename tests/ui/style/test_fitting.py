"""On a small screen (1920x1080 at 200 %) the window and every dialog open within it."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog

from slowfast_live.ui.style import fitting
from tests.ui.conftest import Desk, make_desk
from tests.ui.dialogs import DIALOGS

__all__ = ["make_desk"]

SMALL = QSize(944, 492)
"""960 x 540 less frame and title."""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "room", lambda window: SMALL)


def fits(size: QSize) -> bool:
    return size.width() <= SMALL.width() and size.height() <= SMALL.height()


@pytest.mark.usefixtures("small")
def test_the_window_opens_within_the_screen(make_desk: Callable[..., Desk]) -> None:
    window = make_desk().window
    assert fits(window.size()) and fits(window.minimumSizeHint()), (window.size(), window.minimumSizeHint())


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", DIALOGS)
def test_a_dialog_opens_within_the_screen(make_desk: Callable[..., Desk], name: str) -> None:
    dialog: QDialog = DIALOGS[name](make_desk())
    try:
        assert fits(dialog.size()), dialog.size()
    finally:
        dialog.close()


def test_without_a_screen_nothing_limits(make_desk: Callable[..., Desk]) -> None:
    assert make_desk().window.size() == QSize(1280, 800)
