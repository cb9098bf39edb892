"""A person with a human surface: drawn at random, dressed, and posed by the joints of `figure`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from slowfast_live.errors import UsageError
from slowfast_live.tools.training.chance import Random, cloth, color, skin_color
from slowfast_live.tools.training.figure import F32, F64, Cloth, Joints, Person
from slowfast_live.tools.training.mesh import raster
from slowfast_live.tools.training.mesh.makehuman import Build, Template, garment, shape_body, template
from slowfast_live.tools.training.mesh.raster import CARRIERS, I32
from slowfast_live.tools.training.render import Camera, Light

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_CELL_DM = 0.28
"""Vertices nearer to one another than so many decimeters become one: a body of 13,000 faces is slow to draw."""

_SIDES = {"L": "Left", "R": "Right"}


@dataclass(frozen=True)
class Wardrobe:
    """Where bodies and clothes come from.

    Attributes:
        body: MakeHuman's data, see `makehuman.body_data`.
        clothes: A folder of MakeHuman assets with `clothes` and `hair` in it; without it clothes are cut from the
            body's own tights, and hair from its cap.
    """

    body: Path
    clothes: Path | None = None

    def check(self) -> None:
        """Read everything once, so that what is missing is known before clips are rendered.

        Raises:
            UsageError: Something is missing or damaged.
        """
        template(self.body)
        if self.clothes is None:
            return
        for kind in ("clothes", "hair"):
            found = self.garments(kind)
            if not found:
                raise UsageError(f"{self.clothes}, given with --clothes, holds no {kind} (folders in {kind}/).")
            for folder in found:
                garment(folder)

    def garments(self, kind: str, prefix: str = "") -> list[Path]:
        """Return the folders of garments of a kind ("clothes", "hair") whose names begin so."""
        folder = (self.clothes or Path()) / kind
        return sorted(p for p in folder.glob(f"{prefix}*") if next(p.glob("*.mhclo"), None)) if self.clothes else []


@dataclass(frozen=True)
class Surface:
    """What is drawn of somebody, in the pose that the body is modelled in; lengths in meters.

    Attributes:
        places: float32 (V, 3).
        normals: float32 (V, 3).
        faces: int32 (F, 3).
        kinds: int32 (F,), which material each face is of.
        bones: int32 (V, CARRIERS), which bones carry each vertex.
        weights: float32 (V, CARRIERS).
        materials: float32 (M, MATERIAL_FIELDS).
    """

    places: F32
    normals: F32
    faces: I32
    kinds: I32
    bones: I32
    weights: F32
    materials: F32


@dataclass(frozen=True)
class MeshPerson(Person):
    """A `Person` whose proportions are those of a body, and who has its surface.

    Attributes:
        surface: What is drawn.
        heads: Bone -> where it begins in the modelled pose, meters.
        tails: Bone -> where it ends.
        parents: Bone -> the bone that it hangs on, "" for the first; parents come first.
    """

    surface: Surface | None = field(default=None, compare=False, repr=False)
    heads: dict[str, F64] = field(default_factory=dict, compare=False, repr=False)
    tails: dict[str, F64] = field(default_factory=dict, compare=False, repr=False)
    parents: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def draw(self, matrices: F32, camera: Camera, light: Light, colors: F32, depth: F32) -> None:
        """Draw the person over a picture.

        Args:
            matrices: float32 (B, 3, 4) of one frame, of `matrices`.
            camera: Where they are seen from.
            light: What lights them.
            colors: float32 (H, W, 3), RGB in 0..1; changed.
            depth: float32 (H, W), meters along the ray; changed.
        """
        s = self.surface
        assert s is not None
        places, normals = raster.pose(s.places, s.normals, s.bones, s.weights, matrices)
        raster.draw(places, normals, s.faces, s.kinds, s.places, s.materials, camera, light, colors, depth)


def _unit(v: F64) -> F64:
    return np.asarray(v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9))


def _turning(a: F64, b: F64) -> F64:
    """The smallest rotations (T, 3, 3) that turn unit vectors a (T, 3) into b (T, 3)."""
    v, c = np.cross(a, b), np.sum(a * b, -1)[..., None, None]
    k = np.zeros((len(v), 3, 3))
    k[:, 0, 1], k[:, 0, 2], k[:, 1, 2] = -v[:, 2], v[:, 1], -v[:, 0]
    k[:, 1, 0], k[:, 2, 0], k[:, 2, 1] = v[:, 2], -v[:, 1], v[:, 0]
    return np.asarray(np.eye(3) + k + k @ k / np.maximum(1 + c, 1e-2))


def matrices(who: MeshPerson, posed: Joints) -> F32:
    """Return how each bone turns and moves in T frames: float32 (T, B, 3, 4).

    Limbs point as the joints say, from the hips outwards; the body keeps its own proportions.
    """
    at, axes = posed.at, posed.axes
    turned: dict[str, F64] = {}
    for name in who.parents:
        turned[name] = axes["pelvis"]
    for name in ("LowerBack", "Spine"):
        turned[name] = axes["waist"]
    for name in ("Spine1", "Neck", "LeftShoulder", "RightShoulder"):
        turned[name] = axes["chest"]
    for name in ("Neck1", "Head"):
        turned[name] = axes["head"]

    def limb(bone: str, end: F64, base: F64, towards: F64) -> F64:
        rest = np.einsum("tij,j->ti", base, _unit(end - who.heads[bone]))
        return np.asarray(_turning(rest, _unit(towards)) @ base)

    for side, name in _SIDES.items():
        shoulder, elbow, wrist = (at[f"{part}{side}"] for part in ("shoulder", "elbow", "wrist"))
        upper = limb(f"{name}Arm", who.heads[f"{name}ForeArm"], axes["chest"], elbow - shoulder)
        lower = limb(f"{name}ForeArm", who.heads[f"{name}Hand"], upper, wrist - elbow)
        turned[f"{name}Arm"], turned[f"{name}ForeArm"] = upper, lower
        hand = limb(f"{name}Hand", who.tails[f"{name}Hand"], lower, at[f"palm{side}"])
        for bone in (f"{name}Hand", f"{name}FingerBase", f"{name}HandFinger1", f"{side}Thumb"):
            turned[bone] = hand
        hip, knee, ankle = (at[f"{part}{side}"] for part in ("hip", "knee", "ankle"))
        thigh = limb(f"{name}UpLeg", who.heads[f"{name}Leg"], axes["pelvis"], knee - hip)
        turned[f"{name}UpLeg"] = thigh
        turned[f"{name}Leg"] = limb(f"{name}Leg", who.heads[f"{name}Foot"], thigh, ankle - knee)
        turned[f"{name}Foot"] = turned[f"{name}ToeBase"] = axes[f"foot{side}"]
    frames = len(at["hips"])
    out = np.empty((frames, len(who.parents), 3, 4))
    placed: dict[str, F64] = {}
    middle = (who.heads["LeftUpLeg"] + who.heads["RightUpLeg"]) / 2
    for column, (bone, parent) in enumerate(who.parents.items()):
        if parent:
            step = who.heads[bone] - who.heads[parent]
            placed[bone] = placed[parent] + np.einsum("tij,j->ti", turned[parent], step)
        else:
            between = (at["hipL"] + at["hipR"]) / 2
            placed[bone] = between + np.einsum("tij,j->ti", turned[bone], who.heads[bone] - middle)
        out[:, column, :, :3] = turned[bone]
        out[:, column, :, 3] = placed[bone] - np.einsum("tij,j->ti", turned[bone], who.heads[bone])
    return out.astype(np.float32)


@dataclass(frozen=True)
class SurfacePart:
    """Part of a surface before it is put together, in decimeters.

    Attributes:
        places: (V, 3).
        weights: (V, B), how much each bone carries each vertex.
        faces: (F, 3).
        kinds: (F,), the material of each face.
    """

    places: F64
    weights: F64
    faces: I64
    kinds: I64


def _used(places: F64, weights: F64, faces: I64, kinds: I64) -> SurfacePart:
    """Keep the vertices that faces use."""
    used, numbered = np.unique(faces, return_inverse=True)
    return SurfacePart(places[used], weights[used], numbered.reshape(faces.shape), kinds)


@dataclass(frozen=True)
class _Cells:
    """Points sorted into the cells of a grid.

    Attributes:
        number: (V,), which cell each point lies in.
        order: (V,), the points cell by cell.
        starts: (C,), where in that order each cell begins.
    """

    number: I64
    order: I64
    starts: I64

    def merged(self, values: F64) -> F64:
        """Return the mean of the values (V, N) of the points of each cell: (C, N)."""
        count = np.diff(np.append(self.starts, len(self.order)))[:, None]
        return np.asarray(np.add.reduceat(values[self.order], self.starts, axis=0) / count)


@lru_cache(maxsize=64)
def _cells(points: bytes, size_dm: float) -> _Cells:
    """Sort points (V, 3), float64, into cells of this size."""
    cells = np.floor(np.frombuffer(points, np.float64).reshape(-1, 3) / size_dm).astype(np.int64)
    number = np.unique(cells, axis=0, return_inverse=True)[1].reshape(-1)
    order = np.argsort(number, kind="stable")
    return _Cells(number, order, np.flatnonzero(np.diff(number[order], prepend=-1)))


def coarser(part: SurfacePart, modelled: F64, cell_dm: float = _CELL_DM) -> SurfacePart:
    """Merge vertices that lie in one cell of a grid; `modelled` are the places (V, 3) that the cells are of."""
    cells = _cells(np.ascontiguousarray(modelled).tobytes(), cell_dm)
    faces = cells.number[part.faces]
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    return SurfacePart(cells.merged(part.places), cells.merged(part.weights), faces[whole], part.kinds[whole])


def normals_of(places: F64, faces: I64) -> F64:
    """Return the unit normals (V, 3) of vertices, means of those of their faces by area."""
    across = np.cross(places[faces[:, 1]] - places[faces[:, 0]], places[faces[:, 2]] - places[faces[:, 0]])
    summed = [
        sum(np.bincount(faces[:, corner], across[:, axis], len(places)) for corner in range(3)) for axis in range(3)
    ]
    return _unit(np.stack(summed, 1))


SKIN, TOP, BOTTOM, SHOES, HAIR = range(5)
"""Kinds of a part's faces: rows of its materials."""


