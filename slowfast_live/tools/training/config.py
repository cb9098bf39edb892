"""Configuration of a training: `demo.toml`, or a file of the same form. Does not need torch."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from slowfast_live.core.sampling import ClipTiming
from slowfast_live.errors import UsageError

Count = Annotated[int, Meta(ge=1)]
Whole = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Spread = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]


class ConfigTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file; `demo.toml` explains each number."""


class Described(ConfigTable, frozen=True):
    """The table [model]."""

    name: str
    title: str
    description: str


class ClipShape(ConfigTable, frozen=True):
    """The table [clip]."""

    frames: Count
    stride: Count
    fps: Positive
    side: Annotated[int, Meta(ge=32)]
    resize_side: Count

    @property
    def timing(self) -> ClipTiming:
        """The clip's timing."""
        return ClipTiming(self.frames, self.stride, self.fps)


class Network(ConfigTable, frozen=True):
    """The table [network]."""

    depth: Count
    block: Literal["bottleneck", "basic"]
    alpha: Count
    width: Count
    beta_inv: Count
    lateral_kernel: Count
    fast_input: Literal["rgb", "grey", "time_difference", "half_resolution"]
    normalization: Literal["dataset", "clip_mean"]
    dropout: Share


class Data(ConfigTable, frozen=True):
    """The table [data]."""

    seed: Whole
    clips_per_shard: Count
    held_out_shards: Annotated[int, Meta(ge=2)]
    training_shards: Count
    mocap_share: Share

    @property
    def shards(self) -> int:
        """Number of all shards: held-out ones and those used for training."""
        return self.held_out_shards + self.training_shards


class Augmentation(ConfigTable, frozen=True):
    """The table [augmentation]."""

    mirror: Share
    swap_colors: Share
    blur: Share
    coarsest: Annotated[float, Meta(gt=0, le=1)]
    finest: Annotated[float, Meta(gt=0, le=1)]
    zoom: Spread
    turn_degrees: Spread
    shift: Spread
    gain: Spread
    lift: Spread


class Training(ConfigTable, frozen=True):
    """The table [training]."""

    seed: Whole
    steps: Count
    minutes: Positive
    batch: Count
    rate: Positive
    warm_up: Count
    cooling: Annotated[float, Meta(gt=0, le=1)]
    decay: Spread
    smoothing: Share
    gradient_norm: Positive
    average: Annotated[float, Meta(ge=0, lt=1)]
    coarse_side: Annotated[int, Meta(ge=32)]
    coarse_share: Share
    check_every: Count


class DecisionConfig(ConfigTable, frozen=True):
    """The table [decision]."""

    false_alarms: Share


class Config(ConfigTable, frozen=True):
    """The whole file."""

    model: Described
    clip: ClipShape
    network: Network
    data: Data
    augmentation: Augmentation
    training: Training
    decision: DecisionConfig

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return the tables as plain dictionaries."""
        plain: dict[str, dict[str, Any]] = msgspec.to_builtins(self)
        return plain


_OF_LENGTH_ONLY = {("training", "steps"), ("training", "minutes"), ("training", "check_every")}
"""Fields that may change when a training is resumed: its length."""


def differences(then: dict[str, dict[str, Any]], now: Config) -> list[str]:
    """Return, as text, why a training that was begun with `then` cannot be resumed with `now`."""
    found = []
    for table, values in now.as_dict().items():
        if table in ("model", "decision"):
            continue
        for name, value in values.items():
            old = then.get(table, {}).get(name)
            if (table, name) not in _OF_LENGTH_ONLY and old != value:
                found.append(f"{table}.{name} was {old}, is {value}")
    return found


def load(path: Path) -> Config:
    """Read a configuration.

    Raises:
        UsageError: The file cannot be read, or a number is missing, unknown or of the wrong type.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}, given with --config, cannot be read: {error}.") from error
    config = decode(text, str(path))
    if config.training.coarse_side > config.clip.side:
        raise UsageError(
            f"{path}: expected training.coarse_side of at most clip.side, got {config.training.coarse_side} and "
            f"{config.clip.side}."
        )
    return config


def decode(text: str, where: str) -> Config:
    """Read TOML; `where` names it in errors.

    Raises:
        UsageError: It is not a configuration.
    """
    try:
        return msgspec.toml.decode(text, type=Config)
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError(f"{where} is no training configuration: {error}. demo.toml shows what is expected.") from error


@lru_cache(maxsize=1)
def bundled() -> Config:
    """Return the configuration of the bundled model."""
    file = resources.files("slowfast_live.tools.training").joinpath("demo.toml")
    return decode(file.read_text(encoding="utf-8"), "demo.toml")
