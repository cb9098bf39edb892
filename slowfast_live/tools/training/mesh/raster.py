"""Draw triangles with a depth buffer: vertices are posed and lit, the pixels between them interpolated."""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from slowfast_live.tools.training.figure import F32, MATERIAL_FIELDS
from slowfast_live.tools.training.render import Camera, Light

I32 = npt.NDArray[np.int32]

CARRIERS = 4
"""Bones that carry a vertex at most."""


@numba.njit(cache=True, fastmath=True)  # type: ignore[untyped-decorator]
def _pose(places, normals, bones, weights, matrices, out, turned) -> None:  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(places.shape[0]):
        for a in range(3):
            out[i, a] = 0.0
            turned[i, a] = 0.0
        for k in range(bones.shape[1]):
            w = weights[i, k]
            if w <= 0.0:
                continue
            m = matrices[bones[i, k]]
            for a in range(3):
                out[i, a] += w * (m[a, 0] * places[i, 0] + m[a, 1] * places[i, 1] + m[a, 2] * places[i, 2] + m[a, 3])
                turned[i, a] += w * (m[a, 0] * normals[i, 0] + m[a, 1] * normals[i, 1] + m[a, 2] * normals[i, 2])


def pose(places: F32, normals: F32, bones: I32, weights: F32, matrices: F32) -> tuple[F32, F32]:
    """Move vertices with their bones (linear blend skinning).

    Args:
        places: float32 (V, 3).
        normals: float32 (V, 3).
        bones: int32 (V, CARRIERS), which bones carry each vertex.
        weights: float32 (V, CARRIERS), how much; rows sum to one.
        matrices: float32 (B, 3, 4), how each bone turns and moves.

    Returns:
        Places and normals, float32 (V, 3); the normals are not of unit length.
    """
    out, turned = np.empty_like(places), np.empty_like(normals)
    _pose(places, normals, bones, weights, matrices, out, turned)
    return out, turned


@numba.njit(cache=True, fastmath=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _project(places, normals, eye, axes, f, light, seen, shade, rim, width, height) -> None:  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill in pixel and distance (V, 3) of each vertex, how light it is, and what the light at its rim adds."""
    for i in range(places.shape[0]):
        x, y, z = places[i, 0] - eye[0], places[i, 1] - eye[1], places[i, 2] - eye[2]
        away = -(axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z)
        seen[i, 2] = away
        if away > 0.05:
            seen[i, 0] = width * 0.5 + f * (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) / away
            seen[i, 1] = height * 0.5 - f * (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) / away
        n = 1.0 / math.sqrt(normals[i, 0] ** 2 + normals[i, 1] ** 2 + normals[i, 2] ** 2 + 1e-12)
        nx, ny, nz = normals[i, 0] * n, normals[i, 1] * n, normals[i, 2] * n
        lit = max(0.0, (nx * light[0] + ny * light[1] + nz * light[2] + 0.25) / 1.25)
        shade[i] = light[4] * (0.72 + 0.28 * ny) + light[3] * lit
        r = 1.0 / math.sqrt(x * x + y * y + z * z + 1e-12)
        facing = max(0.0, -(nx * x + ny * y + nz * z) * r)
        rim[i] = (1.0 - facing) ** 3 * light[5] * (0.5 + 0.5 * ny) * 0.5


@numba.njit(cache=True, fastmath=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _draw(places, normals, faces, kinds, rest, materials, eye, axes, focal, light, color, depth) -> None:  # type: ignore[no-untyped-def]  # pragma: no cover
    height, width = depth.shape
    f = focal * height
    count = places.shape[0]
    seen = np.empty((count, 3), np.float32)
    shade = np.empty(count, np.float32)
    rim = np.empty(count, np.float32)
    _project(places, normals, eye, axes, f, light, seen, shade, rim, width, height)
    for t in range(faces.shape[0]):
        a, b, c = faces[t, 0], faces[t, 1], faces[t, 2]
        if seen[a, 2] < 0.05 or seen[b, 2] < 0.05 or seen[c, 2] < 0.05:
            continue
        x0, y0, x1, y1, x2, y2 = seen[a, 0], seen[a, 1], seen[b, 0], seen[b, 1], seen[c, 0], seen[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0.0:
            continue
        left = max(0, math.ceil(min(x0, x1, x2) - 0.5))
        right = min(width - 1, math.floor(max(x0, x1, x2) - 0.5))
        top = max(0, math.ceil(min(y0, y1, y2) - 0.5))
        bottom = min(height - 1, math.floor(max(y0, y1, y2) - 0.5))
        if left > right or top > bottom:
            continue
        m = kinds[t]
        pattern, period = int(materials[m, 3]), materials[m, 7]
        for v in range(top, bottom + 1):
            for u in range(left, right + 1):
                px, py = u + 0.5, v + 0.5
                wa = ((x1 - px) * (y2 - py) - (x2 - px) * (y1 - py)) / area
                wb = ((x2 - px) * (y0 - py) - (x0 - px) * (y2 - py)) / area
                wc = 1.0 - wa - wb
                if wa < 0.0 or wb < 0.0 or wc < 0.0:
                    continue
                away = 1.0 / (wa / seen[a, 2] + wb / seen[b, 2] + wc / seen[c, 2])
                rx, ry = (px - width * 0.5) / f, (py - height * 0.5) / f
                away *= math.sqrt(rx * rx + ry * ry + 1.0)
                if away >= depth[v, u]:
                    continue
                depth[v, u] = away
                at = 0
                if pattern > 0:
                    hx = wa * rest[a, 0] + wb * rest[b, 0] + wc * rest[c, 0]
                    hy = wa * rest[a, 1] + wb * rest[b, 1] + wc * rest[c, 1]
                    ring, stripe = math.floor(hy / period), math.floor(hx / period)
                    if (
                        (pattern == 1 and ring % 2 == 0)
                        or (pattern == 2 and stripe % 2 == 0)
                        or (pattern == 3 and (ring + stripe) % 2 == 0)
                    ):
                        at = 4
                s = wa * shade[a] + wb * shade[b] + wc * shade[c]
                e = wa * rim[a] + wb * rim[b] + wc * rim[c]
                for k in range(3):
                    color[v, u, k] = min(1.0, materials[m, at + k] * s + e)


def draw(
    places: F32,
    normals: F32,
    faces: I32,
    kinds: I32,
    rest: F32,
    materials: F32,
    camera: Camera,
    light: Light,
    color: F32,
    depth: F32,
) -> None:
    """Draw triangles, seen from both sides, where they are nearer than what a picture shows.

    Args:
        places: float32 (V, 3), meters.
        normals: float32 (V, 3).
        faces: int32 (F, 3).
        kinds: int32 (F,), which material each face is of.
        rest: float32 (V, 3), the places before posing, which patterns follow.
        materials: float32 (M, MATERIAL_FIELDS), as `figure.materials` gives them.
        camera: Where it is seen from.
        light: What lights it.
        color: float32 (H, W, 3), RGB in 0..1; changed.
        depth: float32 (H, W), meters along the ray; changed.
    """
    assert materials.shape[1] == MATERIAL_FIELDS
    axes, eye = camera.axes().astype(np.float32), camera.eye.astype(np.float32)
    focal = np.float32(camera.focal)
    _draw(places, normals, faces, kinds, rest, materials, eye, axes, focal, light.row(), color, depth)
