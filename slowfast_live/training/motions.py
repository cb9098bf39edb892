"""Everyday actions as functions of time: where hands, feet, hips and trunk are.

Each motion takes times in seconds and a `Style` and returns a `Pose`. Hands are in arm lengths from the shoulder,
(outwards, up, forward); feet in leg lengths from their place below the hip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from slowfast_live.training.figure import F64, Pose

TAU = 2 * np.pi


@dataclass(frozen=True)
class Style:
    """How somebody does it.

    Attributes:
        tempo: Factor on the usual speed.
        reach: Factor on how far the limbs go.
        phase: Where in the cycle it begins, 0..1.
        side: "L" or "R", the leading side.
        lag: How much later the other side is, as a fraction of the cycle.
        spread: A free number in 0..1 that changes the look of a motion: how high, how wide.
        variant: Another one, which chooses among ways of doing it.
        rest: How long somebody waits between one time and the next, 0 not at all .. 1; squats and jumps do.
        travel_m: How far a jump goes forward.
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

    @property
    def other(self) -> str:
        """The side that does not lead."""
        return "L" if self.side == "R" else "R"

    @property
    def sign(self) -> float:
        """+1 where the left side leads."""
        return 1.0 if self.side == "L" else -1.0


Motion = Callable[[F64, Style], Pose]


def _cycle(t: F64, hertz: float, s: Style, lag: float = 0.0) -> F64:
    return TAU * (t * hertz * s.tempo + s.phase + lag)


def _ease(x: F64) -> F64:
    """0..1, resting at both ends: (1 - cos) / 2."""
    return np.asarray((1 - np.cos(x)) / 2)


def _v(*parts: F64 | float) -> F64:
    return np.stack(np.broadcast_arrays(*parts), 1).astype(np.float64)


def _alive(pose: Pose, t: F64, s: Style) -> Pose:
    """Breath and small shifts of weight."""
    a = t * 1.6 + s.phase * TAU
    pose.chest[:, 0] += 0.012 * np.sin(a)
    pose.hip_shift[:, 0] += 0.008 * np.sin(t * 0.9 + s.variant * TAU)
    pose.head[:, 1] += 0.05 * np.sin(t * 0.7 + s.spread * TAU)
    pose.head[:, 0] += 0.02 * np.sin(t * 1.1 + s.spread * 3)
    return pose


def _lerp(a: tuple[float, ...], b: tuple[float, ...], w: F64) -> F64:
    return np.asarray(np.array(a) * (1 - w[:, None]) + np.array(b) * w[:, None])


def standing(t: F64, s: Style) -> Pose:
    """Nothing in particular."""
    return _alive(Pose.standing(len(t)), t, s)


def sitting(t: F64, s: Style) -> Pose:
    """On a chair, hands on the lap, on a table, or at a keyboard."""
    p = _alive(Pose.standing(len(t)), t, s)
    p.sink[:] = 0.5
    p.chest[:, 0] += 0.05 + 0.25 * s.spread
    where = ((-0.1, -0.7, 0.45), (-0.2, -0.55, 0.6), (0.05, -0.8, 0.35))[min(2, int(3 * s.variant))]
    for side in "LR":
        p.feet[side] = _v(0.05 + 0.1 * s.spread, 0.0, 0.42 + 0.12 * s.variant + 0 * t)
        p.hands[side] = np.tile(where, (len(t), 1))
        p.elbows[side] = _v(0.7, -0.7, -0.3 + 0 * t)
    return p


def waving(t: F64, s: Style) -> Pose:
    """One hand goes left and right: beside the head, from the elbow, or with the whole arm held up."""
    p = standing(t, s)
    if s.variant < 0.45:
        swing = np.sin(_cycle(t, 1.7, s)) * s.reach
        high = 0.22 + 0.5 * s.spread
        p.hands[s.side] = _v(0.38 + 0.26 * swing, high - 0.08 * swing**2, 0.28)
        p.elbows[s.side] = _v(0.75, -0.75, -0.1 + 0 * t)
    else:
        # From overhead outwards and back, or to and fro overhead.
        swing = np.sin(_cycle(t, 1.15 + 0.3 * s.spread, s)) * s.reach
        middle, wide = (0.75, 0.75) if s.variant < 0.75 else (0.15, 0.5)
        angle = middle + wide * (0.5 + 0.5 * s.spread) * swing
        p.hands[s.side] = _v(0.93 * np.sin(angle), 0.93 * np.cos(angle), 0.14)
        p.elbows[s.side] = _v(0.6, -0.4, -0.3 + 0 * t)
    p.chest[:, 2] += -0.03 * s.sign * np.sin(_cycle(t, 1.7, s))
    p.head[:, 2] += 0.05 * s.sign
    return p


