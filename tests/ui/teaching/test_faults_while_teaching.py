"""What goes wrong while teaching: each has its clear message in the window, and no example is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidgetItem

from slowfast_live import files, paths
from slowfast_live.inference.spec import Model
from slowfast_live.teaching.takes import NOTHING, TAKE_SUFFIX, Take, TakeStore, make_take
from slowfast_live.teaching.trunks import Trunk, identity_of
from slowfast_live.ui.teaching.lesson import Lesson
from slowfast_live.ui.teaching.teach_dialog import TeachDialog
from tests.ui.conftest import Desk
from tests.ui.fakes import FakeRegistry

MakeDesk = Callable[..., Desk]


def own(model: Model, folder: Path) -> Model:
    """Return a copy of a model that a test may delete."""
    shutil.copytree(model.folder, folder / model.name)
    return Model(folder / model.name, model.spec)


def takes_on(model: Model, counts: dict[str, int], windows: int = 4) -> list[Take]:
    """Return takes with made-up features for a model's network."""
    size, trunk = Trunk(model).size, identity_of(model)
    rng, takes = np.random.default_rng(1), []
    for number, (label, count) in enumerate(counts.items()):
        center = np.random.default_rng(100 + number).normal(0, 1, size)
        for _ in range(count):
            features = (center + rng.normal(0, 0.3, (windows, 2, size))).astype(np.float32)
            take = make_take(label, features, trunk=trunk, source="Webcam", length_s=3.0, mirrored=True)
            takes.append(take)
    return takes


def stored(model: Model, counts: dict[str, int]) -> TakeStore:
    """Store takes, as an earlier run left them."""
    store = TakeStore(paths.teaching_dir() / "my-actions")
    takes = takes_on(model, counts)
    for take in takes:
        store.put(take)
    store.save_settings(msgspec.structs.replace(store.settings(), base=model.name, trunk=takes[0].trunk))
    return store


def opened(desk: Desk) -> tuple[TeachDialog, Lesson]:
    desk.trigger("teach")
    teaching = desk.window.teaching
    dialog, lesson = teaching.dialog, teaching.lesson
    assert dialog is not None and lesson is not None
    desk.wait(lambda: dialog.isVisible() and not lesson.busy)
    return dialog, lesson


def learn(desk: Desk, dialog: TeachDialog, lesson: Lesson) -> None:
    desk.qtbot.mouseClick(dialog.learn, Qt.MouseButton.LeftButton)
    desk.wait(lambda: not lesson.busy and (dialog.report.text() or dialog.message.text()))


@pytest.fixture
def base(tiny: Model, tmp_path: Path) -> Model:
    return own(tiny, tmp_path / "models")


def test_a_broken_example_is_named_and_kept_and_the_rest_is_learned(make_desk: MakeDesk, base: Model) -> None:
    store = stored(base, {"nodding": 3, "bowing": 3})
    victim = sorted(store.folder.glob(f"*{TAKE_SUFFIX}"))[0]
    victim.write_bytes(victim.read_bytes()[:60])
    desk = make_desk(registry=FakeRegistry((base,)))
    dialog, lesson = opened(desk)
    assert victim.name in dialog.message.text()
    assert "take the example again" in dialog.message.text()
    assert len(lesson.takes) == 5
    learn(desk, dialog, lesson)
    assert "takes that it had not seen" in dialog.report.text()
    assert victim.exists()


def test_two_actions_with_one_take_each_are_learned_and_what_to_add_is_said(make_desk: MakeDesk, base: Model) -> None:
    stored(base, {"nodding": 1, "bowing": 1})
    desk = make_desk(registry=FakeRegistry((base,)))
    dialog, lesson = opened(desk)
    learn(desk, dialog, lesson)
    assert dialog.report.text().startswith("It cannot be tested yet: each action has one take only.")
    assert "add two more of each" in dialog.report.text()
    assert dialog.use.isVisible()


