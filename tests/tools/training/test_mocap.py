import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.errors import ModelError, UsageError
from slowfast_live.tools.training import bank, mocap, motions
from slowfast_live.tools.training.acting import Recordings
from slowfast_live.tools.training.actions import ACTIONS, LABELS
from slowfast_live.tools.training.curves import Style
from slowfast_live.tools.training.dataset import sample
from slowfast_live.tools.training.figure import F64, Person, Pose, joints, rotation
from slowfast_live.tools.training.filming import FilmStudio
from slowfast_live.tools.training.mocap import Library, Skeleton, kind, read_bvh, recording, retarget

from .tiny import tiny_config

MIXAMO = "Hips Neck Head {}Arm {}ForeArm {}Hand {}UpLeg {}Leg {}Foot {}ToeBase"
AVATAR = "Hips Neck Head {}Arm {}ForeArm {}Hand {}Thigh {}Shin {}Foot {}Toe"
CMU = "Hips Neck Head {}Shoulder {}Elbow {}Wrist {}Hip {}Knee {}Ankle {}Toe"
BONES = "pelvis thorax head {}humerus {}radius {}hand {}femur {}tibia {}foot {}toes"
CHARACTER = (
    "CC_Base_Hip CC_Base_Neck CC_Base_Head CC_Base_{}_Upperarm CC_Base_{}_Forearm CC_Base_{}_Hand CC_Base_{}_Thigh "
    "CC_Base_{}_Calf CC_Base_{}_Foot CC_Base_{}_ToeBase"
)
PLACES = ((0, 90, 0), (0, 50, 0), (0, 18, 2), (18, 46, 0), (28, 0, 0), (26, 0, 0), (9, 0, 0), (0, -42, 0), (0, -40, 0))
TOE = (0, -7, 14)

ROOT, ARM, THIGH = 0, 3, 6
"""Numbers of joints of `bvh` as `_NAMES` has them; sides: left, then right."""


def bvh(
    frames: dict[tuple[int, str], F64] | None = None, *, names: str = MIXAMO, order: str = "ZXY", **how: float
) -> str:
    """Write somebody who stands with arms held out, whose joints (number, side) turn by (T, 3) degrees.

    `how`: unit, a factor on the lengths; up, "z" where 1; rate; count of frames.
    """
    frames = frames or {}
    unit, rate = how.get("unit", 1.0), how.get("rate", 30.0)
    count = int(how.get("count", max([len(f) for f in frames.values()], default=4)))
    sides = {BONES: ("l", "r"), CHARACTER: ("L", "R")}.get(names, ("Left", "Right"))
    parts = names.split()
    rows: list[F64] = [np.tile(np.array(PLACES[0]) * unit, (count, 1))]
    if how.get("up"):
        rows = [rows[0][:, [0, 2, 1]] * (1, -1, 1)]
    text: list[str] = ["HIERARCHY"]
    channels = " ".join(f"{axis}rotation" for axis in order)

    def joint(number: int, side: str, children: str) -> str:
        x, y, z = (*PLACES, TOE)[number]
        offset = np.array((x if side in ("", "l", "L", "Left") else -x, y, z), float) * unit
        if how.get("up"):
            offset = offset[[0, 2, 1]] * (1, -1, 1)
        turned = frames.get((number, side[:1].upper()), np.zeros((count, 3)))
        rows.append(turned)
        word, first = ("ROOT", "CHANNELS 6 Xposition Yposition Zposition") if not number else ("JOINT", "CHANNELS 3")
        place = " ".join(f"{v:g}" for v in offset)
        return f"{word} {parts[number].format(side)}\n{{\nOFFSET {place}\n{first} {channels}\n{children}}}\n"

    def chain(numbers: tuple[int, ...], side: str) -> str:
        # The rows are collected from the root outwards, as the file has them.
        at = len(rows)
        inner = chain(numbers[1:], side) if len(numbers) > 1 else "End Site\n{\nOFFSET 0 0 1\n}\n"
        outer = joint(numbers[0], side, inner)
        rows.insert(at, rows.pop())
        return outer

    at = len(rows)
    limbs = (
        chain((1, 2), "") + "".join(chain((3, 4, 5), s) for s in sides) + "".join(chain((6, 7, 8, 9), s) for s in sides)
    )
    text.append(joint(0, "", limbs).rstrip())
    rows.insert(at, rows.pop())
    lines = [" ".join(f"{v:.6f}" for v in row) for row in np.concatenate(rows, 1)]
    return "\n".join([*text, "MOTION", f"Frames: {count}", f"Frame Time: {1 / rate:.7f}", *lines]) + "\n"