def waving_both(t: F64, s: Style) -> Pose:
    """Both arms swing above the shoulders, alike or to the same side."""
    p = standing(t, s)
    for side, lag in ((s.side, 0.0), (s.other, s.lag + (0.5 if s.variant > 0.75 else 0.0))):
        swing = np.sin(_cycle(t, 1.0 + 0.3 * s.spread, s, lag)) * s.reach
        if s.variant < 0.25:
            p.hands[side] = _v(0.42 + 0.26 * swing, 0.45 - 0.08 * swing**2, 0.25)
            p.elbows[side] = _v(0.75, -0.75, -0.1 + 0 * t)
            continue
        middle = 0.62 if s.variant < 0.75 else 0.25
        angle = middle + (0.35 + 0.35 * s.spread) * swing
        p.hands[side] = _v(0.92 * np.sin(angle), 0.92 * np.cos(angle), 0.12)
        p.elbows[side] = _v(1.0, -0.3, 0.1 + 0 * t)
    return p


def clapping(t: F64, s: Style) -> Pose:
    """Hands meet before the chest."""
    p = standing(t, s)
    gap = _ease(_cycle(t, 2.1 - 0.6 * s.spread, s)) * (0.25 + 0.55 * s.spread) * s.reach
    high = -0.40 + 0.5 * (s.variant - 0.3)
    for side in "LR":
        # The wrists stop a hand's thickness from the middle: 0.19 m of shoulder is 0.35 arm lengths.
        p.hands[side] = _v(-0.28 + gap, high + 0.1 * gap, 0.66 - 0.25 * gap)
        p.elbows[side] = _v(0.9, -0.9, -0.3 + 0 * t)
        p.palms[side] = _v(0.95 - 0.4 * gap, 0.75, 0.5 + 0 * t)
    p.chest[:, 0] += 0.03 * np.cos(_cycle(t, 2.1 - 0.6 * s.spread, s))
    return p


def jumping_jacks(t: F64, s: Style) -> Pose:
    """Arms and legs open and close, with a hop each time."""
    p = Pose.standing(len(t))
    a = _cycle(t, 0.95, s)
    opened = _ease(a)
    top = 2.9 * min(1.0, s.reach)
    angle = 0.15 + opened * (top - 0.15)
    for side in "LR":
        p.hands[side] = _v(0.95 * np.sin(angle), -0.95 * np.cos(angle), 0.10)
        p.elbows[side] = _v(0.3, -0.6 + 0 * t, -0.6)
        p.feet[side][:, 0] = 0.03 + opened * (0.26 + 0.14 * s.spread) * s.reach
        p.toes[side] = 0.35 * np.abs(np.sin(a))
    p.place[:, 1] = 0.10 * np.abs(np.sin(a)) * s.reach
    p.sink = 0.02 + 0.06 * opened * s.reach + 0.05 * np.abs(np.cos(a)) ** 3
    return p


def _with_rests(x: F64, rest: float, above: float) -> F64:
    """0..1..0 in each cycle as `_ease`, waiting for a share of the cycle; `above` is the share of that at 0."""
    move, top = (1 - rest) / 2, rest * above
    there = np.interp((x / TAU) % 1.0, (0, top, top + move, 1 - move, 1), (0, 0, 1, 1, 0))
    return _ease(np.pi * there)


