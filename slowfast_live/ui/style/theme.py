"""The app's look: design tokens, the light and dark palettes, and the style sheet generated from them."""

from __future__ import annotations

from functools import lru_cache
from string import Template
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from slowfast_live.ui.style import icons
from slowfast_live.ui.style.palette import DARK, LIGHT, Theme

Mode = Literal["auto", "light", "dark"]

GRID = 8
"""Base unit of the layout grid in logical pixels; every distance is a multiple (or a half) of it."""
TEXT, TEXT_LARGE, TEXT_HUGE = 13, 16, 28
"""The three text sizes, in logical pixels."""
REGULAR, STRONG = QFont.Weight.Normal, QFont.Weight.DemiBold
"""The two font weights."""
RADIUS = 6
FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans")


def blend(top: str, bottom: str, alpha: float) -> str:
    """Return `top` blended over `bottom` with opacity `alpha`, as "#rrggbb"."""
    above, below = QColor(top), QColor(bottom)
    channels = zip(above.getRgb()[:3], below.getRgb()[:3], strict=True)  # type: ignore[index]
    red, green, blue = (round(a * alpha + b * (1 - alpha)) for a, b in channels)
    return QColor(red, green, blue).name()


@lru_cache(maxsize=16)
def font(size_px: int = TEXT, weight: QFont.Weight = REGULAR) -> QFont:
    """Return the app's font with tabular figures, so that changing numbers do not jitter.

    The font is shared: copy it before changing it.
    """
    result = QFont(_family())
    result.setPixelSize(size_px)
    result.setWeight(weight)
    if hasattr(QFont, "Tag"):  # Qt 6.7
        result.setFeature(QFont.Tag("tnum"), 1)
    return result


def _family() -> str:
    """Return the font family: the system's own if it names a real one, else the first available of `FAMILIES`."""
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
    if system not in ("Sans Serif", "Sans", ""):
        return system
    present = set(QFontDatabase.families())
    return next((family for family in FAMILIES if family in present), system)


def palette(theme: Theme) -> QPalette:
    """Return the Qt palette for everything that the style sheet does not cover."""
    role = QPalette.ColorRole
    result = QPalette()
    for which, color in (
        (role.Window, theme.window),
        (role.WindowText, theme.text),
        (role.Base, theme.surface),
        (role.AlternateBase, theme.sunken),
        (role.Text, theme.text),
        (role.Button, theme.surface),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.red),
        (role.ToolTipBase, theme.surface),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.quiet),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Link, theme.accent),
        (role.Mid, theme.border),
    ):
        result.setColor(which, QColor(color))
    for which in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        result.setColor(QPalette.ColorGroup.Disabled, which, QColor(theme.disabled))
    return result


