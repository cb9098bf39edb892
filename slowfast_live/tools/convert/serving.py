"""The command `slowfast-live models export`: writes a model as inference servers load it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from slowfast_live.inference.openvino_backend import input_name
from slowfast_live.inference.remote.repository import export_to_server
from slowfast_live.inference.spec import Registry
from slowfast_live.text_safety import visible


def main(argv: Sequence[str], program: str = "slowfast-live models export") -> int:
    """Run the command under the name `program`; returns 0.

    Raises:
        SlowFastLiveError: There is no such model, or the folder cannot be written.
    """
    options = _parser(program).parse_args(argv)
    registry = Registry()
    models = [registry.find(name) for name in options.names]
    console = Console(highlight=False)
    for model in models:
        written = export_to_server(model, options.server, input_name(model))
        version = written[0].parent.name
        place = escape(visible(str(written[0].parent)))
        console.print(f"{escape(model.name)}: version {version} in {place}", soft_wrap=True)
    folder = escape(visible(str(options.server.absolute())))
    console.print(
        "Serve it with one of these, and choose the device grpc://HOST:9000 (or :8001 of Triton):\n"
        f"  docker run -p 9000:9000 -v {folder}:/models openvino/model_server --config_path /models/config.json "
        "--port 9000\n"
        f"  tritonserver --model-repository {folder}",
        soft_wrap=True,
    )
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Write models as OpenVINO Model Server and Triton (OpenVINO backend) load them: "
        "NAME/VERSION/model.xml, config.pbtxt and config.json.",
        epilog="Each export becomes a new version; older versions stay. Exit code: 0 done, 1 failed, 2 misused.",
    )
    parser.add_argument("names", metavar="NAME", nargs="+", help="models that the app lists, or their folders")
    parser.add_argument("--server", metavar="DIR", type=Path, required=True, help="the server's model repository")
    return parser
