"""Motion capture: BVH recordings as poses of the rendered figure.

A BVH file holds a skeleton and, of each frame, the channels of its joints; their places follow by forward
kinematics (Meredith and Maddock, "Motion Capture File Formats Explained", 2001). What is taken over are directions
and shares of limbs, not meters: somebody small moves the figure as somebody tall does.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from slowfast_live.errors import UsageError
from slowfast_live.tools.training.actions import LABELS, REJECT
from slowfast_live.tools.training.figure import F64, Pose, rotation

RATE = 30.0
"""Poses a second that are kept of a recording."""

PASSAGE_S = 1.6
"""Length of the passages that are told apart by how much happens in them."""

_AXES = {"x": 0, "y": 1, "z": 2}


@dataclass(frozen=True)
class _Joint:
    name: str
    parent: int
    offset: F64
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Skeleton:
    """Where the joints of a recording are.

    Attributes:
        at: Name in lower case -> (T, 3), in the file's units and axes.
        rate: Frames a second.
    """

    at: dict[str, F64]
    rate: float


def read_bvh(path: Path, rate: float = RATE) -> Skeleton:
    """Read a recording, of its frames about `rate` a second.

    Raises:
        UsageError: The file cannot be read or is no BVH.
    """
    try:
        hierarchy, _, motion = path.read_text(encoding="utf-8").partition("MOTION")
        joints = _hierarchy(hierarchy.split())
        interval, channels = _channels(motion, sum(len(j.channels) for j in joints))
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(
            f"{path} is no BVH recording: {error}. Expected HIERARCHY with joints, then MOTION with a line of "
            "numbers for each frame. Remove it from the folder, or get it again."
        ) from error
    step = max(1, round(1 / (rate * interval)))
    return Skeleton(_forward(joints, channels[::step]), 1 / (interval * step))


def _hierarchy(words: list[str]) -> list[_Joint]:
    """Read the skeleton; a parent comes before its children, ends of limbs are left out."""
    joints: list[_Joint] = []
    opened: list[int] = []
    at = 0
    while at < len(words):
        word = words[at].upper()
        if word in ("ROOT", "JOINT", "END"):
            joints.append(_Joint(words[at + 1].lower(), opened[-1] if opened else -1, np.zeros(3), ()))
            at += 2
        elif word == "{":
            opened.append(len(joints) - 1)
            at += 1
        elif word == "}":
            opened.pop()
            at += 1
        elif word == "OFFSET":
            last = joints[-1]
            joints[-1] = _Joint(last.name, last.parent, np.array(words[at + 1 : at + 4], np.float64), last.channels)
            at += 4
        elif word == "CHANNELS":
            last, count = joints[-1], int(words[at + 1])
            names = tuple(w.lower() for w in words[at + 2 : at + 2 + count])
            if not all(re.fullmatch("[xyz](position|rotation)", name) for name in names):
                raise ValueError(f"{last.name} has the channels {' '.join(names)}")
            joints[-1] = _Joint(last.name, last.parent, last.offset, names)
            at += 2 + count
        elif word == "HIERARCHY":
            at += 1
        else:
            raise ValueError(f"{words[at]!r} is not expected in HIERARCHY")
    if not joints or opened:
        raise ValueError("HIERARCHY holds no complete skeleton")
    return joints


def _channels(text: str, width: int) -> tuple[float, F64]:
    """Return the seconds from frame to frame, and float64 (T, width)."""
    head = re.match(r"\s*Frames:\s*(\d+)\s*Frame Time:\s*(\S+)", text)
    if head is None:
        raise ValueError("MOTION does not begin with Frames and Frame Time")
    frames, interval = int(head[1]), float(head[2])
    numbers = np.array(text[head.end() :].split(), np.float64)
    if frames < 2 or not 0 < interval < 1 or numbers.size != frames * width or not np.isfinite(numbers).all():
        raise ValueError(f"{numbers.size} numbers for {frames} frames of {width}, {interval:g} s apart")
    return interval, numbers.reshape(frames, width)


def _forward(joints: list[_Joint], channels: F64) -> dict[str, F64]:
    frames = len(channels)
    at: list[F64] = []
    axes: list[F64] = []
    first = 0
    for joint in joints:
        place, turned = np.tile(joint.offset, (frames, 1)), np.tile(np.eye(3), (frames, 1, 1))
        moved = [c for c in joint.channels if c.endswith("position")]
        if moved:
            place = np.zeros((frames, 3))
        for column, channel in enumerate(joint.channels, first):
            axis = _AXES[channel[0]]
            if channel in moved:
                place[:, axis] = channels[:, column]
            else:
                turned = turned @ rotation(axis, np.radians(channels[:, column]))
        first += len(joint.channels)
        if joint.parent >= 0:
            place = at[joint.parent] + np.einsum("tij,tj->ti", axes[joint.parent], place)
            turned = axes[joint.parent] @ turned
        at.append(place)
        axes.append(turned)
    return {joint.name: place for joint, place in zip(joints, at, strict=True)}


_NAMES = {
    "shoulder": ("{side}Arm", "{s}Humerus", "{side}Shoulder", "CC_Base_{s}_Upperarm"),
    "elbow": ("{side}ForeArm", "{s}Radius", "{side}Elbow", "CC_Base_{s}_Forearm"),
    "wrist": ("{side}Hand", "{s}Hand", "{side}Wrist", "CC_Base_{s}_Hand"),
    "hip": ("{side}UpLeg", "{side}Thigh", "{s}Femur", "{side}Hip", "CC_Base_{s}_Thigh"),
    "knee": ("{side}Leg", "{side}Shin", "{s}Tibia", "{side}Knee", "CC_Base_{s}_Calf"),
    "ankle": ("{side}Foot", "{s}Foot", "{side}Ankle", "CC_Base_{s}_Foot"),
    "toe": ("{side}ToeBase", "{side}Toe", "{s}Toes", "CC_Base_{s}_ToeBase"),
}
"""What the joints are called in the skeletons that are in use."""


def _limbs(skeleton: Skeleton, path: Path) -> dict[str, F64]:
    """Return the joints under the names of `_NAMES` with L or R, and "head", y up."""
    found: dict[str, F64] = {}
    for part, names in _NAMES.items():
        for side in ("Left", "Right"):
            known = [n.format(side=side, s=side[0]).lower() for n in names]
            name = next((n for n in known if n in skeleton.at), None)
            if name is None:
                raise UsageError(f"{path}: the skeleton has no {part}; it may be called {', '.join(known)}.")
            found[part + side[0]] = skeleton.at[name]
    middle = (found["shoulderL"] + found["shoulderR"]) / 2
    found["head"] = next((skeleton.at[n] for n in ("head", "cc_base_head", "neck") if n in skeleton.at), middle)
    trunk = (middle - (found["hipL"] + found["hipR"]) / 2).mean(0)
    if abs(trunk[2]) > abs(trunk[1]):
        # Turned about x, so that left stays left.
        sign = np.sign(trunk[2])
        found = {name: place[:, [0, 2, 1]] * (1, sign, -sign) for name, place in found.items()}
    return found


def _unit(v: F64) -> F64:
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


def _frame(across: F64, up: F64) -> F64:
    """Axes (T, 3, 3) whose y is `up` and whose x is nearest to `across`."""
    y = _unit(up)
    x = _unit(across - y * np.sum(across * y, -1, keepdims=True))
    return np.stack([x, y, np.cross(x, y)], 2)


def _angles(axes: F64) -> F64:
    """Pitch, twist and roll (T, 3) of R_y(twist) R_z(roll) R_x(pitch)."""
    pitch = np.arctan2(-axes[:, 1, 2], axes[:, 1, 1])
    twist = np.arctan2(-axes[:, 2, 0], axes[:, 0, 0])
    return np.unwrap(np.stack([pitch, twist, np.arcsin(np.clip(axes[:, 1, 0], -1, 1))], 1), axis=0)


def _in(axes: F64, v: F64) -> F64:
    """Express (T, 3) vectors in (T, 3, 3) axes."""
    return np.asarray(np.einsum("tji,tj->ti", axes, v))


def _length(at: dict[str, F64], *parts: str) -> float:
    """Mean length of a limb, of both sides."""
    pairs = [(parts[i] + s, parts[i + 1] + s) for i in range(len(parts) - 1) for s in "LR"]
    return float(sum(np.linalg.norm(at[a] - at[b], axis=1).mean() for a, b in pairs)) / 2


_STAND_S = 1.6
"""Within so long everybody touches the floor; recordings from one camera drift up and down."""


def _floor(ankle: F64, width: int) -> F64:
    """Return how high the lower ankle (T,) is when it stands, of the time around each frame: (T,)."""
    half = max(1, min(width, len(ankle)) // 2)
    lowest = sliding_window_view(np.pad(ankle, half, mode="edge"), 2 * half + 1).min(-1)
    return np.asarray(sliding_window_view(np.pad(lowest, half, mode="edge"), 2 * half + 1).mean(-1))


_LEG_M = 0.86
"""Of the figure, for a person of usual proportions."""


def retarget(path: Path, skeleton: Skeleton) -> Pose:
    """Return what the figure does in the frames of a recording.

    Raises:
        UsageError: The skeleton lacks a joint that is needed, or a limb has no length.
    """
    at = _limbs(skeleton, path)
    leg, arm = _length(at, "hip", "knee", "ankle"), _length(at, "shoulder", "elbow", "wrist")
    if min(leg, arm) < 1e-6:
        raise UsageError(f"{path}: the limbs of the skeleton have no length.")
    hips, collar = (at["hipL"] + at["hipR"]) / 2, (at["shoulderL"] + at["shoulderR"]) / 2
    across = at["hipL"] - at["hipR"]
    floor = _floor(np.minimum(at["ankleL"][:, 1], at["ankleR"][:, 1]), round(_STAND_S * skeleton.rate))
    pose = Pose.standing(len(hips))
    pose.turn = np.unwrap(np.arctan2(-across[:, 2], across[:, 0]))
    facing = rotation(1, pose.turn)
    pose.place = (hips - hips.mean(0)) * (_LEG_M / leg) * (1, 0, 1)
    # Hips stand a little lower above the ankles than a straight leg is long.
    pose.sink = 0.98 - (hips[:, 1] - floor) / leg
    pelvis, chest = _frame(across, collar - hips), _frame(at["shoulderL"] - at["shoulderR"], collar - hips)
    pose.pelvis = _angles(np.swapaxes(facing, 1, 2) @ pelvis)
    pose.chest = _angles(np.swapaxes(pelvis, 1, 2) @ chest)
    head = _in(chest, at["head"] - collar)
    nod = np.stack([np.arctan2(head[:, 2], head[:, 1]), 0 * hips[:, 0], -np.arctan2(head[:, 0], head[:, 1])], 1)
    pose.head = np.clip(nod - np.median(nod, axis=0), -0.6, 0.6)
    ground = np.stack([hips[:, 0], floor, hips[:, 2]], 1)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        outwards = np.array((sign, 1.0, 1.0))
        hand, elbow = at[f"wrist{side}"] - at[f"shoulder{side}"], at[f"elbow{side}"] - at[f"shoulder{side}"]
        pose.hands[side] = _in(chest, hand) * outwards / arm
        # A straight arm says nothing of its elbow; then it points as that of a hanging arm.
        pose.elbows[side] = _in(chest, elbow - hand / 2) * outwards / arm + 0.03 * np.array((0.6, 0.0, -1.0))
        foot = _in(facing, at[f"ankle{side}"] - ground) * outwards / leg
        pose.feet[side] = foot - np.array((float(np.linalg.norm(across, axis=1).mean()) / 2 / leg, 0, 0))
        knee = _in(facing, at[f"knee{side}"] - (at[f"hip{side}"] + at[f"ankle{side}"]) / 2) * outwards / leg
        pose.knees[side] = np.clip((knee[:, 0] + 0.005) / np.maximum(knee[:, 2] + 0.05, 0.03), -0.4, 1.5)
        toe = _in(facing, at[f"toe{side}"] - at[f"ankle{side}"])
        down = np.arctan2(-toe[:, 1], np.hypot(toe[:, 0], toe[:, 2]))
        pose.toes[side] = np.clip(down - np.median(down), -0.6, 1.4)
    return pose


_KINDS: tuple[tuple[str, str | None], ...] = (
    ("rom$", None),
    ("walk_(clap|point|raise|side|sway)|silly_walk|wave_hello_[13]|head_tilt|looking_around", None),
    ("bassai|empi|heian|gedanbarai|syutouuke|query|14_14|pick_", None),
    ("jumping_?jacks", "jumping jacks"),
    ("two_hand_wave", "waving both hands"),
    ("hand_wave|wave_hello", "waving hand"),
    ("walk|zombie", "walking"),
    ("run|jog", "running"),
    ("jump|01_01", "jumping"),
    ("kick|geri", "kicking"),
    ("box|punch|oiduki", "punching"),
)
"""What the name of a file holds, and the action it is; None: actions mixed, taken for nothing."""


def kind(path: Path) -> str | None:
    """Return the action that a file is named for; "" is none of them, None says that it mixes them."""
    name = path.stem.lower()
    return next((action for pattern, action in _KINDS if re.search(pattern, name)), "")


INDEX = "index.csv"
"""Beside recordings: the columns `file`, relative to it, and `action`."""


def read_index(path: Path) -> dict[Path, str]:
    """Return the action of each file that an index names; "" is none of them.

    Raises:
        UsageError: It cannot be read, or names an action that there is not.
    """
    found = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            if not {"file", "action"} <= set(rows.fieldnames or ()):
                raise UsageError(f"{path}: expected the columns file and action.")
            for row in rows:
                action = row["action"]
                if action not in LABELS:
                    said = "no action" if action is None else f"{action!r} is none of the actions"
                    raise UsageError(f"{path}, line {rows.line_num}: {said}; expected one of {', '.join(LABELS)}.")
                found[path.parent / row["file"]] = "" if action == REJECT else action
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from error
    return found


def _speed(p: F64, rate: float) -> F64:
    return np.asarray(np.linalg.norm(np.gradient(p, axis=0), axis=1) * rate)


def _busy(p: Pose, rate: float) -> F64:
    return np.asarray(sum(_speed(limb[s], rate) for limb in (p.hands, p.feet) for s in "LR"))


def _moving(p: Pose, rate: float) -> F64:
    return _speed(p.place, rate) + 0.2 * sum(_speed(p.feet[s], rate) for s in "LR")


def _off_the_floor(p: Pose, _: float) -> F64:
    return np.maximum(np.minimum(p.feet["L"][:, 1], p.feet["R"][:, 1]) - 0.04, 0)


def _foot_up(p: Pose, _: float) -> F64:
    return np.maximum(np.maximum(p.feet["L"][:, 1], p.feet["R"][:, 1]) - 0.25, 0)


def _hands_up(p: Pose, rate: float) -> F64:
    return np.asarray(sum(_speed(p.hands[s], rate) * (p.hands[s][:, 1] > -0.2) for s in "LR"))


def _hands(p: Pose, rate: float) -> F64:
    return np.asarray(sum(_speed(p.hands[s], rate) for s in "LR"))


_LIVELY: dict[str, Callable[[Pose, float], F64]] = {
    "walking": _moving,
    "running": _moving,
    "jumping": _off_the_floor,
    "kicking": _foot_up,
    "punching": _hands,
    "waving hand": _hands_up,
    "waving both hands": _hands_up,
}
"""How much of the action is in each frame."""


def _calibrates(p: Pose, rate: float) -> npt.NDArray[np.bool_]:
    """Say in which frames the arms are held out still, as recordings begin and end."""
    out = [(p.hands[s][:, 0] > 0.8) & (abs(p.hands[s][:, 1]) < 0.35) & (_speed(p.hands[s], rate) < 0.3) for s in "LR"]
    return np.asarray(out[0] & out[1])


@dataclass(frozen=True)
class MotionRecording:
    """Poses of a file, `rate` a second, and in which frames a lively passage begins."""

    pose: Pose
    rate: float
    starts: tuple[int, ...]


@cache
def recording(path: Path, action: str) -> MotionRecording:
    """Read a file and find the passages in which most of the action happens.

    Raises:
        UsageError: It is no recording of a person.
    """
    skeleton = read_bvh(path)
    pose = retarget(path, skeleton)
    width = max(1, round(PASSAGE_S * skeleton.rate))
    lively = _LIVELY.get(action, _busy)(pose, skeleton.rate)
    if len(pose) <= width:
        return MotionRecording(pose, skeleton.rate, (0,))
    # The first and last fifth of a passage may be cut off by another tempo.
    kernel = np.ones(width) * (np.abs(np.linspace(-1, 1, width)) < 0.6)
    score = np.convolve(lively, kernel, "valid")
    score[np.convolve(_calibrates(pose, skeleton.rate), np.ones(width), "valid") > 0.5] = 0.0
    enough = max(1e-9, 0.6 * float(np.percentile(score, 90)))
    return MotionRecording(pose, skeleton.rate, tuple(int(i) for i in np.flatnonzero(score >= enough)) or (0,))


@dataclass(frozen=True)
class Library:
    """The recordings of a folder: (action, files) in order; "" are those of none of the actions."""

    files: tuple[tuple[str, tuple[Path, ...]], ...]

    @classmethod
    def of(cls, folder: Path) -> Library:
        """Sort the BVH files of a folder, and of those in it, by what an `index.csv` says, else by their names.

        Raises:
            UsageError: There is none, or an index is broken.
        """
        by_action: dict[str, list[Path]] = {}
        listed = {path: action for index in folder.rglob(INDEX) for path, action in read_index(index).items()}
        for path in sorted(folder.rglob("*.bvh")):
            action = listed[path] if path in listed else kind(path)
            if action is not None:
                by_action.setdefault(action, []).append(path)
        if not by_action:
            raise UsageError(f"{folder}, given with --mocap, holds no BVH recordings (*.bvh).")
        return cls(tuple((action, tuple(paths)) for action, paths in sorted(by_action.items())))

    def counts(self) -> dict[str, int]:
        """Return how many recordings there are of each action, and of "other" ones."""
        return {action or "other": len(paths) for action, paths in self.files}

    def check(self) -> None:
        """Read every recording, so that a broken one is known before clips are rendered.

        Raises:
            UsageError: One of them is broken or shows nobody.
        """
        for action, paths in self.files:
            for path in paths:
                recording(path, action)

    def perform(self, rng: np.random.Generator, action: str, t: F64) -> Pose | None:
        """Draw a passage of an action at times `t` in seconds: its side, tempo and beginning; None: there is none.

        In its middle the person stands at the origin and looks along z.
        """
        paths = dict(self.files).get(action)
        if not paths:
            return None
        taken = recording(paths[int(rng.integers(len(paths)))], action)
        tempo = float(np.exp(np.clip(rng.normal(0, 0.15), -0.35, 0.35)))
        start = taken.starts[int(rng.integers(len(taken.starts)))]
        middle = start + PASSAGE_S * taken.rate / 2
        pose = taken.pose.at(middle + (t - t.mean()) * tempo * taken.rate)
        pose = _towards_viewer(pose)
        return pose.mirrored() if rng.random() < 0.5 else pose


def _towards_viewer(pose: Pose) -> Pose:
    turn = float(pose.turn.mean())
    pose.turn = pose.turn - turn
    pose.place = (pose.place - pose.place.mean(0)) @ rotation(1, np.array(-turn)).T
    return pose
