"""The command line of `slowfast-live models build` and of build_models.py. Imports torch only when something is built.

`main` is build_models.py: its options build models; a first word from `SCRIPT_WORDS` selects another command. `run` is
one command of `slowfast-live models`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from slowfast_live import ending, files
from slowfast_live.errors import ModelError, SlowFastLiveError, UsageError
from slowfast_live.inference.building import install_command, output_folder
from slowfast_live.inference.labels import own_labels
from slowfast_live.inference.spec import RECIPE, SPEC_FILE, came_with_app, decode, load, usable_name
from slowfast_live.text_safety import take_any_text
from slowfast_live.tools.convert.cache import cached_path
from slowfast_live.tools.convert.catalogue import CATALOGUE, DEFAULT_MODEL, Entry, lookup
from slowfast_live.tools.convert.datasets import BY_CLASSES
from slowfast_live.tools.convert.detector_catalogue import split_names
from slowfast_live.tools.convert.open_model_zoo import FOLDERS
from slowfast_live.tools.convert.progress import BuildConsoleReporter, BuildJsonReporter, BuildReporter

if TYPE_CHECKING:
    from slowfast_live.tools.convert.builder import BuildRequest, BuildResult, Material

COMMANDS: dict[str, str] = {
    "build": "slowfast_live.tools.convert.cli:build",
    "export": "slowfast_live.tools.convert.serving:main",
    "evaluate": "slowfast_live.tools.evaluation.cli:main",
    "evaluate-people": "slowfast_live.tools.people.command:main",
    "train": "slowfast_live.tools.training.command:main",
    "joint-bench": "slowfast_live.tools.training.joint_bench_cli:main",
    "laterals": "slowfast_live.tools.convert.laterals:main",
    "render-demo": "slowfast_live.tools.training.demo:main",
    "render-actions": "slowfast_live.tools.training.action_pictures:main",
}
"""Command -> "module:function", which receives the remaining words and the program's name and returns the exit status.

The module is imported only if its command is given. Register commands here.
"""

SCRIPT = "build_models.py"
SCRIPT_WORDS = {"train-demo" if name == "train" else name: name for name in COMMANDS if name != "build"}
"""The commands' names in build_models.py; without one of them it builds."""

PRECISION_NAMES = ("fp32", "fp16", "int8")
_UNKNOWN_GFLOPS = 60.0
FAILED, MISUSED, INTERRUPTED = 1, 2, ending.INTERRUPTED


def main(argv: Sequence[str] | None = None) -> int:
    """Run build_models.py and return its exit status; see `run`."""
    take_any_text()
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in SCRIPT_WORDS:
        word = words[0]
        return run(SCRIPT_WORDS[word], words[1:], f"{SCRIPT} {word}", whole_process=argv is None)
    return run("build", words, SCRIPT, whole_process=argv is None)


def run(command: str, words: Sequence[str], program: str, *, whole_process: bool = False) -> int:
    """Run a command of `COMMANDS`.

    Args:
        command: Its name.
        words: Its arguments.
        program: What was typed to run it; usage messages begin with it.
        whole_process: The process ends with it; see `ending.bounded`.

    Returns:
        The exit status: 0 done, 1 failed, 2 misused, 130 interrupted.
    """
    module, function = COMMANDS[command].split(":")
    return _guarded(
        lambda: int(getattr(importlib.import_module(module), function)(list(words), program)),
        BuildConsoleReporter(Console(stderr=True)),
        whole_process=whole_process,
    )


def build(words: Sequence[str], program: str) -> int:
    """Build models under the name `program`; returns the exit status, with failures reported as `--progress` says."""
    options = _parser(program).parse_args(words)
    reporter: BuildReporter = (
        BuildJsonReporter() if options.progress == "json" else BuildConsoleReporter(Console(stderr=True))
    )
    return _guarded(lambda: _run(options, reporter), reporter, whole_process=False)


