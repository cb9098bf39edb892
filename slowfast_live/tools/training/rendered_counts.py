"""Measure counting on rendered clips, whose repetitions are known and on which nothing was chosen.

`python -m slowfast_live.tools.training.rendered_counts --clips 24 --seed 1 --details`

A person of the training clips stands still for a while, repeats an action three to ten times, and stands still again,
each in a manner, at a tempo, in a room and before a camera of its own; one camera in three is held in a hand.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from slowfast_live.counting.periodicity import LONGEST_S, SHORTEST_S
from slowfast_live.tools.evaluation.counting import CountOutcome, count_pictures, table
from slowfast_live.tools.training.actions import ACTIONS
from slowfast_live.tools.training.chance import person, style
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.figure import F32, F64, Person, materials, solids
from slowfast_live.tools.training.render import Camera, Light, draw, room, to_bytes
from slowfast_live.types import U8

FPS, SIZE = 12.0, (160, 120)
"""Pictures per second, and their width and height."""
_REST_S, _MOST_S = 2.0, 12.0
_HERTZ: dict[str, Callable[[Style], float]] = {
    "squat": lambda s: 0.42,
    "jumping jacks": lambda s: 0.95,
    "push up": lambda s: 0.55,
    "bicep curl": lambda s: 0.55,
    "bending": lambda s: 0.42,
    "waving both hands": lambda s: 1.0 + 0.3 * s.spread,
}
"""Repetitions a second at tempo 1, as `training.motions` has them."""


@dataclass(frozen=True)
class CountedClip:
    """A clip to render.

    Attributes:
        label: The action.
        repetitions: How often it is done.
        style: The manner.
        who: The person.
        camera: What sees it.
        turn: Which way the person looks, radians.
        shake_px: Amplitude of a hand-held camera's movement, in pixels.
        seed: Of the room and the noise.
    """

    label: str
    repetitions: int
    style: Style
    who: Person
    camera: Camera
    turn: float
    shake_px: float
    seed: int

    @property
    def period_s(self) -> float:
        """Seconds of a repetition."""
        return 1 / (_HERTZ[self.label](self.style) * self.style.tempo)

    def frames(self) -> list[tuple[float, U8]]:
        """Return times in seconds and frames, uint8 (H, W, 3), BGR."""
        rng = np.random.default_rng(self.seed)
        width, height = SIZE
        margin = int(np.ceil(self.shake_px)) + 1
        large = (height + 2 * margin, width + 2 * margin)
        backdrop = room(self.camera, *large, wall=(0.8, 0.84, 0.82), floor=(0.6, 0.5, 0.4), seed=self.seed)
        light = Light((float(rng.normal(0, 0.4)), 0.8, 0.45), 0.7, 0.45, 0.1)
        done_s = self.repetitions * self.period_s
        t = np.arange(round((done_s + 2 * _REST_S) * FPS)) / FPS
        shake = self.shake_px * np.stack([np.sin(2.1 * t), np.sin(1.3 * t + 1)], 1)
        found = []
        for t_s, shape, moved in zip(t, self._shapes(np.clip(t - _REST_S, 0, done_s)), shake, strict=True):
            color, depth = backdrop.color.copy(), backdrop.depth.copy()
            draw(shape, materials(self.who), self.camera, light, color, depth)
            x, y = margin + np.round(moved).astype(int)
            image = to_bytes(np.ascontiguousarray(color[y : y + height, x : x + width]))
            noisy = np.clip(image[..., ::-1] + rng.normal(0, 2.0, image.shape), 0, 255).astype(np.uint8)
            found.append((float(t_s), noisy))
        return found

    def _shapes(self, t: F64) -> list[F32]:
        action = next(action for action in ACTIONS if action.name == self.label)
        pose = action.motion(t, self.style)
        pose.turn = pose.turn + self.turn
        return list(solids(self.who, pose))


def clips(count: int, seed: int) -> list[CountedClip]:
    """Return clips, each action in turn, with periods that can be counted."""
    rng, labels = np.random.default_rng(seed), list(_HERTZ)
    found: list[CountedClip] = []
    while len(found) < count:
        label = labels[len(found) % len(labels)]
        manner = replace(style(rng), phase=0.0, alternates=False, rest=float(rng.uniform(0, 0.5)))
        period_s = 1 / (_HERTZ[label](manner) * manner.tempo)
        who, turn = person(rng), float(rng.normal(0, 0.4)) + (1.2 if label == "push up" else 0.0)
        target = (0.0, 0.5, 0.0) if label == "push up" else (0.0, 0.95, 0.0)
        camera = Camera(target, float(rng.uniform(3.2, 4.6)), float(rng.normal(0, 0.2)), 0.08, 1.4)
        if not 1.1 * SHORTEST_S < period_s < 0.9 * LONGEST_S or 3 * period_s > _MOST_S:
            continue
        times = int(rng.integers(3, max(4, min(10, int(_MOST_S / period_s)) + 1)))
        shake_px = float(rng.uniform(0.5, 2.0)) if rng.random() < 1 / 3 else 0.0
        found.append(CountedClip(label, times, manner, who, camera, turn, shake_px, int(rng.integers(1 << 30))))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Render, count, and print the table in Markdown; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m slowfast_live.tools.training.rendered_counts", description=__doc__)
    parser.add_argument("--clips", type=int, default=24, help="number of clips (24)")
    parser.add_argument("--seed", type=int, default=1, help="chooses people, manners, rooms and cameras (1)")
    parser.add_argument("--details", action="store_true", help="print each clip")
    options = parser.parse_args(argv)
    right = 0
    for clip in clips(options.clips, options.seed):
        counted = count_pictures(clip.frames())
        right += abs(counted - clip.repetitions) <= 1
        if options.details:
            held = f", camera in a hand ({clip.shake_px:.1f} px)" if clip.shake_px else ""
            sys.stderr.write(f"{clip.label}: {clip.repetitions} of {clip.period_s:.1f} s{held}, counted {counted}\n")
            sys.stderr.flush()
    sys.stdout.write(table({"pictures (the app)": CountOutcome(options.clips, right, 0, 0, 0, 0)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
