"""Rendered clips to train on: somebody does one of the actions, or something else, somewhere.

Everything about a clip follows from one seed. Clips are framed by `FollowMotion`, as the app frames them.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from slowfast_live.core.framing import FollowMotion
from slowfast_live.training import motions
from slowfast_live.training.config import bundled
from slowfast_live.training.figure import F32, F64, Cloth, Colour, Person, Pose, joints, materials, solids
from slowfast_live.training.mocap import Library
from slowfast_live.training.motions import Motion, Style
from slowfast_live.training.render import Camera, Light, draw, room, to_bytes
from slowfast_live.types import U8

REJECT = "something else"

SIDE, WORKING_SIDE = bundled().clip.side, bundled().clip.resize_side
TIMING = bundled().clip.timing
"""16 pictures over 1.5 s: one or two cycles of most actions."""


@dataclass(frozen=True)
class Action:
    """One class: its name, its motion, and how it is usually seen.

    Attributes:
        name: As the app shows it.
        motion: What the body does.
        turned: Standard deviation of the camera's yaw.
        upper_body: Share of clips that show head and arms only.
        tempo: Spread of the tempo: standard deviation of its logarithm.
        speed: Metres a second forward when it travels.
        behind: Share of clips that show the back.
    """

    name: str
    motion: Motion
    turned: float = 0.45
    upper_body: float = 0.0
    tempo: float = 0.27
    speed: float = 0.0
    behind: float = 0.04


ACTIONS = (
    Action("waving hand", motions.waving, 0.4, 0.45),
    Action("waving both hands", motions.waving_both, 0.4, 0.25),
    Action("clapping", motions.clapping, 0.45, 0.45, 0.35),
    Action("jumping jacks", motions.jumping_jacks, 0.45),
    Action("squat", motions.squats, 0.7, 0.0, 0.35),
    Action("bending", motions.bowing, 0.9, 0.0, 0.35),
    Action("walking", motions.walking, 1.0, 0.08, 0.28, 1.15, 0.28),
    Action("running", motions.running, 1.0, 0.05, 0.2, 2.6, 0.15),
    Action("punching", motions.punching, 0.6, 0.35, 0.35),
    Action("push up", motions.push_ups, 1.0, 0.0, 0.35),
    Action("jumping", motions.jumping, 0.75, behind=0.08),
    Action("arm circles", motions.arm_circles, 0.45, 0.2, 0.35),
    Action("kicking", motions.kicking, 0.8),
    Action("lunge", motions.lunging, 0.9, 0.0, 0.3),
    Action("side stretch", motions.stretching_side, 0.4, 0.1, 0.3),
    Action("bicep curl", motions.raising_dumbbells, 0.6, 0.35, 0.35),
    Action("standing still", motions.standing, 0.7, 0.25),
    Action("sitting still", motions.sitting, 0.6, 0.7),
)

LABELS = (*(a.name for a in ACTIONS), REJECT)

Random = np.random.Generator


def _colour(rng: Random, low: float = 0.12, high: float = 0.95) -> Colour:
    grey = rng.random() < 0.3
    return colorsys.hsv_to_rgb(rng.random(), 0.08 if grey else rng.uniform(0.2, 0.8), rng.uniform(low, high))


def _cloth(rng: Random, patterned: float = 0.35) -> Cloth:
    pattern = int(rng.integers(1, 4)) if rng.random() < patterned else 0
    return Cloth(_colour(rng), pattern, _colour(rng), float(rng.uniform(0.03, 0.14)))


def person(rng: Random) -> Person:
    """Draw somebody."""
    tone = rng.random()
    light, dark = np.array((0.95, 0.78, 0.67)), np.array((0.30, 0.19, 0.13))
    skin = light * (1 - tone**1.3) + dark * tone**1.3
    return Person(
        height_m=float(np.clip(rng.normal(1.72, 0.11), 1.3, 2.0)),
        girth=float(np.clip(rng.normal(1.0, 0.13), 0.75, 1.5)),
        shoulders=float(rng.uniform(0.165, 0.215)),
        arm=float(rng.uniform(0.93, 1.08)),
        leg=float(rng.uniform(0.93, 1.06)),
        head=float(rng.uniform(0.93, 1.2)),
        skin=Cloth((float(skin[0]), float(skin[1]), float(skin[2]))),
        shirt=_cloth(rng),
        trousers=_cloth(rng, 0.12),
        shoes=Cloth(_colour(rng)),
        hair=Cloth(_colour(rng, 0.05, 0.6)),
        sleeves=float(rng.choice([0.0, 0.4, 0.6, 0.9, 1.6, 2.0])),
        legs=float(rng.choice([0.45, 0.8, 1.5, 2.0, 2.0, 2.0])),
        skirt=bool(rng.random() < 0.1),
        hair_style=int(rng.integers(5)),
    )


def style(rng: Random, tempo: float = 0.27) -> Style:
    """Draw a way of doing it."""
    return Style(
        tempo=float(np.exp(np.clip(rng.normal(0, tempo), -0.7, 0.7))),
        reach=float(rng.uniform(0.72, 1.15)),
        phase=float(rng.random()),
        side=str(rng.choice(["L", "R"])),
        lag=float(rng.normal(0, 0.04)),
        spread=float(rng.random()),
        variant=float(rng.random()),
    )


def _wander(rng: Random, t: F64, width: int, interval_s: float) -> F64:
    """Smooth curves (T, width) through random points of about -1..1 every `interval_s`."""
    knots = max(4, int(np.ceil((t[-1] - t[0]) / interval_s)) + 3)
    points = rng.normal(0, 0.6, (knots, width))
    x = (t - t[0]) / interval_s + rng.random()
    i = np.clip(x.astype(int), 0, knots - 2)
    w = np.clip(x - i, 0, 1)[:, None]
    w = w * w * (3 - 2 * w)
    return np.asarray(points[i] * (1 - w) + points[i + 1] * w)


def _resting(t: F64, p: Pose, rng: Random, liveliness: float) -> Pose:
    """Shifts weight and looks about, more or less; arms as they happen to be."""
    slow = _wander(rng, t, 12, rng.uniform(0.8, 3.0)) * liveliness
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
        p.hands[side] += _wander(rng, t, 3, 1.5) * 0.05 * min(1.0, 0.2 + liveliness)
    return p


def _idle(t: F64, s: Style, rng: Random) -> Pose:
    """Stands or sits, and turns and leans while waiting."""
    seated = rng.random() < 0.3
    return _resting(t, (motions.sitting if seated else motions.standing)(t, s), rng, rng.uniform(0.5, 1.6))


def _gestures(t: F64, s: Style, rng: Random) -> Pose:
    """Hands go from one place to another without a rhythm, as in talk or in reaching for things."""
    p = _idle(t, s, rng)
    for side in "LR":
        if rng.random() < 0.75:
            centre = np.array((rng.uniform(-0.1, 0.5), rng.uniform(-0.7, 0.3), rng.uniform(0.2, 0.7)))
            p.hands[side] = centre + _wander(rng, t, 3, rng.uniform(0.35, 1.4)) * rng.uniform(0.1, 0.55)
            p.elbows[side] = np.tile((0.6, -0.8, -0.3), (len(t), 1))
    return p


def _hand_work(t: F64, s: Style, rng: Random) -> Pose:
    """Both hands busy before the body or at the face: typing, cooking, playing, combing."""
    p = _idle(t, s, rng)
    face = rng.random() < 0.4
    rate, size = rng.uniform(0.5, 5.0), rng.uniform(0.02, 0.16)
    for side in "LR":
        if face and side == s.side:
            centre = np.array((-0.28, rng.uniform(0.2, 0.55), 0.45))
        else:
            centre = np.array((rng.uniform(-0.35, 0.25), rng.uniform(-0.75, -0.35), rng.uniform(0.35, 0.65)))
        a = motions.TAU * (t * rate + rng.random())
        wiggle = np.stack([np.sin(a), np.cos(a * rng.uniform(0.7, 1.3)), np.sin(a * 0.6)], 1)
        p.hands[side] = centre + wiggle * size * rng.random(3) + _wander(rng, t, 3, 0.6) * size
        p.elbows[side] = np.tile((0.7, -0.7, -0.3), (len(t), 1))
    p.chest[:, 0] += rng.uniform(0, 0.4)
    return p


def _shifting(t: F64, s: Style, rng: Random) -> Pose:
    """Turns round, leans, holds a posture of another action without doing it."""
    source = ACTIONS[int(rng.integers(len(ACTIONS)))].motion
    still = np.full_like(t, t[0]) + 0.02 * np.sin(t)
    p = source(still, s)
    slow = _wander(rng, t, 7, rng.uniform(0.6, 1.6))
    p.turn = p.turn + slow[:, 0] * rng.uniform(0, 1.2)
    p.chest += slow[:, 1:4] * (0.1, 0.25, 0.1)
    p.head += slow[:, 4:7] * (0.1, 0.4, 0.1)
    return p


def _dance(t: F64, s: Style, rng: Random) -> Pose:
    """To the beat, with arms of its own."""
    p = motions.dancing(t, s)
    for side in "LR":
        p.hands[side] = p.hands[side] + _wander(rng, t, 3, 0.5) * rng.uniform(0.0, 0.6)
    return p


def _stray(t: F64, s: Style, rng: Random) -> Pose:
    """Moves of the whole body that belong to no action: reaching, stepping, ducking, turning."""
    p = motions.standing(t, s)
    size = rng.uniform(0.3, 1.0)
    slow = _wander(rng, t, 12, rng.uniform(0.5, 1.4)) * size
    p.sink = p.sink + 0.25 * np.clip(slow[:, 0], 0, 1) * (rng.random() < 0.6)
    p.pelvis += slow[:, 1:4] * (0.35, 0.25, 0.1)
    p.chest += slow[:, 4:7] * (0.3, 0.4, 0.2)
    p.turn = p.turn + slow[:, 7] * rng.uniform(0, 1.5)
    p.place[:, 0] += 0.5 * slow[:, 8] * (rng.random() < 0.5)
    p.place[:, 2] += 0.5 * slow[:, 9] * (rng.random() < 0.5)
    for side in "LR":
        centre = np.array((rng.uniform(0, 0.6), rng.uniform(-0.8, 0.6), rng.uniform(0.0, 0.6)))
        p.hands[side] = centre + _wander(rng, t, 3, rng.uniform(0.4, 1.2)) * size * 0.6
        p.elbows[side] = np.tile((0.7, -0.6, -0.3), (len(t), 1))
        step = np.clip(_wander(rng, t, 3, 0.6), -1, 1) * 0.25 * (rng.random() < 0.5)
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
    p = _resting(t, motions.standing(t, s), rng, rng.uniform(0.0, 0.3))
    aside = rng.random() < 0.65
    held = (0.93, rng.uniform(-0.2, 0.3), 0.2) if aside else (0.0, rng.uniform(-0.2, 0.3), 0.93)
    near = (-0.75, held[1], 0.45) if aside else (-0.2, held[1], 0.8)
    back = (rng.uniform(-0.3, 0.1), rng.uniform(-0.15, 0.25), rng.uniform(0.05, 0.3))
    drawn = 1 / (1 + np.exp(-(t - t.mean() - rng.normal(0, 0.6)) * rng.uniform(1.5, 7.0)))[:, None]
    tremble = _wander(rng, t, 6, 0.4) * rng.uniform(0.0, 0.05)
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
        along = _wander(rng, t, 3, rng.uniform(0.3, 1.2)) * (rng.uniform(0.05, 0.45), 0.05, 0.08)
        beat = motions.TAU * (t * rate + (0.5 if side == s.side else 0.0)) + rng.normal(0, 0.5)
        tap = np.stack([0.3 * np.sin(beat), np.maximum(0, np.sin(beat)), 0 * t], 1) * high
        p.hands[side] = np.array((rng.uniform(-0.15, 0.2), level, ahead)) + along + tap
        p.elbows[side] = np.stack([0.9 + along[:, 0], -0.5 + along[:, 1], -0.4 + 0 * t], 1)
    sway = _wander(rng, t, 3, rng.uniform(0.5, 1.5)) * rng.uniform(0, 1)
    p.chest += sway * (0.15, 0.2, 0.12)
    p.head += sway[:, ::-1] * (0.15, 0.2, 0.1)
    return p


def _at_counter(t: F64, s: Style, rng: Random) -> Pose:
    """Work with weight on both hands, or with one hand that swings or stirs: dough, a pan, a saw, a cloth."""
    p = _resting(t, motions.standing(t, s), rng, rng.uniform(0.0, 0.5))
    a = motions.TAU * (t * rng.uniform(0.5, 2.5) + rng.random())
    together = rng.random() < 0.5
    jerk = np.maximum(0, np.sin(a)) ** rng.uniform(1, 4)
    size = rng.uniform(0.05, 0.3) * rng.uniform((0.1, 0.1, 0.1), (0.6, 0.8, 1.0))
    for side in "LR":
        centre = np.array((rng.uniform(-0.3, 0.0), rng.uniform(-0.7, -0.35), rng.uniform(0.35, 0.6)))
        moves = np.stack([np.cos(a), jerk, np.sin(a)], 1) * size if together or side == s.side else 0.0
        p.hands[side] = centre + moves + _wander(rng, t, 3, 0.8) * 0.04
        p.elbows[side] = np.tile((rng.uniform(0.6, 1.0), -0.6, -0.4), (len(t), 1))
    p.chest[:, 0] += rng.uniform(0.0, 0.4) + (np.sin(a) * rng.uniform(0.0, 0.15) if together else 0.0)
    p.pelvis[:, 0] += rng.uniform(0.0, 0.2)
    return p


def _wrestling(t: F64, s: Style, rng: Random) -> Pose:
    """Force against something or somebody that hardly yields: arms on a table, a shove, a rope."""
    give = _wander(rng, t, 6, rng.uniform(0.4, 1.2))
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


_OTHERS: tuple[tuple[Callable[[F64, Style, Random], Pose], float], ...] = (
    (_idle, 0.13),
    (_gestures, 0.17),
    (_hand_work, 0.17),
    (_shifting, 0.09),
    (_dance, 0.05),
    (_stray, 0.12),
    (_sit_down, 0.07),
    (_drawing, 0.05),
    (_at_keys, 0.05),
    (_at_counter, 0.05),
    (_wrestling, 0.05),
)


@lru_cache(maxsize=1)
def _backdrops() -> tuple[U8, ...]:
    """Painted backgrounds, uint8 (256, 256, 3), RGB: bands, boxes, blobs and noise in many mixtures."""
    rng = np.random.default_rng(77)
    out = []
    for _ in range(120):
        top, bottom = np.array(_colour(rng, 0.2, 1.0)), np.array(_colour(rng, 0.1, 0.9))
        ramp = np.linspace(0, 1, 256)[:, None, None]
        image = np.ones((256, 256, 3)) * (top * (1 - ramp) + bottom * ramp)
        if rng.random() < 0.8:
            image[int(rng.uniform(0.5, 0.85) * 256) :] = _colour(rng)
        image = np.ascontiguousarray(image * 255, np.float32)
        for _ in range(int(rng.integers(0, 16))):
            a, b = rng.integers(-20, 276, 2), rng.integers(8, 120, 2)
            tint = tuple(255 * c for c in _colour(rng, 0.05, 1.0))
            if rng.random() < 0.6:
                cv2.rectangle(image, a.tolist(), (a + b).tolist(), tint, -1)
            elif rng.random() < 0.6:
                cv2.ellipse(image, a.tolist(), (b // 2).tolist(), 0.0, 0.0, 360.0, tint, -1)
            else:
                cv2.line(image, a.tolist(), (a + rng.integers(-150, 150, 2)).tolist(), tint, int(rng.integers(1, 8)))
        for cells in (8, 32, 128):
            noise = rng.normal(0, rng.choice([0.0, 3.0, 12.0]), (cells, cells, 1)).astype(np.float32)
            image += cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC)[..., None]
        out.append(np.asarray(np.clip(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 2.5)), 0, 255), np.uint8))
    out += [_scene(rng, seed) for seed in range(60)]
    return tuple(out)


def _scene(rng: Random, seed: int) -> U8:
    """A room with furniture, or a park, uint8 (256, 256, 3)."""
    camera = Camera(
        (float(rng.normal(0, 0.5)), float(rng.uniform(0.7, 1.3)), 0.0),
        float(rng.uniform(2.5, 5.0)),
        float(rng.normal(0, 0.35)),
        float(rng.uniform(0.0, 0.25)),
        float(rng.uniform(0.8, 1.6)),
    )
    boxes = []
    for _ in range(int(rng.integers(0, 9))):
        x, z = rng.uniform(-3, 2.4), rng.uniform(-2.0, 0.0)
        hangs = rng.random() < 0.4
        low = float(rng.uniform(0.8, 1.7)) if hangs else 0.0
        high = low + float(rng.uniform(0.2, 1.1))
        width, deep = float(rng.uniform(0.2, 1.6)), 0.06 if hangs else float(rng.uniform(0.2, 0.9))
        z = -2.0 if hangs else z
        boxes.append(((float(x), low, float(z)), (float(x) + width, high, float(z) + deep), _colour(rng)))
    painted = room(
        camera,
        256,
        256,
        wall=_colour(rng, 0.4, 1.0),
        floor=_colour(rng, 0.2, 0.9),
        boxes=tuple(boxes),
        rug=_colour(rng) if rng.random() < 0.3 else None,
        plank_m=float(rng.uniform(0.08, 0.6)),
        outside=bool(rng.random() < 0.3),
        seed=seed,
    )
    return to_bytes(painted.colour)


def _times(rng: Random) -> F64:
    """Instants of the clip's pictures as a source of some rate has them: the newest that was there."""
    span = TIMING.span_s
    t = np.array(TIMING.offsets_s) + span + rng.uniform(0, 20.0)
    rate = float(rng.choice([30.0, 30.0, 30.0, 25.0, 24.0, 60.0, 15.0, 10.0]))
    return np.asarray(np.floor((t + rng.random() / rate) * rate) / rate)


