"""The label overlay of recordings and annotated videos: the same as in the window, but drawn without Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from slowfast_live.colors import LABEL_OVERLAY, action_color
from slowfast_live.core.readout_text import Tone, readout_text
from slowfast_live.types import U8, Readout, ReadoutState

_COLORS = {Tone.PLAIN: LABEL_OVERLAY.text, Tone.QUIET: LABEL_OVERLAY.quiet, Tone.AMBER: LABEL_OVERLAY.amber}
GRID = 8
"""Unit of the layout in pixels, at the reference size."""
_HEADLINE = 28
_LINE = 4.5 * GRID
_REFERENCE = 640, 540
"""Width and height, in pixels, of a frame on which the overlay is as large as in the window."""
_SMALLEST, _LARGEST = 0.5, 6.0
_SHARPNESS = 4
"""Supersampling factor for shapes, which gives them smooth edges; text is antialiased anyway."""
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Words:
    """Content of the overlay.

    Attributes:
        headline: The main text.
        value: Text at the right end, "" for none.
        color: Text color, "#rrggbb".
        edge: Color of the mark at the left edge; None if there is no action.
    """

    headline: str
    value: str
    color: str
    edge: str | None = None


def words_of(readout: Readout) -> Words | None:
    """Return the overlay's content for a readout; None if there is no model and thus nothing to show."""
    if readout.state is ReadoutState.NO_MODEL:
        return None
    text = readout_text(readout)
    color = _COLORS[text.tone]
    return Words(text.headline, text.value, color, action_color(text.action) if text.action else None)


def draw(image: U8, readout: Readout) -> U8:
    """Return a copy of a frame with the overlay in its lower left corner; the frame itself if there is nothing to show.

    Args:
        image: uint8 (H, W, 3), BGR.
        readout: What to show.
    """
    words = words_of(readout)
    height, width = image.shape[:2]
    if words is None or min(height, width) < 4 * GRID:
        return image
    patch, cover = _label_box(words, width, height)
    margin = min(round(2 * GRID * scale_of(width, height)), width - patch.shape[1], height - patch.shape[0])
    return blended(image, patch, cover, top=height - margin - patch.shape[0], left=margin)


def blended(image: U8, patch: NDArray[np.uint16], cover: NDArray[np.uint16], *, top: int, left: int) -> U8:
    """Return a copy of a frame with a patch over it.

    Args:
        image: uint8 (H, W, 3), BGR.
        patch: BGR multiplied by the coverage, uint16 (h, w, 3).
        cover: The coverage, uint16 (h, w, 1), 0..256.
        top: Row of the patch's upper edge.
        left: Column of its left edge.
    """
    result = image.copy()
    below = result[top : top + patch.shape[0], left : left + patch.shape[1]]
    # `cover` ranges from 0 to 256, so that a shift replaces the division; the sum of both terms stays below 2**16.
    below[:] = (below * (256 - cover) + patch) >> 8
    return result


def scale_of(width: int, height: int) -> float:
    """Return how much larger the overlay is on a frame of this size than in the window."""
    return min(_LARGEST, max(_SMALLEST, min(width / _REFERENCE[0], height / _REFERENCE[1])))


@lru_cache(maxsize=64)
def _label_box(words: Words, width: int, height: int) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Draw the overlay for frames of this size.

    Returns:
        BGR multiplied by the coverage, uint16 (h, w, 3), and the coverage itself, uint16 (h, w, 1), 0..256.
    """
    scale = scale_of(width, height)
    unit = GRID * scale
    font = font_of(_HEADLINE * scale)
    widest = width - 4 * unit
    value_width = font.getlength(words.value) + 2 * unit if words.value else 0.0
    lines = _lines(words.headline, font, widest - 4 * unit - value_width)
    inner = max(max(font.getlength(line) for line in lines) + value_width, 35 * unit)
    box_width = max(1, round(min(inner + 4 * unit, widest)))
    line_height = _LINE * scale
    box_height = max(1, min(round(3 * unit + line_height * len(lines)), height))
    picture = Image.new("RGB", (box_width, box_height), LABEL_OVERLAY.ground)
    pen = ImageDraw.Draw(picture)
    if words.edge is not None:
        bar = (0, round(unit), max(1, round(unit / 2)) - 1, box_height - round(unit) - 1)
        pen.rectangle(bar, fill=words.edge)
    middle = 1.5 * unit + line_height / 2
    for number, line in enumerate(lines):
        place = (2 * unit, middle + number * line_height)
        pen.text(place, line, font=font, fill=words.color, anchor="lm")
    pen.text((box_width - 2 * unit, middle), words.value, font=font, fill=words.color, anchor="rm")
    cover = cover_of(picture, unit)
    bgr = np.asarray(picture, np.uint16)[:, :, ::-1]
    return bgr * cover, cover


def cover_of(picture: Image.Image, radius: float) -> NDArray[np.uint16]:
    """Return the coverage of each pixel: the background is translucent, text is opaque."""
    size = picture.width * _SHARPNESS, picture.height * _SHARPNESS
    shape = Image.new("L", size, 0)
    ImageDraw.Draw(shape).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius * _SHARPNESS, fill=255)
    inside = np.asarray(shape.resize(picture.size, Image.Resampling.BOX), np.float32) / 255
    ground = np.asarray(Image.new("RGB", (1, 1), LABEL_OVERLAY.ground), np.float32)
    ink = np.minimum(1, np.abs(np.asarray(picture, np.float32) - ground).max(axis=2) / 128)
    alpha = inside * (LABEL_OVERLAY.ground_alpha + (1 - LABEL_OVERLAY.ground_alpha) * ink)
    return np.asarray(np.round(alpha * 256)[:, :, None], np.uint16)


@lru_cache(maxsize=8)
def font_of(size: float) -> ImageFont.FreeTypeFont:
    """Return the overlay's font in a size in pixels."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):  # a Pillow without FreeType; the official wheels have it
        raise RuntimeError("Pillow was built without FreeType; reinstall the package 'pillow'")
    return font


def _lines(text: str, font: ImageFont.FreeTypeFont, room: float) -> list[str]:
    """Break a headline into one or two lines; the last one is shortened if the text is still too long."""
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