_SQUATTING_HANDS: tuple[tuple[float, tuple[float, ...], tuple[float, ...], tuple[float, ...]], ...] = (
    (0.30, (0.15, -0.95, 0.10), (-0.05, 0.02, 0.96), (0.6, -0.8, -0.2)),  # come forward
    (0.40, (-0.22, -0.28, 0.42), (-0.22, -0.28, 0.42), (0.6, -0.8, -0.2)),  # together before the chest
    (0.48, (-0.05, 0.00, 0.96), (-0.05, 0.10, 0.95), (0.6, -0.8, -0.2)),  # stay forward
    (0.60, (0.18, 0.95, 0.05), (0.20, 0.95, -0.02), (1.0, 0.1, 0.2)),  # held overhead
    (0.68, (0.15, -0.95, 0.10), (0.15, 0.93, 0.15), (0.9, -0.3, 0.2)),  # rise overhead on the way down
    (0.74, (0.15, 0.95, 0.10), (0.10, -0.80, 0.45), (0.9, -0.3, 0.0)),  # come down from overhead
    (0.86, (-0.15, 0.34, -0.10), (-0.15, 0.34, -0.10), (1.0, 0.2, 0.15)),  # behind the head
    (0.93, (0.05, -0.62, 0.08), (0.05, -0.62, 0.08), (1.0, 0.1, -0.7)),  # on the hips
    (1.00, (0.15, -0.96, 0.05), (0.12, -0.93, 0.25), (0.6, 0.0, -1.0)),  # hang, with or without weights
)
"""Up to which variant: the hands above, the hands below, the elbows."""


def squats(t: F64, s: Style) -> Pose:
    """The hips go down behind the heels and up again; the arms balance, are raised, or held still."""
    p = standing(t, s)
    down = _with_rests(_cycle(t, 0.42, s), 0.5 * s.rest, s.spread) ** 0.8 * min(1.12, s.reach)
    above, below, elbows = next(each[1:] for each in _SQUATTING_HANDS if s.variant <= each[0])
    # Arms that are raised keep the trunk upright.
    lean = 0.7 if below[1] > 0.3 else 1.0
    p.sink = 0.02 + 0.44 * down
    p.hip_shift[:, 2] -= 0.20 * down
    p.pelvis[:, 0] = 0.42 * lean * down
    p.chest[:, 0] += 0.22 * lean * down
    p.head[:, 0] -= 0.5 * lean * down
    for side in "LR":
        p.feet[side][:, 0] = 0.07 + 0.1 * s.spread
        p.knees[side][:] = 0.45
        p.hands[side] = _lerp(above, below, np.minimum(down, 1))
        p.elbows[side] = np.tile(elbows, (len(t), 1))
    return p


def _stride(p: Pose, a: F64, s: Style, length: float, lift: float, carry: float = 0.5, early: float = 1.0) -> None:
    """Feet go back while they carry and swing forward in the air; place moves so that they do not slide.

    Args:
        p: What to change.
        a: Phase of the leading side in radians.
        s: Which side leads.
        length: Of half a step.
        lift: How high a foot comes.
        carry: Share of the cycle in which a foot is on the floor; below one half both are in the air at times.
        early: Below 1 the foot is highest while it is still behind.
    """
    for side, shift in ((s.side, 0.0), (s.other, np.pi)):
        u = ((a + shift) / TAU) % 1.0
        back = np.clip(u / carry, 0, 1)
        swing = np.clip((u - carry) / (1 - carry), 0, 1)
        carries = u < carry
        fore = np.where(carries, 1 - 2 * back, -np.cos(np.pi * swing))
        up = np.sin(np.pi * swing**early) ** 0.8
        p.feet[side] = _v(-0.02, lift * up, length * fore)
        p.toes[side] = np.where(carries, 0.9 * np.clip(back - 0.6, 0, 1), 0.9 * (1 - swing) - 0.25 * swing)
        p.knees[side][:] = 0.03


def running(t: F64, s: Style) -> Pose:
    """Knees come up in turn, bent arms swing; on the spot below a spread of one half, else forward."""
    p = Pose.standing(len(t))
    a = _cycle(t, 1.35, s)
    for side, shift in ((s.side, 0.0), (s.other, np.pi)):
        up = np.maximum(0, np.sin(a + shift))
        if s.spread < 0.5:
            p.feet[side] = _v(0.02, (0.12 + 0.4 * s.variant) * up * s.reach, (0.12 - 0.6 * s.spread) * up)
            p.toes[side] = 0.7 * up
        # A foot comes forward while it is up; the arm of the same side goes back.
        swing = (-np.sin(a + shift) if s.spread < 0.5 else np.cos(a + shift + np.pi)) * s.reach
        p.hands[side] = _v(0.02 - 0.12 * swing, -0.42 + 0.22 * swing, 0.30 + 0.36 * swing)
        p.elbows[side] = _v(0.35, -0.4 + 0 * t, -1.0)
        p.knees[side][:] = 0.05
    if s.spread >= 0.5:
        _stride(p, a, s, 0.42 * s.reach, 0.20 + 0.32 * s.variant, carry=0.46 - 0.16 * s.variant, early=0.75)
    p.place[:, 1] = 0.045 * np.abs(np.cos(a)) * s.reach
    p.sink = 0.045 + 0.03 * np.abs(np.sin(a))
    p.pelvis[:, 0] = 0.06 + (0.12 * s.variant if s.spread >= 0.5 else 0.0)
    p.pelvis[:, 1] = 0.10 * np.sin(a) * s.sign
    p.chest[:, 1] = -0.26 * np.sin(a) * s.sign
    p.chest[:, 0] = 0.08
    p.head[:, 1] = 0.16 * np.sin(a) * s.sign
    return p


