"""Videos of several people, each doing something else, with the true box and action of each: to measure tracks on.

People are those of the training clips; they stand, walk past each other, enter and leave.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from slowfast_live.tools.training.actions import ACTIONS
from slowfast_live.tools.training.chance import Random, person, style
from slowfast_live.tools.training.figure import F32, Person, materials, solids
from slowfast_live.tools.training.render import Camera, Light, draw, room, to_bytes
from slowfast_live.types import U8

_NOTHING = 1e6


@dataclass(frozen=True)
class StagedRole:
    """Who does what where.

    Attributes:
        who: The person.
        label: An action of the bundled model.
        path: Rows (t_s, x_m, z_m): where the person stands, interpolated; x to the right, z towards the camera.
        turn: Which way the person looks, radians; None: the way they go, or the camera.
    """

    who: Person
    label: str
    path: tuple[tuple[float, float, float], ...]
    turn: float | None = None


@dataclass(frozen=True)
class StagedFrame:
    """One frame and what is true of it.

    Attributes:
        image: uint8 (H, W, 3), BGR.
        t_s: Its time.
        boxes: float32 (N, 4), x1, y1, x2, y2 in shares of the picture; NaN for who is not in it.
        visible: float32 (N,), the share of each person that nobody hides and the picture shows.
    """

    image: U8
    t_s: float
    boxes: F32
    visible: F32


@dataclass(frozen=True)
class StagedVideo:
    """What happens, and how it is filmed.

    Attributes:
        parts: The people.
        seconds: Duration.
        fps: Frames per second.
        size: Width and height in pixels.
        camera: What sees it; it shakes by `shake_px`.
        shake_px: Amplitude of a hand-held camera's movement in pixels.
        seed: Of manner, background and light.
    """

    parts: tuple[StagedRole, ...]
    seconds: float = 10.0
    fps: float = 25.0
    size: tuple[int, int] = (480, 270)
    camera: Camera = field(default_factory=lambda: Camera((0.0, 0.95, 0.0), 6.5, 0.0, 0.08, 1.75))
    shake_px: float = 0.0
    seed: int = 0

    def frames(self) -> Iterator[StagedFrame]:
        """Yield the frames."""
        rng = np.random.default_rng(self.seed)
        width, height = self.size
        margin = int(np.ceil(self.shake_px)) + 1 if self.shake_px else 0
        large = (height + 2 * margin, width + 2 * margin)
        backdrop = room(
            self.camera, *large, wall=(0.80, 0.84, 0.82), floor=(0.62, 0.5, 0.4), half_width=8.0, seed=self.seed,
            boxes=(((-2.5, 0.9, -2.02), (-1.2, 1.9, -1.97), (0.95, 0.94, 0.92)),
                   ((1.3, 0.0, -1.9), (2.1, 0.7, -1.5), (0.52, 0.34, 0.26))),
        )  # fmt: skip
        light = Light((float(rng.normal(0, 0.4)), 0.8, 0.45), 0.7, 0.45, 0.1)
        t = np.arange(round(self.seconds * self.fps)) / self.fps
        shapes = [_shapes(part, t, rng) for part in self.parts]
        tints = [materials(part.who) for part in self.parts]
        shake = self.shake_px * np.stack([np.sin(2.1 * t), np.sin(1.3 * t + 1)], 1)
        for i, t_s in enumerate(t):
            color, depth = backdrop.color.copy(), backdrop.depth.copy()
            alone = []
            for shape, tint in zip(shapes, tints, strict=True):
                own = np.full(large, _NOTHING, np.float32)
                draw(shape[i], tint, self.camera, light, np.zeros((*large, 3), np.float32), own)
                alone.append(own)
                draw(shape[i], tint, self.camera, light, color, depth)
            x, y = margin + np.round(shake[i]).astype(int) if margin else (0, 0)
            view = slice(y, y + height), slice(x, x + width)
            image = to_bytes(np.ascontiguousarray(color[view]))
            noisy = np.clip(image[..., ::-1] + rng.normal(0, 2.0, image.shape), 0, 255).astype(np.uint8)
            boxes, visible = _truth([own[view] for own in alone], alone, depth[view])
            yield StagedFrame(noisy, float(t_s), boxes, visible)


def crossing(count: int, seed: int = 0, **more: float) -> StagedVideo:
    """Return a video of people who walk past each other from both sides, at different distances."""
    rng = np.random.default_rng(seed)
    parts = []
    for index in range(count):
        side = 1 if index % 2 else -1
        z = -0.9 + 1.9 * index / max(1, count - 1) + float(rng.uniform(-0.1, 0.1))
        start = float(rng.uniform(0.2, 1.6))
        speed = float(rng.uniform(0.9, 1.3))
        far = 3.2
        parts.append(
            StagedRole(
                _dressed(rng, index),
                "walking",
                ((0.0, side * far, z), (start, side * far, z), (start + 2 * far / speed, -side * far, z)),
            )
        )
    return StagedVideo(tuple(parts), seed=seed, **more)  # type: ignore[arg-type]


def side_by_side(labels: Sequence[str], seed: int = 0, **more: float) -> StagedVideo:
    """Return a video of people who stand beside each other, each doing one of the bundled model's actions."""
    rng = np.random.default_rng(seed)
    gap = 1.75
    parts = []
    for index, label in enumerate(labels):
        x = (index - (len(labels) - 1) / 2) * gap + float(rng.uniform(-0.1, 0.1))
        z = float(rng.uniform(-0.3, 0.3))
        turn = float(rng.normal(0, 0.25))
        parts.append(StagedRole(_dressed(rng, index), label, ((0.0, x, z),), turn))
    camera = Camera((0.0, 0.95, 0.0), 5.2 + 0.55 * len(labels), 0.0, 0.08, 1.6)
    return StagedVideo(tuple(parts), camera=camera, seed=seed, **more)  # type: ignore[arg-type]


def _dressed(rng: Random, index: int) -> Person:
    del index
    return person(rng)


def _shapes(part: StagedRole, t: np.ndarray, rng: Random) -> F32:
    """Return the solids of a person in each frame, float32 (T, P, SOLID_FIELDS)."""
    action = next(action for action in ACTIONS if action.name == part.label)
    pose = action.motion(t, style(rng, 0.15))
    path = np.array(part.path, np.float64)
    x, z = (np.interp(t, path[:, 0], path[:, k]) for k in (1, 2))
    pose.place[:, 0] += x
    pose.place[:, 2] += z
    if part.turn is not None:
        pose.turn = pose.turn + part.turn
    elif len(path) > 1:
        along = np.arctan2(path[-1, 1] - path[0, 1], path[-1, 2] - path[0, 2])
        pose.turn = pose.turn + along
    return solids(part.who, pose)


def _truth(alone: Sequence[F32], whole: Sequence[F32], depth: F32) -> tuple[F32, F32]:
    """Return each person's box in shares of the picture, and which share of the person is visible."""
    boxes = np.full((len(alone), 4), np.nan, np.float32)
    visible = np.zeros(len(alone), np.float32)
    height, width = depth.shape
    for index, own in enumerate(alone):
        mask = own < _NOTHING
        total = int((whole[index] < _NOTHING).sum())
        if not mask.any():
            continue
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        boxes[index] = (
            columns[0] / width,
            rows[0] / height,
            (columns[-1] + 1) / width,
            (rows[-1] + 1) / height,
        )
        visible[index] = float((mask & (own <= depth + 1e-3)).sum()) / max(1, total)
    return boxes, visible
