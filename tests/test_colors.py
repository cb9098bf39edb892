"""Actions can be told apart by their colors, by everybody, on every ground."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import pytest

from slowfast_live import colors
from slowfast_live.colors import LABEL_OVERLAY, PALETTE, PATTERNS, action_color, action_pattern, contrast, use_labels
from slowfast_live.inference.spec import Registry
from slowfast_live.ui.style.palette import DARK, LIGHT

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009:
# matrices for linear RGB at full severity.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
LEAST = 14.0
"""Smallest distance in CIELAB (CIE 1976): 2.3 is just noticeable side by side."""


@pytest.fixture(autouse=True)
def no_model_in_use() -> Iterator[None]:
    use_labels(())
    yield
    use_labels(())


def lab(color: str, vision: str) -> np.ndarray:
    rgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISION[vision] @ linear, 0, 1)
    x = XYZ @ seen / XYZ.sum(1)
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])
def test_any_two_colors_are_told_apart(ground: int, vision: str) -> None:
    for one, other in combinations([pair[ground] for pair in PALETTE], 2):
        distance = float(np.linalg.norm(lab(one, vision) - lab(other, vision)))
        assert distance >= LEAST, f"{one} and {other} with {vision}"


def test_the_measure_itself_is_right() -> None:
    assert lab("#ffffff", "normal") == pytest.approx([100, 0, 0], abs=0.1)
    assert lab("#ff0000", "normal") == pytest.approx([53.24, 80.09, 67.20], abs=0.1)
    gap = {v: np.linalg.norm(lab("#b00000", v) - lab("#5c5c00", v)) for v in ("normal", "deuteranopia")}
    assert gap["deuteranopia"] < 0.6 * gap["normal"], "red and olive"


def test_names_and_bars_are_legible_on_each_ground() -> None:
    for light, dark in PALETTE:
        assert contrast(light, LIGHT.surface) >= 4.5
        assert contrast(dark, DARK.surface) >= 4.5
        assert contrast(dark, "#424448") >= 3, "the label overlay over a white picture"
    assert LABEL_OVERLAY.ground == "#0d1014"


def test_the_actions_of_the_bundled_model_all_look_different() -> None:
    bundled = next(model for model in Registry().scan()[0] if model.name.startswith("slowfast_demo"))
    use_labels(bundled.spec.actions)
    looks = {(action_color(label, "light"), action_pattern(label)) for label in bundled.spec.actions}
    assert len(looks) == len(bundled.spec.actions) == 18


@pytest.mark.parametrize("count", [18, 400])
def test_neighbors_never_share_a_color(count: int) -> None:
    labels = [f"action {number}" for number in range(count)]
    use_labels(labels)
    for one, other in pairwise(labels):
        assert action_color(one, "light") != action_color(other, "light")
    assert {action_pattern(label) for label in labels[:30]} == set(PATTERNS[: 1 + (min(count, 30) - 1) // len(PALETTE)])


def test_a_made_up_name_keeps_its_color_whatever_model_runs() -> None:
    before = action_color("my own move", "dark")
    use_labels(("squat", "clapping"))
    assert action_color("my own move", "dark") == before
    assert action_color("Squat") == action_color("squat") == PALETTE[0][1]


def test_the_colors_do_not_depend_on_qt() -> None:
    assert "PySide6" not in (colors.__doc__ or "") and not hasattr(colors, "QColor")
