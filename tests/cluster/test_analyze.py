"""`slowfast-live analyze --cluster`: the same files as on one machine, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slowfast_live import cli
from slowfast_live.cluster import engine
from tests.cluster.conftest import tree


@pytest.fixture(autouse=True)
def at_hand(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    monkeypatch.setattr(engine, "PART_S", 4.0)


def analyze(*words: object) -> int:
    return cli.main(["analyze", "--model", "tiny_short-fp32", "--stride", "0.25", *map(str, words)])


@pytest.fixture(scope="module")
def expected(films: Path, tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one machine writes."""
    out = tmp_path_factory.mktemp("single")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
        assert analyze(films, "--out", out) == 1  # one is broken
    return tree(out)


def test_the_same_files_as_on_one_machine(
    cluster: Any, films: Path, expected: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert analyze(films, "--out", tmp_path / "out", "--cluster", cluster.address, "--progress", "json") == 1
    steps = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = tree(tmp_path / "out")
    assert found.keys() == expected.keys() and len(found) > 25
    assert [name for name in found if found[name] != expected[name]] == []
    said = [step["message"] for step in steps if step["step"] == "notice"]
    assert said == ["Cluster of 2 machines: room for 2 workers with 1 CPU each."]
    shares = [step["fraction"] for step in steps if step["step"] == "progress" and step["file"].endswith("long.mp4")]
    assert len(shares) == 7 and shares == sorted(shares)
    assert "files a minute" in steps[-1]["message"] and "5 analyzed, 1 failed" in steps[-1]["message"]
