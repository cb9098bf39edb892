"""Nothing is written outside the app's own folders: every command runs once in an empty home."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slowfast_live import paths

DEMO = paths.bundled("assets") / "demo.mp4"
APP = (sys.executable, "-m", "slowfast_live")
BUILD = (sys.executable, "-m", "slowfast_live.tools.convert")
OWN = (".config/slowfast-live", ".cache/slowfast-live", ".local/share/slowfast-live")

FILE_DIALOG = """
from PySide6.QtWidgets import QFileDialog
from slowfast_live.ui.app import make_application
app = make_application()
dialog = QFileDialog(None, "Open")
dialog.show()
app.processEvents()
dialog.accept()
del dialog
"""
QUANTISE = """
import warnings
import slowfast_live
warnings.simplefilter("ignore")
import nncf, numpy, openvino, torch
network = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
model = openvino.convert_model(network, input=([1, 4],), example_input=torch.ones(1, 4))
nncf.quantize(model, nncf.Dataset([numpy.ones((1, 4), numpy.float32)] * 2))
"""
PLOTS = "import slowfast_live.tools.evaluation.plots as p; import matplotlib.font_manager"


def written(home: Path, *command: str) -> set[str]:
    """Run a command with an empty home and return what it left there, outside the app's own folders."""
    home.mkdir()
    variables = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
    variables |= {"HOME": str(home), "USERPROFILE": str(home), "QT_QPA_PLATFORM": "offscreen"}
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    ran = subprocess.run(command, env=variables, cwd=paths.ROOT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    found = {path.relative_to(home).as_posix() for path in home.rglob("*") if not path.is_dir()}
    return {name for name in found if not name.startswith(OWN)}


def test_the_window_leaves_nothing_behind(tmp_path: Path) -> None:
    assert not written(tmp_path / "home", *APP, "--source", "demo", "--quit-after", "5")
    assert (tmp_path / "home/.config/slowfast-live/settings.json").is_file()


@pytest.mark.parametrize(
    "command",
    [
        (*APP, "devices"),
        (*APP, "models"),
        (*APP, "bench", "--recommend", "--seconds", "0.1", "--progress", "json"),
        (*APP, "soak", "--minutes", "0.05"),
        (*BUILD, "--list"),
        (sys.executable, "-c", FILE_DIALOG),
    ],
    ids=["devices", "models", "bench", "soak", "list", "file-dialog"],
)
def test_a_command_leaves_nothing_behind(command: tuple[str, ...], tmp_path: Path) -> None:
    assert not written(tmp_path / "home", *command)


def test_an_analysis_writes_only_where_it_was_told_to(tmp_path: Path) -> None:
    assert not written(tmp_path / "home", *APP, "analyze", str(DEMO), "--stride", "5", "--out", str(tmp_path / "out"))
    assert (tmp_path / "out/report.html").is_file()


def test_converting_and_quantising_leave_nothing_behind(tmp_path: Path) -> None:
    for name in ("torch", "nncf"):
        pytest.importorskip(name, reason="building models is not installed")
    assert not written(tmp_path / "home", sys.executable, "-c", QUANTISE)


def test_plots_leave_nothing_behind(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="plots are not installed")
    assert not written(tmp_path / "home", sys.executable, "-c", PLOTS)


def test_a_cache_folder_that_the_user_named_stays() -> None:
    code = "import os, slowfast_live; print(os.environ['MPLCONFIGDIR'])"
    ran = subprocess.run(
        (sys.executable, "-c", code), env={**os.environ, "MPLCONFIGDIR": "/named"}, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "/named"
