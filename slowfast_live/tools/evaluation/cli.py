"""The command `slowfast-live models evaluate`: measures a model on labeled clips."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from slowfast_live import files
from slowfast_live.errors import UsageError
from slowfast_live.inference.devices import list_devices, require_device
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.people.detector import make_detector
from slowfast_live.sources.videos import Search, Unread, find_videos
from slowfast_live.text_safety import encodable, shown_name, visible
from slowfast_live.tools.evaluation import plots, results
from slowfast_live.tools.evaluation.ava import frame_map, read_rows
from slowfast_live.tools.evaluation.classes import LabeledClip, Synonyms, classify, read_index
from slowfast_live.tools.evaluation.composite import PaintedBackground
from slowfast_live.tools.evaluation.people import PeopleEvaluator
from slowfast_live.tools.evaluation.results import Results, Share
from slowfast_live.tools.evaluation.scoring import STEP_S, Classifier, Evaluator, Outcomes, Retouch

SOME_MISSING = 1


def main(argv: Sequence[str], program: str = "slowfast-live models evaluate") -> int:
    """Run the command under the name `program`.

    Returns:
        0 if something was measured, 1 if in addition a folder could not be searched.

    Raises:
        UsageError: The options are invalid.
        SlowFastLiveError: Nothing could be measured, or the model does not run.
    """
    options = _parser(program).parse_args(argv)
    if options.ava is not None:
        _print_ava(*options.ava)
        return 0
    _check(options)
    model = Registry().find(options.model)
    if model.spec.detects:
        raise UsageError(
            f"'{model.name}' scores what each person does; clips with one label each do not measure that. Its measure "
            "is --ava TRUTH FOUND."
        )
    folder = options.out or Path("evaluation") / model.name
    _check_folder(folder)
    clips, unread = _clips(options, model)
    device = require_device(options.device, list_devices())
    if options.cluster is not None:
        outcomes = _measure_on_cluster(options, model, device.name, clips, Console(stderr=True))
    else:
        compiled = OpenVinoBackend().compile(model, device.name)
        try:
            evaluator = _evaluator(Classifier(compiled), model, options, device.name)
            outcomes = _measure(evaluator, clips, _retouch(options), Console(stderr=True))
        finally:
            compiled.close()
    found = results.summarize(
        outcomes,
        model,
        f"{device.name} ({device.full_name})",
        model.spec.decision.threshold if options.threshold is None else options.threshold,
        options.step,
        composite=options.composite,
    )
    results.write(found, folder)
    plots.draw(found, folder)
    if options.record:
        results.record(found, options.record, model)
    console = Console()
    _print(found, folder, console)
    for place in unread:
        console.print(f"[red]not searched[/] {escape(visible(encodable(place.reason)))}", soft_wrap=True)
    return SOME_MISSING if unread else 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Measure a model on clips whose class is known: top-1, top-3, confusion, calibration, rejection.",
        epilog="Exit code: 0 measured, 1 failed, or a folder could not be searched, 2 misused. "
        "A clip's class is read from the index, else from its file's name (push_up_2.mp4), else from its "
        "folder's (push_up/clip.mp4). Clips of classes that the model does not know measure how well it rejects.",
    )
    parser.add_argument("--model", metavar="NAME", help="a model that the app lists, or its folder")
    parser.add_argument("--clips", type=Path, nargs="+", default=[], metavar="VIDEO", help="videos, or folders of them")
    parser.add_argument("--index", type=Path, metavar="CSV", help="columns file,label; files relative to the CSV")
    parser.add_argument("--out", type=Path, metavar="DIR", help="for the results (evaluation/NAME)")
    parser.add_argument("--record", metavar="NAME", help="write top-1 and top-3 into model.json as measured on NAME")
    parser.add_argument("--step", type=float, default=STEP_S, metavar="S", help=f"from window to window ({STEP_S} s)")
    parser.add_argument("--device", default="CPU", help="OpenVINO device (CPU)")
    parser.add_argument("--cluster", metavar="ADDRESS", help="run on a Ray cluster: auto, local:N, ray://HOST:PORT ...")
    parser.add_argument("--threshold", type=float, metavar="T", help="score that shows a label (the model's own)")
    parser.add_argument("--synonyms", type=Path, metavar="FILE", help="further lines 'name = other name = ...'")
    parser.add_argument(
        "--composite",
        action="store_true",
        help="put a painted background behind black pixels: for depth clips and cut-out people",
    )
    parser.add_argument(
        "--people",
        metavar="DETECTOR",
        help='follow the most prominent person: a detector\'s name, "motion", or "auto" for the first one at hand',
    )
    parser.add_argument(
        "--ava",
        type=Path,
        nargs=2,
        metavar=("TRUTH", "FOUND"),
        help="instead of running a model: frame mAP of detections in AVA's CSV form (IoU 0.5, 60 actions)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the painted backgrounds (0)")
    return parser


def _evaluator(classifier: Classifier, model: Model, options: argparse.Namespace, device: str) -> Evaluator:
    if options.people is None:
        return Evaluator(classifier, model.spec, options.threshold, options.step)
    detector = make_detector(options.people, device)
    return PeopleEvaluator(classifier.run_filled, model.spec, detector, options.threshold, options.step)


def _print_ava(truth: Path, found: Path) -> None:
    score = frame_map(read_rows(truth, scored=False), read_rows(found, scored=True))
    table = _table("AVA, intersection over union 0.5", "action", "AP %")
    for action, precision in score.by_action.items():
        table.add_row(str(action), f"{100 * precision:.1f}")
    table.add_row(f"mAP of {len(score.by_action)} actions", f"{100 * score.mean:.1f}")
    Console().print(table)


def _check(options: argparse.Namespace) -> None:
    if options.model is None:
        raise UsageError("Name a model with --model, or give --ava with two files.")
    if not options.clips and options.index is None:
        raise UsageError("Give --clips with videos or folders, or --index with a CSV file that names them.")
    if not 0 < options.step <= 60:
        raise UsageError(f"--step is a time of up to 60 s, greater than 0; got {options.step:g}.")
    if options.threshold is not None and not 0 <= options.threshold <= 1:
        raise UsageError(f"--threshold is a score from 0 to 1; got {options.threshold:g}.")
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise UsageError(f"{options.out}, given with --out, is a file; a folder is expected.")


def _check_folder(folder: Path) -> None:
    """Raise an error if the output folder holds foreign files in place of results, before an hour of measuring."""
    pictures = files.marked(plots.MARK.encode())
    table = files.marked(",".join(results.CLIPS_COLUMNS).encode())
    for name, is_ours in (
        (results.RESULTS_FILE, results.is_results),
        (results.CLIPS_FILE, table),
        (plots.CONFUSION_FILE, pictures),
        (plots.RELIABILITY_FILE, pictures),
    ):
        files.refuse_foreign(folder / name, is_ours, "--out")


def _clips(options: argparse.Namespace, model: Model) -> tuple[list[LabeledClip], list[Unread]]:
    index = read_index(options.index) if options.index else {}
    search = find_videos(options.clips) if options.clips else Search()
    videos = [video.path for video in search.files] or list(index)
    synonyms = Synonyms.load(*([options.synonyms] if options.synonyms else []))
    folders = [place for place in options.clips if place.is_dir()]
    return classify(videos, model.spec.labels, synonyms, index=index, roots=folders), search.unread


def _retouch(options: argparse.Namespace) -> Callable[[LabeledClip], Retouch] | None:
    if not options.composite:
        return None
    return lambda clip: PaintedBackground(clip.path.name, options.seed).behind


def _measure(
    evaluator: Evaluator,
    clips: Sequence[LabeledClip],
    retouch: Callable[[LabeledClip], Retouch] | None,
    console: Console,
) -> Outcomes:
    with _bar(console) as bar:
        task = bar.add_task("", total=len(clips))

        def progress(index: int, clip: LabeledClip) -> None:
            bar.update(task, completed=index, description=escape(shown_name(clip.path.name)))

        return evaluator.run(clips, retouch, progress)


def _measure_on_cluster(
    options: argparse.Namespace, model: Model, device: str, clips: Sequence[LabeledClip], console: Console
) -> Outcomes:
    from slowfast_live.tools.evaluation.on_cluster import HowToScore, measure_on_cluster

    if options.people is not None:
        raise UsageError("--people measures on this machine alone; leave out --cluster.")
    how = HowToScore(options.threshold, options.step, options.seed if options.composite else None)
    with _bar(console) as bar:
        task = bar.add_task("", total=len(clips))

        def progress(done: int, clip: LabeledClip) -> None:
            bar.update(task, completed=done, description=escape(shown_name(clip.path.name)))

        return measure_on_cluster(options.cluster, model, device, how, clips, progress)


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<36.36}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


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
    if found.mean_ap is not None:
        table.add_row("mean average precision", f"{found.mean_ap:.1%}", f"{len(found.average_precisions)} labels", "")
    for name, share in (("top-1", found.top1), ("top-3", found.top3)):
        if share is not None and found.mean_ap is None:
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
