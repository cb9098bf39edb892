from collections.abc import Callable

import numpy as np
import pytest

from slowfast_live.tools.training import acting, dataset, filming, motions, something_else
from slowfast_live.tools.training.actions import ACTIONS, LABELS, REJECT
from slowfast_live.tools.training.chance import style
from slowfast_live.tools.training.config import bundled
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.dataset import sample
from slowfast_live.tools.training.figure import F64, Person, Pose, joints
from slowfast_live.tools.training.motions import Motion

CLIP = bundled().clip
TIMING = CLIP.timing


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
    assert clip.shape == (CLIP.frames, CLIP.side, CLIP.side, 3) and clip.dtype == np.uint8
    assert clip.std() > 3


def test_actions_move() -> None:
    moved = [sample(300 + k, k)[0].astype(float).std(0).mean() for k in range(len(ACTIONS))]
    assert min(moved) > 0.3


def test_something_else_is_drawn_more_often_than_any_action_and_actions_alike() -> None:
    drawn = np.bincount([dataset.draw_label(np.random.default_rng(seed)) for seed in range(6600)])
    assert len(drawn) == len(LABELS) and 2.6 < drawn[-1] / drawn[:-1].mean() < 3.4
    assert drawn[:-1].min() > 0.75 * drawn[:-1].max() > 150


@pytest.mark.parametrize(("name", "share"), [("squat", 0.3), ("bicep curl", 0.3), ("punching", 0.0)])
def test_exercises_are_done_slowly_too(name: str, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float]] = []
    usual = acting._seen_to_move

    def noted(rng: np.random.Generator, t: F64, s: Style, motion: Motion, seen_share: float) -> Pose:
        seen.append((s.tempo, seen_share))
        return usual(rng, t, s, motion, seen_share)

    monkeypatch.setattr(acting, "_seen_to_move", noted)
    label = LABELS.index(name)
    for seed in range(300):
        acting.act(np.random.default_rng(seed), label, Person(), np.arange(16) / 10, None)
    tempo, least = np.array(seen).T
    slowly = least < least.max() if share else np.zeros(300, bool)
    assert slowly.mean() == pytest.approx(share, abs=0.08)
    if share:
        assert tempo[slowly].mean() < 0.7 * tempo[~slowly].mean()


def test_some_jump_out_of_a_squat() -> None:
    t = np.arange(0, 4, 0.05)
    deepest = [motions.jumping(t, Style(lean=lean, spread=0.6, rest=0.3)).sink.max() for lean in (0.2, 0.6, 1.0)]
    assert deepest[0] == deepest[1] < 0.3 and deepest[2] > 0.4


@pytest.mark.parametrize("kind", [kind for kind, _ in something_else.OTHERS], ids=lambda f: f.__name__)
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
        pose = acting._jumps(rng, t, style(rng))
        assert pose.place[:, 1].max() > 0.02
        assert np.abs(np.diff(pose.place[:, 2])).max() < 0.5


def test_who_walks_is_seen_from_all_round_and_comes_nearer_or_goes_away() -> None:
    walking = next(i for i, a in enumerate(ACTIONS) if a.name == "walking")
    yaws, nearer = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        actor = acting.act(rng, walking, Person(), np.arange(16) / 10, None)
        seen_from = filming.camera(rng, actor.who, ACTIONS[walking], 128, 171)
        yaws.append(np.cos(seen_from.yaw))
        away = np.linalg.norm(actor.pose.place - seen_from.eye, axis=1)
        nearer.append(away[0] / away[-1])
    behind, before, aside = ((np.array(yaws) < -0.7), (np.array(yaws) > 0.7), (np.abs(yaws) < 0.5))
    assert all(0.15 < share.mean() < 0.5 for share in (behind, before, aside))
    assert (np.array(nearer) > 1.2).mean() > 0.08 and (np.array(nearer) < 0.85).mean() > 0.05


def test_instants_are_those_of_a_source_of_some_rate() -> None:
    rng = np.random.default_rng(0)
    times = [filming.times(rng, TIMING) for _ in range(200)]
    assert all((np.diff(t) > -1e-9).all() for t in times)
    slow = [t for t in times if (np.diff(t) < 1e-6).any()]  # some sources show a picture for longer than a step
    assert 0.3 < len(slow) / len(times) < 0.7
    assert any(np.ptp(np.diff(t)) > 0.05 for t in times) and any(np.ptp(np.diff(t)) < 0.02 for t in times)
    spans = [t[-1] - t[0] for t in times]
    assert TIMING.span_s - 0.21 < min(spans) and max(spans) < TIMING.span_s + 0.21


def test_a_shard_holds_what_its_seeds_give(tmp_path) -> None:  # type: ignore[no-untyped-def]
    dataset.render_shard(tmp_path / "00001.npz", seed=52, clips=2)
    assert [p.name for p in tmp_path.iterdir()] == ["00001.npz"]
    with np.load(tmp_path / "00001.npz") as data:
        assert np.array_equal(data["x"][1], sample(53)[0]) and data["y"][1] == sample(53)[1]
