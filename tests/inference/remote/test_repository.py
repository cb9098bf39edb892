import json
from pathlib import Path

import pytest

from slowfast_live import cli
from slowfast_live.inference.spec import Model


def export(*words: object) -> int:
    return cli.main(["models", "export", *map(str, words)])


def test_a_new_version_each_time(
    short: Model, tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    (tmp_path / "config.json").write_text(
        json.dumps({"model_config_list": [{"config": {"name": "else", "base_path": "/else"}}], "monitoring": {}})
    )
    assert export(short.name, "--server", tmp_path) == 0
    assert export(short.name, "tiny-fp32", "--server", tmp_path) == 0
    assert "version 2" in capsys.readouterr().out
    for version in ("1", "2"):
        for name in ("model.xml", "model.bin", "model.json"):
            assert (tmp_path / short.name / version / name).read_bytes() == (short.folder / name).read_bytes()
    config = (tmp_path / short.name / "config.pbtxt").read_text()
    assert 'backend: "openvino"' in config and "TYPE_UINT8 dims: [ 1, 16, 48, 48, 3 ]" in config
    assert config.count("output {") == 2 and "labels.txt" in config
    assert (tmp_path / short.name / "labels.txt").read_text().splitlines() == list(short.spec.labels)
    served = json.loads((tmp_path / "config.json").read_text())
    names = [entry["config"]["name"] for entry in served["model_config_list"]]
    assert names == ["else", short.name, "tiny-fp32"] and served["monitoring"] == {}


def test_mistakes(tmp_path: Path, tiny_models: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    assert export("nobody", "--server", tmp_path) != 0
    assert "no model 'nobody'" in capsys.readouterr().err
    (tmp_path / "config.json").write_text("mine")
    assert export("tiny-fp32", "--server", tmp_path) != 0
    assert "is not JSON" in capsys.readouterr().err and (tmp_path / "config.json").read_text() == "mine"
    (tmp_path / "file").write_text("")
    assert export("tiny-fp32", "--server", tmp_path / "file") != 0
    assert "cannot be written" in capsys.readouterr().err
