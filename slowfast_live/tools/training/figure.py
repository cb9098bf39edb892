"""A person made of rounded cones: proportions, clothes, pose and the solids of each frame.

World axes in meters: x to the person's left, y up, z to where an unturned person looks. Arrays hold T frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]

SOLID_FIELDS = 16
"""Fields of a solid: origin (3), world-to-local matrix (9, row-major), length, two radii, index of its material."""

MATERIAL_FIELDS = 8
"""Fields of a material: red, green, blue, pattern (0 plain, 1 rings, 2 stripes, 3 checks), second color, period."""

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Cloth:
    """A color in 0..1, and a pattern: 0 plain, 1 rings, 2 stripes along the body, 3 checks."""

    color: Color
    pattern: int = 0
    second: Color = (1.0, 1.0, 1.0)
    period_m: float = 0.08

    def row(self) -> list[float]:
        """Return the material as `MATERIAL_FIELDS` numbers."""
        return [*self.color, float(self.pattern), *self.second, self.period_m]


@dataclass(frozen=True)
class Person:
    """Appearance of a person. Lengths in units of 1.75 m of height; `height_m` scales them."""

    height_m: float = 1.75
    girth: float = 1.0
    shoulders: float = 0.19
    arm: float = 1.0
    leg: float = 1.0
    head: float = 1.0
    skin: Cloth = Cloth((0.86, 0.66, 0.53))
    shirt: Cloth = Cloth((0.20, 0.42, 0.70))
    trousers: Cloth = Cloth((0.20, 0.21, 0.27))
    shoes: Cloth = Cloth((0.92, 0.92, 0.90))
    hair: Cloth = Cloth((0.16, 0.10, 0.06))
    sleeves: float = 0.6
    """Sleeves: 0 none, up to 1 on the upper arm, up to 2 down the forearm."""
    legs: float = 2.0
    """Trousers: up to 1 on the thigh (shorts), up to 2 down the shin."""
    skirt: bool = False
    hair_style: int = 0
    """Hair: 0 short, 1 long, 2 bun, 3 bald, 4 cap."""

    @property
    def scale(self) -> float:
        """Meters per unit of proportion."""
        return self.height_m / 1.75

    @property
    def arm_m(self) -> float:
        """Length from shoulder to wrist."""
        return 0.54 * self.arm * self.scale

    @property
    def hip_m(self) -> float:
        """Height of the hips when standing straight."""
        return (0.86 * self.leg + 0.075) * self.scale


def rotation(axis: int, angle: Any) -> F64:
    """Rotation matrices (T, 3, 3) about one of the axes 0, 1, 2, by angles in radians."""
    angle = np.asarray(angle, np.float64)
    out = np.zeros((*angle.shape, 3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    out[..., axis, axis] = 1.0
    out[..., a, a] = out[..., b, b] = np.cos(angle)
    out[..., a, b] = -np.sin(angle)
    out[..., b, a] = np.sin(angle)
    return out


@dataclass
class Pose:
    """Poses in T frames.

    Attributes:
        turn: (T,) which way the whole person looks, radians about y.
        place: (T, 3) where they stand on the floor; y lifts them (a jump).
        sink: (T,) how far the hips are below standing height, as a fraction of the leg.
        hip_shift: (T, 3) further movement of the hips in the person's axes, meters.
        pelvis: (T, 3) pitch forward, twist, roll of the pelvis, radians.
        chest: (T, 3) the same for the chest, on top of the pelvis.
        head: (T, 3) the same for the head, on top of the chest.
        hands: side -> (T, 3) where the wrist is from its shoulder, in the chest's axes, in arm lengths; for the
            right side x is mirrored, so that both sides read the same: (outwards, up, forward).
        elbows: side -> (T, 3) which way the elbow points, in the same axes.
        palms: side -> (T, 3) which way the hand is bent away from the forearm, in the axes of `hands`; 0 straight.
        feet: side -> (T, 3) where the ankle is from its place below the hip, in the person's axes, x outwards, in
            leg lengths.
        toes: side -> (T,) how far the foot points down, radians.
        knees: side -> (T,) how far the knee opens outwards.
    """

    turn: F64
    place: F64
    sink: F64
    hip_shift: F64
    pelvis: F64
    chest: F64
    head: F64
    hands: dict[str, F64] = field(default_factory=dict)
    elbows: dict[str, F64] = field(default_factory=dict)
    palms: dict[str, F64] = field(default_factory=dict)
    feet: dict[str, F64] = field(default_factory=dict)
    toes: dict[str, F64] = field(default_factory=dict)
    knees: dict[str, F64] = field(default_factory=dict)

    @classmethod
    def standing(cls, frames: int) -> Pose:
        """Return the pose of standing with hanging arms."""

        def row(*values: float) -> F64:
            return np.tile(np.array(values, np.float64), (frames, 1))

        none = np.zeros(frames)
        return cls(
            turn=none.copy(),
            place=row(0, 0, 0),
            sink=np.full(frames, 0.012),
            hip_shift=row(0, 0, 0),
            pelvis=row(0, 0, 0),
            chest=row(0, 0, 0),
            head=row(0, 0, 0),
            hands={s: row(0.17, -0.96, 0.07) for s in "LR"},
            elbows={s: row(0.6, 0.0, -1.0) for s in "LR"},
            palms={s: row(0, 0, 0) for s in "LR"},
            feet={s: row(0.05, 0, 0) for s in "LR"},
            toes={s: none.copy() for s in "LR"},
            knees={s: np.full(frames, 0.15) for s in "LR"},
        )

    def __len__(self) -> int:
        return len(self.turn)

    def blend(self, other: Pose, weight: Any) -> Pose:
        """Return a blend of this pose and another by (T,) weights in 0..1."""
        w = np.asarray(weight, np.float64)

        def mix(a: Any, b: Any) -> Any:
            if isinstance(a, dict):
                return {key: mix(a[key], b[key]) for key in a}
            k = w[:, None] if a.ndim == 2 else w
            return a * (1 - k) + b * k

        return Pose(**{name: mix(value, getattr(other, name)) for name, value in vars(self).items()})

    def at(self, frames: Any) -> Pose:
        """Return the pose at (N,) frame numbers, fractions between two frames; beyond the ends it stays."""
        frames = np.clip(np.asarray(frames, np.float64), 0, len(self) - 1)
        low = frames.astype(int)
        high = np.minimum(low + 1, len(self) - 1)
        return self._picked(low).blend(self._picked(high), frames - low)

    def _picked(self, frames: npt.NDArray[np.int_]) -> Pose:
        def pick(a: Any) -> Any:
            return {key: value[frames] for key, value in a.items()} if isinstance(a, dict) else a[frames]

        return Pose(**{name: pick(value) for name, value in vars(self).items()})

    def mirrored(self) -> Pose:
        """Return the mirror image: left and right swapped."""
        aside, round_up = np.array([-1.0, 1.0, 1.0]), np.array([1.0, -1.0, -1.0])

        def swapped(sides: dict[str, F64]) -> dict[str, F64]:
            return {"L": sides["R"], "R": sides["L"]}

        return Pose(
            turn=-self.turn,
            place=self.place * aside,
            sink=self.sink,
            hip_shift=self.hip_shift * aside,
            pelvis=self.pelvis * round_up,
            chest=self.chest * round_up,
            head=self.head * round_up,
            **{name: swapped(getattr(self, name)) for name in ("hands", "elbows", "palms", "feet", "toes", "knees")},
        )


def _unit(v: F64) -> F64:
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


def _bent(start: F64, end: F64, upper: float, lower: float, towards: F64) -> tuple[F64, F64]:
    """Two bones from `start` that reach for `end` (law of cosines), the joint pointing `towards`: joint and end."""
    reach = end - start
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    along = reach / np.maximum(distance, 1e-9)
    length = np.clip(distance, abs(upper - lower) + 1e-3, (upper + lower) * 0.999)
    inside = (upper**2 + length**2 - lower**2) / (2 * length)
    aside = np.sqrt(np.maximum(upper**2 - inside**2, 0))
    pole = _unit(towards - along * np.sum(towards * along, -1, keepdims=True))
    return start + along * inside + pole * aside, start + along * length


def _turned(angles: F64) -> F64:
    pitch, twist, roll = angles[:, 0], angles[:, 1], angles[:, 2]
    return rotation(1, twist) @ rotation(2, roll) @ rotation(0, pitch)


def _apply(matrices: F64, v: Any) -> F64:
    """Turn one vector, or one of each frame, by (T, 3, 3)."""
    return np.asarray(np.einsum("tij,tj->ti", matrices, np.broadcast_to(v, (len(matrices), 3))))


@dataclass(frozen=True)
class Joints:
    """Joints and the palms' directions, (T, 3) each; axes of pelvis, chest, head and feet, (T, 3, 3)."""

    at: dict[str, F64]
    axes: dict[str, F64]


