"""Every dialog of the window, each opened as the user opens it and filled with something to see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication, QDialog

from slowfast_live.publish.settings import PublishSettings
from slowfast_live.rules.rule import Rule, RuleBook
from slowfast_live.sources.screens import Area, ScreenAddress, ScreenWindow
from slowfast_live.ui.models.machine_check import Advice, CheckLine, MachineCheck, MachineDialog, Measured
from slowfast_live.ui.rules.rules_dialog import RulesDialog
from slowfast_live.ui.sources.screen_dialog import OnScreen, ScreenDialog
from tests.ui.conftest import Desk


def _modal() -> QDialog:
    QApplication.processEvents()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QDialog)
    return dialog


def help_sheet(desk: Desk) -> QDialog:
    desk.trigger("help")
    return _modal()


def about(desk: Desk) -> QDialog:
    desk.trigger("about")
    return _modal()


def stream_address(desk: Desk) -> QDialog:
    desk.trigger("open_url")
    return _modal()


def no_rules(desk: Desk) -> QDialog:
    desk.live.memory.settings.rules = RuleBook()
    desk.trigger("rules")
    return next(iter(desk.window.findChildren(RulesDialog)))


def rules(desk: Desk) -> QDialog:
    wanted = (Rule("jumping jacks", command=("lamp", "on")), Rule("squat", 0.8, webhook="https://example.org/hook"))
    desk.live.memory.settings.rules = RuleBook(enabled=True, rules=wanted)
    desk.trigger("rules")
    return next(iter(desk.window.findChildren(RulesDialog)))


def teach(desk: Desk) -> QDialog:
    desk.trigger("teach")
    dialog = desk.window.teaching.dialog
    assert dialog is not None
    desk.window.teaching.lesson.add_action("nodding")
    dialog.choose("nodding")
    desk.wait(lambda: not desk.window.teaching.lesson.busy)  # the model's features are prepared
    dialog.show_report(
        [
            "It works well: 9 of 9 takes that it had not seen got their action.",
            "Of something else, 88% is shown as no action.",
        ]
    )
    return dialog


def analyze(desk: Desk) -> QDialog:
    desk.trigger("analyze")
    dialog = desk.window.dialogs.analyze
    assert dialog is not None
    dialog.add([Path("/home/ada/videos")])
    return dialog


def models(desk: Desk) -> QDialog:
    desk.trigger("models")
    dialog = desk.window.dialogs.manager
    assert dialog is not None
    desk.wait(lambda: not desk.live.background.busy and dialog.row() is not None)
    return dialog


def machine(desk: Desk) -> QDialog:
    dialog = MachineDialog(MachineCheck(parent=desk.live), desk.live.controller.workload, desk.window)
    measured = (Measured("SlowFast R50 8x8", "CPU", 80.1, 12.5, "f32"), Measured("X3D-M", "CPU", failure="no memory"))
    advice = Advice("slowfast_r50", "SlowFast R50 8x8", "CPU", "It keeps up with the camera.")
    dialog._finished(CheckLine("done", "", 1.0, advice, measured), "")
    dialog.show()
    return dialog


def screen(desk: Desk) -> QDialog:
    desk.trigger("open_screen")
    dialog = desk.window.source_dialogs.current
    assert isinstance(dialog, ScreenDialog)
    desk.wait(lambda: not desk.live.background.busy)
    area = Area(0, 0, 800, 600)
    windows = [ScreenWindow("Fitness – lesson 3", area), ScreenWindow("Mail", area)]
    dialog.show_found(OnScreen([ScreenAddress(1).spec, ScreenAddress(0).spec], windows))
    return dialog


def queue(desk: Desk) -> QDialog:
    desk.trigger("queue")
    dialog = desk.live.queue.dialog
    assert dialog is not None
    dialog.add_paths(["/home/ada/videos/a.mp4", "/home/ada/videos/b.mp4"])
    return dialog


def publish(desk: Desk) -> QDialog:
    stored = PublishSettings(feed_token="sample-token", mqtt_url="mqtt://broker.local", text_file="/home/ada/now.txt")
    desk.live.memory.settings.publish = stored
    desk.trigger("publish")
    dialog = desk.live.publishing.dialog
    assert dialog is not None
    return dialog


def kinetics(desk: Desk) -> QDialog:
    desk.trigger("recognize_400")
    dialog = desk.window.dialogs.kinetics
    assert dialog is not None
    desk.wait(lambda: not desk.live.background.busy and dialog.choices)
    return dialog


DIALOGS: dict[str, Callable[[Desk], QDialog]] = {
    "help": help_sheet,
    "about": about,
    "stream address": stream_address,
    "no rules": no_rules,
    "rules": rules,
    "analyze": analyze,
    "teach": teach,
    "models": models,
    "machine": machine,
    "screen": screen,
    "queue": queue,
    "publish": publish,
    "400 actions": kinetics,
}
