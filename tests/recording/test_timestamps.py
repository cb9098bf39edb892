"""Times on a tape, and names of files."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.errors import ExportError
from slowfast_live.recording.timestamps import TapeClock, ending, free_name
from tests.recording.frames import frame

NOW = datetime(2026, 5, 4, 13, 5, 9)


def placed(*times: tuple[float, float]) -> list[float]:
    """Place frames of (source time, monotonic time)."""
    clock = TapeClock()
    return [clock.place(frame(index, t_s, captured_s)) for index, (t_s, captured_s) in enumerate(times)]


def test_the_sources_own_times_are_kept() -> None:
    assert placed((5.0, 100.0), (5.1, 100.12), (5.15, 100.14), (8.15, 103.1)) == pytest.approx([0, 0.1, 0.15, 3.15])


def test_a_late_frame_keeps_its_time() -> None:
    assert placed((0, 100.0), (1 / 30, 100.2), (2 / 30, 100.201)) == pytest.approx([0, 1 / 30, 2 / 30])


def test_a_pause_of_a_file_leaves_no_still_picture() -> None:
    assert placed((0, 100.0), (0.04, 100.04), (0.08, 160.0)) == pytest.approx([0, 0.04, 0.08])


def test_a_seek_leaves_no_hole() -> None:
    assert placed((0, 100.0), (0.04, 100.04), (70.0, 100.1), (70.04, 100.14)) == pytest.approx([0, 0.04, 0.08, 0.12])


def test_a_loop_goes_on() -> None:
    assert placed((9.9, 100.0), (9.94, 100.04), (0.0, 100.08), (0.04, 100.12)) == pytest.approx([0, 0.04, 0.08, 0.12])


def test_a_file_at_double_speed_is_recorded_at_its_own() -> None:
    assert placed((0, 100.0), (0.5, 100.25), (1.0, 100.5)) == pytest.approx([0, 0.5, 1.0])


@given(st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 10)), min_size=1, max_size=50))
def test_times_begin_at_zero_and_always_increase(steps: list[tuple[float, float]]) -> None:
    clock, now_s, times = TapeClock(), 0.0, []
    for index, (t_s, passed_s) in enumerate(steps):
        now_s += passed_s
        times.append(clock.place(frame(index, t_s, now_s)))
    assert times[0] == 0
    assert all(later > earlier for earlier, later in pairwise(times))


def test_frames_that_count_anew_are_of_another_source() -> None:
    clock = TapeClock()
    clock.place(frame(7))
    assert clock.continues(frame(8))
    assert not clock.continues(frame(0))


def test_a_name_says_when_and_what(tmp_path: Path) -> None:
    assert free_name(tmp_path, "Logitech C920", NOW) == tmp_path / f"2026-05-04 13-05-09 Logitech C920{ending()}"


def test_two_in_a_second_do_not_meet(tmp_path: Path) -> None:
    first = free_name(tmp_path, "Demo", NOW)
    first.with_name(f"{first.stem}.part{first.suffix}").touch()
    second = free_name(tmp_path, "Demo", NOW)
    second.touch()
    assert len({first, second, free_name(tmp_path, "Demo", NOW)}) == 3


@given(st.text(max_size=200))
def test_any_source_makes_a_name_that_can_be_written(tmp_path_factory: pytest.TempPathFactory, source: str) -> None:
    folder = tmp_path_factory.mktemp("names")
    path = free_name(folder, source, NOW)
    path.write_bytes(b"")
    assert path.parent == folder
    assert not set(path.name) & set('\\/:*?"<>|\0\n')


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="is no folder"):
        free_name(tmp_path / "file", "Demo", NOW)
