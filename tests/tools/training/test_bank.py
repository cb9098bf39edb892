import pickle
from pathlib import Path

import msgspec
import numpy as np
import pytest

from slowfast_live.errors import ModelError
from slowfast_live.tools.training import bank
from slowfast_live.tools.training.actions import LABELS
from slowfast_live.tools.training.bank import Bank, held_out, mapped, shard_path
from slowfast_live.tools.training.config import bundled
from slowfast_live.tools.training.dataset import sample
from slowfast_live.tools.training.filming import FilmStudio

from .tiny import tiny_config

DATA, HOW = tiny_config().data, tiny_config().augmentation
FRAMES, SIDE = bundled().clip.frames, bundled().clip.side


def test_shards_that_are_there_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[tuple[str, int, int]] = []

    def fake(path: Path, seed: int, clips: int, studio: object) -> None:
        assert studio == FilmStudio()
        rendered.append((path.name, seed, clips))
        path.touch()

    monkeypatch.setattr(bank, "render_shard", fake)
    shard_path(tmp_path, 1).touch()
    seen: list[int] = []
    bank.render(tmp_path, DATA, processes=1, done=seen.append)
    assert rendered == [(f"{i:05d}.npz", DATA.seed + 4 * i, 4) for i in (0, 2, 3)]
    assert seen == [1, 2, 3, 4]
    bank.render(tmp_path, DATA, processes=1, done=seen.append)
    assert len(rendered) == 3 and seen[-1] == 4


def test_several_processes_render_the_same(clips: Path, tmp_path: Path) -> None:
    bank.render(tmp_path, DATA, processes=2)
    for index in range(DATA.shards):
        assert np.array_equal(mapped(shard_path(tmp_path, index), "x"), mapped(shard_path(clips, index), "x"))


def test_what_is_mapped_is_what_was_rendered(clips: Path) -> None:
    x, y = (mapped(shard_path(clips, 1), name) for name in "xy")
    assert isinstance(x, np.memmap) and x.shape == (4, FRAMES, SIDE, SIDE, 3) and x.dtype == np.uint8
    assert np.array_equal(x[2], sample(DATA.seed + 6)[0]) and y[2] == sample(DATA.seed + 6)[1]


def test_what_is_held_out_is_never_drawn(clips: Path) -> None:
    (fitting, _), (reported, _) = held_out(clips, DATA, SIDE)
    apart = {clip.tobytes() for clip in (*fitting, *reported)}
    assert len(apart) == 8
    every = Bank(clips, DATA).training_clips(99, SIDE)
    assert len(every) == 8 and not apart & {clip.tobytes() for clip in every}
    unchanged = msgspec.structs.replace(HOW, **dict.fromkeys(set(HOW.__struct_fields__) - {"coarsest", "finest"}, 0.0))
    drawn, labels = Bank(clips, DATA).batch(np.random.default_rng(0), 40, SIDE, unchanged)
    assert {clip.tobytes() for clip in drawn} == {clip.tobytes() for clip in every}
    truth = {clip.tobytes(): label for clip, label in zip(every, np.concatenate(_labels(clips)), strict=True)}
    assert all(truth[clip.tobytes()] == label for clip, label in zip(drawn, labels, strict=True))


def _labels(clips: Path) -> list[np.ndarray]:
    return [np.array(mapped(shard_path(clips, i), "y")) for i in (2, 3)]


def test_a_batch_follows_from_its_seed_also_in_another_process(clips: Path) -> None:
    one = Bank(clips, DATA)
    other = pickle.loads(pickle.dumps(one))
    assert len(pickle.dumps(one)) < 2000
    first, again = (b.batch(np.random.default_rng(5), 3, 32, HOW) for b in (one, other))
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert first[0].shape == (3, FRAMES, 32, 32, 3)


def test_counts_are_of_what_is_trained_on(clips: Path) -> None:
    counts = Bank(clips, DATA).counts(len(LABELS))
    assert counts.sum() == 8 and len(counts) == len(LABELS)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"frames": 16}, "32 pictures of 64 pixels; the configuration says 16 of 64"), ({"side": 96}, "says 32 of 96")],
)
def test_clips_of_another_network_are_refused(clips: Path, change: dict[str, int], message: str) -> None:
    wanted = bundled().clip
    Bank(clips, DATA).check(wanted)
    with pytest.raises(ModelError, match=message):
        Bank(clips, DATA).check(msgspec.structs.replace(wanted, **change))


def test_clips_are_rendered_as_the_studio_says(tmp_path: Path) -> None:
    shape = msgspec.structs.replace(bundled().clip, frames=8, side=40, fps=5.0)
    data = msgspec.structs.replace(DATA, training_shards=1, clips_per_shard=1)
    bank.render(tmp_path, data, processes=1, studio=FilmStudio(shape))
    assert mapped(shard_path(tmp_path, 0), "x").shape == (1, 8, 40, 40, 3)


def test_missing_damaged_and_other_shards_are_named(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"00000\.npz is no complete file of clips"):
        Bank(tmp_path, DATA)
    shard_path(tmp_path, 0).write_bytes(b"no archive")
    with pytest.raises(ModelError, match=r"00000\.npz.*Delete it"):
        Bank(tmp_path, DATA)
    other = msgspec.structs.replace(DATA, clips_per_shard=5)
    with pytest.raises(ModelError, match="holds 4 clips; the configuration says 5"):
        Bank(clips, other)
