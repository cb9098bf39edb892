"""Files that go on and on hold nobody up: opening and reading are bounded."""

import pytest
from numbered_video import MPEG2, X264, encode, read_all

from slowfast_live.errors import SourceError
from slowfast_live.sources import media
from slowfast_live.sources.file import FileSource

BYTES = 10**12
"""Zeros that a file ends with. They take no room on the disk, and FFmpeg searches all of them."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(media, "OPEN_LIMIT_S", 2.0)
    monkeypatch.setattr(media, "READ_LIMIT_S", 1.0)
    monkeypatch.setattr(media, "PROBE_LIMIT_S", 0.5)


def with_endless_end(path):
    with path.open("r+b") as file:
        try:
            file.truncate(BYTES)
        except OSError:
            pytest.skip("this file system takes no file of a terabyte")
    return path


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "codec"), [("a.mkv", X264), ("a.mpg", MPEG2), ("a.avi", X264), ("a.ts", MPEG2), ("a.mp4", X264)]
)
def test_pictures_before_an_endless_end_play(tmp_path, video_dir, name, codec):
    path = with_endless_end(encode(tmp_path / name, 60, *codec))
    source = FileSource(path)
    source.open()
    assert read_all(source)[0][:57] == list(range(57))
    source.close()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "head", [b"\0", b"1\n00:00:01,000 --> 00:00:02,000\nx\n\n", b"WEBVTT\n\n00:01.000 --> 00:02.000\nx\n"]
)
def test_an_endless_file_that_is_no_video_is_refused(tmp_path, head):
    path = tmp_path / "endless.mp4"
    path.write_bytes(head)
    with pytest.raises(SourceError, match=r"endless\.mp4"):
        FileSource(with_endless_end(path)).open()
