"""`slowfast-live models joint-bench`: how many real clips are recognized by their joints alone."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from slowfast_live import files
from slowfast_live.errors import UsageError
from slowfast_live.tools.evaluation.results import Share
from slowfast_live.tools.training import joint_bench
from slowfast_live.tools.training.acting import Recordings
from slowfast_live.tools.training.actions import LABELS, REJECT
from slowfast_live.tools.training.config import bundled
from slowfast_live.tools.training.joint_bench import Verdict
from slowfast_live.tools.training.mocap import Library

_MARK = "joint_bench"
"""Begins the files that the command writes."""


def main(argv: Sequence[str], program: str = "slowfast-live models joint-bench") -> int:
    """Run the command under the name `program`; returns 0.

    Raises:
        UsageError: The options or the files that they name cannot be used.
    """
    options = _parser(program).parse_args(argv)
    for name in ("clips", "epochs", "networks"):
        if getattr(options, name) < 1:
            raise UsageError(f"--{name} is 1 or greater; got {getattr(options, name)}.")
    if options.out:
        files.refuse_foreign(options.out, files.marked(_MARK.encode()), "--out")
    real = joint_bench.read_clips(options.poses)
    recordings = Recordings(Library.of(options.mocap), bundled().data.mocap_share) if options.mocap else None
    if recordings:
        recordings.library.check()
    console, progress = Console(), Console(stderr=True)
    torch.set_num_threads(options.threads)
    progress.print(f"Projecting {options.clips:,} clips.")
    tracks, labels = joint_bench.generate(options.clips, options.seed, recordings)
    networks = []
    for number in range(options.networks):
        progress.print(f"Training network {number + 1} of {options.networks}.")
        seed = options.seed + number
        networks.append(joint_bench.train(tracks, labels, options.epochs, seed, lambda m: progress.print(f"  {m}")))
    verdicts = joint_bench.judge(networks, real)
    groups = summary(verdicts, options.threshold)
    _print(groups, verdicts, console, options.threshold, options.details)
    if options.out:
        files.write_bytes(
            options.out, files.json_bytes({_MARK: {"clips": options.clips, "seed": options.seed}} | groups)
        )
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Train small networks on the joints of the motions that clips are rendered with, and classify the "
        "joints of real people: what is missed here is missed for its motion, before a picture is rendered.",
    )
    parser.add_argument(
        "--poses",
        type=Path,
        required=True,
        metavar="DIR",
        help="joints of real clips, COLLECTION__LABEL__...npz, each with K (frames, 33, 4), fps and shape",
    )
    parser.add_argument("--mocap", type=Path, metavar="DIR", help="BVH recordings whose motions are mixed in")
    parser.add_argument("--clips", type=int, default=12_000, metavar="N", help="clips to train on (12000)")
    parser.add_argument("--epochs", type=int, default=14, metavar="N", help="passes over them (14)")
    parser.add_argument("--networks", type=int, default=2, metavar="N", help="networks to average (2)")
    parser.add_argument("--threshold", type=float, default=0.5, metavar="P", help="from which a label is shown (0.5)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of the training (1)")
    parser.add_argument("--seed", type=int, default=1_000_000, metavar="N", help="of the clips and the networks")
    parser.add_argument(
        "--details", action="store_true", help="name each clip that is missed, and each unknown one that shows a label"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the figures as JSON")
    return parser


def summary(verdicts: Sequence[Verdict], threshold: float) -> dict[str, Any]:
    """Return the figures of each collection of clips.

    Args:
        verdicts: Of all clips.
        threshold: Probability from which a window shows its label.

    Returns:
        Collection -> clips, top1 and top3 (hits, total, share, 95 % interval), score (mean probability of the right
        label, which tells two rounds apart before a clip changes sides), right and wrong (mean share of a known
        clip's windows that show the right and a wrong label), held_back (share of the windows of unknown clips that
        show none), by_class (label -> right, clips).
    """
    found: dict[str, Any] = {}
    for group in dict.fromkeys(v.clip.group for v in verdicts):
        own = [v for v in verdicts if v.clip.group == group]
        known = [v for v in own if v.clip.label != REJECT]
        row: dict[str, Any] = {"clips": len(known)}
        for name, limit in (("top1", 1), ("top3", 3)):
            count = sum(v.rank() < limit for v in known)
            row[name] = msgspec.to_builtins(Share.of(count, len(known))) if known else None
        row["score"] = _mean([float(v.mean[LABELS.index(v.clip.label)]) for v in known])
        row["right"] = _mean([_shows(v, threshold)[0] for v in known])
        row["wrong"] = _mean([_shows(v, threshold)[1] for v in known])
        unknown = [1 - sum(_shows(v, threshold)) for v in own if v.clip.label == REJECT for _ in v.each]
        row["held_back"] = _mean(unknown)
        row["by_class"] = {
            label: (sum(v.rank() < 1 for v in known if v.clip.label == label), count)
            for label in LABELS
            if (count := sum(v.clip.label == label for v in known))
        }
        found[group] = row
    return found


def _shows(verdict: Verdict, threshold: float) -> tuple[float, float]:
    """Return in which share of a clip's windows the right label is shown, and in which a wrong one."""
    best = verdict.each.argmax(1)
    shown = (verdict.each.max(1) >= threshold) & (best != LABELS.index(REJECT))
    right = shown & (best == LABELS.index(verdict.clip.label))
    return float(right.mean()), float((shown & ~right).mean())


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _alarms(verdict: Verdict, threshold: float) -> list[tuple[str, float]]:
    """Return the labels that the windows of a clip show, each with its share of them, the most frequent one first."""
    best = verdict.each.argmax(1)
    best = best[(verdict.each.max(1) >= threshold) & (best != LABELS.index(REJECT))]
    counts = np.bincount(best, minlength=len(LABELS))
    return [(LABELS[i], float(counts[i] / len(verdict.each))) for i in np.argsort(-counts, kind="stable") if counts[i]]


