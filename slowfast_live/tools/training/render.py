"""Pictures of solids: a ray through each pixel against rounded cones, in front of a painted scene.

A rounded cone is the hull of two spheres; where a ray meets it is found in closed form: the cone between the
circles where it touches the spheres, else the nearer sphere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from slowfast_live.tools.training.figure import F32, F64
from slowfast_live.types import U8


@dataclass(frozen=True)
class Camera:
    """A pinhole. It looks at `target` from `distance_m`, turned by `yaw` and raised by `pitch` (radians).

    `focal` is in units of the picture's height; `roll` in radians.
    """

    target: tuple[float, float, float] = (0.0, 0.95, 0.0)
    distance_m: float = 4.2
    yaw: float = 0.0
    pitch: float = 0.06
    focal: float = 1.75
    roll: float = 0.0

    def axes(self) -> F64:
        """Rows: right, up, and towards the viewer."""
        cy, sy, cp, sp = math.cos(self.yaw), math.sin(self.yaw), math.cos(self.pitch), math.sin(self.pitch)
        back = np.array([sy * cp, sp, cy * cp])
        right = np.array([cy, 0.0, -sy])
        up = np.cross(back, right)
        c, s = math.cos(self.roll), math.sin(self.roll)
        return np.stack([c * right + s * up, c * up - s * right, back])

    @property
    def eye(self) -> F64:
        """Where the camera is."""
        return np.asarray(np.array(self.target) + self.axes()[2] * self.distance_m)

    def rays(self, height: int, width: int) -> F64:
        """Directions of length 1, float64 (height, width, 3)."""
        x = (np.arange(width) + 0.5 - width / 2) / (self.focal * height)
        y = (height / 2 - np.arange(height) - 0.5) / (self.focal * height)
        a = self.axes()
        rays = x[None, :, None] * a[0] + y[:, None, None] * a[1] - a[2]
        return np.asarray(rays / np.linalg.norm(rays, axis=-1, keepdims=True))


@dataclass(frozen=True)
class Light:
    """Where the light comes from (a unit vector), how strong it and the ambient light are, and its tint."""

    direction: tuple[float, float, float] = (0.42, 0.76, 0.5)
    strength: float = 0.72
    ambient: float = 0.42
    rim: float = 0.16

    def row(self) -> F32:
        """Return the light as six numbers."""
        d = np.array(self.direction) / np.linalg.norm(self.direction)
        return np.array([*d, self.strength, self.ambient, self.rim], np.float32)


_kernel = numba.njit(cache=True, fastmath=True, error_model="numpy")
_inlined = numba.njit(inline="always", fastmath=True, error_model="numpy")


@_kernel
def _bounds(q, stretch, eye, axes, f, width, height):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the pixels (left, right, top, bottom) that may show a solid; none if it reaches behind the camera."""
    length = q[12]
    x0, x1, y0, y1 = 1e9, -1e9, 1e9, -1e9
    for end in range(2):
        r = q[13 + end] * stretch
        px = q[0] + q[6] * length * end - eye[0]
        py = q[1] + q[7] * length * end - eye[1]
        pz = q[2] + q[8] * length * end - eye[2]
        cx = axes[0, 0] * px + axes[0, 1] * py + axes[0, 2] * pz
        cy = axes[1, 0] * px + axes[1, 1] * py + axes[1, 2] * pz
        cz = -(axes[2, 0] * px + axes[2, 1] * py + axes[2, 2] * pz)
        if cz - r < 0.05:
            return 0, 0, 0, 0
        k = f / (cz - r)
        x0 = min(x0, width * 0.5 + (cx - r) * (k if cx < r else f / (cz + r)))
        x1 = max(x1, width * 0.5 + (cx + r) * (k if cx > -r else f / (cz + r)))
        y0 = min(y0, height * 0.5 - (cy + r) * (k if cy > -r else f / (cz + r)))
        y1 = max(y1, height * 0.5 - (cy - r) * (k if cy < r else f / (cz + r)))
    return max(0, int(x0)), min(width, int(x1) + 2), max(0, int(y0)), min(height, int(y1) + 2)