def draw_person(rng: Random, wardrobe: Wardrobe) -> MeshPerson:
    """Draw somebody: a body, clothes, colors."""
    base = template(wardrobe.body)
    build = Build(
        female=bool(rng.random() < 0.5),
        age=float(rng.random() ** 2),
        muscle=float(np.clip(rng.normal(0.5, 0.2), 0, 1)),
        weight=float(np.clip(rng.normal(0.5, 0.22), 0, 1)),
        height=float(rng.random()),
        origin=tuple(float(x) for x in rng.dirichlet([0.6] * 3)),  # type: ignore[arg-type]
    )
    body = standing_body(base, build)
    size = 0.1 * float(np.exp(rng.normal(0, 0.02)))
    parts = _clothed(rng, wardrobe, base, body, build.female)
    return assemble(base, body, parts, _materials(rng, build), size)


def standing_body(base: Template, build: Build) -> F64:
    """Return the vertices (V, 3) of a body whose feet stand at height zero, in decimeters."""
    body = shape_body(base, build)
    floor = body[np.unique(base.mesh.faces[base.mesh.groups == "body"]), 1].min()
    return np.asarray(body - (0.0, floor, 0.0))


def assemble(base: Template, body: F64, parts: Sequence[SurfacePart], materials_: F32, size: float = 0.1) -> MeshPerson:
    """Make a person of a body and of the parts that are seen of it.

    Args:
        base: The base mesh and its rig.
        body: (V, 3), decimeters, of `standing_body`.
        parts: What is drawn.
        materials_: float32 (M, MATERIAL_FIELDS), what the parts' `kinds` are.
        size: Meters of one unit of `body`.
    """
    ends = ({name: p * size for name, p in side.items()} for side in base.ends(body))
    heads, tails = ends
    parents = {name: bone.parent for name, bone in base.bones.items()}
    height = float(np.ptp(body[np.unique(base.mesh.faces[base.mesh.groups == "body"]), 1])) * size
    surface = _joined(parts, size, materials_)
    return replace(_moving_as(heads, height), surface=surface, heads=heads, tails=tails, parents=parents)