def _guarded(command: Callable[[], int], reporter: BuildReporter, *, whole_process: bool) -> int:
    """Return the exit status of a command; failures are reported in one sentence."""
    try:
        # A window that cancels a build terminates it; the incomplete folder is then removed as on Ctrl-C.
        with ending.bounded(whole_process=whole_process):
            return command()
    except UsageError as error:
        reporter.report("failed", message=error.message)
        return MISUSED
    except SlowFastLiveError as error:
        last = error.details.strip().splitlines()[-1] if error.details.strip() else ""
        reporter.report("failed", message=error.message + (f" ({last})" if last not in error.message else ""))
        return FAILED
    except ModuleNotFoundError as error:
        message = f"Building needs {error.name}, which is not installed. Install it with: {install_command()}"
        reporter.report("failed", message=message)
        return FAILED
    except KeyboardInterrupt:
        reporter.report("failed", message="Interrupted; nothing half-made was left.")
        return INTERRUPTED


def _parser(program: str) -> argparse.ArgumentParser:
    further = f" Further commands: {', '.join(SCRIPT_WORDS)}." if program == SCRIPT else ""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Turn published checkpoints of video networks into models that SlowFast Live runs. "
        f"Without arguments: {DEFAULT_MODEL} in FP16 and INT8.",
        epilog=f"Proxies are taken from HTTPS_PROXY and NO_PROXY.{further}",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="models to build; --list shows them")
    parser.add_argument("--all", action="store_true", help="build every model")
    parser.add_argument("--list", action="store_true", help="show what can be built and what is there")
    parser.add_argument("--json", action="store_true", help="with --list: as JSON on standard output")
    parser.add_argument(
        "--precision",
        action="append",
        choices=PRECISION_NAMES,
        help="may be repeated; FP16 and INT8 where not given (with --verify: all three)",
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="where the model folders go")
    _add_weights(parser)
    _add_clips(parser)
    proof = parser.add_argument_group("proof")
    proof.add_argument("--verify", action="store_true", help="compare torch, ONNX and IR, even if up to date")
    proof.add_argument("--compare-int8", action="store_true", help="measure ways to quantise; builds nothing")
    proof.add_argument("--accuracy-aware", action="store_true", help="with --compare-int8: NNCF's slow way too")
    proof.add_argument("--report", type=Path, metavar="FILE", help="add what was measured to this JSON file")
    proof.add_argument("--table", type=Path, metavar="FILE", help="print a --report file as Markdown")
    parser.add_argument(
        "--progress", choices=("text", "json"), default="text", help="json: one JSON object a line on stdout"
    )
    return parser


def _add_weights(parser: argparse.ArgumentParser) -> None:
    weights = parser.add_argument_group("weights")
    weights.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="a checkpoint, or a folder of its files, fetched by other means",
    )
    weights.add_argument("--labels", type=Path, metavar="FILE", help="your checkpoint's class names (text, CSV, JSON)")
    weights.add_argument("--classes", type=int, metavar="N", help="your checkpoint's number of classes")
    weights.add_argument(
        "--activation",
        choices=("softmax", "sigmoid"),
        help="what your checkpoint was trained with: one label is right (softmax), or several at once (sigmoid)",
    )
    weights.add_argument("--name", default="", help="name of your model; the network's where not given")
    weights.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a SlowFast network, e.g. lateral=time_to_channel; needs --name, and weights of its own",
    )
    weights.add_argument("--random-weights", action="store_true", help="try the machinery without a checkpoint")
    weights.add_argument("--seed", type=int, default=0, metavar="N", help="of the random weights (0)")


def _add_clips(parser: argparse.ArgumentParser) -> None:
    clips = parser.add_argument_group("clips")
    clips.add_argument(
        "--calibration",
        type=Path,
        nargs="+",
        metavar="VIDEO",
        default=[],
        help="videos, or folders of them, for INT8; every other one is kept to measure on",
    )
    clips.add_argument(
        "--evaluation", type=Path, nargs="+", metavar="VIDEO", default=[], help="videos to measure on instead"
    )
    clips.add_argument("--calibration-clips", type=int, default=48, metavar="N", help="clips cut for INT8 (48)")
    clips.add_argument("--evaluation-clips", type=int, default=16, metavar="N", help="clips measured on (16)")


