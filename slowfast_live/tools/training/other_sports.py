"""Sports, exercises, dances and postures that are none of the actions: parts of `something_else`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from slowfast_live.tools.training import curves, motions
from slowfast_live.tools.training.chance import Random, style, wander
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.figure import F64, Pose
from slowfast_live.tools.training.resting import hand_place, posture, trip


def dance(t: F64, s: Style, rng: Random) -> Pose:
    """To the beat: the body bounces, feet step aside or are thrown out, arms swing, pump, or do as they like."""
    p = motions.dancing(t, replace(s, tempo=s.tempo * rng.uniform(0.5, 1.6), reach=s.reach * rng.uniform(0, 1)))
    beat = curves.cycle(t, 0.95 * rng.uniform(0.7, 1.6), s)
    p.sink = p.sink + rng.uniform(0, 0.14) * curves.ease(2 * beat) * (rng.random() < 0.6)
    step = hand_place(rng, (0.0, 0.4), (0.0, 0.25), (-0.3, 0.5)) * (rng.random() < 0.6)
    swing = hand_place(rng, (-0.4, 0.4), (-0.4, 0.4), (-0.4, 0.4)) * (rng.random() < 0.7)
    center = hand_place(rng, (0.0, 0.6), (-0.8, 0.5), (0.0, 0.6))
    alike = rng.random() < 0.4
    for side, sign in (("L", 1.0), ("R", -1.0)):
        p.feet[side] = p.feet[side] + np.maximum(0, sign * np.sin(beat))[:, None] * step
        if swing.any():
            p.hands[side] = center + np.sin(beat if alike else sign * beat)[:, None] * swing
        p.hands[side] = p.hands[side] + wander(rng, t, 3, 0.5) * rng.uniform(0.0, 0.6)
    slow = wander(rng, t, 3, rng.uniform(0.4, 1.2)) * rng.uniform(0, 1)
    p.chest += slow * (0.15, 0.4, 0.2)
    p.turn = p.turn + slow[:, 1] * rng.uniform(0, 1.0)
    return p


def swing(t: F64, s: Style, rng: Random) -> Pose:
    """Swings or throws: a racket, a bat, a club, a ball; drawn back, quick through, and held."""
    p = posture(t, s, rng, 0.0, 0.8)
    middle, quick = t.mean() + rng.normal(0, 0.45), rng.uniform(0.12, 0.4)
    w = np.clip((t - middle) / quick + 0.5, 0, 1)
    w = w * w * (3 - 2 * w)
    ready = np.clip((t - middle + rng.uniform(0.5, 1.2)) / 0.5, 0, 1)[:, None]
    both = rng.random() < 0.5
    start = hand_place(rng, (0.2, 0.8), (-0.4, 0.8), (-0.5, 0.2))
    end = hand_place(rng, (-0.9, -0.2), (-0.5, 0.5), (0.1, 0.7))
    way = start * (1 - w[:, None]) + end * w[:, None] + np.sin(np.pi * w)[:, None] * (0.1, rng.uniform(-0.5, 0.4), 0.7)
    p.hands[s.side] = p.hands[s.side] * (1 - ready) + way * ready
    other = (
        way * (-0.8, 1.0, 1.0) + (-0.1, -0.05, 0.1)
        if both
        else np.tile(hand_place(rng, (0.1, 0.6), (-0.7, 0.2), (0.1, 0.6)), (len(t), 1))
    )
    p.hands[s.other] = p.hands[s.other] * (1 - ready) + other * ready
    for side in "LR":
        p.elbows[side] = np.tile((0.7, -0.6, -0.4), (len(t), 1))
        p.feet[side][:, 0] += rng.uniform(0.0, 0.25)
    turn = rng.uniform(0.3, 1.1) * (ready[:, 0] * (0.5 - w) * 2)
    p.chest[:, 1] -= s.sign * turn
    p.pelvis[:, 1] -= 0.4 * s.sign * turn
    p.head[:, 1] += s.sign * turn
    p.feet[s.other][:, 2] += rng.uniform(0, 0.35) * ready[:, 0]
    p.sink += rng.uniform(0, 0.15)
    if rng.random() < 0.4:
        p.place[:, 2] += rng.uniform(0, 0.8) * ready[:, 0]
    return p


_DRILLS = (0.17, 0.11, 0.09, 0.11, 0.09, 0.12, 0.15, 0.08, 0.08)
"""How often each drill is done; raises to the side and movements of the head most."""


def drill(t: F64, s: Style, rng: Random) -> Pose:
    """Exercises that are none of the actions: raises, presses, rows, shrugs, twists, leg raises, neck stretches."""
    p = motions.standing(t, s)
    k = curves.with_rests(curves.cycle(t, 0.55, s), 0.5 * s.rest, s.spread)
    kind = int(rng.choice(9, p=_DRILLS))
    sides = "LR" if rng.random() < 0.8 else s.side

    def move(
        low: tuple[float, float, float], high: tuple[float, float, float], elbow: tuple[float, float, float]
    ) -> None:
        for side in sides:
            p.hands[side] = curves.lerp(low, high, k)
            p.elbows[side] = np.tile(elbow, (len(t), 1))

    if kind == 0:  # arms to the side, straight or bent
        bent = max(0.0, rng.uniform(-0.5, 1.0))
        high = (0.95 - 0.3 * bent, rng.uniform(-0.3, 0.15), 0.1 + 0.3 * bent)
        move((0.15 - 0.25 * bent, -0.95 + 0.1 * bent, 0.1 + 0.15 * bent), high, (0.2 + 0.6 * bent, -0.9 + bent, -0.3))
    elif kind == 1:  # pressed overhead
        move((0.25, 0.05, 0.15), (0.05, 0.97, 0.05), (0.8, -0.7, 0.1))
    elif kind == 2:  # straight arms to the front
        move((0.1, -0.95, 0.1), (0.05, rng.uniform(-0.1, 0.3), 0.95), (0.5, -0.9, -0.2))
    elif kind == 3:  # rows, leaning forward, or upright
        lean = rng.uniform(0, 1.0)
        p.pelvis[:, 0] += lean
        p.hip_shift[:, 2] -= 0.2 * lean
        p.sink += 0.08 * lean
        move((0.05, -0.75 + 0.2 * lean, 0.5 * lean), (0.15, -0.45, 0.0), (0.6, 0.1, -1.0))
    elif kind == 4:  # twists
        p.chest[:, 1] += rng.uniform(0.4, 0.9) * np.sin(curves.cycle(t, 0.6, s))
        hands = ((0.9, -0.05, 0.1), (-0.2, -0.2, 0.4), (0.05, -0.62, 0.08))[int(rng.integers(3))]
        move(hands, hands, (0.9, -0.5, -0.2))
    elif kind == 5:  # a leg to the side or behind, or a knee up and held
        way = np.array(((0.45, 0.15, 0.0), (0.0, 0.12, -0.4), (0.0, 0.42, 0.35))[int(rng.integers(3))])
        p.feet[s.side] = p.feet[s.side] + k[:, None] * way
        hands = ((0.05, -0.62, 0.08), (0.2, -0.9, 0.1), (0.9, 0.0, 0.1))[int(rng.integers(3))]
        move(hands, hands, (0.9, -0.2, -0.5))
    elif kind == 6:  # the head
        p = posture(t, s, rng, 0.5, 0.2)
        p.head += (
            k[:, None] * np.array(((0.0, 0.0, 0.5), (0.5, 0.0, 0.0), (0.0, 0.9, 0.0))[int(rng.integers(3))]) * s.sign
        )
    elif kind == 7:  # shrugs, hips that circle, heels that rise
        a = curves.cycle(t, 0.5, s)
        p.hip_shift += np.stack([np.cos(a), 0 * a, np.sin(a)], 1) * rng.uniform(0.0, 0.16)
        p.place[:, 1] += 0.07 * k * (rng.random() < 0.5)
        move((0.05, -0.62, 0.08), (0.05, -0.62, 0.08), (1.0, 0.1, -0.7))
    else:  # arms across the chest and open again, or overhead and held
        high = ((0.95, 0.0, 0.1), (0.0, 0.95, 0.0))[int(rng.integers(2))]
        move((-0.35, -0.05, 0.8), high, (0.8, -0.5, 0.0))
    return p


def on_the_floor(t: F64, s: Style, rng: Random) -> Pose:
    """Lies, crawls, kneels, holds a plank, sits up, stretches on the floor."""
    kind = int(rng.integers(5))
    slow = wander(rng, t, 12, rng.uniform(0.5, 2.0)) * rng.uniform(0.1, 1.0)
    if kind == 0:  # a plank, or hips high as in yoga
        p = motions.push_ups(np.full_like(t, t[0]), replace(s, reach=rng.uniform(0, 1)))
        arch = rng.uniform(-0.2, 0.9)
        p.pelvis[:, 0] += arch + 0.05 * slow[:, 0]
        p.sink -= 0.7 * max(arch, 0)
        for side in "LR":
            p.feet[side][:, 2] += 0.35 * max(arch, 0)
            p.hands[side] += slow[:, 3:6] * 0.1
        return p
    p = motions.standing(t, s)
    if kind == 1:  # on hands and knees
        p.sink[:] = 0.52
        p.pelvis[:, 0] = 1.35 + 0.1 * slow[:, 0]
        crawl = np.sin(curves.cycle(t, 0.9, s)) * rng.uniform(0, 0.25) * (rng.random() < 0.6)
        for side, way in (("L", 1), ("R", -1)):
            p.feet[side] = np.stack([0 * t + 0.02, 0 * t + 0.02, -0.48 + way * crawl], 1)
            p.hands[side] = np.stack([0 * t + 0.05, 0.1 - way * crawl, 0 * t + 0.9], 1)
            p.toes[side][:] = 1.3
    elif kind == 2:  # on the back, legs bent or straight, the trunk up or down
        p.sink[:] = 0.95
        rises = rng.uniform(0, 1.3) * (0.5 + 0.5 * np.sin(curves.cycle(t, 0.4, s))) * (rng.random() < 0.6)
        p.pelvis[:, 0] = -1.5 + rises + 0.1 * slow[:, 0]
        far = rng.uniform(0.45, 0.95)
        for side in "LR":
            p.feet[side] = np.stack([0 * t + 0.05, 0 * t + 0.03, 0 * t + far], 1) + slow[:, 3:6] * 0.1
            p.hands[side] = hand_place(rng, (-0.2, 0.5), (-0.9, 0.7), (0.0, 0.5)) + slow[:, 6:9] * 0.3
            p.elbows[side] = np.tile((1.0, -0.3, 0.0), (len(t), 1))
    elif kind == 3:  # sits on the floor, leans to the feet
        p.sink[:] = 0.9
        p.pelvis[:, 0] = rng.uniform(-0.2, 0.6) + 0.2 * slow[:, 0]
        p.chest[:, 0] += rng.uniform(-0.1, 0.6) + 0.2 * slow[:, 1]
        apart, far = rng.uniform(0.05, 0.6), rng.uniform(0.3, 0.95)
        for side in "LR":
            p.feet[side] = np.stack([0 * t + apart, 0 * t + 0.02, 0 * t + far], 1)
            p.knees[side][:] = rng.uniform(0, 2)
            p.hands[side] = hand_place(rng, (0.0, 0.5), (-0.7, 0.1), (0.1, 0.9)) + slow[:, 6:9] * 0.2
    else:  # kneels
        p.sink[:] = rng.uniform(0.45, 0.75)
        p.pelvis[:, 0] = rng.uniform(0, 0.5) + 0.1 * slow[:, 0]
        for side in "LR":
            p.feet[side] = np.stack([0 * t + 0.03, 0 * t + 0.03, 0 * t - 0.45], 1)
            p.toes[side][:] = 1.3
            p.hands[side] = hand_place(rng, (-0.3, 0.4), (-0.9, 0.4), (0.1, 0.7)) + slow[:, 6:9] * 0.3
    p.head += slow[:, 9:12] * 0.2
    return p


def posing(t: F64, s: Style, rng: Random) -> Pose:
    """Slowly from one posture to the next, or held: yoga, tai chi, statues, martial stances."""

    def posture() -> Pose:
        p = motions.standing(t, style(rng))
        wide = rng.uniform(0.0, 0.45)
        fore = rng.uniform(0.0, 0.45)
        p.sink[:] = 0.02 + 0.6 * max(wide, fore) ** 2 + rng.uniform(0, 0.22)
        p.pelvis += rng.normal(0, (0.25, 0.2, 0.06))
        p.chest += rng.normal(0, (0.15, 0.35, 0.12))
        p.head += rng.normal(0, (0.15, 0.4, 0.05))
        for side in "LR":
            p.feet[side] = np.tile((0.05 + wide, 0.0, fore if side == s.side else -fore), (len(t), 1))
            p.hands[side] = np.tile(hand_place(rng, (-0.3, 0.9), (-0.7, 0.9), (-0.1, 0.9)), (len(t), 1))
            p.elbows[side] = np.tile((0.7, -0.7, -0.2), (len(t), 1))
        if rng.random() < 0.2:
            p.feet[s.side] = np.tile((0.1, rng.uniform(0.1, 0.6), rng.uniform(-0.4, 0.5)), (len(t), 1))
        return p

    p = posture()
    if rng.random() < 0.8:
        middle, over_s = t.mean() + rng.normal(0, 0.6), rng.uniform(0.3, 2.5)
        w = np.clip((t - middle) / over_s + 0.5, 0, 1)
        p = p.blend(posture(), w * w * (3 - 2 * w))
    slow = wander(rng, t, 6, 1.0) * 0.06
    for i, side in enumerate("LR"):
        p.hands[side] = p.hands[side] + slow[:, 3 * i : 3 * i + 3]
    p.turn = p.turn + wander(rng, t, 1, 1.5)[:, 0] * rng.uniform(0, 0.6)
    return p


def striking_out(t: F64, s: Style, rng: Random) -> Pose:
    """Sweeps, blocks, chops, pushes: an arm goes out sideways or across and comes back."""
    p = posture(t, s, rng, 0.0, 0.3)
    for side in (s.side,) if rng.random() < 0.6 else ("L", "R"):
        home = hand_place(rng, (-0.45, 0.1), (-0.4, 0.4), (0.1, 0.5))
        away = hand_place(rng, (0.4, 0.95), (-0.6, 0.5), (0.0, 0.5))
        p.hands[side] = trip(rng, t, home, away, (0.7, 2.5))
        p.elbows[side] = np.tile((0.8, -0.5, 0.0), (len(t), 1))
    p.sink += rng.uniform(0, 0.2)
    for side in "LR":
        p.feet[side][:, 0] += rng.uniform(0, 0.3)
        p.knees[side][:] = 0.5
    p.chest[:, 1] += rng.normal(0, 0.3) * np.sin(curves.cycle(t, 0.6, s))
    return p


def gliding(t: F64, s: Style, rng: Random) -> Pose:
    """Skates, skis, rides a board, steps sideways: knees bent, weight from side to side, moving through the picture."""
    p = posture(t, s, rng, 0.0, 0.6)
    a = curves.cycle(t, rng.uniform(0.2, 0.9), s)
    pushes = rng.uniform(0, 1) * (rng.random() < 0.7)
    p.sink += rng.uniform(0.05, 0.35)
    p.pelvis[:, 0] += rng.uniform(0.0, 0.7)
    p.hip_shift[:, 0] += 0.15 * pushes * np.sin(a)
    p.pelvis[:, 2] += 0.15 * pushes * np.sin(a)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        push = np.maximum(0, -sign * np.sin(a)) * pushes
        p.feet[side] = np.stack(
            [0.05 + 0.35 * push + rng.uniform(0, 0.2), 0.08 * push, -0.3 * push + rng.normal(0, 0.12)], 1
        )
        p.hands[side] = hand_place(rng, (0.1, 0.8), (-0.9, 0.2), (-0.3, 0.6)) + wander(rng, t, 3, 0.8) * rng.uniform(
            0, 0.4
        )
        p.elbows[side] = np.tile((0.8, -0.6, -0.3), (len(t), 1))
    turn = rng.uniform(-np.pi, np.pi)
    speed = rng.uniform(0, 2.5)
    p.place[:, 0] += (t - t.mean()) * speed * np.sin(turn) * 0.6
    p.place[:, 2] += (t - t.mean()) * speed * np.cos(turn) * 0.6
    p.turn = p.turn + wander(rng, t, 1, 0.8)[:, 0] * rng.uniform(0, 2.5)
    return p