def walking(t: F64, s: Style) -> Pose:
    """Steps with swinging arms."""
    p = Pose.standing(len(t))
    a = _cycle(t, 0.88, s)
    length = (0.24 + 0.17 * s.spread) * s.reach
    _stride(p, a, s, length, 0.09 + 0.05 * s.variant)
    for side, shift in ((s.side, 0.0), (s.other, np.pi)):
        swing = -np.cos(a + shift) * s.reach * (0.3 + s.variant)
        p.hands[side] = _v(0.14 + 0 * t, -0.93 + 0.07 * np.abs(swing), 0.05 + 0.30 * swing)
    p.sink = 0.03 + 0.5 * length**2 * np.cos(a) ** 2
    p.hip_shift[:, 0] = 0.02 * np.sin(a) * s.sign
    p.chest[:, 1] = 0.12 * np.cos(a) * s.sign
    p.chest[:, 0] = 0.04
    return p


def push_ups(t: F64, s: Style) -> Pose:
    """Face down, straight from head to heels; the arms bend and stretch."""
    p = Pose.standing(len(t))
    down = _ease(_cycle(t, 0.5, s)) * min(1.0, s.reach)
    arm, leg, trunk = 0.54, 0.86, 0.46
    reach = arm * (0.93 - 0.52 * down) + 0.04
    rise = np.arcsin(np.clip((reach - 0.10) / (leg + trunk), 0, 1))
    p.pelvis[:, 0] = np.pi / 2 - rise
    p.head[:, 0] = -0.35 + 0.3 * s.spread
    p.sink = 1 - (0.10 - 0.075 + leg * np.sin(rise)) / leg
    p.hip_shift[:, 2] = leg * (np.cos(rise) - 1)
    for side in "LR":
        p.feet[side] = _v(-0.05, 0.03, -1.0 + 0 * t)
        p.toes[side][:] = 1.25
        wide = 0.10 + 0.45 * s.variant * down
        p.hands[side] = _v(0.02 + 0.1 * s.variant + 0 * t, -0.12 - 0.2 * down, (0.93 - 0.52 * down))
        p.elbows[side] = _v(wide + 0.3, -0.8 + 0 * t, -0.3)
        p.palms[side] = _v(0, 1.0 + 0 * t, 0)
    return p


def punching(t: F64, s: Style) -> Pose:
    """Fists before the chin strike forward in turn."""
    p = Pose.standing(len(t))
    a = _cycle(t, 1.1, s)
    for side, shift in ((s.side, 0.0), (s.other, np.pi)):
        out = np.maximum(0, np.sin(a + shift)) ** 1.6
        p.hands[side] = _lerp((-0.12, -0.05, 0.42), (0.25, 0.05 + 0.16 * s.spread, 0.95), out)
        p.elbows[side] = _v(0.45, -0.9 + 0 * t, 0.0)
    twist = np.sin(a) * s.reach
    p.chest[:, 1] = -0.40 * s.sign * twist
    p.pelvis[:, 1] = -0.16 * s.sign * twist
    p.head[:, 1] = 0.50 * s.sign * twist
    p.chest[:, 0] = 0.12
    p.head[:, 0] = 0.08
    p.sink[:] = 0.06 + 0.02 * np.cos(2 * a)
    p.feet[s.other] = _v(0.08 + 0 * t, 0.0, 0.14)
    p.feet[s.side] = _v(0.10 + 0 * t, 0.0, -0.14)
    return p


