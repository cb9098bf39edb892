"""Measure counting on videos whose repetitions were counted by eye, with several signals.

`python -m slowfast_live.tools.evaluation.counting --list counts.csv --videos FOLDER --model slowfast_demo-int8`

The list has the columns file, repetitions and note; 0 stands for a video in which nothing repeats. A video of one
repetition is listed as 1: there is nothing to count yet, and a count of 0 to 2 is within one. Videos that nobody can
count to within one are not listed.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slowfast_live.counting.counter import RepetitionCounter
from slowfast_live.counting.periodicity import RATE, Periodicity, sketch
from slowfast_live.inference.spec import Registry
from slowfast_live.sources.local import bounded_source
from slowfast_live.teaching.collecting import windows_of
from slowfast_live.teaching.trunks import Trunk
from slowfast_live.types import F32, U8

_WITHIN = 1
_LEVEL = 8.0
"""Features are scaled to this spread, in place of gray levels."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A video and what was counted by eye."""

    path: Path
    repetitions: int


@dataclass(frozen=True, slots=True)
class CountOutcome:
    """What one signal gives on a list.

    Attributes:
        repeated: Videos of at least two repetitions.
        repeated_right: Of those, how many were counted to within one.
        once: Videos of one repetition.
        once_right: Of those, how many were counted to within one.
        quiet: Videos in which nothing repeats.
        quiet_right: Of those, how many gave no count.
    """

    repeated: int
    repeated_right: int
    once: int
    once_right: int
    quiet: int
    quiet_right: int


def frames_of(path: Path) -> list[tuple[float, U8]]:
    """Return a video's frames, `RATE` a second."""
    found: list[tuple[float, U8]] = []
    with closing(bounded_source(path)) as source:
        source.open()
        while (picture := source.read()) is not None:
            if not found or picture.t_s - found[-1][0] >= 0.9 / RATE:
                found.append((picture.t_s, picture.image))
    return found


def count_pictures(frames: Sequence[tuple[float, U8]]) -> int:
    """Count as the app does."""
    counter = RepetitionCounter()
    for t_s, image in frames:
        counter.push(image, t_s)
    return sum(each.count for each in counter.sets)


def count_features(frames: Sequence[tuple[float, U8]], trunk: Trunk) -> int:
    """Count in the network's pooled features in place of pictures."""
    spec = trunk.model.spec
    framing = spec.framing()
    admitted = [(t_s, framing.admit(image)) for t_s, image in frames]
    clip = np.empty(spec.input_shape[1:], np.uint8)
    rows: list[F32] = []
    for window in windows_of(admitted, spec.timing, 1 / RATE):
        framing.compose(window, clip)
        rows.append(trunk(clip)[0])
    if len(rows) < 2:
        return 0
    features = np.stack(rows)
    features *= _LEVEL / max(float(features.std()), 1e-6)
    counter = _RowCounter()
    for i, row in enumerate(features):
        counter.push_row(row, i / RATE)
    return sum(each.count for each in counter.sets)


class _RowCounter(RepetitionCounter):
    """Counts rows of numbers in place of pictures."""

    def push_row(self, row: F32, t_s: float) -> None:
        self._periodicity.push(row)
        self._update(t_s)


class _Motion(Periodicity):
    """Compares what changed between two pictures, without its direction, in place of the pictures."""

    def __init__(self) -> None:
        super().__init__()
        self._before: F32 | None = None

    def push(self, picture: F32) -> None:
        change = np.zeros_like(picture) if self._before is None else 2 * np.abs(picture - self._before)
        self._before = picture
        super().push(np.asarray(change, np.float32))


def count_motion(frames: Sequence[tuple[float, U8]]) -> int:
    """Count in the amount of motion at each place."""
    counter = _RowCounter()
    counter._periodicity = _Motion()
    for t_s, image in frames:
        counter.push_row(sketch(image), t_s - frames[0][0])
    return sum(each.count for each in counter.sets)


def judge(listed: Sequence[Listed], counts: Sequence[int]) -> CountOutcome:
    """Compare counts with those by eye."""
    pairs = [(each.repetitions, count) for each, count in zip(listed, counts, strict=True)]
    several = [abs(truth - count) <= _WITHIN for truth, count in pairs if truth > 1]
    once = [abs(truth - count) <= _WITHIN for truth, count in pairs if truth == 1]
    quiet = [count == 0 for truth, count in pairs if truth == 0]
    return CountOutcome(len(several), sum(several), len(once), sum(once), len(quiet), sum(quiet))


def read_list(path: Path, folder: Path) -> list[Listed]:
    """Return the videos of a list that are in `folder`."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Listed(folder / row["file"], int(row["repetitions"])) for row in rows if (folder / row["file"]).exists()]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurement and print its table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m slowfast_live.tools.evaluation.counting", description=__doc__)
    parser.add_argument("--list", type=Path, required=True, help="CSV with the columns file, repetitions")
    parser.add_argument("--videos", type=Path, required=True, help="folder that the files of the list are below")
    parser.add_argument("--model", help="also count in the features of this model")
    parser.add_argument("--details", action="store_true", help="print each video")
    options = parser.parse_args(argv)
    listed = read_list(options.list, options.videos)
    signals: dict[str, Callable[[Sequence[tuple[float, U8]]], int]] = {
        "pictures (the app)": count_pictures,
        "amount of motion": count_motion,
    }
    if options.model:
        trunk = Trunk(Registry().find(options.model))
        signals["features of the network"] = lambda frames: count_features(frames, trunk)
    counts: dict[str, list[int]] = {name: [] for name in signals}
    for each in listed:
        frames = frames_of(each.path)
        for name, count in signals.items():
            counts[name].append(count(frames))
        if options.details:
            found = ", ".join(f"{name} {values[-1]}" for name, values in counts.items())
            sys.stderr.write(f"{each.path.name}: by eye {each.repetitions}, {found}\n")
    sys.stdout.write(table({name: judge(listed, values) for name, values in counts.items()}))
    return 0


def table(found: dict[str, CountOutcome]) -> str:
    """Return the outcomes as a Markdown table."""
    lines = ["| signal | two or more: within one | one: within one | nothing repeats: no count |", "|-|-|-|-|"]
    for name, o in found.items():
        cells = ((o.repeated_right, o.repeated), (o.once_right, o.once), (o.quiet_right, o.quiet))
        lines.append(f"| {name} | {' | '.join(f'{right} of {total}' for right, total in cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
