"""Files with a model that scores what each person does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from slowfast_live import cli
from slowfast_live.analysis.analyzer import AnalysisSettings, Analyzer
from slowfast_live.errors import UsageError
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.people.boxes import Detections
from slowfast_live.sources.base import Picture
from slowfast_live.types import U8, SourceInfo
from tests.analysis.fakes import write_clip
from tests.tiny_detection import write_tiny_detection

LEFT, RIGHT = (0.1, 0.1, 0.3, 0.95), (0.7, 0.1, 0.9, 0.95)


class Film:
    """Six seconds of black, in which a red box stands on the left for 4 s, and a blue one on the right from 2 s on."""

    warning = ""

    def __init__(self, people: bool = True) -> None:
        self.people, self.at = people, 0

    def open(self) -> SourceInfo:
        return SourceInfo(160, 96, 30.0, 6.0, seekable=True)

    def read(self) -> Picture | None:
        if self.at >= 180:
            return None
        t_s = self.at / 30
        self.at += 1
        image = np.zeros((96, 160, 3), np.uint8)
        if self.people and t_s < 4:
            image[10:90, 16:48] = (0, 0, 255)
        if self.people and t_s >= 2:
            image[10:90, 112:144] = (255, 0, 0)
        return Picture(image, t_s)

    def seek(self, t_s: float) -> None:
        self.at = round(t_s * 30)

    def close(self) -> None:
        pass


class Finds:
    """A detector that finds the boxes."""

    title, found = "fake", 0.5

    def detect(self, image: U8, t_s: float) -> Detections:
        boxes = [box for box in (LEFT, RIGHT) if image[48, round((box[0] + 0.1) * 160)].max() > 100]
        return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.9, np.float32))

    def reset(self) -> None:
        pass


def analyzer(tmp_path: Path, film: Film, **settings: object) -> Analyzer:
    model = write_tiny_detection(tmp_path / "people-fp32")
    compiled = OpenVinoBackend(tmp_path / "cache", throughput=True).compile(model, "CPU")
    return Analyzer(compiled, AnalysisSettings(**settings), lambda path: film, detector=Finds())  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "film.mp4"
    made.write_bytes(b"x")
    return made


def test_each_person_has_labels_and_events_of_their_own(tmp_path: Path, path: Path) -> None:
    result = analyzer(tmp_path, Film(), stride_s=0.2).analyze(path)
    assert result.method.people == "auto" and result.model.several
    first, second = result.persons
    assert {row.label for row in first.predictions} == {"red"}
    assert {row.label for row in second.predictions if row.t_s > 3} == {"blue"}
    assert [event.label for event in first.events] == ["red"] and [event.label for event in second.events] == ["blue"]
    assert first.end_s < 4.3 and second.begin_s > 1.9
    labels = {event.label: event for event in result.events}
    assert set(labels) == {"red", "blue"} and labels["red"].begin_s < 1.5 and labels["blue"].end_s > 5.5
    both = [row for row in result.predictions if 3.2 < row.end_s < 3.9]
    assert both and all({label for label, _ in row.smoothed[:2]} == {"red", "blue"} for row in both)
    assert not result.warnings


def test_nobody_is_said(tmp_path: Path, path: Path) -> None:
    made = analyzer(tmp_path, Film(people=False))
    result = made.analyze(path)
    assert result.persons == () and result.events == () and len(result.predictions) > 5
    assert any("Nobody was found in the picture" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("settings", "message"), [({"views": 3}, "sees all of the picture"), ({"section_s": (0.0, 1.0)}, "--from and --to")]
)
def test_what_does_not_go_with_it_is_refused(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        analyzer(tmp_path, Film(), **settings)


def test_the_table_of_ava_needs_no_further_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a model always follows people."""
    write_tiny_detection(tmp_path / "models" / "people-fp32")
    monkeypatch.setenv("SLOWFAST_LIVE_MODELS", str(tmp_path / "models"))
    clip, out = write_clip(tmp_path / "a.mp4", [(6, 20)], (64, 64)), tmp_path / "out"
    words = ["analyze", str(clip), "--model", "people-fp32", "--export", "ava", "--out", str(out)]
    assert cli.main(words) == 0
    assert (out / "a.ava.csv").is_file() and (out / "a.json").is_file()
