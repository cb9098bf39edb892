"""`build_models.py train-demo`: the bundled model, from nothing."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Sequence
from pathlib import Path

import torch
from msgspec.structs import replace
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from slowfast_live.errors import UsageError
from slowfast_live.training import bank, config
from slowfast_live.training.config import Config
from slowfast_live.training.mocap import Library
from slowfast_live.training.package import Made, Precision, package
from slowfast_live.training.train import CHECKPOINT, Moment, Place, Trainer, choose_device, train, usual_processes

INTERRUPTED = 130


def main(argv: Sequence[str]) -> int:
    """Run the command; returns 0 when the model is made, 130 when it was interrupted.

    Raises:
        SlowFastLiveError: The options, the configuration or what lies in the folder cannot be used.
    """
    options = _parser().parse_args(argv)
    settings = _settings(options)
    library = Library.of(options.mocap) if options.mocap else None
    device = choose_device(options.device)
    place = Place(options.out / "clips", options.out)
    if options.package and not (options.out / CHECKPOINT).exists():
        raise UsageError(f"{options.out / CHECKPOINT}, which --package packages, does not exist.")
    console = Console(stderr=True)
    try:
        _render(settings, place, options.processes, library, console)
        if not options.package:
            _train(settings, place, device, options.processes, console)
        precisions: dict[str, Precision] = {"fp16": "FP16", "int8": "INT8"}
        wanted = [precisions[name] for name in dict.fromkeys(options.precision or list(precisions))]
        made = package(settings, place, wanted, _named(device), options.processes, lambda m: console.print(m))
    except KeyboardInterrupt:
        console.print("[yellow]Interrupted.[/] The same command goes on where it was.")
        return INTERRUPTED
    _print(made, Console())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build_models.py train-demo",
        description="Make the bundled model from nothing: render clips, train, calibrate, package. "
        "What was interrupted goes on with the same command.",
    )
    usual = usual_processes()
    parser.add_argument("--config", type=Path, metavar="FILE", help="instead of slowfast_live/training/demo.toml")
    parser.add_argument("--mocap", type=Path, metavar="DIR", help="BVH recordings whose motions are mixed in")
    parser.add_argument("--out", type=Path, default=Path("demo-training"), metavar="DIR", help="(demo-training)")
    parser.add_argument("--minutes", type=float, metavar="N", help="wall clock of the training, resumed parts included")
    parser.add_argument("--seed", type=int, metavar="N", help="of the weights and the order of clips")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: a GPU if there is one")
    parser.add_argument("--processes", type=int, default=usual, metavar="N", help=f"one thread each ({usual})")
    parser.add_argument("--precision", action="append", choices=("fp16", "int8"), help="may be repeated (both)")
    parser.add_argument("--package", action="store_true", help="package the checkpoint in --out as it is")
    return parser


def _settings(options: argparse.Namespace) -> Config:
    settings = config.load(options.config) if options.config else config.bundled()
    training = settings.training
    if options.minutes is not None:
        if not options.minutes > 0:
            raise UsageError(f"--minutes is greater than 0; got {options.minutes:g}.")
        training = replace(training, minutes=options.minutes)
    if options.seed is not None:
        if options.seed < 0:
            raise UsageError(f"--seed is 0 or greater; got {options.seed}.")
        training = replace(training, seed=options.seed)
    if not 1 <= options.processes <= training.batch:
        raise UsageError(f"--processes is 1 to {training.batch} (clips in a batch); got {options.processes}.")
    return replace(settings, training=training)


def _named(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU ({platform.machine()})"


def _render(settings: Config, place: Place, processes: int, library: Library | None, console: Console) -> None:
    data = settings.data
    if library:
        library.check()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"rendering files of {data.clips_per_shard} clips", total=data.shards)
        bank.render(place.clips, data, processes, lambda there: bar.update(task, completed=there), library)


def _train(settings: Config, place: Place, device: torch.device, processes: int, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("training", total=1.0)

        def report(trainer: Trainer, moment: Moment) -> None:
            bar.update(task, completed=moment.share, description=f"update {trainer.step}")
            if trainer.curve and trainer.curve[-1].step == trainer.step:
                point = trainer.curve[-1]
                bar.console.print(
                    f"update {point.step}, {point.minutes:.1f} min: loss {point.loss:.3f}, accuracy "
                    f"{point.accuracy:.1%}, held out {point.held_out:.1%}",
                    highlight=False,
                )

        train(settings, place, device, processes, report)


def _print(made: Sequence[Made], console: Console) -> None:
    table = Table(title="On rendered clips that were held out", title_justify="left", box=SIMPLE_HEAD)
    for column in ("", "top-1", "95 % interval", "top-3", "threshold", "right", "wrong", "false alarms"):
        table.add_column(column, justify="right" if column else "left")
    for each in made:
        held = each.record.held_out
        at = held.operation
        interval = f"{held.top1.low:.1%} - {held.top1.high:.1%}"
        shares = (f"{at.right:.0%}", f"{at.wrong:.0%}", f"{at.false_alarms:.0%}")
        row = (f"{held.top1.share:.1%}", interval, f"{held.top3.share:.1%}", f"{at.threshold:g}", *shares)
        table.add_row(each.precision, *row)
    console.print(table)
    for each in made:
        console.print(f"{each.folder} is ready; copy it into models/.", soft_wrap=True, highlight=False, markup=False)
