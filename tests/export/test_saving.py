"""The name of a file tells its format."""

from pathlib import Path

import pytest

from slowfast_live.errors import UsageError
from slowfast_live.export.saving import ENDINGS, save
from tests.export.made import make_event, make_findings

BEGINS = {
    ".json": '{\n "format": "slowfast-live findings"',
    ".predictions.csv": "source,begin_s,end_s,label",
    ".csv": "source,label,begin_s",
    ".srt": "1\n00:00:01,000 -->",
    ".vtt": "WEBVTT\n\n00:00:01.000 -->",
    ".html": "<!DOCTYPE html>",
    ".htm": "<!DOCTYPE html>",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_format(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"My Session{ending.upper()}"
    save(make_findings((make_event("running"),)), path)
    assert path.read_text(encoding="utf-8").lstrip().startswith(BEGINS[ending])


def test_an_unknown_ending_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.doc .*\.srt"):
        save(make_findings(), tmp_path / "x.doc")
