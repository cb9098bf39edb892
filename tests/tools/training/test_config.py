import re
from pathlib import Path

import pytest

from slowfast_live.errors import UsageError
from slowfast_live.tools.training import config
from slowfast_live.tools.training.actions import LABELS
from slowfast_live.tools.training.train import network_config

from .tiny import as_toml, tiny_config


def test_the_bundled_numbers_make_a_network_of_the_rendered_clips() -> None:
    bundled = config.bundled()
    network = network_config(bundled)
    clip = bundled.clip
    assert (network.clip_frames, network.side) == (clip.frames, clip.side)
    assert network.clip_stride == clip.stride and network.num_classes == len(LABELS)
    assert network.fast_input == "grey" and network.pool_side is None


def test_the_larger_model_sees_two_seconds_in_32_and_8_pictures() -> None:
    large = config.load(Path(config.__file__).with_name("demo32.toml"))
    network = network_config(large)
    assert (network.clip_frames, network.side) == (32, 96) and network.frames == 8 and network.alpha == 4
    assert 1.9 < large.clip.timing.span_s < 2.1


def test_a_file_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(as_toml(tiny_config(rate=1)))
    assert config.load(tmp_path / "c.toml") == tiny_config(rate=1.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps = 3", "stepps = 3", r"unknown field `stepps`.*\$\.training"),
        ("steps = 3", "", r"missing required field `steps`.*\$\.training"),
        ("steps = 3", "steps = 'many'", r"Expected `int`, got `str`.*\$\.training\.steps"),
        ("batch = 2", "batch = 0", r">= 1.*\$\.training\.batch"),
        ("fast_input = 'grey'", "fast_input = 'gray'", r"Invalid enum value 'gray'.*\$\.network\.fast_input"),
        ("[decision]", "[decisions]", r"unknown field `decisions`"),
        ("coarse_side = 32", "coarse_side = 64", r"expected training.coarse_side of at most clip.side, got 64 and 48"),
        ("[data]", "[data", r"is no training configuration"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = as_toml(tiny_config())
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(UsageError, match=message) as caught:
        config.load(tmp_path / "mine.toml")
    assert "mine.toml" in caught.value.message


def test_a_network_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(as_toml(tiny_config()).replace("beta_inv = 4", "beta_inv = 3"))
    with pytest.raises(UsageError, match=re.escape("[network] describes no network")):
        network_config(config.load(tmp_path / "c.toml"))


def test_only_the_length_may_change_when_a_training_goes_on() -> None:
    begun = tiny_config().as_dict()
    assert config.differences(begun, tiny_config(steps=9, minutes=1.0, check_every=7)) == []
    assert config.differences(begun, tiny_config(rate=0.5)) == ["training.rate was 0.002, is 0.5"]
