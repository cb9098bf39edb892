"""The colors of the light and the dark theme."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """The colors of one theme, as "#rrggbb".

    `text`, `quiet`, `accent`, `amber` and `red` are legible on `window`, `surface` and `sunken`; `on_accent` on
    `accent`; `amber` on `amber_ground` and `red` on `red_ground`. The `plate_*` colors are drawn over the video.
    """

    name: str
    window: str
    surface: str
    sunken: str
    hover: str
    border: str
    control_border: str
    text: str
    quiet: str
    disabled: str
    accent: str
    on_accent: str
    accent_ground: str
    amber: str
    amber_ground: str
    red: str
    red_ground: str
    letterbox: str
    bar_ground: str

    @property
    def dark(self) -> bool:
        """Whether this is light text on a dark background."""
        return self.name == "dark"


LIGHT = Theme(
    name="light",
    window="#f4f5f7",
    surface="#ffffff",
    sunken="#eceef1",
    hover="#e6e9ed",
    border="#d9dde3",
    control_border="#848d99",
    text="#1a1e24",
    quiet="#545d69",
    disabled="#9aa2ad",
    accent="#0a5cc4",
    on_accent="#ffffff",
    accent_ground="#dfeafa",
    amber="#7a4b00",
    amber_ground="#fff0cf",
    red="#a8231c",
    red_ground="#fde8e6",
    letterbox="#dfe2e7",
    bar_ground="#e3e6eb",
)
DARK = Theme(
    name="dark",
    window="#15171b",
    surface="#1d2025",
    sunken="#101215",
    hover="#2a2e35",
    border="#30353d",
    control_border="#747d8a",
    text="#e9ebee",
    quiet="#a6aeb9",
    disabled="#666e79",
    accent="#6cb2ff",
    on_accent="#08182b",
    accent_ground="#1d3350",
    amber="#f3bd55",
    amber_ground="#352a12",
    red="#ff9388",
    red_ground="#3b1d1c",
    letterbox="#0b0c0e",
    bar_ground="#30353d",
)
