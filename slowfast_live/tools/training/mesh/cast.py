"""The people of the demo and of the start card: chosen bodies, clothes and colors, drawn finely and with faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from slowfast_live.errors import UsageError
from slowfast_live.tools.training.figure import F32, F64, Cloth, Color
from slowfast_live.tools.training.mesh.body import (
    BOTTOM,
    HAIR,
    SHOES,
    TOP,
    MeshPerson,
    Outfit,
    SurfacePart,
    Wardrobe,
    assemble,
    pruned,
    standing_body,
    wear,
)
from slowfast_live.tools.training.mesh.makehuman import Build, Template, template

I64 = npt.NDArray[np.int64]

EYES, IRISES, LIPS, BROWS = range(HAIR + 1, HAIR + 5)
"""Kinds of faces beyond those of `body`."""

_CELL_DM = 0.02
"""Pictures of the demo are large: only what lies closer together than 2 mm becomes one vertex."""


@dataclass(frozen=True)
class Look:
    """How somebody looks.

    Attributes:
        build: The body.
        suit: Name of a MakeHuman suit.
        shoes: Name of MakeHuman shoes.
        hair: Name of a MakeHuman hairstyle.
        skin: Color.
        top: Cloth above the waist.
        bottom: Cloth below.
        shoe: Color of the shoes.
        strands: Color of the hair.
        iris: Color of the eyes.
    """

    build: Build
    suit: str
    shoes: str
    hair: str
    skin: Color
    top: Cloth
    bottom: Cloth
    shoe: Color
    strands: Color
    iris: Color = (0.20, 0.13, 0.09)

    def materials(self) -> F32:
        """Return the materials SKIN to BROWS, float32 (9, MATERIAL_FIELDS)."""
        red, green, blue = self.skin
        lips = Cloth((red * 0.86, green * 0.62, blue * 0.60))
        mixed = (0.45 * of_skin + 0.55 * of_hair for of_skin, of_hair in zip(self.skin, self.strands, strict=True))
        brows = Cloth((next(mixed), next(mixed), next(mixed)))
        rows = (Cloth(self.skin), self.top, self.bottom, Cloth(self.shoe), Cloth(self.strands))
        face = (Cloth((0.93, 0.92, 0.90)), Cloth(self.iris), lips, brows)
        return np.array([cloth.row() for cloth in (*rows, *face)], np.float32)


def dress(look: Look, wardrobe: Wardrobe) -> MeshPerson:
    """Make a person of a certain look.

    Raises:
        UsageError: The wardrobe lacks one of the garments.
    """
    base = template(wardrobe.body)
    body = standing_body(base, look.build)
    outfit = Outfit(
        _named(wardrobe, "clothes", look.suit),
        _named(wardrobe, "clothes", look.shoes),
        _named(wardrobe, "hair", look.hair),
    )
    suit, shoes, hair, skin = wear(base, body, outfit, _by_piece, _CELL_DM)
    parts = [suit, _with_socks(shoes), hair, _with_features(base, body, skin), *_eyes(base, body)]
    return assemble(base, body, parts, look.materials())


def _named(wardrobe: Wardrobe, kind: str, name: str) -> Path:
    folder = next((each for each in wardrobe.garments(kind, name) if each.name == name), None)
    if folder is None:
        raise UsageError(
            f"{wardrobe.clothes}, given with --clothes, lacks {kind}/{name}. Get MakeHuman's assets again."
        )
    return folder


def _tops(places: F64, faces: I64) -> F64:
    """Return how high the piece reaches that each face (F, 3) belongs to: (F,). Pieces share no vertex."""
    edges = faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    joined = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (len(places), len(places)))
    piece = connected_components(joined, directed=False)[1]
    top = np.full(piece.max() + 1, -np.inf)
    np.maximum.at(top, piece, places[:, 1])
    return np.asarray(top[piece[faces[:, 0]]])


def _by_piece(places: F64, faces: I64) -> I64:
    """Tell shirt and jacket from trousers and skirt."""
    return np.where(_tops(places, faces) > places[:, 1].max() - _CHEST_DM, TOP, BOTTOM)


def _with_socks(shoes: SurfacePart) -> SurfacePart:
    """Give socks, which reach higher than the shoes that they come with, the color of the trousers."""
    tops = _tops(shoes.places, shoes.faces)
    return SurfacePart(shoes.places, shoes.weights, shoes.faces, np.where(tops > tops.min() + _SOCK_DM, BOTTOM, SHOES))


_CHEST_DM = 3.0
"""Pieces of a suit that end lower than so far below its collar are trousers or a skirt."""
_SOCK_DM = 0.8
"""Pieces of shoes that reach so much higher than the lowest piece are socks."""


def _middle(base: Template, body: F64, group: str) -> F64:
    """Return the middle (3,) of a group of the base mesh."""
    return np.asarray(body[np.unique(base.mesh.faces[base.mesh.groups == group])].mean(0))


def _within(points: F64, middle: F64, half_width: float, half_height: float) -> npt.NDArray[np.bool_]:
    """Say which points (N, 3) lie in an ellipse as seen from before."""
    away = (points[:, :2] - middle[:2]) / (half_width, half_height)
    return np.asarray((away**2).sum(1) < 1)


def _with_features(base: Template, body: F64, skin: SurfacePart) -> SurfacePart:
    """Give a face lips and eyebrows: both are colors of the skin."""
    at, kinds = skin.places[skin.faces].mean(1), skin.kinds.copy()
    mouth = (_middle(base, body, "helper-upper-teeth") + _middle(base, body, "helper-lower-teeth")) / 2
    before = at[:, 2] > mouth[2]
    kinds[before & _within(at, mouth, *_MOUTH_DM)] = LIPS
    for eye in ("helper-l-eye", "helper-r-eye"):
        middle = _middle(base, body, eye)
        brow = middle + np.array((np.sign(middle[0]) * _BROW_OUT_DM, _BROW_UP_DM, 0.0))
        kinds[(at[:, 2] > middle[2]) & _within(at, brow, *_BROW_DM)] = BROWS
    return SurfacePart(skin.places, skin.weights, skin.faces, kinds)


_MOUTH_DM, _BROW_DM = (0.24, 0.085), (0.19, 0.042)
"""Half widths and half heights."""
_BROW_UP_DM, _BROW_OUT_DM = 0.235, 0.05
"""How far a brow is above the middle of its eye, and outward."""


def _eyes(base: Template, body: F64) -> Sequence[SurfacePart]:
    """Return both eyes: white, with an iris in front."""
    parts = []
    for group in ("helper-l-eye", "helper-r-eye"):
        faces = base.mesh.faces[base.mesh.groups == group]
        at, middle = body[faces].mean(1), _middle(base, body, group)
        size = np.ptp(body[np.unique(faces)], axis=0)
        front = (at[:, 2] > middle[2]) & _within(at, middle, *(0.3 * size[:2]))
        parts.append(pruned(SurfacePart(body, base.weights, faces, np.where(front, IRISES, EYES))))
    return parts


LOOKS = (
    Look(
        Build(female=True, age=0.15, muscle=0.45, weight=0.42, height=0.6, origin=(0.05, 0.15, 0.8)),
        suit="female_casualsuit01", shoes="shoes02", hair="long01", skin=(0.97, 0.75, 0.62),
        top=Cloth((0.93, 0.55, 0.36)), bottom=Cloth((0.24, 0.33, 0.50)), shoe=(0.93, 0.93, 0.92),
        strands=(0.30, 0.17, 0.09),
    ),
    Look(
        Build(female=False, age=0.1, muscle=0.6, weight=0.45, height=0.5, origin=(0.8, 0.1, 0.1)),
        suit="male_casualsuit04", shoes="shoes05", hair="afro01", skin=(0.53, 0.35, 0.25),
        top=Cloth((0.16, 0.55, 0.52)), bottom=Cloth((0.22, 0.24, 0.30)), shoe=(0.92, 0.45, 0.30),
        strands=(0.07, 0.06, 0.06),
    ),
    Look(
        Build(female=True, age=0.3, muscle=0.5, weight=0.42, height=0.6, origin=(0.05, 0.75, 0.2)),
        suit="female_casualsuit02", shoes="shoes01", hair="ponytail01", skin=(0.98, 0.79, 0.65),
        top=Cloth((0.42, 0.36, 0.62)), bottom=Cloth((0.20, 0.20, 0.23)), shoe=(0.95, 0.95, 0.95),
        strands=(0.10, 0.08, 0.08),
    ),
)  # fmt: skip
"""The three people of the demo."""
