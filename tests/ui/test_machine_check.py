import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slowfast_live.ui.machine_check import MachineCheck, MachineDialog
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
    assert "Tiny · FP32 on CPU. 7 actions." in shown.says.text()
    cells = [shown.table.item(0, column).text() for column in range(5)]
    assert cells == ["Tiny · FP32", "CPU", "12.3", "81.0", "bf16"]
    assert shown.table.item(1, 2).text() == "does not run"
    assert shown.table.item(1, 2).toolTip() == "It does not run there."
    with qtbot.waitSignal(shown.chosen) as chosen:
        shown.use.click()
    assert chosen.args == ["tiny_trained-fp32", "CPU"] and not shown.isVisible()


@pytest.mark.parametrize(
    ("kind", "says"), [("fails", "There is no trained model here"), ("nothing", "No trained model runs here")]
)
def test_what_gives_no_recommendation_says_why(
    kind: str, says: str, dialog: Callable[[str], MachineDialog], qtbot: Any
) -> None:
    shown = dialog(kind)
    qtbot.waitUntil(lambda: says in shown.says.text(), timeout=WAIT_MS)
    assert not shown.use.isVisible() and shown.again.isVisible() and not shown.bar.isVisible()


def test_it_can_be_cancelled_and_begun_again(dialog: Callable[[str], MachineDialog], qtbot: Any) -> None:
    shown = dialog("hangs")
    qtbot.waitUntil(lambda: shown.says.text() == "Tiny on CPU" and shown.bar.value() == 500, timeout=WAIT_MS)
    shown.stop.click()
    qtbot.waitUntil(lambda: "cancelled" in shown.says.text(), timeout=WAIT_MS)
    assert shown.isVisible() and shown.again.isVisible() and not shown.use.isVisible()
    shown.stop.click()
    assert not shown.isVisible()


def test_a_program_that_is_not_there_is_told(qtbot: Any) -> None:
    shown = MachineDialog(MachineCheck(("/no/such/program",)))
    qtbot.addWidget(shown)
    shown.measure()
    qtbot.waitUntil(lambda: "cannot be started" in shown.says.text(), timeout=WAIT_MS)


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
    settings = desk.live.memory.settings
    assert (settings.model, settings.device) == ("x3d_m", "CPU")
    desk.live.controller.choose("gone", "CPU")
    assert settings.model == "x3d_m"
