"""Files are there whole or not at all, and what goes wrong is told."""

import errno
import os
from pathlib import Path

import pytest

from slowfast_live.errors import ExportError
from slowfast_live.export.atomic import replacing, write_whole


def test_what_was_there_stays_until_the_new_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "x.txt"
    write_whole(target, b"old")
    with pytest.raises(RuntimeError), replacing(target) as part:
        part.write_bytes(b"half")
        assert target.read_bytes() == b"old"
        raise RuntimeError
    assert target.read_bytes() == b"old"
    write_whole(target, b"new")
    assert target.read_bytes() == b"new" and [p.name for p in target.parent.iterdir()] == ["x.txt"]


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "no room left"), (errno.EROFS, "Choose another folder"), (errno.EACCES, "may not write")],
)
def test_a_disk_that_refuses(number: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x.txt"
    write_whole(target, b"old")

    def refuse(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ExportError, match=told) as caught:
        write_whole(target, b"new")
    assert str(target) in caught.value.message
    assert target.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["x.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk(tmp_path: Path) -> None:
    """A device that has no room, as the operating system tells it."""
    (tmp_path / "x.txt").symlink_to("/dev/full")
    with pytest.raises(ExportError, match=r"x\.txt cannot be written: there is no room left"):
        write_whole(tmp_path / "x.txt", b"new")


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(ExportError, match="cannot be written"):
        write_whole(tmp_path / "x" / "y.txt", b"new")
