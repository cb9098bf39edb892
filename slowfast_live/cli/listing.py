"""The commands that list devices and models."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slowfast_live.cli.program import PROGRAM
from slowfast_live.text_safety import visible

if TYPE_CHECKING:
    from slowfast_live.inference.spec import Accuracy, Model, ModelSpec


def list_devices(options: argparse.Namespace) -> int:
    """Print the devices, those of inference servers included."""
    from slowfast_live.inference.device_backend import devices_with_servers, probed
    from slowfast_live.settings import load

    devices = [probed(device) for device in devices_with_servers(load().settings.servers)]
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


def list_models(options: argparse.Namespace) -> int:
    """Print the models at hand, or those that can be built."""
    if options.available:
        from slowfast_live.inference.building import output_folder
        from slowfast_live.tools.convert.cli import show_available

        show_available(output_folder(), as_json=options.json)
        return 0
    from slowfast_live.inference.building import NO_MODEL
    from slowfast_live.inference.spec import Registry

    models, broken = Registry().scan()
    for error in broken:
        sys.stderr.write(f"{PROGRAM}: {visible(error.message)}\n")
    if options.json:
        _print_json([_model_row(model) for model in models])
        return 0
    if not models:
        sys.stdout.write(f"{NO_MODEL}\n")
        return 0
    _print_table(
        ("model", "title", "precision", "trained", "actions", "top-1", "MB"),
        [
            (
                model.name,
                model.spec.title,
                model.spec.precision,
                "yes" if model.spec.trained else "no",
                _actions_of(model.spec),
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
        if figure.first_guess:
            return f"{figure.value:.1f} {figure.unit} on {figure.clips} ({figure.origin})"
    for figure in figures:
        if figure.metric == "mAP":
            return f"{figure.value:.1f} {figure.unit} mAP on {figure.clips} ({figure.origin})"
    return "-"


def _actions_of(spec: ModelSpec) -> str:
    known = [label for label in spec.actions if label not in spec.decision.off]
    return f"{len(known)} of each person" if spec.detects else str(len(known))


def _size_mb(model: Model) -> float:
    return sum(path.stat().st_size for path in model.folder.iterdir() if path.is_file()) / 1e6


def _print_json(value: object) -> None:
    plain = not (sys.stdout.encoding or "").lower().startswith("utf")  # else it would not be JSON any more
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=plain) + "\n")


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
