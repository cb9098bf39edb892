"""A file is known again by its content, wherever it lies; what is no file has no key and keeps nobody waiting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slowfast_live.content import BLOCK, content_key
from slowfast_live.sessions.format import encode
from slowfast_live.sessions.identity import identify, is_same_file, path_of
from slowfast_live.types import SourceKind, SourceSpec
from tests.sessions.made import make_session, write_video


def test_a_moved_file_is_known_again(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4")
    before = identify(SourceSpec(SourceKind.FILE, str(path)))
    moved = path.rename(tmp_path / "other.mkv")
    os.utime(moved, (1e9, 1e9))
    after = identify(SourceSpec(SourceKind.FILE, str(moved)))
    assert before.same_content(after) and before.path != after.path
    assert is_same_file(moved, before) and path_of(after) == moved


@pytest.mark.parametrize("at", [0, 150_000, 299_999])
def test_another_content_at_the_same_place_is_another_source(tmp_path: Path, at: int) -> None:
    path = write_video(tmp_path / "clip.mp4")
    before = identify(SourceSpec(SourceKind.FILE, str(path)))
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert not before.same_content(identify(SourceSpec(SourceKind.FILE, str(path))))


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 1, 10 * BLOCK])
def test_files_of_any_size_have_a_key_that_tells_their_size(tmp_path: Path, size: int) -> None:
    one, longer = tmp_path / "one", tmp_path / "longer"
    one.write_bytes(bytes(size))
    longer.write_bytes(bytes(size + 1))
    assert content_key(one) and content_key(one) != content_key(longer)


def test_a_folder_of_pictures_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for i in range(3):
            (tmp_path / name / f"frame_{i}.jpg").write_bytes(bytes(i))
    assert content_key(tmp_path / "one") == content_key(tmp_path / "two") != ""
    (tmp_path / "two" / "frame_3.jpg").write_bytes(b"x")
    assert content_key(tmp_path / "one") != content_key(tmp_path / "two")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert content_key(tmp_path / "pipe") == "" and content_key(tmp_path / "missing") == ""


def test_live_sources_are_never_the_same() -> None:
    camera = identify(SourceSpec(SourceKind.CAMERA, "0", "Logitech"))
    assert not camera.same_content(identify(SourceSpec(SourceKind.CAMERA, "0", "Logitech")))


def test_no_password_of_a_stream_is_kept() -> None:
    source = identify(SourceSpec(SourceKind.STREAM, "rtsp://me:secret@host/path"))
    assert source.name == "rtsp://host/path" and b"secret" not in encode(make_session(source=source))


@pytest.mark.skipif(os.name == "nt", reason="names are text on Windows")
@pytest.mark.parametrize("name", [b"\xff\xfe clip.mp4", b"two\nlines.mp4", "강남 50%.mp4".encode(), b"a%20b.mp4"])
def test_names_of_any_bytes_come_back(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"x")
    source = identify(SourceSpec(SourceKind.FILE, str(path)))
    encode(make_session(source=source))
    assert path_of(source) == path
