"""Rendered training clips: a person does one of the actions, or something else.

A clip is determined by one seed. Clips are framed by `FollowMotion`, as in the app.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from slowfast_live import files
from slowfast_live.core.framing import FollowMotion
from slowfast_live.tools.training.acting import company, facing
from slowfast_live.tools.training.actions import ACTIONS, LABELS
from slowfast_live.tools.training.chance import Random, color, wander
from slowfast_live.tools.training.figure import F32, F64
from slowfast_live.tools.training.filming import FilmedScene, FilmStudio, stage
from slowfast_live.tools.training.mesh.panorama import light as panorama_light
from slowfast_live.tools.training.mesh.panorama import view
from slowfast_live.tools.training.performing import Performance
from slowfast_live.tools.training.render import Camera, Light, room, to_bytes
from slowfast_live.types import U8


@lru_cache(maxsize=1)
def _backdrops() -> tuple[U8, ...]:
    """Painted backgrounds, uint8 (256, 256, 3), RGB: bands, boxes, blobs and noise in many mixtures."""
    rng = np.random.default_rng(77)
    out = []
    for _ in range(120):
        top, bottom = np.array(color(rng, 0.2, 1.0)), np.array(color(rng, 0.1, 0.9))
        ramp = np.linspace(0, 1, 256)[:, None, None]
        image = np.ones((256, 256, 3)) * (top * (1 - ramp) + bottom * ramp)
        if rng.random() < 0.8:
            image[int(rng.uniform(0.5, 0.85) * 256) :] = color(rng)
        image = np.ascontiguousarray(image * 255, np.float32)
        for _ in range(int(rng.integers(0, 16))):
            a, b = rng.integers(-20, 276, 2), rng.integers(8, 120, 2)
            tint = tuple(255 * c for c in color(rng, 0.05, 1.0))
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
        boxes.append(((float(x), low, float(z)), (float(x) + width, high, float(z) + deep), color(rng)))
    painted = room(
        camera,
        256,
        256,
        wall=color(rng, 0.4, 1.0),
        floor=color(rng, 0.2, 0.9),
        boxes=tuple(boxes),
        rug=color(rng) if rng.random() < 0.3 else None,
        plank_m=float(rng.uniform(0.08, 0.6)),
        outside=bool(rng.random() < 0.3),
        seed=seed,
    )
    return to_bytes(painted.color)


_MARGIN = 24
"""Pixels of the background beyond each edge of the picture."""


def _backdrop(rng: Random, scene: FilmedScene, panorama: F32 | None) -> tuple[U8, Light]:
    """Draw a background, uint8 (h + 2 margins, w + 2 margins, 3), and the light."""
    height, width = scene.height + 2 * _MARGIN, scene.width + 2 * _MARGIN
    if panorama is not None:
        camera, turn = scene.camera, float(rng.uniform(0, 2 * np.pi))
        wide = replace(camera, focal=camera.focal * scene.height / height)
        return view(panorama, wide, turn, height, width), panorama_light(panorama, turn, rng)
    bank = _backdrops()
    image = bank[int(rng.integers(len(bank)))]
    image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
    if rng.random() < 0.5:
        image = image[:, ::-1]
    direction = (float(rng.normal(0, 0.6)), float(rng.uniform(0.4, 1.0)), float(rng.normal(0.3, 0.5)))
    strength, ambient, rim = (float(rng.uniform(*r)) for r in ((0.3, 0.9), (0.25, 0.6), (0, 0.25)))
    return image, Light(direction, strength, ambient, rim)


def _paint(rng: Random, image: U8, shift: F64) -> F32:
    """The background of T pictures, float32 (T, h, w, 3) in 0..1, moving by `shift` pixels; mirrored at its ends."""
    height, width = image.shape[0] - 2 * _MARGIN, image.shape[1] - 2 * _MARGIN
    base = np.ascontiguousarray(image, np.float32) / 255 * rng.uniform(0.5, 1.15)
    out = np.empty((len(shift), height, width, 3), np.float32)
    moves = np.abs(np.diff(shift, axis=0)).max() > 0.01
    for i, (x, y) in enumerate(shift + _MARGIN):
        if i and not moves:
            out[i] = out[0]
            continue
        matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
        cv2.warpAffine(
            base, matrix, (width, height), dst=out[i], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
    return out


def _distract(rng: Random, clip: F32) -> None:
    """Draw a small moving thing that is not a person: a leaf, a ball, a flickering screen."""
    frames, height, width = clip.shape[:3]
    path = wander(rng, np.arange(frames) / 20.0, 2, rng.uniform(0.3, 2.0)) * rng.uniform(2, 40)
    center = rng.uniform((0, 0), (width, height))
    size, tint = int(rng.integers(2, 14)), color(rng, 0.05, 1.0)
    for image, at in zip(clip, path, strict=True):
        cv2.circle(image, (int(center[0] + at[0]), int(center[1] + at[1])), size, tint, -1)


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


def film(rng: Random, clip: F32) -> U8:
    """Simulate camera and codec: exposure, color, blur, noise, compression."""
    frames, height, width = clip.shape[:3]
    gain = rng.uniform(0.75, 1.4) * (
        1 + wander(rng, np.arange(frames) / 20.0, 1, 0.5)[:, 0] * rng.choice([0, 0.02, 0.06])
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


def render_canvas(rng: Random, label: int, studio: FilmStudio) -> U8:
    """Render the pictures of one clip before they are framed, uint8 (T, h, w, 3), RGB; some have a cut."""
    clip = _one_take(rng, label, studio)
    if rng.random() < _CUTS:
        other = _one_take(rng, label, studio)
        size = (clip.shape[2], clip.shape[1])
        for i in range(int(len(clip) * rng.uniform(0.2, 0.8)), len(clip)):
            clip[i] = cv2.resize(other[i], size, interpolation=cv2.INTER_LINEAR)
    return clip


_CUTS = 0.04
"""Share of the clips in which the video is cut from one view to another."""


def _one_take(rng: Random, label: int, studio: FilmStudio) -> U8:
    other = label == len(ACTIONS)
    scene = stage(rng, label, studio)
    t, lead, camera, shift = scene.t, scene.lead, scene.camera, scene.shift
    backdrop, light = _backdrop(rng, scene, studio.draw_panorama(rng))
    if other and rng.random() < 0.1:
        clip = _paint(rng, backdrop, shift)
        _distract(rng, clip)
        return film(rng, clip)
    actors = [lead]
    if other and rng.random() < 0.15:
        actors.append(facing(rng, t, lead, studio.draw_person))
    elif rng.random() < (0.35 if not other and ACTIONS[label].name in ("walking", "running") else 0.12):
        actors += company(rng, t, camera, label, studio.draw_person)
    right, up, _ = camera.axes()
    meters = camera.distance_m / (camera.focal * scene.height)
    # A camera that follows somebody travels past the background, which is farther away.
    travel = (t - t.mean())[:, None] * lead.speed_m * np.array([right[2], -0.3 * up[2]]) / meters * rng.uniform(0.4, 1)
    clip = _paint(rng, backdrop, shift + travel)
    if rng.random() < (0.3 if other else 0.08):
        _distract(rng, clip)
    cast = [Performance(actor.who, actor.pose) for actor in actors]
    strength = float(rng.choice([0.0, 0.3, 0.6]))
    depth = np.empty((scene.height, scene.width), np.float32)
    for i, image in enumerate(clip):
        # The picture shifts as a whole: what the camera looks at moves the other way.
        target = np.array(camera.target) + (shift[i, 0] * right - shift[i, 1] * up) * meters
        moved = replace(camera, target=(float(target[0]), float(target[1]), float(target[2])))
        depth[:] = 1e9
        for person in cast:
            if strength:
                _shadow(image, moved, [person.at["ankleL"][i], person.at["ankleR"][i]], strength)
            person.draw(i, moved, light, image, depth)
    return film(rng, clip)


def sample(seed: int, label: int | None = None, studio: FilmStudio | None = None) -> tuple[U8, int]:
    """Render one clip.

    Args:
        seed: Determines the clip, together with the content of the studio.
        label: Index into `LABELS`; if None, it is drawn, the last (something else) more often.
        studio: What clips are made with; the bundled model's pictures and parametric motion if None.

    Returns:
        uint8 (T, S, S, 3), RGB, and the label.
    """
    studio = studio or FilmStudio()
    rng = np.random.default_rng(seed)
    drawn = draw_label(rng)
    chosen = drawn if label is None else label
    canvas = render_canvas(rng, chosen, studio)
    side = studio.clip.side
    out = np.empty((studio.clip.frames, side, side, 3), np.uint8)
    FollowMotion(side, studio.clip.resize_side, float(rng.uniform(1.5, 1.9))).compose(list(canvas), out)
    return out, chosen


_OTHERS = 3
"""Something else is drawn as often as so many actions: there are more kinds of it than of all actions."""


def draw_label(rng: Random) -> int:
    """Draw an index into `LABELS`, the last (something else) `_OTHERS` times as often as the others."""
    return min(int(rng.integers(len(LABELS) - 1 + _OTHERS)), len(LABELS) - 1)


def render_shard(path: Path, seed: int, clips: int = 64, studio: FilmStudio | None = None) -> None:
    """Write clips of consecutive seeds to an .npz of `x`, uint8 (N, T, S, S, 3), and `y`, int64 (N,).

    The file appears once it is complete, so that training can begin with those that exist.
    """
    drawn = [sample(seed + i, studio=studio) for i in range(clips)]
    with files.atomic(path) as part, part.open("wb") as file:
        np.savez(file, x=np.stack([x for x, _ in drawn]), y=np.array([y for _, y in drawn], np.int64))
