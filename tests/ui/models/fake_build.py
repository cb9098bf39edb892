"""A build program that builds nothing: `fake_build.py KIND ...`, for the tests of the model manager.

KIND: "well" writes model folders, "fails" says why it cannot, "crashes" dies of an exception, "hangs" waits for its
end and clears up, "stubborn" ignores that it should end, "floods" writes a log without end, then finishes,
"mute" lists nothing, "waits" builds once the file named by FAKE_BUILD_GO is there.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from slowfast_live.inference.labels import own_labels
from slowfast_live.inference.spec import Clip, ModelSpec, encode
from slowfast_live.tools.convert.catalogue import CATALOGUE

FLOOD_LINES = 60_000


def say(step: str, fraction: float | None, message: str, precision: str = "") -> None:
    told = {"step": step, "model": "x3d_xs", "precision": precision, "fraction": fraction, "message": message}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def listing() -> list[dict[str, object]]:
    return [
        {
            "name": e.name, "title": e.title, "family": e.family, "default": e.name == "slowfast_r50",
            "frames": e.clip.frames, "stride": e.clip.stride, "side": e.clip.side, "top1": e.top1, "top5": e.top5,
            "gflops": e.gflops, "params_m": e.params_m, "licence": e.licence, "built": {},
            "checkpoint": {
                "url": e.url, "path": "/nowhere", "downloaded": e.name == "x3d_xs",
                "folder": e.encoder_decoder is not None,
            },
        }
        for e in CATALOGUE.values()
    ]  # fmt: skip


def write(
    name: str,
    output: Path,
    precision: str,
    *,
    trained: bool = True,
    labels: tuple[str, ...] = ("squat", "walking"),
    own_name: str = "",
    own: bool = False,
) -> Path:
    """Write a folder that looks like a built model; `own` as of the user's own weights."""
    entry = CATALOGUE[name]
    folder = output / f"{own_name or name}{'' if trained else '-untrained'}-{precision}"
    title = entry.title + (", untrained" if not trained else ", own weights" if own else "")
    spec = ModelSpec(
        name=folder.name, title=f"{own_name}: {title}" if own_name else title, family=entry.family,
        labels=labels, clip=Clip(entry.clip.frames, entry.clip.stride, entry.clip.side),
        precision=precision.upper(), trained=trained, gflops=entry.gflops, params_m=entry.params_m,
        licence=entry.licence, origin={"url": entry.url, "recipe": "0123456789abcdef"},
        description=f"{entry.title}, trained on Kinetics-400 by its authors: 400 actions of everyday life and sport.",
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.xml").write_text("<net/>")
    (folder / "model.bin").write_bytes(bytes({"fp32": 4000, "fp16": 2000, "int8": 1000}[precision] * 1000))
    (folder / "model.json").write_bytes(encode(spec))
    return folder


def build(options: argparse.Namespace) -> None:
    precisions = options.precision or ["fp16", "int8"]
    labels = own_labels(options.labels, options.classes) or ("squat", "walking")
    say("download", 0.5, "15.3 of 30.6 MB")
    for number, precision in enumerate(precisions):
        say("convert", 0.5 + 0.5 * number / len(precisions), "Converting to OpenVINO.", precision.upper())
        folder = write(
            options.name, options.output, precision, trained=not options.random_weights, labels=labels,
            own_name=options.own_name, own=options.checkpoint is not None,
        )  # fmt: skip
        say("done", 0.5 + 0.5 * (number + 1) / len(precisions), f"{folder} is ready.", precision.upper())


def main() -> int:
    kind, *words = sys.argv[1:]
    parser = argparse.ArgumentParser()
    parser.add_argument("name", nargs="?")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--progress")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--precision", action="append")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--random-weights", action="store_true")
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--classes", type=int)
    parser.add_argument("--name", dest="own_name", default="")
    options = parser.parse_args(words)
    if options.list:
        if kind == "mute":
            sys.exit("the catalogue is lost")
        sys.stdout.write(json.dumps(listing()))
        return 0
    sys.stderr.write(f"words: {json.dumps(words)}\n")
    if kind == "fails":
        say("load", 0.1, "Loading X3D_XS.pyth.")
        sys.stderr.write("WARNING the disk is nearly full\n")
        say("failed", 0.0, "X3D_XS.pyth does not fit: 12 tensors are missing.")
        return 1
    if kind == "crashes":
        raise RuntimeError("no memory left")
    if kind in ("hangs", "stubborn"):
        half = options.output / f".building-{os.getpid()}-{options.name}-1"
        half.mkdir(parents=True)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        if kind == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sys.stderr.write(f"child {child.pid}\n")
        say("export", 0.2, "Exporting to ONNX and checking the graph.")
        time.sleep(600)
    if kind == "floods":
        for number in range(FLOOD_LINES):
            sys.stderr.write(f"{number} {'x' * 120}\n")
        sys.stderr.write("a line without an end" * 20_000 + "\rlast line")
    go = os.environ.get("FAKE_BUILD_GO")
    if kind == "waits" and go:
        say("quantise", None, "Quantising to INT8.", "INT8")
        while not Path(go).exists():
            time.sleep(0.02)
    build(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
