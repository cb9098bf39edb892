"""Each action keeps its colour everywhere: bars, timeline, reports. No Qt here."""

from __future__ import annotations

import colorsys
import hashlib
from dataclasses import dataclass
from functools import lru_cache

_GROUND = {"light": "#ffffff", "dark": "#1d2025", "plate": "#424448"}
"""The grounds that a colour must stand out from: panels of both themes, the plate over a white picture."""
_LEAST = {"light": 4.5, "dark": 4.5, "plate": 3.0}
"""Least contrast: text size on panels; on the plate only bars are drawn in it (WCAG 1.4.11 asks 3)."""
_HUES = 36
_SATURATION = 0.62


@dataclass(frozen=True, slots=True)
class Plate:
    """The overlay's colours: the same in both themes, because the picture below is neither light nor dark.

    `ground` is "#rrggbb", `ground_alpha` 0..1: enough for every text on it over a white picture.
    """

    ground: str = "#0d1014"
    ground_alpha: float = 0.80
    text: str = "#ffffff"
    quiet: str = "#d3d8df"
    amber: str = "#ffc861"
    bar_ground_alpha: float = 0.20


PLATE = Plate()


def hue(label: str) -> float:
    """Return the hue of an action, 0..1: the same on every machine and in every run."""
    digest = hashlib.blake2b(label.casefold().encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _HUES / _HUES


@lru_cache(maxsize=2048)
def action_colour(label: str, ground: str = "plate") -> str:
    """Return the colour of an action, "#rrggbb".

    The hue follows from the label alone; the lightness is the first one, going away from the ground, that
    stands out enough from it.

    Args:
        label: The action.
        ground: "light", "dark" (a theme's name) or "plate" (over the picture).
    """
    against, least = _GROUND[ground], _LEAST[ground]
    steps = range(50, 0, -1) if ground == "light" else range(60, 100)
    colour = against
    for step in steps:
        red, green, blue = colorsys.hls_to_rgb(hue(label), step / 100, _SATURATION)
        colour = f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
        if contrast(colour, against) >= least:
            return colour
    return colour


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours "#rrggbb", 1..21 (WCAG 2.2, relative luminance of sRGB)."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    values = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
