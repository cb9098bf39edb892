"""The command line: without a command the window, else lists that need no screen."""

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

if TYPE_CHECKING:
    from slowfast_live.inference.spec import Accuracy, Model
    from slowfast_live.types import SourceSpec

PROGRAM = "slowfast-live"
MISTAKE = 2
"""Exit code for what the user can mend."""
WITHOUT_A_SCREEN = "`slowfast-live models` and `slowfast-live devices` work without one"
_QT_LIBRARIES = "libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libdbus-1-3"


class _Parser(argparse.ArgumentParser):
    """Says a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(MISTAKE, f"{self.prog}: {message} (see {PROGRAM} --help)\n")


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
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, or 2 for what the user can mend."""
    options = make_parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )
    run: Callable[[argparse.Namespace], int] = getattr(options, "run", _window)
    try:
        return run(options)
    except SlowFastLiveError as error:
        logging.getLogger(__name__).info("Details: %s", error.details)
        sys.stderr.write(f"{PROGRAM}: {' '.join(error.message.split())}\n")
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


def _window(options: argparse.Namespace) -> int:
    reason = why_no_display()
    if reason:
        raise UsageError(f"No window can be opened: {reason}; {WITHOUT_A_SCREEN}.")
    source = _source(options.source) if options.source is not None else None
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


def _models(options: argparse.Namespace) -> int:
    from slowfast_live.inference.spec import Registry

    models, broken = Registry().scan()
    for error in broken:
        sys.stderr.write(f"{PROGRAM}: {error.message}\n")
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
        table.add_row(*(escape(cell) for cell in row))
    Console(highlight=False).print(table)


if __name__ == "__main__":
    sys.exit(main())
