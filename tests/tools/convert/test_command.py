"""The whole command, from a checkpoint on a server to a model that runs."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
import torch

from slowfast_live import paths
from slowfast_live.inference import model_folders
from slowfast_live.inference import spec as specs
from slowfast_live.inference.building import install_command
from slowfast_live.tools.convert import builder, catalogue, cli, compare, compare_int8, download, networks
from slowfast_live.tools.convert.cache import cached_path
from slowfast_live.tools.convert.catalogue import CATALOGUE
from slowfast_live.tools.convert.clips import drawn
from slowfast_live.tools.convert.random_weights import randomize

from .server import Behaviour

ROOT = Path(__file__).resolve().parents[3]
FEW = ["--calibration-clips", "3", "--evaluation-clips", "2"]
TINY = [
    *("slowfast_r50", "--name", "tiny", "--classes", "6", "--random-weights"),
    *(f"--variant={v}" for v in ("width=16", "depth=18", "side=64", "frames=4", "lateral_kernel=5")),
]

# Warnings of libraries, each with its reason; everything else stays an error.
pytestmark = [
    # NNCF 3 still asks OpenVINO's nodes in a way that newer NumPy deprecates.
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:nncf.*"),
]


@pytest.fixture(autouse=True)
def hasty(isolated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.Patience, "__init__", _hasty)


def _hasty(self: download.Patience) -> None:
    for name, value in {"connect_s": 5.0, "read_s": 5.0, "attempts": 3, "pause_s": 0.0}.items():
        object.__setattr__(self, name, value)


@pytest.fixture(scope="module")
def x3d_xs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A checkpoint as the zoo has it, and the network that it was made from."""
    entry = CATALOGUE["x3d_xs"]
    net = networks.build(entry)
    network = networks.adapt(net, entry)
    randomize(network, drawn(entry.clip, 2, seed=9), 9)
    path = tmp_path_factory.mktemp("zoo") / "X3D_XS.pyth"
    torch.save({"model_state": net.state_dict(), "epoch": 300}, path)
    return path, network


@pytest.fixture
def server(server: tuple[str, Behaviour], monkeypatch: pytest.MonkeyPatch) -> tuple[str, Behaviour]:
    """X3D-XS has its weights there."""
    served = dataclasses.replace(CATALOGUE["x3d_xs"], url=f"{server[0]}/kinetics/X3D_XS.pyth")
    monkeypatch.setitem(catalogue.CATALOGUE, "x3d_xs", served)
    return server