_SHEET = Template("""
QWidget { font-size: ${text_px}px; color: $text; }
QMainWindow, QDialog, QWidget#root, QWidget#bar, QWidget#transport, QWidget#panel { background: $window; }
QToolTip { background: $surface; color: $text; border: 1px solid $border; padding: 4px 8px; }
QLabel { background: transparent; }
QLabel[tone="quiet"] { color: $quiet; }
QLabel[tone="amber"] { color: $amber; }
QLabel[tone="red"] { color: $red; }
QLabel[scale="large"] { font-size: ${large_px}px; font-weight: 600; }
QLabel[strong="true"] { font-weight: 600; }

QComboBox, QLineEdit, QDoubleSpinBox {
  background: $surface; border: 1px solid $control_border; border-radius: ${radius}px;
  padding: 0 8px; min-height: 30px; selection-background-color: $accent; selection-color: $on_accent;
}
QDoubleSpinBox QLineEdit, QDoubleSpinBox QLineEdit:focus {
  border: none; padding: 0 6px; min-height: 0; background: transparent;
}
QDoubleSpinBox::up-button, QDoubleSpinBox::down-button { width: 0; border: none; }
QComboBox:hover, QLineEdit:hover, QDoubleSpinBox:hover { background: $hover; }
QComboBox:focus, QLineEdit:focus, QDoubleSpinBox:focus {
  border: 2px solid $accent; padding: 0 7px; min-height: 28px; /* as large as without the focus */
}
QComboBox:disabled, QLineEdit:disabled, QDoubleSpinBox:disabled { color: $disabled; border-color: $border; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url($arrow); width: 12px; height: 12px; }
QComboBox QAbstractItemView {
  background: $surface; border: 1px solid $border; outline: none; padding: 4px;
  selection-background-color: $accent_ground; selection-color: $text;
}
QComboBox QAbstractItemView::item { min-height: 28px; padding: 0 8px; border-radius: 4px; }
QComboBox QAbstractItemView::item:selected { background: $accent_ground; color: $text; }
QComboBox QAbstractItemView::item:disabled { color: $disabled; }

QToolButton, QPushButton {
  background: transparent; border: 1px solid transparent; border-radius: ${radius}px; padding: 0 8px;
  min-height: 30px; /* no least width: it would let a button become narrower than its text */
}
QPushButton { border-color: $control_border; background: $surface; padding: 0 16px; }
QToolButton:hover, QPushButton:hover { background: $hover; }
QToolButton:pressed, QPushButton:pressed { background: $border; }
QToolButton:checked { background: $accent_ground; color: $accent; }
QToolButton:focus, QPushButton:focus { border: 2px solid $accent; padding: 0 7px; min-height: 28px; }
QPushButton:focus { padding: 0 15px; }
QToolButton:disabled, QPushButton:disabled { color: $disabled; }
QToolButton::menu-indicator { image: none; }
QToolButton#record { font-weight: 600; }
QToolButton#record[recording="true"] { background: $red_ground; color: $red; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QPushButton:default { background: $accent; color: $on_accent; border-color: $accent; }
QPushButton:default:focus { border: 2px solid $text; }
QToolButton#section { font-weight: 600; color: $quiet; text-align: left; padding-left: 4px; }
QToolButton#section:checked, QToolButton#section:hover { background: transparent; color: $text; }

QSlider { min-height: 30px; background: transparent; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $groove; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal {
  width: 14px; height: 14px; margin: -6px 0; border-radius: 8px; background: $accent;
  border: 1px solid $window;
}
QSlider::handle:horizontal:hover { background: $text; }
QSlider::handle:horizontal:focus { border: 2px solid $text; margin: -7px 0; border-radius: 9px; }
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled { background: $disabled; }

QTabBar { background: $window; }
QTabBar::tab {
  background: transparent; color: $quiet; padding: 0 6px; min-height: 32px; border: 2px solid transparent;
}
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; font-weight: 600; border-bottom-color: $accent; }
QTabBar::tab:focus { border-color: $accent; }
QLineEdit#cell, QLineEdit#cell:focus { border: 2px solid $accent; border-radius: 0; padding: 0 4px; min-height: 0; }

QProgressBar { background: transparent; border: none; max-height: 2px; min-height: 2px; }
QProgressBar::chunk { background: $accent; }
QProgressBar#build { max-height: 6px; min-height: 6px; border-radius: 3px; background: $groove; }
QProgressBar#build::chunk { border-radius: 3px; }

QScrollArea { border: none; background: $window; }
QScrollArea > QWidget > QWidget { background: $window; }
QWidget#panel { border-left: 1px solid $border; }
QFrame#rule { background: $border; border: none; max-height: 1px; min-height: 1px; }
QListView {
  background: $surface; border: 1px solid $border; border-radius: ${radius}px; padding: 4px; outline: none;
}
QListView:focus, QPlainTextEdit:focus { border: 2px solid $accent; padding: 3px; }
QListView::item { min-height: 24px; padding: 0 4px; border-radius: 4px; }
QListView::item:selected { background: $accent_ground; color: $text; }
QPlainTextEdit, QTextBrowser {
  background: $surface; border: 1px solid $border; border-radius: ${radius}px; padding: 4px;
}
QTextBrowser#paper { background: #ffffff; color: #1a1e24; }
QTextBrowser:focus { border: 2px solid $accent; padding: 3px; }
QTableView {
  background: $surface; border: 1px solid $border; border-radius: ${radius}px; outline: none;
  selection-background-color: $accent_ground; selection-color: $text;
}
QTableView:focus { border: 2px solid $accent; }
QTableView::item { padding: 0 5px; border: none; } /* with the 3 that Qt adds: as the headings */
QTableView::item:selected { background: $accent_ground; color: $text; }
QTableView#events::item { padding: 0 4px; }
QTableView#events QHeaderView::section { padding: 6px 4px; }
QTableView#events QHeaderView::up-arrow, QTableView#events QHeaderView::down-arrow { width: 8px; height: 8px; }
QHeaderView { background: $surface; border: none; }
QHeaderView::section {
  background: $surface; color: $quiet; border: none; border-bottom: 1px solid $border; padding: 6px 8px;
}
QHeaderView::section:hover { color: $text; background: $hover; }
QTableCornerButton::section { background: $surface; border: none; }
QCheckBox { spacing: 6px; min-height: 30px; }
QCheckBox:disabled { color: $disabled; }
QCheckBox::indicator, QListView::indicator {
  width: 14px; height: 14px; background: $surface; border: 1px solid $control_border; border-radius: 4px;
}
QCheckBox::indicator:hover, QListView::indicator:hover { background: $hover; }
QCheckBox::indicator:checked, QListView::indicator:checked {
  background: $accent; border-color: $accent; image: url($check);
}
QCheckBox::indicator:focus { border: 2px solid $text; width: 12px; height: 12px; }
QCheckBox::indicator:disabled, QListView::indicator:disabled { background: $sunken; border-color: $border; }
QCheckBox::indicator:checked:disabled, QListView::indicator:checked:disabled {
  background: $disabled; border-color: $disabled;
}
QRadioButton { spacing: 6px; min-height: 24px; }
QRadioButton:disabled { color: $disabled; }
QRadioButton::indicator {
  width: 14px; height: 14px; background: $surface; border: 1px solid $control_border; border-radius: 8px;
}
QRadioButton::indicator:hover { background: $hover; }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 5px solid $accent; background: $on_accent; }
QRadioButton::indicator:focus { border: 2px solid $text; width: 12px; height: 12px; }
QRadioButton::indicator:checked:focus { background: $accent; }
QRadioButton::indicator:disabled { background: $sunken; border-color: $border; }
QRadioButton::indicator:checked:disabled { background: $sunken; border-color: $disabled; }
QPushButton#primary { background: $accent; color: $on_accent; border-color: $accent; }
QPushButton#primary:focus { border: 2px solid $text; }
QPushButton#primary:disabled { background: $sunken; color: $disabled; border-color: $border; }
QLabel#command {
  background: $surface; border: 1px solid $border; border-radius: ${radius}px; padding: 6px 8px;
}
QWidget#missing { background: $amber_ground; border-radius: ${radius}px; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $handle; border-radius: 3px; min-height: 32px; margin: 2px; }
QScrollBar::handle:hover { background: $quiet; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {
  background: transparent; border: none; width: 0; height: 0;
}

QFrame#card { background: $window; border: 1px solid $control_border; border-radius: 10px; }
QListView#gallery { background: transparent; border: 2px solid transparent; padding: 0; }
QListView#gallery:focus { border: 2px solid $accent; padding: 0; }
QMenuBar { background: $window; border: none; padding: 2px 4px; spacing: 0; }
QMenuBar::item { background: transparent; padding: 4px 10px; border-radius: 4px; }
QMenuBar::item:selected { background: $hover; }
QMenuBar::item:pressed { background: $accent_ground; }
QFrame#presenting { background: $surface; border: 1px solid $control_border; border-radius: ${radius}px; }
QSplitter#divider::handle { background: $window; }
QSplitter#divider::handle:hover { background: $accent_ground; }
QTabWidget::pane { border: none; padding-top: 8px; }
QMenu { background: $surface; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 6px 24px 6px 28px; border-radius: 4px; }
QMenu::item:selected { background: $accent_ground; color: $text; }
QMenu::item:disabled { color: $disabled; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QMenu::indicator { width: 14px; height: 14px; left: 8px; }

QWidget#notice { border: 1px solid $control_border; border-radius: ${radius}px; }
QWidget#notice QLabel#mark, QWidget#notice QLabel { padding-top: 6px; }
QWidget#notice[level="info"] { background: $accent_ground; }
QWidget#notice[level="warning"] { background: $amber_ground; }
QWidget#notice[level="error"] { background: $red_ground; }
QWidget#notice QToolButton#act { border-color: $control_border; background: $surface; }
QWidget#notice QToolButton#act:hover { background: $hover; }
QWidget#notice QToolButton#act:focus { border: 2px solid $accent; }
QWidget#notice[level="warning"] QLabel#mark { color: $amber; }
QWidget#notice[level="error"] QLabel#mark { color: $red; }
QWidget#notice[level="info"] QLabel#mark { color: $accent; }
QLabel#mark { font-weight: 600; }
QLabel#key {
  background: $surface; border: 1px solid $control_border; border-radius: 4px; padding: 1px 8px;
  font-weight: 600;
}
""")


