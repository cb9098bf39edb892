"""Profiles as on lesser processors: the same machine, with its instruction sets capped.

OpenVINO's CPU plugin computes with oneDNN, which reads its limit from the environment once, when it is loaded. So each
profile is made by a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from slowfast_live.errors import ModelError, UsageError
from slowfast_live.inference.spec import Model
from slowfast_live.tools.bench.results import Profile

LIMIT = "ONEDNN_MAX_CPU_ISA"
"""The environment variable that caps the instruction sets; OpenVINO 2026.4 honors it, and "DNNL_MAX_CPU_ISA" too."""
OWN = "own"
"""Name of a profile without a limit."""


@dataclass(frozen=True, slots=True)
class InstructionSet:
    """A limit.

    Attributes:
        title: Its name in tables.
        limit: oneDNN's name of the limit; "" for none.
        needs: What the processor must have, as `processor.FEATURES` names it.
        config: OpenVINO properties that go with it. Without bfloat16 instructions OpenVINO computes in float32, but it
            asks the processor, not oneDNN, whether there are any.
    """

    title: str
    limit: str = ""
    needs: str = ""
    config: dict[str, str] = field(default_factory=dict)


_F32 = {"INFERENCE_PRECISION_HINT": "f32"}
SETS = {
    "avx2": InstructionSet("AVX2", "AVX2", "avx2", _F32),
    "avx512_vnni": InstructionSet("AVX-512 VNNI", "AVX512_CORE_VNNI", "avx512_vnni", _F32),
    "avx512_bf16": InstructionSet("AVX-512 VNNI and bf16", "AVX512_CORE_BF16", "avx512_bf16"),
    "amx": InstructionSet("AMX", "AVX512_CORE_AMX", "amx_int8"),
    OWN: InstructionSet(""),
}


def check(names: Sequence[str], features: Sequence[str]) -> None:
    """Raise an error if this processor does not have an instruction set.

    Args:
        names: Some of `SETS`.
        features: What the processor has; empty if that is unknown.

    Raises:
        UsageError: There is no such set, or the processor lacks it.
    """
    for name in names:
        if name not in SETS:
            raise UsageError(f"--instructions: there is no '{name}'. There are: {', '.join(SETS)}.")
        needed = SETS[name].needs
        if needed and features and needed not in features:
            here = ", ".join(features)
            raise UsageError(f"--instructions {name}: this processor has no {needed}; it has {here}.")


def profile(model: Model, seconds: float, name: str) -> Profile:
    """Profile a model on the CPU, in a process of its own, with the instruction set called `name`.

    Raises:
        ModelError: The model does not run so.
    """
    chosen = SETS[name]
    environment = {**os.environ, **({LIMIT: chosen.limit} if chosen.limit else {})}
    words = [sys.executable, "-m", __name__, "--model", str(model.folder), "--seconds", str(seconds)]
    finished = subprocess.run(
        [*words, "--config", json.dumps(chosen.config)], env=environment, capture_output=True, check=False
    )
    try:
        found = msgspec.json.decode(finished.stdout, type=Profile)
    except msgspec.MsgspecError as error:
        text = finished.stderr.decode(errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        reason = lines[-1] if lines else f"exit code {finished.returncode}"
        title = f" with {chosen.title}" if chosen.title else ""
        raise ModelError(f"{model.spec.display_name} cannot be profiled{title}: {reason}", text) from error
    return msgspec.structs.replace(found, instructions=chosen.title)


def main(arguments: Sequence[str] | None = None) -> int:
    """Profile one model and write the profile to standard output as JSON; return the exit code."""
    parser = argparse.ArgumentParser(prog=__name__, description=main.__doc__)
    parser.add_argument("--model", required=True, type=Path, help="model folder")
    parser.add_argument("--seconds", required=True, type=float, help="duration of each part")
    parser.add_argument("--config", default="{}", help="further OpenVINO properties, JSON")
    options = parser.parse_args(arguments)
    from slowfast_live.inference.spec import Registry
    from slowfast_live.tools.bench import profiling
    from slowfast_live.tools.bench.protocol import end_with_parent, own_output

    end_with_parent()
    answers = own_output()
    model = Registry().find(str(options.model))
    answers.write(msgspec.json.encode(profiling.profile(model, options.seconds, json.loads(options.config))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
