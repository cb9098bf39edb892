"""Which files are looked at, and what their results are called."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.analysis.videos import Video, videos_of
from slowfast_live.errors import UsageError
from slowfast_live.sources import videos


def find_videos(given: list[Path]) -> list[Video]:
    return videos_of(videos.find_videos(given))


def make(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"-")
    return folder


def test_a_folder_is_searched(tmp_path: Path) -> None:
    make(tmp_path, "b.MP4", "a.mkv", "notes.txt", ".hidden.mp4", ".git/x.mp4", "deep/er/c.webm")
    found = find_videos([tmp_path])
    assert [(video.name, video.stem) for video in found] == [
        ("a.mkv", "a"),
        ("b.MP4", "b"),
        ("deep/er/c.webm", "deep/er/c"),
    ]


def test_a_file_is_taken_as_it_is_named_and_once(tmp_path: Path) -> None:
    make(tmp_path, "film", "a.mp4")
    found = find_videos([tmp_path / "film", tmp_path, tmp_path / "a.mp4", tmp_path / "." / "film"])
    assert [video.stem for video in found] == ["film", "a"]


def test_results_of_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    make(tmp_path, "x/a.mp4", "y/a.mp4", "y/A.mkv", "y/b.mp4")
    found = find_videos([tmp_path / "x/a.mp4", tmp_path / "y/a.mp4", tmp_path / "y/A.mkv", tmp_path / "y/b.mp4"])
    stems = [video.stem for video in found]
    assert stems[2:] == ["A.mkv", "b"] and stems[0].startswith("a.mp4~") and stems[1].startswith("a.mp4~")
    assert len({stem.casefold() for stem in stems}) == 4
    assert [video.stem for video in find_videos([tmp_path / "x/a.mp4"])] == ["a"]


@given(st.sets(st.text("abAB.é 跳~", min_size=1, max_size=6).filter(lambda n: n.strip(". ")), min_size=1, max_size=12))
def test_names_are_always_told_apart(tmp_path_factory: pytest.TempPathFactory, names: set[str]) -> None:
    folder = tmp_path_factory.mktemp("videos")
    paths = [folder / f"{i}" / f"{name}.mp4" for i, name in enumerate(sorted(names))]
    make(folder, *(str(path.relative_to(folder)) for path in paths))
    stems = [video.stem for video in find_videos(paths)]
    assert len({stem.casefold() for stem in stems}) == len(paths)
    assert stems == [video.stem for video in find_videos(paths)]
    assert not any("/" in stem for stem in stems)


def test_a_very_long_name_leaves_room_for_endings(tmp_path: Path) -> None:
    make(tmp_path, "é" * 120 + ".mp4")
    (video,) = find_videos([tmp_path])
    assert len(f".{video.stem}.predictions.csv.part".encode()) < 255


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mp4")).write_bytes(b"-")
    except OSError:
        pytest.skip("this file system refuses such names")
    (video,) = find_videos([tmp_path])
    assert video.path.exists() and video.stem.encode().decode() == "bad\ufffd"


def test_nothing_to_look_at(tmp_path: Path) -> None:
    make(tmp_path, "notes.txt")
    with pytest.raises(UsageError, match=r"No video was found in .*\.mp4"):
        find_videos([tmp_path])
    with pytest.raises(UsageError, match="no file or folder"):
        find_videos([tmp_path, tmp_path / "gone.mp4"])
