"""Takes of made-up features, and a small network to teach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from slowfast_live.teaching.takes import Take, make_take

SIZE = 16


@pytest.fixture
def some_takes() -> Callable[..., list[Take]]:
    """Return takes of labels, each label around a point of its own."""

    def make(counts: dict[str, int], *, spread: float = 0.3, windows: int = 8, seed: int = 1) -> list[Take]:
        rng = np.random.default_rng(seed)
        takes = []
        for number, (label, count) in enumerate(counts.items()):
            center = np.random.default_rng(100 + number).normal(0, 1, SIZE)
            for _ in range(count):
                features = center + rng.normal(0, spread, (windows, 2, SIZE))
                takes.append(
                    make_take(
                        label,
                        features.astype(np.float32),
                        trunk="trunk",
                        source="test",
                        length_s=3.0,
                        mirrored=True,
                    )
                )
        return takes

    return make
