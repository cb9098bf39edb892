"""Exported events are what the list shows, in the format that the name asks for."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog

from slowfast_live.inference.spec import Model
from slowfast_live.people.records import PersonTrail
from slowfast_live.types import Level, SourceKind, SourceSpec
from slowfast_live.ui.events.events_export import FILTERS
from tests.ui.conftest import Desk
from tests.ui.events.test_events_panel import RUNS, MakeDesk
from tests.ui.events.test_people_in_the_window import does, tell
from tests.ui.events.test_timeline import recognize
from tests.ui.fakes import FakeRegistry, make_spec


@pytest.fixture
def registry(tmp_path: Path) -> FakeRegistry:
    """A model whose files are there: findings hold their fingerprint."""
    folder = tmp_path / "slowfast_r50"
    folder.mkdir()
    for name in ("model.xml", "model.bin", "model.json"):
        (folder / name).write_bytes(b"model")
    return FakeRegistry((Model(folder, make_spec()),))


@pytest.fixture
def film(tmp_path: Path) -> SourceSpec:
    path = tmp_path / "film.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 10, (64, 48))
    for _ in range(200):
        writer.write(np.full((48, 64, 3), (0, 0, 220), np.uint8))
    writer.release()
    return SourceSpec(SourceKind.FILE, str(path))


@pytest.fixture
def told(make_desk: MakeDesk, registry: FakeRegistry, film: SourceSpec) -> Desk:
    """Three events, the first renamed by the user."""
    desk = make_desk(source=film, registry=registry)
    recognize(desk, 3.0, RUNS)
    session_events = desk.window.event_views.session_events
    session_events.rename(session_events.notes[0], "lunge")
    return desk


def export(desk: Desk, path: Path) -> str:
    desk.window.event_views.export.save(path)
    desk.wait(lambda: not desk.live.background.busy)
    notice = desk.window.notice_bar.notice
    assert notice is not None and notice.message == f"Saved {path}"
    return path.read_text(encoding="utf-8")


def test_json_holds_the_users_names(told: Desk, tmp_path: Path) -> None:
    found = json.loads(export(told, tmp_path / "out.json"))
    assert [event["label"] for event in found["events"]] == ["lunge", "clapping", "squat"]
    assert found["source"]["name"] == "film.mp4" and found["model"]["name"] == "slowfast_r50"
    assert found["warnings"], "it says that it knows only what was played"


def test_every_format_that_is_offered_can_be_written(told: Desk, tmp_path: Path) -> None:
    for _name, ending in FILTERS:
        if ending != ".ava.csv":  # of people alone
            assert "lunge" in export(told, tmp_path / f"out{ending}")
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["label"] for row in rows] == ["lunge", "clapping", "squat"]
    assert "data:image/jpeg" in (tmp_path / "out.html").read_text(encoding="utf-8"), "each event has its picture"


def test_every_format_with_people_has_the_edits_of_their_events(told: Desk, tmp_path: Path) -> None:
    told.pipeline.current_trails = (PersonTrail(1, tuple((t / 5, 0.1, 0.2, 0.5, 0.9) for t in range(95)), ()),)
    tell(told, does(1, "squat", 3, 10), does(2, "waving hand", 5, 12), does(1, "running", 11, 14))
    session_events = told.window.event_views.session_events
    squat, waving = session_events.people.at(1, 5.0), session_events.people.at(2, 8.0)
    assert squat is not None and waving is not None
    session_events.rename(squat, "sitting down")
    session_events.delete([waving])
    session_events.add("juggling", 15.0, 17.0, person=3)
    for _name, ending in FILTERS:
        text = export(told, tmp_path / f"out{ending}")
        if ending not in (".ava.csv", ".kinetics.csv"):  # the model's scores, and events of the whole picture
            assert "sitting down" in text and "juggling" in text and "waving hand" not in text, ending
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert [(row["label"], row["person"]) for row in rows if row["person"]] == [
        ("sitting down", "1"),
        ("running", "1"),
        ("juggling", "3"),
    ]


def test_times_of_a_live_source_begin_at_zero(make_desk: MakeDesk, registry: FakeRegistry, tmp_path: Path) -> None:
    desk = make_desk(registry=registry)
    desk.pipeline.update(position_s=5000.0)
    desk.poll()
    recognize(desk, 5000.0, RUNS)
    found = json.loads(export(desk, tmp_path / "live.json"))
    assert found["source"]["clock"] == "session"
    events = found["events"]
    assert 0 <= events[0]["begin_s"] < 2 and events[-1]["end_s"] < 30
    assert "clapping" in export(desk, tmp_path / "live.html")


def test_the_dialog_offers_the_formats_and_a_name(told: Desk) -> None:
    told.trigger("export_events")
    dialog = told.window.findChild(QFileDialog)
    assert dialog is not None
    assert [name for name, _ending in FILTERS] == dialog.nameFilters()
    assert Path(dialog.selectedFiles()[0]).name == "film events.html"
    dialog.selectNameFilter("JSON (*.json)")
    dialog.filterSelected.emit("JSON (*.json)")
    assert dialog.defaultSuffix() == "json"
    dialog.reject()


def test_without_events_there_is_nothing_to_export(desk: Desk) -> None:
    assert not desk.window.actions_by_id["export_events"].isEnabled()


def test_a_folder_that_is_not_there_to_write_to_is_told(told: Desk, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    told.window.event_views.export.save(blocked / "out.json")
    told.wait(lambda: not told.live.background.busy)
    notice = told.window.notice_bar.notice
    assert notice is not None and notice.level is Level.ERROR and "cannot be written" in notice.message
