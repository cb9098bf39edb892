"""The model manager on a fake build program: lists, builds, cancels, deletes; nothing of it holds up the window."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton

from slowfast_live import paths
from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import Model, Registry, encode, load
from slowfast_live.types import Level, Prediction, SourceSpec
from slowfast_live.ui import child_program, model_builder
from slowfast_live.ui.app import LiveApp, Services
from slowfast_live.ui.model_builder import NEEDED, BuildTools, Order, Outcome, install_command, missing_packages
from slowfast_live.ui.model_catalogue import Speeds, delete, merge, parse_listing, survey
from slowfast_live.ui.model_manager import ModelManager
from slowfast_live.ui.model_table import BUILT, SPEED, TOP1
from slowfast_live.ui.options import AppOptions
from tests.ui import fake_build
from tests.ui.conftest import Desk
from tests.ui.fakes import DEVICES, FakeCameras, FakePipeline

MakeBench = Callable[..., "Bench"]


def tools(kind: str, output: Path, needed: tuple[str, ...] = ()) -> BuildTools:
    return BuildTools((sys.executable, fake_build.__file__, kind), output, needed)


class Bench(Desk):
    """A window with its model manager open."""

    dialog: ModelManager
    output: Path

    @property
    def builder(self) -> model_builder.ModelBuilder:
        return self.live.builder

    def build(self, name: str = "x3d_xs", wait: bool = True) -> Outcome | None:
        ended: list[Outcome] = []
        self.builder.finished.connect(ended.append)
        self.dialog.choose(name)
        self.qtbot.mouseClick(self.dialog.build, Qt.MouseButton.LeftButton)
        assert self.builder.busy
        if not wait:
            return None
        self.wait(lambda: ended)
        return ended[0]

    def cells(self, column: int) -> dict[str, str]:
        model = self.dialog._table_model
        return {row.key: model.index(number, column).data() for number, row in enumerate(model.rows)}

    def words(self) -> list[str]:
        """The arguments that the build program got."""
        line = next(line for line in self.builder.log if line.startswith("words: "))
        return list(json.loads(line.removeprefix("words: ")))


@pytest.fixture
def make_bench(qapp: QApplication, qtbot: Any, tmp_path: Path, video: SourceSpec) -> Any:
    made: list[Bench] = []

    def make(
        kind: str = "well",
        built: tuple[tuple[str, str], ...] = (),
        needed: tuple[str, ...] = (),
        opened: bool = True,
    ) -> Bench:
        output = tmp_path / "models"
        for name, precision in built:
            fake_build.write(name, output, precision)
        pipeline, cameras = FakePipeline(), FakeCameras()
        options = AppOptions(source=video, settings_path=tmp_path / "settings.json")
        services = Services(
            lambda: pipeline,
            cameras,
            lambda: list(DEVICES),
            Registry([output]),
            build=tools(kind, output, needed),
        )
        live = LiveApp(qapp, options, services)
        bench = Bench(live, pipeline, cameras, qtbot)
        bench.output = output
        made.append(bench)
        live.start()
        bench.wait(lambda: bench.window.source_bar.devices.count() and not live.background.busy)
        bench.poll()
        if opened:
            bench.trigger("models")
            assert bench.window.dialogs.manager is not None
            bench.dialog = bench.window.dialogs.manager
            bench.wait(lambda: not live.background.busy)
        return bench

    yield make
    for bench in made:
        bench.live.close()
        bench.window.close()
        bench.window.deleteLater()
    qapp.processEvents()


# The list


def test_it_lists_what_can_be_built_and_what_is_there(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("slowfast_r50", "fp16"), ("slowfast_r50", "int8"), ("x3d_m", "int8")))
    built = bench.cells(BUILT)
    assert len(built) == len(fake_build.CATALOGUE) == 18
    assert built["slowfast_r50"] == "FP16, INT8" and built["x3d_m"] == "INT8" and built["x3d_l"] == "not built"
    assert bench.cells(TOP1)["x3d_xs"] == "69.1"
    assert bench.dialog._count.text() == "18 models, 2 built"
    details = bench.dialog.details.toPlainText()
    for part in ("SlowFast R50 8x8", "32 pictures of 256 × 256", "76.9 % top-1", "Apache-2.0", "SLOWFAST_8x8_R50.pyth"):
        assert part in details.replace("\u200b", "")


def test_searching_and_sorting(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),))
    dialog = bench.dialog
    bench.qtbot.keyClicks(dialog.search, "x3d not")
    shown = [dialog._sorted.index(n, 0).data() for n in range(dialog._sorted.rowCount())]
    assert shown == ["X3D-XS", "X3D-S", "X3D-L"] and dialog._count.text() == "3 of 18"
    dialog.search.clear()
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        dialog.table.sortByColumn(4, order)
        values = [dialog._sorted.index(n, 4).data() for n in range(18)]
        assert values[-1] == "-", "what has no figure comes last"
        numbers = [float(value) for value in values[:-1]]
        assert numbers == sorted(numbers, reverse=order is Qt.SortOrder.DescendingOrder)


def test_a_search_without_a_find_leaves_nothing_to_press(make_bench: MakeBench) -> None:
    dialog = make_bench(built=(("x3d_m", "int8"),)).dialog
    dialog.search.setText("no such network")
    assert dialog.row() is None and dialog.details.toPlainText() == ""
    assert not any(b.isEnabled() for b in (dialog.build, dialog.use, dialog.delete, dialog.show_folder))


def test_a_mute_build_program_is_told_and_the_models_stay(make_bench: MakeBench) -> None:
    bench = make_bench("mute", built=(("x3d_m", "int8"),))
    assert "cannot be listed" in bench.dialog.state.text()
    assert "the catalogue is lost" in bench.dialog.log.toPlainText()
    assert bench.cells(BUILT) == {"x3d_m": "INT8"}
    assert bench.dialog.show_folder.isEnabled() and not bench.dialog.build.isEnabled()


def test_models_of_ones_own_have_rows_of_their_own(tmp_path: Path) -> None:
    fake_build.write("x3d_m", tmp_path, "int8")
    fake_build.write("x3d_m", tmp_path, "fp16", trained=False)
    own = fake_build.write("x3d_s", tmp_path, "int8")
    own.rename(tmp_path / "kitchen-int8")
    listed = parse_listing(json.dumps(fake_build.listing()).encode())
    rows = {row.key: row for row in merge(listed, survey(Registry([tmp_path]).scan()[0]))}
    assert len(rows) == 19
    assert rows["x3d_m"].badges == ("FP16 untrained", "INT8")
    assert rows["kitchen"].buildable is None and rows["kitchen"].size_mb == pytest.approx(1.0, abs=0.01)
    with pytest.raises(ModelError, match="cannot be read"):
        parse_listing(b"Traceback")


# Speed


def prediction(name: str, infer_ms: float, device: str = "CPU") -> Prediction:
    return Prediction(np.ones(2, np.float32) / 2, (("squat", 0.5),), 0.0, infer_ms + 10, infer_ms, name, device, 1)


def test_speed_is_measured_or_estimated_and_says_which(tmp_path: Path) -> None:
    fake_build.write("slowfast_r50", tmp_path, "int8")
    fake_build.write("x3d_m", tmp_path, "int8")
    listed = parse_listing(json.dumps(fake_build.listing()).encode())
    rows = {row.key: row for row in merge(listed, survey(Registry([tmp_path]).scan()[0]))}
    speeds = Speeds()
    assert speeds.of(rows["slowfast_r50"], rows.values()) is None, "nothing was measured"
    for infer_ms in (500.0, 80.0, 80.0):  # the first one is slow
        speeds.add(prediction("slowfast_r50-int8", infer_ms))
    here = speeds.of(rows["slowfast_r50"], rows.values())
    assert here is not None and here.measured and here.text == "80 ms measured" and "CPU, INT8" in here.origin
    about = speeds.of(rows["slowfast_r101"], rows.values())
    assert about is not None and not about.measured
    assert about.infer_ms == pytest.approx(80 * 127.20 / 65.71)
    assert about.text == "about 155 ms" and "SlowFast R50 8x8 in INT8 takes 80 ms" in about.origin
    assert speeds.of(rows["i3d_nln_r50"], rows.values()) is None, "its Flops are not known"
    speeds.add(prediction("x3d_m-int8", 20.0))
    measured = speeds.of(rows["slowfast_r50"], rows.values())
    assert measured is not None and measured.measured, "what ran before is still known"
    speeds.add(prediction("x3d_m-int8", 9.0, "GPU"))
    elsewhere = speeds.of(rows["slowfast_r50"], rows.values())
    assert elsewhere is not None and elsewhere.text == "about 88 ms?", "from another family"
    assert "GPU" in elsewhere.origin and "another family" in elsewhere.origin
    x3d_s = speeds.of(rows["x3d_s"], rows.values())
    assert x3d_s is not None and x3d_s.text == "about 4.0 ms"


def test_the_speed_column_follows_the_predictions(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("slowfast_r50", "int8"),))
    assert set(bench.cells(SPEED).values()) == {"-"}
    bench.pipeline.current_prediction = prediction("slowfast_r50-int8", 82.0)
    bench.wait(lambda: bench.cells(SPEED)["slowfast_r50"] == "82 ms measured")
    assert bench.cells(SPEED)["x3d_l"] == "about 33 ms?"


# Building


def test_a_build_shows_its_progress_and_appears_in_the_dropdown(
    make_bench: MakeBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_BUILD_GO", str(tmp_path / "go"))
    bench = make_bench("waits", built=(("slowfast_r50", "int8"),))
    dialog, box = bench.dialog, bench.window.source_bar.models
    assert bench.pipeline.last("use_model") is not None
    assert box.findText("X3D-XS · INT8") < 0
    bench.build(wait=False)
    bench.wait(lambda: "Quantising" in dialog.state.text())
    assert dialog.progress.isVisible() and dialog.progress.maximum() == 0, "it does not know how far it is"
    assert bench.cells(BUILT)["x3d_xs"] == "being built"
    assert not dialog.build.isEnabled() and dialog.cancel.isVisible()
    shown = bench.window.shown_frames
    bench.show_picture()
    assert bench.window.shown_frames > shown, "the window goes on"
    seen: list[tuple[str, int]] = []
    bench.builder.progress.connect(lambda _: seen.append((dialog.state.text(), dialog.progress.value())))
    (tmp_path / "go").touch()
    bench.wait(lambda: box.findText("X3D-XS · INT8") >= 0 and box.findText("X3D-XS · FP16") >= 0)
    assert ("X3D-XS: downloading, 15.3 of 30.6 MB", 500) in seen
    assert any(text.startswith("X3D-XS INT8: ") and value == 1000 for text, value in seen)
    bench.wait(lambda: bench.cells(BUILT)["x3d_xs"] == "FP16, INT8")
    assert dialog.state.text() == "X3D-XS is built: FP16, INT8."
    assert not dialog.progress.isVisible() and not dialog.cancel.isVisible()
    bench.poll()
    assert box.currentText() == "SlowFast R50 8x8 · INT8", "the running one goes on"
    dialog.choose("x3d_xs")
    assert dialog.folders.currentData() == "x3d_xs-int8"
    bench.qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    asked = bench.pipeline.last("use_model")
    assert asked is not None and asked[0].name == "x3d_xs-int8"
    bench.poll()
    assert box.currentText() == "X3D-XS · INT8"
    assert bench.words()[:5] == ["x3d_xs", "--progress", "json", "--output", str(bench.output)]
    assert bench.words()[5:] == ["--precision", "fp16", "--precision", "int8"]


def test_the_first_model_runs_as_soon_as_it_is_built(make_bench: MakeBench) -> None:
    bench = make_bench()
    assert bench.pipeline.last("use_model") is None
    outcome = bench.build()
    assert outcome is not None and outcome.done
    bench.wait(lambda: bench.pipeline.last("use_model"))
    asked = bench.pipeline.last("use_model")
    assert asked is not None and asked[0].name == "x3d_xs-int8" and asked[1] == "CPU"


def choose_weights(bench: Bench, kind: str) -> None:
    weights = bench.dialog.weights
    weights.setCurrentIndex(weights.findData(kind))
    weights.activated.emit(weights.currentIndex())


def test_a_checkpoint_and_random_weights_are_passed_on(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench()
    dialog, file = bench.dialog, tmp_path / "my weights.pyth"
    file.touch()
    dialog.precisions["FP16"].setChecked(False)
    dialog.use_checkpoint(file)
    assert dialog.weights.currentText() == "File: my weights.pyth"
    assert bench.build() is not None
    assert bench.words()[5:] == ["--precision", "int8", "--checkpoint", str(file), "--name", "my_weights"]
    choose_weights(bench, "random")
    bench.wait(lambda: not bench.live.background.busy)
    assert bench.build("x3d_s") is not None
    assert bench.words()[5:] == ["--precision", "int8", "--random-weights"]
    bench.wait(lambda: bench.cells(BUILT)["x3d_s"] == "INT8 untrained")
    dialog.precisions["INT8"].setChecked(False)
    assert not dialog.build.isEnabled() and dialog.build.toolTip() == "Choose a precision"


def test_weights_of_ones_own_appear_with_their_labels(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench(built=(("x3d_xs", "int8"),))
    dialog, file, labels = bench.dialog, tmp_path / "kitchen.pth", tmp_path / "labels.txt"
    file.touch()
    labels.write_text("pour\nstir\n\nchop\n", encoding="utf-8")
    dialog.use_checkpoint(file)
    dialog.own.labels.setText(str(labels))
    assert dialog.own.classes.placeholderText() == "3", "the file tells how many"
    dialog.own.classes.setText("3")
    outcome = bench.build()
    assert outcome is not None and outcome.done
    box = bench.window.source_bar.models
    bench.wait(lambda: box.findText("kitchen: X3D-XS, own weights · INT8") >= 0)
    assert bench.words()[-6:] == ["--labels", str(labels), "--classes", "3", "--name", "kitchen"]
    assert box.findText("X3D-XS · INT8") >= 0, "the published one is still there"
    bench.wait(lambda: bench.cells(BUILT).get("kitchen") == "FP16, INT8")
    row = dialog.row()
    assert row is not None and row.key == "kitchen", "what was built is chosen"
    assert "3: pour, stir, chop" in dialog.details.toPlainText()
    dialog.folders.setCurrentIndex(dialog.folders.findData("kitchen-int8"))
    dialog.use.click()
    asked = bench.pipeline.last("use_model")
    assert asked is not None and asked[0].spec.labels == ("pour", "stir", "chop")


def test_the_fields_are_offered_for_weights_of_ones_own_only(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench()
    dialog = bench.dialog
    dialog.choose("x3d_xs")
    assert not dialog.own.isVisible()
    choose_weights(bench, "random")
    assert dialog.own.isVisible() and dialog.own.name.text() == ""
    dialog.own.classes.setText("7")
    choose_weights(bench, "published")
    assert not dialog.own.isVisible()
    assert bench.build() is not None
    assert "--classes" not in bench.words(), "what was typed for other weights does not count"
    published = tmp_path / "X3D_S.pyth"
    published.touch()
    dialog.use_checkpoint(published)
    assert dialog.own.isVisible()
    dialog.choose("x3d_xs")
    assert dialog.own.name.text() == "X3D_S"
    dialog.choose("x3d_s")
    assert dialog.own.name.text() == "", "the published file is no model of one's own"
    dialog.own.name.setText("mine")
    dialog.choose("x3d_xs")
    assert dialog.own.name.text() == "mine", "what the user typed stays"


@pytest.mark.parametrize(
    ("labels", "classes", "name", "said"),
    [
        ("gone.txt", "", "", "gone.txt cannot be read: No such file"),
        ("two.txt", "3", "", "holds 2 names, but 3 classes were asked for"),
        ("two.txt", "two", "", "Classes takes a whole number, not 'two'"),
        ("", "-4", "", "Classes takes a whole number, not '-4'"),
        ("", "²", "", "Classes takes a whole number, not '²'"),
        ("", "0", "", "from 1 to 100,000, not 0"),
        ("", "999999999", "", "from 1 to 100,000"),
        ("twice.txt", "", "", "holds names twice: 'squat'"),
        ("empty.txt", "", "", "holds no names"),
        ("", "", "../up", "The name takes letters"),
        ("", "", "x3d_s", "another model x3d_s-int8 already"),
    ],
)
def test_what_cannot_be_built_is_said_before(
    make_bench: MakeBench, tmp_path: Path, labels: str, classes: str, name: str, said: str
) -> None:
    for file, text in {"two.txt": "squat\nwalk\n", "twice.txt": "squat\n" * 2, "empty.txt": "\n \n"}.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    bench = make_bench(built=(("x3d_s", "int8"),))
    dialog, checkpoint = bench.dialog, tmp_path / "mine.pth"
    checkpoint.touch()
    dialog.choose("x3d_xs")
    dialog.use_checkpoint(checkpoint)
    assert dialog.build.isEnabled() and not dialog.own.said.isVisible()
    dialog.own.labels.setText(str(tmp_path / labels) if labels else "")
    dialog.own.classes.setText(classes)
    dialog.own.name.setText(name or "mine")
    assert said in dialog.own.said.text() and dialog.own.said.isVisible()
    assert not dialog.build.isEnabled() and said in dialog.build.toolTip()
    dialog.start_build()
    assert not bench.builder.busy
    for field in (dialog.own.labels, dialog.own.classes):
        field.clear()
    dialog.own.name.setText("mine")
    assert dialog.build.isEnabled() and not dialog.own.said.isVisible(), "it can be mended"


def test_files_that_went_away_are_noticed_when_the_build_is_asked_for(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench()
    dialog, checkpoint, labels = bench.dialog, tmp_path / "mine.pth", tmp_path / "labels.txt"
    checkpoint.touch()
    labels.write_text("squat\n", encoding="utf-8")
    dialog.choose("x3d_xs")
    dialog.use_checkpoint(checkpoint)
    dialog.own.labels.setText(str(labels))
    for gone, said in ((labels, "labels.txt cannot be read"), (checkpoint, "mine.pth is not there")):
        kept = gone.read_bytes()
        gone.unlink()
        dialog.build.click()
        assert not bench.builder.busy and said in dialog.own.said.text()
        gone.write_bytes(kept)
        dialog.own.check()
        dialog.own.changed.emit()
        assert dialog.build.isEnabled()


def test_a_published_build_does_not_replace_weights_of_ones_own(make_bench: MakeBench, tmp_path: Path) -> None:
    fake_build.write("x3d_xs", tmp_path / "models", "int8", own=True)
    bench = make_bench()
    bench.dialog.choose("x3d_xs")
    assert not bench.dialog.build.isEnabled() and "weights of your own" in bench.dialog.build.toolTip()
    bench.dialog.precisions["INT8"].setChecked(False)
    assert bench.dialog.build.isEnabled(), "FP16 is not there yet"


@pytest.mark.parametrize(
    ("kind", "said"),
    [("fails", "X3D_XS.pyth does not fit: 12 tensors are missing."), ("crashes", "RuntimeError: no memory left")],
)
def test_a_failed_build_says_why(make_bench: MakeBench, kind: str, said: str) -> None:
    bench = make_bench(kind)
    outcome = bench.build()
    assert outcome is not None and not outcome.done and not outcome.cancelled
    assert outcome.message == said
    assert said in bench.dialog.state.text() and bench.dialog.state.property("tone") == "red"
    assert bench.dialog.log.isVisible() and said in bench.dialog.log.toPlainText()
    assert bench.dialog.build.isEnabled(), "it can be tried again"
    assert bench.window.notice_bar.notice is None or said not in bench.window.notice_bar.notice.message


def test_a_program_that_is_not_there_is_told(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.builder.tools = BuildTools(("/no/such/python",), bench.output, ())
    ended: list[Outcome] = []
    bench.builder.finished.connect(ended.append)
    bench.builder.start(Order("x3d_xs", "X3D-XS"))
    bench.wait(lambda: ended)
    assert "/no/such/python cannot be started" in ended[0].message and not bench.builder.busy


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a program at once")
@pytest.mark.parametrize("kind", ["hangs", "stubborn"])
def test_cancelling_ends_the_program_and_what_it_started(
    make_bench: MakeBench, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_program, "PATIENCE_MS", 200)
    bench = make_bench(kind)
    ended: list[Outcome] = []
    bench.builder.finished.connect(ended.append)
    bench.build(wait=False)
    bench.wait(lambda: "Exporting" in bench.dialog.state.text() and any("child" in x for x in bench.builder.log))
    processes = [psutil.Process(bench.builder.pid), psutil.Process(child(bench))]
    assert list(bench.output.glob(".building-*"))
    bench.qtbot.mouseClick(bench.dialog.cancel, Qt.MouseButton.LeftButton)
    assert not bench.dialog.cancel.isEnabled()
    bench.wait(lambda: ended)
    bench.wait(lambda: not any(alive(process) for process in processes))
    assert ended[0].cancelled and "Nothing half-made was left" in bench.dialog.state.text()
    assert not list(bench.output.iterdir())
    assert bench.dialog.build.isEnabled() and not bench.dialog.progress.isVisible()


@pytest.mark.parametrize("kind", ["hangs", "stubborn"])
def test_closing_the_app_ends_the_build(make_bench: MakeBench, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_program, "PATIENCE_MS", 200)
    bench = make_bench(kind)
    bench.build(wait=False)
    bench.wait(lambda: "Exporting" in bench.dialog.state.text() and any("child" in x for x in bench.builder.log))
    processes = [psutil.Process(bench.builder.pid), psutil.Process(child(bench))]
    bench.window.close()
    bench.wait(lambda: not any(alive(process) for process in processes))
    assert not list(bench.output.iterdir())


def child(bench: Bench) -> int:
    return next(int(m[1]) for line in bench.builder.log if (m := re.fullmatch(r"child (\d+)", line)))


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_flood_in_the_log_is_bounded(make_bench: MakeBench) -> None:
    bench = make_bench("floods")
    outcome = bench.build()
    assert outcome is not None and outcome.done
    bench.wait(lambda: "last line" in bench.dialog.log.toPlainText())
    assert len(bench.builder.log) == 2000 and bench.dialog.log.blockCount() <= 2000
    assert f"{fake_build.FLOOD_LINES - 1} xxx" in outcome.log
    bench.wait(lambda: bench.cells(BUILT)["x3d_xs"] == "FP16, INT8")


def test_a_build_outlives_the_dialog(make_bench: MakeBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_BUILD_GO", str(tmp_path / "go"))
    bench = make_bench("waits")
    bench.build(wait=False)
    bench.wait(lambda: "Quantising" in bench.dialog.state.text())
    bench.qtbot.keyClick(bench.dialog, Qt.Key.Key_Escape)
    assert not bench.dialog.isVisible() and bench.builder.busy
    (tmp_path / "go").touch()
    bench.wait(lambda: bench.window.source_bar.models.findText("X3D-XS · INT8") >= 0)
    notice = bench.window.notice_bar.notice
    assert notice is not None and notice.level is Level.INFO and "X3D-XS is built" in notice.message


def test_one_model_at_a_time(make_bench: MakeBench) -> None:
    bench = make_bench("hangs")
    bench.build(wait=False)
    assert not bench.builder.start(Order("x3d_s", "X3D-S"))
    assert bench.builder.order is not None and bench.builder.order.name == "x3d_xs"


# What building needs


def test_without_torch_it_says_the_one_command(make_bench: MakeBench) -> None:
    bench = make_bench(needed=("json", "no_torch_here"))
    dialog = bench.dialog
    assert dialog.missing.isVisible() and "no_torch_here" in dialog.missing_text.text()
    assert "json" not in dialog.missing_text.text()
    assert dialog.command.text() == install_command()
    assert sys.executable in install_command() and "[build]" in install_command()
    assert "-m pip install" in install_command() and "constraints.txt" in install_command()
    assert not dialog.build.isEnabled() and "no_torch_here" in dialog.build.toolTip()
    dialog.copy.click()
    assert QApplication.clipboard().text() == install_command()
    bench.builder.tools = tools("well", bench.output)
    dialog.check_again.click()
    bench.wait(lambda: dialog.build.isEnabled())
    assert not dialog.missing.isVisible()


def test_looking_for_packages_imports_none() -> None:
    assert missing_packages(("json", "no_such_package")) == ["no_such_package"]
    before = set(sys.modules)
    missing_packages(NEEDED)
    assert not (set(sys.modules) - before) & set(NEEDED)


def test_models_go_where_they_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert model_builder.output_folder() == paths.bundled("models")
    monkeypatch.setattr(model_builder.os, "access", lambda *_: False)
    assert model_builder.output_folder() == paths.user_models_dir()


# Folders


def test_deleting_asks_first(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("slowfast_r50", "int8"), ("x3d_m", "int8")))
    dialog = bench.dialog
    bench.poll()
    dialog.choose("slowfast_r50")
    assert not dialog.delete.isEnabled() and "running" in dialog.delete.toolTip()
    dialog.choose("x3d_m")
    for answer, left in (("Cancel", True), ("Delete", False)):
        dialog.delete.click()
        box: QMessageBox = dialog.question
        assert "x3d_m-int8" in box.informativeText()
        button = next(b for b in box.buttons() if answer in b.text())
        button.click()
        bench.wait(lambda: not bench.live.background.busy)
        assert (bench.output / "x3d_m-int8").exists() is left
    bench.wait(lambda: bench.cells(BUILT)["x3d_m"] == "not built")
    assert bench.window.source_bar.models.findText("X3D-M · INT8") < 0
    assert sorted(path.name for path in bench.output.iterdir()) == ["slowfast_r50-int8"]


def test_what_comes_with_the_app_is_never_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "bundled", lambda kind: tmp_path / kind)
    carded = fake_build.write("x3d_m", tmp_path / "models", "int8")
    (carded / "CARD.md").touch()
    unknown = fake_build.write("x3d_s", tmp_path / "models", "int8")
    spec = msgspec.structs.replace(load(unknown), origin={"note": "Trained by this project."})
    (unknown / "model.json").write_bytes(encode(spec))
    for folder in (carded, unknown):
        model = Model(folder, load(folder))
        assert survey([model])[0].kept == "It came with the app"
        with pytest.raises(ModelError, match="was not deleted: it came with the app"):
            delete(model)
        assert folder.is_dir()
    link = tmp_path / "link"
    link.symlink_to(fake_build.write("x3d_s", tmp_path / "elsewhere", "int8"))
    assert "link" in survey([Model(link, load(link))])[0].kept


def test_the_model_that_comes_with_the_app_is_known_as_such() -> None:
    models, _ = Registry([paths.bundled("models")]).scan()
    kept = {one.model.name: one.kept for one in survey(models)}
    assert kept["slowfast_demo-int8"] == "It came with the app"


def test_what_was_built_in_the_apps_folder_can_be_deleted(
    make_bench: MakeBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "bundled", lambda kind: tmp_path / kind)
    demo = fake_build.write("slowfast_r50", tmp_path / "models", "fp16")
    (demo / "CARD.md").touch()
    bench = make_bench(built=(("x3d_m", "int8"),))
    dialog = bench.dialog
    dialog.choose("slowfast_r50")
    assert not dialog.delete.isEnabled() and dialog.delete.toolTip() == "It came with the app"
    bench.pipeline.update(model=demo.name)
    dialog.choose("x3d_m")
    assert dialog.delete.isEnabled()
    dialog.delete.click()
    next(b for b in dialog.question.buttons() if "Delete" in b.text()).click()
    bench.wait(lambda: not (bench.output / "x3d_m-int8").exists())
    bench.wait(lambda: bench.cells(BUILT)["x3d_m"] == "not built")
    assert demo.is_dir()


def test_a_model_that_runs_by_the_time_of_the_answer_is_not_deleted(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("slowfast_r50", "int8"), ("x3d_m", "int8")))
    dialog = bench.dialog
    dialog.choose("x3d_m")
    dialog.delete.click()
    bench.pipeline.update(model="x3d_m-int8")
    next(b for b in dialog.question.buttons() if "Delete" in b.text()).click()
    bench.wait(lambda: not bench.live.background.busy)
    assert (bench.output / "x3d_m-int8").is_dir()
    assert "was not deleted. It is running" in dialog.state.text()


def test_showing_the_folder(make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),))
    asked: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: asked.append(url) or False)
    bench.dialog.choose("x3d_m")
    bench.dialog.show_folder.click()
    assert asked[0].toLocalFile() == str(bench.output / "x3d_m-int8")
    assert str(bench.output / "x3d_m-int8") in bench.dialog.state.text()


# The window


def test_ways_to_the_manager(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),), opened=False)
    box = bench.window.source_bar.models
    last = box.count() - 1
    assert box.itemText(last) == "Manage models…"
    box.setCurrentIndex(last)
    box.activated.emit(last)
    assert box.currentText() == "X3D-M · INT8", "a thing to do does not stay chosen"
    dialog = bench.window.dialogs.manager
    assert dialog is not None and dialog.isVisible() and not dialog.isModal()
    dialog.close()
    bench.trigger("models")
    assert bench.window.dialogs.manager is dialog and dialog.isVisible()
    assert bench.window.actions_by_id["models"] in bench.window.menu.actions()
    bench.wait(lambda: not bench.live.background.busy)


def test_all_of_it_has_names_and_can_be_reached_by_keys(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),))
    dialog = bench.dialog
    seen, widget = [], dialog.nextInFocusChain()
    while widget is not dialog:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None:
            seen.append(widget)
        widget = widget.nextInFocusChain()
    reading_order = (
        dialog.search, dialog.table, dialog.details, *dialog.precisions.values(), dialog.weights, dialog.own.labels,
        dialog.own.browse, dialog.own.classes, dialog.own.name, dialog.build, dialog.show_log, dialog.cancel,
        dialog.folders, dialog.use, dialog.show_folder, dialog.delete, dialog.shut,
    )  # fmt: skip
    for control in reading_order:
        assert control in seen and control.accessibleName() and control.toolTip(), control
    assert [control for control in seen if control in reading_order] == list(reading_order)
    assert not any(button.autoDefault() for button in dialog.findChildren(QPushButton))
    bench.qtbot.keyClick(dialog, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert dialog.focusWidget() is dialog.search


def test_it_follows_the_theme(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),))
    grounds = []
    for mode in ("light", "dark"):
        bench.live.themes.set_mode(mode)
        grounds.append(bench.dialog.grab().toImage().pixelColor(3, 3).name())
        assert grounds[-1] == bench.live.themes.theme.window
        assert bench.dialog._badges.theme is bench.live.themes.theme
    assert grounds[0] != grounds[1]


def test_a_narrow_table_leaves_columns_out(make_bench: MakeBench) -> None:
    bench = make_bench()
    for width, hidden in ((700, True), (1300, False)):
        bench.dialog.resize(width, 500)
        bench.wait(lambda hidden=hidden: bench.dialog.table.isColumnHidden(3) is hidden)