_SHAPES = ((128, 171), (128, 171), (128, 228), (128, 128), (171, 128), (228, 128))


def _camera(rng: Random, who: Person, action: Action | None, height: int, width: int) -> Camera:
    """Choose how somebody is seen: from where, how large, and how much of them."""
    turned = action.turned if action else 0.8
    yaw = rng.normal(0, turned) if rng.random() < 0.85 else rng.uniform(-np.pi, np.pi) * min(1.0, turned * 1.2)
    if action and rng.random() < action.behind:
        yaw = np.pi + rng.normal(0, 0.4)
    near = rng.random() < (action.upper_body if action else 0.45)
    lying = action is not None and action.name == "push up"
    focal = rng.uniform(1.0, 2.4)
    # The share of the short side that 2.3 m of somebody with raised arms take.
    share = rng.uniform(1.3, 2.4) if near else float(np.clip(rng.normal(0.8, 0.2), 0.35, 1.15))
    middle = who.height_m * (rng.uniform(0.72, 0.85) if near else rng.uniform(0.48, 0.62))
    if lying:
        middle, share = 0.3, share * rng.uniform(0.9, 1.9)
    distance = max(1.3, focal * height * 2.3 / (share * min(height, width)))
    free = max(0.0, 1 - share * 0.7) * min(height, width) / height * distance / focal * 0.5
    aside = rng.uniform(-1, 1) * free * (width / min(height, width))
    up = middle + rng.uniform(-0.4, 0.4) * free
    target = (aside * np.cos(yaw), up, -aside * np.sin(yaw))
    low = lying and rng.random() < 0.5  # the camera stands on the floor, too
    pitch = float(np.clip(rng.normal(0.0 if low else 0.08, 0.05 if low else 0.12), -0.25, 0.6))
    return Camera(target, float(distance), float(yaw), pitch, float(focal), float(rng.normal(0, 0.03)))


