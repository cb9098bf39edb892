"""Each action keeps its colour everywhere: bars, timeline, exports."""

from __future__ import annotations

import colorsys
import hashlib
from functools import lru_cache

from slowfast_live.ui.theme import contrast

_GROUND = {"light": "#ffffff", "dark": "#1d2025", "plate": "#424448"}
"""The grounds that a colour must stand out from: panels of both themes, the plate over a white picture."""
_LEAST = {"light": 4.5, "dark": 4.5, "plate": 3.0}
"""Least contrast: text size on panels; on the plate only bars are drawn in it (WCAG 1.4.11 asks 3)."""
_HUES = 36
_SATURATION = 0.62


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
