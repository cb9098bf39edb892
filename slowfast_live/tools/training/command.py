"""`slowfast-live models train`: trains the bundled model from scratch."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import torch
from msgspec.structs import replace
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from slowfast_live import files
from slowfast_live.errors import ModelError, UsageError
from slowfast_live.inference.spec import IR_FILE
from slowfast_live.tools.training import bank, config
from slowfast_live.tools.training.acting import Recordings
from slowfast_live.tools.training.config import Config
from slowfast_live.tools.training.filming import FilmStudio
from slowfast_live.tools.training.mesh import makehuman, panorama
from slowfast_live.tools.training.mesh.body import Wardrobe
from slowfast_live.tools.training.mocap import Library
from slowfast_live.tools.training.package import Made, Precision, package
from slowfast_live.tools.training.train import (
    CHECKPOINT,
    Trainer,
    TrainingFolders,
    TrainingMoment,
    choose_device,
    computing_type,
    read_checkpoint,
    train,
    usual_processes,
)

INTERRUPTED = 130
_MARK = "made-by-train-demo.txt"
"""Name of the file that marks a folder of a training."""


def main(argv: Sequence[str], program: str = "slowfast-live models train") -> int:
    """Run the command under the name `program`; returns 0 when the model is made, 130 when it was interrupted.

    Raises:
        SlowFastLiveError: The options, the configuration or what lies in the folder cannot be used.
    """
    options = _parser(program).parse_args(argv)
    settings = _settings(options)
    device = choose_device(options.device)
    start = options.start_from / IR_FILE if options.start_from else None
    if start and not start.exists():
        raise UsageError(f"{options.start_from}, given with --start-from, is no model folder: it has no {IR_FILE}.")
    if options.package and not (options.out / CHECKPOINT).exists():
        raise UsageError(f"{options.out / CHECKPOINT}, which --package packages, does not exist.")
    console = Console(stderr=True)
    studio = _studio(settings, options, console)
    _claim(options.out, settings.model.name)
    place = TrainingFolders(options.out / "clips", options.out, start)
    try:
        _render(settings, place, options.processes, studio, console)
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


def _claim(folder: Path, name: str) -> None:
    """Check that a training would not overwrite foreign files, and mark the folder as ours.

    Raises:
        UsageError: It would, or the folder cannot be created.
    """
    mark = folder / _MARK
    try:
        if not mark.exists() and (folder / CHECKPOINT).exists():
            read_checkpoint(folder / CHECKPOINT)  # of a training begun before there was a mark
        elif not mark.exists() and (taken := next((p for p in _parts(folder, name) if os.path.lexists(p)), None)):
            raise UsageError(f"--out: {taken} exists and was not made by a training. Name another folder.")
        files.write_bytes(mark, b"Made by `slowfast-live models train`, which goes on with what lies here.\n")
    except ModelError as error:
        raise UsageError(f"--out: {error.message} Name another folder.", error.details) from error
    except OSError as error:
        raise UsageError(f"--out: {folder} cannot be written: {error.strerror or error}.") from error


def _parts(folder: Path, name: str) -> list[Path]:
    """Return what a training would replace: models, and a foreign file in place of the one that describes the clips."""
    models = sorted(folder.glob(f"{name}-*"))
    try:
        bank.made_with(folder / "clips")
    except ModelError:
        return [folder / "clips" / bank.MADE_WITH, *models]
    return models


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Make the bundled model from nothing: render clips, train, calibrate, package. "
        "What was interrupted goes on with the same command.",
    )
    usual = usual_processes()
    parser.add_argument("--config", type=Path, metavar="FILE", help="instead of slowfast_live/tools/training/demo.toml")
    parser.add_argument("--mocap", type=Path, metavar="DIR", help="BVH recordings whose motions are mixed in")
    parser.add_argument(
        "--clothes", type=Path, metavar="DIR", help="MakeHuman assets: clothes/ and hair/ in it are worn"
    )
    parser.add_argument("--panoramas", type=Path, metavar="DIR", help="panoramas (*.hdr) to film people in")
    parser.add_argument("--simple-bodies", action="store_true", help="people of rounded cones, though anny is there")
    parser.add_argument("--out", type=Path, default=Path("demo-training"), metavar="DIR", help="(demo-training)")
    parser.add_argument("--minutes", type=float, metavar="N", help="wall clock of the training, resumed parts included")
    parser.add_argument("--start-from", type=Path, metavar="MODEL", help="model folder whose weights it begins with")
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


def _studio(settings: Config, options: argparse.Namespace, console: Console) -> FilmStudio:
    """Return the studio that makes the clips, and report optional data that is missing."""
    recordings = Recordings(Library.of(options.mocap), settings.data.mocap_share) if options.mocap else None
    wardrobe, panoramas = None, tuple(panorama.found(options.panoramas)) if options.panoramas else ()
    missing = []
    if options.simple_bodies:
        if options.clothes:
            raise UsageError("--clothes are for bodies with a human surface; leave --simple-bodies out.")
    else:
        try:
            wardrobe = Wardrobe(makehuman.body_data(), options.clothes)
        except UsageError as error:
            if options.clothes:
                raise
            missing.append(f"People are made of rounded cones. {error.message}")
    if wardrobe:
        wardrobe.check()
        if not options.clothes:
            missing.append("Clothes are cut from the body's surface; --clothes DIR dresses people in MakeHuman's.")
    if not panoramas:
        missing.append("Backgrounds are painted; --panoramas DIR films people before photographs.")
    if not recordings:
        missing.append("All motions are parametric; --mocap DIR mixes in recorded ones.")
    for sentence in missing:
        console.print(sentence, highlight=False, markup=False)
    return FilmStudio(settings.clip, recordings, wardrobe, panoramas)


def _named(device: torch.device) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU ({platform.machine()})"
    return f"{name}, {str(computing_type(device)).removeprefix('torch.')}"


def _render(settings: Config, place: TrainingFolders, processes: int, studio: FilmStudio, console: Console) -> None:
    data = settings.data
    if studio.recordings:
        studio.recordings.library.check()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"rendering files of {data.clips_per_shard} clips", total=data.shards)
        bank.render(place.clips, data, processes, lambda there: bar.update(task, completed=there), studio)


def _train(settings: Config, place: TrainingFolders, device: torch.device, processes: int, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("training", total=1.0)

        def report(trainer: Trainer, moment: TrainingMoment) -> None:
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
