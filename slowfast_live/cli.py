"""The command line: without a command the window, else lists and analyses that need no screen."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from slowfast_live import __version__
from slowfast_live.display import why_no_display
from slowfast_live.errors import SlowFastLiveError, UsageError
from slowfast_live.letters import visible

if TYPE_CHECKING:
    from slowfast_live.inference.spec import Accuracy, Model
    from slowfast_live.types import SourceSpec

PROGRAM = "slowfast-live"
MISTAKE = 2
"""Exit code for what the user can mend."""
WITHOUT_A_SCREEN = "`slowfast-live analyze`, `slowfast-live models` and `slowfast-live devices` work without one"
_QT_LIBRARIES = "libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libdbus-1-3"


class _Parser(argparse.ArgumentParser):
    """Says a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(MISTAKE, f"{self.prog}: {visible(message)} (see {PROGRAM} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog=PROGRAM,
        description="Says live what the person in front of a webcam, or in a video, is doing.",
        epilog="Without a command the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more on standard error")
    window = parser.add_argument_group("the window")
    window.add_argument("--source", metavar="X", help='camera number, file, URL or "demo"')
    window.add_argument("--model", metavar="NAME", help="a model's name (see `models`) or folder")
    window.add_argument("--device", metavar="D", help="CPU, GPU, NPU or AUTO (see `devices`)")
    window.add_argument("--loop", action="store_true", default=None, help="start a file again at its end")
    window.add_argument("--mirror", action="store_true", default=None, help="swap left and right")
    window.add_argument(
        "--threshold", metavar="T", type=_share, help='score, 0 to 1, below which it says "no confident action"'
    )
    window.add_argument(
        "--session-log", metavar="FILE", type=Path, help="write each prediction and a summary as JSON lines"
    )
    window.add_argument("--quit-after", metavar="SECONDS", type=_seconds, help="end by itself, with exit code 0")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    for name, text, run in (
        ("devices", "list the devices that can run a model", _devices),
        ("models", "list the models at hand", _models),
    ):
        command = commands.add_parser(name, help=text, description=text.capitalize() + ".")
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=run)
    _add_analyze(commands)
    _add_bench(commands)
    _add_soak(commands)
    return parser


def _add_analyze(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "analyze",
        help="say what happens when in video files, without a window",
        description="Finds what happens when in video files, and writes it as JSON, tables, subtitles and a report.",
        epilog="A run that was ended goes on with the same command. Exit code: 0 all is done, 1 some files failed, "
        "2 a mistake in the command or a folder that cannot be written to, 130 ended with Ctrl-C.",
    )
    command.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="video files, and folders of them")
    command.add_argument("--model", metavar="NAME", help="a model's name (see `models`) or folder")
    command.add_argument("--device", metavar="D", default="CPU", help="CPU, GPU, NPU or AUTO (see `devices`)")
    command.add_argument(
        "--stride", metavar="SECONDS", type=_seconds, default=0.5, help="time from one look to the next (0.5)"
    )
    command.add_argument(
        "--views",
        metavar="N",
        type=int,
        default=1,
        help="1 crop, 3 crops side by side, or 30: 10 clips of 3 crops for each video as a whole, as models are tested",
    )
    command.add_argument("--threshold", metavar="T", type=_share, help="score, 0 to 1, below which there is no action")
    command.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("analysis"), help="where results go (analysis)"
    )
    command.add_argument(
        "--format",
        metavar="LIST",
        default="json,csv,srt,vtt",
        help="some of json,csv,srt,vtt (all; json is always written)",
    )
    command.add_argument(
        "--annotate", action="store_true", help="write a copy of each video with the labels in it, too"
    )
    command.add_argument(
        "--progress", choices=("bars", "json"), default="bars", help="for a person, or a JSON object a line"
    )
    command.set_defaults(run=_analyze)


