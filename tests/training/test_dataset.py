from collections.abc import Callable

import numpy as np
import pytest

from slowfast_live.training import dataset
from slowfast_live.training.dataset import ACTIONS, LABELS, REJECT, SIDE, TIMING, sample, style
from slowfast_live.training.figure import Person, Pose, joints


def test_same_seed_same_clip() -> None:
    (a, first), (b, second), (c, _) = sample(11), sample(11), sample(12)
    assert first == second and np.array_equal(a, b) and not np.array_equal(a, c)


def test_labels_are_distinct_and_the_last_rejects() -> None:
    assert len(set(LABELS)) == len(LABELS) == len(ACTIONS) + 1
    assert LABELS[-1] == REJECT


@pytest.mark.parametrize("label", range(len(LABELS)), ids=lambda i: LABELS[i])
def test_clips_of_every_class_are_pictures(label: int) -> None:
    clip, chosen = sample(100 + label, label)
    assert chosen == label
    assert clip.shape == (TIMING.frames, SIDE, SIDE, 3) and clip.dtype == np.uint8
    assert clip.std() > 3


def test_actions_move() -> None:
    moved = [sample(300 + k, k)[0].astype(float).std(0).mean() for k in range(len(ACTIONS))]
    assert min(moved) > 0.3


@pytest.mark.parametrize("kind", [kind for kind, _ in dataset._OTHERS], ids=lambda f: f.__name__)
def test_something_else_is_possible_and_follows_from_its_seed(kind: Callable[..., Pose]) -> None:
    t = np.arange(16) / 10 + 7
    for seed in range(6):
        poses = [kind(t, style(r), r) for r in (np.random.default_rng(seed), np.random.default_rng(seed))]
        first, again = (joints(Person(), pose).at for pose in poses)
        assert all(np.isfinite(points).all() and np.array_equal(points, again[name]) for name, points in first.items())


def test_a_jump_is_always_seen() -> None:
    t = np.arange(16) / 10 + 3
    for seed in range(60):
        rng = np.random.default_rng(seed)
        pose = dataset._jumps(rng, t, style(rng))
        assert pose.place[:, 1].max() > 0.02
        assert np.abs(np.diff(pose.place[:, 2])).max() < 0.5


def test_who_walks_is_seen_from_all_round_and_comes_nearer_or_goes_away() -> None:
    walking = next(i for i, a in enumerate(ACTIONS) if a.name == "walking")
    yaws, nearer = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        actor = dataset._act(rng, walking, Person(), np.arange(16) / 10, None)
        camera = dataset._camera(rng, actor.who, ACTIONS[walking], 128, 171)
        yaws.append(np.cos(camera.yaw))
        away = np.linalg.norm(actor.pose.place - camera.eye, axis=1)
        nearer.append(away[0] / away[-1])
    assert 0.2 < (np.array(yaws) < -0.7).mean() < 0.5 and 0.25 < (np.array(yaws) > 0.7).mean() < 0.6
    assert (np.array(nearer) > 1.2).mean() > 0.1 and (np.array(nearer) < 0.85).mean() > 0.1


def test_instants_are_those_of_a_source_of_some_rate() -> None:
    rng = np.random.default_rng(0)
    times = [dataset._times(rng) for _ in range(200)]
    assert all((np.diff(t) > 0.04).all() for t in times)
    assert any(np.ptp(np.diff(t)) > 0.05 for t in times) and any(np.ptp(np.diff(t)) < 1e-6 for t in times)
    spans = [t[-1] - t[0] for t in times]
    assert TIMING.span_s - 0.11 < min(spans) and max(spans) < TIMING.span_s + 0.11


def test_a_shard_holds_what_its_seeds_give(tmp_path) -> None:  # type: ignore[no-untyped-def]
    dataset.render_bank(tmp_path, seed=50, shards=2, clips=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["00000.npz", "00001.npz"]
    with np.load(tmp_path / "00001.npz") as data:
        assert np.array_equal(data["x"][1], sample(53)[0]) and data["y"][1] == sample(53)[1]
