"""400 actions by one button, in the real window; the programs behind it are stand-ins."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from slowfast_live.inference.spec import Registry
from slowfast_live.types import Level, Notice, Topic
from slowfast_live.ui.models import kinetics_dialog
from slowfast_live.ui.models.kinetics_dialog import KineticsDialog
from slowfast_live.ui.models.kinetics_offers import BUNDLED, make_offers, recommended
from slowfast_live.ui.models.kinetics_setup import SetupEnd
from slowfast_live.ui.models.model_builder import BuildTools
from slowfast_live.ui.models.model_catalogue import Buildable, Checkpoint
from tests.ui.models import fake_build, fake_check, fake_install
from tests.ui.models.conftest import Bench, tools

NOTICES: dict[Bench, list[Notice]] = {}
MakeBench = Callable[..., Bench]


def made(make_bench: MakeBench, build: str = "well", check: str = "400", install: str = "", **more: object) -> Bench:
    """A window whose page is open; with `install` the build tools are missing."""
    bench = make_bench(build, opened=False, **more)
    if install:
        folder = bench.output.parent / "build-tools"
        bench.builder.tools = dataclasses.replace(
            bench.builder.tools,
            needed=("no_such_package",),
            install=(sys.executable, fake_install.__file__, install, str(folder)),
            tools=folder,
        )
    NOTICES[bench] = []
    bench.window.dialogs.notice.connect(NOTICES[bench].append)
    bench.window.dialogs.machine_check._words = (sys.executable, fake_check.__file__, check)
    bench.trigger("recognize_400")
    bench.wait(lambda: page(bench).choices)
    return bench


def page(bench: Bench) -> KineticsDialog:
    dialog = bench.window.dialogs.kinetics
    assert dialog is not None
    return dialog


def ends(bench: Bench) -> list[SetupEnd]:
    found: list[SetupEnd] = []
    bench.window.dialogs.setup.finished.connect(found.append)
    return found


def told(bench: Bench) -> list[Notice]:
    """What the window was told of builds."""
    return [notice for notice in NOTICES[bench] if notice.topic is Topic.BUILD]


def click(bench: Bench) -> None:
    bench.qtbot.mouseClick(page(bench).start, Qt.MouseButton.LeftButton)


def test_one_button_sets_up_everything(make_bench: MakeBench) -> None:
    bench = made(make_bench, install="well")
    dialog = page(bench)
    assert "build tools" in dialog.tools.text() and dialog.tools.isVisible()
    assert dialog.chosen is not None and dialog.chosen.name == "x3d_s"
    ended, steps = ends(bench), []
    bench.window.dialogs.setup.progress.connect(lambda progress: steps.append(progress))
    click(bench)
    assert dialog.stop.isVisible() and not dialog.start.isVisible() and dialog.bar.isVisible()
    bench.wait(lambda: ended)
    assert ended[0].done, ended[0]
    assert "2 actions are recognized" in ended[0].message and "80.0 predictions a second" in ended[0].message
    model, device = bench.pipeline.last("use_model")
    assert (model.name, device) == ("x3d_s-fp16", "CPU"), "INT8 is faster, and not faithful"
    texts = [step.text for step in steps]
    assert any("torch" in text for text in texts) and "Downloading 15.3 of 30.6 MB." in texts
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    bench.wait(lambda: not bench.live.background.busy)
    assert not dialog.tools.isVisible() and dialog.start.text() == "Use it"
    assert bench.words()[0] == "x3d_s"
    click(bench)
    assert bench.pipeline.last("use_model")[0].name == "x3d_s-int8"


def test_it_is_cancelled_and_goes_on(make_bench: MakeBench) -> None:
    bench = made(make_bench, install="waits")
    dialog, ended = page(bench), ends(bench)
    click(bench)
    bench.wait(lambda: "torch" in dialog.says.text())
    bench.qtbot.mouseClick(dialog.stop, Qt.MouseButton.LeftButton)
    bench.wait(lambda: ended)
    assert ended[0].cancelled and dialog.start.text() == "Go on" and dialog.start.isVisible()
    go = bench.output.parent / "build-tools" / "go"
    go.parent.mkdir(exist_ok=True)
    go.touch()
    click(bench)
    bench.wait(lambda: len(ended) == 2)
    assert ended[1].done, ended[1]


def test_a_build_is_cancelled(make_bench: MakeBench) -> None:
    bench = made(make_bench, build="hangs")
    ended = ends(bench)
    click(bench)
    bench.wait(lambda: "Exporting" in page(bench).says.text())
    page(bench).stop.click()
    bench.wait(lambda: ended)
    assert ended[0].cancelled and not ended[0].done and not list(bench.output.glob("x3d*"))
    assert not told(bench)


@pytest.mark.parametrize(
    ("build", "install", "message"),
    [("fails", "", "12 tensors are missing"), ("well", "fails", "no route to host"), ("crashes", "", "no memory left")],
)
def test_a_failure_is_said_and_tried_again(make_bench: MakeBench, build: str, install: str, message: str) -> None:
    bench = made(make_bench, build=build, install=install)
    dialog, ended = page(bench), ends(bench)
    click(bench)
    bench.wait(lambda: ended)
    assert not ended[0].done and message in dialog.says.text() and dialog.start.text() == "Try again"
    assert dialog.show_details.isVisible()
    assert not told(bench), "the open page shows it itself"
    bench.builder.tools = tools("well", bench.output)
    click(bench)
    bench.wait(lambda: len(ended) == 2)
    assert ended[1].done


def test_a_closed_page_goes_on_and_tells_the_window(make_bench: MakeBench) -> None:
    bench = made(make_bench, build="fails")
    ended = ends(bench)
    click(bench)
    page(bench).close()
    bench.wait(lambda: ended)
    assert [(notice.level, notice.command) for notice in told(bench)] == [(Level.ERROR, "recognize_400")]


def test_without_the_internet_from_a_file_of_weights(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = made(make_bench)
    weights = tmp_path / "stick" / "X3D_M.pyth"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    ended = ends(bench)
    page(bench).use_file(weights)
    bench.wait(lambda: ended)
    assert ended[0].done and bench.words()[0] == "x3d_m", "the published file selects its network"
    assert bench.words()[bench.words().index("--checkpoint") + 1] == str(weights)


def test_build_tools_from_a_folder_beside_the_file(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = made(make_bench, install="well")
    (tmp_path / "wheels").mkdir()
    weights = tmp_path / "X3D_S.pyth"
    weights.write_bytes(b"weights")
    ended, lines = ends(bench), []
    bench.window.dialogs.setup._tools.logged.connect(lines.extend)
    page(bench).use_file(weights)
    bench.wait(lambda: ended)
    assert ended[0].done and any("--wheels" in line and "wheels" in line for line in lines)


def test_models_built_elsewhere_need_no_build_tools(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = made(make_bench, install="fails")
    fake_build.write("x3d_s", tmp_path / "other", "fp16")
    archive = tmp_path / "models.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in (tmp_path / "other").rglob("*"):
            packed.write(file, file.relative_to(tmp_path / "other"))
    ended = ends(bench)
    page(bench).use_file(archive)
    bench.wait(lambda: ended)
    assert ended[0].done, ended[0]
    assert bench.pipeline.last("use_model")[0].name == "x3d_s-fp16"
    page(bench).use_file(archive)
    bench.wait(lambda: len(ended) == 2)
    assert "x3d_s-fp16 already" in ended[1].message


def entry(name: str, top1: float, downloaded: bool = False) -> Buildable:
    return Buildable(
        name, name.upper(), "X3D", 13, 6, 182, 3.79, Checkpoint("https://x/y.pyth", downloaded=downloaded), top1=top1
    )


ENTRIES = [entry("slowfast_r50", 76.94), entry("x3d_m", 75.94), entry("x3d_s", 73.33, True), entry("mvit_v2_s", 80.8)]


def test_what_is_recommended_follows_from_what_was_measured() -> None:
    def best(bundled_ms: float | None) -> str:
        found = recommended(make_offers(ENTRIES, [], bundled_ms))
        assert found is not None
        return found.name

    assert best(2.8) == "slowfast_r50", "as measured on the machine of docs/measurements.md: 5.4 a second"
    assert best(10.0) == "x3d_m"
    assert best(25.0) == "x3d_s"
    assert best(500.0) == best(None) == "x3d_s"
    assert recommended(()) is None
    offers = make_offers(ENTRIES, [], 2.8)
    assert [offer.name for offer in offers] == ["x3d_s", "x3d_m", "slowfast_r50"]
    assert offers[2].per_s == pytest.approx(5.4, abs=0.1)
    assert offers[0].text.startswith("73.3 % right at first guess on Kinetics-400 · about 42 predictions a second here")
    assert "downloaded" in offers[0].text and "about 30 MB to download" in offers[1].text
    assert BUNDLED not in offers[0].text


def test_the_program_runs_with_the_tools_that_were_installed(tmp_path: Path) -> None:
    plain = BuildTools(("python", "-m", "builder"), tmp_path, ())
    assert plain.missing() == [] and plain.command() == ("python", "-m", "builder")
    lacking = BuildTools(("python", "-m", "builder"), tmp_path, ("no_such_package",), tools=tmp_path / "tools")
    assert lacking.missing() == ["no_such_package"] and lacking.command()[0] == "python"
    command = [sys.executable, fake_install.__file__, "well", str(tmp_path / "tools")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert lacking.missing() == [] and lacking.command()[0].startswith(str(tmp_path / "tools"))


def test_the_page_counts_the_actions_of_the_model_in_the_box() -> None:
    """As the start card does: what stands for none of them is no action."""
    (known,) = re.findall(r"knows (\d+) movements", kinetics_dialog._INTRO)
    assert int(known) == len(Registry().find("slowfast_demo-int8").spec.actions)