def _moving_as(heads: dict[str, F64], height_m: float) -> MeshPerson:
    """Return somebody of the proportions of a body with these joints."""
    scale = height_m / 1.75

    def length(*bones: str) -> float:
        ends = [(heads[bones[i]], heads[bones[i + 1]]) for i in range(len(bones) - 1)]
        return float(sum(np.linalg.norm(a - b) for a, b in ends))

    return MeshPerson(
        height_m=height_m,
        shoulders=float(abs(heads["LeftArm"][0])) / scale,
        arm=length("LeftArm", "LeftForeArm", "LeftHand") / (0.54 * scale),
        leg=length("LeftUpLeg", "LeftLeg", "LeftFoot") / (0.86 * scale),
    )


_HAIR = ((0.07, 0.055, 0.05), (0.2, 0.12, 0.07), (0.55, 0.42, 0.25), (0.36, 0.17, 0.09))


def _materials(rng: Random, build: Build) -> F32:
    """Return the materials SKIN to HAIR, float32 (5, MATERIAL_FIELDS)."""
    tone = float(np.clip(build.origin[0] + 0.3 * build.origin[1] + rng.normal(0, 0.15), 0, 1))
    gray = build.age > 0.6 and rng.random() < 0.5
    dark = np.array(_HAIR[int(rng.choice(len(_HAIR), p=(0.45, 0.3, 0.13, 0.12)))]) * rng.uniform(0.6, 1.3)
    hair = Cloth((0.6, 0.6, 0.6) if gray else (float(dark[0]), float(dark[1]), float(dark[2])))
    rows = (Cloth(skin_color(tone)), cloth(rng), cloth(rng, 0.12), Cloth(color(rng)), hair)
    return np.array([each.row() for each in rows], np.float32)