def _add_soak(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "soak",
        help="use the window without rest, and see whether anything grows or leaks",
        description="Switches sources, models and devices, seeks, resizes and folds at random, and tells what that "
        "does to memory, threads, handles and the window's answers. Exit code 1 where something grows, leaks or fails.",
    )
    command.add_argument("--minutes", metavar="N", type=_minutes, default=30.0, help="how long (30)")
    command.add_argument("--seed", metavar="N", type=int, default=1, help="the same seed does the same things (1)")
    command.add_argument("--report", metavar="FILE", type=Path, help="write all samples: .json (with verdict) or .csv")
    command.add_argument("--every", metavar="SECONDS", type=_seconds, default=5.0, help="between two samples (5)")
    command.add_argument("--trace", action="store_true", help="name the lines of Python that keep memory (slow)")
    command.set_defaults(run=_soak)


def _add_bench(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "bench",
        help="measure how fast models run here",
        description="Measures how fast models run here, beside other ways to run them. Contenders take turns, each in "
        "a process of its own. Figures: median of the rounds (lowest–highest).",
    )
    what = command.add_argument_group("what to measure")
    what.add_argument("--model", metavar="NAME", action="append", default=[], help="a model; may be repeated")
    what.add_argument("--device", metavar="D", default="CPU", help="CPU, GPU, NPU or AUTO (CPU)")
    what.add_argument("--compare", action="store_true", help="all contenders; --model then names networks")
    what.add_argument("--build-missing", action="store_true", help="with --compare: random weights for what is missing")
    what.add_argument("--contender", metavar="NAME", action="append", default=[], help="only this one; may be repeated")
    what.add_argument("--configurations", action="store_true", help="our request compiled in several ways, instead")
    what.add_argument("--start", action="store_true", help="how long the app takes to start, instead")
    what.add_argument("--profile", metavar="MODEL", action="append", default=[], help="time by layer, instead")
    what.add_argument("--recommend", action="store_true", help="which model and device suit this machine, instead")
    what.add_argument("--from", dest="report", metavar="FILE", type=Path, help="show an earlier --json file, instead")
    how = command.add_argument_group("how")
    how.add_argument("--seconds", type=_seconds, default=5.0, help="length of one turn (5)")
    how.add_argument("--repeats", metavar="N", type=_count, default=3, help="turns of each contender (3)")
    how.add_argument("--json", metavar="FILE", type=Path, help="write everything as JSON; - for standard output")
    how.add_argument("--markdown", metavar="FILE", type=Path, help="write the tables as Markdown; - likewise")
    how.add_argument("--into", metavar="FILE", type=Path, help="put the comparison in short between a document's marks")
    how.add_argument("--progress", choices=("bar", "json"), default="bar", help="json: an object a line, for programs")
    command.set_defaults(run=_bench)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, 2 for what the user can mend, or what a command says."""
    options = make_parser().parse_args(arguments)
    options.words = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    run: Callable[[argparse.Namespace], int] = getattr(options, "run", _window)
    try:
        return run(options)
    except SlowFastLiveError as error:
        logging.getLogger(__name__).info("Details: %s", error.details)
        sys.stderr.write(f"{PROGRAM}: {visible(' '.join(error.message.split()))}\n")
        return MISTAKE
    except BrokenPipeError:  # `slowfast-live models | head`
        sys.stderr.close()
        return 0


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, got '{text}'")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got '{text}'")
    return value


def _minutes(text: str) -> float:
    try:
        return _seconds(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"expected a number of minutes above 0, got '{text}'") from None


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 to 1000, got '{text}'")
    return int(text)


def _window(options: argparse.Namespace) -> int:
    reason = why_no_display()
    if reason:
        raise UsageError(f"No window can be opened: {reason}; {WITHOUT_A_SCREEN}.")
    source = _source(options.source) if options.source is not None else None
    if source is not None and options.session_log is not None and _same_file(source.address, options.session_log):
        raise UsageError(f"--session-log: {options.session_log} is the video itself. Name another file.")
    if options.model is not None:
        from slowfast_live.inference.spec import Registry

        Registry().find(options.model)
    if options.device is not None:
        from slowfast_live.inference.devices import list_devices, require_device

        options.device = require_device(options.device, list_devices()).name
    try:
        from slowfast_live.ui.options import AppOptions
        from slowfast_live.window import run_window
    except ImportError as error:
        if ".so" not in str(error):
            raise
        raise UsageError(
            f"Qt cannot start: {error}. On Debian and Ubuntu: sudo apt-get install {_QT_LIBRARIES}"
        ) from error
    return run_window(
        AppOptions(
            source=source,
            model=options.model,
            device=options.device,
            loop=options.loop,
            mirror=options.mirror,
            threshold=options.threshold,
            session_log=options.session_log,
            quit_after_s=options.quit_after,
        )
    )


def _soak(options: argparse.Namespace) -> int:
    reason = why_no_display()
    if reason:
        raise UsageError(f"No window can be opened: {reason}; QT_QPA_PLATFORM=offscreen does without a screen.")
    from slowfast_live.soak.command import SoakOptions, run

    return run(SoakOptions(options.minutes, options.seed, options.report, options.every, options.trace))


def _same_file(address: str, path: Path) -> bool:
    try:
        return path.samefile(address)
    except (OSError, ValueError):
        return False


def _source(text: str) -> SourceSpec:
    from slowfast_live.sources import parse_source
    from slowfast_live.types import SourceKind

    source = parse_source(text)
    if source.kind is SourceKind.FILE and not Path(source.address).exists():
        raise UsageError(f"--source: there is no file {source.address}.")
    return source


def _devices(options: argparse.Namespace) -> int:
    from slowfast_live.inference.devices import list_devices

    devices = list_devices()
    if options.json:
        rows = [
            {"name": d.name, "full_name": d.full_name, "available": d.available, "reason": d.reason} for d in devices
        ]
        _print_json(rows)
        return 0
    _print_table(
        ("device", "name", "available"),
        [(d.name, d.full_name if d.available else "", "yes" if d.available else f"no: {d.reason}") for d in devices],
    )
    return 0


def _analyze(options: argparse.Namespace) -> int:
    from slowfast_live.analysis.analyzer import AnalysisSettings
    from slowfast_live.analysis.command import INTERRUPTED, Order, run
    from slowfast_live.analysis.outputs import Outputs

    formats = tuple(name.strip().lower() for name in options.format.split(",") if name.strip())
    order = Order(
        given=tuple(options.paths),
        outputs=Outputs(options.out, formats, options.annotate),
        settings=AnalysisSettings(options.stride, options.views, options.threshold),
        model=options.model,
        device=options.device,
        json_lines=options.progress == "json",
    )
    try:
        return run(order)
    except KeyboardInterrupt:
        return INTERRUPTED


def _bench(options: argparse.Namespace) -> int:
    from slowfast_live.bench.command import run

    return run(options, options.words)


def _models(options: argparse.Namespace) -> int:
    from slowfast_live.inference.spec import Registry

    models, broken = Registry().scan()
    for error in broken:
        sys.stderr.write(f"{PROGRAM}: {visible(error.message)}\n")
    if options.json:
        _print_json([_model_row(model) for model in models])
        return 0
    if not models:
        sys.stdout.write("No model is here yet. build_models.py builds them; see README.md.\n")
        return 0
    _print_table(
        ("model", "title", "precision", "trained", "actions", "top-1", "MB"),
        [
            (
                model.name,
                model.spec.title,
                model.spec.precision,
                "yes" if model.spec.trained else "no",
                str(len(model.spec.labels)),
                _top1(model.spec.accuracy),
                f"{_size_mb(model):.1f}",
            )
            for model in models
        ],
    )
    return 0


def _model_row(model: Model) -> dict[str, object]:
    import msgspec

    row: dict[str, object] = msgspec.to_builtins(model.spec)
    return {**row, "name": model.name, "folder": str(model.folder), "size_mb": round(_size_mb(model), 3)}


def _top1(figures: Sequence[Accuracy]) -> str:
    for figure in figures:
        if figure.metric.casefold() in ("top-1", "top1"):
            return f"{figure.value:.1f} {figure.unit} {figure.dataset} ({figure.origin})"
    return "-"


def _size_mb(model: Model) -> float:
    return sum(path.stat().st_size for path in model.folder.iterdir() if path.is_file()) / 1e6


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)  # the name is what gets copied
    for row in rows:
        table.add_row(*(escape(visible(cell)) for cell in row))
    Console(highlight=False).print(table)


if __name__ == "__main__":
    sys.exit(main())
