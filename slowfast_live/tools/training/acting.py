"""Draws who does what in a clip: an action, its style, whether it begins or ends within the clip, and bystanders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from slowfast_live.tools.training import motions
from slowfast_live.tools.training.actions import ACTIONS
from slowfast_live.tools.training.chance import Random, style, wander
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.figure import F64, Person, Pose
from slowfast_live.tools.training.mocap import Library
from slowfast_live.tools.training.motions import Motion
from slowfast_live.tools.training.render import Camera
from slowfast_live.tools.training.resting import idle, resting
from slowfast_live.tools.training.something_else import something_else

Draw = Callable[[Random], Person]
"""Draws a person and a performance at random."""


@dataclass(frozen=True)
class Recordings:
    """Motion capture to take poses from, and the share of clips of well recorded actions that use it."""

    library: Library
    share: float

    def chance(self, action: str) -> float:
        """Return the share of an action's clips that use recordings: less if there are only a few."""
        count = len(dict(self.library.files).get(action, ()))
        return self.share * count / (count + 3)


@dataclass(frozen=True)
class Actor:
    """A person and their motion; `speed_m` is the speed of the camera that follows them."""

    who: Person
    pose: Pose
    speed_m: float = 0.0


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
"""Positions of idle hands and their elbows; the first seven fit both hands at once."""


def _free_hands(rng: Random, pose: Pose, sides: Sequence[str], ways: int = len(_FREE_HANDS)) -> None:
    """Place idle hands on the hip, in a pocket, or holding something."""
    hand, elbow = _FREE_HANDS[int(rng.integers(ways))]
    for side in sides:
        pose.hands[side] = np.tile(hand, (len(pose), 1))
        pose.elbows[side] = np.tile(elbow, (len(pose), 1))


def _jumps(rng: Random, t: F64, s: Style) -> Pose:
    """Repeated jumps, or a single one that is fully visible; some follow a few running steps."""
    forward = float(rng.uniform(0.2, 1.0)) if rng.random() < 0.35 else 0.0
    if rng.random() < 0.3:
        pose = motions.jumping(t, replace(s, rest=0.0, travel_m=forward * 0.6))
    else:
        pose = _one_jump(rng, t, replace(s, rest=float(rng.uniform(0.3, 1.0)), travel_m=forward))
        top = t[pose.place[:, 1].argmax()]
        if forward and rng.random() < 0.6:
            pose = _run_up(t, s, pose, float(top) - 0.45, float(rng.uniform(1.2, 2.6)))
    pose.place[:, 2] -= pose.place[:, 2].mean()
    return pose


def _one_jump(rng: Random, t: F64, s: Style) -> Pose:
    """Draw the start until the flight phase lies within the clip."""
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


def _recorded(rng: Random, label: int, who: Person, t: F64, recordings: Recordings) -> Actor | None:
    """Draw a passage of a recording with that label, or None in the remaining share of cases."""
    action = ACTIONS[label].name if label < len(ACTIONS) else ""
    chosen = rng.random() < recordings.chance(action)
    pose = recordings.library.perform(rng, action, t) if chosen else None
    if pose is None:
        return None
    followed_at = 0.0
    if label < len(ACTIONS) and ACTIONS[label].speed and rng.random() < 0.4:
        followed_at, start = np.polyfit(t - t.mean(), pose.place[:, 2], 1)
        pose.place[:, 2] -= (t - t.mean()) * followed_at + start
    pose.head = pose.head + rng.normal(0, 0.12, 3) + wander(rng, t, 3, 1.2) * rng.uniform(0, 0.15)
    return Actor(who, pose, float(followed_at))


def act(rng: Random, label: int, who: Person, t: F64, recordings: Recordings | None) -> Actor:
    """Draw a performance of the action with that label, or of something else."""
    recorded = _recorded(rng, label, who, t, recordings) if recordings else None
    if recorded:
        return recorded
    if label == len(ACTIONS):
        return Actor(who, something_else(rng, t))
    action = ACTIONS[label]
    manner, seen_share = style(rng, action.tempo), _SEEN_SHARE
    if rng.random() < action.slow:
        manner, seen_share = replace(manner, tempo=manner.tempo * rng.uniform(0.4, 0.75)), _SEEN_SHARE_SLOW
    if action.name == "jumping":
        pose = _jumps(rng, t, manner)
    else:
        pose = _seen_to_move(rng, t, manner, action.motion, seen_share)
    if action.name in ("standing still", "sitting still"):
        return Actor(who, resting(t, pose, rng, rng.uniform(0.0, 0.18)))
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
        pose.hands[side] = pose.hands[side] + wander(rng, t, 3, 0.8) * calm + rng.normal(0, 0.05, 3)
    pose.chest = pose.chest + rng.normal(0, 0.06, 3) + wander(rng, t, 3, 1.0) * rng.uniform(0, 0.05)
    pose.head = pose.head + rng.normal(0, 0.12, 3) + wander(rng, t, 3, 1.2) * rng.uniform(0, 0.15)
    pose.turn = pose.turn + wander(rng, t, 1, 1.5)[:, 0] * rng.uniform(0, 0.12)
    if action.name != "push up" and not followed_at and rng.random() < 0.25:
        pose = _begun_or_ended(rng, t, pose)
    return Actor(who, pose, followed_at)


