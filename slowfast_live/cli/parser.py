"""The parser of the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from slowfast_live import __version__
from slowfast_live.cli.arguments import count, minutes, moment, path_or_url, port, predictions, rate, seconds, share
from slowfast_live.cli.commands import analyze, bench, model_command, soak, teach
from slowfast_live.cli.listing import list_devices, list_models
from slowfast_live.cli.program import MISTAKE, PROGRAM
from slowfast_live.publish.settings import FEED_PORT
from slowfast_live.text_safety import visible


class _Parser(argparse.ArgumentParser):
    """Says a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(MISTAKE, f"{self.prog}: {visible(message)} (see {PROGRAM} --help)\n")


class _ModelsParser(_Parser):
    """Hands the arguments of a command that another program reads on to it unread, `--help` too."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Return the arguments as `further` if the parser has the default `model_command`; else parse them."""
        command = self.get_default("model_command")
        if command is None:
            return super().parse_known_args(args, namespace)
        return argparse.Namespace(run=model_command, model_command=command, further=list(args or ())), []


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog=PROGRAM,
        description="Live action recognition for webcams and video files.",
        epilog="Without a command, the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="write more details to standard error")
    window = parser.add_argument_group("the window")
    window.add_argument(
        "--source",
        metavar="X",
        action="append",
        help='camera number, file, folder of images, URL, "screen", "screen:1:0,0,800,600", "screen:window:TITLE", '
        '"demo" or a session (.slowfast); several files play one after the other, other sources side by side',
    )
    window.add_argument("--side-by-side", action="store_true", help="show several files side by side, too")
    window.add_argument(
        "--set", metavar="NAME", help="remember the sources given as a set of this name; without --source: open it"
    )
    window.add_argument("--picture-rate", metavar="FPS", type=rate, help="frames per second of a folder of images (25)")
    window.add_argument("--model", metavar="NAME", help="a model's name (see `models`) or folder")
    window.add_argument("--device", metavar="D", help="CPU, GPU, NPU, AUTO or grpc://HOST:PORT (see `devices`)")
    window.add_argument("--loop", action="store_true", default=None, help="restart a file at its end")
    window.add_argument("--mirror", action="store_true", default=None, help="swap left and right")
    window.add_argument("--threshold", metavar="T", type=share, help="score, 0 to 1, below which no action is shown")
    window.add_argument(
        "--rate", metavar="N", type=predictions, help="most predictions a second, to save power (no limit)"
    )
    window.add_argument(
        "--session-log", metavar="FILE", type=Path, help="write each prediction and a summary as JSON lines"
    )
    window.add_argument(
        "--feed",
        metavar="PORT",
        type=port,
        nargs="?",
        const=FEED_PORT,
        help=f"offer what is shown to programs on this machine, as server-sent events ({FEED_PORT})",
    )
    window.add_argument("--mqtt", metavar="URL", help="send what is shown to a broker: mqtt://USER@HOST:PORT/TOPIC")
    window.add_argument("--text-file", metavar="FILE", type=Path, help="keep the action that is shown in a text file")
    window.add_argument("--quit-after", metavar="SECONDS", type=seconds, help="end by itself, with exit code 0")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)
    devices = commands.add_parser(
        "devices",
        help="list the devices that can run a model",
        description="List the devices that can run a model.",
    )
    devices.add_argument("--json", action="store_true", help="print JSON")
    devices.set_defaults(run=list_devices)
    _add_models(commands)
    _add_analyze(commands)
    _add_teach(commands)
    _add_bench(commands)
    _add_soak(commands)
    return parser


_MODEL_COMMANDS = {
    "build": "fetch, convert and check networks; the same as build_models.py",
    "export": "write a model as inference servers load it",
    "evaluate": "measure a model on clips of known class",
    "evaluate-people": "measure person detectors and tracks",
    "train": "make the bundled model anew: render people, train, package",
    "joint-bench": "measure how many real clips are recognized by their joints alone",
    "laterals": "count SlowFast's lateral connections, beside the paper's figures",
    "render-demo": "render the demo clip",
    "render-actions": "render small moving pictures of the actions",
}


