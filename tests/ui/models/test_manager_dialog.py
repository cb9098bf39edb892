"""The model manager on a fake build program: lists, chooses, deletes; nothing of it holds up the window."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox, QPushButton

from slowfast_live import paths
from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import Model, Registry, encode, load
from slowfast_live.types import Prediction
from slowfast_live.ui.models.model_catalogue import Speeds, delete, merge, parse_listing, survey
from slowfast_live.ui.models.model_table import BUILT, NAME, SPEED, TOP1, TOP5
from tests.ui.models import fake_build
from tests.ui.models.conftest import MakeBench

# The list


def test_it_lists_what_can_be_built_and_what_is_there(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("slowfast_r50", "fp16"), ("slowfast_r50", "int8"), ("x3d_m", "int8")))
    built = bench.cells(BUILT)
    assert len(built) == len(fake_build.CATALOGUE)
    assert built["slowfast_r50"] == "FP16, INT8" and built["x3d_m"] == "INT8" and built["x3d_l"] == "not built"
    assert bench.cells(TOP1)["x3d_xs"] == "69.1"
    assert bench.dialog._count.text() == f"{len(built)} models, 2 built"
    details = bench.dialog.details.toPlainText()
    for part in ("SlowFast R50 8x8", "32 pictures of 256 × 256", "77 % top-1", "Apache-2.0", "SLOWFAST_8x8_R50.pyth"):
        assert part in details.replace("\u200b", "")


def test_it_counts_only_once_the_list_is_there(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),), opened=False)
    bench.trigger("models")
    dialog = bench.window.dialogs.manager
    assert dialog is not None
    said = set()
    dialog._table_model.modelReset.connect(lambda: said.add(dialog._count.text()))
    bench.wait(lambda: said.add(dialog._count.text()) or (bool(dialog._buildable) and not bench.live.background.busy))
    assert said <= {"Listing the models that can be built…", f"{len(fake_build.CATALOGUE)} models, 1 built"}
    assert dialog._count.text() == f"{len(fake_build.CATALOGUE)} models, 1 built"


def test_what_runs_meanwhile_appears_in_the_details(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),))
    bench.dialog.choose("x3d_m")
    assert "unknown" in bench.dialog.details.toPlainText()
    name = bench.live.controller.models[0].name
    for number in range(5):
        probs = np.zeros(1, np.float32)
        bench.window.dialogs.note(Prediction(probs, (), number, 90.0, 82.0, name, "CPU", 1))
    bench.wait(lambda: "82 ms a clip" in bench.dialog.details.toPlainText())


def test_searching_and_sorting(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),))
    dialog = bench.dialog
    bench.qtbot.keyClicks(dialog.search, "x3d not")
    shown = [dialog._sorted.index(n, 0).data() for n in range(dialog._sorted.rowCount())]
    assert {"X3D-XS", "X3D-S", "X3D-L"} <= set(shown) and "X3D-M" not in shown
    assert all("X3D" in title for title in shown)
    assert dialog._count.text() == f"{len(shown)} of {len(fake_build.CATALOGUE)}"
    dialog.search.clear()
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        dialog.table.sortByColumn(4, order)
        values = [dialog._sorted.index(n, 4).data() for n in range(len(fake_build.CATALOGUE))]
        numbers = [float(value) for value in values if value != "-"]
        assert set(values[len(numbers) :]) == {"-"}, "what has no figure comes last"
        assert numbers == sorted(numbers, reverse=order is Qt.SortOrder.DescendingOrder)


def test_a_search_without_a_find_leaves_nothing_to_press(make_bench: MakeBench) -> None:
    dialog = make_bench(built=(("x3d_m", "int8"),)).dialog
    dialog.search.setText("no such network")
    assert dialog.row() is None and dialog.details.toPlainText() == ""
    assert not any(b.isEnabled() for b in (dialog.form.build, dialog.use, dialog.delete, dialog.show_folder))


def test_a_mute_build_program_is_told_and_the_models_stay(make_bench: MakeBench) -> None:
    bench = make_bench("mute", built=(("x3d_m", "int8"),))
    assert "is not available" in bench.dialog.form.state.text()
    assert "the catalogue is lost" in bench.dialog.form.log.toPlainText()
    assert bench.cells(BUILT) == {"x3d_m": "INT8"}
    assert bench.dialog.show_folder.isEnabled() and not bench.dialog.form.build.isEnabled()


def test_models_of_ones_own_have_rows_of_their_own(tmp_path: Path) -> None:
    fake_build.write("x3d_m", tmp_path, "int8")
    fake_build.write("x3d_m", tmp_path, "fp16", trained=False)
    own = fake_build.write("x3d_s", tmp_path, "int8")
    own.rename(tmp_path / "kitchen-int8")
    listed = parse_listing(json.dumps(fake_build.listing()).encode())
    rows = {row.key: row for row in merge(listed, survey(Registry([tmp_path]).scan()[0]))}
    assert len(rows) == len(fake_build.CATALOGUE) + 1
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


# Folders


def test_deleting_asks_first(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("slowfast_r50", "int8"), ("x3d_m", "int8")))
    dialog = bench.dialog
    bench.poll()
    dialog.choose("slowfast_r50")
    assert not dialog.delete.isEnabled() and "in use" in dialog.delete.toolTip()
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
        assert survey([model])[0].kept == "It is part of the app"
        with pytest.raises(ModelError, match="was not deleted: it is part of the app"):
            delete(model)
        assert folder.is_dir()
    link = tmp_path / "link"
    link.symlink_to(fake_build.write("x3d_s", tmp_path / "elsewhere", "int8"))
    assert "link" in survey([Model(link, load(link))])[0].kept


def test_the_model_that_comes_with_the_app_is_known_as_such() -> None:
    models, _ = Registry([paths.bundled("models")]).scan()
    kept = {one.model.name: one.kept for one in survey(models)}
    assert kept["slowfast_demo-int8"] == "It is part of the app"


def test_what_was_built_in_the_apps_folder_can_be_deleted(
    make_bench: MakeBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "bundled", lambda kind: tmp_path / kind)
    demo = fake_build.write("slowfast_r50", tmp_path / "models", "fp16")
    (demo / "CARD.md").touch()
    bench = make_bench(built=(("x3d_m", "int8"),))
    dialog = bench.dialog
    dialog.choose("slowfast_r50")
    assert not dialog.delete.isEnabled() and dialog.delete.toolTip() == "It is part of the app"
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
    assert "was not deleted. It is in use" in dialog.form.state.text()


def test_showing_the_folder(make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),))
    asked: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: asked.append(url) or False)
    bench.dialog.choose("x3d_m")
    bench.dialog.show_folder.click()
    assert asked[0].toLocalFile() == str(bench.output / "x3d_m-int8")
    assert str(bench.output / "x3d_m-int8") in bench.dialog.form.state.text()


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
    bench.wait(lambda: not bench.live.background.busy)


def test_all_of_it_has_names_and_can_be_reached_by_keys(make_bench: MakeBench) -> None:
    bench = make_bench(built=(("x3d_m", "int8"),))
    dialog = bench.dialog
    seen, widget = [], dialog.nextInFocusChain()
    while widget is not dialog:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.focusProxy() is None:
            seen.append(widget)
        widget = widget.nextInFocusChain()
    form = dialog.form
    reading_order = (
        dialog.search, dialog.table, dialog.details, *form.precisions.values(), form.weights, form.own.labels,
        form.own.browse, form.own.classes, form.own.name, form.build, form.show_log, form.cancel,
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
        bench.wait(lambda hidden=hidden: bench.dialog.table.isColumnHidden(TOP5) is hidden)


def test_no_width_of_the_table_cuts_off_the_names(make_bench: MakeBench) -> None:
    bench = make_bench()
    table = bench.dialog.table
    for width in (1400, 1080, 1000, 900, 800):
        bench.dialog.resize(width, 500)
        bench.wait(lambda width=width: bench.dialog.width() == width)
        bench.wait(lambda: table.columnWidth(NAME) >= table.fontMetrics().horizontalAdvance("SlowFast R101 16x8") + 16)
