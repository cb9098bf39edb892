"""Rules in the window: off until wanted, edited in a dialog, told once."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt

from slowfast_live import settings as store
from slowfast_live.rules.rule import Rule, RuleBook
from slowfast_live.types import Level, SourceSpec
from slowfast_live.ui.rules import alerts
from slowfast_live.ui.rules.rules_dialog import RulesDialog
from tests.ui.conftest import Desk
from tests.ui.fakes import ACTION

MakeDesk = Callable[..., Desk]
WRITE = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))"


@pytest.fixture(autouse=True)
def no_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "notifications_work", lambda: False)


def see(desk: Desk, *times: float) -> None:
    """Let jumping jacks be seen at these times."""
    for t_s in times:
        desk.pipeline.current_readout = replace(ACTION, t_end_s=t_s)
        desk.poll()


def with_rules(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path, *rules: Rule, enabled: bool = True) -> Desk:
    store.save(store.Settings(rules=RuleBook(enabled=enabled, rules=rules)), tmp_path / "settings.json")
    return make_desk(source=video)


def messages(desk: Desk) -> list[str]:
    return [notice.message for notice in desk.window.notice_bar._waiting]


def dialog_of(desk: Desk) -> RulesDialog:
    desk.trigger("rules")
    dialog = desk.live.alerts.dialog
    assert dialog is not None
    return dialog


def test_no_rule_is_there_to_begin_with(desk: Desk) -> None:
    assert desk.live.memory.settings.rules == RuleBook()
    see(desk, *range(1, 30))
    assert not any(message.startswith("Rule") for message in messages(desk))


def test_an_action_seen_long_enough_is_told(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path) -> None:
    desk = with_rules(make_desk, video, tmp_path, Rule("jumping jacks", hold_s=2))
    see(desk, 1.0, 2.0, 2.9)
    assert messages(desk) == []
    see(desk, 3.0, 3.5, 4.0)
    assert messages(desk) == ["Rule: jumping jacks, seen for 2 s (91 %)."]


def test_rules_that_are_off_do_nothing(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path) -> None:
    desk = with_rules(make_desk, video, tmp_path, Rule(hold_s=0), enabled=False)
    see(desk, 1.0, 2.0, 3.0)
    assert messages(desk) == []


def test_a_command_runs_once_a_firing(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    command = (sys.executable, "-c", WRITE, str(out))
    desk = with_rules(make_desk, video, tmp_path, Rule(hold_s=1, notify=False, command=command))
    see(desk, 1.0, 2.0, 3.0)
    desk.wait(lambda: out.exists() and out.read_text().endswith("\n"))
    (line,) = out.read_text().splitlines()
    facts = json.loads(line)
    assert (facts["action"], facts["source"], facts["test"]) == ("jumping jacks", "clip.mp4", False)


def test_the_same_failure_is_told_once(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path) -> None:
    rule = Rule(hold_s=1, cool_down_s=0, notify=False, command=("no-such-program-here",))
    desk = with_rules(make_desk, video, tmp_path, rule)
    told: list[str] = []
    desk.live.alerts.notice.connect(lambda notice: told.append(notice.message))
    for start in (10.0, 20.0, 30.0):
        see(desk, start, start + 1)
        desk.wait(lambda: not desk.live.alerts._under_way)
    assert len(told) == 1
    assert "no-such-program-here" in told[0]
    assert desk.window.notice_bar.notice.level is Level.WARNING  # type: ignore[union-attr]


def test_a_rule_is_added_edited_and_kept(desk: Desk, tmp_path: Path) -> None:
    dialog = dialog_of(desk)
    assert dialog.empty.isVisible() and not dialog.form.isVisible()
    dialog.add.click()
    assert dialog.enabled.isChecked()
    dialog.action.setEditText("squat")
    dialog.action.lineEdit().editingFinished.emit()  # type: ignore[union-attr]
    dialog.threshold.setValue(80)
    dialog.hold.setValue(3)
    dialog.cool_down.setValue(120)
    dialog.sound.setChecked(True)
    dialog.command.setText("lamp 'on now'")
    dialog.webhook.setText("https://example.org/hook")
    dialog.webhook.editingFinished.emit()
    wanted = Rule("squat", 0.8, 3, 120, 0, True, True, True, ("lamp", "on now"), "https://example.org/hook")
    assert desk.live.memory.settings.rules == RuleBook(enabled=True, rules=(wanted,))
    assert dialog.list.item(0).text() == "squat"
    dialog.accept()
    desk.window.close()
    assert store.load(tmp_path / "settings.json").settings.rules.rules == (wanted,)


def test_the_models_actions_are_offered(desk: Desk) -> None:
    dialog = dialog_of(desk)
    texts = [dialog.action.itemText(row) for row in range(dialog.action.count())]
    assert texts[0] == "Any action" and "jumping jacks" in texts


def test_what_makes_no_sense_is_said_and_not_kept(desk: Desk) -> None:
    dialog = dialog_of(desk)
    dialog.add.click()
    dialog.webhook.setText("example.org")
    dialog.webhook.textEdited.emit("example.org")
    assert "is no web address" in dialog.outcome.text()
    assert not dialog.test.isEnabled()
    dialog.webhook.setText("")
    dialog.command.setText("lamp 'on")
    dialog.command.textEdited.emit("lamp 'on")
    assert "cannot be read" in dialog.outcome.text()
    dialog.accept()
    assert desk.live.memory.settings.rules.rules == (Rule(),)


def test_a_command_half_typed_is_not_in_force(desk: Desk) -> None:
    dialog = dialog_of(desk)
    dialog.add.click()
    dialog.command.setText("rm")
    dialog.command.textEdited.emit("rm")
    assert desk.live.memory.settings.rules.rules == (Rule(),)
    dialog.reject()
    assert desk.live.memory.settings.rules.rules == (Rule(command=("rm",)),)


def test_one_rule_is_switched_off_or_removed(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path) -> None:
    desk = with_rules(make_desk, video, tmp_path, Rule("squat"), Rule("clapping"))
    dialog = dialog_of(desk)
    dialog.list.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert [rule.enabled for rule in desk.live.memory.settings.rules.rules] == [True, False]
    dialog.list.setCurrentRow(0)
    dialog.remove.click()
    assert [rule.action for rule in desk.live.memory.settings.rules.rules] == ["clapping"]
    assert dialog.action.currentText() == "clapping"


def test_a_rule_can_be_tried(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    good = Rule("squat", notify=False, command=(sys.executable, "-c", WRITE, str(out)))
    desk = with_rules(make_desk, video, tmp_path, good, Rule(notify=False, command=("no-such-program-here",)))
    dialog = dialog_of(desk)
    dialog.test.click()
    desk.wait(lambda: dialog.outcome.text() == "Done.")
    assert json.loads(out.read_text())["test"] is True
    dialog.list.setCurrentRow(1)
    dialog.test.click()
    desk.wait(lambda: "no-such-program-here" in dialog.outcome.text())
    assert dialog.test.isEnabled()


def test_closing_while_a_test_runs_is_harmless(make_desk: MakeDesk, video: SourceSpec, tmp_path: Path) -> None:
    desk = with_rules(make_desk, video, tmp_path, Rule(notify=False, command=(sys.executable, "-c", "")))
    dialog = dialog_of(desk)
    dialog.test.click()
    dialog.accept()
    desk.wait(lambda: not desk.live.alerts._under_way)


def test_rest_is_remembered(desk: Desk, tmp_path: Path) -> None:
    assert desk.pipeline.last("set_rest") == (False,)
    desk.trigger("rest")
    assert desk.pipeline.last("set_rest") == (True,)
    desk.window.close()
    assert store.load(tmp_path / "settings.json").settings.rest is True
