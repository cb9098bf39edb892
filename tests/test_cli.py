import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slowfast_live import cli, paths
from slowfast_live.display import why_no_display
from slowfast_live.inference.building import install_command


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
        (["models", "sing"], "invalid choice"),
        (["--source", "nowhere.mp4"], f"there is no file {Path('nowhere.mp4').absolute()}"),
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


def test_addresses_of_streams_are_refused_by_analyze_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    line = mistake(capsys, "analyze", "rtsp://me:secret@host/x")
    assert "rtsp://host/x is the address of a stream; expected files and folders" in line and "secret" not in line


def test_analyze_takes_file_addresses_as_the_window_does(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = cli.make_parser().parse_args(["analyze", (tmp_path / "ü b#.mp4").as_uri(), "file://localhost/x", "y"])
    assert options.paths == [tmp_path / "ü b#.mp4", Path("/x"), Path("y")]
    assert "another machine" in mistake(capsys, "analyze", "file://server/x.mp4")


def test_rates_of_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("0", "-1", "x", "nan", "1e9"):
        assert "pictures a second" in mistake(capsys, "analyze", "x", "--picture-rate", wrong)


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


def test_without_models_it_says_what_to_type(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "model_folders", lambda: (tmp_path,))
    assert cli.main(["models", "list"]) == 0
    assert "`slowfast-live models build`" in capsys.readouterr().out
    assert "`slowfast-live models build`" in mistake(capsys, "analyze", str(tmp_path))


def test_models_list_is_models(capsys: pytest.CaptureFixture[str], at_hand: Path) -> None:
    def printed(*words: str) -> str:
        assert cli.main(["models", *words]) == 0
        return capsys.readouterr().out

    assert printed("list") == printed()
    assert printed("list", "--json") == printed("--json") == printed("--json", "list")
    assert printed("list", "--available", "--json") == printed("--available", "--json")


def test_models_that_can_be_built(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "list", "--available", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["slowfast_r50"]["default"] and rows["x3d_s"]["checkpoint"]["url"].startswith("https://")
    assert cli.main(["models", "list", "--available"]) == 0
    assert "x3d_s" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["build", "evaluate", "train", "joint-bench", "render-demo"])
def test_help_names_the_program_that_was_typed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from slowfast_live.tools.convert import cli as script

    word = {"build": [], "train": ["train-demo"]}.get(command, [command])
    for main, words, program in (
        (cli.main, ["models", command], f"slowfast-live models {command}"),
        (script.main, word, " ".join(["build_models.py", *word])),
    ):
        with pytest.raises(SystemExit) as end:
            main([*words, "--help"])
        assert end.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: {program} [-h]")
        with pytest.raises(SystemExit) as end:
            main([*words, "--no-such-option"])
        assert end.value.code == 2
        errors = capsys.readouterr().err
        assert f"{program}: error: " in errors and "Traceback" not in errors


def test_models_build_takes_the_options_of_the_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--list", "--json", "--output", str(tmp_path)]
    assert cli.main(["-v", "models", "build", *words]) == 0
    assert all(row["built"] == {} for row in json.loads(capsys.readouterr().out))
    assert cli.main(["models", "build", "no_such_network", "--progress", "json"]) == 2
    assert json.loads(capsys.readouterr().out)["step"] == "failed"
    assert cli.main(["models", "build", "evaluate"]) == 2  # a command of its own, and no network
    assert "There is no model 'evaluate' to build" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["build x3d_xs", "train"])
def test_without_torch_a_command_says_how_to_install_it(command: str, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'httpx', 'nncf', 'onnx'))); "
        "from slowfast_live.cli import main; sys.exit(main())"
    )
    words = [sys.executable, "-c", code, "models", *command.split()]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert install_command() in done.stderr


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
