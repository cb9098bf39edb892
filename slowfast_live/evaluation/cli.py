"""`build_models.py evaluate`: a model's figures on clips whose class is known."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from slowfast_live.build.clips import find_videos
from slowfast_live.errors import UsageError
from slowfast_live.evaluation import plots, results
from slowfast_live.evaluation.classes import Clip, Synonyms, classify, read_index
from slowfast_live.evaluation.composite import Background
from slowfast_live.evaluation.results import Results, Share
from slowfast_live.evaluation.scoring import STEP_S, Classifier, Evaluator, Outcomes, Retouch
from slowfast_live.inference.devices import list_devices, require_device
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Model, Registry


def main(argv: Sequence[str]) -> int:
    """Run the command; returns 0 where something was measured.

    Raises:
        UsageError: The options cannot be used.
        SlowFastLiveError: Nothing could be measured, or the model does not run.
    """
    options = _parser().parse_args(argv)
    _check(options)
    model = Registry().find(options.model)
    clips = _clips(options, model)
    device = require_device(options.device, list_devices())
    runner = OpenVinoBackend().compile(model, device.name)
    try:
        evaluator = Evaluator(Classifier(runner), model.spec, options.threshold, options.step)
        outcomes = _measure(evaluator, clips, _retouch(options), Console(stderr=True))
    finally:
        runner.close()
    found = results.summarise(
        outcomes,
        model,
        f"{device.name} ({device.full_name})",
        evaluator.threshold,
        options.step,
        composite=options.composite,
    )
    folder = options.out or Path("evaluation") / model.name
    results.write(found, folder)
    plots.draw(found, folder)
    if options.record:
        results.record(found, options.record, model)
    _print(found, folder, Console())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build_models.py evaluate",
        description="Measure a model on clips whose class is known: top-1, top-3, confusion, calibration, rejection.",
        epilog="A clip's class is read from the index, else from its file's name (push_up_2.mp4), else from its "
        "folder's (push_up/clip.mp4). Clips of classes that the model does not know measure how well it rejects.",
    )
    parser.add_argument("--model", required=True, metavar="NAME", help="a model that the app lists, or its folder")
    parser.add_argument("--clips", type=Path, nargs="+", default=[], metavar="VIDEO", help="videos, or folders of them")
    parser.add_argument("--index", type=Path, metavar="CSV", help="columns file,label; files relative to the CSV")
    parser.add_argument("--out", type=Path, metavar="DIR", help="for the results (evaluation/NAME)")
    parser.add_argument("--record", metavar="NAME", help="write top-1 and top-3 into model.json as measured on NAME")
    parser.add_argument("--step", type=float, default=STEP_S, metavar="S", help=f"from window to window ({STEP_S} s)")
    parser.add_argument("--device", default="CPU", help="OpenVINO device (CPU)")
    parser.add_argument("--threshold", type=float, metavar="T", help="score that shows a label (the model's own)")
    parser.add_argument("--synonyms", type=Path, metavar="FILE", help="further lines 'name = other name = ...'")
    parser.add_argument(
        "--composite",
        action="store_true",
        help="put a painted background behind black pixels: for depth clips and cut-out people",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the painted backgrounds (0)")
    return parser


def _check(options: argparse.Namespace) -> None:
    if not options.clips and options.index is None:
        raise UsageError("Give --clips with videos or folders, or --index with a CSV file that names them.")
    if not 0 < options.step <= 60:
        raise UsageError(f"--step is a time of up to 60 s, greater than 0; got {options.step:g}.")
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        raise UsageError(f"--threshold is a score from 0 to 1; got {options.threshold:g}.")
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise UsageError(f"{options.out}, given with --out, is a file; a folder is expected.")


def _clips(options: argparse.Namespace, model: Model) -> list[Clip]:
    index = read_index(options.index) if options.index else {}
    videos = find_videos(options.clips, "evaluation") if options.clips else list(index)
    synonyms = Synonyms.load(*([options.synonyms] if options.synonyms else []))
    folders = [place for place in options.clips if place.is_dir()]
    return classify(videos, model.spec.labels, synonyms, index=index, roots=folders)


def _retouch(options: argparse.Namespace) -> Callable[[Clip], Retouch] | None:
    if not options.composite:
        return None
    return lambda clip: Background(clip.path.name, options.seed).behind


def _measure(
    evaluator: Evaluator, clips: Sequence[Clip], retouch: Callable[[Clip], Retouch] | None, console: Console
) -> Outcomes:
    columns = (TextColumn("{task.description:<36.36}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=len(clips))

        def progress(index: int, clip: Clip) -> None:
            bar.update(task, completed=index, description=escape(clip.path.name))

        return evaluator.run(clips, retouch, progress)


def _print(found: Results, folder: Path, console: Console) -> None:
    console.print(_summary(found))
    if found.confusion is not None:
        console.print(_classes(found))
    if unknown := _unknown(found):
        console.print(unknown)
    for clip in found.failed:
        console.print(f"[red]not measured[/] {escape(clip.file)}: {escape(clip.note)}", soft_wrap=True)
    console.print(f"Written into {folder}", soft_wrap=True, highlight=False, markup=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _summary(found: Results) -> Table:
    trained = "" if found.trained else ", untrained: random weights"
    table = _table(f"{found.model}{trained} on {found.device}", "", "", "of", "95 % interval")
    for name, share in (("top-1", found.top1), ("top-3", found.top3)):
        if share is not None:
            table.add_row(name, *_share(share))
    for name, bins in (("clips", found.calibration_clips), ("windows", found.calibration_windows)):
        if bins is not None:
            table.add_row(f"calibration error, {name}", f"{bins.error:.3f}", f"{sum(bins.counts)}", "")
    if (shown := found.shown) is not None:
        counts = (shown.right, shown.wrong, shown.none)
        for name, count, mean in zip(
            ("the right label", "a wrong label", "no label"), counts, shown.by_clip, strict=True
        ):
            row = f"{count / shown.total:.1%}", f"{count} / {shown.total}", f"mean of clips {mean:.1%}"
            table.add_row(f"shows {name}", *row)
    if (rejection := found.rejection) is not None:
        rejected = f"{rejection.none / rejection.windows:.1%}"
        of = f"{rejection.none} / {rejection.windows}"
        table.add_row("unknown actions rejected", rejected, of, f"windows of {rejection.clips} clips")
    table.add_row("median time a prediction", f"{found.infer_ms:.1f} ms", "", "")
    table.caption = f"threshold {found.threshold:g}, a window each {found.step_s:g} s" + (
        ", painted backgrounds" if found.composite else ""
    )
    table.caption_justify = "left"
    return table


def _share(share: Share) -> tuple[str, str, str]:
    return f"{share.share:.1%}", f"{share.hits} / {share.total}", f"{share.low:.1%} - {share.high:.1%}"


def _classes(found: Results) -> Table:
    table = _table("By class", "is done", "clips", "right", "else it says")
    for label in dict.fromkeys(clip.label for clip in found.clips if clip.status == "known"):
        own = [clip for clip in found.clips if clip.status == "known" and clip.label == label]
        others = [clip.best[0][0] for clip in own if not clip.right]
        said = ", ".join(f"{other} {others.count(other)}" for other in dict.fromkeys(others))
        table.add_row(escape(label or ""), str(len(own)), str(len(own) - len(others)), escape(said))
    table.columns[-1].justify = "left"
    return table


def _unknown(found: Results) -> Table | None:
    clips = [clip for clip in found.clips if clip.status == "unknown"]
    if not clips:
        return None
    table = _table("Actions that the model does not know", "is done", "clips", "windows", "no confident action")
    for said in dict.fromkeys(clip.said for clip in clips):
        own = [clip for clip in clips if clip.said == said]
        total = sum(clip.windows for clip in own)
        none = sum(clip.shown[2] for clip in own)
        table.add_row(escape(said), str(len(own)), str(total), f"{none / total:.0%}")
    return table
