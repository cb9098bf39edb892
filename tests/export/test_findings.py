"""JSON and CSV, read back by other programs."""

import csv
import io
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given

from slowfast_live.core.events import Event
from slowfast_live.errors import ExportError
from slowfast_live.export import findings as module
from slowfast_live.export.findings import PersonLabels, PersonRecord, decode, encode, published_schema, readouts
from slowfast_live.export.people_overlay import box_at, draw_people
from slowfast_live.export.report import ReportSection, render_report
from slowfast_live.export.subtitles import one_line, person_events, to_srt
from slowfast_live.export.tables import EVENT_COLUMNS, PREDICTION_COLUMNS, events_csv, predictions_csv
from slowfast_live.types import ReadoutState
from tests.export.made import HOSTILE, event_lists, make_event, make_findings


def test_the_published_schema_is_that_of_the_code() -> None:
    told = "the format changed: write the schema anew, and think of VERSION"
    assert json.loads(published_schema()) == module.make_schema(), told


FINDINGS = make_findings((make_event("running"),))


@given(event_lists)
def test_json_fits_the_schema_and_is_read_back(events: tuple[Event, ...]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    found = make_findings(events)
    data = encode(found)
    jsonschema.Draft202012Validator(json.loads(published_schema())).validate(json.loads(data))
    assert decode(data, "it") == found


def test_json_says_on_which_clock_its_times_are() -> None:
    told = json.loads(published_schema())["$defs"]["SourceFacts"]["properties"]["clock"]
    assert told["enum"] == ["player", "session"] and "players show" in told["description"]
    assert json.loads(encode(make_findings()))["source"]["clock"] == "player"


def test_the_schema_refuses_what_is_none() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(published_schema()))
    validator.check_schema(json.loads(published_schema()))
    good = json.loads(encode(make_findings((make_event("a"),))))
    for path, wrong in (
        (("version",), 3),
        (("events", 0, "begin_s"), "soon"),
        (("predictions", 0, "score"), 1.5),
        (("source", "kind"), "dream"),
    ):
        bad = json.loads(json.dumps(good))
        place = bad
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = wrong
        assert not validator.is_valid(bad), path
        with pytest.raises(ExportError, match=r"x\.json"):
            decode(json.dumps(bad).encode(), "x.json")


def test_each_field_is_explained() -> None:
    for part in json.loads(published_schema())["$defs"].values():
        for name, field in part["properties"].items():
            assert field["description"].endswith((".", "1")), (part["title"], name)


@pytest.mark.parametrize("data", [b"", b"{}", b"[1, 2]", b"\xff\xfe", b'{"format": "slowfast-live findings"'])
def test_other_files_are_told_apart(data: bytes) -> None:
    with pytest.raises(ExportError, match=r"notes\.json does not contain findings"):
        decode(data, "notes.json")


@given(event_lists)
def test_event_tables_are_read_back(events: tuple[Event, ...]) -> None:
    rows = list(csv.DictReader(io.StringIO(events_csv(events, "clip.mp4"), newline="")))
    assert len(rows) == len(events)
    for row, event in zip(rows, events, strict=True):
        assert tuple(row) == EVENT_COLUMNS and row["source"] == "clip.mp4"
        assert row["label"].removeprefix("'") == one_line(event.label).removeprefix("'")
        assert abs(float(row["begin_s"]) - event.begin_s) < 1e-3 and abs(float(row["end_s"]) - event.end_s) < 1e-3


def test_no_cell_is_a_formula() -> None:
    events = tuple(make_event(label) for label in ("=1+1", "+1", "-1", "@x", "\t=1", *HOSTILE))
    for table in (events_csv(events, "=cmd.mp4"), predictions_csv(make_findings(events).predictions, "=cmd.mp4")):
        for row in list(csv.reader(io.StringIO(table, newline="")))[1:]:
            assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row), row


