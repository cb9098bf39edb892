"""Something else: what people do that is none of the actions, and moves like some of them.

Each kind takes times in seconds, a `Style` and a random generator, and returns a `Pose`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from slowfast_live.tools.training import curves, motions, other_sports
from slowfast_live.tools.training.actions import ACTIONS
from slowfast_live.tools.training.chance import Random, style, wander
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.figure import F64, Pose
from slowfast_live.tools.training.resting import hand_place, idle, posture, resting, trip


def _gestures(t: F64, s: Style, rng: Random) -> Pose:
    """Hands go from one place to another without a rhythm, as in talk or in reaching for things."""
    p = idle(t, s, rng)
    for side in "LR":
        if rng.random() < 0.75:
            center = np.array((rng.uniform(-0.1, 0.5), rng.uniform(-0.7, 0.3), rng.uniform(0.2, 0.7)))
            p.hands[side] = center + wander(rng, t, 3, rng.uniform(0.35, 1.4)) * rng.uniform(0.1, 0.55)
            p.elbows[side] = np.tile((0.6, -0.8, -0.3), (len(t), 1))
    return p


def _hand_work(t: F64, s: Style, rng: Random) -> Pose:
    """Both hands busy before the body or at the face: typing, cooking, playing, combing."""
    p = idle(t, s, rng)
    face = rng.random() < 0.4
    rate, size = rng.uniform(0.5, 5.0), rng.uniform(0.02, 0.16)
    for side in "LR":
        if face and side == s.side:
            center = np.array((-0.28, rng.uniform(0.2, 0.55), 0.45))
        else:
            center = np.array((rng.uniform(-0.35, 0.25), rng.uniform(-0.75, -0.35), rng.uniform(0.35, 0.65)))
        a = curves.TAU * (t * rate + rng.random())
        wiggle = np.stack([np.sin(a), np.cos(a * rng.uniform(0.7, 1.3)), np.sin(a * 0.6)], 1)
        p.hands[side] = center + wiggle * size * rng.random(3) + wander(rng, t, 3, 0.6) * size
        p.elbows[side] = np.tile((0.7, -0.7, -0.3), (len(t), 1))
    p.chest[:, 0] += rng.uniform(0, 0.4)
    return p


def _shifting(t: F64, s: Style, rng: Random) -> Pose:
    """Turns round, leans, holds a posture of another action without doing it."""
    source = ACTIONS[int(rng.integers(len(ACTIONS)))].motion
    still = np.full_like(t, t[0]) + 0.02 * np.sin(t)
    p = source(still, s)
    slow = wander(rng, t, 7, rng.uniform(0.6, 1.6))
    p.turn = p.turn + slow[:, 0] * rng.uniform(0, 1.2)
    p.chest += slow[:, 1:4] * (0.1, 0.25, 0.1)
    p.head += slow[:, 4:7] * (0.1, 0.4, 0.1)
    return p


def _stray(t: F64, s: Style, rng: Random) -> Pose:
    """Moves of the whole body that belong to no action: reaching, stepping, ducking, turning."""
    p = motions.standing(t, s)
    size = rng.uniform(0.3, 1.0)
    slow = wander(rng, t, 12, rng.uniform(0.5, 1.4)) * size
    p.sink = p.sink + 0.25 * np.clip(slow[:, 0], 0, 1) * (rng.random() < 0.6)
    p.pelvis += slow[:, 1:4] * (0.35, 0.25, 0.1)
    p.chest += slow[:, 4:7] * (0.3, 0.4, 0.2)
    p.turn = p.turn + slow[:, 7] * rng.uniform(0, 1.5)
    p.place[:, 0] += 0.5 * slow[:, 8] * (rng.random() < 0.5)
    p.place[:, 2] += 0.5 * slow[:, 9] * (rng.random() < 0.5)
    for side in "LR":
        center = np.array((rng.uniform(0, 0.6), rng.uniform(-0.8, 0.6), rng.uniform(0.0, 0.6)))
        p.hands[side] = center + wander(rng, t, 3, rng.uniform(0.4, 1.2)) * size * 0.6
        p.elbows[side] = np.tile((0.7, -0.6, -0.3), (len(t), 1))
        step = np.clip(wander(rng, t, 3, 0.6), -1, 1) * 0.25 * (rng.random() < 0.5)
        p.feet[side] = p.feet[side] + step * (0.5, 0.0, 1.0) + np.abs(step[:, 1:2]) * (0.0, 0.6, 0.0)
    return p


def _sit_down(t: F64, s: Style, rng: Random) -> Pose:
    """From standing to sitting, or up again."""
    low, high = motions.sitting(t, s), motions.standing(t, s)
    middle = t.mean() + rng.normal(0, 0.3)
    rate = rng.uniform(3, 7) * (1 if rng.random() < 0.5 else -1)
    return high.blend(low, 1 / (1 + np.exp(-(t - middle) * rate)))


def _drawing(t: F64, s: Style, rng: Random) -> Pose:
    """One arm is held out still, the other hand is drawn back from it: a bow, a rope, a bolt of cloth."""
    p = resting(t, motions.standing(t, s), rng, rng.uniform(0.0, 0.3))
    aside = rng.random() < 0.65
    held = (0.93, rng.uniform(-0.2, 0.3), 0.2) if aside else (0.0, rng.uniform(-0.2, 0.3), 0.93)
    near = (-0.75, held[1], 0.45) if aside else (-0.2, held[1], 0.8)
    back = (rng.uniform(-0.3, 0.1), rng.uniform(-0.15, 0.25), rng.uniform(0.05, 0.3))
    drawn = 1 / (1 + np.exp(-(t - t.mean() - rng.normal(0, 0.6)) * rng.uniform(1.5, 7.0)))[:, None]
    tremble = wander(rng, t, 6, 0.4) * rng.uniform(0.0, 0.05)
    p.hands[s.side] = np.array(held) + tremble[:, :3]
    p.hands[s.other] = np.array(near) * (1 - drawn) + np.array(back) * drawn + tremble[:, 3:]
    p.elbows[s.side] = np.tile((0.3, -0.6, -0.6), (len(t), 1))
    p.elbows[s.other] = np.tile((1.0, rng.uniform(-0.4, 0.4), -0.3), (len(t), 1))
    p.head[:, 1] += s.sign * rng.uniform(0.5, 1.3) * aside
    p.chest[:, 1] += s.sign * rng.uniform(0.0, 0.5)
    for side in "LR":
        p.feet[side][:, 0] += rng.uniform(0.05, 0.25)
    return p


def _at_keys(t: F64, s: Style, rng: Random) -> Pose:
    """Hands at the height of a table go aside and back, and up and down in turn: a piano, drums, cards."""
    p = (motions.standing if rng.random() < 0.25 else motions.sitting)(t, s)
    rate, high = rng.uniform(1.0, 5.0), rng.uniform(0.02, 0.16)
    level, ahead = rng.uniform(-0.65, -0.3), rng.uniform(0.4, 0.7)
    for side in "LR":
        along = wander(rng, t, 3, rng.uniform(0.3, 1.2)) * (rng.uniform(0.05, 0.45), 0.05, 0.08)
        beat = curves.TAU * (t * rate + (0.5 if side == s.side else 0.0)) + rng.normal(0, 0.5)
        tap = np.stack([0.3 * np.sin(beat), np.maximum(0, np.sin(beat)), 0 * t], 1) * high
        p.hands[side] = np.array((rng.uniform(-0.15, 0.2), level, ahead)) + along + tap
        p.elbows[side] = np.stack([0.9 + along[:, 0], -0.5 + along[:, 1], -0.4 + 0 * t], 1)
    sway = wander(rng, t, 3, rng.uniform(0.5, 1.5)) * rng.uniform(0, 1)
    p.chest += sway * (0.15, 0.2, 0.12)
    p.head += sway[:, ::-1] * (0.15, 0.2, 0.1)
    return p


def _at_counter(t: F64, s: Style, rng: Random) -> Pose:
    """Work with weight on both hands, or with one hand that swings or stirs: dough, a pan, a saw, a cloth."""
    p = resting(t, motions.standing(t, s), rng, rng.uniform(0.0, 0.5))
    a = curves.TAU * (t * rng.uniform(0.5, 2.5) + rng.random())
    together = rng.random() < 0.5
    jerk = np.maximum(0, np.sin(a)) ** rng.uniform(1, 4)
    size = rng.uniform(0.05, 0.3) * rng.uniform((0.1, 0.1, 0.1), (0.6, 0.8, 1.0))
    for side in "LR":
        center = np.array((rng.uniform(-0.3, 0.0), rng.uniform(-0.7, -0.35), rng.uniform(0.35, 0.6)))
        moves = np.stack([np.cos(a), jerk, np.sin(a)], 1) * size if together or side == s.side else 0.0
        p.hands[side] = center + moves + wander(rng, t, 3, 0.8) * 0.04
        p.elbows[side] = np.tile((rng.uniform(0.6, 1.0), -0.6, -0.4), (len(t), 1))
    p.chest[:, 0] += rng.uniform(0.0, 0.4) + (np.sin(a) * rng.uniform(0.0, 0.15) if together else 0.0)
    p.pelvis[:, 0] += rng.uniform(0.0, 0.2)
    return p


def _wrestling(t: F64, s: Style, rng: Random) -> Pose:
    """Force against something or somebody that hardly yields: arms on a table, a shove, a rope."""
    give = wander(rng, t, 6, rng.uniform(0.4, 1.2))
    if rng.random() < 0.45:
        p = motions.sitting(t, replace(s, spread=1.0))
        p.hands[s.side] = np.array((-0.15, -0.18, 0.5)) + give[:, :3] * (0.25, 0.12, 0.1)
        p.elbows[s.side] = np.tile((0.5, -1.0, 0.2), (len(t), 1))
        p.hands[s.other] = np.array((-0.2, -0.5, 0.5)) + give[:, 3:] * 0.03
        p.chest += give[:, 3:] * (0.12, 0.2, 0.15)
        return p
    p = motions.standing(t, s)
    lean = rng.uniform(-0.4, 0.7)
    p.pelvis[:, 0] = lean * 0.6 + 0.08 * give[:, 3]
    p.chest[:, 0] += lean * 0.4 + 0.08 * give[:, 4]
    p.sink = p.sink + rng.uniform(0.05, 0.25) + 0.04 * give[:, 5]
    p.hip_shift[:, 2] -= 0.35 * lean
    p.feet[s.side][:, 2], p.feet[s.other][:, 2] = rng.uniform(0.05, 0.3), -rng.uniform(0.2, 0.5)
    level, ahead = rng.uniform(-0.4, 0.1), rng.uniform(0.45, 0.85)
    for side in "LR":
        p.hands[side] = np.array((rng.uniform(-0.2, 0.15), level, ahead)) + give[:, :3] * (0.08, 0.08, 0.18)
        p.elbows[side] = np.tile((0.8, -0.7, -0.2), (len(t), 1))
    return p


def _to_the_face(t: F64, s: Style, rng: Random) -> Pose:
    """Drinks, eats, smokes, telephones, brushes teeth or hair, makes up, scratches: hands go to the head and back."""
    p = posture(t, s, rng, 0.45)
    rate, size = rng.uniform(1, 6), rng.uniform(0, 0.12) * (rng.random() < 0.5)
    for side in (s.side,) if rng.random() < 0.75 else ("L", "R"):
        low = hand_place(rng, (-0.3, 0.2), (-0.8, -0.3), (0.2, 0.65))
        face = hand_place(rng, (-0.35, 0.0), (0.1, 0.75), (0.05, 0.45))
        stays = rng.random() < 0.35
        path = np.tile(face, (len(t), 1)) if stays else trip(rng, t, low, face, (1.0, 5.0))
        shake = (
            np.sin(curves.TAU * (t * rate + rng.random()))[:, None] * hand_place(rng, (-1, 1), (-1, 1), (-1, 1)) * size
        )
        p.hands[side] = path + shake + wander(rng, t, 3, 0.8) * 0.03
        p.elbows[side] = np.tile((rng.uniform(0.3, 1.0), -0.8, -0.2), (len(t), 1))
    p.head += rng.normal(0, 0.12, 3)
    return p


def _holding(t: F64, s: Style, rng: Random) -> Pose:
    """Reads, looks at a telephone, films, carries: hands still before the body."""
    p = posture(t, s, rng, 0.4, 0.4)
    place = hand_place(rng, (-0.3, 0.05), (-0.65, 0.15), (0.3, 0.75))
    for side in (s.side,) if rng.random() < 0.4 else ("L", "R"):
        p.hands[side] = place + wander(rng, t, 3, rng.uniform(0.3, 1.5)) * rng.uniform(0, 0.08)
        p.elbows[side] = np.tile((rng.uniform(0.4, 0.9), -0.8, -0.3), (len(t), 1))
    p.head[:, 0] += rng.uniform(0.0, 0.5)
    return p


def _signing(t: F64, s: Style, rng: Random) -> Pose:
    """Quick from place to place before chest and face, one hand or both: signs, gestures, counting, conducting."""
    p = posture(t, s, rng, 0.3, 0.5)
    interval, size = rng.uniform(0.15, 0.6), rng.uniform(0.15, 0.5)
    together = wander(rng, t, 3, interval) if rng.random() < 0.5 else None
    for side in "LR" if rng.random() < 0.65 else s.side:
        center = hand_place(rng, (-0.3, 0.15), (-0.5, 0.25), (0.25, 0.55))
        moves = together if together is not None else wander(rng, t, 3, interval)
        p.hands[side] = center + moves * size * (1.0, 1.0, 0.6)
        p.elbows[side] = np.tile((0.6, -0.8, -0.2), (len(t), 1))
    return p


def _picking_up(t: F64, s: Style, rng: Random) -> Pose:
    """Crouches for something beside the feet with one hand and comes up with it, or ties a shoe."""
    p = motions.standing(t, s)
    middle, over_s, stays = t.mean() + rng.normal(0, 0.4), rng.uniform(0.4, 0.9), rng.uniform(0.1, 1.2)
    w = np.clip((stays / 2 + over_s - np.abs(t - middle)) / over_s, 0, 1)
    w = w * w * (3 - 2 * w)
    p.sink = p.sink + w * rng.uniform(0.5, 0.68)
    p.pelvis[:, 0] += w * rng.uniform(0.1, 0.5)
    p.chest[:, 0] += w * rng.uniform(0.1, 0.4)
    p.chest[:, 2] += w * s.sign * -rng.uniform(0, 0.3)
    p.hip_shift[:, 2] -= 0.2 * w
    p.feet[s.side][:, 2] += rng.uniform(0.05, 0.3)
    p.feet[s.other][:, 2] -= rng.uniform(0.05, 0.3)
    p.toes[s.other] = 0.5 * w
    away = hand_place(rng, (0.0, 0.5), (-0.75, -0.5), (0.4, 0.7))
    after = np.where(t > middle, 1.0, 0.0)[:, None] * (1 - w[:, None])
    rest = np.array((0.1, -0.55, 0.35)) * after + np.array((0.15, -0.95, 0.08)) * (1 - after)
    p.hands[s.side] = rest * (1 - w[:, None]) + away * w[:, None]
    p.hands[s.other] = curves.lerp((0.15, -0.95, 0.08), (0.0, -0.55, 0.45), w)
    return p


def _at_an_instrument(t: F64, s: Style, rng: Random) -> Pose:
    """A guitar, a violin, a drum, a broom: one hand holds far out, the other one goes to and fro near the body."""
    p = posture(t, s, rng, 0.4, 0.6)
    a = curves.TAU * (t * rng.uniform(0.6, 4.0) + rng.random())
    stroke = np.stack([0.3 * np.cos(a), np.sin(a), 0.3 * np.sin(a)], 1) * rng.uniform(0.03, 0.22)
    p.hands[s.side] = hand_place(rng, (-0.35, 0.1), (-0.65, -0.2), (0.2, 0.5)) + stroke
    p.hands[s.other] = hand_place(rng, (0.0, 0.65), (-0.5, 0.2), (0.3, 0.7)) + wander(rng, t, 3, 0.5) * rng.uniform(
        0.01, 0.12
    )
    for side in "LR":
        p.elbows[side] = np.tile((0.8, -0.7, -0.2), (len(t), 1))
    return p


OTHERS: tuple[tuple[Callable[[F64, Style, Random], Pose], float], ...] = (
    (idle, 0.08),
    (_gestures, 0.08),
    (_hand_work, 0.09),
    (_shifting, 0.06),
    (other_sports.dance, 0.07),
    (_stray, 0.08),
    (_sit_down, 0.05),
    (_drawing, 0.03),
    (_at_keys, 0.04),
    (_at_counter, 0.04),
    (_wrestling, 0.04),
    (_to_the_face, 0.07),
    (_holding, 0.04),
    (_signing, 0.05),
    (other_sports.swing, 0.05),
    (other_sports.drill, 0.09),
    (other_sports.on_the_floor, 0.05),
    (other_sports.posing, 0.07),
    (other_sports.striking_out, 0.03),
    (other_sports.gliding, 0.04),
    (_picking_up, 0.02),
    (_at_an_instrument, 0.03),
)


def something_else(rng: Random, t: F64) -> Pose:
    """Something else."""
    kind = rng.choice(len(OTHERS), p=np.array([w for _, w in OTHERS]) / sum(w for _, w in OTHERS))
    return OTHERS[kind][0](t, style(rng), rng)
