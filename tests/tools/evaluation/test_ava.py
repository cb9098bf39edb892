"""Frame mAP on a case that is small enough to be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from slowfast_live.errors import UsageError
from slowfast_live.tools.evaluation import cli
from slowfast_live.tools.evaluation.ava import EVALUATED, frame_map, read_rows

TRUTH = """\
one,0902,0.1,0.1,0.3,0.9,12,0
one,0902,0.5,0.1,0.7,0.9,12,1
one,0903,0.1,0.1,0.3,0.9,12,0
one,0903,0.1,0.1,0.3,0.9,79,0
one,0903,0.1,0.1,0.3,0.9,16,0
two,0902
"""
"""Stand (12) three times, talk to (79) once, and brush teeth (16), which is not evaluated."""

FOUND = """\
one,902,0.1,0.1,0.3,0.9,12,0.9
one,902,0.1,0.1,0.3,0.88,12,0.8
one,902,0.52,0.1,0.72,0.9,12,0.7
two,902,0.1,0.1,0.3,0.9,12,0.6
one,903,0.6,0.1,0.8,0.9,79,0.9
one,903,0.1,0.1,0.3,0.9,79,0.5
one,903,0.1,0.1,0.3,0.9,16,0.9
"""
"""Stand, by score: right (1/1), the same person again: wrong (1/2), right (2/3), nobody there: wrong (2/4).

Recall goes 1/3, 1/3, 2/3, 2/3; the precision reached at each recall or a higher one is 1, then 2/3, then 0.
AP = 1/3 * 1 + 1/3 * 2/3 = 5/9. Talk to: wrong (0/1), then right (1/2): AP = 1 * 1/2. mAP = (5/9 + 1/2) / 2 = 19/36.
"""


@pytest.fixture
def csv(tmp_path: Path) -> tuple[Path, Path]:
    truth, found = tmp_path / "truth.csv", tmp_path / "found.csv"
    truth.write_text(TRUTH)
    found.write_text(FOUND)
    return truth, found


def test_a_case_worked_out_by_hand(csv: tuple[Path, Path]) -> None:
    score = frame_map(read_rows(csv[0], scored=False), read_rows(csv[1], scored=True))
    assert score.by_action == {12: pytest.approx(5 / 9), 79: pytest.approx(1 / 2)}
    assert score.mean == pytest.approx(19 / 36)


def test_sixty_actions_are_evaluated() -> None:
    assert len(EVALUATED) == 60 and 16 not in EVALUATED and 12 in EVALUATED


def test_perfect_detections_are_one_and_none_are_zero(csv: tuple[Path, Path]) -> None:
    truth = read_rows(csv[0], scored=False)
    assert frame_map(truth, truth).mean == 1.0
    assert frame_map(truth, {}).mean == 0.0


def test_a_row_of_another_form_is_named(csv: tuple[Path, Path]) -> None:
    csv[1].write_text("one,902,0.1,0.1,0.3,0.9,99,0.9\n")
    with pytest.raises(UsageError, match=r"found\.csv, line 1: expected video.*action from 1 to 80"):
        read_rows(csv[1], scored=True)


def test_the_command_prints_it(csv: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--ava", str(csv[0]), str(csv[1])]) == 0
    assert "52.8" in capsys.readouterr().out
