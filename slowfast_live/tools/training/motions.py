"""Everyday actions as functions of time: where hands, feet, hips and trunk are.

Each motion takes times in seconds and a `Style` and returns a `Pose`. Hands are in arm lengths from the shoulder,
(outwards, up, forward); feet in leg lengths from their place below the hip.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from slowfast_live.tools.training.curves import TAU, Style, cycle, ease, lerp, smooth, vectors, with_rests
from slowfast_live.tools.training.figure import F64, Pose

Motion = Callable[[F64, Style], Pose]


def _alive(pose: Pose, t: F64, s: Style) -> Pose:
    """Breath and small shifts of weight."""
    a = t * 1.6 + s.phase * TAU
    pose.chest[:, 0] += 0.012 * np.sin(a)
    pose.hip_shift[:, 0] += 0.008 * np.sin(t * 0.9 + s.variant * TAU)
    pose.head[:, 1] += 0.05 * np.sin(t * 0.7 + s.spread * TAU)
    pose.head[:, 0] += 0.02 * np.sin(t * 1.1 + s.spread * 3)
    return pose


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
        p.feet[side] = vectors(0.05 + 0.1 * s.spread, 0.0, 0.42 + 0.12 * s.variant + 0 * t)
        p.hands[side] = np.tile(where, (len(t), 1))
        p.elbows[side] = vectors(0.7, -0.7, -0.3 + 0 * t)
    return p


def waving(t: F64, s: Style) -> Pose:
    """One hand goes left and right: beside the head, from the elbow, or with the whole arm held up."""
    p = standing(t, s)
    if s.variant < 0.45:
        swing = np.sin(cycle(t, 1.7 + 0.8 * (s.arms - 0.5), s)) * s.reach * (0.6 + 0.6 * s.lean)
        high = 0.05 + 0.67 * s.spread
        p.hands[s.side] = vectors(0.30 + 0.15 * s.arms + 0.26 * swing, high - 0.08 * swing**2, 0.28 + 0.2 * s.lean)
        p.elbows[s.side] = vectors(0.75, -0.75, -0.1 + 0 * t)
    else:
        # From overhead outwards and back, or to and fro overhead.
        swing = np.sin(cycle(t, 1.15 + 0.3 * s.spread, s)) * s.reach
        middle, wide = (0.75, 0.75) if s.variant < 0.75 else (0.15, 0.5)
        angle = middle + wide * (0.5 + 0.5 * s.spread) * swing
        p.hands[s.side] = vectors(0.93 * np.sin(angle), 0.93 * np.cos(angle), 0.14)
        p.elbows[s.side] = vectors(0.6, -0.4, -0.3 + 0 * t)
    p.chest[:, 2] += -0.03 * s.sign * np.sin(cycle(t, 1.7, s))
    p.head[:, 2] += 0.05 * s.sign
    return p


def waving_both(t: F64, s: Style) -> Pose:
    """Both arms swing above the shoulders, alike or to the same side."""
    p = standing(t, s)
    for side, lag in ((s.side, 0.0), (s.other, s.lag + (0.5 if s.variant > 0.75 else 0.0))):
        swing = np.sin(cycle(t, 1.0 + 0.3 * s.spread, s, lag)) * s.reach
        if s.variant < 0.25:
            p.hands[side] = vectors(0.42 + 0.26 * swing, 0.45 - 0.08 * swing**2, 0.25)
            p.elbows[side] = vectors(0.75, -0.75, -0.1 + 0 * t)
            continue
        middle = 0.62 if s.variant < 0.75 else 0.25
        angle = middle + (0.35 + 0.35 * s.spread) * swing
        p.hands[side] = vectors(0.92 * np.sin(angle), 0.92 * np.cos(angle), 0.12)
        p.elbows[side] = vectors(1.0, -0.3, 0.1 + 0 * t)
    return p


def clapping(t: F64, s: Style) -> Pose:
    """Hands meet before the chest, the belly, the face, or above the head; wide and slow or small and quick."""
    p = standing(t, s)
    a = cycle(t, 2.6 - 1.3 * s.spread, s)
    gap = ease(a) * (0.18 + 0.62 * s.spread) * s.reach
    high = -0.62 + 0.75 * s.variant if s.variant < 0.9 else 0.80
    for side in "LR":
        # The wrists stop a hand's thickness from the middle: 0.19 m of shoulder is 0.35 arm lengths.
        if s.variant >= 0.9:
            p.hands[side] = vectors(-0.28 + gap, high - 0.3 * gap, 0.22 + 0 * t)
            p.elbows[side] = vectors(1.0, -0.2 + 0 * t, 0.1)
        else:
            ahead = 0.42 + 0.24 * s.arms
            p.hands[side] = vectors(-0.28 + gap, high + 0.1 * gap, ahead - 0.22 * gap)
            p.elbows[side] = vectors(0.9 - 0.5 * s.lean, -0.9, -0.3 + 0 * t)
        p.palms[side] = vectors(0.95 - 0.4 * gap, 0.75, 0.5 + 0 * t)
    p.chest[:, 0] += 0.03 * np.cos(a)
    return p


def jumping_jacks(t: F64, s: Style) -> Pose:
    """Arms and legs open and close, with a hop each time."""
    p = Pose.standing(len(t))
    a = cycle(t, 0.95, s)
    opened = ease(a)
    top = 2.9 * min(1.0, s.reach)
    angle = 0.15 + opened * (top - 0.15)
    for side in "LR":
        p.hands[side] = vectors(0.95 * np.sin(angle), -0.95 * np.cos(angle), 0.10)
        p.elbows[side] = vectors(0.3, -0.6 + 0 * t, -0.6)
        p.feet[side][:, 0] = 0.03 + opened * (0.26 + 0.14 * s.spread) * s.reach
        p.toes[side] = 0.35 * np.abs(np.sin(a))
    p.place[:, 1] = 0.10 * np.abs(np.sin(a)) * s.reach
    p.sink = 0.02 + 0.06 * opened * s.reach + 0.05 * np.abs(np.cos(a)) ** 3
    return p


_EXERCISING_ARMS: tuple[tuple[float, tuple[float, ...], tuple[float, ...], tuple[float, ...]], ...] = (
    (0.14, (0.15, -0.95, 0.10), (-0.05, 0.02, 0.96), (0.6, -0.8, -0.2)),  # come forward
    (0.28, (-0.22, -0.28, 0.42), (-0.22, -0.28, 0.42), (0.6, -0.8, -0.2)),  # together before the chest
    (0.36, (-0.05, 0.00, 0.96), (-0.05, 0.10, 0.95), (0.6, -0.8, -0.2)),  # stay forward
    (0.42, (0.18, 0.95, 0.05), (0.20, 0.95, -0.02), (1.0, 0.1, 0.2)),  # held overhead
    (0.46, (0.15, -0.95, 0.10), (0.15, 0.93, 0.15), (0.9, -0.3, 0.2)),  # rise overhead on the way down
    (0.50, (0.15, 0.95, 0.10), (0.10, -0.80, 0.45), (0.9, -0.3, 0.0)),  # come down from overhead
    (0.58, (-0.15, 0.34, -0.10), (-0.15, 0.34, -0.10), (1.0, 0.2, 0.15)),  # behind the head
    (0.68, (0.32, 0.10, -0.08), (0.32, 0.10, -0.08), (0.7, -0.9, -0.5)),  # at a bar on the shoulders
    (0.78, (0.05, -0.62, 0.08), (0.05, -0.62, 0.08), (1.0, 0.1, -0.7)),  # on the hips
    (0.84, (-0.35, -0.15, 0.22), (-0.35, -0.15, 0.22), (0.9, 0.1, 0.5)),  # crossed before the shoulders
    (1.00, (0.15, -0.96, 0.05), (0.12, -0.95, 0.10), (0.6, 0.0, -1.0)),  # hang, with or without weights
)
"""Up to which number: the hands above, the hands below, the elbows."""


def _exercising_arms(p: Pose, s: Style, down: F64) -> float:
    """Arms that balance, are raised or held still while the legs work; returns how upright they keep the trunk."""
    above, below, elbows = next(each[1:] for each in _EXERCISING_ARMS if s.arms <= each[0])
    for side in "LR":
        p.hands[side] = lerp(above, below, np.clip(down, 0, 1))
        p.elbows[side] = np.tile(elbows, (len(down), 1))
    return 0.3 if below[1] > 0.3 else 0.0


def squats(t: F64, s: Style) -> Pose:
    """The hips go down behind the heels and up again, more or less deep, on narrow or wide feet."""
    p = standing(t, s)
    down = with_rests(cycle(t, 0.42, s), 0.55 * s.rest, s.spread) ** 0.8 * min(1.12, s.reach)
    upright = _exercising_arms(p, s, down)
    wide = max(0.0, s.variant - 0.5) * 2
    lean = (1.15 - 0.5 * wide) * (1 - upright)
    p.sink = 0.02 + (0.34 + 0.22 * s.spread) * down
    p.hip_shift[:, 2] -= (0.22 - 0.12 * wide) * down
    p.pelvis[:, 0] = 0.50 * lean * down
    p.chest[:, 0] += 0.22 * lean * down
    p.head[:, 0] -= 0.5 * lean * down
    for side in "LR":
        p.feet[side][:, 0] = 0.05 + 0.08 * s.spread + 0.28 * wide
        p.knees[side][:] = 0.25 + 0.3 * s.spread + 0.9 * wide
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
        p.feet[side] = vectors(-0.02, lift * up, length * fore)
        p.toes[side] = np.where(carries, 0.9 * np.clip(back - 0.6, 0, 1), 0.9 * (1 - swing) - 0.25 * swing)
        p.knees[side][:] = 0.03


def running(t: F64, s: Style) -> Pose:
    """Knees come up in turn, bent arms swing; on the spot below a spread of one half, else forward."""
    p = Pose.standing(len(t))
    a = cycle(t, 1.35, s)
    for side, shift in ((s.side, 0.0), (s.other, np.pi)):
        up = np.maximum(0, np.sin(a + shift))
        if s.spread < 0.5:
            p.feet[side] = vectors(0.02, (0.12 + 0.4 * s.variant) * up * s.reach, (0.12 - 0.6 * s.spread) * up)
            p.toes[side] = 0.7 * up
        # A foot comes forward while it is up; the arm of the same side goes back.
        swing = (-np.sin(a + shift) if s.spread < 0.5 else np.cos(a + shift + np.pi)) * s.reach
        if s.arms < 0.12:  # held before the body
            p.hands[side] = vectors(-0.05, -0.45 + 0.04 * swing, 0.50 + 0.03 * swing)
        else:  # bent, or hanging rather low
            low = 0.4 * max(0.0, s.lean - 0.5)
            p.hands[side] = vectors(0.02 - 0.12 * swing, -0.42 - low + 0.22 * swing, 0.30 + 0.36 * swing)
        p.elbows[side] = vectors(0.35, -0.4 + 0 * t, -1.0)
        p.knees[side][:] = 0.05
    if s.spread >= 0.5:
        _stride(p, a, s, 0.42 * s.reach, 0.20 + 0.32 * s.variant, carry=0.46 - 0.16 * s.variant, early=0.75)
    p.place[:, 1] = (0.03 + 0.03 * s.lean) * np.abs(np.cos(a)) * s.reach
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
    a = cycle(t, 0.88, s)
    length = (0.24 + 0.17 * s.spread) * s.reach
    _stride(p, a, s, length, 0.09 + 0.05 * s.variant)
    for side, shift in ((s.side, 0.0), (s.other, np.pi)):
        swing = -np.cos(a + shift) * s.reach * (0.3 + s.variant)
        p.hands[side] = vectors(0.14 + 0 * t, -0.93 + 0.07 * np.abs(swing), 0.05 + 0.30 * swing)
    p.sink = 0.03 + 0.5 * length**2 * np.cos(a) ** 2
    p.hip_shift[:, 0] = 0.02 * np.sin(a) * s.sign
    p.chest[:, 1] = 0.12 * np.cos(a) * s.sign
    p.chest[:, 0] = 0.04
    return p


def push_ups(t: F64, s: Style) -> Pose:
    """Face down, straight from head to heels or to the knees; the arms bend and stretch."""
    p = Pose.standing(len(t))
    down = with_rests(cycle(t, 0.55, s), 0.5 * s.rest, s.spread) * min(1.0, s.reach)
    arm, leg, trunk = 0.54, 0.86, 0.46
    # On the knees the lower leg has no part in it.
    kneels = s.arms < 0.2
    long = leg * (0.5 if kneels else 1.0)
    reach = arm * (0.93 - 0.52 * down) + 0.04
    rise = np.arcsin(np.clip((reach - 0.10) / (long + trunk), 0, 1))
    p.pelvis[:, 0] = np.pi / 2 - rise + 0.15 * (s.spread - 0.5)
    p.head[:, 0] = -0.35 + 0.3 * s.spread
    p.sink = 1 - (0.10 - 0.075 + long * np.sin(rise)) / leg
    p.hip_shift[:, 2] = long * (np.cos(rise) - 1)
    for side in "LR":
        p.feet[side] = vectors(-0.05 + 0 * t, 0.25 if kneels else 0.03, -0.93 if kneels else -1.0)
        p.toes[side][:] = 1.25
        wide = 0.10 + 0.45 * s.variant * down
        p.hands[side] = vectors(0.02 + 0.25 * s.variant + 0 * t, -0.12 - 0.2 * down, (0.93 - 0.52 * down))
        p.elbows[side] = vectors(wide + 0.3, -0.8 + 0 * t, -0.3)
        p.palms[side] = vectors(0, 1.0 + 0 * t, 0)
    return p


def punching(t: F64, s: Style) -> Pose:
    """Fists strike in turn or one alone: straight, hooked, upwards, or with the back of the fist."""
    p = Pose.standing(len(t))
    a = cycle(t, 1.1 - 0.3 * s.rest, s)
    one_sided = s.lean < 0.25
    from_hip = s.arms > 0.82  # as in karate: wide stance, fists at the hips
    for side, shift in ((s.side, 0.0), (s.other, np.pi)):
        out = np.maximum(0, np.sin(a + shift)) ** (1.6 + 3 * s.rest)
        if one_sided and side == s.other:
            out = 0 * out
        guard = (-0.12, -0.05, 0.42) if s.arms < 0.6 else (-0.05, -0.25, 0.40)
        if from_hip:
            guard = (0.0, -0.52, -0.05)
        if s.variant < 0.6:
            strike = (0.05 - 0.3 * s.spread if from_hip else 0.25 - 0.35 * s.spread, 0.0 + 0.16 * s.spread, 0.95)
            p.hands[side] = lerp(guard, strike, out)
            back = 0.8 * from_hip * (1 - out)
            p.elbows[side] = vectors(0.45 + 0.3 * back, -0.9 + 0.6 * back, -back)
        elif s.variant < 0.75:  # a hook
            bow = np.sin(np.pi * out)
            p.hands[side] = lerp(guard, (-0.45, 0.02, 0.62), out) + vectors(0.55 * bow, 0.0, 0.15 * bow)
            p.elbows[side] = vectors(0.6 + 0.5 * out, -0.7 + 0.6 * out, 0.0)
        elif s.variant < 0.87:  # upwards
            p.hands[side] = lerp(guard, (-0.15, 0.22, 0.62), out) + vectors(0, -0.45 * np.sin(np.pi * out), 0)
            p.elbows[side] = vectors(0.4, -1.0 + 0 * t, -0.1)
        else:  # the back of the fist, outwards
            p.hands[side] = lerp((-0.3, 0.0, 0.40), (0.85, 0.10, 0.45), out)
            p.elbows[side] = vectors(0.7, -0.6 + 0 * t, 0.2)
    twist = np.sin(a) * s.reach * (0.35 if from_hip else 1.0)
    p.chest[:, 1] = -0.40 * s.sign * twist
    p.pelvis[:, 1] = -0.16 * s.sign * twist
    p.head[:, 1] = 0.50 * s.sign * twist
    p.chest[:, 0] = 0.12 * (not from_hip)
    p.head[:, 0] = 0.08
    if from_hip:
        p.sink[:] = 0.10 + 0.12 * s.spread
        for side in "LR":
            p.feet[side] = vectors(0.22 + 0.15 * s.spread + 0 * t, 0.0, 0.0)
            p.knees[side][:] = 0.7
        return p
    bounce = 0.03 * np.abs(np.sin(a * (1 + round(s.spread)))) * (s.lean > 0.5)
    p.place[:, 1] = bounce
    p.sink[:] = 0.06 + 0.02 * np.cos(2 * a) + 0.05 * s.lean
    p.feet[s.other] = vectors(0.08 + 0 * t, 0.0, 0.14 + 0.1 * s.lean)
    p.feet[s.side] = vectors(0.10 + 0 * t, 0.0, -0.14 - 0.1 * s.lean)
    return p


def stretching_side(t: F64, s: Style) -> Pose:
    """The trunk leans to the side, held for a while: under one raised arm, both arms, or none; one side or both."""
    p = standing(t, s)
    a = cycle(t, 0.27, s)
    there = with_rests(a, 0.3 + 0.4 * s.rest, s.spread)
    sign = np.where(np.floor(a / TAU) % 2 < 1, 1.0, -1.0) if s.alternates else np.ones(len(t))
    sign = sign * s.sign
    lean = sign * np.clip(1.5 * there - 0.5, 0, 1) * s.reach
    p.chest[:, 2] = 0.55 * lean
    p.pelvis[:, 2] = 0.10 * lean
    p.head[:, 2] = 0.15 * lean
    p.hip_shift[:, 0] = 0.08 * lean
    up = smooth(1.2 * there)
    low, low_elbow = (
        ((0.05, -0.62, 0.08), (1.0, 0.1, -0.7)) if s.arms < 0.45 else ((0.15, -0.95, 0.05), (0.6, 0.0, -1.0))
    )
    for side, own in (("L", 1.0), ("R", -1.0)):
        p.feet[side][:, 0] = 0.06 + 0.16 * s.arms
        # The trunk leans towards -x for a positive angle; then the left arm is the upper one.
        upper = np.ones(len(t)) if s.variant > 0.85 else (sign * own > 0).astype(float)
        k = up * upper
        if 0.7 < s.variant <= 0.85:
            k = 0 * k  # the hands stay on the hips or beside the thighs
        angle = np.pi * k * (1.0 - 0.04 * s.spread)
        outwards = 0.94 * np.sin(angle) + 0.16 * np.cos(angle) - 0.42 * smooth(2 * k - 1)
        raised = vectors(outwards, -0.94 * np.cos(angle), 0.06 + 0.1 * np.sin(angle))
        gone = smooth(k * 2.5)[:, None]
        p.hands[side] = raised * gone + np.array(low) * (1 - gone)
        p.elbows[side] = vectors(0.2 + 0.8 * k, -0.8 + 0.9 * k, -0.6 + 0.4 * k) * gone + np.array(low_elbow) * (
            1 - gone
        )
    return p


def arm_circles(t: F64, s: Style) -> Pose:
    """Straight arms draw circles: small or large at shoulder height, or all the way round beside the body."""
    p = standing(t, s)
    for side in "LR":
        lag = 0.5 if s.alternates and s.variant > 0.6 else 0.0
        turn = 1 if s.arms < 0.6 else -1
        if s.variant > 0.6:
            a = cycle(t, 0.75, s, lag if side == s.side else 0.0) * turn
            p.hands[side] = vectors(0.20 + 0.25 * s.spread, 0.93 * np.cos(a), 0.93 * np.sin(a))
            p.elbows[side] = vectors(1.0, -0.2 * np.cos(a), -0.2 * np.sin(a))
            continue
        a = cycle(t, 1.1 - 0.4 * s.spread, s) * turn
        r = 0.07 + 0.52 * s.spread
        p.hands[side] = vectors(0.90 - 0.22 * s.spread, r * np.sin(a), r * np.cos(a))
        p.elbows[side] = vectors(0.0, -1.0 + 0 * t, -0.3)
    return p


def bowing(t: F64, s: Style) -> Pose:
    """The trunk bends forward and comes up again: hands towards the feet, on the hips, or behind the head."""
    p = standing(t, s)
    down = with_rests(cycle(t, 0.42, s), 0.6 * s.rest, s.spread) * min(1.0, s.reach)
    straight = s.variant > 0.6  # from the hips, with a straight back; else the back is rounded
    bent_knees = 0.28 * max(0.0, s.variant - 0.25) / 0.35 if s.variant < 0.6 and s.arms > 0.5 else 0.02
    p.pelvis[:, 0] = (1.35 if straight else 0.95) * down
    p.chest[:, 0] += (0.15 if straight else 0.75) * down
    p.head[:, 0] += (-0.3 if straight else 0.2) * down
    p.hip_shift[:, 2] = -(0.16 + 0.3 * bent_knees) * down
    p.sink += (0.02 + bent_knees) * down
    twist = 0.5 * (s.spread - 0.5) * (s.arms > 0.7)
    p.chest[:, 1] += s.sign * twist * down
    if straight and s.arms < 0.75:
        _exercising_arms(p, s, 0 * t)
    else:
        for side in "LR":
            reaches = side == s.side or not (0.4 < s.arms < 0.6)
            low = (0.02, -0.35, 0.90) if reaches else (0.02, -0.5, 0.35)
            p.hands[side] = lerp((0.15, -0.95, 0.1), low, down)
    for side in "LR":
        p.feet[side][:, 0] = 0.03 + 0.16 * s.spread
    return p


def kicking(t: F64, s: Style) -> Pose:
    """One leg swings up: straight forward, thrust from a raised knee, or to the side; arms balance or guard."""
    p = Pose.standing(len(t))
    a = cycle(t, 0.6, s)
    there = with_rests(a, 0.55 * s.rest, 0.95)
    turn = np.where(np.floor(a / TAU) % 2 < 1, 1.0, 0.0) if s.alternates else np.ones(len(t))
    kick = there**1.5 * min(1.15, s.reach)
    u = (a / TAU) % 1.0
    guard = s.arms < 0.45
    aside = s.variant > 0.75
    swings = s.variant < 0.3  # as at a ball: first back, then forward
    for side, mine in ((s.side, turn), (s.other, 1 - turn)):
        k = kick * mine
        high = 0.12 + 0.55 * s.spread
        if aside:
            p.feet[side] = vectors(0.03 + 0.75 * k, high * k**1.2, 0.15 * k)
        elif swings:
            back = mine * there * (1 - there) * 2.2 * (u < 0.5)
            p.feet[side] = vectors(
                0.03 + 0.03 * k, high * 0.8 * k**1.4 + 0.2 * back, (0.80 - 0.1 * s.spread) * k - 0.45 * back
            )
        else:
            chamber = mine * np.clip(there * (1 - there) * 4, 0, 1)
            p.feet[side] = vectors(
                0.03 + 0.05 * k, high * k**1.2 + 0.22 * chamber, (0.78 - 0.2 * s.spread) * k + 0.06 * chamber
            )
        p.toes[side] = 0.2 * k
        p.knees[side][:] = 0.05
        if guard:
            p.hands[side] = vectors(-0.10, -0.08 - 0.1 * k, 0.40 - 0.1 * k)
            p.elbows[side] = vectors(0.5, -0.9 + 0 * t, 0.0)
        else:
            p.hands[side] = vectors(0.28 + 0.2 * s.arms * k, -0.75 + 0.45 * s.arms * k, 0.2 - 0.3 * k)
            p.elbows[side] = vectors(0.6, -0.6 + 0 * t, -0.6)
    p.chest[:, 0] = -(0.05 if aside else 0.16) * kick
    if aside:
        p.pelvis[:, 2] = s.sign * 0.35 * kick * (2 * turn - 1)
    p.sink[:] = 0.04
    return p


def raising_dumbbells(t: F64, s: Style) -> Pose:
    """Forearms curl up and down beside the body: both together, in turn, or one alone."""
    p = standing(t, s)
    sway = 0 * t
    for side, lag in ((s.side, 0.0), (s.other, 0.5 if s.alternates else s.lag)):
        up = with_rests(cycle(t, 0.55, s, lag), 0.45 * s.rest, s.spread) * min(1.0, s.reach)
        if s.variant > 0.8 and side == s.other:
            up = 0 * up
        # The elbow stays in front of the ribs or beside them, or comes forward a little; the forearm turns about it.
        aside, elbow = 0.04 + 0.14 * s.arms, 0.24 * s.spread + 0.6 * max(0.0, s.lean - 0.5) * up
        low = 0.12 + 0.6 * max(0.0, 0.4 - s.lean)  # some do not stretch the arm
        angle = low + (2.12 + 0.45 * s.spread - low) * up
        down, ahead = 0.51 * np.cos(elbow) + 0.47 * np.cos(angle), 0.51 * np.sin(elbow) + 0.47 * np.sin(angle)
        p.hands[side] = vectors(aside, -down, ahead)
        p.elbows[side] = vectors(0.1, -1.0, -0.5 + 0.51 * np.sin(elbow))
        sway = sway + 0.5 * up
    p.chest[:, 0] += 0.03 - 0.08 * s.arms * sway
    return p


_LEG_M = 0.86


def lunging(t: F64, s: Style) -> Pose:
    """One foot far before, behind or beside the other, down and up: a step and back, on the spot, or walking on."""
    p = standing(t, s)
    a = cycle(t, 0.42, s)
    split = s.variant < 0.3
    leads = np.floor(a / TAU) % 2 < 1 if s.alternates and not split else np.ones(len(t), bool)
    far = (0.62 + 0.25 * s.spread) * min(1.05, s.reach)
    if s.variant > 0.86:
        return _lunging_aside(p, s, a, leads, far)
    walks = s.variant > 0.74
    if walks:
        u = (a / TAU) % 1.0
        first, second = smooth(u / 0.4), smooth((u - 0.6) / 0.4)
        down = smooth((u - 0.15) / 0.3) * smooth((0.85 - u) / 0.3)
        p.place[:, 2] = _LEG_M * far * np.floor(a / TAU)
        p.place[:, 2] -= p.place[:, 2].mean()
        leads = np.floor(a / TAU) % 2 < 1
    else:
        there = with_rests(a, 0.5 * s.rest, s.spread)
        first, second = (1 + 0 * t if split else smooth(there / 0.55)), 0 * t
        down = there if split else np.clip((there - 0.3) / 0.7, 0, 1)
    down = down * min(1.1, s.reach)
    upright = _exercising_arms(p, s, down)
    if s.arms > 0.84 and s.lean > 0.35:  # bent arms swing against the legs, as in running
        for side, mine in ((s.side, leads), (s.other, ~leads)):
            swing = np.where(mine, -1.0, 1.0) * (first - second) * (2 * smooth(np.abs(first - second)) - 1)
            p.hands[side] = vectors(0.02 - 0.1 * swing, -0.35 + 0.25 * swing, 0.30 + 0.36 * swing)
            p.elbows[side] = vectors(0.35, -0.4 + 0 * t, -1.0)
    p.pelvis[:, 0] = (0.05 + 0.65 * s.lean * (1 - upright)) * down
    apart = np.abs(first - second)
    p.sink = 0.02 + 0.07 * apart**2 + (0.30 + 0.08 * s.spread) * down
    backward = not split and not walks and s.variant > 0.55
    way = -1.0 if backward else 1.0
    for side, mine in ((s.side, leads), (s.other, ~leads)):
        moves = np.where(mine, first, second)
        lift = 0.0 if split else 0.10
        heel = np.where(mine == backward, apart, 0.0)  # the rear foot stands on its toes
        p.feet[side] = vectors(0.03 + 0.04 * s.spread, lift * np.sin(moves * np.pi) + 0.09 * heel, way * far * moves)
        if not split and s.arms > 0.45:  # the knee is drawn up before and after the step
            rises = np.where(mine, np.sin(np.pi * np.clip(first / 0.4, 0, 1)), 0.0)
            p.feet[side] += vectors(0.0, 0.42 * rises, 0.35 * rises)
        p.toes[side] = (0.35 + 0.45 * down) * heel
        p.knees[side][:] = 0.05 + 0.15 * s.spread
    p.hip_shift[:, 2] += way * _LEG_M * far * 0.5 * (first + second)
    return p


def _lunging_aside(p: Pose, s: Style, a: F64, leads: npt.NDArray[np.bool_], far: float) -> Pose:
    """Deep on one leg that stands far to the side, the other one straight."""
    stays = s.lean > 0.5
    there = with_rests(a, 0.5 * s.rest, s.spread)
    step = 1 + 0 * there if stays else smooth(there / 0.55)
    down = (there if stays else np.clip((there - 0.3) / 0.7, 0, 1)) * min(1.1, s.reach)
    _exercising_arms(p, s, down)
    p.sink = 0.02 + 0.10 * step**2 + 0.34 * down
    p.pelvis[:, 0] = 0.4 * down
    p.hip_shift[:, 2] -= 0.10 * down
    for side, mine in ((s.side, leads), (s.other, ~leads)):
        out = 1.0 if side == "L" else -1.0
        wide = far * 0.55 * step if stays else far * step * mine
        p.feet[side] = vectors(0.05 + wide, 0.10 * np.sin(step * np.pi) * mine * (not stays), 0 * a)
        p.hip_shift[:, 0] += out * _LEG_M * far * mine * ((0.45 * down) if stays else (0.5 * step + 0.3 * down))
        p.knees[side][:] = 0.6
    return p


def dancing(t: F64, s: Style) -> Pose:
    """Hips and arms sway from side to side with the beat."""
    p = Pose.standing(len(t))
    a = cycle(t, 0.95, s)
    sway = np.sin(a)
    p.hip_shift[:, 0] = 0.12 * sway * s.reach
    p.pelvis[:, 2] = -0.12 * sway
    p.chest[:, 2] = 0.20 * sway
    p.chest[:, 1] = 0.25 * np.sin(a + 0.6)
    p.head[:, 2] = -0.10 * sway
    p.turn = 0.25 * np.sin(a * 0.5)
    p.sink = 0.05 + 0.03 * np.cos(2 * a)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        p.hands[side] = vectors(
            0.32 + 0.24 * sign * sway, -0.10 + 0.4 * sign * sway * s.reach, 0.42 + 0.1 * np.cos(2 * a)
        )
        p.elbows[side] = vectors(1.0, -0.6 + 0 * t, -0.2)
        p.feet[side] = vectors(0.10, 0.05 * np.maximum(0, -sign * sway), 0 * t)
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
    crouch = np.where(u < _CROUCH_S, ease(TAU * u / _CROUCH_S), 0.6 * landing_s / _LANDING_S * ease(TAU * landed))
    crouch = crouch * min(1.1, 0.35 + 0.8 * effort)
    p.place[:, 1] = 4 * air * (1 - air) * (0.03 + 0.30 * effort)
    p.place[:, 2] = (np.floor(turns) + air) * s.travel_m
    deep = float(np.clip((s.lean - 0.65) / 0.35, 0, 1))  # as in jumps out of a squat
    p.sink = 0.02 + (0.26 + 0.2 * deep) * crouch + 0.02 * air
    p.pelvis[:, 0] = (0.45 + 0.25 * deep) * crouch
    p.chest[:, 0] = 0.15 * crouch
    p.head[:, 0] = -0.35 * crouch
    p.hip_shift[:, 2] = -(0.09 + 0.1 * deep) * crouch
    lift = np.sin(np.pi * air) ** 2
    back, up = next(swing for limit, *swing in _JUMPING_ARMS if s.variant <= limit)
    for side in "LR":
        angle = 0.05 - back * (0.1 + 0.7 * crouch) + up * lift
        p.hands[side] = vectors(0.2, -0.88 * np.cos(angle), 0.88 * np.sin(angle))
        p.elbows[side] = vectors(0.9, -0.5 + 0 * t, -0.4)
        p.toes[side] = 0.8 * lift
        # A jump forward draws the legs up; so do some on the spot, before the body or behind it.
        drawn = max(0.12 * min(1.0, s.travel_m), 0.45 * effort * (s.arms < 0.2), 0.25 * effort * (0.2 < s.arms < 0.3))
        ahead = 0.15 * min(1.0, s.travel_m) + 0.28 * (s.arms < 0.2) - 0.3 * (0.2 < s.arms < 0.3) * effort
        p.feet[side] = vectors(0.05 + 0.25 * lift * (0.3 < s.arms < 0.36), drawn * lift, ahead * lift)
    return p


_JUMPING_ARMS = ((0.20, 0.0, 0.15), (0.40, 0.5, 0.5), (0.60, 1.0, 1.1), (1.00, 1.0, 2.4))
"""Up to which variant: how far the arms swing back and, in the air, up."""