def _clothed(rng: Random, wardrobe: Wardrobe, base: Template, body: F64, female: bool) -> list[SurfacePart]:
    if wardrobe.clothes is None or rng.random() < 0.4:
        return _from_the_body(rng, base, body, female)
    suit = _one_of(rng, wardrobe.garments("clothes", "female" if female else "male"))
    shoes = _one_of(rng, wardrobe.garments("clothes", "shoes"))
    hair = _one_of(rng, wardrobe.garments("hair")) if female or rng.random() > 0.12 else None
    waist = base.ends(body)[0]["LowerBack"][1] + rng.uniform(-1.0, 0.6)

    def sewn(places: F64, faces: I64) -> I64:
        return np.where(places[faces].mean(1)[:, 1] < waist, BOTTOM, TOP)

    return wear(base, body, Outfit(suit, shoes, hair), sewn)


@dataclass(frozen=True)
class Outfit:
    """Folders of MakeHuman's garments that somebody wears; None: nothing of that kind."""

    suit: Path | None
    shoes: Path | None
    hair: Path | None


def wear(
    base: Template, body: F64, outfit: Outfit, sewn: Callable[[F64, I64], I64], cell_dm: float = _CELL_DM
) -> list[SurfacePart]:
    """Return the parts of somebody in MakeHuman's clothes.

    Args:
        base: The base mesh and its rig.
        body: (V, 3), decimeters.
        outfit: What is worn.
        sewn: Tells which faces (F, 3) of the suit, whose vertices are (V, 3), are TOP and which BOTTOM: (F,).
        cell_dm: Vertices nearer to one another become one.
    """
    parts: list[SurfacePart] = []
    covered = np.zeros(len(body), bool)
    for kind, folder in ((TOP, outfit.suit), (SHOES, outfit.shoes), (HAIR, outfit.hair)):
        if folder is None:
            continue
        worn = garment(folder)
        places = worn.fit(body)
        kinds = sewn(places, worn.faces) if kind == TOP else np.full(len(worn.faces), kind)
        covered[worn.hides] = True
        modelled = worn.fit(base.mesh.places)
        parts.append(coarser(SurfacePart(places, worn.weights(base), worn.faces, kinds), modelled, cell_dm))
    faces = base.mesh.faces[(base.mesh.groups == "body")]
    faces = faces[~covered[faces].all(1)]
    skin = SurfacePart(body, base.weights, faces, np.full(len(faces), SKIN))
    parts.append(pruned(coarser(skin, base.mesh.places, cell_dm)))
    return [pruned(part) for part in parts]


def _one_of(rng: Random, folders: list[Path]) -> Path | None:
    return folders[int(rng.integers(len(folders)))] if folders else None


def pruned(part: SurfacePart) -> SurfacePart:
    """Drop the vertices that no face uses."""
    return _used(part.places, part.weights, part.faces, part.kinds)


def _from_the_body(rng: Random, base: Template, body: F64, female: bool) -> list[SurfacePart]:
    """Dress somebody in what the base mesh has: its own surface, cut and widened, a skirt, hair."""
    groups, faces = base.mesh.groups, base.mesh.faces
    surface = groups == "body"
    normals = normals_of(body, faces[surface])
    kinds = _cut(rng, base, body)
    shod = surface & (kinds == SHOES)
    worn = surface & ((kinds == TOP) | (kinds == BOTTOM))
    wide = np.zeros(len(body))
    for kind in (TOP, BOTTOM):
        wide[np.unique(faces[worn & (kinds == kind)])] = rng.uniform(0.02, 0.32)
    loose = body + normals * wide[:, None]
    loose[:, 1] -= 0.3 * wide  # cloth hangs
    skin = surface & ~shod
    parts = [
        SurfacePart(loose, base.weights, faces[worn], kinds[worn]),
        SurfacePart(body + normals * 0.08, base.weights, faces[shod], kinds[shod]),
        SurfacePart(body, base.weights, faces[skin], np.full(int(skin.sum()), SKIN)),
    ]
    if female and rng.random() < 0.15 and (groups == "helper-skirt").any():
        heads = base.ends(body)[0]
        hem = rng.uniform(heads["LeftFoot"][1] + 1.0, heads["LeftLeg"][1] + 1.5)
        skirt = (groups == "helper-skirt") & (body[faces].mean(1)[:, 1] > hem)
        parts.append(SurfacePart(body, base.weights, faces[skirt], np.full(int(skirt.sum()), BOTTOM)))
    if rng.random() < (0.98 if female else 0.85):
        parts.append(_hair(rng, base, body, normals, female))
    return [pruned(coarser(part, base.mesh.places)) for part in parts if len(part.faces)]


