"""The command line of build_models.py. torch is imported only where something is built."""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from slowfast_live import paths
from slowfast_live.build.cache import cached_path
from slowfast_live.build.catalogue import CATALOGUE, DEFAULT_MODEL, Entry, kinetics400, lookup
from slowfast_live.build.progress import ConsoleReporter, JsonReporter, Reporter
from slowfast_live.errors import ModelError, SlowFastLiveError, UsageError
from slowfast_live.inference.labels import own_labels
from slowfast_live.inference.spec import came_with_app, load, usable_name

if TYPE_CHECKING:
    from slowfast_live.build.builder import Request, Result

SUBCOMMANDS: dict[str, str] = {
    "evaluate": "slowfast_live.evaluation.cli:main",
    "render-demo": "slowfast_live.training.demo:main",
    "train-demo": "slowfast_live.training.command:main",
}
"""First word -> "module:function" that gets the words after it and returns the exit status.

The module is imported only when its word is given. Register a sub-command here."""

PRECISION_NAMES = ("fp32", "fp16", "int8")
INSTALL = 'python -m pip install -e ".[build]"'
_UNKNOWN_GFLOPS = 60.0
FAILED, MISUSED, INTERRUPTED = 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 done, 1 failed, 2 misused, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in SUBCOMMANDS:
        return _guarded(lambda: _subcommand(*words), ConsoleReporter(Console(stderr=True)))
    options = _parser().parse_args(words)
    reporter: Reporter = JsonReporter() if options.progress == "json" else ConsoleReporter(Console(stderr=True))
    return _guarded(lambda: _run(options, reporter), reporter)


def _subcommand(word: str, *further: str) -> int:
    module, function = SUBCOMMANDS[word].split(":")
    return int(getattr(importlib.import_module(module), function)(list(further)))


def _guarded(command: Callable[[], int], reporter: Reporter) -> int:
    """Return the exit status of a command; what goes wrong is reported in a sentence."""
    # A window that cancels a build terminates it; the folder half made is then removed as on Ctrl-C.
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        return command()
    except UsageError as error:
        reporter.report("failed", message=error.message)
        return MISUSED
    except SlowFastLiveError as error:
        last = error.details.strip().splitlines()[-1] if error.details.strip() else ""
        reporter.report("failed", message=error.message + (f" ({last})" if last not in error.message else ""))
        return FAILED
    except ModuleNotFoundError as error:
        message = f"Building needs {error.name}, which is not installed. Install it with: {INSTALL}"
        reporter.report("failed", message=message)
        return FAILED
    except KeyboardInterrupt:
        reporter.report("failed", message="Interrupted; nothing half-made was left.")
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, previous)


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="build_models.py",
        description="Turn published checkpoints of video networks into models that SlowFast Live runs. "
        f"Without arguments: {DEFAULT_MODEL} in FP16 and INT8.",
        epilog="Proxies are taken from HTTPS_PROXY and NO_PROXY. "
        + (f"Further commands: {', '.join(SUBCOMMANDS)}." if SUBCOMMANDS else ""),
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
    weights = parser.add_argument_group("weights")
    weights.add_argument("--checkpoint", type=Path, metavar="FILE", help="a checkpoint fetched by other means")
    weights.add_argument("--labels", type=Path, metavar="FILE", help="your checkpoint's class names, one a line")
    weights.add_argument("--classes", type=int, metavar="N", help="your checkpoint's number of classes")
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


def _run(options: argparse.Namespace, reporter: Reporter) -> int:
    output = options.output or default_output()
    if options.table:
        from slowfast_live.build.report import markdown

        sys.stdout.write(markdown(options.table))
        return 0
    if options.list:
        _list(output, as_json=options.json)
        return 0
    entries = _entries(options)
    requests = [_request(options, entry, output) for entry in entries]
    if options.compare_int8:
        from slowfast_live.build.compare_int8 import compare_recipes

        for request in requests:
            compare_recipes(request, reporter, options.report, accuracy_aware=options.accuracy_aware)
        return 0
    failures = 0
    for request in requests:
        try:
            _build(request, reporter, options)
        except SlowFastLiveError as error:
            # With several models one that fails does not keep the others from being built.
            if len(requests) == 1:
                raise
            failures += 1
            reporter.report("failed", model=request.entry.name, message=error.message)
    return FAILED if failures else 0


def _build(request: Request, reporter: Reporter, options: argparse.Namespace) -> None:
    from slowfast_live.build.builder import build

    results = build(request, reporter)
    if options.report:
        from slowfast_live.build.report import add

        add(options.report, "parity", request.entry.name, _measured(request, results))
    if options.verify and options.progress != "json":
        _show(request.entry, results)


def _measured(request: Request, results: Sequence[Result]) -> dict[str, Any]:
    seed = request.weights.seed
    return {
        "weights": "published" if seed is None else f"random, seed {seed}",
        "precisions": {result.precision: result.parity for result in results},
    }


