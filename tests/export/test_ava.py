"""AVA's table of detections goes out and comes back in."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from slowfast_live import cli
from slowfast_live.errors import ExportError
from slowfast_live.export.ava import ava_numbers, detections_csv
from slowfast_live.export.findings import AnalysisResult, PersonLabels, PersonRecord
from slowfast_live.export.formats import save
from slowfast_live.tools.evaluation.ava import frame_map, read_rows
from tests.export.test_findings import FINDINGS

STAND, TALK = "stand", "talk to (e.g., self, a person, a group)"


def person(identity: int, x: float, labels: tuple[tuple[str, float], ...], lag_s: float) -> PersonRecord:
    steps = [i / 5 for i in range(3, 23)]
    return PersonRecord(
        id=identity,
        begin_s=steps[0],
        end_s=steps[-1],
        boxes=tuple((t_s, x, 0.1, x + 0.2, 0.9) for t_s in steps),
        predictions=tuple(
            PersonLabels(t_s=t_s + lag_s, label=labels[0][0], score=labels[0][1], labels=labels) for t_s in steps
        ),
    )


def followed(*labels: tuple[tuple[str, float], ...]) -> AnalysisResult:
    lag_s = FINDINGS.method.rule.lag_s
    people = tuple(person(i, 0.3 * i - 0.2, each, lag_s) for i, each in enumerate(labels, 1))
    return msgspec.structs.replace(FINDINGS, persons=people)


def test_the_columns_are_those_of_ava() -> None:
    table = detections_csv(followed(((STAND, 0.9), (TALK, 0.4))))
    stem = Path(FINDINGS.source.name).stem
    numbers = ava_numbers()
    assert (numbers[STAND], numbers[TALK], len(numbers)) == (12, 79, 80)
    assert table.splitlines()[:3] == [
        f"{stem},0001,0.100,0.100,0.300,0.900,12,0.9000",
        f"{stem},0001,0.100,0.100,0.300,0.900,79,0.4000",
        f"{stem},0002,0.100,0.100,0.300,0.900,12,0.9000",
    ]
    assert len(table.splitlines()) == 8


@pytest.mark.parametrize(("mine", "other"), [(STAND, TALK), ("bicep curl", "no. 7, really")])
def test_what_is_written_is_read_back_by_the_evaluation(tmp_path: Path, mine: str, other: str) -> None:
    save(followed(((mine, 0.9), (other, 0.2)), ((other, 0.8), (mine, 0.1))), tmp_path / "found.ava.csv")
    save(followed(((mine, 1.0),), ((other, 1.0),)), tmp_path / "truth.ava.csv")
    rows = read_rows(tmp_path / "found.ava.csv", scored=True)
    assert len(rows) == 2 and all(len(frames) == 4 for frames in rows.values())
    score = frame_map(read_rows(tmp_path / "truth.ava.csv", scored=False), rows)
    assert (score.mean, score.key_frames, len(score.by_action)) == (1.0, 4, 2)


def test_background_labels_are_no_actions() -> None:
    model = msgspec.structs.replace(FINDINGS.model, background=("something else",))
    found = msgspec.structs.replace(followed((("something else", 0.9), (STAND, 0.3))), model=model)
    assert {line.split(",")[6] for line in detections_csv(found).splitlines()} == {"12"}


def test_without_people_it_says_how_to_get_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExportError, match="nobody was followed"):
        detections_csv(FINDINGS)
    method = msgspec.structs.replace(FINDINGS.method, people="motion")
    assert detections_csv(msgspec.structs.replace(FINDINGS, method=method)) == "", "looked for, but nobody there"
    video = tmp_path / "a.mp4"
    video.write_bytes(b"")
    assert cli.main(["analyze", str(video), "--export", "ava", "--out", str(tmp_path / "out")]) == 2
    assert "--people" in capsys.readouterr().err
