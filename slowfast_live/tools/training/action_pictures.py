"""Small moving pictures of the actions that the bundled model knows, for the start card.

Rendered like the demo, so that nobody's picture travels with the app. `slowfast-live models render-actions DIR` writes
one animated WebP per action, named by `slowfast_live.core.action_names.slug`.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from slowfast_live.core.action_names import slug
from slowfast_live.tools.training.actions import ACTIONS, Action
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.demo import PLACES, add_clothes, cast, picture, scenes
from slowfast_live.tools.training.figure import Person
from slowfast_live.tools.training.performing import Performance
from slowfast_live.tools.training.render import Camera
from slowfast_live.types import U8

log = logging.getLogger(__name__)

SIZE = (176, 132)
"""Width and height in pixels: twice what the start card shows, for dense screens."""
FPS, LENGTH_S = 12, 2.5
_QUALITY = 58
_TURNED = {
    "walking": 1.15, "running": 1.15, "push up": 1.45, "lunge": 1.1, "bending": 1.25, "kicking": 0.9, "squat": 0.7,
    "sitting still": 0.5,
}  # fmt: skip
"""How far people turn away from the viewer, in radians."""
_LOW = {"push up": (0.0, 0.5, 0.0), "sitting still": (0.0, 0.75, 0.0)}
_DISTANCES_M = {
    "waving hand": 3.7, "waving both hands": 4.1, "jumping jacks": 4.1, "side stretch": 3.8, "jumping": 3.9,
    "clapping": 3.2, "bicep curl": 3.2, "push up": 3.1, "sitting still": 2.9, "punching": 3.3,
}  # fmt: skip
_LATER_S = {"squat": 0.4, "kicking": 0.3, "jumping": 0.3}
_STYLES = {"jumping": Style(tempo=1.0, spread=0.8), "waving hand": Style(spread=0.6), "lunge": Style(tempo=1.1)}


def frames(action: Action, number: int, people: Sequence[Person] = ()) -> Iterator[U8]:
    """Yield the frames of one action, uint8 (H, W, 3) RGB: a person of the demo, seen so that it is clear at a glance.

    Args:
        action: The action.
        number: Chooses person and place.
        people: See `demo.scenes`.
    """
    chosen = scenes(0, people)[number % 3]
    target = _LOW.get(action.name, (0.0, 1.0, 0.0))
    distance_m = _DISTANCES_M.get(action.name, 3.6)
    scene = replace(chosen, camera=Camera(target=target, distance_m=distance_m, yaw=0.06, pitch=0.08))
    width, height = SIZE
    backdrop = PLACES[scene.place](scene.camera, height * 2, width * 2, number)
    t = np.arange(round(FPS * LENGTH_S)) / FPS + _LATER_S.get(action.name, 0.0)
    pose = action.motion(t, _STYLES.get(action.name, Style()))
    pose.turn = pose.turn + _TURNED.get(action.name, 0.12)
    person = Performance(scene.person, pose)
    for index in range(len(person)):
        yield picture(scene, backdrop, person, index, SIZE)


def render(action: Action, number: int, path: Path, people: Sequence[Person] = ()) -> None:
    """Write the moving picture of one action."""
    images = [Image.fromarray(frame) for frame in frames(action, number, people)]
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=round(1000 / FPS), loop=0, quality=_QUALITY, method=6
    )


def main(argv: Sequence[str], program: str = "slowfast-live models render-actions") -> int:
    """Run the command under the name `program`; returns 0."""
    parser = argparse.ArgumentParser(prog=program, description="Render small moving pictures of the actions.")
    parser.add_argument("out", type=Path, help="folder; the app's own are in assets/actions")
    parser.add_argument("--only", action="append", default=[], help="name of an action; may be repeated")
    add_clothes(parser)
    options = parser.parse_args(argv)
    people = cast(options.clothes)
    options.out.mkdir(parents=True, exist_ok=True)
    for number, action in enumerate(ACTIONS):
        if not options.only or action.name in options.only:
            path = options.out / f"{slug(action.name)}.webp"
            render(action, number, path, people)
            log.info("wrote %s (%.0f kB)", path, path.stat().st_size / 1e3)
    return 0