def joints(person: Person, pose: Pose) -> Joints:
    """Forward kinematics of the trunk, inverse kinematics of the limbs."""
    s = person.scale
    leg, arm = 0.86 * person.leg * s, person.arm_m
    facing = rotation(1, pose.turn)
    at: dict[str, F64] = {}
    axes: dict[str, F64] = {"pelvis": facing @ _turned(pose.pelvis)}
    lift = np.zeros((len(pose), 3))
    lift[:, 1] = person.hip_m - pose.sink * leg
    at["hips"] = pose.place + lift + _apply(facing, pose.hip_shift)
    axes["waist"] = axes["pelvis"] @ _turned(pose.chest * 0.5)
    axes["chest"] = axes["pelvis"] @ _turned(pose.chest)
    at["waist"] = at["hips"] + _apply(axes["pelvis"], (0, 0.13 * s, 0))
    at["ribs"] = at["waist"] + _apply(axes["waist"], (0, 0.17 * s, 0))
    at["collar"] = at["ribs"] + _apply(axes["chest"], (0, 0.19 * s, 0))
    axes["head"] = axes["chest"] @ _turned(pose.head)
    at["chin"] = at["collar"] + _apply(axes["head"], (0, 0.115 * s, 0.025 * s))
    at["crown"] = at["chin"] + _apply(axes["head"], (0, 0.115 * s * person.head, 0.0))
    for side, sign in (("L", 1.0), ("R", -1.0)):
        mirror = np.array([sign, 1.0, 1.0])
        raised = np.clip(pose.hands[side][:, 1], 0, 1)[:, None] * np.array([[-0.02 * sign, 0.05, 0.0]]) * s
        shoulder = at["collar"] + _apply(
            axes["chest"], np.array([[sign * person.shoulders * s, -0.035 * s, 0]]) + raised
        )
        hand = shoulder + _apply(axes["chest"], pose.hands[side] * mirror * arm)
        pole = _apply(axes["chest"], pose.elbows[side] * mirror)
        at[f"shoulder{side}"] = shoulder
        at[f"elbow{side}"], at[f"wrist{side}"] = _bent(shoulder, hand, 0.52 * arm, 0.48 * arm, pole)
        bend = _apply(axes["chest"], pose.palms[side] * mirror)
        at[f"palm{side}"] = _unit(_unit(at[f"wrist{side}"] - at[f"elbow{side}"]) + bend)
        hip = at["hips"] + _apply(axes["pelvis"], (sign * 0.095 * s, -0.02 * s, 0))
        below = pose.place + _apply(facing, (sign * 0.095 * s, 0.075 * s, 0))
        ankle = below + _apply(facing, pose.feet[side] * mirror * leg)
        out = np.stack([sign * pose.knees[side], np.zeros(len(pose)), np.ones(len(pose))], 1)
        at[f"hip{side}"] = hip
        at[f"knee{side}"], at[f"ankle{side}"] = _bent(hip, ankle, 0.5 * leg, 0.5 * leg, _apply(facing, out))
        axes[f"foot{side}"] = facing @ rotation(1, sign * 0.2 * np.ones(len(pose))) @ rotation(0, pose.toes[side])
    return Joints(at, axes)


