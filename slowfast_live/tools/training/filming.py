"""How a clip is filmed: when its pictures are taken, from where, how near, and with how steady a hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from slowfast_live.core.sampling import ClipTiming
from slowfast_live.tools.training import curves, motions
from slowfast_live.tools.training.acting import Actor, Recordings, act
from slowfast_live.tools.training.actions import ACTIONS, Action
from slowfast_live.tools.training.chance import Random, person, wander
from slowfast_live.tools.training.config import ClipShape, bundled
from slowfast_live.tools.training.figure import F32, F64, Person
from slowfast_live.tools.training.mesh import panorama
from slowfast_live.tools.training.mesh.body import Wardrobe, draw_person
from slowfast_live.tools.training.render import Camera


def times(rng: Random, timing: ClipTiming) -> F64:
    """Instants of the clip's pictures as a source of some rate has them: the newest that was there."""
    span = timing.span_s
    t = np.array(timing.offsets_s) + span + rng.uniform(0, 20.0)
    rate = float(rng.choice([30.0, 30.0, 30.0, 25.0, 24.0, 60.0, 15.0, 12.0, 10.0, 10.0, 7.5, 5.0]))
    return np.asarray(np.floor((t + rng.random() / rate) * rate) / rate)


SHAPES = ((128, 171), (128, 171), (128, 228), (128, 128), (171, 128), (228, 128))


def camera(rng: Random, who: Person, action: Action | None, height: int, width: int) -> Camera:
    """Choose how somebody is seen: from where, how large, and how much of them."""
    turned = action.turned if action else 0.8
    yaw = rng.normal(0, turned) if rng.random() < 0.85 else rng.uniform(-np.pi, np.pi) * min(1.0, turned * 1.2)
    if rng.random() < (action.sideways if action else 0.2):
        yaw = rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, 0.25)
    if action and rng.random() < action.behind:
        yaw = np.pi + rng.normal(0, 0.4)
    near = rng.random() < (action.upper_body if action else 0.45)
    knees = (
        not near and (action is None or action.motion is not motions.kicking) and rng.random() < 0.2
    )  # the feet, or the legs from the knees on, are not in the picture
    lying = action is not None and action.name == "push up"
    focal = rng.uniform(1.0, 2.4)
    # The share of the short side that 2.3 m of somebody with raised arms take.
    share = rng.uniform(1.3, 2.4) if near else float(np.clip(rng.normal(0.8, 0.2), 0.35, 1.15))
    middle = who.height_m * (rng.uniform(0.72, 0.85) if near else rng.uniform(0.48, 0.62))
    if knees:
        middle, share = who.height_m * rng.uniform(0.6, 0.72), rng.uniform(1.05, 1.6)
    if lying:
        middle, share = 0.3, share * rng.uniform(0.9, 1.9)
    distance = max(1.3, focal * height * 2.3 / (share * min(height, width)))
    free = max(0.0, 1 - share * 0.7) * min(height, width) / height * distance / focal * 0.5
    aside = rng.uniform(-1, 1) * free * (width / min(height, width))
    up = middle + rng.uniform(-0.4, 0.4) * free
    target = (aside * np.cos(yaw), up, -aside * np.sin(yaw))
    low = lying and rng.random() < 0.5  # the camera stands on the floor, too
    pitch = float(np.clip(rng.normal(0.0 if low else 0.08, 0.05 if low else 0.12), -0.25, 0.6))
    return Camera(target, float(distance), float(yaw), pitch, float(focal), float(rng.normal(0, 0.03)))


def shake(rng: Random, t: F64, share: float) -> F64:
    """Camera movement in pixels, (T, 2): none, a tremble, or a sweep."""
    if rng.random() > share:
        return np.zeros((len(t), 2))
    tremble = wander(rng, t, 2, rng.uniform(0.15, 0.8)) * rng.uniform(0.3, 5.0)
    sweep = (t - t.mean())[:, None] * rng.normal(0, 14, 2) * (rng.random() < 0.4)
    return np.asarray(tremble + sweep)


@dataclass(frozen=True)
class FilmedScene:
    """What a clip shows, before anything is drawn.

    Attributes:
        t: (T,) instants of the pictures in seconds.
        height: Of the pictures, in pixels.
        width: Of the pictures.
        lead: Who acts.
        camera: What sees it.
        shift: (T, 2) how far what is seen is moved to the left and up in each picture, in pixels.
    """

    t: F64
    height: int
    width: int
    lead: Actor
    camera: Camera
    shift: F64

    def project(self, points: F64) -> F64:
        """Return where points (T, ..., 3) are in the pictures: (T, ..., 2), pixels from the top left corner."""
        axes = self.camera.axes()
        seen = points - self.camera.eye
        scale = self.camera.focal * self.height / np.maximum(-(seen @ axes[2]), 0.2)
        x, y = self.width / 2 + (seen @ axes[0]) * scale, self.height / 2 - (seen @ axes[1]) * scale
        return np.stack([x, y], -1) - self.shift.reshape(len(self.t), *[1] * (points.ndim - 2), 2)


@dataclass(frozen=True)
class FilmStudio:
    """What clips are made with.

    Attributes:
        clip: How many pictures of which size, and how far apart.
        recordings: Motion capture to mix with the motions of `motions`.
        wardrobe: Bodies with a human surface; everybody is made of rounded cones if None.
        panoramas: Photographs for the background and the light; backgrounds are painted where there is none.
        real_share: Share of the people who have such a surface, and of the clips before a photograph.
    """

    clip: ClipShape = field(default_factory=lambda: bundled().clip)
    recordings: Recordings | None = None
    wardrobe: Wardrobe | None = None
    panoramas: tuple[Path, ...] = ()
    real_share: float = 0.75

    def draw_person(self, rng: Random) -> Person:
        """Draw somebody."""
        if self.wardrobe and rng.random() < self.real_share:
            return draw_person(rng, self.wardrobe)
        return person(rng)

    def draw_panorama(self, rng: Random) -> F32 | None:
        """Draw what a clip is filmed before; None: a painted background."""
        if self.panoramas and rng.random() < self.real_share:
            return panorama.read(self.panoramas[int(rng.integers(len(self.panoramas)))])
        return None


def stage(rng: Random, label: int, studio: FilmStudio) -> FilmedScene:
    """Draw who does the action of a label, or something else, and how it is filmed."""
    t = times(rng, studio.clip.timing)
    height, width = SHAPES[int(rng.integers(len(SHAPES)))]
    lead = act(rng, label, studio.draw_person(rng), t, studio.recordings)
    seen_from = camera(rng, lead.who, None if label == len(ACTIONS) else ACTIONS[label], height, width)
    shift = shake(rng, t, 0.4)
    if lead.speed_m and rng.random() < 0.5:
        # Who films in walking or running shakes the camera with each step.
        step = curves.TAU * (t * rng.uniform(1.5, 3.0) + rng.random())
        shift = shift + np.stack([0.4 * np.sin(step / 2), np.sin(step)], 1) * rng.uniform(0.5, 7.0)
    return FilmedScene(t, height, width, lead, seen_from, shift)
