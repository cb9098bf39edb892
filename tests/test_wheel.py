"""The wheel is whole: it is built, unpacked away from the clone, and started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder)]
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", str(ROOT), *options], capture_output=True, text=True, timeout=240
    )
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return file


def test_it_holds_the_model_and_the_demo_and_no_more(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    bundled = "slowfast_live/_bundled"
    for name in (
        f"{bundled}/models/slowfast_demo-int8/model.bin",
        f"{bundled}/models/slowfast_demo-int8/model.json",
        f"{bundled}/assets/demo.mp4",
        "slowfast_live/py.typed",
        "slowfast_live/export/templates/report.html.j2",
    ):
        assert name in names
    assert not [name for name in names if name.startswith("tests") or "__pycache__" in name]
    assert {name.split("/")[0] for name in names} == {"slowfast_live", wheel.name.split("-py3")[0] + ".dist-info"}


def test_it_starts_where_no_clone_is(wheel: Path, tmp_path: Path) -> None:
    unpacked, home, log = tmp_path / "site", tmp_path / "home", tmp_path / "log.jsonl"
    home.mkdir()
    zipfile.ZipFile(wheel).extractall(unpacked)
    keep = {key: value for key, value in os.environ.items() if not key.startswith(("SLOWFAST_", "XDG_"))}
    environment = {**keep, "PYTHONPATH": str(unpacked), "HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    code = "import sys, slowfast_live.paths as p; print(p.ROOT); from slowfast_live.cli import main; sys.exit(main())"
    started = subprocess.run(
        [sys.executable, "-c", code, "--source", "demo", "--session-log", str(log), "--quit-after", "20"],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert started.returncode == 0, started.stderr
    assert started.stdout.strip() == str(unpacked.resolve())
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert any(record.get("label") for record in records), records[-1]


def test_building_goes_to_the_user_and_names_the_extra(wheel: Path, tmp_path: Path) -> None:
    unpacked, home = tmp_path / "site", tmp_path / "home"
    home.mkdir()
    zipfile.ZipFile(wheel).extractall(unpacked)
    keep = {key: value for key, value in os.environ.items() if not key.startswith(("SLOWFAST_", "XDG_"))}
    environment = {**keep, "PYTHONPATH": str(unpacked), "HOME": str(home)}
    code = "import sys; sys.modules['torch'] = None; from slowfast_live.cli import main; sys.exit(main())"

    def started(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, "models", *words],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    listed = started("list", "--available")
    assert listed.returncode == 0 and "slowfast_r50" in listed.stdout, listed.stderr
    assert str(unpacked) not in listed.stdout
    built = started("build", "x3d_xs")
    assert built.returncode == 1 and '-m pip install "slowfast-live[build]"' in built.stderr, built.stderr
    assert str(unpacked) not in built.stderr
