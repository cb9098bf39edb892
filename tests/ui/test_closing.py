"""Closing is a list of steps: one that fails never keeps what comes after it from being done."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slowfast_live.session_log import SessionLog
from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.closing import take_down
from slowfast_live.ui.controller.protocols import SessionFacts
from tests.test_session_log import SUMMARY
from tests.ui.conftest import Desk

STEPS = (
    "window.loop_latency.stop",
    "pipeline.status",
    "window.view.remember_place",
    "memory.save_now",
    "recording.close",
    "window.dialogs.end_analysis",
    "window.dialogs.machine_check.close",
    "builder.close",
    "poller.stop",
    "window.event_views.close",
    "alerts.close",
    "themes.close",
    "pipeline.stop",
    "background.wait",
    "garbage.close",
    "_on_close",
)


def test_all_steps_are_tried_and_failures_are_said(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def fail() -> None:
        raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")

    steps = [("one", lambda: done.append(1)), ("two", fail), ("three", lambda: done.append(3))]
    with caplog.at_level(logging.ERROR):
        assert take_down(steps) == ["two"]
    assert done == [1, 3] and "two failed: 'utf-8' codec can't encode" in caplog.text


@pytest.mark.parametrize("broken", STEPS)
def test_a_step_that_fails_stops_no_other(
    broken: str, make_desk: Callable[..., Desk], video: SourceSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[SessionFacts] = []
    desk = make_desk(source=video, on_close=told.append)
    desk.show_picture()
    live = desk.live
    live.memory.settings.recent_files = ["marked"]
    done: list[str] = []

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if name == broken:
                raise RuntimeError(f"{name} is broken")
            done.append(name)
            return real(*arguments, **options)

        return call

    quits: list[None] = []
    with monkeypatch.context() as patched:
        for name in STEPS:
            *way, last = name.split(".")
            owner: Any = live
            for part in way:
                owner = getattr(owner, part)
            patched.setattr(owner, last, watched(name, getattr(owner, last)))
        patched.setattr(live._app, "quit", lambda: quits.append(None))
        live.close()
        assert set(done) >= set(STEPS) - {broken}, "a step was left out"
    assert len(live.failed_steps) == 1 and quits
    if broken != "memory.save_now":
        assert json.loads((tmp_path / "settings.json").read_bytes())["recent_files"] == ["marked"]
    if broken != "_on_close":
        assert len(told) == 1 and told[0].exit_reason == "closed"
    for name in STEPS:  # what was broken is ended now, for the sake of the next test
        if name == broken and name not in ("_on_close", "pipeline.status", "memory.save_now"):
            *way, last = name.split(".")
            owner = live
            for part in way:
                owner = getattr(owner, part)
            getattr(owner, last)(*([1.0] if name == "background.wait" else []))


def test_a_name_that_is_no_text_loses_nothing(make_desk: Callable[..., Desk], tmp_path: Path) -> None:
    """The window plays it; settings and the session's log are saved, and the next start finds it again."""
    source = SourceSpec(SourceKind.FILE, str(tmp_path) + "/caf\udce9\n\u202e.mp4")
    try:
        Path(source.address).write_bytes(b"video")
    except OSError:
        pytest.skip("this file system refuses such names")
    log = SessionLog(tmp_path / "log.jsonl")
    desk = make_desk(source=source, on_close=lambda _facts: log.close(SUMMARY))
    desk.show_picture()
    desk.poll()
    assert desk.window.source_bar.sources.currentText() == "caf\ufffd\\n\\u202e.mp4"
    desk.window.menu.recent_menu.aboutToShow.emit()
    assert any("caf" in action.text() for action in desk.window.menu.recent_menu.actions())
    desk.live.close()
    assert desk.live.failed_steps == []
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["type"] == "summary"
    again = make_desk(source=None).live
    assert again.memory.settings.last_source == source
    assert again.memory.settings.recent_files == [source.address]
    assert again.pipeline.status().source == source
