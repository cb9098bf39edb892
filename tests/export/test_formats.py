"""The name of a file tells its format."""

from pathlib import Path

import msgspec
import pytest

from slowfast_live.errors import UsageError
from slowfast_live.export.findings import PersonLabels, PersonRecord
from slowfast_live.export.formats import ENDINGS, save
from tests.export.made import make_event, make_findings

BEGINS = {
    ".json": '{\n "format": "slowfast-live findings"',
    ".ava.csv": "clip,0001,0.100,0.100,0.300,0.900,running,0.9000",
    ".predictions.csv": "source,begin_s,end_s,label",
    ".kinetics.csv": "label,youtube_id,time_start",
    ".via.json": '{\n "project": {',
    ".eaf": "<?xml version='1.0' encoding='UTF-8'?>\n<ANNOTATION_DOCUMENT",
    ".csv": "source,label,begin_s",
    ".srt": "1\n00:00:01,000 -->",
    ".vtt": "WEBVTT\n\n00:00:01.000 -->",
    ".html": "<!DOCTYPE html>",
    ".htm": "<!DOCTYPE html>",
}


RUNNER = PersonRecord(
    id=1,
    begin_s=0.6,
    end_s=3.0,
    boxes=tuple((t_s, 0.1, 0.1, 0.3, 0.9) for t_s in (0.6, 1.0, 2.0, 3.0)),
    predictions=tuple(
        PersonLabels(t_s=t_s, label="running", score=0.9, labels=(("running", 0.9),)) for t_s in (1.0, 2.0, 3.0)
    ),
)


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_format(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"My Session{ending.upper()}"
    found = msgspec.structs.replace(make_findings((make_event("running"),)), persons=(RUNNER,))
    save(found, path)
    assert path.read_text(encoding="utf-8").lstrip().startswith(BEGINS[ending])


def test_an_unknown_ending_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.doc .*\.srt"):
        save(make_findings(), tmp_path / "x.doc")
