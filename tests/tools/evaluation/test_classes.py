from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.errors import UsageError
from slowfast_live.tools.evaluation.classes import Synonyms, classify, in_file_name, plain, read_index

LABELS = ("waving hand", "waving both hands", "push up", "Jumping Jacks", "walking", "punching person (boxing)")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("p1_waving_one_hand_org.avi", "waving one hand"),
        ("p5_bending_org.avi", "bending"),
        ("push_up_2.mp4", "push up"),
        ("walking_indoor.mp4", "walking indoor"),
        ("two_people_interacting_1080p.mp4", "two people interacting"),
        ("v_JumpingJack_g01_c02.avi", "jumping jack"),
    ],
)
def test_what_file_names_say(name: str, said: str) -> None:
    assert in_file_name(Path(name)) == said


@pytest.mark.parametrize("name", ["push_up", "Push Up", '"push up"', "push-up", "PushUp", " push  up "])
def test_spelling_does_not_matter(name: str) -> None:
    assert plain(name) == "push up"


@given(st.text(max_size=40))
def test_plain_names_are_plain(name: str) -> None:
    assert plain(plain(name)) == plain(name)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("waving one hand", "waving hand"),
        ("wave (right hand)", "waving hand"),
        ("jumping_jack", "Jumping Jacks"),
        ("boxing (front)", "punching person (boxing)"),
        ("walking in place", "walking"),
        ("archery", None),
    ],
)
def test_other_names_mean_the_models_label(name: str, label: str | None) -> None:
    assert Synonyms.load().meant(name, LABELS) == label


def test_a_label_of_its_own_is_not_taken_for_another() -> None:
    assert Synonyms.load().meant("jogging", ("running", "jogging")) == "jogging"
    assert Synonyms.load().meant("jogging", ("running", "walking")) == "running"


def test_own_synonyms_come_first(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_text("# mine\nwalking = archery = Wave\n")
    synonyms = Synonyms.load(tmp_path / "s.txt")
    assert synonyms.meant("Archery", LABELS) == "walking" and synonyms.meant("wave", LABELS) == "walking"


@pytest.mark.parametrize("line", ["walking", "= walking", "a = = b"])
def test_a_line_that_is_no_group_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "s.txt").write_text(f"a = b\n{line}\n")
    with pytest.raises(UsageError, match=r"s\.txt, line 2: expected 'name = other name"):
        Synonyms.load(tmp_path / "s.txt")


def labels_of(*paths: str, roots: tuple[str, ...] = ()) -> list[tuple[str, str | None]]:
    clips = classify(map(Path, paths), LABELS, Synonyms.load(), roots=map(Path, roots))
    return [(clip.said, clip.label) for clip in clips]


def test_the_file_speaks_then_its_folder() -> None:
    assert labels_of("/d/clips/push_up_2.mp4") == [("push up", "push up")]
    assert labels_of("/d/push_ups/Zk3_000010_000020.mp4") == [("push ups", "push up")]
    assert labels_of("/d/archery/Zk3_000010_000020.mp4", roots=("/d",)) == [("archery", None)]
    assert labels_of("/d/archery_1.mp4", roots=("/d",)) == [("archery", None)]


def test_the_index_decides(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text(
        '\ufeffFile,Action,subject\nwalking.mp4,"wave (right hand)",1\nb/x.mp4,archery,2\n'
    )
    index = read_index(tmp_path / "index.csv")
    found = classify([*index, tmp_path / "walking_2.mp4"], LABELS, Synonyms.load(), index=index)
    assert [(c.path.name, c.label) for c in found] == [
        ("walking.mp4", "waving hand"),
        ("x.mp4", None),
        ("walking_2.mp4", "walking"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,label\na.mp4,walking\n", "columns file and label .*its columns are: name, label"),
        ("", "its columns are: none"),
        ("file,label\n", "names no clips"),
        ("file,label\na.mp4,walking\nb.mp4\n", "line 3: expected a file and its label"),
    ],
)
def test_an_index_that_is_none_says_what_is_expected(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "index.csv").write_text(content)
    with pytest.raises(UsageError, match=message):
        read_index(tmp_path / "index.csv")


def test_a_missing_index_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.csv, given with --index, cannot be read"):
        read_index(tmp_path / "gone.csv")
