"""`slowfast-live models evaluate --cluster`: the same figures as on one machine."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `build`)")

from slowfast_live import cli
from tests.analysis.fakes import write_clip


def evaluate(*words: object) -> int:
    return cli.main(["models", "evaluate", "--model", "tiny_short-fp32", *map(str, words)])


def test_the_same_figures(cluster: Any, tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    for number in range(5):
        write_clip(tmp_path / "clips" / f"action {number % 3}" / f"{number}.mp4", [(2, 28 + 30 * number)], (32, 24))
    (tmp_path / "clips" / "action 1" / "broken.mp4").write_bytes(b"no video")
    for name, words in (("here", ()), ("there", ("--cluster", cluster.address))):
        assert evaluate("--clips", tmp_path / "clips", "--out", tmp_path / name, *words) == 0
    here, there = (_rows(tmp_path / name / "clips.csv") for name in ("here", "there"))
    assert here == there and len(here) == 6
    results = [json.loads((tmp_path / name / "results.json").read_text()) for name in ("here", "there")]
    assert results[0]["top1"] == results[1]["top1"] and results[0]["shown"] == results[1]["shown"]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [{name: text for name, text in row.items() if not name.endswith("_ms")} for row in csv.DictReader(file)]
