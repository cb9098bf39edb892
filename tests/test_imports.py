"""Imports go one way, and what a machine lacks is not asked for. Each in a process of its own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "slowfast_live"
LAYERS = [
    {"errors", "types", "paths", "display", "colours", "letters"},
    {"rules"},
    {"settings", "core"},
    {"sources", "inference"},
    {"export"},
    {"pipeline", "recording"},
    {"session_log", "analysis"},
    {"ui"},
    {"window", "bench", "soak"},
    {"cli"},
    {"__main__"},
]
OFFLINE = {"build", "evaluation", "training"}


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)


def forbid(*modules: str) -> str:
    return f"import sys\nfor name in {modules!r}: sys.modules[name] = None\n"


def test_the_pipeline_needs_no_qt() -> None:
    result = run(
        forbid("PySide6")
        + "import slowfast_live.pipeline, slowfast_live.inference.openvino_backend, slowfast_live.session_log\n"
        + "import slowfast_live.sources.file, slowfast_live.sources.stream, slowfast_live.sources.camera\n"
        + "import slowfast_live.analysis.command, slowfast_live.export.report\n"
        + "import slowfast_live.export.video, slowfast_live.recording.recorder, slowfast_live.recording.replay"
    )
    assert result.returncode == 0, result.stderr


def test_the_app_needs_no_torch() -> None:
    result = run(forbid("torch", "torchvision", "pytorchvideo", "onnx", "nncf") + "import slowfast_live.window")
    assert result.returncode == 0, result.stderr


def test_measuring_a_model_needs_no_torch() -> None:
    result = run(forbid("torch", "torchvision", "onnx", "nncf", "numba") + "import slowfast_live.evaluation.cli")
    assert result.returncode == 0, result.stderr


def test_opencv_does_not_redirect_qt() -> None:
    result = run("import os, cv2, slowfast_live.window; assert 'QT_QPA_PLATFORM_PLUGIN_PATH' not in os.environ")
    assert result.returncode == 0, result.stderr


def test_lists_load_neither_qt_nor_openvino() -> None:
    code = "import sys, slowfast_live.cli as c; c.main(['models'])\n"
    result = run(code + "assert not {'PySide6', 'openvino', 'av'} & set(sys.modules)")
    assert result.returncode == 0, result.stderr


def test_the_window_is_there_before_openvino_is_loaded() -> None:
    result = run("import sys, slowfast_live.window\nassert not {'openvino', 'av', 'pyqtgraph'} & set(sys.modules)")
    assert result.returncode == 0, result.stderr


def imported_rooms(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "slowfast_live" else [f"slowfast_live.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("slowfast_live.")}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    imports = imported_rooms(path) - {room, "__version__"}
    if room in OFFLINE:
        assert not imports & {"ui", "window", "cli"}
        assert room != "evaluation" or "training" not in imports
        return
    level = next(i for i, layer in enumerate(LAYERS) if room in layer)
    allowed = set().union(*LAYERS[:level])
    assert not imports - allowed, f"{path.name} in {room} imports {sorted(imports - allowed)}"
    assert not imports & OFFLINE


def test_openvino_is_imported_in_one_place() -> None:
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        if room not in {"inference", "bench", "build", "training"}:
            assert "import openvino" not in path.read_text(), path


def test_nobody_is_told_that_a_model_is_built() -> None:
    result = run(
        "import sys, warnings, slowfast_live.build\n"
        "warnings.simplefilter('ignore')\n"
        "import nncf.telemetry.wrapper, openvino.tools.ovc\n"
        "assert sys.modules['openvino_telemetry'] is None"
    )
    assert result.returncode == 0, result.stderr