def _show(entry: Entry, results: Sequence[Result]) -> None:
    table = Table(title=f"{entry.title}: difference from torch", title_justify="left")
    for column in ("", "logits", "top-1 same", "top-5 same", "KL", "probability"):
        table.add_column(column, justify="right" if column else "left")
    rows: dict[str, dict[str, float]] = {}
    for result in results:
        parity = result.parity
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


def default_output() -> Path:
    """Return where models go: `models/` of a clone, the user's own folder for an installed package."""
    clone = Path(__file__).resolve().parents[2]
    return clone / "models" if (clone / "build_models.py").is_file() else paths.user_models_dir()


def _entries(options: argparse.Namespace) -> list[Entry]:
    if options.all and options.names:
        raise UsageError("Give names or --all, not both.")
    # The quickest first: what is stopped half-way leaves the most behind.
    every = sorted(CATALOGUE.values(), key=lambda entry: entry.gflops or _UNKNOWN_GFLOPS)
    entries = every if options.all else [lookup(n) for n in options.names or [DEFAULT_MODEL]]
    single = ("checkpoint", "labels", "classes", "name", "variant")
    given = [f"--{option}" for option in single if getattr(options, option)]
    if len(entries) > 1 and given:
        raise UsageError(f"{', '.join(given)} belongs to one model; {len(entries)} are to be built.")
    return entries


def _request(options: argparse.Namespace, entry: Entry, output: Path) -> Request:
    from slowfast_live.build.builder import PRECISIONS, Material, Request, Weights
    from slowfast_live.build.clips import bundled_videos, find_videos

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
    config = None
    if options.variant:
        from slowfast_live.build.networks import variant

        entry, config = variant(entry, options.variant)
        if not options.name or not (options.checkpoint or options.random_weights):
            raise UsageError("--variant needs --name NAME, and --checkpoint FILE or --random-weights.")
    # Only the published file, under its own name, may claim the published accuracy.
    own = options.checkpoint is not None and (
        labels is not None or bool(options.name) or options.checkpoint.name != entry.file_name
    )
    if options.name and not usable_name(options.name):
        raise UsageError(f"--name takes letters, digits, '.', '_' and '-', not '{options.name}'.")
    weights = Weights(options.checkpoint, options.seed if options.random_weights else None, own)
    calibration = find_videos(options.calibration) if options.calibration else bundled_videos()
    evaluation = find_videos(options.evaluation) if options.evaluation else []
    if not evaluation and len(calibration) > 1:
        # Never measured on what it was calibrated on.
        calibration, evaluation = calibration[::2], calibration[1::2]
    evaluation = [path for path in evaluation if path not in calibration]
    material = Material(tuple(calibration), tuple(evaluation), options.calibration_clips, options.evaluation_clips)
    request = Request(entry, weights, precisions, output, material, labels, options.name, config, again=options.verify)
    for folder in map(request.folder, precisions):
        if came_with_app(folder):
            raise UsageError(f"{folder} came with the app and is not replaced: give another --name.")
    return request


def _labels(options: argparse.Namespace) -> tuple[str, ...] | None:
    if options.labels is None and options.classes == 400:
        return kinetics400()
    return own_labels(options.labels, options.classes)


def listing(output: Path) -> list[dict[str, Any]]:
    """Return what can be built and what is there, one mapping a model.

    Returns:
        `name`, `title`, `family`, `default`, `frames`, `stride`, `side`, `top1`, `top5` (percent), `gflops`,
        `params_m`, `licence`; `checkpoint` with `url`, `path` (where it is, or belongs) and `downloaded`;
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
    path = cached_path(entry.url)
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
        "gflops": entry.gflops,
        "params_m": entry.params_m,
        "licence": entry.licence,
        "checkpoint": {"url": entry.url, "path": str(path), "downloaded": path.is_file()},
        "built": built,
    }


def _list(output: Path, *, as_json: bool) -> None:
    rows = listing(output)
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
        return
    # Six columns, which fit a terminal of eighty characters; --json has all there is.
    table = Table(title=f"Models, built into {output}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("name", no_wrap=True)  # what is typed
    for column, justify in (
        ("clip", "left"),
        ("top-1 %", "right"),
        ("GFLOPs", "right"),
        ("M params", "right"),
        ("built", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for row in rows:
        built = ", ".join(f"{p} {facts['size_mb']} MB" for p, facts in row["built"].items())
        table.add_row(
            row["name"],
            f"{row['frames']}x{row['stride']}, {row['side']}",
            f"{row['top1']:.1f}",
            "-" if row["gflops"] is None else f"{row['gflops']:.1f}",
            f"{row['params_m']:.1f}",
            built or "-",
        )
    Console().print(table)
