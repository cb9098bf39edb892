"""Measure teaching: actions taught with a few takes of some people, tested on another person.

`python -m slowfast_live.tools.evaluation.teaching --index utd_depth/index.csv --composite --model slowfast_demo-int8`

Each person in turn is the one who is tested; takes are drawn at random from the others. Half of the other kinds of
movement are taught as "none of these". The rest are never shown: how often they are rejected says what happens with
something entirely new. The control does the same with random features in place of the network's.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from slowfast_live import files
from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import Registry
from slowfast_live.teaching.collecting import take_of_file
from slowfast_live.teaching.graph import Head
from slowfast_live.teaching.learning import learn
from slowfast_live.teaching.takes import NOTHING, Take, TakeStore
from slowfast_live.teaching.trunks import Trunk
from slowfast_live.tools.evaluation.composite import PaintedBackground

UNKNOWN_TO_THE_BUNDLED_MODEL = (
    "basketball shoot",
    "pick up and throw",
    "sit to stand",
    "swipe right",
    "two hand push",
)
"""Five actions of UTD-MHAD that the bundled model does not know."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A take of an action by a person."""

    action: str
    person: str
    take: Take


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares, 0..1, as means over people and draws.

    Attributes:
        takes: Takes of each action.
        top1: Clips whose best action is the right one.
        shown: Windows that show the right action at the threshold.
        rejected: Windows of other movements that show no action: all kinds.
        rejected_seen: Of kinds that were taught as "none of these".
        rejected_new: Of kinds that were never shown.
    """

    takes: int
    top1: float
    shown: float
    rejected: float
    rejected_seen: float
    rejected_new: float


def recordings(index: Path, trunk: Trunk, store: TakeStore, *, composite: bool) -> list[Recording]:
    """Return the takes of an index with columns file, action, subject; `store` keeps those that were computed."""
    known = {take.source: take for take in store.load()[0] if take.trunk == trunk.identity}
    found: list[Recording] = []
    with index.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = index.parent / row["file"]
            take = known.get(path.name)
            if take is None:
                behind = PaintedBackground(path.name).behind
                take = take_of_file(trunk, "", path, retouch=behind if composite else lambda image: image)
                store.put(take)
            found.append(Recording(row["action"], row["subject"], take))
    return found


def measure(
    all_takes: Sequence[Recording], actions: Sequence[str], count: int, draws: int, *, control: bool
) -> Figures:
    """Return the figures for `count` takes of each action."""
    people = sorted({each.person for each in all_takes})
    found = [
        _trial(all_takes, actions, person, count, np.random.default_rng([draw, number]), control=control)
        for draw in range(draws)
        for number, person in enumerate(people)
    ]
    return Figures(count, *(round(float(value), 3) for value in np.mean(found, axis=0)))


def _trial(
    all_takes: Sequence[Recording],
    actions: Sequence[str],
    person: str,
    count: int,
    rng: np.random.Generator,
    *,
    control: bool,
) -> tuple[float, ...]:
    others = sorted({each.action for each in all_takes} - set(actions))
    others = [others[i] for i in rng.permutation(len(others))]
    seen = others[: len(others) // 2]
    taught: list[Take] = []
    for action in (*actions, *seen):
        of_others = [each.take for each in all_takes if each.action == action and each.person != person]
        label = action if action in actions else NOTHING
        chosen = rng.permutation(len(of_others))[:count]
        taught += [msgspec.structs.replace(of_others[i], label=label) for i in chosen]
    if control:
        taught = [_random(take, rng) for take in taught]
    learned = learn(taught)
    right, shown = [], []
    rejected: dict[bool, list[bool]] = {True: [], False: []}
    for each in all_takes:
        if each.person != person:
            continue
        scores = _scores(learned.head, _random(each.take, rng) if control else each.take)
        best, certain = scores.argmax(1), scores.max(1) >= learned.report.threshold
        if each.action in actions:
            truth = learned.labels.index(each.action)
            right.append(scores[:, : len(actions)].mean(0).argmax() == truth)
            shown += list((best == truth) & certain)
        else:
            rejected[each.action in seen] += list(~((best < len(actions)) & certain))
    both = [*rejected[True], *rejected[False]]
    return tuple(float(np.mean(values)) for values in (right, shown, both, rejected[True], rejected[False]))


def _scores(head: Head, take: Take) -> np.ndarray:
    return head.probabilities(msgspec.structs.replace(take, mirrored=False).features())


def _random(take: Take, rng: np.random.Generator) -> Take:
    noise = rng.normal(size=(take.windows, 2, take.size)).astype("<f2")
    return msgspec.structs.replace(take, data=noise.tobytes())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurement and print its table in Markdown."""
    parser = argparse.ArgumentParser(prog="python -m slowfast_live.tools.evaluation.teaching", description=__doc__)
    parser.add_argument("--index", type=Path, required=True, help="CSV with the columns file, action, subject")
    parser.add_argument("--model", default="slowfast_demo-int8", help="the model to teach on")
    parser.add_argument("--action", action="append", help="an action to teach; may be repeated")
    parser.add_argument("--takes", type=int, action="append", help="takes of each action; may be repeated (1, 3, 10)")
    parser.add_argument("--draws", type=int, default=3, help="random draws of takes for each person (3)")
    parser.add_argument("--composite", action="store_true", help="paint a background behind black pixels")
    parser.add_argument("--cache", type=Path, default=Path("teaching-features"), help="folder for the features")
    parser.add_argument("--json", type=Path, help="write the figures as JSON, too")
    options = parser.parse_args(argv)
    actions = tuple(options.action or UNKNOWN_TO_THE_BUNDLED_MODEL)
    trunk = Trunk(Registry().find(options.model))
    found = recordings(options.index, trunk, TakeStore(options.cache), composite=options.composite)
    if missing := set(actions) - {each.action for each in found}:
        raise UsageError(f"--action: {options.index} has no {', '.join(sorted(missing))}.")
    counts = options.takes or (1, 3, 10)
    rows = [(str(count), measure(found, actions, count, options.draws, control=False)) for count in counts]
    rows.append(("3, random features", measure(found, actions, 3, options.draws, control=True)))
    sys.stdout.write(table(rows))
    if options.json is not None:
        files.write_bytes(options.json, files.json_bytes({name: msgspec.to_builtins(each) for name, each in rows}))
    return 0


def table(rows: Sequence[tuple[str, Figures]]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| takes of each action | top-1 | windows shown right | other movements rejected "
        "| taught as none | never shown |",
        "|-|-|-|-|-|-|",
    ]
    for name, each in rows:
        shares = (each.top1, each.shown, each.rejected, each.rejected_seen, each.rejected_new)
        lines.append(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