def _print(
    groups: dict[str, Any], verdicts: Sequence[Verdict], console: Console, threshold: float, details: bool
) -> None:
    table = Table(title="Real clips by their joints", title_justify="left", box=SIMPLE_HEAD)
    for column in (
        "", "clips", "top-1", "95 % interval", "top-3", "score", "right shown", "wrong shown", "unknown held back",
    ):  # fmt: skip
        table.add_column(column, justify="right" if column else "left")
    for group, row in groups.items():
        one, three = row["top1"], row["top3"]
        shares = ("-" if row[name] is None else f"{row[name]:.0%}" for name in ("score", "right", "wrong", "held_back"))
        interval = f"{one['low']:.0%} - {one['high']:.0%}" if one else "-"
        counts = (str(each["hits"]) if each else "-" for each in (one, three))
        table.add_row(group, str(row["clips"]), next(counts), interval, next(counts), *shares)
    console.print(table)
    for group, row in groups.items():
        right = ", ".join(f"{label} {count}/{total}" for label, (count, total) in row["by_class"].items())
        console.print(f"{group}: {right or 'no known action'}", highlight=False, soft_wrap=True)
    if details:
        for verdict in (v for v in verdicts if v.clip.label != REJECT and v.rank() > 0):
            best = ", ".join(f"{LABELS[i]} {verdict.mean[i]:.2f}" for i in np.argsort(-verdict.mean)[:3])
            console.print(f"{verdict.clip.name}: {best}", highlight=False, soft_wrap=True, markup=False)
        for verdict in (v for v in verdicts if v.clip.label == REJECT and _shows(v, threshold)[1] > 0):
            shown = ", ".join(f"{label} {share:.0%}" for label, share in _alarms(verdict, threshold))
            console.print(f"{verdict.clip.name} shows {shown}", highlight=False, soft_wrap=True, markup=False)
