"""What somebody does who does nothing in particular, and hands that go to places: parts of `something_else`."""

from __future__ import annotations

import numpy as np

from slowfast_live.tools.training import motions
from slowfast_live.tools.training.chance import Random, wander
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.figure import F64, Pose


def resting(t: F64, p: Pose, rng: Random, liveliness: float) -> Pose:
    """Shifts weight and looks about, more or less; arms as they happen to be."""
    slow = wander(rng, t, 12, rng.uniform(0.8, 3.0)) * liveliness
    p.head += slow[:, :3] * (0.15, 0.5, 0.1)
    p.hip_shift += slow[:, 3:6] * (0.04, 0.0, 0.03)
    p.chest += slow[:, 6:9] * (0.06, 0.15, 0.05)
    p.turn = p.turn + 0.12 * slow[:, 9]
    where = rng.random()
    for side in "LR":
        if where < 0.3:
            p.hands[side] = p.hands[side] * 0 + np.array((-0.25, -0.55, 0.35))
        elif where < 0.45:
            p.hands[side] = p.hands[side] * 0 + np.array((0.05, -0.5, 0.05))
            p.elbows[side] = p.elbows[side] * 0 + np.array((1.0, 0.0, -0.5))
        p.hands[side] += wander(rng, t, 3, 1.5) * 0.05 * min(1.0, 0.2 + liveliness)
    return p


def idle(t: F64, s: Style, rng: Random) -> Pose:
    """Stands or sits, and turns and leans while waiting."""
    seated = rng.random() < 0.3
    return resting(t, (motions.sitting if seated else motions.standing)(t, s), rng, rng.uniform(0.5, 1.6))


def posture(t: F64, s: Style, rng: Random, seated: float, liveliness: float = 0.5) -> Pose:
    """Stand, or with a probability of `seated` sit, and shift about."""
    motion = motions.sitting if rng.random() < seated else motions.standing
    return resting(t, motion(t, s), rng, rng.uniform(0, liveliness))


def trip(rng: Random, t: F64, home: F64, away: F64, period_s: tuple[float, float]) -> F64:
    """Go from one point to another and back, (T, 3), staying at both for some time."""
    cycle = (t / rng.uniform(*period_s) + rng.random()) % 1.0
    go, stay = rng.uniform(0.1, 0.25), rng.uniform(0.05, 0.5)
    there = np.interp(cycle, (0, go, go + stay, min(2 * go + stay, 1)), (0, 1, 1, 0))
    there = there * there * (3 - 2 * there)
    return np.asarray(home * (1 - there[:, None]) + away * there[:, None])


def hand_place(rng: Random, outward: tuple[float, float], up: tuple[float, float], ahead: tuple[float, float]) -> F64:
    """Draw a place for a hand, (3,): as in `Pose.hands`, each coordinate between two bounds."""
    return np.array((rng.uniform(*outward), rng.uniform(*up), rng.uniform(*ahead)))
