"""Building blocks of motions: styles, and curves over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slowfast_live.tools.training.figure import F64

TAU = 2 * np.pi


@dataclass(frozen=True)
class Style:
    """Style of a performance.

    Attributes:
        tempo: Factor of the usual speed.
        reach: Factor of the limbs' range.
        phase: Phase of the cycle at the start, 0..1.
        side: "L" or "R", the leading side.
        lag: Delay of the other side, as a fraction of the cycle.
        spread: A free number in 0..1 that changes the appearance of a motion: how high, how wide.
        variant: Another one, which chooses among variants of the motion.
        rest: Pause between repetitions, from 0 for none to 1; for squats and jumps.
        travel_m: Distance that a jump covers, in meters.
        arms: A free number that chooses what idle arms do.
        lean: A third free number: how far the trunk takes part, how wide the elbows are.
        alternates: Whether the sides take turns.
    """

    tempo: float = 1.0
    reach: float = 1.0
    phase: float = 0.0
    side: str = "R"
    lag: float = 0.0
    spread: float = 0.5
    variant: float = 0.5
    rest: float = 0.0
    travel_m: float = 0.0
    arms: float = 1.0
    lean: float = 0.5
    alternates: bool = False

    @property
    def other(self) -> str:
        """The other side than the leading one."""
        return "L" if self.side == "R" else "R"

    @property
    def sign(self) -> float:
        """+1 if the left side leads, otherwise -1."""
        return 1.0 if self.side == "L" else -1.0


def cycle(t: F64, hertz: float, s: Style, lag: float = 0.0) -> F64:
    """Phase in radians of something that is done so often a second at the usual tempo."""
    return TAU * (t * hertz * s.tempo + s.phase + lag)


def ease(x: F64) -> F64:
    """0..1, resting at both ends: (1 - cos) / 2."""
    return np.asarray((1 - np.cos(x)) / 2)


def vectors(*parts: F64 | float) -> F64:
    """Put numbers and curves (T,) beside one another: (T, number of parts)."""
    return np.stack(np.broadcast_arrays(*parts), 1).astype(np.float64)


def lerp(a: tuple[float, ...], b: tuple[float, ...], w: F64) -> F64:
    """Go from one point to another by weights (T,): (T, 3)."""
    return np.asarray(np.array(a) * (1 - w[:, None]) + np.array(b) * w[:, None])


def with_rests(x: F64, rest: float, above: float) -> F64:
    """0..1..0 in each cycle as `ease`, waiting for a share of the cycle; `above` is the share of that at 0."""
    move, top = (1 - rest) / 2, rest * above
    there = np.interp((x / TAU) % 1.0, (0, top, top + move, 1 - move, 1), (0, 0, 1, 1, 0))
    return ease(np.pi * there)


def smooth(x: F64) -> F64:
    """0..1 with rest at both ends, for x from 0 to 1 and beyond."""
    k = np.clip(x, 0, 1)
    return np.asarray(k * k * (3 - 2 * k))
