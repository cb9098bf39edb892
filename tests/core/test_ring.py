import itertools
import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slowfast_live.core.ring import HIGHEST_RATE, Ring
from slowfast_live.core.sampling import ClipTiming, pick

TIMING = ClipTiming(8, 4)  # a span of 31/30 s


def picture(value: int) -> np.ndarray:
    return np.full((2, 2, 3), value % 256, np.uint8)


def fill(ring: Ring, times: list[float]) -> None:
    for i, t_s in enumerate(times):
        ring.push(lambda i=i: picture(i), t_s, t_s)


def test_a_window_needs_the_whole_span() -> None:
    ring = Ring(TIMING)
    for i in range(31):
        ring.push(lambda i=i: picture(i), i / 30, i / 30)
        assert ring.window(0) is None and ring.coverage < 1
    ring.push(lambda: picture(31), 31 / 30, 7.0)
    window = ring.window(5)
    assert window is not None and ring.coverage == 1
    assert (window.t_start_s, window.t_end_s, window.captured_s, window.generation) == (0.0, 31 / 30, 7.0, 5)
    assert [int(p[0, 0, 0]) for p in window.pictures] == [0, 4, 8, 13, 17, 22, 26, 31]


@given(st.lists(st.floats(1 / HIGHEST_RATE + 1e-6, 0.4), min_size=1, max_size=200))
def test_forgetting_never_changes_a_window(steps: list[float]) -> None:
    """The ring drops pictures as it goes; a window taken from all that ever came must be the same."""
    ring, times = Ring(TIMING), list(np.cumsum(steps))
    for i, t_s in enumerate(times):
        assert ring.push(lambda i=i: picture(i), t_s, t_s)
        wanted = pick(times[: i + 1], TIMING)
        window = ring.window(0)
        assert (window is None) == (wanted is None)
        if window is not None:
            assert [int(p[0, 0, 0]) for p in window.pictures] == [k % 256 for k in wanted]
    assert len(ring) <= TIMING.span_s * HIGHEST_RATE + 2


def test_a_clock_that_jumps_back_starts_afresh() -> None:
    ring = Ring(TIMING)
    fill(ring, [i / 30 for i in range(40)])
    assert ring.window(0) is not None
    ring.push(lambda: picture(0), 0.5, 0.5)
    assert ring.window(0) is None and len(ring) == 1


def test_a_gap_starts_a_live_ring_afresh_but_is_a_long_picture_in_a_file() -> None:
    times = [i / 30 for i in range(20)] + [3.0 + i / 30 for i in range(20)]
    live, file = Ring(TIMING, max_gap_s=0.5), Ring(TIMING)
    fill(live, times)
    fill(file, times)
    assert len(live) == 20 and live.window(0) is None
    assert file.window(0) is not None


def test_a_very_fast_camera_is_thinned() -> None:
    ring = Ring(TIMING)
    fill(ring, [i / 1000 for i in range(3000)])
    assert len(ring) <= TIMING.span_s * HIGHEST_RATE + 2
    assert ring.window(0) is not None


@given(st.sampled_from([131.0, 150.0, 200.0, 239.76, 500.0]), st.integers(0, 60))
def test_which_pictures_are_left_out_does_not_depend_on_where_reading_began(fps: float, first: int) -> None:
    """As after a seek: what is read begins a little earlier than the window does."""
    times = [i / fps for i in range(round(1.6 * fps))]
    whole, part = Ring(TIMING), Ring(TIMING)
    for i, t_s in enumerate(times):
        wanted = whole.push(lambda i=i: picture(i), t_s, t_s)
        if i >= first and part.push(lambda i=i: picture(i), t_s, t_s) and t_s > times[first] + TIMING.span_s + 0.05:
            assert wanted and whole.newest_s == part.newest_s
            pairs = zip(whole.window(0).pictures, part.window(0).pictures, strict=True)
            assert all(np.array_equal(one, other) for one, other in pairs)


def test_another_picture_size_starts_afresh() -> None:
    ring = Ring(TIMING)
    fill(ring, [i / 30 for i in range(40)])
    ring.push(lambda: np.zeros((3, 2, 3), np.uint8), 2.0, 2.0)
    assert len(ring) == 1


def test_reading_while_writing() -> None:
    ring = Ring(TIMING)
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            window = ring.window(0)
            if window is not None:
                values = [int(p[0, 0, 0]) for p in window.pictures]
                steps = [(b - a) % 256 for a, b in itertools.pairwise(values)]
                if not all(4 <= step <= 5 for step in steps):
                    wrong.append(values)

    reader = threading.Thread(target=read)
    reader.start()
    fill(ring, [i / 30 for i in range(3000)])
    stop.set()
    reader.join()
    assert not wrong