SKIN, SHIRT, TROUSERS, SHOES, HAIR, DARK, WHITE = range(7)


def materials(person: Person) -> F32:
    """The person's materials, float32 (7, MATERIAL_FIELDS)."""
    cloths = (person.skin, person.shirt, person.trousers, person.shoes, person.hair)
    extra = (Cloth((0.08, 0.06, 0.06)), Cloth((0.72, 0.36, 0.33)))
    return np.array([c.row() for c in (*cloths, *extra)], np.float32)


class _Solids:
    def __init__(self, frames: int) -> None:
        self.frames = frames
        self.rows: list[F64] = []

    def add(
        self,
        start: F64,
        end: F64,
        radii: tuple[float, float],
        material: int,
        across: F64,
        flat: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        """A rounded cone; `across` (T, 3) hints at its x axis, `flat` stretches it along x and z."""
        line = end - start
        length = np.linalg.norm(line, axis=1, keepdims=True)
        y = line / np.maximum(length, 1e-6)
        x = _unit(across - y * np.sum(across * y, -1, keepdims=True))
        z = np.cross(x, y)
        matrix = np.stack([x / flat[0], y, z / flat[1]], 1)
        row = np.zeros((self.frames, SOLID_FIELDS))
        row[:, :3], row[:, 3:12], row[:, 12:13] = start, matrix.reshape(-1, 9), length
        row[:, 13], row[:, 14], row[:, 15] = radii[0], radii[1], material
        self.rows.append(row)


def solids(person: Person, pose: Pose) -> F32:
    """The solids of T frames, float32 (T, P, SOLID_FIELDS); materials count from 0 as in `materials`."""
    j = joints(person, pose)
    at, s, g = j.at, person.scale, person.girth
    out = _Solids(len(pose))
    pelvis, waist, chest, head = (j.axes[n] for n in ("pelvis", "waist", "chest", "head"))
    x_pelvis, x_waist, x_chest = (m[:, :, 0] for m in (pelvis, waist, chest))

    def from_(point: F64, axes: F64, x: float, y: float, z: float) -> F64:
        return point + _apply(axes, (x * s, y * s, z * s))

    def cone(a: F64, b: F64, r: tuple[float, float], m: int, across: F64, flat: tuple[float, float] = (1, 1)) -> None:
        out.add(a, b, (r[0] * s, r[1] * s), m, across, flat)

    low = from_(at["hips"], pelvis, 0, -0.02, -0.01)
    cone(low, from_(at["waist"], waist, 0, -0.01, 0), (0.118 * g, 0.108 * g), TROUSERS, x_pelvis, (1.34, 1.02))
    belly = from_(at["waist"], waist, 0, 0.0, 0)
    cone(belly, at["ribs"], (0.115 * g, 0.122 * g), SHIRT, x_waist, (1.28, 0.98))
    wide = person.shoulders / 0.19
    cone(
        at["ribs"], from_(at["collar"], chest, 0, -0.1, 0), (0.122 * g, 0.118 * g), SHIRT, x_chest, (1.34 * wide, 0.95)
    )
    cone(
        from_(at["collar"], chest, 0, -0.12, 0),
        from_(at["collar"], chest, 0, -0.045, -0.005),
        (0.118 * g, 0.085),
        SHIRT,
        x_chest,
        (1.4 * wide, 0.9),
    )
    cone(
        from_(at["collar"], chest, 0, -0.06, -0.01),
        from_(at["chin"], head, 0, 0.0, -0.03),
        (0.058, 0.05),
        SKIN,
        x_chest,
    )
    _head(person, j, cone, from_)
    for side, sign in (("L", 1.0), ("R", -1.0)):
        shoulder, elbow, wrist = at[f"shoulder{side}"], at[f"elbow{side}"], at[f"wrist{side}"]
        cone(from_(at["collar"], chest, sign * 0.07, -0.06, -0.005), shoulder, (0.075 * g, 0.06 * g), SHIRT, x_chest)
        cone(shoulder, elbow, (0.05 * g, 0.04 * g), SKIN, x_chest)
        cone(elbow, wrist, (0.041 * g, 0.028), SKIN, x_chest)
        cone(shoulder, shoulder + (elbow - shoulder) * min(person.sleeves, 1.0), (0.062 * g, 0.054 * g), SHIRT, x_chest)
        if person.sleeves > 1:
            end = elbow + (wrist - elbow) * (person.sleeves - 1) * 0.95
            cone(elbow, end, (0.053 * g, 0.042 * g), SHIRT, x_chest)
        fore = at[f"palm{side}"]
        palm = wrist + fore * (0.075 * s)
        cone(wrist, palm, (0.028, 0.040), SKIN, x_chest, (0.9, 1.0))
        cone(palm, palm + fore * (0.06 * s), (0.039, 0.028), SKIN, x_chest, (0.85, 1.0))
        thumb = _unit(fore * 0.7 + _apply(chest, (-sign * 0.25, 0.35, 0.5)))
        cone(wrist + fore * (0.03 * s), wrist + fore * (0.03 * s) + thumb * (0.055 * s), (0.016, 0.012), SKIN, x_chest)
        _leg(person, j, side, cone, from_)
    if person.skirt:
        mid = (at["kneeL"] + at["kneeR"]) / 2
        hem = at["hips"] + (mid - at["hips"]) * 0.75
        cone(at["hips"], hem, (0.12 * g, 0.165 * g), TROUSERS, x_pelvis, (1.3, 1.0))
    return np.stack(out.rows, 1).astype(np.float32)


def _leg(person: Person, j: Joints, side: str, cone: Any, from_: Any) -> None:
    at, g = j.at, person.girth
    across, foot = j.axes["pelvis"][:, :, 0], j.axes[f"foot{side}"]
    hip, knee, ankle = at[f"hip{side}"], at[f"knee{side}"], at[f"ankle{side}"]
    cone(hip, knee, (0.085 * g, 0.056 * g), SKIN, across)
    cone(knee, ankle, (0.056 * g, 0.036), SKIN, across)
    cone(hip, hip + (knee - hip) * min(person.legs, 1.0), (0.098 * g, 0.07 * g), TROUSERS, across)
    if person.legs > 1:
        cone(knee, knee + (ankle - knee) * (person.legs - 1), (0.069 * g, 0.055), TROUSERS, across)
    cone(
        from_(ankle, foot, 0, -0.035, -0.045), from_(ankle, foot, 0, -0.04, 0.13), (0.042, 0.036), SHOES, foot[:, :, 0]
    )
    cone(from_(ankle, foot, 0, 0.0, 0.0), from_(ankle, foot, 0, -0.03, 0.08), (0.042, 0.036), SHOES, foot[:, :, 0])


def _head(person: Person, j: Joints, cone: Any, from_: Any) -> None:
    at, axes, h = j.at, j.axes["head"], person.head
    x = axes[:, :, 0]
    chin, crown = at["chin"], at["crown"]
    cone(
        from_(chin, axes, 0, -0.005, 0.022),
        from_(crown, axes, 0, -0.02, -0.004),
        (0.062 * h, 0.092 * h),
        SKIN,
        x,
        (0.93, 1.05),
    )
    if person.hair_style != 3:
        top = HAIR
        cone(
            from_(crown, axes, 0, -0.01, -0.03),
            from_(crown, axes, 0, 0.012, -0.006),
            (0.094 * h, 0.094 * h),
            top,
            x,
            (1.0, 1.05),
        )
    if person.hair_style == 1:
        cone(
            from_(crown, axes, 0, -0.03, -0.05),
            from_(chin, axes, 0, -0.10, -0.075),
            (0.09 * h, 0.06),
            HAIR,
            x,
            (1.1, 0.7),
        )
    if person.hair_style == 2:
        cone(from_(crown, axes, 0, 0.06, -0.09), from_(crown, axes, 0, 0.075, -0.1), (0.045, 0.04), HAIR, x)
    if person.hair_style == 4:
        cone(
            from_(crown, axes, 0, 0.01, 0.05), from_(crown, axes, 0, 0.005, 0.125), (0.07, 0.06), HAIR, x, (1.05, 0.18)
        )
    for sign in (1.0, -1.0):
        eye = from_(chin, axes, sign * 0.034 * h, 0.078 * h, 0.099 * h)
        cone(eye, eye + axes[:, :, 1] * 0.004, (0.0105, 0.0105), DARK, x, (1.0, 0.6))
        brow = from_(chin, axes, sign * 0.02 * h, 0.107 * h, 0.1 * h)
        cone(brow, from_(brow, axes, sign * 0.03, 0.001, -0.008), (0.006, 0.005), HAIR, x, (1.0, 1.0))
        ear = from_(chin, axes, sign * 0.083 * h, 0.06 * h, 0.0)
        cone(ear, from_(ear, axes, 0, 0.03, -0.006), (0.017, 0.022), SKIN, axes[:, :, 2], (1.0, 0.5))
    nose = from_(chin, axes, 0, 0.07 * h, 0.1 * h)
    cone(nose, from_(nose, axes, 0, -0.028, 0.012), (0.011, 0.0155), SKIN, x)
    mouth = from_(chin, axes, -0.02, 0.013 * h, 0.084 * h)
    cone(mouth, from_(mouth, axes, 0.04, 0.0, 0.0), (0.0075, 0.0075), WHITE, axes[:, :, 1], (1.0, 1.0))
