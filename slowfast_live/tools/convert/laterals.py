"""Lateral connections from the Fast to the Slow pathway: parameters and multiply-adds beside the paper's.

The paper's figures are those of its table 5a (arXiv 1812.03982): SlowFast 4x16, R50, alpha 8, beta 1/8, one view of
256 x 256 pixels. It states no parameters; those of the default are the model zoo's.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class LateralRow:
    """One way to connect the pathways.

    Attributes:
        title: Its name in the paper.
        settings: The fields of `SlowFastConfig` that differ from the default, as `--variant` takes them.
        params_m: Parameters in 1e6.
        gflops: Multiply-adds of one clip in 1e9.
        paper_gflops: The paper's.
        paper_top1: The paper's top-1 accuracy on Kinetics-400 in percent.
        zoo_params_m: Parameters that the model zoo states; None if it has no such network.
    """

    title: str
    settings: tuple[str, ...]
    params_m: float
    gflops: float
    paper_gflops: float
    paper_top1: float
    zoo_params_m: float | None = None


_WAYS: tuple[tuple[str, dict[str, Any], float, float, float | None], ...] = (
    ("no lateral connection", {"lateral": "none"}, 34.2, 73.5, None),
    ("TtoC, sum", {"lateral": "time_to_channel", "fusion": "sum"}, 34.2, 74.5, None),
    ("TtoC, concat", {"lateral": "time_to_channel"}, 39.8, 74.3, None),
    ("T-sample", {"lateral": "time_strided_sample"}, 34.9, 75.4, None),
    ("T-conv (default)", {}, 36.1, 75.6, 34.48),
)


def measure_laterals() -> list[LateralRow]:
    """Count parameters and multiply-adds of each way; nothing is computed but shapes."""
    import torch

    from slowfast_live.tools.convert.counting import measure
    from slowfast_live.tools.convert.networks import SLOWFAST_CONFIGS
    from slowfast_live.tools.convert.slowfast import SlowFast

    base = SLOWFAST_CONFIGS["slowfast_4x16_r50"]
    rows = []
    for title, changes, gflops, top1, params_m in _WAYS:
        config = replace(base, **changes)
        with torch.device("meta"):
            network = SlowFast(config)
        size = measure(network, config.clip_shape)
        settings = tuple(f"{field}={value}" for field, value in changes.items())
        rows.append(LateralRow(title, settings, round(size.params_m, 2), round(size.gflops, 2), gflops, top1, params_m))
    return rows


def main(words: Sequence[str], program: str) -> int:
    """Print the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Count parameters and multiply-adds of SlowFast's lateral connections, beside the paper's figures.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON on standard output")
    options = parser.parse_args(list(words))
    rows = measure_laterals()
    if options.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
        return 0
    table = Table(title="SlowFast 4x16 R50, alpha 8, beta 1/8, 256 x 256", title_justify="left", box=SIMPLE_HEAD)
    for column in ("lateral connection", "M params", "GFLOPs", "paper", "difference", "paper's top-1 %"):
        table.add_column(column, justify="left" if column.startswith("lateral") else "right")
    for row in rows:
        table.add_row(
            row.title,
            f"{row.params_m:.2f}",
            f"{row.gflops:.2f}",
            f"{row.paper_gflops:.1f}",
            f"{row.gflops / row.paper_gflops - 1:+.1%}",
            f"{row.paper_top1:.1f}",
        )
    Console().print(table)
    return 0
