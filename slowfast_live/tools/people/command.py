"""The command `slowfast-live models evaluate-people`: measures person detectors and tracks.

On clips: in how many pictures somebody is found, how many boxes there are, and the CPU time. A sheet of pictures with
their boxes is written, because nobody but a person can say which boxes are wrong. With `--staged`: people are rendered
who walk past each other, and tracks are compared with where they are. With `--acting`: people are rendered side by
side, each doing something else, and labels are compared with what they do.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from slowfast_live import files
from slowfast_live.errors import SlowFastLiveError, UsageError
from slowfast_live.people.boxes import Detections
from slowfast_live.people.detector import make_detector
from slowfast_live.people.detector_port import PersonDetector
from slowfast_live.people.now import MOTION
from slowfast_live.people.tracker import Tracker
from slowfast_live.sources.local import bounded_source
from slowfast_live.sources.videos import find_videos
from slowfast_live.tools.evaluation.people import DETECTIONS_PER_S
from slowfast_live.tools.evaluation.tracks import TrackScore
from slowfast_live.types import U8

_SHARES = (0.1, 0.5, 0.9)
"""Which pictures of a clip are looked at, in shares of its length."""
_TILE = (320, 180)
_ACROSS = 6
_MOTION_SAME_FROM = 0.1
"""A moving arm is on somebody, although its box is not the person's."""
_PNG = b"\x89PNG"


@dataclass(slots=True)
class DetectorFigures:
    """What a detector found in pictures.

    Attributes:
        pictures: Number of pictures.
        with_people: Pictures in which somebody was found.
        boxes: Boxes above the threshold for new people, in all pictures.
        cpu_ms: Processor time of all detections.
    """

    pictures: int = 0
    with_people: int = 0
    boxes: int = 0
    cpu_ms: float = 0.0


def main(argv: Sequence[str], program: str = "slowfast-live models evaluate-people") -> int:
    """Run the command under the name `program`; returns 0.

    Raises:
        UsageError: The options are invalid.
        SlowFastLiveError: A detector does not run, or nothing could be read.
    """
    options = _parser(program).parse_args(argv)
    if not options.clips and not options.staged and not options.acting:
        raise UsageError("Give --clips with videos or folders, --staged N or --acting N.")
    if options.sheet is not None:
        files.refuse_foreign(options.sheet, files.marked(_PNG), "--sheet")
    console = Console()
    detector = make_detector(options.people)
    if options.clips:
        _on_clips(detector, options, console)
    if options.staged:
        _on_stage(detector, options, console)
    if options.acting:
        _acting(detector, options, console)
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Measure a person detector on clips, or tracks on rendered videos whose truth is known.",
    )
    parser.add_argument(
        "--people", default="auto", metavar="DETECTOR", help='a name, "motion", or "auto" for the first at hand (auto)'
    )
    parser.add_argument("--clips", type=Path, nargs="+", default=[], metavar="VIDEO", help="videos, or folders of them")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="write the pictures with their boxes as PNG")
    parser.add_argument(
        "--staged", type=int, default=0, metavar="N", help="render N videos of 2 to 5 people who walk past each other"
    )
    parser.add_argument(
        "--acting", type=int, default=0, metavar="N", help="render N videos of 2 to 4 people, each doing something else"
    )
    parser.add_argument(
        "--model", default="slowfast_demo-int8", metavar="NAME", help="the model that is asked (slowfast_demo-int8)"
    )
    parser.add_argument("--device", default="CPU", help="OpenVINO device of the model (CPU)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the rendered videos (0)")
    return parser


def _on_clips(detector: PersonDetector, options: argparse.Namespace, console: Console) -> None:
    found, tiles = DetectorFigures(), []
    for video in find_videos(options.clips).files:
        try:
            pictures = list(_pictures(video.path))
        except SlowFastLiveError as error:
            console.print(f"[red]not measured[/] {video.path.name}: {error.message}")
            continue
        for image, before, t_s in pictures:
            detector.reset()
            if before is not None:  # regions that move need earlier pictures
                for earlier, earlier_s in before:
                    detector.detect(earlier, earlier_s)
            began = time.process_time()
            detections = detector.detect(image, t_s)
            found.cpu_ms += (time.process_time() - began) * 1000
            sure = int((detections.scores >= detector.found).sum())
            found.pictures += 1
            found.with_people += sure > 0
            found.boxes += sure
            if options.sheet is not None:
                tiles.append(_tile(image, detections, detector.found, video.path.stem))
    if not found.pictures:
        raise UsageError("None of the clips could be read.")
    table = Table(title=detector.title, title_justify="left", box=SIMPLE_HEAD)
    for column in ("pictures", "with somebody", "boxes", "CPU ms each"):
        table.add_column(column, justify="right")
    share = f"{found.with_people} ({found.with_people / found.pictures:.0%})"
    table.add_row(str(found.pictures), share, str(found.boxes), f"{found.cpu_ms / found.pictures:.1f}")
    console.print(table)
    if options.sheet is not None:
        ok, data = cv2.imencode(".png", _sheet(tiles))
        assert ok
        files.write_bytes(options.sheet, data.tobytes())
        console.print(f"Written to {options.sheet}", soft_wrap=True, highlight=False, markup=False)