def _add_models(commands: argparse._SubParsersAction[_Parser]) -> None:
    models = commands.add_parser(
        "models",
        help="list, build, evaluate and train models",
        description="List, build, evaluate and train models. Without a further command: list.",
    )
    models.set_defaults(run=list_models)
    _add_list_options(models)
    further = models.add_subparsers(title="commands", metavar="COMMAND", parser_class=_ModelsParser)
    listing = further.add_parser("list", help="list the models at hand", description="List the models at hand.")
    _add_list_options(listing, argparse.SUPPRESS)  # keeps what stands before it: `models --json list`
    for name, text in _MODEL_COMMANDS.items():
        further.add_parser(name, help=text).set_defaults(model_command=name)


def _add_list_options(parser: argparse.ArgumentParser, default: bool | str = False) -> None:
    for option, text in (
        ("--json", "print JSON"),
        ("--available", "list the models that can be built instead"),
    ):
        parser.add_argument(option, action="store_true", default=default, help=text)


def _add_analyze(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "analyze",
        help="recognize actions in video files, without a window",
        description="Recognizes actions in video files and writes them as JSON, tables, subtitles and a report.",
        epilog="Folders are searched recursively, including linked folders; hidden files and copies made by --annotate "
        "are skipped. Files that this program did not write, or that were changed since, are never replaced: results "
        "then get another name. The same command continues a run that was interrupted. Exit code: 0 everything is "
        "done; 1 a file or folder could not be read, or results could not be written completely; 2 a mistake in the "
        "command, such as a folder for results that is not writable; 130 interrupted with Ctrl-C.",
    )
    command.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        type=path_or_url,
        help="video files and folders of them; folders of images and patterns such as frame_%%04d.jpg",
    )
    command.add_argument("--picture-rate", metavar="FPS", type=rate, help="frames per second of folders of images (25)")
    command.add_argument("--model", metavar="NAME", help="a model's name (see `models`) or folder")
    command.add_argument("--device", metavar="D", default="CPU", help="CPU, GPU, NPU, AUTO or grpc://HOST:PORT")
    command.add_argument(
        "--stride", metavar="SECONDS", type=seconds, default=0.5, help="time from one prediction to the next (0.5)"
    )
    command.add_argument(
        "--views",
        metavar="N",
        type=int,
        default=1,
        help="1 crop, 3 crops side by side, or 30: 10 clips of 3 crops for each video as a whole, as models are tested",
    )
    command.add_argument("--threshold", metavar="T", type=share, help="score, 0 to 1, below which there is no action")
    marks = "the part that shows one whole action, e.g. 1:02.5; for models of Something-Something"
    command.add_argument("--from", dest="begin", metavar="TIME", type=moment, help=f"begin of {marks}")
    command.add_argument("--to", dest="end", metavar="TIME", type=moment, help="end of that part")
    command.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("analysis"), help="folder for the results (analysis)"
    )
    command.add_argument(
        "--format",
        metavar="LIST",
        default="json,csv,srt,vtt",
        help="some of json,csv,srt,vtt,parquet (all but parquet; json is always written)",
    )
    command.add_argument(
        "--people",
        metavar="DETECTOR",
        default="",
        help='follow each person, with labels of their own: a detector\'s name, "motion" for regions that move, "auto" '
        "for the first detector at hand",
    )
    command.add_argument(
        "--export",
        metavar="LIST",
        default="",
        help="annotations for other programs as well: some of kinetics,elan,via,ava (ava needs --people)",
    )
    command.add_argument("--annotate", action="store_true", help="also write a copy of each video with its labels")
    command.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="run on a Ray cluster: auto, local, local:N, HOST:PORT or ray://HOST:PORT",
    )
    command.add_argument(
        "--progress", choices=("bars", "json"), default="bars", help="bars for people, or one JSON object per line"
    )
    command.set_defaults(run=analyze)


