from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from slowfast_live import settings as store
from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.spec import Model
from slowfast_live.types import Notice, PipelineState, SourceSpec, Status
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.models.measure_offer import AFTER, MeasureOffer
from slowfast_live.ui.threads.background import BackgroundTasks
from tests.ui.conftest import Desk
from tests.ui.fakes import DEVICES, MODELS, FakeRegistry, make_spec
from tests.ui.models.test_machine_check import FAKE

WORKING = Status(state=PipelineState.RUNNING, model="tiny")
ONE = (MODELS[0],)


def offers(
    tmp_path: Path, models: tuple[Model, ...], devices: list[DeviceInfo] = DEVICES, looks: int = 2 * AFTER
) -> list[Notice]:
    said: list[Notice] = []
    offer = MeasureOffer(SettingsStore(tmp_path / "settings.json", BackgroundTasks()), said.append)
    offer.know(devices)
    for _ in range(looks):
        offer.update(WORKING, models)
    return said


def test_it_is_made_once_where_there_is_a_choice(qapp: object, tmp_path: Path) -> None:
    (said,) = offers(tmp_path, MODELS)
    assert "2 models" in said.message and said.command == "measure"
    (said,) = offers(tmp_path, ONE, [DeviceInfo("CPU", ""), DeviceInfo("GPU", ""), DeviceInfo("AUTO", "")])
    assert "2 devices" in said.message


def test_without_a_choice_or_before_a_while_it_is_not_made(qapp: object, tmp_path: Path) -> None:
    untrained = Model(Path("models/other"), make_spec("other", trained=False))
    assert not offers(tmp_path, ONE)
    assert not offers(tmp_path, (*ONE, untrained))
    assert not offers(tmp_path, MODELS, looks=AFTER - 1)


def test_only_time_at_work_counts(qapp: object, tmp_path: Path) -> None:
    said: list[Notice] = []
    offer = MeasureOffer(SettingsStore(tmp_path / "settings.json", BackgroundTasks()), said.append)
    offer.know(DEVICES)
    for _ in range(2 * AFTER):
        offer.update(Status(state=PipelineState.RUNNING), MODELS)
        offer.update(Status(model="tiny"), MODELS)
    assert not said


def after_a_while(desk: Desk) -> Notice | None:
    desk.wait(lambda: desk.pipeline.status().model)
    for _ in range(AFTER):
        desk.poll()
    return desk.window.notice_bar.notice


def test_one_click_measures_and_it_is_offered_no_more(make_desk: Callable[..., Desk], video: SourceSpec) -> None:
    desk = make_desk(source=video)
    desk.window.dialogs.machine_check._words = (sys.executable, str(FAKE), "hangs")
    bar = desk.window.notice_bar
    assert after_a_while(desk) is not None
    assert bar._command.isVisible() and bar._command.text() == "Measure this machine…"
    assert not bar._timer.isActive(), "an offer stays until it is answered"
    bar._command.click()
    desk.wait(lambda: desk.window.dialogs.machine_check.busy)
    assert bar.notice is None
    desk.window.dialogs.machine_check.cancel()
    desk.window.close()
    again = make_desk(source=video)
    assert after_a_while(again) is None


def test_who_measured_unasked_needs_no_offer(desk: Desk, tmp_path: Path) -> None:
    desk.window.dialogs.machine_check._words = (sys.executable, str(FAKE), "well")
    desk.trigger("measure")
    assert after_a_while(desk) is None
    desk.window.close()
    assert store.load(tmp_path / "settings.json").settings.measure_offered


def test_one_model_on_one_device_needs_none(make_desk: Callable[..., Desk], video: SourceSpec) -> None:
    assert after_a_while(make_desk(source=video, registry=FakeRegistry(ONE))) is None