@_inlined
def _hit(length, ra, rb, m5, m7, lx, ly, lz, ex, ey, ez):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return where a ray from (lx, ly, lz) along (ex, ey, ez) meets a rounded cone along y, and the normal there.

    `m5` and `m7` are the squared distances from the ray's start to the ends of the cone. The distance is 1e9 if it
    misses. The normal is not of unit length.
    """
    rr = ra - rb
    m0 = length * length
    d2 = m0 - rr * rr
    m1, m2, m3 = length * ly, length * ey, ex * lx + ey * ly + ez * lz
    by = ly - length
    t, nx, ny, nz = 1e9, 0.0, 0.0, 0.0
    if d2 > 1e-9:
        k2 = d2 - m2 * m2
        k1 = d2 * m3 - m1 * m2 + m2 * rr * ra
        k0 = d2 * m5 - m1 * m1 + m1 * rr * ra * 2.0 - m0 * ra * ra
        h = k1 * k1 - k0 * k2
        if h < 0.0:
            return t, nx, ny, nz
        tc = (-math.sqrt(h) - k1) / k2
        y = m1 - ra * rr + tc * m2
        if 0.0 < y < d2:
            return tc, d2 * (lx + tc * ex), d2 * (ly + tc * ey) - length * y, d2 * (lz + tc * ez)
    h = m3 * m3 - m5 + ra * ra
    if h > 0.0:
        t = -m3 - math.sqrt(h)
        nx, ny, nz = lx + t * ex, ly + t * ey, lz + t * ez
    m6 = ex * lx + ey * by + ez * lz
    h = m6 * m6 - m7 + rb * rb
    if h > 0.0:
        tb = -m6 - math.sqrt(h)
        if tb < t:
            t = tb
            nx, ny, nz = lx + t * ex, by + t * ey, lz + t * ez
    return t, nx, ny, nz


@_inlined
def _material_color(material, x, y):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return the index of a material's color at a place of its surface: 0 for the first, 4 for the second."""
    pattern, period = int(material[3]), material[7]
    ring, stripe = math.floor(y / period) % 2 == 0, math.floor(x / period) % 2 == 0
    if (pattern == 1 and ring) or (pattern == 2 and stripe) or (pattern == 3 and ring == stripe):
        return 4
    return 0