def run(output: Path, *words: str) -> int:
    return cli.main([*words, *FEW, "--output", str(output), "--progress", "json"])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_from_a_published_checkpoint_to_models_that_run(
    tmp_path: Path,
    x3d_xs: tuple[Path, Any],
    server: tuple[str, Behaviour],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (path, network), (address, behavior) = x3d_xs, server
    behavior.content = path.read_bytes()
    behavior.cut_after = [1_000_000]  # the connection is cut once; the download goes on
    models = tmp_path / "models"

    words = ["x3d_xs", *(f"--precision={p}" for p in cli.PRECISION_NAMES)]
    report = tmp_path / "report.json"
    assert run(models, *words, "--report", str(report)) == 0
    said = lines(capsys)
    assert entries(models) == ["x3d_xs-fp16", "x3d_xs-fp32", "x3d_xs-int8"]
    assert behavior.requests[1]["Range"].startswith("bytes=")
    assert {"step", "model", "precision", "fraction", "message"} == set(said[0])
    fractions = [line["fraction"] for line in said if line["step"] != "download"]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert [line["precision"] for line in said if line["step"] == "done"] == ["FP32", "FP16", "INT8"]

    clips = drawn(CATALOGUE["x3d_xs"].clip, 2, seed=77)
    reference = compare.run_torch(network, clips)
    for precision, limit in (("fp32", 1e-3), ("fp16", 1e-2), ("int8", None)):
        folder = models / f"x3d_xs-{precision}"
        spec = specs.load(folder)
        assert spec.trained and spec.precision == precision.upper() and spec.name == folder.name
        assert spec.origin["url"].startswith(address) and len(spec.origin["sha256"]) == 64
        assert spec.accuracy[0].value == 69.12 and spec.licence == "Apache-2.0"
        assert spec.labels == catalogue.kinetics400() and spec.features == 2048
        assert spec.parity["clips_from"] == "drawn moving patterns, no real video"
        outputs = compare.run_ir(folder / specs.IR_FILE, clips, exact=True)
        assert outputs.probabilities.shape == (2, 400) and outputs.features.shape == (2, 2048)
        if limit is not None:
            assert compare.difference(reference, outputs).logit_error <= limit
            assert spec.parity["preprocessing"] <= 1e-5
        else:
            assert spec.parity["calibrated_on"] == "demo.mp4"  # the one video that comes with the app
        model = ov.Core().read_model(folder / specs.IR_FILE)
        assert list(model.input("clip").shape) == [1, 4, 182, 182, 3]
        assert model.input("clip").element_type == ov.Type.u8
        inside = specs.decode(model.get_rt_info(["slowfast_live"]).astype(str), "rt_info")
        assert inside == dataclass_replace(spec, parity={}, accuracy=())
    sizes = {p: (models / f"x3d_xs-{p}" / specs.WEIGHTS_FILE).stat().st_size for p in cli.PRECISION_NAMES}
    assert sizes["int8"] < sizes["fp16"] < 0.6 * sizes["fp32"]
    assert set(json.loads(report.read_text())["parity"]["x3d_xs"]["precisions"]) == {"FP32", "FP16", "INT8"}
    assert cli.main(["--table", str(report)]) == 0
    assert "| `x3d_xs` | 2 |" in capsys.readouterr().out

    # A second run builds nothing, says so, and asks the server for nothing.
    asked = len(behavior.requests)
    assert run(models, *words) == 0
    again = lines(capsys)
    assert [line["step"] for line in again] == ["skip"] * 3
    assert "is up to date" in again[0]["message"] and len(behavior.requests) == asked

    # What was downloaded is checked at every later use.
    cached = cached_path(f"{address}/kinetics/X3D_XS.pyth")
    cached.write_bytes(cached.read_bytes()[:-1] + b"!")
    assert run(tmp_path / "other", "x3d_xs") == cli.FAILED
    assert "has changed since it was downloaded" in lines(capsys)[-1]["message"]
    assert entries(tmp_path / "other") == []


def dataclass_replace(spec: specs.ModelSpec, **changes: Any) -> specs.ModelSpec:
    import msgspec

    return msgspec.structs.replace(spec, **changes)


def test_a_missing_checkpoint_is_one_clear_error(
    tmp_path: Path, server: tuple[str, Behaviour], capsys: pytest.CaptureFixture[str]
) -> None:
    address, behavior = server
    behavior.status = 404
    assert run(tmp_path / "models", "x3d_xs") == cli.FAILED
    last = lines(capsys)[-1]
    assert last["step"] == "failed"
    for part in (f"{address}/kinetics/X3D_XS.pyth", "404", str(tmp_path / "cache"), "--checkpoint"):
        assert part in last["message"]
    assert entries(tmp_path / "models") == []


def test_a_malicious_checkpoint_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"model_state": {"w": torch.zeros(1)}, "x": print}, tmp_path / "X3D_XS.pyth")
    assert run(tmp_path / "models", "x3d_xs", "--checkpoint", str(tmp_path / "X3D_XS.pyth")) == cli.FAILED
    assert "X3D_XS.pyth was refused" in lines(capsys)[-1]["message"]
    assert entries(tmp_path / "models") == []


def test_a_narrow_slowfast_is_built_and_cannot_be_mistaken_for_a_trained_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    assert run(models, *TINY) == 0
    assert entries(models) == ["tiny-untrained-fp16", "tiny-untrained-int8"]
    spec = specs.load(models / "tiny-untrained-fp16")
    assert not spec.trained and "untrained" in spec.title and "knows nothing" in spec.origin["note"]
    assert spec.accuracy == () and spec.labels == tuple(f"class {i}" for i in range(6))
    assert spec.parity["ir"]["logit_error"] <= 1e-2 and spec.parity["preprocessing"] <= 1e-5
    assert (spec.clip.frames, spec.clip.stride, spec.clip.side, spec.alpha) == (16, 2, 64, 4)

    # The same seed gives the same model; another seed is another model.
    first = (models / "tiny-untrained-fp16" / specs.WEIGHTS_FILE).read_bytes()
    assert run(tmp_path / "same", *TINY, "--precision=fp16") == 0
    assert (tmp_path / "same" / "tiny-untrained-fp16" / specs.WEIGHTS_FILE).read_bytes() == first
    capsys.readouterr()
    assert run(models, *TINY, "--precision=fp16", "--seed", "5") == 0
    assert [line["step"] for line in lines(capsys)][-1] == "done"
    assert (models / "tiny-untrained-fp16" / specs.WEIGHTS_FILE).read_bytes() != first