def written(folder: Path, text: str, name: str = "some.bvh") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def posed(folder: Path, text: str) -> Pose:
    path = written(folder, text)
    return retarget(path, read_bvh(path))


@pytest.mark.parametrize("unit", [0.01, 1.0])
@pytest.mark.parametrize("up", [0, 1])
@pytest.mark.parametrize("names", [MIXAMO, AVATAR, CMU, BONES, CHARACTER])
def test_who_stands_with_arms_held_out_does_so_as_the_figure(tmp_path: Path, names: str, up: int, unit: float) -> None:
    pose = posed(tmp_path, bvh(names=names, up=up, unit=unit))
    at = joints(Person(), pose).at
    for side, sign in (("L", 1), ("R", -1)):
        assert np.allclose(pose.hands[side], (1, 0, 0), atol=1e-6)
        assert np.allclose(pose.feet[side], (0, 0, 0), atol=1e-6)
        assert (sign * at[f"wrist{side}"][:, 0] > 0.6).all()
        assert np.allclose(at[f"ankle{side}"][:, 1], 0.075, atol=0.01)
    assert np.allclose(pose.turn, 0) and np.allclose(pose.sink, 0, atol=0.03)
    assert np.allclose(pose.pelvis, 0, atol=1e-6) and np.allclose(pose.head, 0, atol=1e-6)


def test_left_is_left_and_up_is_up(tmp_path: Path) -> None:
    turned = {(ARM, "L"): np.tile((80.0, 0, 0), (4, 1)), (THIGH, "R"): np.tile((0.0, -60, 0), (4, 1))}
    pose = posed(tmp_path, bvh(turned))
    assert (pose.hands["L"][:, 1] > 0.9).all() and np.allclose(pose.hands["R"][:, 1], 0, atol=1e-6)
    assert (pose.feet["R"][:, 2] > 0.5).all() and np.allclose(pose.feet["L"][:, 2], 0, atol=1e-6)


@pytest.mark.parametrize("order", ["".join(o) for o in itertools.permutations("XYZ")])
def test_rotations_follow_each_other_as_the_channels_do(tmp_path: Path, order: str) -> None:
    degrees = np.array((20.0, -35.0, 50.0))
    path = written(tmp_path, bvh({(ARM, "L"): np.tile(degrees, (4, 1))}, order=order))
    at = read_bvh(path).at
    turned = np.eye(3)
    for axis, angle in zip(order, np.radians(degrees), strict=True):
        turned = turned @ rotation("XYZ".index(axis), angle)
    assert np.allclose(at["leftforearm"] - at["leftarm"], turned @ PLACES[4], atol=1e-4)


@given(seed=st.integers(0, 10_000), bent=st.floats(0, 90))
def test_whatever_is_recorded_the_figure_can_do(seed: int, bent: float) -> None:
    rng = np.random.default_rng(seed)
    at = {
        "head": np.array((0, 160.0, 0)),
        **{f"{side}{name}": np.array((sign * x, y, 0.0)) for side, sign in (("left", 1), ("right", -1))
           for name, x, y in (("arm", 18, 136), ("forearm", 46, 136), ("hand", 72, 136), ("upleg", 9, 90),
                              ("leg", 9, 48), ("foot", 9, 8), ("toebase", 9, 1))},
    }  # fmt: skip
    loose = {name: place + rng.normal(0, bent, (6, 3)) for name, place in at.items()}
    # Limbs of bones keep their lengths; only then is a hand within its reach.
    for side in ("left", "right"):
        for a, b, length in (("arm", "forearm", 28.0), ("forearm", "hand", 26.0)):
            v = loose[side + b] - loose[side + a]
            loose[side + b] = loose[side + a] + v * length / np.linalg.norm(v, axis=1, keepdims=True)
    pose = retarget(Path("loose.bvh"), Skeleton(loose, 30.0))
    for side in "LR":
        assert (np.linalg.norm(pose.hands[side], axis=1) < 1 + 1e-6).all()
    assert all(np.isfinite(points).all() for points in joints(Person(), pose).at.values())


def test_where_somebody_goes_and_looks_changes_no_limb(tmp_path: Path) -> None:
    bent = {(ARM, "L"): np.tile((40.0, 10, 5), (4, 1)), (THIGH, "R"): np.tile((0.0, -30, 0), (4, 1))}
    here = posed(tmp_path, bvh(bent))
    there = posed(tmp_path, bvh({**bent, (ROOT, ""): np.tile((0.0, 0, 70), (4, 1))}))
    assert np.allclose(there.turn - here.turn, np.radians(70), atol=1e-4)
    for side in "LR":
        assert np.allclose(here.hands[side], there.hands[side], atol=1e-4)
        assert np.allclose(here.feet[side], there.feet[side], atol=1e-4)