@_inlined
def _lighting(gx, gy, gz, facing, light):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return how light a surface with normal (gx, gy, gz) is, and what the light at its rim adds."""
    lit = gx * light[0] + gy * light[1] + gz * light[2]
    # Wrapped diffuse light: soft edges, as in a room with bright walls.
    lit = max(0.0, (lit + 0.25) / 1.25)
    rim = (1.0 - facing) ** 3 * light[5] * (0.5 + 0.5 * gy)
    return light[4] * (0.72 + 0.28 * gy) + light[3] * lit, rim


@_kernel  # type: ignore[untyped-decorator]
def _draw_solid(q, materials, eye, axes, f, light, color, depth) -> None:  # type: ignore[no-untyped-def]  # pragma: no cover
    height, width = depth.shape
    material = materials[int(q[15])]
    # The row lengths of the matrix undo the stretching, so its largest inverse bounds the solid.
    sx = 1.0 / math.sqrt(q[3] ** 2 + q[4] ** 2 + q[5] ** 2)
    sz = 1.0 / math.sqrt(q[9] ** 2 + q[10] ** 2 + q[11] ** 2)
    left, right, top, bottom = _bounds(q, max(1.0, max(sx, sz)), eye, axes, f, width, height)
    ox, oy, oz = eye[0] - q[0], eye[1] - q[1], eye[2] - q[2]
    lx = q[3] * ox + q[4] * oy + q[5] * oz
    ly = q[6] * ox + q[7] * oy + q[8] * oz
    lz = q[9] * ox + q[10] * oy + q[11] * oz
    m5, m7 = lx * lx + ly * ly + lz * lz, lx * lx + (ly - q[12]) ** 2 + lz * lz
    for v in range(top, bottom):
        ry = (height * 0.5 - v - 0.5) / f
        for u in range(left, right):
            rx = (u + 0.5 - width * 0.5) / f
            n = 1.0 / math.sqrt(rx * rx + ry * ry + 1.0)
            dx = (rx * axes[0, 0] + ry * axes[1, 0] - axes[2, 0]) * n
            dy = (rx * axes[0, 1] + ry * axes[1, 1] - axes[2, 1]) * n
            dz = (rx * axes[0, 2] + ry * axes[1, 2] - axes[2, 2]) * n
            ex = q[3] * dx + q[4] * dy + q[5] * dz
            ey = q[6] * dx + q[7] * dy + q[8] * dz
            ez = q[9] * dx + q[10] * dy + q[11] * dz
            unit = 1.0 / math.sqrt(ex * ex + ey * ey + ez * ez)
            ex, ey, ez = ex * unit, ey * unit, ez * unit
            t, nx, ny, nz = _hit(q[12], q[13], q[14], m5, m7, lx, ly, lz, ex, ey, ez)
            w = t * unit
            if t > 1e8 or w <= 0.05 or w >= depth[v, u]:
                continue
            depth[v, u] = w
            gx = q[3] * nx + q[6] * ny + q[9] * nz
            gy = q[4] * nx + q[7] * ny + q[10] * nz
            gz = q[5] * nx + q[8] * ny + q[11] * nz
            g = 1.0 / math.sqrt(gx * gx + gy * gy + gz * gz)
            gx, gy, gz = gx * g, gy * g, gz * g
            shade, rim = _lighting(gx, gy, gz, max(0.0, -(gx * dx + gy * dy + gz * dz)), light)
            at = _material_color(material, (lx + t * ex) * sx + 10.0, ly + t * ey)
            for c in range(3):
                color[v, u, c] = min(1.0, material[at + c] * shade + rim)


@_kernel  # type: ignore[untyped-decorator]
def _draw(solids, materials, eye, axes, focal, light, color, depth) -> None:  # type: ignore[no-untyped-def]  # pragma: no cover
    for p in range(solids.shape[0]):
        _draw_solid(solids[p], materials, eye, axes, focal * depth.shape[0], light, color, depth)


def draw(solids: F32, materials: F32, camera: Camera, light: Light, color: F32, depth: F32) -> None:
    """Draw solids over a picture where they are nearer than what it shows.

    Args:
        solids: float32 (P, SOLID_FIELDS).
        materials: float32 (M, MATERIAL_FIELDS).
        camera: Where it is seen from.
        light: What lights it.
        color: float32 (H, W, 3), RGB in 0..1; changed.
        depth: float32 (H, W), meters along the ray; changed.
    """
    axes, eye = camera.axes().astype(np.float32), camera.eye.astype(np.float32)
    _draw(solids, materials, eye, axes, np.float32(camera.focal), light.row(), color, depth)


SHADOW_CELLS = 96
SHADOW_M = 3.6


def shadow_map(solids: F32, light: Light, center: tuple[float, float]) -> F32:
    """How dark the floor is, float32 (SHADOW_CELLS, SHADOW_CELLS) over a square of `SHADOW_M` around (x, z).

    Points along each solid fall along the light; the higher, the fainter and wider.
    """
    k = np.linspace(0, 1, 5)[None, :, None]
    ends = solids[:, 6:9] * solids[:, 12:13]
    points = (solids[:, None, :3] + ends[:, None] * k).reshape(-1, 3)
    radii = (solids[:, None, 13] * (1 - k[..., 0]) + solids[:, None, 14] * k[..., 0]).reshape(-1)
    d = light.row()[:3]
    fall = np.maximum(points[:, 1], 0) / max(float(d[1]), 0.2)
    x, z = points[:, 0] - d[0] * fall - center[0], points[:, 2] - d[2] * fall - center[1]
    out = np.zeros((SHADOW_CELLS, SHADOW_CELLS), np.float32)
    contact = np.zeros_like(out)
    cell = SHADOW_CELLS / SHADOW_M
    for a, b, r, up in zip(x, z, radii, points[:, 1], strict=True):
        at = (round((a + SHADOW_M / 2) * cell), round((b + SHADOW_M / 2) * cell))
        cv2.circle(out, at, max(1, round(r * 1.15 * cell)), (1.0,), -1)
        if up < 0.14:
            cv2.circle(contact, at, max(1, round(r * 1.3 * cell)), (1.0,), -1)
    soft = cv2.GaussianBlur(out, (0, 0), 2.4) * 0.42
    near = cv2.GaussianBlur(contact, (0, 0), 1.5) * 0.5
    return np.asarray(1 - (1 - soft) * (1 - near), np.float32)


@dataclass(frozen=True)
class Backdrop:
    """A painted scene: color float32 (H, W, 3) in 0..1, depth float32 (H, W), and where each pixel's floor is.

    `floor` is float32 (H, W, 2), (x, z) in meters; NaN where there is no floor.
    """

    color: F32
    depth: F32
    floor: F32

    def shadowed(self, shadow: F32, center: tuple[float, float]) -> F32:
        """Return the colors with a `shadow_map` on the floor."""
        cell = SHADOW_CELLS / SHADOW_M
        rows = np.flatnonzero(np.isfinite(self.floor[..., 0]).any(1))
        out = self.color.copy()
        if not len(rows):
            return out
        part = slice(int(rows[0]), None)
        at = (self.floor[part] - np.array(center, np.float32) + SHADOW_M / 2) * cell
        at = np.nan_to_num(at, nan=-9.0)
        dark = cv2.remap(shadow, at[..., 0].copy(), at[..., 1].copy(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        out[part] *= 1 - dark[..., None]
        return out


def _noise(shape: tuple[int, int], seed: int, cells: int) -> F32:
    rng = np.random.default_rng(seed)
    small = rng.random((cells, max(2, cells * shape[1] // shape[0]))).astype(np.float32)
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def _box(eye: F64, rays: F64, low: tuple[float, float, float], high: tuple[float, float, float]) -> tuple[F64, F64]:
    """Ray against an axis-aligned box (slabs): distance (H, W), infinite where missed, and axis of the face."""
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (np.array(low) - eye) / rays, (np.array(high) - eye) / rays
    near, far = np.minimum(a, b), np.maximum(a, b)
    enter, leave = near.max(-1), far.min(-1)
    hit = (enter <= leave) & (enter > 0.05)
    return np.where(hit, enter, np.inf), near.argmax(-1)


Box = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
"""Low corner, high corner, color."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _RoomView:
    """What each pixel of a camera in a room sees, (height, width, ...).

    Attributes:
        eye: Where the camera is.
        rays: Directions of the pixels.
        down, back, side: Distance to the floor, the back wall and a side wall; infinite where a ray misses it.
        grain, coarse: Fine and coarse noise in 0..1.
        back_z, half_width: Where the walls are, meters.
        seed: Of noise and planks.
    """

    eye: F64
    rays: F64
    down: F64
    back: F64
    side: F64
    grain: F32
    coarse: F32
    back_z: float
    half_width: float
    seed: int

    @classmethod
    def of(cls, camera: Camera, height: int, width: int, *, back_z: float, half_width: float, seed: int) -> _RoomView:
        """Cast a ray through each pixel."""
        eye, rays = camera.eye, camera.rays(height, width)
        with np.errstate(divide="ignore", invalid="ignore"):
            down = np.where(rays[..., 1] < -1e-4, -eye[1] / rays[..., 1], np.inf)
            back = np.where(rays[..., 2] < -1e-4, (back_z - eye[2]) / rays[..., 2], np.inf)
            side = np.where(
                np.abs(rays[..., 0]) > 1e-6, (np.sign(rays[..., 0]) * half_width - eye[0]) / rays[..., 0], np.inf
            )
        down, back, side = (np.where(d > 0, d, np.inf) for d in (down, back, side))
        grain, coarse = _noise((height, width), seed, 90), _noise((height, width), seed + 1, 12)
        return cls(eye, rays, down, back, side, grain, coarse, back_z, half_width, seed)

    def points(self, on_floor: Mask) -> F64:
        """Return where the rays meet the floor, (x, y, z) in meters; the eye where they do not."""
        return np.asarray(self.eye + self.rays * np.where(on_floor, self.down, 0)[..., None])

    def sky(self) -> tuple[F64, F64, Mask]:
        """Return color and depth of sky and hills, and which pixels are on the ground."""
        rays, shape = self.rays, self.down.shape
        color = np.zeros((*shape, 3))
        up = np.clip(rays[..., 1], 0, 0.5)[..., None]
        color[:] = np.array([0.80, 0.89, 0.97]) * (1 - 2 * up) + np.array([0.36, 0.60, 0.90]) * 2 * up
        cloud = np.clip((_noise(shape, self.seed + 2, 7) - 0.55) * 2.2, 0, 0.7)[..., None] * (up > 0.04)
        color = color * (1 - cloud) + cloud
        azimuth = np.arctan2(rays[..., 0], -rays[..., 2])
        for k, (hill, level) in enumerate((((0.55, 0.70, 0.62), 0.10), ((0.36, 0.56, 0.38), 0.055))):
            line = level + 0.03 * np.sin(azimuth * (5 + 3 * k) + k + self.seed) + 0.015 * np.sin(azimuth * 17 + 2 * k)
            color[rays[..., 1] < line] = hill
        return color, np.full(shape, 60.0), self.down < 55

    def walls(self, wall: tuple[float, float, float]) -> tuple[F64, F64, Mask]:
        """Return color and depth of the walls, and which pixels are on the floor."""
        color = np.zeros((*self.down.shape, 3))
        color[:] = wall
        on_floor = (self.down < self.back) & (self.down < self.side)
        is_side = ~on_floor & (self.side < self.back)
        depth = np.minimum(np.minimum(self.down, self.back), self.side)
        hit = self.eye + self.rays * depth[..., None]
        color[is_side] *= 0.86
        # Corners are darker: less light reaches them.
        corner = np.minimum(np.minimum(np.abs(self.half_width - np.abs(hit[..., 0])), 1) + is_side, 1)
        color *= (0.86 + 0.14 * corner**0.5)[..., None]
        color *= (0.90 + 0.10 * np.clip(hit[..., 1] / 2.2, 0, 1))[..., None]
        color[~on_floor & (hit[..., 1] < 0.11)] = (0.93, 0.92, 0.90)
        return color, depth, on_floor

    def grass(self, on_floor: Mask, floor: tuple[float, float, float]) -> F64:
        """Return the color of grass with a path; farther away, it fades into haze."""
        point = self.points(on_floor)
        ground = np.array(floor)[None, None] * np.ones((*self.down.shape, 1))
        ground = ground * (0.82 + 0.22 * self.grain + 0.18 * self.coarse)[..., None]
        path = np.abs(point[..., 2] + 1.6 + 0.25 * np.sin(point[..., 0] * 0.7)) < 0.55
        ground[path] = np.array([0.80, 0.73, 0.60]) * (0.93 + 0.1 * self.grain[path])[..., None]
        haze = np.clip(np.where(on_floor, self.down, 0) / 55, 0, 1)[..., None]
        return np.asarray(ground * (1 - 0.5 * haze) + np.array([0.55, 0.70, 0.55]) * 0.5 * haze)

    def planks(
        self,
        on_floor: Mask,
        floor: tuple[float, float, float],
        rug: tuple[float, float, float] | None,
        plank_m: float,
    ) -> F64:
        """Return the color of a floor of planks, with a rug if one is given."""
        point = self.points(on_floor)
        ground = np.array(floor)[None, None] * np.ones((*self.down.shape, 1))
        plank = np.floor(point[..., 0] / plank_m)
        tone = np.sin(plank * 12.9898 + self.seed) * 43758.5453
        tone = tone - np.floor(tone)
        ground = ground * (0.90 + 0.13 * tone + 0.06 * (self.grain - 0.5))[..., None]
        seam = np.abs(point[..., 0] / plank_m - plank - 0.5) > 0.475
        ground[seam] *= 0.86
        edge = np.clip((point[..., 2] - self.back_z) / 0.6, 0, 1)
        ground *= (0.82 + 0.18 * edge**0.5)[..., None]
        if rug is not None:
            r = np.hypot(point[..., 0] / 1.35, (point[..., 2] - 0.05) / 0.85)
            ground[r < 1] = rug
            ground[(r > 0.86) & (r < 0.92)] = np.array(rug) * 0.4 + 0.6
        return np.asarray(ground)


