"""A pass over real clips, where they are at hand."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.sources.file import FileSource

CLIPS = Path(__file__).resolve().parents[2] / "../shared/data/clips"
NAMES = sorted(path.name for path in CLIPS.iterdir()) if CLIPS.is_dir() else []


@pytest.mark.skipif(not NAMES, reason="no real clips beside the repository")
@pytest.mark.parametrize("name", NAMES or ["none"])
def test_a_real_clip_plays_and_is_searched(name):
    source = FileSource(CLIPS / name)
    info = source.open()
    sums, times = [], []
    while (each := source.read()) is not None:
        assert each.image.shape == (info.height, info.width, 3)
        sums.append(int(each.image[::7, ::7].sum()))
        times.append(each.t_s)
    assert times[0] == 0
    assert all(late > early for early, late in pairwise(times))
    assert info.duration_s == pytest.approx(times[-1] + 1 / info.fps, abs=0.15)
    assert source.warning == ""
    for position in np.random.default_rng(7).integers(0, len(times), 6):
        source.seek(times[position] + 1e-4)
        found = source.read()
        assert (found.t_s, int(found.image[::7, ::7].sum())) == (times[position], sums[position])
    source.close()