@pytest.mark.parametrize("motion", [motions.kicking, motions.waving, motions.stretching_side, motions.walking])
def test_a_mirror_shows_left_as_right_and_two_show_what_is_there(motion: motions.Motion) -> None:
    pose = motion(np.linspace(0, 2, 9), Style(side="L"))
    pose.turn = pose.turn + 0.4
    there, mirrored = joints(Person(), pose).at, joints(Person(), pose.mirrored()).at
    for part in ("wrist", "elbow", "ankle", "knee"):
        assert np.allclose(mirrored[f"{part}R"], there[f"{part}L"] * (-1, 1, 1))
    again = joints(Person(), pose.mirrored().mirrored()).at
    assert all(np.allclose(again[name], points) for name, points in there.items())


def test_between_two_frames_is_what_lies_between() -> None:
    pose = motions.squats(np.linspace(0, 1, 5), Style())
    between = pose.at(np.array([-1.0, 1.0, 1.5, 99.0]))
    assert np.allclose(between.sink, [pose.sink[0], pose.sink[1], pose.sink[1:3].mean(), pose.sink[4]])
    assert np.allclose(between.hands["L"][2], pose.hands["L"][1:3].mean(0))


def kick(beginning: int, count: int = 240) -> dict[tuple[int, str], F64]:
    turned = np.zeros((count, 3))
    turned[beginning : beginning + 15, 1] = -80 * np.sin(np.linspace(0, np.pi, 15))
    hanging = np.tile((-80.0, 0, 0), (count, 1))
    return {(THIGH, "L"): turned, (ARM, "L"): hanging, (ARM, "R"): -hanging}


def test_passages_are_where_something_happens(tmp_path: Path) -> None:
    path = written(tmp_path, bvh(kick(150)), "kicking.bvh")
    found = recording(path, "kicking")
    width = mocap.PASSAGE_S * found.rate
    assert all(150 - width < start < 165 for start in found.starts)


def test_arms_held_out_to_calibrate_are_no_passage(tmp_path: Path) -> None:
    frames = kick(150)
    for side in "LR":
        frames[ARM, side][:60] = 0
    found = recording(written(tmp_path, bvh(frames), "dance.bvh"), "")
    assert found.starts and min(found.starts) > 55


def test_of_many_frames_as_many_are_kept_as_are_needed(tmp_path: Path) -> None:
    read = read_bvh(written(tmp_path, bvh(kick(60), rate=120)))
    assert read.rate == pytest.approx(30, rel=1e-3) and len(read.at["head"]) == 60


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("cmu_1006__walking001", "walking"),
        ("5yr_old__running", "running"),
        ("humanoid3d_jog", "running"),
        ("cmu1__jumping_jacks", "jumping jacks"),
        ("x__jumping_in_place", "jumping"),
        ("x__two_hand_wave", "waving both hands"),
        ("x__left_hand_wave", "waving hand"),
        ("cmu_new2__frontkick001", "kicking"),
        ("x__boxing", "punching"),
        ("8yr_old__skipping", ""),
        ("jesse_dance", ""),
        ("cmu_new__walk_clap", None),
        ("8yr_old__ROM", None),
    ],
)
def test_a_name_says_what_is_done(name: str, action: str | None) -> None:
    assert kind(Path(f"{name}.bvh")) == action
    assert not action or action in LABELS


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("HIERARCHY", "HIERARKY", "'HIERARKY' is not expected"),
        ("Frames: 4", "Frames: 5", "numbers for 5 frames"),
        ("Frame Time:", "Time:", "does not begin with Frames"),
        ("Zrotation", "Wrotation", "has the channels"),
        ("90.000000", "nan", "numbers for 4 frames"),
        ("90.000000", "ninety", "ninety"),
        ("}\nMOTION", "\nMOTION", "no complete skeleton"),
        ("LeftForeArm", "LeftTentacle", "has no elbow"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = bvh()
    assert old in text
    with pytest.raises(UsageError, match=message) as caught:
        posed(tmp_path, text.replace(old, new))
    assert str(tmp_path / "some.bvh") in caught.value.message


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(f"{tmp_path}, given with --mocap")):
        Library.of(tmp_path)


