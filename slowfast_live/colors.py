"""Consistent colors of actions in bars, timeline and reports. Does not depend on Qt."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelOverlay:
    """Colors of the overlay, the same in both themes, because the picture below is neither light nor dark.

    `ground` is "#rrggbb", `ground_alpha` 0..1: enough for every text on it to be legible over a white picture.
    """

    ground: str = "#0d1014"
    ground_alpha: float = 0.80
    text: str = "#ffffff"
    quiet: str = "#d3d8df"
    amber: str = "#ffc861"
    bar_ground_alpha: float = 0.20


LABEL_OVERLAY = LabelOverlay()


PALETTE: tuple[tuple[str, str], ...] = (
    ("#2c2de8", "#cab4fd"),
    ("#6f0124", "#ff5d79"),
    ("#058046", "#a2ffc0"),
    ("#5c5202", "#d6c10b"),
    ("#003a49", "#09a3c7"),
    ("#b70482", "#fec5e3"),
    ("#4d2e00", "#d18508"),
    ("#065d46", "#17d8a8"),
    ("#5b0077", "#d861fe"),
    ("#657701", "#d6fa0e"),
)
"""Ten colors, each on a light and on a dark ground. They were searched for so that any two of them are as far apart as
possible in CIELAB, for people with normal vision and with each kind of color blindness (`tests/test_colors.py`)."""
PATTERNS = ("plain", "stripes", "dots")
"""What tells actions apart that have the same color: of more than ten, the next ten are striped, then dotted."""
_LOOKS = len(PALETTE) * len(PATTERNS)
_places: dict[str, int] = {}


def use_labels(labels: Sequence[str]) -> None:
    """Give each action of a model a color of its own, in the order of its labels; neighbors never share one.

    Labels that no model in use knows, such as names that the user made up, keep a color that depends on the name only.
    """
    _places.clear()
    _places.update({label.casefold(): place for place, label in enumerate(labels)})


def _place(label: str) -> int:
    if (known := _places.get(label.casefold())) is not None:
        return known % _LOOKS
    digest = hashlib.blake2b(label.casefold().encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _LOOKS


def action_color(label: str, ground: str = "plate") -> str:
    """Return the color of an action, "#rrggbb".

    Args:
        label: The action.
        ground: "light", "dark" (a theme's name) or "plate" (over the picture).
    """
    light, dark = PALETTE[_place(label) % len(PALETTE)]
    return light if ground == "light" else dark


def action_pattern(label: str) -> str:
    """Return the pattern of an action, one of `PATTERNS`."""
    return PATTERNS[_place(label) // len(PALETTE)]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors "#rrggbb", 1..21 (WCAG 2.2, relative luminance of sRGB)."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(color: str) -> float:
    values = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in values)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


_IDENTITIES = ("#4cc9f0", "#ffb347", "#b9f27c", "#f78fb3", "#c8a2ff", "#ffe066", "#5eead4", "#ff8a80")
"""Colors of people over the picture; neighbors differ in hue and brightness, also for color-blind eyes."""
_DARK_IDENTITIES = ("#0b6e8f", "#a04d00", "#3f7210", "#b3265e", "#6a3cc0", "#7a5d00", "#00706a", "#b3271c")
"""The same hues, dark enough for a light ground."""


def identity_color(identity: int, ground: str = "plate") -> str:
    """Return the color of a person, "#rrggbb"; the same for the same identity.

    Args:
        identity: The person.
        ground: "light", "dark" (a theme's name) or "plate" (over the picture).
    """
    colors = _DARK_IDENTITIES if ground == "light" else _IDENTITIES
    return colors[(identity - 1) % len(colors)]
