from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from slowfast_live.errors import UsageError
from slowfast_live.tools.convert import cli
from slowfast_live.tools.training import joint_bench
from slowfast_live.tools.training.actions import LABELS, REJECT
from slowfast_live.tools.training.joint_bench import PARTS, TIMING, PoseClip, Tracks, Verdict
from slowfast_live.tools.training.joint_bench_cli import _print, summary


@pytest.fixture(scope="module")
def projected() -> tuple[Tracks, np.ndarray]:
    return joint_bench.generate(48, seed=3)


def test_joints_are_projected_to_where_people_are_seen(projected: tuple[Tracks, np.ndarray]) -> None:
    tracks, labels = projected
    assert tracks.xy.shape == (48, TIMING.frames, len(PARTS), 2) and tracks.seen.shape == tracks.xy.shape[:3]
    assert np.isfinite(tracks.xy).all() and labels.min() >= 0 and labels.max() < len(LABELS)
    assert 0.5 < tracks.seen.mean() < 1.0
    upright = np.isin(labels, [LABELS.index(n) for n in ("standing still", "walking", "waving hand", "clapping")])
    head, hips = tracks.xy[upright][:, :, 0, 1], tracks.xy[upright][:, :, 7:9, 1].mean(-1)
    assert (head < hips).mean() > 0.95


def test_the_same_seed_gives_the_same_joints(projected: tuple[Tracks, np.ndarray]) -> None:
    tracks, labels = projected
    again, same = joint_bench.generate(2, seed=5)
    assert np.array_equal(again.xy, tracks.xy[2:4]) and np.array_equal(same, labels[2:4])


def test_features_do_not_depend_on_place_and_size(projected: tuple[Tracks, np.ndarray]) -> None:
    tracks, _ = projected
    moved = Tracks(tracks.xy * 3 + np.array([40.0, -7.0]), tracks.seen)
    assert np.allclose(joint_bench.features(tracks), joint_bench.features(moved), atol=1e-4)


def test_what_is_outside_the_picture_is_not_told(projected: tuple[Tracks, np.ndarray]) -> None:
    tracks, _ = projected
    hidden = Tracks(tracks.xy.copy(), tracks.seen.copy())
    hidden.seen[:, :, 11] = False
    told = joint_bench.features(hidden)
    hidden.xy[:, :, 11] += 500
    assert np.array_equal(told, joint_bench.features(hidden))


