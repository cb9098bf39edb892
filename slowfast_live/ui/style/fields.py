"""Input fields that look the same everywhere."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDoubleSpinBox

from slowfast_live.ui.style.theme import GRID


def number_field(
    least: float, most: float, decimals: int, step: float, unit: str = "", width: int = 14 * GRID
) -> QDoubleSpinBox:
    """Return a number field with centered text and a fixed width.

    Args:
        least: Minimum value.
        most: Maximum value.
        decimals: Digits after the decimal point.
        step: Increment of one arrow key press.
        unit: Unit shown after the number; "" for none.
        width: In logical pixels.
    """
    field = QDoubleSpinBox()
    field.setRange(least, most)
    field.setDecimals(decimals)
    field.setSingleStep(step)
    if unit:
        field.setSuffix(f" {unit}")
    field.setAlignment(Qt.AlignmentFlag.AlignCenter)
    field.setFixedSize(width, 4 * GRID)  # same height as the other fields
    return field
