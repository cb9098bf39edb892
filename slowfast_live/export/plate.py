"""The overlay of recordings and annotated videos: the window's plate, drawn without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from slowfast_live.colours import PLATE, action_colour
from slowfast_live.types import U8, Readout, ReadoutState

_GRID = 8
_HEADLINE = 28
_LINE = 4.5 * _GRID
_REFERENCE = 640, 540
"""Width and height of a picture on which the plate is as large as in the window, in pixels."""
_SMALLEST, _LARGEST = 0.5, 6.0
_SHARPNESS = 4
"""Shapes are drawn so many times larger and shrunk, for smooth edges; text is smooth by itself."""
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Words:
    """What stands on the plate.

    Attributes:
        headline: The line.
        value: At its right end, "" for nothing.
        colour: Of the text, "#rrggbb".
        edge: Colour of the mark at the left edge; None where there is no action.
    """

    headline: str
    value: str
    colour: str
    edge: str | None = None


def words_of(readout: Readout) -> Words | None:
    """Return what to say of a readout; None where there is nothing to say: no model."""
    match readout.state:
        case ReadoutState.ACTION if readout.label is not None:
            value = f"{round(readout.score * 100)} %"
            return Words(readout.label, value, PLATE.text, action_colour(readout.label))
        case ReadoutState.UNTRAINED:
            return Words("untrained model", "", PLATE.amber)
        case ReadoutState.NO_MODEL:
            return None
        case ReadoutState.RESTING:
            return Words("idle, resting", "", PLATE.quiet)
        case ReadoutState.WARMING_UP | ReadoutState.TOO_SHORT | _:
            return Words(readout.state.value, "", PLATE.quiet)


def draw(image: U8, readout: Readout) -> U8:
    """Return a copy of a picture with the plate in its lower left corner; the picture itself for no words.

    Args:
        image: uint8 (H, W, 3), BGR.
        readout: What to say.
    """
    words = words_of(readout)
    height, width = image.shape[:2]
    if words is None or min(height, width) < 4 * _GRID:
        return image
    patch, cover = _plate(words, width, height)
    margin = min(round(2 * _GRID * _scale(width, height)), width - patch.shape[1], height - patch.shape[0])
    top, left = height - margin - patch.shape[0], margin
    result = image.copy()
    below = result[top : top + patch.shape[0], left : left + patch.shape[1]]
    # `cover` counts from 0 to 256, so that a shift divides; both terms together stay below 2**16.
    below[:] = (below * (256 - cover) + patch) >> 8
    return result


def _scale(width: int, height: int) -> float:
    return min(_LARGEST, max(_SMALLEST, min(width / _REFERENCE[0], height / _REFERENCE[1])))


@lru_cache(maxsize=64)
def _plate(words: Words, width: int, height: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Draw a plate for pictures of this size.

    Returns:
        uint16 (h, w, 3) BGR times cover, and the cover itself, uint16 (h, w, 1), 0..256.
    """
    scale = _scale(width, height)
    unit = _GRID * scale
    font = _font(_HEADLINE * scale)
    widest = width - 4 * unit
    value_width = font.getlength(words.value) + 2 * unit if words.value else 0.0
    lines = _lines(words.headline, font, widest - 4 * unit - value_width)
    inner = max(max(font.getlength(line) for line in lines) + value_width, 35 * unit)
    plate_width = max(1, round(min(inner + 4 * unit, widest)))
    line_height = _LINE * scale
    plate_height = max(1, min(round(3 * unit + line_height * len(lines)), height))
    picture = Image.new("RGB", (plate_width, plate_height), PLATE.ground)
    pen = ImageDraw.Draw(picture)
    if words.edge is not None:
        bar = (0, round(unit), max(1, round(unit / 2)) - 1, plate_height - round(unit) - 1)
        pen.rectangle(bar, fill=words.edge)
    middle = 1.5 * unit + line_height / 2
    for number, line in enumerate(lines):
        place = (2 * unit, middle + number * line_height)
        pen.text(place, line, font=font, fill=words.colour, anchor="lm")
    pen.text((plate_width - 2 * unit, middle), words.value, font=font, fill=words.colour, anchor="rm")
    cover = _cover(picture, unit)
    bgr = np.asarray(picture, np.uint16)[:, :, ::-1]
    return bgr * cover, cover


def _cover(picture: Image.Image, radius: float) -> NDArray[np.uint16]:
    """Return how much of the picture below is hidden: the ground lets some of it through, text nothing."""
    size = picture.width * _SHARPNESS, picture.height * _SHARPNESS
    shape = Image.new("L", size, 0)
    ImageDraw.Draw(shape).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius * _SHARPNESS, fill=255)
    inside = np.asarray(shape.resize(picture.size, Image.Resampling.BOX), np.float32) / 255
    ground = np.asarray(Image.new("RGB", (1, 1), PLATE.ground), np.float32)
    ink = np.minimum(1, np.abs(np.asarray(picture, np.float32) - ground).max(axis=2) / 128)
    alpha = inside * (PLATE.ground_alpha + (1 - PLATE.ground_alpha) * ink)
    return np.asarray(np.round(alpha * 256)[:, :, None], np.uint16)


@lru_cache(maxsize=8)
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):  # a Pillow without FreeType: its wheels have it
        raise RuntimeError("Pillow was built without FreeType; reinstall the package 'pillow'")
    return font


def _lines(text: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """Break a headline into one or two lines; the last is shortened where that is not enough."""
    if font.getlength(text) <= room:
        return [text]
    words = text.split()
    first = ""
    while words and font.getlength(f"{first} {words[0]}".strip()) <= room:
        first = f"{first} {words.pop(0)}".strip()
    lines = [first, " ".join(words)] if first and words else [text]
    return [*lines[:-1], _elided(lines[-1], font, room)]


def _elided(text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + _ELLIPSIS) > room:
        text = text[:-1]
    return text.rstrip() + _ELLIPSIS
