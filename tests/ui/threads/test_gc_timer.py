from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from slowfast_live.ui.threads.gc_timer import GcTimer
from tests.ui.conftest import WAIT_MS, Desk


class Cycle:
    """Refers to itself, and says on which thread it was deleted."""

    def __init__(self, deleted_on: list[int]) -> None:
        self.itself = self
        weakref.finalize(self, lambda: deleted_on.append(threading.get_ident()))


@pytest.fixture
def collector(qapp: object) -> Iterator[GcTimer]:
    made = GcTimer()
    yield made
    made.close()
    assert gc.isenabled()


def test_what_other_threads_leave_is_deleted_on_the_gui_thread(collector: GcTimer, qtbot: Any) -> None:
    deleted_on: list[int] = []
    kept: list[list[int]] = []

    def allocate() -> None:
        Cycle(deleted_on)
        kept.extend([n] for n in range(100 * gc.get_threshold()[0]))  # Python itself would collect here

    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()
    assert not deleted_on
    qtbot.waitUntil(lambda: bool(deleted_on), timeout=WAIT_MS)
    assert deleted_on == [threading.get_ident()]


def test_older_generations_are_looked_through_in_their_turn(collector: GcTimer) -> None:
    before = gc.get_stats()
    for _ in range(200):
        kept = [[n] for n in range(2 * gc.get_threshold()[0])]
        collector.collect_if_due()
        del kept
    done = [now["collections"] - then["collections"] for now, then in zip(gc.get_stats(), before, strict=True)]
    assert done[0] > done[1] > done[2] > 0


def test_the_window_collects_and_leaves_it_to_python_in_the_end(desk: Desk) -> None:
    assert not gc.isenabled()
    desk.live.close()
    assert gc.isenabled()
