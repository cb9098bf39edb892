"""Files analyzed with a model that gives several answers at once: events, JSON, CSV, subtitles, report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest

from slowfast_live.analysis.analyzer import AnalysisSettings, Analyzer
from slowfast_live.errors import UsageError
from slowfast_live.export.findings import AnalysisResult, decode, encode, published_schema, readouts
from slowfast_live.export.report import ReportSection, render_report
from slowfast_live.export.subtitles import to_srt
from slowfast_live.export.tables import events_csv, predictions_csv
from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.spec import Decision, Model, Registry
from tests.analysis.fakes import OrderlyRequest, PlainRunner, write_clip


class SeveralRequest(OrderlyRequest):
    """Label 0 always, label 1 in bright pictures."""

    def start(self, done) -> None:
        probs = np.full(self.classes, 0.1, np.float32)
        probs[0] = 0.8
        probs[1] = 0.7 if self.clip.mean() > 128 else 0.2
        done(InferResult(probs))


@pytest.fixture
def short(registry: Registry) -> Model:
    model = registry.find("tiny_short-fp32")
    spec = msgspec.structs.replace(model.spec, activation="sigmoid", decision=Decision(threshold=0.5))
    return msgspec.structs.replace(model, spec=spec)


@pytest.fixture
def found(tmp_path: Path, short: Model) -> AnalysisResult:
    path = write_clip(tmp_path / "clip.mp4", [(3.0, 40), (4.0, 220)])
    runner = PlainRunner(short)
    runner.requests = (SeveralRequest(short), SeveralRequest(short))
    return Analyzer(runner, AnalysisSettings(stride_s=0.1)).analyze(path)


def test_events_overlap_and_every_export_has_them(found: AnalysisResult, short: Model) -> None:
    always, bright = short.spec.labels[:2]
    assert [event.label for event in found.events] == [always, bright]
    assert found.events[0].begin_s < found.events[1].begin_s < found.events[1].end_s <= found.events[0].end_s
    assert found.model.several and found.method.rule.overlapping
    assert found.predictions[-1].label == always and [label for label, _ in found.predictions[-1].others] == [bright]
    assert found.predictions[0].others == ()
    data = encode(found)
    jsonschema.validate(json.loads(data), json.loads(published_schema()))
    assert decode(data, "it") == found
    rows = list(csv.DictReader(io.StringIO(predictions_csv(found.predictions, "clip.mp4"))))
    assert rows[-1]["label"] == always and rows[-1]["other_labels"] == bright and rows[0]["other_labels"] == ""
    assert len(list(csv.reader(io.StringIO(events_csv(found.events, "clip.mp4"))))) == 3
    subtitles = to_srt(found.events)
    assert always in subtitles and bright in subtitles
    shown = readouts(found)[-1][1]
    assert [label for label, _ in shown.shown] == [always, bright]


def test_the_report_shows_overlapping_events(found: AnalysisResult, short: Model) -> None:
    page = render_report([ReportSection.of(found)])
    assert all(label in page for label in short.spec.labels[:2])
    assert page.count('y="0"') >= 1 and page.count('y="5"') >= 1, "two rows"


def test_results_of_earlier_versions_are_read(found: AnalysisResult) -> None:
    old = json.loads(encode(found))
    del old["model"]["several"], old["method"]["rule"]["overlapping"]
    for row in old["predictions"]:
        del row["others"]
    again = decode(json.dumps(old).encode(), "it")
    assert not again.model.several and again.events == found.events


@pytest.fixture
def whole(registry: Registry) -> Model:
    """A model that sees whole actions."""
    model = registry.find("tiny_short-fp32")
    clip = msgspec.structs.replace(model.spec.clip, spans_s=(1.0, 4.0))
    return msgspec.structs.replace(model, spec=msgspec.structs.replace(model.spec, clip=clip))


def test_a_marked_action_is_seen_as_a_whole(tmp_path: Path, whole: Model) -> None:
    """One clip from mark to mark, a picture from the middle of each part."""
    levels = [(0.5, 20 * i + 10) for i in range(12)]  # half a second of each grey level
    path = write_clip(tmp_path / "clip.mp4", levels)
    seen: list[np.ndarray] = []

    class Watching(OrderlyRequest):
        def start(self, done) -> None:
            seen.append(self.clip.copy())
            super().start(done)

    runner = PlainRunner(whole)
    runner.requests = (Watching(whole),)
    found = Analyzer(runner, AnalysisSettings(section_s=(2.0, 4.0))).analyze(path)
    (row,) = found.predictions
    assert 2.0 <= row.begin_s < 2.1 and 3.9 < row.end_s <= 4.0
    (clip,) = seen
    grey = clip[:, -8:, -8:].mean((1, 2, 3))
    count = len(grey)
    expected = [20 * int((2.0 + (i + 0.5) / count * 2.0) / 0.5) + 10 for i in range(count)]
    assert np.abs(grey - expected).max() < 12
    (event,) = found.events
    assert (event.begin_s, event.end_s) == (2.0, 4.0) and event.label == row.label
    assert found.method.section_s == (2.0, 4.0) and decode(encode(found), "it") == found
    assert "as one action" in render_report([ReportSection.of(found)])


def test_marks_are_for_whole_actions_and_within_the_file(tmp_path: Path, short: Model, whole: Model) -> None:
    path = write_clip(tmp_path / "clip.mp4", [(2.0, 40)])
    with pytest.raises(UsageError, match=r"sees 1\.0 s at a time"):
        Analyzer(PlainRunner(short), AnalysisSettings(section_s=(0.0, 1.0)))
    with pytest.raises(UsageError, match="expected a begin before the end"):
        AnalysisSettings(section_s=(2.0, 1.0))
    found = Analyzer(PlainRunner(whole), AnalysisSettings(section_s=(50.0, 60.0))).analyze(path)
    assert found.events == () and "no picture from 50 to 60 s" in found.warnings[-1]