def test_an_index_says_what_files_show_whatever_they_are_called(tmp_path: Path) -> None:
    inside = tmp_path / "some"
    inside.mkdir()
    for name in ("002_03.bvh", "002_06.bvh", "walk.bvh", "kick.bvh"):
        written(inside, bvh(), name)
    index = "file,action,source\n002_03.bvh,running,a\nwalk.bvh,something else,b\nlost.bvh,walking,c\nm01.txt,squat,d\n"
    (inside / "index.csv").write_text(index, encoding="utf-8")
    assert Library.of(tmp_path).counts() == {"other": 2, "running": 1, "kicking": 1}


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("name,action\na.bvh,walking\n", "expected the columns file and action"),
        ("file,action\na.bvh,strolling\n", "line 2: 'strolling' is none of the actions"),
        ("file,action\na.bvh\n", "line 2: no action"),
        (b"file,action\n\xff.bvh,walking\n", "cannot be read"),
    ],
)
def test_a_broken_index_is_named(tmp_path: Path, index: str | bytes, message: str) -> None:
    written(tmp_path, bvh(), "a.bvh")
    (tmp_path / "index.csv").write_bytes(index if isinstance(index, bytes) else index.encode())
    with pytest.raises(UsageError, match=rf"index\.csv.*{message}"):
        Library.of(tmp_path)


def test_a_clip_follows_from_its_seed_and_the_recordings(tmp_path: Path) -> None:
    written(tmp_path, bvh(kick(100)), "a_kick.bvh")
    label = [a.name for a in ACTIONS].index("kicking")
    always = Recordings(Library.of(tmp_path), 1.0)
    first, again, without = (sample(5, label, FilmStudio(recordings=r))[0] for r in (always, always, None))
    assert np.array_equal(first, again) and not np.array_equal(first, without)
    other = [a.name for a in ACTIONS].index("bending")
    assert Library.of(tmp_path).counts() == {"kicking": 1}
    assert sample(5, other, FilmStudio(recordings=always))[0].std() > 3


def test_the_fewer_recordings_the_fewer_clips_move_as_they_do(tmp_path: Path) -> None:
    for name in ("a_kick", "b_kick", "c_kick", "a_walk"):
        written(tmp_path, bvh(), f"{name}.bvh")
    mixed = Recordings(Library.of(tmp_path), 0.4)
    assert 0 == mixed.chance("clapping") < mixed.chance("walking") < mixed.chance("kicking") < 0.4


def test_a_broken_file_is_known_before_clips_are_rendered(tmp_path: Path) -> None:
    written(tmp_path, bvh(), "a_kick.bvh")
    written(tmp_path, "HIERARCHY", "b_kick.bvh")
    with pytest.raises(UsageError, match=r"b_kick\.bvh is no BVH recording"):
        Library.of(tmp_path).check()


def test_beside_the_clips_stands_what_was_mixed_into_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Recordings | None] = []
    monkeypatch.setattr(bank, "render_shard", lambda path, seed, clips, studio: taken.append(studio.recordings))
    (tmp_path / "bvh").mkdir()
    for name in ("a_kick.bvh", "front_kick.bvh", "a_dance.bvh"):
        written(tmp_path / "bvh", bvh(), name)
    data = tiny_config().data
    bank.render(tmp_path / "plain", data, processes=1)
    assert bank.made_with(tmp_path / "plain") == bank.MadeWith() and set(taken) == {None}
    recordings = Recordings(Library.of(tmp_path / "bvh"), data.mocap_share)
    bank.render(tmp_path / "mixed", data, processes=1, studio=FilmStudio(recordings=recordings))
    assert bank.made_with(tmp_path / "mixed").recordings == {"kicking": 2, "other": 1}
    assert taken[-1] == recordings
    (tmp_path / "mixed" / bank.MADE_WITH).write_text("{")
    with pytest.raises(ModelError, match=r"made_with\.json cannot be read"):
        bank.made_with(tmp_path / "mixed")


def test_who_performs_stands_in_the_middle_and_looks_ahead(tmp_path: Path) -> None:
    written(tmp_path, bvh({**kick(100), (ROOT, ""): np.tile((0.0, 0, 120), (240, 1))}), "a_kick.bvh")
    t = np.arange(16) / 10 + 3
    library, kicked = Library.of(tmp_path), set()
    for seed in range(12):
        pose = library.perform(np.random.default_rng(seed), "kicking", t)
        assert pose is not None and len(pose) == 16
        assert abs(pose.turn.mean()) < 1e-6 and np.abs(pose.place.mean(0)).max() < 1e-6
        kicked.add("L" if pose.feet["L"][:, 1].max() > pose.feet["R"][:, 1].max() else "R")
    assert kicked == {"L", "R"}
    assert library.perform(np.random.default_rng(0), "walking", t) is None
