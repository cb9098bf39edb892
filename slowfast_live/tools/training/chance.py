"""Random people, styles of movement, and smooth curves."""

from __future__ import annotations

import colorsys

import numpy as np

from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.figure import F64, Cloth, Color, Person

Random = np.random.Generator


def color(rng: Random, low: float = 0.12, high: float = 0.95) -> Color:
    """Draw a color of a brightness between two bounds; three in ten are nearly gray."""
    gray = rng.random() < 0.3
    return colorsys.hsv_to_rgb(rng.random(), 0.08 if gray else rng.uniform(0.2, 0.8), rng.uniform(low, high))


def cloth(rng: Random, patterned: float = 0.35) -> Cloth:
    """Draw a cloth, with a pattern in a share of cases."""
    pattern = int(rng.integers(1, 4)) if rng.random() < patterned else 0
    return Cloth(color(rng), pattern, color(rng), float(rng.uniform(0.03, 0.14)))


def skin_color(tone: float) -> Color:
    """Return the color of skin from light (0) to dark (1)."""
    light, dark = np.array((0.95, 0.78, 0.67)), np.array((0.30, 0.19, 0.13))
    mixed = light * (1 - tone**1.3) + dark * tone**1.3
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def person(rng: Random) -> Person:
    """Draw a person."""
    skin = skin_color(float(rng.random()))
    return Person(
        height_m=float(np.clip(rng.normal(1.72, 0.11), 1.3, 2.0)),
        girth=float(np.clip(rng.normal(1.0, 0.13), 0.75, 1.5)),
        shoulders=float(rng.uniform(0.165, 0.215)),
        arm=float(rng.uniform(0.93, 1.08)),
        leg=float(rng.uniform(0.93, 1.06)),
        head=float(rng.uniform(0.93, 1.2)),
        skin=Cloth(skin),
        shirt=cloth(rng),
        trousers=cloth(rng, 0.12),
        shoes=Cloth(color(rng)),
        hair=Cloth(color(rng, 0.05, 0.6)),
        sleeves=float(rng.choice([0.0, 0.4, 0.6, 0.9, 1.6, 2.0])),
        legs=float(rng.choice([0.45, 0.8, 1.5, 2.0, 2.0, 2.0])),
        skirt=bool(rng.random() < 0.1),
        hair_style=int(rng.integers(5)),
    )


def style(rng: Random, tempo: float = 0.27) -> Style:
    """Draw a style of movement."""
    return Style(
        tempo=float(np.exp(np.clip(rng.normal(0, tempo), -0.7, 0.7))),
        reach=float(rng.uniform(0.72, 1.15)),
        phase=float(rng.random()),
        side=str(rng.choice(["L", "R"])),
        lag=float(rng.normal(0, 0.04)),
        spread=float(rng.random()),
        variant=float(rng.random()),
        rest=float(rng.random()) if rng.random() < 0.6 else 0.0,
        arms=float(rng.random()),
        lean=float(rng.random()),
        alternates=bool(rng.random() < 0.45),
    )


def wander(rng: Random, t: F64, width: int, interval_s: float) -> F64:
    """Smooth curves (T, width) through random points of about -1..1 every `interval_s`."""
    knots = max(4, int(np.ceil((t[-1] - t[0]) / interval_s)) + 3)
    points = rng.normal(0, 0.6, (knots, width))
    x = (t - t[0]) / interval_s + rng.random()
    i = np.clip(x.astype(int), 0, knots - 2)
    w = np.clip(x - i, 0, 1)[:, None]
    w = w * w * (3 - 2 * w)
    return np.asarray(points[i] * (1 - w) + points[i + 1] * w)