def test_pandas_reads_the_tables() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    events = tuple(make_event(label, i, i + 0.5) for i, label in enumerate(HOSTILE))
    found = make_findings(events)
    frame = pandas.read_csv(io.StringIO(events_csv(events, "clip.mp4"), newline=""))
    assert list(frame.columns) == list(EVENT_COLUMNS) and len(frame) == len(events)
    assert frame["length_s"].sum() == pytest.approx(0.5 * len(events))
    frame = pandas.read_csv(io.StringIO(predictions_csv(found.predictions, "clip.mp4"), newline=""))
    assert list(frame.columns) == list(PREDICTION_COLUMNS) and len(frame) == len(found.predictions)
    assert frame["score"].between(0, 1).all() and frame["label"].isna().sum() == 4


def test_what_was_shown_can_be_shown_again() -> None:
    found = make_findings((make_event("running"),))
    shown = readouts(found)
    assert [t for t, _ in shown] == [row.end_s for row in found.predictions]
    for (_, readout), row in zip(shown, found.predictions, strict=True):
        assert (readout.label, readout.score, readout.top) == (row.label, row.score, row.smoothed)
        assert (readout.state is ReadoutState.ACTION) == (row.label is not None)


def test_the_schema_of_the_first_version_stays_as_it_was_published() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    path = Path(module.__file__).with_name("schema") / "findings-1.json"
    first = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(first)
    result = first["$defs"]["AnalysisResult"]
    assert result["properties"]["version"]["enum"] == [1]
    assert "persons" not in result["properties"], "people came with the second version"


def test_a_file_of_the_first_version_is_still_read() -> None:
    """Version 1 had neither people nor the fields that came later."""
    old = json.loads(encode(FINDINGS))
    old["version"] = 1
    del old["persons"], old["method"]["people"]
    found = decode(json.dumps(old).encode(), "old.json")
    assert found.persons == () and found.events == FINDINGS.events


def test_people_come_back_and_fill_tables_and_subtitles() -> None:
    event = Event("squat", 1.0, 2.0, 0.8, 0.9, 1.5)
    person = PersonRecord(
        id=3,
        begin_s=0.5,
        end_s=2.5,
        boxes=((0.5, 0.1, 0.2, 0.3, 0.9), (2.5, 0.2, 0.2, 0.4, 0.9)),
        events=(event,),
        predictions=(PersonLabels(t_s=1.5, label="squat", score=0.8, labels=(("squat", 0.8),)),),
    )
    jsonschema = pytest.importorskip("jsonschema")
    result = msgspec.structs.replace(FINDINGS, persons=(person,))
    assert decode(encode(result), "x.json").persons == (person,)
    jsonschema.Draft202012Validator(json.loads(published_schema())).validate(json.loads(encode(result)))
    rows = list(csv.DictReader(io.StringIO(events_csv(result.events, "clip.mp4", result.persons), newline="")))
    assert [row["person"] for row in rows] == [""] * len(result.events) + ["3"]
    assert "Person 3: squat" in to_srt(person_events(result.events, result.persons))
    assert "Person 3" in render_report([ReportSection.of(result)])


def test_a_box_is_drawn_where_the_person_is_at_that_time() -> None:
    person = PersonRecord(id=1, begin_s=0, end_s=1, boxes=((0.0, 0.1, 0.2, 0.3, 0.9), (1.0, 0.5, 0.2, 0.7, 0.9)))
    assert box_at(person, 0.5) == pytest.approx((0.3, 0.2, 0.5, 0.9))
    assert box_at(person, -0.1) is None and box_at(person, 1.6) is None
    image = np.full((180, 320, 3), 100, np.uint8)
    assert draw_people(image, [person], 5.0) is image
    drawn = draw_people(image, [person], 0.5)
    changed = np.flatnonzero((drawn != image).any(2).any(0))
    assert 80 <= changed[0] <= 100 and (image == 100).all()
