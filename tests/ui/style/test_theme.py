from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QApplication

from slowfast_live import colors
from slowfast_live.colors import LABEL_OVERLAY, contrast
from slowfast_live.ui.style import icons
from slowfast_live.ui.style.palette import DARK, LIGHT, Theme
from slowfast_live.ui.style.theme import ThemeManager, blend, style_sheet
from tests.ui.fakes import LABELS

PAIRS = [
    (text, ground) for text in ("text", "quiet", "accent", "amber", "red") for ground in ("window", "surface", "sunken")
] + [
    ("text", "hover"),
    ("text", "accent_ground"),
    ("quiet", "accent_ground"),
    ("accent", "accent_ground"),
    ("on_accent", "accent"),
    ("amber", "amber_ground"),
    ("text", "amber_ground"),
    ("quiet", "amber_ground"),
    ("red", "red_ground"),
    ("text", "red_ground"),
    ("quiet", "red_ground"),
    ("text", "letterbox"),
    ("quiet", "letterbox"),
]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read(theme: Theme, text: str, ground: str) -> None:
    assert contrast(getattr(theme, text), getattr(theme, ground)) >= 4.5


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("ground", ["window", "surface"])
def test_controls_have_visible_edges(theme: Theme, ground: str) -> None:
    assert contrast(theme.control_border, getattr(theme, ground)) >= 3


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_overlay_can_be_read_over_any_picture(pixel: tuple[int, int, int]) -> None:
    ground = blend(LABEL_OVERLAY.ground, QColor(*pixel).name(), LABEL_OVERLAY.ground_alpha)
    for text in (LABEL_OVERLAY.text, LABEL_OVERLAY.quiet, LABEL_OVERLAY.amber):
        assert contrast(text, ground) >= 4.5


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)


@given(st.text(min_size=1, max_size=30))
def test_an_action_stands_out_on_every_ground(label: str) -> None:
    assert contrast(colors.action_color(label, "light"), LIGHT.surface) >= 4.5
    assert contrast(colors.action_color(label, "dark"), DARK.surface) >= 4.5
    plate = blend(LABEL_OVERLAY.ground, "#ffffff", LABEL_OVERLAY.ground_alpha)
    assert contrast(colors.action_color(label), plate) >= 3


def test_an_action_keeps_its_color() -> None:
    assert colors.action_color("Jumping Jacks") == colors.action_color("jumping jacks")
    assert len({colors.action_color(label) for label in LABELS}) > 1
    # Stable over runs and machines: exports and the window must agree.
    before = [colors.action_color(label) for label in LABELS]
    assert [colors.action_color(label) for label in LABELS] == before


def test_style_sheet_fills_every_token() -> None:
    for theme in (LIGHT, DARK):
        sheet = style_sheet(theme, "/arrow.svg")
        assert "$" not in sheet
        assert theme.accent in sheet


def test_theme_follows_the_system_and_the_user(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    scheme = [Qt.ColorScheme.Light]
    hints = QGuiApplication.styleHints()
    monkeypatch.setattr(type(hints), "colorScheme", lambda _self: scheme[0])
    manager = ThemeManager(qapp, "auto")
    seen: list[str] = []
    manager.changed.connect(lambda theme: seen.append(theme.name))
    assert manager.theme is LIGHT
    scheme[0] = Qt.ColorScheme.Dark
    hints.colorSchemeChanged.emit(scheme[0])
    assert manager.theme is DARK
    assert qapp.palette().window().color().name() == DARK.window
    manager.set_mode("light")
    assert manager.theme is LIGHT
    hints.colorSchemeChanged.emit(scheme[0])
    assert manager.theme is LIGHT, "a choice stands against the system"
    assert seen == ["dark", "light"]
    manager.set_mode("auto")
    manager.close()
    scheme[0] = Qt.ColorScheme.Light
    hints.colorSchemeChanged.emit(scheme[0])
    assert manager.theme is DARK, "a window that is closed restyles nothing"


def test_icons_are_drawn(qapp: QApplication) -> None:
    for name in icons.names():
        picture = icons.pixmap(name, "#ff0000", 20, 2.0).toImage()
        assert picture.width() == 40
        colors_seen = {picture.pixelColor(x, y).name() for x in range(40) for y in range(40)}
        assert "#ff0000" in colors_seen, name