def test_degraded_joints_stay_near_and_follow_from_the_generator(projected: tuple[Tracks, np.ndarray]) -> None:
    tracks, _ = projected
    one, same = (joint_bench.degrade(tracks, np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(one.xy, same.xy) and np.array_equal(one.seen, same.seen)
    assert not np.array_equal(one.xy, tracks.xy) and (one.seen <= tracks.seen).all()
    size = np.ptp(tracks.xy, axis=(1, 2)).max(-1)
    assert np.median(np.abs(one.xy - tracks.xy).mean((1, 2, 3)) / size) < 0.08


def save_clip(path: Path, tracks: Tracks, number: int, fps: float = 10.0, size: tuple[int, int] = (128, 171)) -> None:
    points = np.full((TIMING.frames, 33, 4), 0.5, np.float32)
    points[:, [0, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28], :2] = tracks.xy[number]
    np.savez(path, K=points, fps=fps, shape=np.array(size))


@pytest.mark.parametrize(
    ("name", "group", "label"),
    [
        ("real__bicep_curl__repo02__1.mp4", "real", "bicep curl"),
        ("real__unknown__repo42__1.mp4", "real", REJECT),
        ("real__running_on_spot__repo44__1.mp4", "real", "running"),
        ("clips__push_up_2.mp4", "clips", "push up"),
        ("clips__archery.mp4", "clips", REJECT),
        ("weizmann__p1_waving_two_hands_org.avi", "weizmann", "waving both hands"),
    ],
)
def test_a_file_says_what_is_done(
    tmp_path: Path, projected: tuple[Tracks, np.ndarray], name: str, group: str, label: str
) -> None:
    save_clip(tmp_path / f"{name}.npz", projected[0], 0)
    (clip,) = joint_bench.read_clips(tmp_path)
    assert (clip.group, clip.label) == (group, label)
    assert clip.xy.shape == (TIMING.frames, len(PARTS), 2) and clip.size == (128, 171)


def test_windows_follow_the_clock_and_fill_what_was_lost() -> None:
    t = np.arange(60) / 12.0
    xy = np.tile((50 + 10 * t)[:, None, None], (1, len(PARTS), 2))
    xy[7] = np.nan
    cut = joint_bench.windows(PoseClip("c", "real", "squat", xy, 12.0, (200, 200)))
    assert cut is not None and len(cut.xy) == 1 + int((t[-1] - TIMING.span_s) / 0.25)
    assert np.allclose(np.diff(cut.xy[..., 0], axis=1), 10 / TIMING.fps)  # ten pixels a second
    assert np.allclose(cut.xy[1, 0, 0, 0] - cut.xy[0, 0, 0, 0], 2.5)


def test_a_clip_without_anybody_is_something_else() -> None:
    xy = np.full((30, len(PARTS), 2), np.nan)
    (verdict,) = joint_bench.judge([], [PoseClip("c", "real", "squat", xy, 10.0, (99, 99))])
    assert verdict.best == REJECT


def test_a_network_learns_what_it_is_shown(projected: tuple[Tracks, np.ndarray], tmp_path: Path) -> None:
    tracks, labels = joint_bench.generate(256, seed=900)
    network = joint_bench.train(tracks, labels, epochs=40, seed=0, report=lambda _: None)
    for number in range(40):
        name = LABELS[labels[number]].replace(" ", "_")
        save_clip(tmp_path / f"real__{name}__x__{number:03d}.npz", tracks, number)
    verdicts = joint_bench.judge([network], joint_bench.read_clips(tmp_path))
    assert np.mean([v.rank() == 0 for v in verdicts]) > 0.7


def verdict(label: str, *rows: dict[str, float]) -> Verdict:
    each = np.zeros((len(rows), len(LABELS)))
    for row, given in zip(each, rows, strict=True):
        for name, value in given.items():
            row[LABELS.index(name)] = value
    clip = PoseClip(label, "real", label, np.zeros((1, len(PARTS), 2)), 10.0, (9, 9))
    return Verdict(clip, each.mean(0), each)


def test_the_summary_counts_clips_and_what_would_be_shown() -> None:
    found = summary(
        [
            verdict("squat", {"squat": 0.9}, {"squat": 0.4, "lunge": 0.3}, {"lunge": 0.6}),
            verdict("lunge", {"squat": 0.7, "lunge": 0.2}),
            verdict(REJECT, {"squat": 0.8}, {REJECT: 0.9}, {"lunge": 0.3}),
        ],
        threshold=0.5,
    )["real"]
    assert found["clips"] == 2 and found["top1"]["hits"] == 1 and found["top3"]["hits"] == 2
    assert found["score"] == pytest.approx((1.3 / 3 + 0.2) / 2)
    assert found["right"] == pytest.approx(1 / 6) and found["wrong"] == pytest.approx((1 / 3 + 1) / 2)
    assert found["held_back"] == pytest.approx(2 / 3)
    assert found["by_class"] == {"squat": (1, 1), "lunge": (0, 1)}


def test_the_details_name_what_is_missed_and_what_unknown_clips_show(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = verdict(REJECT, {"squat": 0.8}, {REJECT: 0.9}, {"lunge": 0.6}, {"lunge": 0.7})
    silent, missed = verdict(REJECT, {"squat": 0.4}), verdict("jumping", {"squat": 0.7, "jumping": 0.2, "lunge": 0.1})
    verdicts = [unknown, silent, missed, verdict("kicking", {"kicking": 0.7})]
    for details in (False, True):
        _print(summary(verdicts, 0.5), verdicts, Console(), 0.5, details)
        lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(tuple(LABELS))]
        wanted = ["jumping: squat 0.70, jumping 0.20, lunge 0.10", f"{REJECT} shows lunge 50%, squat 25%"]
        assert lines == (wanted if details else [])


def test_the_command_prints_and_writes_figures(
    tmp_path: Path, projected: tuple[Tracks, np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    save_clip(tmp_path / "real__squat__x__1.npz", projected[0], 0)
    save_clip(tmp_path / "other__unknown__x__1.npz", projected[0], 1)
    words = ["--poses", tmp_path, "--clips", 20, "--epochs", 1, "--networks", 1, "--out", tmp_path / "figures.json"]
    assert cli.main(["joint-bench", *map(str, words)]) == 0
    assert "squat" in capsys.readouterr().out and '"top1"' in (tmp_path / "figures.json").read_text()
    assert cli.main(["joint-bench", *map(str, words)]) == 0  # its own figures are replaced
    (tmp_path / "figures.json").write_text("mine")
    assert cli.main(["joint-bench", *map(str, words)]) == cli.MISUSED
    assert (tmp_path / "figures.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--poses", "gone"], "gone, given with --poses, holds no joints"),
        (["--poses", "gone", "--clips", "0"], "--clips is 1 or greater"),
    ],
)
def test_misuse_of_the_command_is_explained(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["joint-bench", *words]) == cli.MISUSED
    assert message in capsys.readouterr().err


def test_a_file_without_joints_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "real__squat__1.npz", other=1)
    with pytest.raises(UsageError, match=r"real__squat__1\.npz holds no joints"):
        joint_bench.read_clips(tmp_path)
