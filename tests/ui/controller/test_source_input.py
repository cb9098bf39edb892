from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from slowfast_live.types import SourceKind, SourceSpec
from slowfast_live.ui.controller.source_input import file_filter, first_source, source_of
from slowfast_live.ui.style import formatting
from tests.ui.fakes import CAMERAS

DEMO = SourceSpec(SourceKind.DEMO)


@pytest.mark.parametrize("url", ["rtsp://u:p@cam/1", "http://h/x.mjpg", "HTTPS://h/live", "tcp://10.0.0.1:5000"])
def test_addresses_of_streams(url: str) -> None:
    source = source_of(f"  {url} ")
    assert source is not None and source.kind is SourceKind.STREAM
    assert source.address.casefold() == url.casefold() and "u:p" not in source.name


def test_paths(tmp_path: Path) -> None:
    odd = tmp_path / "a film with spaces & ümlauts"
    odd.write_bytes(b"")
    assert source_of(str(odd)) == SourceSpec(SourceKind.FILE, str(odd))
    assert source_of(odd.as_uri()) == SourceSpec(SourceKind.FILE, str(odd))
    assert source_of("missing.MP4") == SourceSpec(SourceKind.FILE, str(Path("missing.MP4").absolute()))


def test_folders_and_patterns_of_pictures(tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (8, 8)).save(tmp_path / f"f_{number:03d}.png")
    assert source_of(str(tmp_path)) == SourceSpec(SourceKind.FILE, str(tmp_path))
    pattern = str(tmp_path / "f_%03d.png")
    assert source_of(pattern) == SourceSpec(SourceKind.FILE, pattern)
    assert source_of(str(tmp_path / "g_%03d.png")) is None
    for address in (str(tmp_path), pattern):
        last = SourceSpec(SourceKind.FILE, address, rate=12.0)
        assert first_source(None, last, None) == (last, None)


@pytest.mark.parametrize("text", ["", "  ", "hello", "rtsp://", "a\nb.mp4", "http://[", "javascript:alert(1)"])
def test_what_is_no_source(text: str) -> None:
    assert source_of(text) is None


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    source = source_of(text)
    assert source is None or source.kind in (SourceKind.FILE, SourceKind.STREAM)


def test_the_filter_names_the_promised_formats() -> None:
    for suffix in ("mp4", "mkv", "avi", "mov", "webm", "gif", "webp", "avif", "m3u8"):
        assert f"*.{suffix}" in file_filter()


def test_what_was_asked_for_comes_first() -> None:
    asked = SourceSpec(SourceKind.FILE, "x.mp4")
    assert first_source(asked, DEMO, CAMERAS) == (asked, None)


def test_the_last_file_while_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(b"")
    last = SourceSpec(SourceKind.FILE, str(path))
    assert first_source(None, last, None) == (last, None)
    path.unlink()
    assert first_source(None, last, None) is None, "the cameras decide"
    source, notice = first_source(None, last, CAMERAS) or pytest.fail("nothing chosen")
    assert source == CAMERAS[0]
    assert notice is not None and "v.mp4 is gone" in notice.message


def test_the_last_camera_by_name_then_the_first() -> None:
    moved = SourceSpec(SourceKind.CAMERA, "7", CAMERAS[1].title)
    assert first_source(None, moved, CAMERAS) == (CAMERAS[1], None)
    assert first_source(None, SourceSpec(SourceKind.CAMERA, "9", "Gone"), CAMERAS) == (CAMERAS[0], None)
    assert first_source(None, None, CAMERAS) == (CAMERAS[0], None)


def test_no_camera_plays_the_demo_and_says_so() -> None:
    assert first_source(None, None, None) is None
    source, notice = first_source(None, None, ()) or pytest.fail("nothing chosen")
    assert source == DEMO
    assert notice is not None and notice.message == "No camera found. Playing the demo."


@pytest.mark.parametrize(
    ("t_s", "text"), [(0, "00:00"), (59.99, "00:59"), (61, "01:01"), (3600, "1:00:00"), (-3, "00:00")]
)
def test_clock(t_s: float, text: str) -> None:
    assert formatting.clock(t_s) == text


def test_stats_leave_out_what_is_not_known() -> None:
    assert formatting.stats_line(0, 0, 0) == ""
    assert formatting.stats_line(29.97, 0, 0) == "30 fps"
    assert formatting.stats_line(30, 2.1, 0) == "30 fps · 2.1 predictions/s"
    assert formatting.stats_line(30, 11.23, 96.4) == "30 fps · 11.2 predictions/s · 96 ms"


def test_passwords_are_not_shown() -> None:
    assert formatting.without_password("rtsp://me:secret@cam:554/1") == "rtsp://cam:554/1"
    spec = SourceSpec(SourceKind.STREAM, "rtsp://me:secret@cam/1")
    assert "secret" not in formatting.source_title(spec)
