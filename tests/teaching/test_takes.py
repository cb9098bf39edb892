"""Takes on disk: what is read back, what is damaged, and what a power cut leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from slowfast_live.errors import TeachingError
from slowfast_live.teaching.takes import TAKE_SUFFIX, Take, TakeStore, TeachingSet

Takes = Callable[..., list[Take]]


def test_a_take_comes_back_as_it_was(tmp_path: Path, some_takes: Takes) -> None:
    store, (take,) = TakeStore(tmp_path / "set"), some_takes({"nodding": 1})
    store.put(take)
    (read,), broken = store.load()
    assert (read, broken) == (take, [])
    assert read.features().shape == (16, 16)
    assert msgspec.structs.replace(read, mirrored=False).features().shape == (8, 16)


@pytest.mark.parametrize("keep", [0, 4, 20, -40])
def test_a_damaged_file_is_named_and_kept_and_the_others_are_read(tmp_path: Path, some_takes: Takes, keep: int) -> None:
    store = TakeStore(tmp_path)
    for take in some_takes({"nodding": 3}):
        store.put(take)
    victim = sorted(tmp_path.glob(f"*{TAKE_SUFFIX}"))[0]
    victim.write_bytes(victim.read_bytes()[:keep])
    takes, (error,) = store.load()
    assert len(takes) == 2
    assert str(victim) in str(error)
    assert "take the example again" in str(error)
    assert victim.exists()


def test_a_foreign_file_is_no_example(tmp_path: Path) -> None:
    (tmp_path / f"x{TAKE_SUFFIX}").write_bytes(b"\x80\x04pickle" * 10)
    takes, (error,) = TakeStore(tmp_path).load()
    assert takes == []
    assert "is not an example" in str(error)


def test_sizes_that_lie_are_refused(tmp_path: Path, some_takes: Takes) -> None:
    (take,) = some_takes({"nodding": 1})
    with pytest.raises(ValueError, match="bytes, expected"):
        msgspec.structs.replace(take, windows=take.windows + 1)
    with pytest.raises(ValueError, match="not a plain file name"):
        msgspec.structs.replace(take, clip="../../etc/passwd")


def test_power_that_fails_while_saving_loses_nothing(
    tmp_path: Path, some_takes: Takes, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, (first, second) = TakeStore(tmp_path), some_takes({"nodding": 2})
    store.put(first)

    def cut(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "write_bytes", cut)
    with pytest.raises(TeachingError, match="cannot be written"):
        store.put(second)
    with pytest.raises(TeachingError, match="cannot be written"):
        store.put(msgspec.structs.replace(first, label="bowing"))
    monkeypatch.undo()
    assert store.load() == ([first], [])


def test_settings_come_back_and_damaged_ones_are_the_default(tmp_path: Path) -> None:
    store = TakeStore(tmp_path)
    store.save_settings(TeachingSet(title="Physio", beside=True))
    assert store.settings().title == "Physio"
    (tmp_path / "set.json").write_text("{")
    assert store.settings() == TeachingSet()


def test_removed_takes_can_be_restored(tmp_path: Path, some_takes: Takes) -> None:
    store, takes = TakeStore(tmp_path), some_takes({"nodding": 2})
    for take in takes:
        store.put(take)
    store.remove(takes)
    assert store.load() == ([], [])
    store.put(takes[0])
    assert store.load()[0] == [takes[0]]


def test_clips_without_an_example_are_swept_and_others_are_kept(tmp_path: Path, some_takes: Takes) -> None:
    store, (first, second) = TakeStore(tmp_path), some_takes({"nodding": 2})
    first = msgspec.structs.replace(first, clip="clip-1.mp4")
    for take in (first, second):
        store.put(take)
    for name in ("clip-1.mp4", "clip-2.mp4"):
        (tmp_path / name).write_bytes(b"video")
    store.sweep([first, second])
    assert store.clip_of(first) == tmp_path / "clip-1.mp4"
    assert store.clip_of(second) is None
    assert not (tmp_path / "clip-2.mp4").exists()
    store.remove([first])
    assert (tmp_path / "clip-1.mp4").exists(), "a removed example can be restored with its clip"
    store.put(first)
    store.sweep(store.load()[0])
    assert (tmp_path / "clip-1.mp4").exists()


def test_features_beyond_half_precision_are_bounded(some_takes: Takes) -> None:
    from slowfast_live.teaching.takes import make_take

    take = make_take("x", np.full((1, 2, 4), 1e9, np.float32), trunk="t", source="", length_s=1, mirrored=True)
    assert np.isfinite(take.features()).all()
