"""Previews come off the GUI thread: the newest wish counts, and what was decoded is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from slowfast_live.errors import SourceError
from slowfast_live.types import U8
from slowfast_live.ui.events.previewer import MAX_KEPT, Previewer, PreviewRequest
from tests.ui.conftest import WAIT_MS

FILM = Path("film.mp4")


class FakeReader:
    """Gives a picture whose red is the second asked for; waits where a gate is shut."""

    gate = threading.Event()

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[float] = []
        self.dropped: list[float] = []
        self.closed = False

    def at(
        self, t_s: float, wanted: Callable[[], bool], part: tuple[float, float, float, float] | None = None
    ) -> U8 | None:
        self.asked.append(t_s)
        while not self.gate.wait(0.002):
            if not wanted():
                self.dropped.append(t_s)
                return None
        if t_s == 13:
            raise SourceError("no picture of that")
        return np.full((4, 6, 3), (0, 0, round(t_s)), np.uint8)

    def close(self) -> None:
        self.closed = True


class Bench:
    def __init__(self, previewer: Previewer, readers: list[FakeReader], qtbot: Any) -> None:
        self.previewer, self.readers, self.qtbot = previewer, readers, qtbot
        self.told: list[tuple[PreviewRequest, QImage]] = []
        previewer.ready.connect(lambda moment, image: self.told.append((moment, image)))

    def wait(self, test: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(test()), timeout=WAIT_MS)


@pytest.fixture
def bench(qapp: QApplication, qtbot: Any) -> Iterator[Bench]:
    readers: list[FakeReader] = []

    def make(path: Path, rate: float | None) -> FakeReader:
        readers.append(FakeReader(path))
        return readers[-1]

    FakeReader.gate = threading.Event()
    FakeReader.gate.set()
    previewer = Previewer(None, make)
    yield Bench(previewer, readers, qtbot)
    FakeReader.gate.set()
    previewer.stop()
    assert all(reader.closed for reader in readers)


def moment(second: int, path: Path = FILM) -> PreviewRequest:
    return PreviewRequest(path, second, 1.0)


def test_a_preview_comes_later_and_then_at_once(bench: Bench) -> None:
    assert bench.previewer.request(moment(7)) is None
    bench.wait(lambda: bench.told)
    told, image = bench.told[0]
    assert told == moment(7) and image.pixelColor(2, 2).red() == 7 and image.pixelColor(2, 2).blue() == 0
    again = bench.previewer.request(moment(7))
    assert again is not None and bench.readers[0].asked == [7.0], "it was kept"


def test_a_newer_wish_drops_the_one_before(bench: Bench) -> None:
    FakeReader.gate.clear()
    bench.previewer.request(moment(1))
    bench.wait(lambda: bench.readers and bench.readers[0].asked == [1.0])
    for second in (2, 3, 4):
        bench.previewer.request(moment(second))
    bench.wait(lambda: bench.readers[0].asked[-1] == 4.0)
    FakeReader.gate.set()
    bench.wait(lambda: bench.told)
    assert [told.number for told, _image in bench.told] == [4]
    assert 1.0 in bench.readers[0].dropped


def test_the_same_wish_again_goes_on(bench: Bench) -> None:
    FakeReader.gate.clear()
    bench.previewer.request(moment(5))
    bench.wait(lambda: bench.readers and bench.readers[0].asked)
    for _ in range(5):
        bench.previewer.request(moment(5))
    FakeReader.gate.set()
    bench.wait(lambda: bench.told)
    assert bench.readers[0].asked == [5.0]


def test_nobody_is_told_after_the_pointer_left(bench: Bench) -> None:
    FakeReader.gate.clear()
    bench.previewer.request(moment(5))
    bench.wait(lambda: bench.readers and bench.readers[0].asked)
    bench.previewer.cancel()
    bench.wait(lambda: bench.readers[0].dropped)
    assert bench.told == []


def test_another_file_is_another_reader(bench: Bench) -> None:
    bench.previewer.request(moment(1))
    bench.wait(lambda: len(bench.told) == 1)
    bench.previewer.request(moment(1, Path("other.mp4")))
    bench.wait(lambda: len(bench.told) == 2)
    assert [reader.path.name for reader in bench.readers] == ["film.mp4", "other.mp4"] and bench.readers[0].closed


def test_what_gives_no_picture_is_not_asked_for_again(bench: Bench) -> None:
    bench.previewer.request(moment(13))
    bench.wait(lambda: moment(13) in bench.previewer._kept)
    assert bench.previewer.request(moment(13)) is None
    bench.previewer.request(moment(1))
    bench.wait(lambda: bench.told)
    assert bench.readers[0].asked == [13.0, 1.0]


def test_only_so_many_are_kept(bench: Bench) -> None:
    for second in range(MAX_KEPT + 3):
        bench.previewer.request(moment(second))
        bench.wait(lambda second=second: moment(second) in bench.previewer._kept)
    assert len(bench.previewer._kept) == MAX_KEPT
