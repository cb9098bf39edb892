import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slowfast_live import cli
from slowfast_live.display import why_no_display


@pytest.fixture
def at_hand(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tiny_models))
    return tiny_models


def mistake(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run, expect exit code 2 and one line on standard error; return the line."""
    try:
        code = cli.main(arguments)
    except SystemExit as end:
        code = end.code
    output = capsys.readouterr()
    assert code == 2 and output.out == "" and output.err.count("\n") == 1 and "Traceback" not in output.err
    return output.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--threshold", "3"], "a number from 0 to 1"),
        (["--threshold", "high"], "a number from 0 to 1"),
        (["--quit-after", "-1"], "seconds above 0"),
        (["--quit-after", "nan"], "seconds above 0"),
        (["--nonsense"], "unrecognized arguments"),
        (["sing"], "invalid choice"),
        (["--source", "nowhere.mp4"], "there is no file nowhere.mp4"),
        (["--source", "ftp://host/x"], "ftp://"),
        (["--model", "no such"], "There is no model 'no such'"),
        (["--device", "TPU"], "no device 'TPU'"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str], at_hand: Path
) -> None:
    assert expected in mistake(capsys, *arguments)


def test_an_absent_device_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    from slowfast_live.inference.devices import list_devices

    absent = [device for device in list_devices() if not device.available]
    if not absent:
        pytest.skip("this machine has every kind of device")
    assert absent[0].reason in mistake(capsys, "--device", absent[0].name)


def test_a_log_that_cannot_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "cannot be written" in mistake(capsys, "--session-log", str(tmp_path / "no/such/folder/x.jsonl"))


def test_no_display_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("only X11 and Wayland can be missing")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    line = mistake(capsys)
    assert "No window can be opened" in line and "slowfast-live models" in line
    monkeypatch.setenv("DISPLAY", ":4711")
    assert ":4711 does not answer" in mistake(capsys)
    monkeypatch.setenv("DISPLAY", "not a display")
    assert "does not answer" in mistake(capsys)


def test_displays() -> None:
    assert why_no_display({}, "darwin") == "" and why_no_display({}, "win32") == ""
    assert why_no_display({"QT_QPA_PLATFORM": "offscreen"}, "linux") == ""
    assert "Wayland" in why_no_display({"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": "/nowhere"}, "linux")


def test_devices(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["devices", "--json"]) == 0
    devices = json.loads(capsys.readouterr().out)
    assert {"name", "full_name", "available", "reason"} == set(devices[0])
    assert "CPU" in {d["name"] for d in devices if d["available"]}
    assert cli.main(["devices"]) == 0
    assert "CPU" in capsys.readouterr().out


def test_models(capsys: pytest.CaptureFixture[str], at_hand: Path) -> None:
    assert cli.main(["models", "--json"]) == 0
    models = {model["name"]: model for model in json.loads(capsys.readouterr().out)}
    assert models["tiny-fp32"]["trained"] is False and models["tiny-fp32"]["labels"][0] == "action 0"
    assert Path(models["tiny-fp32"]["folder"]) == at_hand / "tiny-fp32" and models["tiny-fp32"]["size_mb"] > 0
    assert cli.main(["models"]) == 0
    assert "tiny_trained-fp32" in capsys.readouterr().out


def test_a_broken_model_is_named_and_the_others_are_listed(
    capsys: pytest.CaptureFixture[str], at_hand: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half/model.json").write_text("{}")
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", os.pathsep.join([str(tmp_path), str(at_hand)]))
    assert cli.main(["models", "--json"]) == 0
    output = capsys.readouterr()
    assert "half" in output.err and len(json.loads(output.out)) >= 3


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["--version"], ["models", "--help"]):
        with pytest.raises(SystemExit) as end:
            cli.main(arguments)
        assert end.value.code == 0
    text = capsys.readouterr().out
    options = ("--source", "--model", "--device", "--loop", "--mirror", "--threshold", "--session-log", "--quit-after")
    assert all(option in text for option in options)


def test_a_pipe_that_closes_early_is_no_error(at_hand: Path) -> None:
    command = f"{sys.executable} -m slowfast_live models --json | head -c 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)
    assert "Traceback" not in result.stderr