def stretching_side(t: F64, s: Style) -> Pose:
    """One arm over the head, the trunk leans to the other side; then the other way round."""
    p = standing(t, s)
    a = _cycle(t, 0.26, s)
    lean = np.sin(a) * s.reach
    p.chest[:, 2] = 0.50 * lean
    p.pelvis[:, 2] = 0.08 * lean
    p.head[:, 2] = 0.12 * lean
    p.hip_shift[:, 0] = 0.07 * lean
    for side, sign in (("L", 1.0), ("R", -1.0)):
        # The trunk leans towards -x for a positive angle; then the left arm is the upper one.
        up = np.clip(0.5 + 0.9 * sign * lean, 0, 1)
        up = up * up * (3 - 2 * up)
        p.hands[side] = _v(
            0.42 * np.sin(up * np.pi) + 0.22 - 0.42 * up, -0.62 + 1.5 * up, 0.08 + 0.22 * np.sin(up * np.pi)
        )
        p.elbows[side] = _v(1.0, -0.1 + 0.2 * up, -0.25)
        p.feet[side][:, 0] = 0.16
    return p


def arm_circles(t: F64, s: Style) -> Pose:
    """Straight arms at shoulder height draw circles."""
    p = standing(t, s)
    for side in "LR":
        a = _cycle(t, 0.9, s) * (1 if s.variant < 0.6 else -1)
        r = 0.30 + 0.3 * s.spread
        p.hands[side] = _v(0.86 - 0.1 * s.spread, r * np.sin(a), r * np.cos(a))
        p.elbows[side] = _v(0.0, -1.0 + 0 * t, -0.3)
    return p


def bowing(t: F64, s: Style) -> Pose:
    """The trunk bends forward and comes up again, hands towards the feet."""
    p = standing(t, s)
    down = _ease(_cycle(t, 0.38, s)) * min(1.0, s.reach)
    p.pelvis[:, 0] = 0.95 * down
    p.chest[:, 0] += 0.75 * down
    p.head[:, 0] += 0.2 * down
    p.hip_shift[:, 2] = -0.16 * down
    p.sink += 0.03 * down
    for side in "LR":
        p.hands[side] = _lerp((0.15, -0.95, 0.1), (0.02, -0.35, 0.90), down)
        p.feet[side][:, 0] = 0.05 + 0.08 * s.spread
    return p


def kicking(t: F64, s: Style) -> Pose:
    """One leg swings forward and up."""
    p = Pose.standing(len(t))
    a = _cycle(t, 0.65, s)
    turn = np.where(np.floor(a / TAU) % 2 < 1, 1.0, 0.0) if s.variant > 0.6 else np.ones(len(t))
    kick = _ease(a) ** 1.5 * min(1.15, s.reach)
    for side, mine in ((s.side, turn), (s.other, 1 - turn)):
        k = kick * mine
        p.feet[side] = _v(0.03 + 0.05 * k, (0.30 + 0.3 * s.spread) * k**1.2, (0.74 - 0.1 * s.spread) * k)
        p.toes[side] = 0.2 * k
        p.knees[side][:] = 0.05
        p.hands[side] = _v(0.28, -0.45 + 0.1 * k, 0.45 - 0.35 * k)
        p.elbows[side] = _v(0.6, -0.6 + 0 * t, -0.6)
    p.chest[:, 0] = -0.16 * kick
    p.sink[:] = 0.04
    return p


def raising_dumbbells(t: F64, s: Style) -> Pose:
    """Forearms curl up and down beside the body."""
    p = standing(t, s)
    for side, lag in ((s.side, 0.0), (s.other, 0.5 if s.variant > 0.5 else s.lag)):
        up = _ease(_cycle(t, 0.6, s, lag)) * min(1.0, s.reach)
        angle = 0.15 + 2.25 * up
        p.hands[side] = _v(0.12, -0.52 - 0.46 * np.cos(angle), 0.06 + 0.46 * np.sin(angle))
        p.elbows[side] = _v(0.1, -1.0 + 0 * t, -0.5)
    return p


