"""Building from the model manager, with a fake build program; nothing of it holds up the window."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog

from slowfast_live import child_process
from slowfast_live.inference.building import install_command
from slowfast_live.types import Level
from slowfast_live.ui.models import model_builder
from slowfast_live.ui.models.model_builder import (
    BuildOrder,
    BuildOutcome,
    BuildTools,
)
from slowfast_live.ui.models.model_table import BUILT
from tests.ui.models import fake_build
from tests.ui.models.conftest import Bench, MakeBench, tools


def test_a_build_shows_its_progress_and_appears_in_the_dropdown(
    make_bench: MakeBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_BUILD_GO", str(tmp_path / "go"))
    bench = make_bench("waits", built=(("slowfast_r50", "int8"),))
    dialog, box = bench.dialog, bench.window.source_bar.models
    assert bench.pipeline.last("use_model") is not None
    assert box.findText("X3D-XS · INT8") < 0
    bench.build(wait=False)
    bench.wait(lambda: "Quantising" in dialog.form.state.text())
    assert dialog.form.progress.isVisible() and dialog.form.progress.maximum() == 0, "it does not know how far it is"
    assert bench.cells(BUILT)["x3d_xs"] == "being built"
    assert not dialog.form.build.isEnabled() and dialog.form.cancel.isVisible()
    shown = bench.window.shown_frames
    bench.show_picture()
    assert bench.window.shown_frames > shown, "recognition continues"
    seen: list[tuple[str, int]] = []
    bench.builder.progress.connect(lambda _: seen.append((dialog.form.state.text(), dialog.form.progress.value())))
    (tmp_path / "go").touch()
    bench.wait(lambda: box.findText("X3D-XS · INT8") >= 0 and box.findText("X3D-XS · FP16") >= 0)
    assert ("X3D-XS: downloading, 15.3 of 30.6 MB", 500) in seen
    assert any(text.startswith("X3D-XS INT8: ") and value == 1000 for text, value in seen)
    bench.wait(lambda: bench.cells(BUILT)["x3d_xs"] == "FP16, INT8")
    assert dialog.form.state.text() == "X3D-XS is built: FP16, INT8."
    assert not dialog.form.progress.isVisible() and not dialog.form.cancel.isVisible()
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
    weights = bench.dialog.form.weights
    weights.setCurrentIndex(weights.findData(kind))
    weights.activated.emit(weights.currentIndex())


def test_a_checkpoint_and_random_weights_are_passed_on(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench()
    dialog, file = bench.dialog, tmp_path / "my weights.pyth"
    file.touch()
    dialog.form.precisions["FP16"].setChecked(False)
    dialog.form.use_checkpoint(file)
    assert dialog.form.weights.currentText() == "File: my weights.pyth"
    assert bench.build() is not None
    assert bench.words()[5:] == ["--precision", "int8", "--checkpoint", str(file), "--name", "my_weights"]
    choose_weights(bench, "random")
    bench.wait(lambda: not bench.live.background.busy)
    assert bench.build("x3d_s") is not None
    assert bench.words()[5:] == ["--precision", "int8", "--random-weights"]
    bench.wait(lambda: bench.cells(BUILT)["x3d_s"] == "INT8 untrained")
    dialog.form.precisions["INT8"].setChecked(False)
    assert not dialog.form.build.isEnabled() and dialog.form.build.toolTip() == "Choose a precision"


def test_weights_of_ones_own_appear_with_their_labels(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench(built=(("x3d_xs", "int8"),))
    dialog, file, labels = bench.dialog, tmp_path / "kitchen.pth", tmp_path / "labels.txt"
    file.touch()
    labels.write_text("pour\nstir\n\nchop\n", encoding="utf-8")
    dialog.form.use_checkpoint(file)
    dialog.form.own.labels.setText(str(labels))
    assert dialog.form.own.classes.placeholderText() == "3", "the file tells how many"
    dialog.form.own.classes.setText("3")
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


def test_networks_of_several_files_are_built_from_their_folder(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench(built=(("slowfast_r50", "int8"),))
    dialog, form = bench.dialog, bench.dialog.form
    weights = form.weights
    file_row, random_row = weights.findData("file"), weights.findData("random")
    dialog.choose("x3d_xs")
    assert weights.itemText(file_row) == "Use a checkpoint file…"
    choose_weights(bench, "random")
    dialog.choose("action_recognition_0001")
    assert weights.currentData() == "published", "they have no random weights"
    assert weights.itemText(file_row) == "Use a folder of its files…"
    assert not weights.model().item(random_row).isEnabled()  # type: ignore[attr-defined]
    choose_weights(bench, "file")
    asked = form.findChild(QFileDialog)
    assert asked is not None and asked.fileMode() == QFileDialog.FileMode.Directory
    asked.reject()
    folder = tmp_path / "omz"
    folder.mkdir()
    form.use_checkpoint(folder)
    assert weights.currentText() == "Folder: omz"
    assert not form.own.isVisible(), "its labels are known"
    folder.rmdir()
    form.start_build()
    assert not bench.builder.busy and not form.build.isEnabled()
    assert "does not exist. Choose another one." in form.build.toolTip() + form.own.message.text()
    folder.mkdir()
    form.refresh()
    form.start_build()
    bench.wait(lambda: not bench.builder.busy)
    words = bench.words()
    assert words[0] == "action_recognition_0001"
    assert words[words.index("--checkpoint") + 1] == str(folder)
    dialog.choose("x3d_xs")
    assert weights.currentData() == "published", "a folder is no weights of another network"
    assert weights.model().item(random_row).isEnabled()  # type: ignore[attr-defined]


def test_the_fields_are_offered_for_weights_of_ones_own_only(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench()
    dialog = bench.dialog
    dialog.choose("x3d_xs")
    assert not dialog.form.own.isVisible()
    choose_weights(bench, "random")
    assert dialog.form.own.isVisible() and dialog.form.own.name.text() == ""
    dialog.form.own.classes.setText("7")
    choose_weights(bench, "published")
    assert not dialog.form.own.isVisible()
    assert bench.build() is not None
    assert "--classes" not in bench.words(), "what was typed for other weights does not count"
    published = tmp_path / "X3D_S.pyth"
    published.touch()
    dialog.form.use_checkpoint(published)
    assert dialog.form.own.isVisible()
    dialog.choose("x3d_xs")
    assert dialog.form.own.name.text() == "X3D_S"
    dialog.choose("x3d_s")
    assert dialog.form.own.name.text() == "", "the published file is no model of one's own"
    dialog.form.own.name.setText("mine")
    dialog.choose("x3d_xs")
    assert dialog.form.own.name.text() == "mine", "what the user typed stays"


@pytest.mark.parametrize(
    ("labels", "classes", "name", "said"),
    [
        ("gone.txt", "", "", "gone.txt cannot be read: No such file"),
        ("two.txt", "3", "", "holds 2 names, but 3 classes were requested"),
        ("two.txt", "two", "", "Classes must be a whole number, not 'two'"),
        ("", "-4", "", "Classes must be a whole number, not '-4'"),
        ("", "²", "", "Classes must be a whole number, not '²'"),
        ("", "0", "", "from 1 to 100,000, not 0"),
        ("", "999999999", "", "from 1 to 100,000"),
        ("twice.txt", "", "", "holds names twice: 'squat'"),
        ("empty.txt", "", "", "holds no names"),
        ("", "", "../up", "The name may contain letters"),
        ("", "", "x3d_s", "A model named x3d_s-int8 already"),
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
    dialog.form.use_checkpoint(checkpoint)
    assert dialog.form.build.isEnabled() and not dialog.form.own.message.isVisible()
    dialog.form.own.labels.setText(str(tmp_path / labels) if labels else "")
    dialog.form.own.classes.setText(classes)
    dialog.form.own.name.setText(name or "mine")
    assert said in dialog.form.own.message.text() and dialog.form.own.message.isVisible()
    assert not dialog.form.build.isEnabled() and said in dialog.form.build.toolTip()
    dialog.form.start_build()
    assert not bench.builder.busy
    for field in (dialog.form.own.labels, dialog.form.own.classes):
        field.clear()
    dialog.form.own.name.setText("mine")
    assert dialog.form.build.isEnabled() and not dialog.form.own.message.isVisible(), "it can be mended"


def test_files_that_went_away_are_noticed_when_the_build_is_asked_for(make_bench: MakeBench, tmp_path: Path) -> None:
    bench = make_bench()
    dialog, checkpoint, labels = bench.dialog, tmp_path / "mine.pth", tmp_path / "labels.txt"
    checkpoint.touch()
    labels.write_text("squat\n", encoding="utf-8")
    dialog.choose("x3d_xs")
    dialog.form.use_checkpoint(checkpoint)
    dialog.form.own.labels.setText(str(labels))
    for gone, said in ((labels, "labels.txt cannot be read"), (checkpoint, "mine.pth does not exist")):
        kept = gone.read_bytes()
        gone.unlink()
        dialog.form.build.click()
        assert not bench.builder.busy and said in dialog.form.own.message.text()
        gone.write_bytes(kept)
        dialog.form.own.check()
        dialog.form.own.changed.emit()
        assert dialog.form.build.isEnabled()


def test_a_published_build_does_not_replace_weights_of_ones_own(make_bench: MakeBench, tmp_path: Path) -> None:
    fake_build.write("x3d_xs", tmp_path / "models", "int8", own=True)
    bench = make_bench()
    bench.dialog.choose("x3d_xs")
    assert not bench.dialog.form.build.isEnabled() and "your own weights" in bench.dialog.form.build.toolTip()
    bench.dialog.form.precisions["INT8"].setChecked(False)
    assert bench.dialog.form.build.isEnabled(), "FP16 is not there yet"


@pytest.mark.parametrize(
    ("kind", "said"),
    [("fails", "X3D_XS.pyth does not fit: 12 tensors are missing."), ("crashes", "RuntimeError: no memory left")],
)
def test_a_failed_build_says_why(make_bench: MakeBench, kind: str, said: str) -> None:
    bench = make_bench(kind)
    outcome = bench.build()
    assert outcome is not None and not outcome.done and not outcome.cancelled
    assert outcome.message == said
    assert said in bench.dialog.form.state.text() and bench.dialog.form.state.property("tone") == "red"
    assert bench.dialog.form.log.isVisible() and said in bench.dialog.form.log.toPlainText()
    assert bench.dialog.form.build.isEnabled(), "it can be tried again"
    assert bench.window.notice_bar.notice is None or said not in bench.window.notice_bar.notice.message


def test_a_program_that_is_not_there_is_told(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.builder.tools = BuildTools(("/no/such/python",), bench.output, ())
    ended: list[BuildOutcome] = []
    bench.builder.finished.connect(ended.append)
    bench.builder.start(BuildOrder("x3d_xs", "X3D-XS"))
    bench.wait(lambda: ended)
    assert "/no/such/python cannot be started" in ended[0].message and not bench.builder.busy


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a program at once")
@pytest.mark.parametrize("kind", ["hangs", "stubborn"])
def test_cancelling_ends_the_program_and_what_it_started(
    make_bench: MakeBench, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "PATIENCE_S", 0.2)
    bench = make_bench(kind)
    ended: list[BuildOutcome] = []
    bench.builder.finished.connect(ended.append)
    bench.build(wait=False)
    bench.wait(lambda: "Exporting" in bench.dialog.form.state.text() and any("child" in x for x in bench.builder.log))
    processes = [psutil.Process(bench.builder.pid), psutil.Process(child(bench))]
    assert list(bench.output.glob(".building-*"))
    bench.qtbot.mouseClick(bench.dialog.form.cancel, Qt.MouseButton.LeftButton)
    assert not bench.dialog.form.cancel.isEnabled()
    bench.wait(lambda: ended)
    bench.wait(lambda: not any(alive(process) for process in processes))
    assert ended[0].cancelled and "Incomplete files were removed" in bench.dialog.form.state.text()
    assert not list(bench.output.iterdir())
    assert bench.dialog.form.build.isEnabled() and not bench.dialog.form.progress.isVisible()


@pytest.mark.parametrize("kind", ["hangs", "stubborn"])
def test_closing_the_app_ends_the_build(make_bench: MakeBench, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "PATIENCE_S", 0.2)
    bench = make_bench(kind)
    bench.build(wait=False)
    bench.wait(lambda: "Exporting" in bench.dialog.form.state.text() and any("child" in x for x in bench.builder.log))
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
    bench.wait(lambda: "last line" in bench.dialog.form.log.toPlainText())
    assert len(bench.builder.log) == 2000 and bench.dialog.form.log.blockCount() <= 2000
    assert f"{fake_build.FLOOD_LINES - 1} xxx" in outcome.log
    bench.wait(lambda: bench.cells(BUILT)["x3d_xs"] == "FP16, INT8")


def test_a_build_outlives_the_dialog(make_bench: MakeBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_BUILD_GO", str(tmp_path / "go"))
    bench = make_bench("waits")
    bench.build(wait=False)
    bench.wait(lambda: "Quantising" in bench.dialog.form.state.text())
    bench.qtbot.keyClick(bench.dialog, Qt.Key.Key_Escape)
    assert not bench.dialog.isVisible() and bench.builder.busy
    (tmp_path / "go").touch()
    bench.wait(lambda: bench.window.source_bar.models.findText("X3D-XS · INT8") >= 0)
    notice = bench.window.notice_bar.notice
    assert notice is not None and notice.level is Level.INFO and "X3D-XS is built" in notice.message


def test_one_model_at_a_time(make_bench: MakeBench) -> None:
    bench = make_bench("hangs")
    bench.build(wait=False)
    assert not bench.builder.start(BuildOrder("x3d_s", "X3D-S"))
    assert bench.builder.order is not None and bench.builder.order.name == "x3d_xs"


# What building needs


def test_without_torch_it_says_the_one_command(make_bench: MakeBench) -> None:
    bench = make_bench(needed=("json", "no_torch_here"))
    dialog = bench.dialog
    assert dialog.form.missing.isVisible() and "no_torch_here" in dialog.form.missing_text.text()
    assert "json" not in dialog.form.missing_text.text()
    assert dialog.form.command.text() == install_command()
    assert not dialog.form.build.isEnabled() and "no_torch_here" in dialog.form.build.toolTip()
    dialog.form.copy.click()
    assert QApplication.clipboard().text() == install_command()
    bench.builder.tools = tools("well", bench.output)
    dialog.form.check_again.click()
    bench.wait(lambda: dialog.form.build.isEnabled())
    assert not dialog.form.missing.isVisible()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Fetch it and put it there, or name it with --checkpoint FILE.", "choose it here: “Use a checkpoint file…”"),
        ("It was deleted; fetch it by other means and give it with --checkpoint.", "“Use a checkpoint file…”"),
        ("For a checkpoint with other classes give --classes N or --labels FILE.", "fill in Classes or Labels"),
        ("It is part of the app and is not replaced: give another --name.", "give another Name"),
    ],
)
def test_a_failed_build_names_the_controls_of_the_window(said: str, shown: str) -> None:
    assert shown in model_builder.in_window(said) and "--" not in model_builder.in_window(said)


def test_a_long_line_of_the_log_hides_no_other(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.dialog.form.show_log.setChecked(True)
    bench.dialog.form.show_message("Building…")
    bench.dialog.form._logged(["short", "x" * 2000])
    bench.wait(lambda: "short" in bench.dialog.form.log.toPlainText())
    bar = bench.dialog.form.log.horizontalScrollBar()
    assert bar.maximum() == 0 and bar.value() == 0