def style_sheet(theme: Theme, arrow: str = "", check: str = "") -> str:
    """Return the app's style sheet.

    Args:
        theme: The colors.
        arrow: Path of the dropdown arrow's image, with forward slashes.
        check: Path of the check mark's image.
    """
    colors = {name: getattr(theme, name) for name in Theme.__slots__}
    return _SHEET.substitute(
        colors,
        text_px=TEXT,
        large_px=TEXT_LARGE,
        radius=RADIUS,
        arrow=arrow,
        check=check,
        groove=blend(theme.control_border, theme.window, 0.45),
        handle=blend(theme.control_border, theme.window, 0.6),
    )


class ThemeManager(QObject):
    """Applies a theme to the app and follows the system's color scheme in mode "auto".

    Args:
        app: The application to style.
        mode: The initial mode.
    """

    changed = Signal(object)
    """Emitted with the new `Theme`."""

    def __init__(self, app: QApplication, mode: Mode = "auto") -> None:
        super().__init__()
        self._app = app
        self._mode: Mode = mode
        self._theme: Theme | None = None
        app.setStyle("Fusion")
        app.setFont(font())
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow)
        self._apply()

    @property
    def theme(self) -> Theme:
        """The current theme."""
        return self._theme or LIGHT

    @property
    def mode(self) -> Mode:
        """The selected mode."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """Select light, dark, or the system's color scheme."""
        self._mode = mode
        self._apply()

    def close(self) -> None:
        """Stop following the system's color scheme."""
        QGuiApplication.styleHints().colorSchemeChanged.disconnect(self._follow)

    def _follow(self) -> None:
        if self._mode == "auto":
            self._apply()

    def _wanted(self) -> Theme:
        if self._mode != "auto":
            return DARK if self._mode == "dark" else LIGHT
        return DARK if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT

    def _apply(self) -> None:
        theme = self._wanted()
        if theme is self._theme:
            return
        self._theme = theme
        self._app.setPalette(palette(theme))
        self._app.setStyleSheet(
            style_sheet(theme, icons.file("chevron-down", theme.quiet), icons.file("check", theme.on_accent))
        )
        self.changed.emit(theme)
