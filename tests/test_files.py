"""Files are there whole or not at all, and never written over somebody else's."""

import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from slowfast_live import files
from slowfast_live.errors import UsageError


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_two_writers_at_once_never_mix(tmp_path: Path) -> None:
    target = tmp_path / "x"
    inside = threading.Barrier(2, timeout=30)

    def write(letter: bytes) -> None:
        with files.atomic(target) as part:
            part.write_bytes(letter * 1000)
            inside.wait()

    threads = [threading.Thread(target=write, args=(letter,)) for letter in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in (b"a" * 1000, b"b" * 1000) and names(tmp_path) == ["x"]


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("é" * 127 + "x")
    files.write_bytes(target, b"new")
    assert target.read_bytes() == b"new" and names(tmp_path) == [target.name]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a permission there")
def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    files.write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"
    (tmp_path / "broken").symlink_to("gone/file")
    with pytest.raises(OSError, match=r"link to .*gone/file, which does not exist"):
        files.write_bytes(tmp_path / "broken", b"new")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(OSError, match=r"symbolic links|[Ss]ymlink"):
        files.write_bytes(tmp_path / "round", b"new")


@pytest.mark.skipif(sys.platform == "win32", reason="another kind of permissions")
def test_permissions_are_kept(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    (tmp_path / "x").chmod(0o640)
    files.write_bytes(tmp_path / "x", b"new")
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640
    files.write_bytes(tmp_path / "secret", b"new", private=True)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_another_folder_may_hold_what_is_unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "staging").mkdir()
    with files.atomic(tmp_path / "x", staging=tmp_path / "staging") as part:
        assert part.parent.name == "staging"
        part.write_bytes(b"new")
    real = Path.replace

    def other_disk(self: Path, target: Path) -> Path:
        if self.parent.name == "staging":
            raise OSError(18, "Invalid cross-device link")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", other_disk)
    files.write_bytes(tmp_path / "x", b"newer", staging=tmp_path / "staging")
    assert (tmp_path / "x").read_bytes() == b"newer"
    assert names(tmp_path) == ["staging", "x"] and names(tmp_path / "staging") == []


def test_a_name_is_reserved_once(tmp_path: Path) -> None:
    got = [files.reserve(tmp_path / "clip.mp4").name for _ in range(3)]
    assert got == ["clip.mp4", "clip (2).mp4", "clip (3).mp4"]


def test_only_what_bears_the_mark_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    for content in (None, b"", b'{"format": "ours"}'):
        if content is not None:
            path.write_bytes(content)
        files.refuse_foreign(path, files.marked(b'"ours"'), "--json")
    path.write_bytes(b'{"version": 1}')
    with pytest.raises(UsageError, match=r"--json: .*report\.json exists and was not written by this program"):
        files.refuse_foreign(path, files.marked(b'"ours"'), "--json")
    with pytest.raises(UsageError, match="is a folder"):
        files.refuse_foreign(tmp_path, files.marked(b"x"), "--json")
    if os.name != "nt":
        (tmp_path / "broken").symlink_to("gone")
        with pytest.raises(UsageError, match="a link to something that does not exist"):
            files.refuse_foreign(tmp_path / "broken", files.marked(b"x"), "--json")
        files.refuse_foreign(Path(os.devnull), files.marked(b"x"), "--json")


def test_json_holds_any_name() -> None:
    value = {"path": os.fsdecode(b"caf\xe9.mp4"), "other": "跳绳 \U0001f3c3\n\"'"}
    data = files.json_bytes(value)
    assert json.loads(data.decode("utf-8")) == value and "跳绳".encode() in data


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_whole_file_is_read_only_up_to_its_limit_and_never_a_pipe(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1234")
    assert files.read_bytes(path, 4) == b"1234"
    os.mkfifo(tmp_path / "pipe")
    for wrong, said in ((path, "larger"), (tmp_path / "pipe", "device or pipe"), (Path("/dev/zero"), "device or pipe")):
        with pytest.raises(OSError, match=said):
            files.read_bytes(wrong, 3)
    for wrong in (tmp_path, tmp_path / "gone"):
        with pytest.raises(OSError):
            files.read_bytes(wrong, 3)