def test_an_own_checkpoint_with_own_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from slowfast_live.tools.convert.slowfast import SlowFast

    _, config = networks.variant(CATALOGUE["slowfast_r50"], [w[10:] for w in TINY if w[:10] == "--variant="])
    network = SlowFast(dataclasses.replace(config, num_classes=2))
    torch.save(network.state_dict(), tmp_path / "mine.pth")
    (tmp_path / "labels.txt").write_text("wave\n\nnod\n", encoding="utf-8")
    words = [w for w in TINY if w not in ("--random-weights", "--classes", "6")]
    given = [*words, "--checkpoint", str(tmp_path / "mine.pth"), "--precision=fp16"]
    assert run(tmp_path / "models", *given, "--labels", str(tmp_path / "labels.txt")) == 0
    spec = specs.load(tmp_path / "models" / "tiny-fp16")
    assert spec.labels == ("wave", "nod") and spec.trained
    assert spec.title.startswith("tiny: ") and spec.title.endswith("own weights")
    assert spec.accuracy == () and spec.licence == "" and spec.origin["file"] == "mine.pth"
    capsys.readouterr()
    assert run(tmp_path / "models", *given, "--classes", "3") == cli.FAILED
    assert "does not fit this network: of another shape" in lines(capsys)[-1]["message"]


@pytest.mark.parametrize("when", ["export", "quantise", "swap"])
def test_an_interrupted_build_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], when: str
) -> None:
    models = tmp_path / "models"
    if when == "swap":
        assert run(models, *TINY, "--precision=fp16") == 0
    before = entries(models)
    place = {
        "export": (builder.export, "to_openvino"),
        "quantise": (builder.quantize, "quantize"),
        "swap": (builder.export, "describe"),
    }[when]

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(*place, interrupt)
    precision = "int8" if when == "quantise" else "fp16"
    assert run(models, *TINY, f"--precision={precision}", "--seed", "8") == cli.INTERRUPTED
    assert entries(models) == before
    if before:
        assert specs.load(models / before[0]).origin["note"].startswith("random weights, seed 0")


def test_what_a_killed_build_left_is_cleared_away(tmp_path: Path) -> None:
    finished = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True)
    dead = tmp_path / f".building-{finished.stdout.decode().strip()}-x3d_xs-1"
    alive = tmp_path / f".building-{os.getppid()}-x3d_xs-1"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "model.bin").touch()
    model_folders.clear_leftovers(tmp_path)
    assert entries(tmp_path) == [alive.name]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["slow_fast"], "There is no model 'slow_fast' to build"),
        (["x3d_xs", "--all"], "Give names or --all"),
        (["x3d_xs", "x3d_s", "--checkpoint", "a.pyth"], "--checkpoint belongs to one model"),
        (["x3d_xs", "--labels", "gone.txt"], "The labels gone.txt cannot be read"),
        (["x3d_xs", "--classes", "3"], "describe your own checkpoint"),
        (["x3d_xs", "--random-weights", "--classes", "0"], "from 1 to 100,000, not 0"),
        (["x3d_xs", "--random-weights", "--name", "my model"], "--name takes letters"),
        (["x3d_xs", "--random-weights", "--checkpoint", "a"], "not both"),
        (["x3d_xs", "--calibration", "gone"], "There is no file or folder gone"),
        (["slowfast_r50", "--variant", "alpha=8"], "--variant needs --name"),
    ],
)
def test_misuse_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert run(tmp_path, *words) == cli.MISUSED
    assert message in lines(capsys)[-1]["message"]


def test_a_result_that_is_too_far_from_torch_is_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(compare.LIMITS, "FP16", 1e-9)
    assert run(tmp_path / "models", *TINY, "--precision=fp16") == cli.FAILED
    assert "FP16 result differs from torch by" in lines(capsys)[-1]["message"]
    assert entries(tmp_path / "models") == []