def _run(options: argparse.Namespace, reporter: BuildReporter) -> int:
    output = options.output or output_folder()
    if options.table:
        from slowfast_live.tools.convert.report import markdown

        sys.stdout.write(markdown(options.table))
        return 0
    if options.list:
        show_available(output, as_json=options.json)
        return 0
    options.names, detectors = split_names(options.names)
    if detectors:
        _build_detectors(detectors, options, output, reporter)
        if not options.names:
            return 0
    entries = _entries(options)
    requests = [_request(options, entry, output) for entry in entries]
    if options.compare_int8:
        from slowfast_live.tools.convert.compare_int8 import compare_recipes

        for request in requests:
            compare_recipes(request, reporter, options.report, accuracy_aware=options.accuracy_aware)
        return 0
    failures = 0
    for request in requests:
        try:
            _build(request, reporter, options)
        except SlowFastLiveError as error:
            # With several models, one that fails does not prevent the others from being built.
            if len(requests) == 1:
                raise
            failures += 1
            reporter.report("failed", model=request.entry.name, message=error.message)
    return FAILED if failures else 0


def _build_detectors(names: Sequence[str], options: argparse.Namespace, output: Path, reporter: BuildReporter) -> None:
    """Build person detectors; options that belong to classification networks are refused."""
    foreign = ("labels", "classes", "variant", "random_weights", "calibration", "evaluation", "verify", "compare_int8")
    given = [f"--{option.replace('_', '-')}" for option in foreign if getattr(options, option)]
    if given:
        raise UsageError(f"{', '.join(given)} does not apply to a person detector.")
    if options.checkpoint and len(names) + len(options.names) > 1:
        raise UsageError("--checkpoint belongs to one detector; several names are given.")
    if options.name and not usable_name(options.name):
        raise UsageError(f"--name takes letters, digits, '.', '_' and '-', not '{options.name}'.")
    from slowfast_live.tools.convert.detectors import DetectorRequest, build_detector

    for name in names:
        build_detector(DetectorRequest(name, output, options.checkpoint, options.name), reporter)


def _build(request: BuildRequest, reporter: BuildReporter, options: argparse.Namespace) -> None:
    from slowfast_live.tools.convert import builder, detection_build, ready

    make = builder.build if request.entry.encoder_decoder is None else ready.build
    make = detection_build.build if request.entry.detects else make
    results = make(request, reporter)
    if options.report:
        from slowfast_live.tools.convert.report import add

        add(options.report, "parity", request.entry.name, _measured(request, results))
    if options.verify and options.progress != "json":
        _show(request.entry, results)


def _measured(request: BuildRequest, results: Sequence[BuildResult]) -> dict[str, Any]:
    seed = request.weights.seed
    return {
        "weights": "published" if seed is None else f"random, seed {seed}",
        "precisions": {result.precision: result.parity for result in results},
    }


def _show(entry: Entry, results: Sequence[BuildResult]) -> None:
    table = Table(title=f"{entry.title}: difference from torch", title_justify="left")
    for column in ("", "logits", "top-1 same", "top-5 same", "KL", "probability"):
        table.add_column(column, justify="right" if column else "left")
    rows: dict[str, dict[str, float]] = {}
    for result in results:
        parity = result.parity
        if "onnx" in parity:
            rows["ONNX Runtime"] = parity["onnx"]
        rows[f"{result.precision}, computed in f32"] = parity["ir"]
        if default := parity.get("ir_default"):
            rows[f"{result.precision}, computed in {default['computes_in']}"] = default
    for title, figures in rows.items():
        table.add_row(
            title,
            f"{figures['logit_error']:.1e}",
            f"{figures['top1_agreement']:.0%}",
            f"{figures['top5_agreement']:.0%}",
            f"{figures['mean_kl']:.1e}",
            f"{figures['max_probability_change']:.1e}",
        )
    Console().print(table)


def _entries(options: argparse.Namespace) -> list[Entry]:
    if options.all and options.names:
        raise UsageError("Give names or --all, not both.")
    # Fastest first, so that an interrupted run has completed as many as possible.
    every = sorted(CATALOGUE.values(), key=lambda entry: entry.gflops or _UNKNOWN_GFLOPS)
    if options.random_weights:  # of all, those that have a network to draw them for
        every = [entry for entry in every if entry.encoder_decoder is None]
    entries = every if options.all else [lookup(n) for n in options.names or [DEFAULT_MODEL]]
    if options.compare_int8 and any(entry.encoder_decoder for entry in entries):
        raise UsageError("--compare-int8 quantizes checkpoints; Open Model Zoo's networks are published in INT8.")
    if options.compare_int8 and any(entry.detects for entry in entries):
        raise UsageError(
            "--compare-int8 compares networks for whole clips, not those that score what each person does."
        )
    single = ("checkpoint", "labels", "classes", "activation", "name", "variant")
    given = [f"--{option}" for option in single if getattr(options, option)]
    if len(entries) > 1 and given:
        raise UsageError(f"{', '.join(given)} belongs to one model; {len(entries)} are to be built.")
    return entries


