"""Imports go one way, and what a machine lacks is not asked for. Each in a process of its own."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from slowfast_live.tools.docs.__main__ import STRUCTURE
from slowfast_live.tools.docs.structure import (
    LAYERS,
    OFFLINE,
    PACKAGE,
    arrows,
    file_arrows,
    imports,
    module_parts,
    picture,
    room_of,
)


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
        + "import slowfast_live.sessions.store, slowfast_live.sessions.identity\n"
        + "import slowfast_live.export.video, slowfast_live.recording.recorder, slowfast_live.recording.replay"
    )
    assert result.returncode == 0, result.stderr


def test_the_app_needs_no_torch() -> None:
    result = run(forbid("torch", "torchvision", "pytorchvideo", "onnx", "nncf") + "import slowfast_live.window")
    assert result.returncode == 0, result.stderr


def test_measuring_a_model_needs_no_torch() -> None:
    result = run(forbid("torch", "torchvision", "onnx", "nncf", "numba") + "import slowfast_live.tools.evaluation.cli")
    assert result.returncode == 0, result.stderr


def test_opencv_does_not_redirect_qt() -> None:
    result = run("import os, cv2, slowfast_live.window; assert 'QT_QPA_PLATFORM_PLUGIN_PATH' not in os.environ")
    assert result.returncode == 0, result.stderr


def test_lists_load_neither_qt_nor_openvino() -> None:
    code = "import sys, slowfast_live.cli as c; c.main(['models'])\n"
    result = run(code + "assert not {'PySide6', 'openvino', 'av'} & set(sys.modules)")
    assert result.returncode == 0, result.stderr


def test_the_window_is_there_before_openvino_is_loaded() -> None:
    result = run("import sys, slowfast_live.window\nassert not {'openvino', 'av'} & set(sys.modules)")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(module_parts(path))
    if room in {"__init__", "tools"}:
        return
    rooms = {room_of(parts) for parts in imports(path)} - {room, "__init__", "__version__"}
    if room in OFFLINE:
        assert not rooms & {"ui", "window", "cli"}
        return
    level = next(i for i, layer in enumerate(LAYERS) if room in layer)
    allowed = set().union(*LAYERS[:level]) if level else set(LAYERS[0][: LAYERS[0].index(room)])
    if room == "cli":  # `slowfast-live models` runs them, each imported only when it is asked for
        allowed |= set(OFFLINE)
    assert not rooms - allowed, f"{path.name} in {room} imports {sorted(rooms - allowed)}"


@pytest.mark.parametrize("wings", [False, True])
def test_no_rooms_import_each_other(wings: bool) -> None:
    list(TopologicalSorter(arrows(wings)).static_order())


def test_no_files_import_each_other() -> None:
    list(TopologicalSorter(file_arrows()).static_order())


def test_the_picture_of_the_structure_is_that_of_the_code() -> None:
    assert STRUCTURE.read_text(encoding="utf-8") == picture(), "python -m slowfast_live.tools.docs structure"


def test_openvino_is_imported_only_where_models_run_or_are_built() -> None:
    for path in PACKAGE.rglob("*.py"):
        if room_of(module_parts(path)) not in {
            "inference",
            "teaching",
            "tools.bench",
            "tools.convert",
            "tools.training",
        }:
            assert "import openvino" not in path.read_text(), path


def test_nobody_is_told_that_a_model_is_built() -> None:
    result = run(
        "import sys, warnings, slowfast_live.tools.convert\n"
        "warnings.simplefilter('ignore')\n"
        "import nncf.telemetry.wrapper, openvino.tools.ovc\n"
        "assert sys.modules['openvino_telemetry'] is None"
    )
    assert result.returncode == 0, result.stderr


def test_no_class_name_stands_for_two_things() -> None:
    places: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    assert not {name: found for name, found in places.items() if len(found) > 1}