def _pictures(path: Path) -> Iterator[tuple[U8, list[tuple[U8, float]], float]]:
    """Yield pictures of a clip, the pictures of the second before each, and its time."""
    source = bounded_source(path)
    source.open()
    frames: list[tuple[U8, float]] = []
    try:
        while (picture := source.read()) is not None:
            frames.append((picture.image, picture.t_s))
            if len(frames) > 1500:  # bounds memory; the clips are short
                break
    finally:
        source.close()
    for share in _SHARES:
        index = int(share * (len(frames) - 1))
        image, t_s = frames[index]
        before, due_s = [], t_s - 1.0
        for earlier, earlier_s in frames[:index]:
            if earlier_s >= due_s:
                before.append((earlier, earlier_s))
                due_s = earlier_s + 1 / DETECTIONS_PER_S
        yield image, before, t_s


def _tile(image: U8, detections: Detections, found: float, name: str) -> U8:
    scale = min(_TILE[0] / image.shape[1], _TILE[1] / image.shape[0])
    small = cv2.resize(image, (round(image.shape[1] * scale), round(image.shape[0] * scale)))
    for box, score in zip(detections.boxes, detections.scores, strict=True):
        x1, y1, x2, y2 = (round(float(v)) for v in box * np.tile(small.shape[1::-1], 2))
        color = (0, 255, 0) if score >= found else (0, 200, 255)
        cv2.rectangle(small, (x1, y1), (x2, y2), color, 2)
    tile = np.zeros((_TILE[1] + 14, _TILE[0], 3), np.uint8)
    tile[: small.shape[0], : small.shape[1]] = small
    cv2.putText(tile, name[:50], (2, tile.shape[0] - 3), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255), 1)
    return tile


def _sheet(tiles: Sequence[U8]) -> U8:
    padded = [*tiles, *[np.zeros_like(tiles[0])] * (-len(tiles) % _ACROSS)]
    return np.vstack([np.hstack(padded[i : i + _ACROSS]) for i in range(0, len(padded), _ACROSS)])


def _on_stage(detector: PersonDetector, options: argparse.Namespace, console: Console) -> None:
    from slowfast_live.tools.training.staged import crossing

    table = Table(title=f"{detector.title}: people who walk past each other", title_justify="left", box=SIMPLE_HEAD)
    for column in ("people", "found", "on nobody", "switches", "after an occlusion", "identities"):
        table.add_column(column, justify="right")
    for index in range(options.staged):
        count = 2 + index % 4
        score = TrackScore(same_from=_MOTION_SAME_FROM) if options.people == MOTION else TrackScore()
        tracker, due_s = Tracker(detector.found), 0.0
        detector.reset()
        for frame in crossing(count, options.seed + index // 4, fps=15.0).frames():
            if frame.t_s < due_s - 1e-6:
                continue
            due_s = frame.t_s + 1 / DETECTIONS_PER_S
            people = tracker.update(detector.detect(frame.image, frame.t_s), frame.t_s, frame.image)
            score.add(frame.boxes, frame.visible, people)
        table.add_row(
            str(count),
            f"{score.found / max(1, score.people):.0%}",
            str(score.extra),
            str(score.switches),
            str(score.switches_hidden),
            str(len(score.identities)),
        )
    console.print(table)


def _acting(detector: PersonDetector, options: argparse.Namespace, console: Console) -> None:
    from slowfast_live.inference.openvino_backend import OpenVinoBackend
    from slowfast_live.inference.spec import Registry
    from slowfast_live.tools.evaluation.scoring import Classifier
    from slowfast_live.tools.people.labels import LabelMeasure, cast
    from slowfast_live.tools.training.actions import ACTIONS
    from slowfast_live.tools.training.staged import side_by_side

    model = Registry().find(options.model)
    labels = [action.name for action in ACTIONS if action.name in model.spec.labels]
    if not labels:
        raise UsageError(f"Model '{model.name}' knows none of the actions that can be rendered.")
    with contextlib.closing(OpenVinoBackend().compile(model, options.device)) as compiled:
        measure = LabelMeasure(Classifier(compiled).run_filled, model.spec, detector)
        for index, people in enumerate(cast(labels, options.acting, options.seed)):
            measure.take(side_by_side(people, options.seed + index))
    score = measure.score
    title = f"{detector.title}, {model.spec.title}: people side by side, each doing something else"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for column in ("reading", "right", "of", "share", "none", "wrong"):
        table.add_column(column, justify="left" if column == "reading" else "right")
    rows = (
        ("shown", score.shown),
        ("shown, after each track's first second", score.settled),
        ("shown, with the true boxes", score.true_boxes),
        ("first guess", score.first_guess),
        *((f"shown, {action}", count) for action, count in sorted(score.by_action.items())),
    )
    for name, count in rows:
        wrong = sum(count.wrong.values())
        table.add_row(name, str(count.right), str(count.total), f"{count.share:.0%}", str(count.none), str(wrong))
    console.print(table)
    confused = sorted(score.shown.wrong.items(), key=lambda pair: -pair[1])
    console.print("Shown instead: " + ("; ".join(f"{a} as {b} {n}" for (a, b), n in confused) or "nothing"))
    tracks = score.tracks
    console.print(
        f"People found {tracks.found / max(1, tracks.people):.0%}, not followed at {score.unfollowed} predictions; "
        f"identity switches {tracks.switches}, after an occlusion {tracks.switches_hidden}."
    )
