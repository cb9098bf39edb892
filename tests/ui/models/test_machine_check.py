import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slowfast_live.types import Readout, ReadoutState
from slowfast_live.ui.controller.workload import Job
from slowfast_live.ui.models.machine_check import MachineCheck, MachineDialog
from slowfast_live.ui.models.model_builder import BuildOrder, BuildOutcome
from tests.ui.conftest import Desk

FAKE = Path(__file__).with_name("fake_check.py")
WAIT_MS = 20_000


@pytest.fixture
def dialog(qtbot: Any) -> Callable[[str], MachineDialog]:
    checks: list[MachineCheck] = []

    def make(kind: str) -> MachineDialog:
        check = MachineCheck((sys.executable, str(FAKE), kind))
        checks.append(check)
        made = MachineDialog(check)
        qtbot.addWidget(made)
        made.show()
        made.measure()
        return made

    yield make  # type: ignore[misc]
    for check in checks:
        check.close()


def test_the_recommendation_is_shown_with_what_was_measured(dialog: Callable[[str], MachineDialog], qtbot: Any) -> None:
    shown = dialog("well")
    qtbot.waitUntil(lambda: shown.use.isVisible(), timeout=WAIT_MS)
    assert "Tiny · FP32 on CPU. 7 actions." in shown.message.text()
    cells = [shown.table.item(0, column).text() for column in range(5)]
    assert cells == ["Tiny · FP32", "CPU", "12.3", "81.0", "bf16"]
    assert shown.table.item(1, 2).text() == "does not run"
    assert shown.table.item(1, 2).toolTip() == "It does not run there."
    with qtbot.waitSignal(shown.chosen) as chosen:
        shown.use.click()
    assert chosen.args == ["tiny_trained-fp32", "CPU"] and not shown.isVisible()


@pytest.mark.parametrize(
    ("kind", "message"), [("fails", "There is no trained model here"), ("nothing", "No trained model runs here")]
)
def test_what_gives_no_recommendation_says_why(
    kind: str, message: str, dialog: Callable[[str], MachineDialog], qtbot: Any
) -> None:
    shown = dialog(kind)
    qtbot.waitUntil(lambda: message in shown.message.text(), timeout=WAIT_MS)
    assert not shown.use.isVisible() and shown.again.isVisible() and not shown.bar.isVisible()


def test_it_can_be_cancelled_and_begun_again(dialog: Callable[[str], MachineDialog], qtbot: Any) -> None:
    shown = dialog("hangs")
    qtbot.waitUntil(lambda: shown.message.text() == "Tiny on CPU" and shown.bar.value() == 500, timeout=WAIT_MS)
    shown.stop.click()
    qtbot.waitUntil(lambda: "canceled" in shown.message.text(), timeout=WAIT_MS)
    assert shown.isVisible() and shown.again.isVisible() and not shown.use.isVisible()
    shown.stop.click()
    assert not shown.isVisible()


def test_a_program_that_is_not_there_is_told(qtbot: Any) -> None:
    shown = MachineDialog(MachineCheck(("/no/such/program",)))
    qtbot.addWidget(shown)
    shown.measure()
    qtbot.waitUntil(lambda: "cannot be started" in shown.message.text(), timeout=WAIT_MS)


def test_recognition_pauses_while_the_machine_is_measured(desk: Desk) -> None:
    desk.wait(lambda: desk.pipeline.status().model)
    before = desk.pipeline.status().model
    desk.window.dialogs.machine_check._words = (sys.executable, str(FAKE), "hangs")
    desk.trigger("measure")
    desk.wait(lambda: desk.pipeline.status().model is None)
    desk.window.dialogs.machine_check.cancel()
    desk.wait(lambda: desk.pipeline.status().model == before)


def test_using_the_recommendation_switches_and_is_remembered(desk: Desk) -> None:
    desk.live.controller.choose("x3d_m", "CPU")
    desk.wait(lambda: desk.pipeline.status().model == "x3d_m")
    desk.pipeline.predict()
    desk.poll()
    settings = desk.live.memory.settings
    assert (settings.model, settings.device) == ("x3d_m", "CPU")
    desk.live.controller.choose("gone", "CPU")
    assert settings.model == "x3d_m"


def test_nothing_is_measured_beside_another_job(desk: Desk) -> None:
    workload = desk.live.controller.workload
    desk.window.dialogs.machine_check._words = (sys.executable, str(FAKE), "hangs")
    workload.begin(Job.ANALYSIS)
    workload.begin(Job.RECORDING)
    desk.trigger("measure")
    machine = desk.window.dialogs.machine
    assert machine is not None and not desk.window.dialogs.machine_check.busy
    assert "In progress: an analysis and a recording" in machine.message.text()
    assert desk.pipeline.status().model is not None, "the model resumes"
    machine.wait.click()
    workload.end(Job.RECORDING)
    assert "Waiting for an analysis" in machine.message.text() and not desk.window.dialogs.machine_check.busy
    workload.end(Job.ANALYSIS)
    desk.wait(lambda: desk.window.dialogs.machine_check.busy)


def test_a_job_that_begins_while_it_measures_makes_it_wait(desk: Desk) -> None:
    before = desk.pipeline.status().model
    check = desk.window.dialogs.machine_check
    check._words = (sys.executable, str(FAKE), "hangs")
    desk.trigger("measure")
    desk.wait(lambda: desk.pipeline.status().model is None)
    desk.pipeline.current_readout = Readout(ReadoutState.NO_MODEL)
    desk.poll()
    assert desk.window.canvas.overlay.headline == "recognition paused"
    assert desk.window.source_bar.models.currentData() == before, "it is not gone"
    desk.live.builder.started.emit(None)
    machine = desk.window.dialogs.machine
    assert machine is not None
    desk.wait(lambda: not check.busy)
    desk.wait(lambda: desk.pipeline.status().model == before)
    assert "Waiting for a model build" in machine.message.text()
    desk.live.builder.finished.emit(BuildOutcome(BuildOrder("x", "X"), False, True, ""))
    desk.wait(lambda: check.busy)
    machine.stop.click()
    desk.wait(lambda: desk.pipeline.status().model == before and not check.busy)
