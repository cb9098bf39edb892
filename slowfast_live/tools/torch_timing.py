"""`python -m slowfast_live.tools.torch_timing torch --network x3d_s`: contenders of the benchmark that need torch.

They speak the protocol of `slowfast_live.tools.bench.protocol`. Weights are random: the time that a network takes does
not depend on them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from slowfast_live.inference.spec import PROBABILITIES
from slowfast_live.tools.bench.protocol import Contender, end_with_parent, own_output, repeat, serve
from slowfast_live.tools.bench.results import Facts, Measurement
from slowfast_live.tools.convert import export, networks
from slowfast_live.tools.convert.catalogue import lookup
from slowfast_live.tools.convert.slowfast import slowfast
from slowfast_live.types import U8

_BUNDLED = "slowfast_demo"


def network_and_shape(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a network with random weights, and the shape of its clip, (1, T, S, S, 3).

    Args:
        name: A name from the catalog, or "slowfast_demo".

    Raises:
        UsageError: There is no such network.
    """
    if name == _BUNDLED:
        from slowfast_live.tools.training.config import bundled
        from slowfast_live.tools.training.train import network_config

        config = bundled()
        frames, side = config.clip.frames, config.clip.side
        network: nn.Module = slowfast(network_config(config))
    else:
        entry = lookup(name)
        frames, side = entry.clip.frames, entry.clip.side
        network = networks.adapt(networks.build(entry), entry)
    return network.eval(), (1, frames, side, side, 3)


class Eager:
    """PyTorch as in the published notebooks: `model(clip)` under `no_grad`, in float32."""

    def __init__(self, name: str) -> None:
        network, shape = network_and_shape(name)
        self._network = networks.DeployedClip(network).eval()
        self._clip = torch.from_numpy(_noise(shape))

    def facts(self) -> Facts:
        """See `Contender.facts`."""
        return Facts("f32", torch.get_num_threads(), 1, str(torch.__version__))

    def run(self, seconds: float) -> Measurement:
        """See `Contender.run`."""
        with torch.no_grad():
            return repeat(lambda: self._network(self._clip), seconds)

    def close(self) -> None:
        """See `Contender.close`."""


class OnnxRuntime:
    """ONNX Runtime's CPU execution provider on the exported network, with default options."""

    def __init__(self, name: str) -> None:
        import onnxruntime

        network, shape = network_and_shape(name)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.onnx"
            export.to_onnx(network, shape, path)
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._clip = _noise(shape)
        self._version = str(onnxruntime.__version__)

    def facts(self) -> Facts:
        """See `Contender.facts`."""
        return Facts("f32", None, 1, self._version)

    def run(self, seconds: float) -> Measurement:
        """See `Contender.run`."""
        return repeat(lambda: self._session.run([PROBABILITIES], {export.INPUT: self._clip}), seconds)

    def close(self) -> None:
        """See `Contender.close`."""


def _noise(shape: tuple[int, ...]) -> U8:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve commands until the input ends; return the exit code."""
    parser = argparse.ArgumentParser(prog="slowfast_live.tools.torch_timing", description=__doc__)
    parser.add_argument("kind", choices=("torch", "onnxruntime"))
    parser.add_argument("--network", required=True, help="a network of the catalogue, or slowfast_demo")
    options = parser.parse_args(arguments)
    end_with_parent()
    answers = own_output()

    def make() -> Contender:
        return Eager(options.network) if options.kind == "torch" else OnnxRuntime(options.network)

    serve(make, sys.stdin.buffer, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
