"""What of a picture can be compared: its pixels, and what is drawn in it as edges."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

import slowfast_live.ui

UI = Path(slowfast_live.ui.__file__).parent
Pixels = NDArray[np.int16]
Mask = NDArray[np.bool_]


def pixels_of(image: QImage) -> Pixels:
    """int16 (height, width, 3)."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return rows[:, : image.width(), :3].astype(np.int16)


def shot(widget: QWidget) -> Pixels:
    """The widget's pixels, painted now."""
    return pixels_of(widget.grab().toImage())


def changed(one: Pixels, other: Pixels, least: int = 1) -> Mask:
    """Where two pictures differ, (height, width)."""
    return np.abs(one - other).max(axis=-1) >= least


def edges(pixels: Pixels, least: int) -> Mask:
    """Where a pixel differs from its right or its lower neighbour: the outlines of what is drawn."""
    found = np.zeros(pixels.shape[:2], bool)
    found[:, :-1] |= changed(pixels[:, :-1], pixels[:, 1:], least)
    found[:-1] |= changed(pixels[:-1], pixels[1:], least)
    return found


def classes(folder: Path = UI) -> Iterator[tuple[Path, ast.ClassDef]]:
    """Every class of the window's code."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield path, node


def functions(folder: Path = UI) -> Iterator[tuple[Path, ast.FunctionDef]]:
    """Every function and method of the window's code."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield path, node