def room(
    camera: Camera,
    height: int,
    width: int,
    *,
    wall: tuple[float, float, float],
    floor: tuple[float, float, float],
    boxes: tuple[Box, ...] = (),
    rug: tuple[float, float, float] | None = None,
    back_z: float = -2.0,
    half_width: float = 3.4,
    plank_m: float = 0.18,
    outside: bool = False,
    seed: int = 0,
) -> Backdrop:
    """A room of walls, planks and boxes, or with `outside` a park of grass, hills and sky."""
    view = _RoomView.of(camera, height, width, back_z=back_z, half_width=half_width, seed=seed)
    if outside:
        color, depth, on_floor = view.sky()
        ground = view.grass(on_floor, floor)
    else:
        color, depth, on_floor = view.walls(wall)
        ground = view.planks(on_floor, floor, rug, plank_m)
    color[on_floor] = ground[on_floor]
    depth = np.where(on_floor, view.down, depth)
    for low, high, tint in boxes:
        distance, face = _box(view.eye, view.rays, low, high)
        closer = distance < depth
        shade = np.array([0.80, 1.08, 0.94])[face]
        color[closer] = (np.array(tint) * shade[..., None])[closer]
        depth = np.where(closer, distance, depth)
        # Mats and the like take shadows as the floor does.
        if high[1] > 0.05:
            on_floor = on_floor & ~closer
    where = np.where(on_floor[..., None], view.points(on_floor)[..., [0, 2]], np.nan)
    return Backdrop(np.clip(color, 0, 1).astype(np.float32), depth.astype(np.float32), where.astype(np.float32))


def to_bytes(color: F32) -> U8:
    """Return float RGB in 0..1 as uint8."""
    return np.asarray(np.clip(color * 255 + 0.5, 0, 255), np.uint8)
