"""`python -m slowfast_live.tools.bench.worker KIND --model FOLDER`: one contender, in a process of its own."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slowfast_live.inference.spec import Model, Registry
from slowfast_live.tools.bench.protocol import end_with_parent, own_output, serve
from slowfast_live.types import SourceKind, SourceSpec

if TYPE_CHECKING:
    from slowfast_live.tools.bench.protocol import Contender

KINDS = ("bare", "notebook", "pipeline", "window_picture", "window")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve commands until the input ends; return the exit code."""
    parser = argparse.ArgumentParser(prog="slowfast_live.tools.bench.worker", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--model", required=True, help="model folder")
    parser.add_argument("--device", default="CPU", help="OpenVINO's name of the device")
    parser.add_argument("--video", type=Path, help="what the pipeline looks at")
    parser.add_argument("--config", default="{}", help="further OpenVINO properties, JSON")
    options = parser.parse_args(arguments)
    end_with_parent()
    answers = own_output()
    model = Registry().find(options.model)
    if options.kind.startswith("window"):
        from slowfast_live.tools.bench.with_window import run_picture, run_window

        run = run_window if options.kind == "window" else run_picture
        return run(model, options.device, options.video, sys.stdin.buffer, answers)
    serve(lambda: _make(options, model), sys.stdin.buffer, answers)
    return 0


def _make(options: argparse.Namespace, model: Model) -> Contender:
    if options.kind == "pipeline":
        from slowfast_live.tools.bench.live import Live

        live = Live(model, options.device, options.video)
        live.begin(SourceSpec(SourceKind.FILE, str(options.video)))
        return live
    from slowfast_live.tools.bench.runtimes import Bare, Notebook

    if options.kind == "notebook":
        return Notebook(model, options.device)
    return Bare(model, options.device, json.loads(options.config))


if __name__ == "__main__":
    sys.exit(main())
