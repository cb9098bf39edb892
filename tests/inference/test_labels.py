from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slowfast_live.errors import UsageError
from slowfast_live.inference.labels import MOST, own_labels

NAMES = st.text(st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NAMES, min_size=1, max_size=20, unique=True), st.sampled_from(["\n", "\r\n", "\n\n", " \n"]))
def test_a_file_is_read_as_it_was_written(tmp_path: Path, names: list[str], end: str) -> None:
    file = tmp_path / "labels.txt"
    file.write_bytes("".join(name + end for name in names).encode("utf-8-sig"))
    assert own_labels(file, None) == own_labels(file, len(names)) == tuple(names)
    with pytest.raises(UsageError, match="classes were asked for"):
        own_labels(file, len(names) + 1)


def test_a_number_alone_makes_names() -> None:
    assert own_labels(None, None) is None
    assert own_labels(None, 3) == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize("classes", [0, -1, MOST + 1])
def test_numbers_out_of_range_are_refused(classes: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 100,000"):
        own_labels(None, classes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n \n", "holds no names"),
        (b"squat\nwalk\nsquat\n", "holds names twice: 'squat'"),
        (b"\x80\x02}q\x00", "expected UTF-8 text"),
        (b"squat\nw\x1b[31malk\n", "control characters"),
        ("\n".join(map(str, range(MOST + 1))).encode(), "has 100,000 classes at most"),
        (bytes(16_000_001), r"too large \(16 MB\)"),
    ],
)
def test_what_is_no_list_of_labels_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "labels.txt"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        own_labels(file, None)
    assert str(file) in caught.value.message


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    for file in (tmp_path / "gone.txt", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            own_labels(file, None)
