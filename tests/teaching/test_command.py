"""`slowfast-live teach`: from folders of videos to a model."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.cli import main
from slowfast_live.core.sampling import ClipTiming
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.export.writer import VideoWriter
from slowfast_live.inference.spec import Model, load
from slowfast_live.sources.local import bounded_source
from slowfast_live.teaching.clips import new_clip
from slowfast_live.teaching.collecting import take_of_file, windows_of
from slowfast_live.teaching.trunks import Trunk


def write_video(path: Path, shade: int, seconds: float = 2.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = VideoWriter(path, fps=20, keep=False, replace=True)
    for i in range(round(seconds * 20)):
        image = np.full((64, 64, 3), 90, np.uint8)
        at = 8 + (i * (2 if shade > 128 else 1)) % 40
        image[at : at + 12, 8 : 8 + shade // 6] = shade
        writer.write(image, i / 20)
    writer.close()


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    for label, shade in (("raise_hand", 250), ("step", 60), ("none", 150)):
        for take in range(2):
            write_video(tmp_path / "examples" / label / f"{take}.mp4", shade + take)
    return tmp_path / "examples"


def teach(tiny_models: Path, examples: Path, *more: str) -> int:
    return main(
        [
            "teach",
            "--model",
            str(tiny_models / "tiny_short-fp32"),
            "--examples",
            str(examples),
            "--name",
            "My gym",
            *more,
        ]
    )


def test_folders_become_a_model(
    tiny_models: Path, examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = tmp_path / "gym.slowfast-model"
    assert teach(tiny_models, examples, "--output", str(tmp_path / "out"), "--share", str(shared)) == 0
    spec = load(tmp_path / "out" / "my-gym-fp32")
    assert spec.labels == ("raise hand", "step", "none of these")
    assert shared.exists()
    said = capsys.readouterr().out
    assert "1 of 6: " in said
    assert "takes that it had not seen" in said


def test_a_broken_video_is_named_and_the_rest_is_learned(
    tiny_models: Path, examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (examples / "step" / "broken.mp4").write_bytes(b"no video")
    assert teach(tiny_models, examples, "--output", str(tmp_path / "out")) == 1
    assert "broken.mp4" in capsys.readouterr().err
    assert load(tmp_path / "out" / "my-gym-fp32").labels[:2] == ("raise hand", "step")


def test_an_action_without_any_example_is_named(
    tiny_models: Path, examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (examples / "wave").mkdir()
    assert teach(tiny_models, examples) == 2
    assert "the action “wave” has no example" in capsys.readouterr().err


def test_an_action_of_broken_examples_only_is_named(
    tiny_models: Path, examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (examples / "wave").mkdir()
    (examples / "wave" / "a.mp4").write_bytes(b"no video")
    assert teach(tiny_models, examples, "--output", str(tmp_path / "out")) == 2
    assert "None of the examples of “wave” can be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_folders_is_explained(
    tiny_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert teach(tiny_models, tmp_path / "nowhere") == 2
    (tmp_path / "empty").mkdir()
    assert teach(tiny_models, tmp_path / "empty") == 2
    assert "expected one for each action" in capsys.readouterr().err


def test_windows_begin_at_several_offsets_and_a_short_passage_gives_one() -> None:
    timing = ClipTiming(frames=4, stride=2, fps=10)
    frames = [(i / 20, np.full((2, 2, 3), i, np.uint8)) for i in range(41)]
    windows = windows_of(frames, timing, 0.2)
    assert len(windows) == 7
    assert [int(picture[0, 0, 0]) for picture in windows[0]] == [0, 4, 9, 14]
    assert [int(picture[0, 0, 0]) for picture in windows[1]] == [4, 8, 13, 18]
    (short,) = windows_of(frames[:5], timing, 0.2)
    assert [int(picture[0, 0, 0]) for picture in short] == [0, 0, 0, 4]
    assert windows_of([], timing) == []


def test_a_clip_is_kept_only_where_it_is_wanted_and_shows_what_was_learned_from(tiny: Model, tmp_path: Path) -> None:
    video, kept = tmp_path / "clap.mp4", tmp_path / "kept"
    write_video(video, 200, seconds=4.0)
    kept.mkdir()
    trunk = Trunk(tiny, cache_dir=tmp_path / "cache")
    assert take_of_file(trunk, "clap", video).clip == ""
    take = take_of_file(trunk, "clap", video, (1.0, 3.0), clip=new_clip(kept, ".mp4"))
    (file,) = kept.iterdir()
    assert take.clip == file.name
    if os.name == "posix":
        assert file.stat().st_mode & 0o077 == 0, "only the user may see it"
    source = bounded_source(file)
    assert source.open().duration_s == pytest.approx(take.length_s, abs=0.2)
    source.close()
    with pytest.raises(SlowFastLiveError, match="single picture or none"):
        take_of_file(trunk, "clap", video, (30.0, 31.0), clip=new_clip(kept, ".mp4"))
    assert [each.name for each in kept.iterdir()] == [file.name], "what failed leaves nothing"