def _request(options: argparse.Namespace, entry: Entry, output: Path) -> BuildRequest:
    from slowfast_live.tools.convert.builder import PRECISIONS, BuildRequest, Weights

    for option in ("calibration_clips", "evaluation_clips"):
        if getattr(options, option) < 1:
            raise UsageError(f"--{option.replace('_', '-')} is at least 1, got {getattr(options, option)}.")
    asked = options.precision or (PRECISION_NAMES if options.verify else ("fp16", "int8"))
    precisions = tuple(p for p in PRECISIONS if p.lower() in asked)
    labels = _labels(options)
    if options.random_weights and options.checkpoint:
        raise UsageError("Give --checkpoint or --random-weights, not both.")
    if labels is not None and not (options.checkpoint or options.random_weights):
        raise UsageError("--labels and --classes describe your own checkpoint; name it with --checkpoint FILE.")
    if options.activation and not (options.checkpoint or options.random_weights):
        raise UsageError("--activation describes your own checkpoint; name it with --checkpoint FILE.")
    config = None
    if options.variant:
        from slowfast_live.tools.convert.networks import variant

        entry, config = variant(entry, options.variant)
        if not options.name or not (options.checkpoint or options.random_weights):
            raise UsageError("--variant needs --name NAME, and --checkpoint FILE or --random-weights.")
    # Only the published file, under its own name, may claim the published accuracy.
    own = options.checkpoint is not None and (
        labels is not None
        or bool(options.activation)
        or bool(options.name)
        or not _is_published(options.checkpoint, entry)
    )
    if options.name and not usable_name(options.name):
        raise UsageError(f"--name takes letters, digits, '.', '_' and '-', not '{options.name}'.")
    weights = Weights(options.checkpoint, options.seed if options.random_weights else None, own)
    request = BuildRequest(
        entry,
        weights,
        precisions,
        output,
        _material(options),
        labels,
        options.activation,
        options.name,
        config,
        again=options.verify,
    )
    _refuse_foreign(request, options.report)
    return request


def _material(options: argparse.Namespace) -> Material:
    """Return the videos to calibrate with and to measure on; no video is used for both."""
    from slowfast_live.tools.convert.builder import Material
    from slowfast_live.tools.convert.clips import bundled_videos, calibration_videos

    calibration = calibration_videos(options.calibration) if options.calibration else bundled_videos()
    evaluation = calibration_videos(options.evaluation) if options.evaluation else []
    if not evaluation and len(calibration) > 1:
        # Never evaluate on the calibration videos.
        calibration, evaluation = calibration[::2], calibration[1::2]
    evaluation = [path for path in evaluation if path not in calibration]
    return Material(tuple(calibration), tuple(evaluation), options.calibration_clips, options.evaluation_clips)


def _refuse_foreign(request: BuildRequest, report: Path | None) -> None:
    """Raise an error for folders and files that the build would replace although they are not its own."""
    for folder in map(request.folder, request.precisions):
        if came_with_app(folder):
            raise UsageError(f"{folder} came with the app and is not replaced: give another --name.")
        if not _is_ours(folder):
            raise UsageError(
                f"{folder} exists and was not built by this program. It is left as it is: give another --output or "
                "--name."
            )
    if report is not None:
        from slowfast_live.tools.convert.report import is_report

        files.refuse_foreign(report, is_report, "--report")


def _is_published(checkpoint: Path, entry: Entry) -> bool:
    """Return whether a checkpoint has the name of the published one; several published files have no such name."""
    return entry.encoder_decoder is not None or checkpoint.name == entry.file_name