_HANDS = tuple(f"{side}{part}" for side in ("Left", "Right") for part in ("Hand", "FingerBase", "HandFinger1"))


def _cut(rng: Random, base: Template, body: F64) -> I64:
    """Draw how long sleeves and trousers are: (F,), what each face of the body shows, SKIN to SHOES."""
    names = list(base.bones)
    limb = base.weights[base.mesh.faces].mean(1)
    heads = base.ends(body)[0]
    height = body[base.mesh.faces].mean(1)[:, 1]

    def carried(*bones: str) -> F64:
        return np.asarray(limb[:, [names.index(bone) for bone in bones]].sum(1))

    hands = carried(*_HANDS, "LThumb", "RThumb")
    lower_arm, upper_arm = carried("LeftForeArm", "RightForeArm"), carried("LeftArm", "RightArm")
    feet = carried("LeftFoot", "RightFoot", "LeftToeBase", "RightToeBase")
    arms = upper_arm + lower_arm + hands > 0.3
    knee, ankle, hip = heads["LeftLeg"][1], heads["LeftFoot"][1], heads["LeftUpLeg"][1]
    hems = (ankle + 0.4, knee + rng.uniform(-1.5, 0.8), hip - rng.uniform(0.8, 2.5))
    hem = hems[int(rng.choice(3, p=[0.6, 0.2, 0.2]))]
    legs = (height < heads["LowerBack"][1] + rng.uniform(-0.9, 0.4)) & ~arms
    kinds = np.where(legs, BOTTOM, TOP)
    sleeves = int(rng.choice(3, p=[0.35, 0.5, 0.15]))  # long, short, none
    bare = (hands > 0.5) | (carried("Head", "Neck1") > 0.35) | (legs & (height < hem))
    bare |= (sleeves >= 1) & (lower_arm > 0.4)
    bare |= (sleeves == 2) & (upper_arm > 0.6)
    kinds[bare] = SKIN
    kinds[feet > 0.5] = SHOES
    return kinds


def _hair(rng: Random, base: Template, body: F64, normals: F64, female: bool) -> SurfacePart:
    """Return hair: the helper's, which falls on the shoulders, or the scalp made thicker."""
    groups, faces = base.mesh.groups, base.mesh.faces
    middle = body[faces].mean(1)
    head = base.ends(body)[0]["Head"]
    if female and rng.random() < 0.5 and (groups == "helper-hair").any():
        chosen = (groups == "helper-hair") & (middle[:, 1] > head[1] - rng.uniform(0.5, 4.0))
        return SurfacePart(body, base.weights, faces[chosen], np.full(int(chosen.sum()), HAIR))
    top = body[np.unique(faces[groups == "body"]), 1].max()
    # Above the forehead in front, down to the neck behind.
    line = head[1] + (top - head[1]) * np.clip(0.35 + 0.55 * (middle[:, 2] - head[2]), 0.05, 0.78)
    scalp = (groups == "body") & (middle[:, 1] > line) & (middle[:, 1] > head[1])
    thick = body + normals * rng.uniform(0.06, 0.35)
    return SurfacePart(thick, base.weights, faces[scalp], np.full(int(scalp.sum()), HAIR))


def _joined(parts: Sequence[SurfacePart], size: float, materials_: F32) -> Surface:
    places = np.concatenate([p.places for p in parts]) * size
    weights = np.concatenate([p.weights for p in parts])
    starts = np.cumsum([0, *(len(p.places) for p in parts[:-1])])
    faces = np.concatenate([p.faces + start for p, start in zip(parts, starts, strict=True)])
    kinds = np.concatenate([p.kinds for p in parts])
    bones = np.argsort(-weights, 1)[:, :CARRIERS]
    shares = np.take_along_axis(weights, bones, 1)
    shares = shares / np.maximum(shares.sum(1, keepdims=True), 1e-9)
    return Surface(
        places.astype(np.float32),
        normals_of(places, faces).astype(np.float32),
        faces.astype(np.int32),
        kinds.astype(np.int32),
        bones.astype(np.int32),
        shares.astype(np.float32),
        materials_,
    )