def test_an_action_without_an_example_is_left_out_by_name_and_is_there_next_time(
    make_desk: MakeDesk, base: Model
) -> None:
    stored(base, {"nodding": 2, "bowing": 2})
    desk = make_desk(registry=FakeRegistry((base,)))
    dialog, lesson = opened(desk)
    dialog.action.setText("waving")
    desk.qtbot.mouseClick(dialog.add_action, Qt.MouseButton.LeftButton)
    learn(desk, dialog, lesson)
    assert "“waving” has no example yet and was left out: take two of it at least." in dialog.report.text()
    desk.live.close()
    again = make_desk(registry=FakeRegistry((base,)))
    assert set(opened(again)[1].labels) == {"bowing", "nodding", "waving", NOTHING}


def test_a_deleted_base_model_is_named_and_the_examples_stay(make_desk: MakeDesk, base: Model) -> None:
    store = stored(base, {"nodding": 2, "bowing": 2})
    registry = FakeRegistry((base,))
    desk = make_desk(registry=registry)
    dialog, lesson = opened(desk)
    assert (dialog.base.currentText(), dialog.base.isEnabled()) == (f"on {base.spec.title}", False)
    shutil.rmtree(base.folder)
    learn(desk, dialog, lesson)
    for part in (base.name, "gone or was built anew", "The examples are kept"):
        assert part in dialog.message.text()
    assert len(store.load()[0]) == len(lesson.takes) == 4
    registry._fake = ()
    desk.live.controller.rescan()
    desk.wait(lambda: not desk.live.controller.models)
    desk.window.teaching.take("nodding")
    assert "gone or was built anew" in dialog.message.text()


def test_a_model_that_was_taught_stands_in_for_its_deleted_base(
    make_desk: MakeDesk, base: Model, tmp_path: Path
) -> None:
    from slowfast_live.teaching.building import build
    from slowfast_live.teaching.learning import learn as learn_from

    store = stored(base, {"nodding": 2, "bowing": 2})
    taught = build(learn_from(store.load()[0]), base, "Earlier", tmp_path / "taught")
    shutil.rmtree(base.folder)
    desk = make_desk(registry=FakeRegistry((taught,)))
    dialog, lesson = opened(desk)
    assert lesson.base == taught
    learn(desk, dialog, lesson)
    assert "takes that it had not seen" in dialog.report.text()


def test_power_that_fails_while_an_example_changes_is_said_and_loses_nothing(
    make_desk: MakeDesk, base: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = stored(base, {"nodding": 2, "bowing": 2})
    desk = make_desk(registry=FakeRegistry((base,)))
    dialog, lesson = opened(desk)

    def cut(path: Path, data: bytes, **_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files, "write_bytes", cut)
    lesson.set_mirrored(lesson.takes[:1], False)
    assert "cannot be written" in dialog.message.text()
    monkeypatch.undo()
    assert [take.mirrored for take in store.load()[0]] == [True] * 4


def test_the_base_model_is_chosen_before_the_first_example(make_desk: MakeDesk, base: Model, tiny_models: Path) -> None:
    from slowfast_live.inference.spec import Registry

    other = Registry([tiny_models]).find("tiny_short-fp32")
    desk = make_desk(registry=FakeRegistry((base, other)))
    dialog, lesson = opened(desk)
    assert dialog.base.isEnabled()
    dialog.base.setCurrentIndex(dialog.base.findData(other.name))
    assert lesson.base == other
    lesson.takes = takes_on(other, {"nodding": 1})
    lesson.changed.emit()
    assert not dialog.base.isEnabled()


def test_ten_thousand_examples_are_listed_and_a_further_one_costs_one_item(
    make_desk: MakeDesk, base: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(registry=FakeRegistry((base,)))
    dialog, lesson = opened(desk)
    lesson.takes = takes_on(base, {"nodding": 5000, "bowing": 5000}, windows=1)
    lesson.changed.emit()
    dialog.choose("nodding")
    assert dialog.examples.count() == 5000
    made: list[str] = []
    make = dialog.examples._item

    def counted(take: Take) -> QListWidgetItem:
        made.append(take.id)
        return make(take)

    monkeypatch.setattr(dialog.examples, "_item", counted)
    lesson.takes += takes_on(base, {"nodding": 1})
    lesson.changed.emit()
    assert len(made) == 1
    assert dialog.action_list.item(0).text() == "nodding  ·  5001"
    learn(desk, dialog, lesson)
    assert "takes that it had not seen" in dialog.report.text()
