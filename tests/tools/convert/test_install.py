"""The build tools in an environment of their own: a real one, with a real wheel from a folder."""

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from slowfast_live.inference import build_tools
from slowfast_live.tools.convert import install

NAME = "slowfast_live_probe"
pytestmark = pytest.mark.timeout(300)


def make_wheel(folder: Path, version: str = "1.0") -> None:
    """Write a wheel with one module."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{NAME}-{version}.dist-info"
    files = {
        f"{NAME}.py": "VALUE = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(text)}")
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    with zipfile.ZipFile(folder / f"{NAME}-{version}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def run(folder: Path, wheels: Path, *more: str) -> int:
    return install.main(
        ["--folder", str(folder), "--wheels", str(wheels), "--requirement", NAME, "--needed", NAME, *more]
    )


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_they_are_installed_from_a_folder_without_the_internet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, wheels = tmp_path / "tools", tmp_path / "wheels"
    make_wheel(wheels)
    assert not build_tools.is_ready(folder)
    assert run(folder, wheels) == 0
    steps = told(capsys)
    assert steps[0]["step"] == "environment" and steps[-1]["step"] == "done"
    fractions = [float(str(one["fraction"])) for one in steps]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert build_tools.is_ready(folder)
    python = build_tools.python_of(folder)
    code = f"import {NAME}, msgspec, openvino, slowfast_live; print({NAME}.VALUE, msgspec.__file__)"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("42 ") and str(folder) not in done.stdout, "the app's packages are used, not copied"
    # What is complete stays so; a second run installs nothing anew.
    assert run(folder, wheels) == 0
    assert not any("Installing collected" in str(one["message"]) for one in told(capsys))


def test_what_cannot_be_installed_is_said_and_the_next_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, wheels = tmp_path / "tools", tmp_path / "wheels"
    wheels.mkdir()
    assert run(folder, wheels) == 1
    last = told(capsys)[-1]
    assert last["step"] == "failed" and f"from {wheels}" in str(last["message"]) and NAME in str(last["message"])
    assert not build_tools.is_ready(folder)
    make_wheel(wheels)
    assert run(folder, wheels) == 0
    assert build_tools.is_ready(folder)


def test_a_folder_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "tools", tmp_path / "nothing") == 1
    assert "There is no folder" in str(told(capsys)[-1]["message"])
    (tmp_path / "file").write_text("x")
    make_wheel(tmp_path / "wheels")
    assert run(tmp_path / "file" / "tools", tmp_path / "wheels") == 1
    assert "cannot be installed in" in str(told(capsys)[-1]["message"])


def test_what_is_incomplete_or_of_another_version_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = build_tools.python_of(tmp_path)
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setattr(build_tools, "missing_packages", lambda: ["torch"])
    assert build_tools.build_python(tmp_path) == sys.executable
    mark = tmp_path / build_tools.MARK
    mark.write_text(json.dumps({**build_tools.mark_of(), "app": "0.0"}))
    assert not build_tools.is_ready(tmp_path)
    mark.write_text(json.dumps(build_tools.mark_of()))
    assert build_tools.build_python(tmp_path) == str(python)
    monkeypatch.setattr(build_tools, "missing_packages", list)
    assert build_tools.build_python(tmp_path) == sys.executable, "what the app has itself is used"
    mark.write_text("half a fi")
    assert not build_tools.is_ready(tmp_path)


def test_the_requirements_are_those_of_the_extra() -> None:
    names = {one.split(">")[0].split("=")[0] for one in install.build_requirements()}
    assert {"torch", "nncf", "onnx", "pytorchvideo"} <= names