def _add_teach(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "teach",
        help="teach a model your own actions from example videos, without torch",
        description="Learns actions from a few example videos each, on the features of a model at hand, and writes an "
        "ordinary model. Reports how well it works on videos that were held out. Nothing leaves this machine.",
        epilog="The examples are DIR/ACTION/*.mp4, one video a take; three of each or more. Videos in DIR/none show "
        "none of the actions. Exit code: 0 all is done; 1 some of the videos could not be read; 2 a mistake in the "
        "command, or nothing could be taught.",
    )
    command.add_argument("--model", metavar="BASE", required=True, help="the model to build on: its name or folder")
    command.add_argument("--examples", metavar="DIR", type=Path, required=True, help="a folder of videos per action")
    command.add_argument("--name", metavar="NAME", required=True, help="name of the taught model")
    command.add_argument("--output", metavar="DIR", type=Path, help="where the model folder goes (your models)")
    command.add_argument("--device", metavar="D", default="CPU", help="CPU, GPU, NPU or AUTO (CPU)")
    command.add_argument(
        "--no-mirror", action="store_true", help="left and right matter: do not learn from mirror images as well"
    )
    command.add_argument("--beside", action="store_true", help="keep the actions of BASE as well; needs DIR/none")
    command.add_argument(
        "--share", metavar="FILE", type=Path, help="also write the model as one file, NAME.slowfast-model"
    )
    command.set_defaults(run=teach)


def _add_soak(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "soak",
        help="use the window nonstop, and check whether anything grows or leaks",
        description="Switches sources, models and devices, seeks, resizes and collapses panels at random, and reports "
        "the effect on memory, threads, handles and response times. Exit code 1 if something grows, leaks or fails.",
    )
    command.add_argument("--minutes", metavar="N", type=minutes, default=30.0, help="how long (30)")
    command.add_argument("--seed", metavar="N", type=int, default=1, help="the same seed does the same things (1)")
    command.add_argument("--report", metavar="FILE", type=Path, help="write all samples: .json (with verdict) or .csv")
    command.add_argument("--every", metavar="SECONDS", type=seconds, default=5.0, help="between two samples (5)")
    command.add_argument("--trace", action="store_true", help="name the lines of Python that keep memory (slow)")
    command.set_defaults(run=soak)


def _add_bench(commands: argparse._SubParsersAction[_Parser]) -> None:
    command = commands.add_parser(
        "bench",
        help="measure how fast models run on this machine",
        description="Measures how fast models run on this machine, in comparison with other ways to run them. The "
        "contenders take turns, each in its own process. Figures: median of the rounds (lowest–highest).",
    )
    what = command.add_argument_group("what to measure")
    what.add_argument("--model", metavar="NAME", action="append", default=[], help="a model; may be repeated")
    what.add_argument("--device", metavar="D", default="CPU", help="CPU, GPU, NPU or AUTO (CPU)")
    what.add_argument("--compare", action="store_true", help="all contenders; --model then names networks")
    what.add_argument(
        "--build-missing", action="store_true", help="with --compare: build those missing, with random weights"
    )
    what.add_argument("--contender", metavar="NAME", action="append", default=[], help="only this one; may be repeated")
    what.add_argument("--configurations", action="store_true", help="our request, compiled in several ways, instead")
    what.add_argument("--start", action="store_true", help="startup time of the app, instead")
    what.add_argument("--profile", metavar="MODEL", action="append", default=[], help="time by layer, instead")
    what.add_argument(
        "--instructions",
        metavar="SET",
        action="append",
        default=[],
        help="with --profile: limit the processor to avx2, avx512_vnni, avx512_bf16 or amx (own: no limit); may be "
        "repeated",
    )
    what.add_argument("--recommend", action="store_true", help="the best model and device for this machine, instead")
    what.add_argument("--from", dest="report", metavar="FILE", type=Path, help="show an earlier --json file, instead")
    what.add_argument(
        "--sources",
        metavar="N",
        type=count,
        nargs="*",
        help="one model for N sources side by side, instead (1 4 9)",
    )
    what.add_argument(
        "--scaling",
        metavar="N",
        type=count,
        nargs="*",
        help="`analyze --cluster` on N machines, all of them on this one, instead (1 2)",
    )
    how = command.add_argument_group("how")
    how.add_argument("--seconds", type=seconds, default=5.0, help="length of one turn (5)")
    how.add_argument("--repeats", metavar="N", type=count, default=3, help="turns of each contender (3)")
    how.add_argument("--json", metavar="FILE", type=Path, help="write everything as JSON; - for standard output")
    how.add_argument("--markdown", metavar="FILE", type=Path, help="write the tables as Markdown; - likewise")
    how.add_argument("--into", metavar="FILE", type=Path, help="put a short comparison between the marks of a document")
    how.add_argument("--progress", choices=("bar", "json"), default="bar", help="json: an object a line, for programs")
    command.set_defaults(run=bench)
