"""What a video is where none was named, and that none is silently left out."""

import os
import random
import sys
from pathlib import Path

import pytest

from slowfast_live.errors import UsageError
from slowfast_live.sources.address import VIDEO_SUFFIXES
from slowfast_live.sources.videos import Search, find_videos, is_annotated, is_video_name

needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need a permission there")


def make(folder: Path, *names: str, data: bytes = b"\x00video") -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def names(found: Search) -> list[str]:
    return [video.below.as_posix() for video in found.files]


@pytest.mark.parametrize(
    "ending", [*VIDEO_SUFFIXES, ".mts", ".m2ts", ".vob", ".dv", ".mxf", ".mod", ".ogv", ".3gp", ".wmv", ".flv"]
)
def test_every_kind_is_found_in_any_case(tmp_path: Path, ending: str) -> None:
    dice = random.Random(ending)
    mixed = "".join(dice.choice((letter.lower(), letter.upper())) for letter in ending)
    data = b"\x00\x00\x01\xba" if ending in (".mod", ".tod") else b"\x47\x40\x00\xff"
    make(tmp_path, f"a{ending}", f"b{ending.upper()}", f"c{mixed}", "notes.txt", "picture.jpg", data=data)
    assert {Path(name).stem for name in names(find_videos([tmp_path]))} == {"a", "b", "c"}
    assert is_video_name(f"x{mixed}")


def test_programs_and_music_are_no_videos(tmp_path: Path) -> None:
    make(tmp_path, "a.mp4")
    make(tmp_path, "index.ts", "module.mts", data="export const é = 1;\n".encode())
    make(tmp_path, "long.ts", data=("x" * 1023 + "é").encode())
    make(tmp_path, "go.mod", data=b"module example.com/x\n")
    make(tmp_path, "song.mod", data=b"my song".ljust(1080, b"\0") + b"M.K.")
    make(tmp_path, "empty.ts", "empty.mod", data=b"")
    assert names(find_videos([tmp_path])) == ["a.mp4", "empty.mod", "empty.ts"]
    assert names(find_videos([tmp_path / "index.ts"])) == ["index.ts"], "what is named is taken"


@needs_links
def test_linked_folders_are_searched_once_and_circles_end(tmp_path: Path) -> None:
    disk = make(tmp_path / "disk", "far.mp4", "deep/deeper.mov")
    home = make(tmp_path / "home", "near.mp4", "real/inside.mp4")
    (home / "a-link").symlink_to(disk)
    (home / "another-link").symlink_to(disk)
    (home / "b-link-to-real").symlink_to("real")
    (home / "real" / "up").symlink_to(home)
    (disk / "back").symlink_to(home)
    (disk / "deep" / "self").symlink_to(".")
    (home / "same.mp4").symlink_to("near.mp4")
    found = find_videos([home, disk, home / "real"])
    assert sorted(path.path.resolve() for path in found.files) == sorted(
        [disk / "far.mp4", disk / "deep" / "deeper.mov", home / "near.mp4", home / "real" / "inside.mp4"]
    )
    assert "real/inside.mp4" in names(found), "a file is called by its own place"
    assert not found.unread


@needs_links
def test_what_cannot_be_looked_into_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.mp4", "closed/b.mp4", "open/c.mp4")
    (tmp_path / "disk").symlink_to("/nowhere/at/all")
    (tmp_path / "gone.mp4").symlink_to("/nowhere/gone.mp4")
    (tmp_path / "round").symlink_to("round")
    real = os.scandir

    def refuse(path: Path | int) -> object:
        if not isinstance(path, int) and Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_videos([tmp_path])
    assert sorted(names(found)) == ["a.mp4", "gone.mp4", "open/c.mp4"], "a broken link that names a video is tried"
    assert sorted(place.path.name for place in found.unread) == ["closed", "disk", "round"]
    with pytest.raises(UsageError, match=r"No video was found in .*closed cannot be read: Permission denied"):
        find_videos([tmp_path / "closed"])


@needs_links
def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to("gone.mp4")
    with pytest.raises(UsageError, match=r"link\.mp4 is a link to gone\.mp4, which does not exist"):
        find_videos([tmp_path / "link.mp4"])
    with pytest.raises(UsageError, match="There is no file or folder"):
        find_videos([tmp_path / "gone.mp4"])


def test_copies_of_our_own_are_said(tmp_path: Path) -> None:
    mark = b"\x00\x00\x00\x08ftyp" + b"slowfast-live:annotated"
    make(tmp_path, "own.mp4", data=mark)
    with pytest.raises(UsageError, match=r"1 copy with labels .* left out: own\.mp4"):
        find_videos([tmp_path])
    make(tmp_path, "a.mp4")
    found = find_videos([tmp_path, tmp_path / "own.mp4"])
    assert names(found) == ["a.mp4", "own.mp4"] and found.remark, "what is named is taken"


def box(kind: bytes, content: bytes) -> bytes:
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def test_a_mark_in_the_header_of_a_large_file_is_found(tmp_path: Path) -> None:
    """An MP4 whose notes lie behind and before more than is looked at otherwise."""
    head, filler = box(b"ftyp", b"isom" + bytes(4)), box(b"mdat", bytes(200_000))
    large = (1).to_bytes(4, "big") + b"mdat" + (200_016).to_bytes(8, "big") + bytes(200_000)
    notes = box(b"udta", box(b"meta", b"slowfast-live:annotated"))
    header = box(b"moov", box(b"trak", bytes(100_000)) + notes + box(b"trak", bytes(100_000)))
    (tmp_path / "large.mp4").write_bytes(head + large + header + filler)
    assert is_annotated(tmp_path / "large.mp4")
    elsewhere = box(b"mdat", bytes(100_000) + b"slowfast-live:annotated" + bytes(100_000))
    (tmp_path / "other.mp4").write_bytes(head + elsewhere + box(b"moov", box(b"trak", bytes(50_000))) + filler)
    assert not is_annotated(tmp_path / "other.mp4"), "in the pictures it says nothing"
    for odd in (bytes(20), head[:6], head + b"\x00\x00\x00\x00mdat", head + b"\x00\x00\x00\x01mdat"):
        (tmp_path / "odd.mp4").write_bytes(odd)
        assert not is_annotated(tmp_path / "odd.mp4")
