"""A training that is small enough for a test."""

from pathlib import Path

import msgspec

from slowfast_live.tools.training.config import Config, bundled


def tiny_config(**training: object) -> Config:
    """Two files to fit and report, two to train on, of four clips each; 48 pixels and the narrowest network."""
    usual = bundled()
    replace = msgspec.structs.replace
    return replace(
        usual,
        clip=replace(usual.clip, side=48),
        network=replace(usual.network, width=4),
        data=replace(usual.data, clips_per_shard=4, held_out_shards=2, training_shards=2),
        training=replace(
            usual.training,
            **{"steps": 3, "batch": 2, "coarse_side": 32, "coarse_share": 0.5, "check_every": 2} | training,
        ),
    )


def as_toml(config: Config) -> str:
    """Return a configuration in the form of its file."""
    lines = []
    for table, values in config.as_dict().items():
        lines.append(f"[{table}]")
        lines += [f"{name} = {value!r}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def write_config(path: Path, **training: object) -> Path:
    path.write_text(as_toml(tiny_config(**training)), encoding="utf-8")
    return path