def _liveliness(pose: Pose) -> float:
    """Return the extent of a motion: the sum of the ranges of hands, feet, trunk and hips."""
    parts = [pose.pelvis, pose.chest, *pose.hands.values(), *pose.feet.values()]
    return float(2 * np.ptp(pose.sink) + sum(np.ptp(part, axis=0).max() for part in parts))


_WHOLE = np.linspace(0, 8, 65)
"""Number of instants in which every motion completes its cycle."""

_SEEN_SHARE = 0.55
"""Minimum share of a motion's extent that a clip shows; the pause between two movements is not enough."""


_SEEN_SHARE_SLOW = 0.35
"""The same for what is done slowly: a third of a movement fills the clip."""


def _seen_to_move(rng: Random, t: F64, s: Style, motion: Motion, seen_share: float) -> Pose:
    """Draw the start of the cycle until this share of the movement lies within the clip."""
    pose = motion(t, s)
    if motion in (motions.standing, motions.sitting):
        return pose
    enough = seen_share * _liveliness(motion(_WHOLE, s))
    for _ in range(8):
        if _liveliness(pose) > enough:
            break
        pose = motion(t, replace(s, phase=float(rng.random())))
    return pose


_SEEN_S = 1.0
"""Minimum visible share of an action that begins or ends within a clip."""


def _begun_or_ended(rng: Random, t: F64, pose: Pose) -> Pose:
    """Prepend or append standing, so that the action begins or ends within the clip."""
    rest = resting(t, motions.standing(t, style(rng)), rng, rng.uniform(0.0, 0.6))
    rest.place[:] = pose.place
    rest.turn[:] = pose.turn + rng.normal(0, 0.2)
    over_s = rng.uniform(0.2, 0.7)
    if rng.random() < 0.6:
        weight = (t - rng.uniform(t[0] - over_s, t[-1] - _SEEN_S - over_s)) / over_s
    else:
        weight = (rng.uniform(t[0] + _SEEN_S + over_s, t[-1] + over_s) - t) / over_s
    weight = np.clip(weight, 0, 1)
    return rest.blend(pose, weight * weight * (3 - 2 * weight))


def company(rng: Random, t: F64, camera: Camera, label: int, draw: Draw) -> list[Actor]:
    """Draw bystanders in the background: most wait or talk, some walk by."""
    walkers = label < len(ACTIONS) and ACTIONS[label].name == "walking"
    out = []
    for _ in range(int(rng.integers(1, 4 if walkers else 3))):
        walks = rng.random() < (0.8 if walkers else 0.25)
        manner = style(rng)
        pose = motions.walking(t, manner) if walks else idle(t, manner, rng)
        if walks:
            pose.place[:, 2] += (t - t.mean()) * 1.3 * manner.tempo * manner.reach
        turn = rng.uniform(-np.pi, np.pi)
        c, s = np.cos(turn), np.sin(turn)
        x, z = pose.place[:, 0].copy(), pose.place[:, 2].copy()
        right, _, back = camera.axes()
        at = right * rng.choice([-1, 1]) * rng.uniform(0.7, 2.2) - back * rng.uniform(0.6, 3.5)
        pose.place[:, 0], pose.place[:, 2] = c * x + s * z + at[0], -s * x + c * z + at[2]
        pose.turn = pose.turn + turn
        out.append(Actor(draw(rng), pose))
    return out


def facing(rng: Random, t: F64, first: Actor, draw: Draw) -> Actor:
    """Draw a person opposite, with whom the first one interacts."""
    pose = first.pose.at(np.arange(len(t))) if rng.random() < 0.35 else something_else(rng, t)
    away = rng.uniform(0.6, 1.1)
    pose.place[:, 0] += first.pose.place[:, 0].mean() + rng.normal(0, 0.1)
    pose.place[:, 2] = first.pose.place[:, 2].mean() + away - pose.place[:, 2]
    pose.turn = pose.turn + np.pi + rng.normal(0, 0.3)
    return Actor(draw(rng), pose)