def lunging(t: F64, s: Style) -> Pose:
    """A long step forward, down and back."""
    p = standing(t, s)
    down = _ease(_cycle(t, 0.42, s)) * min(1.0, s.reach)
    p.sink = 0.02 + 0.30 * down
    p.feet[s.side] = _v(0.03, 0.10 * np.sin(down * np.pi), 0.52 * down)
    p.feet[s.other] = _v(0.03, 0.10 * down, -0.36 * down)
    p.toes[s.other] = 0.8 * down
    for side in "LR":
        p.hands[side] = _lerp((0.17, -0.95, 0.07), (0.25, -0.55, 0.1), down)
        p.elbows[side] = _v(1.0, -0.2 + 0 * t, -0.4)
    return p


def dancing(t: F64, s: Style) -> Pose:
    """Hips and arms sway from side to side with the beat."""
    p = Pose.standing(len(t))
    a = _cycle(t, 0.95, s)
    sway = np.sin(a)
    p.hip_shift[:, 0] = 0.12 * sway * s.reach
    p.pelvis[:, 2] = -0.12 * sway
    p.chest[:, 2] = 0.20 * sway
    p.chest[:, 1] = 0.25 * np.sin(a + 0.6)
    p.head[:, 2] = -0.10 * sway
    p.turn = 0.25 * np.sin(a * 0.5)
    p.sink = 0.05 + 0.03 * np.cos(2 * a)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        p.hands[side] = _v(0.32 + 0.24 * sign * sway, -0.10 + 0.4 * sign * sway * s.reach, 0.42 + 0.1 * np.cos(2 * a))
        p.elbows[side] = _v(1.0, -0.6 + 0 * t, -0.2)
        p.feet[side] = _v(0.10, 0.05 * np.maximum(0, -sign * sway), 0 * t)
        p.toes[side] = 0.3 * np.maximum(0, -sign * sway)
    return p


_CROUCH_S, _AIR_S, _LANDING_S = 0.53, 0.49, 0.36


def jumping(t: F64, s: Style) -> Pose:
    """Both feet leave the floor together: again and again, or once and then a rest; a hop, high, or forward."""
    p = Pose.standing(len(t))
    cycle_s = (_CROUCH_S + _AIR_S + 0.16) * (1 + 1.6 * s.rest)
    turns = t * s.tempo / cycle_s + s.phase
    u = (turns % 1.0) * cycle_s
    air = np.clip((u - _CROUCH_S) / _AIR_S, 0, 1)
    effort = (0.25 + 0.75 * s.spread) * s.reach
    # Who waits between the jumps comes down into the knees; who goes on is in the next crouch.
    landing_s = min(_LANDING_S, cycle_s - _CROUCH_S - _AIR_S)
    landed = np.clip((u - _CROUCH_S - _AIR_S) / landing_s, 0, 1)
    crouch = np.where(u < _CROUCH_S, _ease(TAU * u / _CROUCH_S), 0.6 * landing_s / _LANDING_S * _ease(TAU * landed))
    crouch = crouch * min(1.1, 0.35 + 0.8 * effort)
    p.place[:, 1] = 4 * air * (1 - air) * (0.03 + 0.30 * effort)
    p.place[:, 2] = (np.floor(turns) + air) * s.travel_m
    p.sink = 0.02 + 0.26 * crouch + 0.02 * air
    p.pelvis[:, 0] = 0.45 * crouch
    p.chest[:, 0] = 0.15 * crouch
    p.head[:, 0] = -0.35 * crouch
    p.hip_shift[:, 2] = -0.09 * crouch
    lift = np.sin(np.pi * air) ** 2
    back, up = next(swing for limit, *swing in _JUMPING_ARMS if s.variant <= limit)
    for side in "LR":
        angle = 0.05 - back * (0.1 + 0.7 * crouch) + up * lift
        p.hands[side] = _v(0.2, -0.88 * np.cos(angle), 0.88 * np.sin(angle))
        p.elbows[side] = _v(0.9, -0.5 + 0 * t, -0.4)
        p.toes[side] = 0.8 * lift
        # A jump forward draws the legs up.
        p.feet[side] = _v(0.05, 0.12 * lift * min(1.0, s.travel_m), 0.15 * lift * min(1.0, s.travel_m))
    return p


_JUMPING_ARMS = ((0.20, 0.0, 0.15), (0.40, 0.5, 0.5), (0.60, 1.0, 1.1), (1.00, 1.0, 2.4))
"""Up to which variant: how far the arms swing back and, in the air, up."""