def test_the_list_needs_no_torch_and_says_what_is_there(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(('torch', 'httpx', 'nncf', 'onnx'))); "
        "from slowfast_live.tools.convert.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = [sys.executable, "-c", program, "--list", "--json", "--output", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, cwd=ROOT, check=True)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows.keys() == CATALOGUE.keys()
    assert rows["slowfast_r50"]["default"] and rows["slowfast_r50"]["built"] == {}
    assert rows["x3d_m"]["checkpoint"]["url"] == CATALOGUE["x3d_m"].url
    # Where torch is missing, building says how to install it.
    words = [sys.executable, "-c", program, "x3d_xs", "--output", str(tmp_path), "--progress", "json"]
    done = subprocess.run(words, capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == cli.FAILED
    assert install_command() in json.loads(done.stdout.splitlines()[-1])["message"]


def test_the_script_lists_models(tmp_path: Path) -> None:
    words = [sys.executable, str(ROOT / "build_models.py"), "--list", "--output", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, check=True, env=None)
    assert b"X3D-M" in done.stdout or b"x3d_m" in done.stdout


def test_quantized_models_are_compared_way_by_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    all_ways = compare_int8.ways
    monkeypatch.setattr(compare_int8, "ways", lambda entry, **more: [*all_ways(entry)[:2], all_ways(entry, **more)[-1]])
    report = tmp_path / "report.json"
    assert run(tmp_path / "models", *TINY, "--compare-int8", "--accuracy-aware", "--report", str(report)) == 0
    ways = json.loads(report.read_text())["int8"]["slowfast_r50"]["ways"]
    assert ways[0]["title"].startswith("FP16") and sum(way.get("used", False) for way in ways) == 1
    assert [way["title"] for way in ways[1:]] == [
        "mixed, first convolutions rounded to suit the clips",
        "performance, first convolutions rounded to suit the clips",
        "mixed, first convolutions rounded to suit the clips, accuracy-aware to KL 0.01",
    ]
    # Killed half-way, it goes on with what the report lacks.
    monkeypatch.setattr(compare_int8, "ways", lambda entry, **more: all_ways(entry)[:3])
    quantized: list[str] = []
    quantize = builder.quantize.quantize

    def counted(model: Any, windows: Any, recipe: Any, *rest: Any) -> Any:
        quantized.append(recipe.title)
        return quantize(model, windows, recipe, *rest)

    monkeypatch.setattr(builder.quantize, "quantize", counted)
    assert run(tmp_path / "models", *TINY, "--compare-int8", "--report", str(report)) == 0
    assert quantized == [all_ways(CATALOGUE["slowfast_r50"])[2].title]
    assert len(all_ways(CATALOGUE["slowfast_r50"])) == 6
    assert all(
        np.isfinite(way["drift"]["mean_kl"] + way["choosing"]["mean_kl"]) and way["infer_ms"] > 0 for way in ways
    )
    assert entries(tmp_path / "models") == []


def test_what_was_built_by_an_older_recipe_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def steps() -> list[str]:
        assert run(tmp_path, *TINY, "--precision=fp16") == 0
        return [line["step"] for line in lines(capsys)]

    assert steps()[-1] == "done"
    assert steps() == ["skip"]
    monkeypatch.setattr(builder, "RECIPE_VERSION", builder.RECIPE_VERSION + 1)
    assert steps()[-1] == "done"
    assert steps() == ["skip"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["x3d_xs", "--checkpoint", "gone.pyth"], 1),
        (["no_such_model"], 2),
        (["--no-such-option"], 2),
        (["x3d_xs", "--table", "gone.json"], 2),
    ],
)
def test_the_script_ends_with_the_status_of_what_went_wrong(tmp_path: Path, words: list[str], status: int) -> None:
    command = [sys.executable, str(ROOT / "build_models.py"), *words, "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == status
    assert b"Traceback" not in done.stderr and words[-1].encode() in done.stderr


def test_drift_that_is_large_is_said_with_what_to_use_instead() -> None:
    calm = {"ir_default": {"top1_agreement": 1.0, "mean_kl": 0.001}}
    wild = {"ir_default": {"top1_agreement": 0.5, "mean_kl": 0.2}}
    assert builder.drift_warning("INT8", calm) == ""
    assert "50 %" in builder.drift_warning("INT8", wild) and "FP16" in builder.drift_warning("INT8", wild)
    assert builder.drift_warning("FP16", wild) == ""


def test_a_model_that_came_with_the_app_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = paths.bundled
    monkeypatch.setattr(paths, "bundled", lambda kind: tmp_path / kind if kind == "models" else bundled(kind))
    theirs = tmp_path / "models" / "tiny-untrained-int8"
    theirs.mkdir(parents=True)
    (theirs / specs.CARD_FILE).touch()
    assert run(tmp_path / "models", *TINY) == cli.MISUSED
    assert "tiny-untrained-int8 came with the app" in lines(capsys)[-1]["message"]
    assert entries(theirs) == [specs.CARD_FILE]


def test_a_folder_or_report_of_somebody_else_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is built: a folder with the model's name, a description of another program, a JSON file."""
    folder = tmp_path / "models" / "tiny-untrained-fp32"
    for content in ('{"name": "theirs"}', "notes"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.json").write_text(content)
        assert run(tmp_path / "models", *TINY, "--precision", "fp32") == cli.MISUSED
        assert f"{folder} exists and was not built by this program" in lines(capsys)[-1]["message"]
        assert [path.name for path in folder.iterdir()] == ["model.json"]
        assert (folder / "model.json").read_text() == content
    (tmp_path / "package.json").write_text('{"name": "theirs"}')
    assert run(tmp_path / "new", *TINY, "--report", str(tmp_path / "package.json")) == cli.MISUSED
    assert (tmp_path / "package.json").read_text() == '{"name": "theirs"}' and not (tmp_path / "new").exists()


def test_what_lies_beside_a_model_survives_a_new_one(tmp_path: Path) -> None:
    for name, files in (("old", ("model.xml", "notes.txt")), ("new", ("model.xml",))):
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text(name)
    model_folders.swap(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "model.xml").read_text() == "new"
    assert (tmp_path / "old" / "notes.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