def _shake(rng: Random, t: F64, share: float) -> F64:
    """Camera movement in pixels, (T, 2): none, a tremble, or a sweep."""
    if rng.random() > share:
        return np.zeros((len(t), 2))
    tremble = _wander(rng, t, 2, rng.uniform(0.15, 0.8)) * rng.uniform(0.3, 5.0)
    sweep = (t - t.mean())[:, None] * rng.normal(0, 14, 2) * (rng.random() < 0.4)
    return np.asarray(tremble + sweep)


def _paint(rng: Random, height: int, width: int, shift: F64) -> F32:
    """The background of T pictures, float32 (T, h, w, 3) in 0..1, moving by `shift` pixels; mirrored at its ends."""
    bank = _backdrops()
    image = bank[int(rng.integers(len(bank)))]
    image = np.asarray(cv2.resize(image, (width + 48, height + 48), interpolation=cv2.INTER_LINEAR), np.uint8)
    if rng.random() < 0.5:
        image = image[:, ::-1]
    base = np.ascontiguousarray(image, np.float32) / 255 * rng.uniform(0.5, 1.15)
    out = np.empty((len(shift), height, width, 3), np.float32)
    moves = np.abs(np.diff(shift, axis=0)).max() > 0.01
    for i, (x, y) in enumerate(shift + 24):
        if i and not moves:
            out[i] = out[0]
            continue
        matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
        cv2.warpAffine(
            base, matrix, (width, height), dst=out[i], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
    return out


def _distract(rng: Random, clip: F32) -> None:
    """Something small that moves and is nobody: a leaf, a ball, a flickering screen."""
    frames, height, width = clip.shape[:3]
    path = _wander(rng, np.arange(frames) / 20.0, 2, rng.uniform(0.3, 2.0)) * rng.uniform(2, 40)
    centre = rng.uniform((0, 0), (width, height))
    size, tint = int(rng.integers(2, 14)), _colour(rng, 0.05, 1.0)
    for image, at in zip(clip, path, strict=True):
        cv2.circle(image, (int(centre[0] + at[0]), int(centre[1] + at[1])), size, tint, -1)


def _shadow(image: F32, camera: Camera, places: list[F64], strength: float) -> None:
    """Darken the floor below the feet: ellipses where the camera sees them."""
    height, width = image.shape[:2]
    axes, eye = camera.axes(), camera.eye
    dark = np.zeros((height, width), np.float32)
    for point in places:
        ground = np.array([point[0], 0.0, point[2]]) - eye
        depth = -float(axes[2] @ ground)
        if depth < 0.3:
            continue
        f = camera.focal * height / depth
        x, y = width / 2 + float(axes[0] @ ground) * f, height / 2 - float(axes[1] @ ground) * f
        fade = max(0.2, 1 - 2.0 * max(0.0, point[1] - 0.08))
        shape = (max(1, int(0.22 * f)), max(1, int(0.22 * f * max(0.12, np.sin(camera.pitch + 0.1)))))
        if -50 < x < width + 50 and -50 < y < height + 50:
            cv2.ellipse(dark, (int(x), int(y)), shape, 0.0, 0.0, 360.0, (strength * fade,), -1)
    image *= 1 - cv2.blur(dark, (5, 5))[..., None]


def _film(rng: Random, clip: F32) -> U8:
    """What a camera and a codec do to pictures: exposure, colour, blur, noise, compression."""
    frames, height, width = clip.shape[:3]
    gain = rng.uniform(0.75, 1.4) * (
        1 + _wander(rng, np.arange(frames) / 20.0, 1, 0.5)[:, 0] * rng.choice([0, 0.02, 0.06])
    )
    if rng.random() < 0.12:
        clip = np.repeat(clip.mean(-1, keepdims=True), 3, -1)
    tint = rng.normal(1, 0.05, 3).astype(np.float32)
    clip = clip ** np.float32(rng.uniform(0.75, 1.3)) * (255 * gain[:, None, None, None] * tint).astype(np.float32)
    noise = float(rng.choice([0.0, 1.0, 2.5, 6.0]))
    if noise:
        plane = rng.normal(0, noise, (2 * height * width,)).astype(np.float32)
        for image in clip:
            start = int(rng.integers(height * width))
            image += plane[start : start + height * width].reshape(height, width, 1)
    out = np.clip(clip, 0, 255).astype(np.uint8)
    coarse = rng.choice([1.0, 1.0, 0.7, 0.5, 0.4])
    blur = rng.random() < 0.2
    quality = int(rng.integers(25, 90)) if rng.random() < 0.45 else None
    for image in out:
        if coarse < 1:
            small = cv2.resize(image, None, fx=coarse, fy=coarse, interpolation=cv2.INTER_AREA)
            image[:] = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        if blur:
            image[:] = cv2.blur(image, (2, 2))
        if quality:
            coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            image[:] = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return out


@dataclass(frozen=True)
class Recordings:
    """Motion capture to take poses from, and for which share of the clips of what is recorded often."""

    library: Library
    share: float

    def chance(self, action: str) -> float:
        """Return for which share of an action's clips: less where few recordings would be seen too often."""
        count = len(dict(self.library.files).get(action, ()))
        return self.share * count / (count + 3)


@dataclass(frozen=True)
class _Actor:
    """Somebody in the picture: who, and what they do; `speed_m` is how fast the camera that follows them travels."""

    who: Person
    pose: Pose
    speed_m: float = 0.0


def _other(rng: Random, t: F64) -> Pose:
    """Something else."""
    kind = rng.choice(len(_OTHERS), p=[weight for _, weight in _OTHERS])
    return _OTHERS[kind][0](t, style(rng), rng)


_FREE_HANDS = (
    ((0.05, -0.5, 0.05), (0.9, -0.4, -0.5)),  # on the hip
    ((0.02, -0.80, 0.02), (0.8, 0.0, -0.7)),  # in a pocket
    ((-0.20, -0.62, 0.25), (0.9, -0.3, -0.3)),  # in a pocket before the belly
    ((-0.15, -0.72, -0.20), (0.8, 0.0, -0.8)),  # behind the back
    ((-0.12, -0.45, 0.52), (0.6, -0.8, -0.3)),  # carries something before the belly
    ((-0.08, -0.12, 0.25), (0.7, -0.8, 0.0)),  # holds a strap
    ((0.14, -0.97, 0.02), (0.6, 0.0, -1.0)),  # carries a bag
    ((0.10, -0.85, 0.15), (0.9, -0.4, -0.5)),  # hangs
    ((-0.15, -0.40, 0.55), (0.9, -0.4, -0.5)),  # shows something
    ((-0.20, 0.28, 0.10), (0.6, -0.8, 0.3)),  # at the ear
)
"""Where hands are that have no part in an action, and their elbows; both hands may do the first seven."""


def _free_hands(rng: Random, pose: Pose, sides: Sequence[str], ways: int = len(_FREE_HANDS)) -> None:
    """Hands that do nothing rest on the hip, in a pocket, or hold something."""
    hand, elbow = _FREE_HANDS[int(rng.integers(ways))]
    for side in sides:
        pose.hands[side] = np.tile(hand, (len(pose), 1))
        pose.elbows[side] = np.tile(elbow, (len(pose), 1))


def _jumps(rng: Random, t: F64, s: Style) -> Pose:
    """Jumps one after the other, or one that is seen whole; some after a few running steps."""
    forward = float(rng.uniform(0.2, 1.0)) if rng.random() < 0.35 else 0.0
    if rng.random() < 0.3:
        pose = motions.jumping(t, replace(s, travel_m=forward * 0.6))
    else:
        pose = _one_jump(rng, t, replace(s, rest=float(rng.uniform(0.3, 1.0)), travel_m=forward))
        top = t[pose.place[:, 1].argmax()]
        if forward and rng.random() < 0.6:
            pose = _run_up(t, s, pose, float(top) - 0.45, float(rng.uniform(1.2, 2.6)))
    pose.place[:, 2] -= pose.place[:, 2].mean()
    return pose


def _one_jump(rng: Random, t: F64, s: Style) -> Pose:
    """Draw when it begins until the flight lies within the clip."""
    inside = (t > t[0] + 0.2) & (t < t[-1] - 0.2)
    while True:
        pose = motions.jumping(t, replace(s, phase=float(rng.random())))
        if pose.place[inside, 1].max() > 0.02:
            return pose


def _run_up(t: F64, s: Style, jump: Pose, end_s: float, speed: float) -> Pose:
    running = motions.running(t, replace(s, spread=0.5 + 0.5 * s.spread))
    pose = running.blend(jump, np.clip((t - end_s) / 0.3 + 0.5, 0, 1))
    pose.place[:, 2] = jump.place[:, 2] + speed * (np.minimum(t, end_s + 0.7) - t[0])
    return pose


def _recorded(rng: Random, label: int, who: Person, t: F64, recordings: Recordings) -> _Actor | None:
    """Draw a passage of a recording of that label, or with its share of cases none."""
    action = ACTIONS[label].name if label < len(ACTIONS) else ""
    chosen = rng.random() < recordings.chance(action)
    pose = recordings.library.perform(rng, action, t) if chosen else None
    if pose is None:
        return None
    followed_at = 0.0
    if label < len(ACTIONS) and ACTIONS[label].speed and rng.random() < 0.4:
        followed_at, start = np.polyfit(t - t.mean(), pose.place[:, 2], 1)
        pose.place[:, 2] -= (t - t.mean()) * followed_at + start
    pose.head = pose.head + rng.normal(0, 0.12, 3) + _wander(rng, t, 3, 1.2) * rng.uniform(0, 0.15)
    return _Actor(who, pose, float(followed_at))


def _act(rng: Random, label: int, who: Person, t: F64, recordings: Recordings | None) -> _Actor:
    """Draw how somebody does the action of that label, or something else."""
    recorded = _recorded(rng, label, who, t, recordings) if recordings else None
    if recorded:
        return recorded
    if label == len(ACTIONS):
        return _Actor(who, _other(rng, t))
    action = ACTIONS[label]
    manner = style(rng, action.tempo)
    if action.name == "squat" and rng.random() < 0.5:
        manner = replace(manner, rest=float(rng.random()))
    pose = _jumps(rng, t, manner) if action.name == "jumping" else action.motion(t, manner)
    if action.name in ("standing still", "sitting still"):
        return _Actor(who, _resting(t, pose, rng, rng.uniform(0.0, 0.18)))
    followed_at = 0.0
    if action.speed and not (action.name == "running" and manner.spread < 0.5) and rng.random() < 0.7:
        speed = action.speed * manner.tempo * manner.reach
        if rng.random() < 0.4:
            followed_at = speed
        else:
            pose.place[:, 2] += (t - t.mean()) * speed
    if action.name == "waving hand" and rng.random() < 0.3:
        _free_hands(rng, pose, manner.other)
    if action.name == "walking" and rng.random() < 0.5:
        if rng.random() < 0.6:
            _free_hands(rng, pose, "LR", 7)
        else:
            _free_hands(rng, pose, str(rng.choice(["L", "R"])))
    calm = rng.uniform(0, 0.05)
    for side in "LR":
        pose.hands[side] = pose.hands[side] + _wander(rng, t, 3, 0.8) * calm + rng.normal(0, 0.05, 3)
    pose.chest = pose.chest + rng.normal(0, 0.06, 3) + _wander(rng, t, 3, 1.0) * rng.uniform(0, 0.05)
    pose.head = pose.head + rng.normal(0, 0.12, 3) + _wander(rng, t, 3, 1.2) * rng.uniform(0, 0.15)
    pose.turn = pose.turn + _wander(rng, t, 1, 1.5)[:, 0] * rng.uniform(0, 0.12)
    return _Actor(who, pose, followed_at)


def _company(rng: Random, t: F64, camera: Camera, label: int) -> list[_Actor]:
    """People behind the one who acts: most wait or talk, some walk by."""
    walkers = label < len(ACTIONS) and ACTIONS[label].name == "walking"
    out = []
    for _ in range(int(rng.integers(1, 4 if walkers else 3))):
        walks = rng.random() < (0.8 if walkers else 0.25)
        manner = style(rng)
        pose = motions.walking(t, manner) if walks else _idle(t, manner, rng)
        if walks:
            pose.place[:, 2] += (t - t.mean()) * 1.3 * manner.tempo * manner.reach
        turn = rng.uniform(-np.pi, np.pi)
        c, s = np.cos(turn), np.sin(turn)
        x, z = pose.place[:, 0].copy(), pose.place[:, 2].copy()
        right, _, back = camera.axes()
        at = right * rng.choice([-1, 1]) * rng.uniform(0.7, 2.2) - back * rng.uniform(0.6, 3.5)
        pose.place[:, 0], pose.place[:, 2] = c * x + s * z + at[0], -s * x + c * z + at[2]
        pose.turn = pose.turn + turn
        out.append(_Actor(person(rng), pose))
    return out


def _facing(rng: Random, t: F64, first: _Actor) -> _Actor:
    """Somebody opposite: both have to do with each other."""
    pose = first.pose.at(np.arange(len(t))) if rng.random() < 0.35 else _other(rng, t)
    away = rng.uniform(0.6, 1.1)
    pose.place[:, 0] += first.pose.place[:, 0].mean() + rng.normal(0, 0.1)
    pose.place[:, 2] = first.pose.place[:, 2].mean() + away - pose.place[:, 2]
    pose.turn = pose.turn + np.pi + rng.normal(0, 0.3)
    return _Actor(person(rng), pose)


def render_canvas(rng: Random, label: int, recordings: Recordings | None = None) -> U8:
    """Render the pictures of one clip before they are framed, uint8 (T, h, w, 3), RGB."""
    t = _times(rng)
    height, width = _SHAPES[int(rng.integers(len(_SHAPES)))]
    other = label == len(ACTIONS)
    shift = _shake(rng, t, 0.4)
    if other and rng.random() < 0.1:
        clip = _paint(rng, height, width, shift)
        _distract(rng, clip)
        return _film(rng, clip)
    lead = _act(rng, label, person(rng), t, recordings)
    camera = _camera(rng, lead.who, None if other else ACTIONS[label], height, width)
    actors = [lead]
    if other and rng.random() < 0.15:
        actors.append(_facing(rng, t, lead))
    elif rng.random() < (0.35 if not other and ACTIONS[label].name in ("walking", "running") else 0.12):
        actors += _company(rng, t, camera, label)
    right, up, _ = camera.axes()
    metres = camera.distance_m / (camera.focal * height)
    # A camera that follows somebody travels past the background, which is farther away.
    travel = (t - t.mean())[:, None] * lead.speed_m * np.array([right[2], -0.3 * up[2]]) / metres * rng.uniform(0.4, 1)
    clip = _paint(rng, height, width, shift + travel)
    if rng.random() < (0.3 if other else 0.08):
        _distract(rng, clip)
    direction = (float(rng.normal(0, 0.6)), float(rng.uniform(0.4, 1.0)), float(rng.normal(0.3, 0.5)))
    light = Light(direction, float(rng.uniform(0.3, 0.9)), float(rng.uniform(0.25, 0.6)), float(rng.uniform(0, 0.25)))
    cast = [(solids(a.who, a.pose), materials(a.who), joints(a.who, a.pose).at) for a in actors]
    strength = float(rng.choice([0.0, 0.3, 0.6]))
    depth = np.empty((height, width), np.float32)
    for i, image in enumerate(clip):
        # The picture shifts as a whole: what the camera looks at moves the other way.
        target = np.array(camera.target) + (shift[i, 0] * right - shift[i, 1] * up) * metres
        moved = replace(camera, target=(float(target[0]), float(target[1]), float(target[2])))
        depth[:] = 1e9
        for shapes, tints, at in cast:
            if strength:
                _shadow(image, moved, [at["ankleL"][i], at["ankleR"][i]], strength)
            draw(shapes[i], tints, moved, light, image, depth)
    return _film(rng, clip)


def sample(seed: int, label: int | None = None, recordings: Recordings | None = None) -> tuple[U8, int]:
    """Render one clip.

    Args:
        seed: Everything about the clip follows from it, and from the recordings.
        label: Index into `LABELS`; drawn where None, the last (something else) twice as often.
        recordings: Motion capture to mix with the motions of `motions`.

    Returns:
        uint8 (T, SIDE, SIDE, 3), RGB, and the label.
    """
    rng = np.random.default_rng(seed)
    drawn = min(int(rng.integers(len(LABELS) + 1)), len(LABELS) - 1)
    chosen = drawn if label is None else label
    canvas = render_canvas(rng, chosen, recordings)
    out = np.empty((TIMING.frames, SIDE, SIDE, 3), np.uint8)
    FollowMotion(SIDE, WORKING_SIDE, float(rng.uniform(1.5, 1.9))).compose(list(canvas), out)
    return out, chosen


def render_shard(path: Path, seed: int, clips: int = 64, recordings: Recordings | None = None) -> None:
    """Write clips of consecutive seeds to an .npz of `x`, uint8 (N, T, S, S, 3), and `y`, int64 (N,).

    The file appears when it is complete, so that training can begin on those that are there.
    """
    drawn = [sample(seed + i, recordings=recordings) for i in range(clips)]
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, x=np.stack([x for x, _ in drawn]), y=np.array([y for _, y in drawn], np.int64))
    partial.replace(path)


def render_bank(folder: Path, seed: int, shards: int, clips: int = 64) -> None:
    """Render what of `shards` files is missing in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(shards):
        path = folder / f"{index:05d}.npz"
        if not path.exists():
            render_shard(path, seed + index * clips, clips)