def _is_ours(folder: Path) -> bool:
    """Return whether a model may be written here: there is nothing, or a model that was built by this program."""
    if not os.path.lexists(folder) or (folder.is_dir() and not any(folder.iterdir())):
        return True
    try:
        return RECIPE in decode((folder / SPEC_FILE).read_text(encoding="utf-8"), str(folder / SPEC_FILE)).origin
    except (OSError, UnicodeDecodeError, ModelError):
        return False


def _labels(options: argparse.Namespace) -> tuple[str, ...] | None:
    if options.labels is None and options.classes in BY_CLASSES:
        return BY_CLASSES[options.classes].labels()
    return own_labels(options.labels, options.classes)


def listing(output: Path) -> list[dict[str, Any]]:
    """Return what can be built and what exists, one mapping per model.

    Returns:
        `name`, `title`, `family`, `default`, `frames`, `stride`, `side`, `top1`, `top5`, `mean_ap` (percent, as
        published for `dataset`), `actions` (number of labels), `several` (whether several labels may be right at once),
        `people` (whether it scores what each person does), `gflops`, `params_m`, `licence`; `checkpoint` with `url`,
        `path` (where it is or should be), `downloaded` and `folder` (whether it is several files);
        `built`: {precision: {"folder", "size_mb", "trained"}}.
    """
    return [_listed(entry, output) for entry in CATALOGUE.values()]


def _listed(entry: Entry, output: Path) -> dict[str, Any]:
    built = {}
    for precision in PRECISION_NAMES:
        for suffix in ("", "-untrained"):
            folder = output / f"{entry.name}{suffix}-{precision}"
            try:
                spec = load(folder)
            except ModelError:
                continue
            size = sum(file.stat().st_size for file in folder.iterdir())
            key = precision.upper() + (" untrained" if suffix else "")
            built[key] = {"folder": str(folder), "size_mb": round(size / 1e6, 1), "trained": spec.trained}
    path, downloaded = _checkpoint(entry)
    return {
        "name": entry.name,
        "title": entry.title,
        "family": entry.family,
        "default": entry.name == DEFAULT_MODEL,
        "frames": entry.clip.frames,
        "stride": entry.clip.stride,
        "side": entry.clip.side,
        "top1": entry.top1,
        "top5": entry.top5,
        "mean_ap": entry.mean_ap,
        "dataset": entry.dataset.title,
        "actions": entry.dataset.classes,
        "several": entry.dataset.activation == "sigmoid",
        "people": entry.detects,
        "gflops": entry.gflops,
        "params_m": entry.params_m,
        "licence": entry.licence,
        "checkpoint": {
            "url": entry.url,
            "path": str(path),
            "downloaded": downloaded,
            "folder": entry.encoder_decoder is not None,
        },
        "built": built,
    }


def _checkpoint(entry: Entry) -> tuple[Path, bool]:
    """Return where the published weights are or should be, and whether they are there."""
    if entry.encoder_decoder is None:
        path = cached_path(entry.url)
        return path, path.is_file()
    folder = cached_path(entry.url)
    files = entry.encoder_decoder.files("FP16")
    return folder, all((folder / FOLDERS["FP16"] / file.name).is_file() for file in files)


def show_available(output: Path, *, as_json: bool) -> None:
    """Print what can be built, and what of it is in the folder `output`."""
    rows = listing(output)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return
    # Six columns, which fit a terminal of eighty characters; --json lists everything.
    table = Table(title=f"Models, built into {output}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("name", no_wrap=True)  # what the user types
    for column, justify in (
        ("clip", "left"),
        ("labels", "right"),
        ("%", "right"),
        ("GFLOPs", "right"),
        ("built", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for row in rows:
        built = ", ".join(f"{p} {facts['size_mb']} MB" for p, facts in row["built"].items())
        table.add_row(
            row["name"],
            f"{row['frames']}x{row['stride']}",
            str(row["actions"]),
            _accuracy_of(row),
            _one_digit(row["gflops"]),
            built or "-",
        )
    Console().print(table)


def _accuracy_of(row: dict[str, Any]) -> str:
    """Return top-1 accuracy in percent, or the mean average precision of labels that are scored by themselves."""
    return _one_digit(row["top1"] if row["mean_ap"] is None else row["mean_ap"])


def _one_digit(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
