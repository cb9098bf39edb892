from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from slowfast_live.types import Readout, ReadoutState, SourceKind, SourceSpec, Status
from slowfast_live.ui.video.overlay import Overlay, OverlayPainter, Tone, compose, render
from tests.ui.fakes import ACTION, TOP

LONG = "passing American football (not in game)"
RUNNING = Status(
    source=SourceSpec(SourceKind.CAMERA, "0", "Webcam"), source_fps=30, predictions_per_s=11.2, latency_ms=96
)
NONE = Readout(ReadoutState.NO_CONFIDENT_ACTION, None, 0.2, TOP)
STATES = {
    "action": (ACTION, RUNNING),
    "long": (replace(ACTION, label=LONG), RUNNING),
    "none": (NONE, RUNNING),
    "warming": (Readout(ReadoutState.WARMING_UP), replace(RUNNING, coverage=0.62)),
    "warm but waiting": (Readout(ReadoutState.WARMING_UP), replace(RUNNING, coverage=1.0)),
    "short": (Readout(ReadoutState.TOO_SHORT), replace(RUNNING, coverage=0.4)),
    "untrained": (Readout(ReadoutState.UNTRAINED, None, 0.2, TOP), RUNNING),
    "no model": (Readout(ReadoutState.NO_MODEL), RUNNING),
    "preparing": (Readout(ReadoutState.NO_MODEL), replace(RUNNING, switching="Compiling X3D-M for CPU")),
    "reconnecting": (Readout(ReadoutState.NO_PICTURE), replace(RUNNING, reconnect_attempt=3)),
    "paused": (ACTION, replace(RUNNING, paused=True)),
    "ended": (ACTION, replace(RUNNING, ended=True)),
}
SIZE = QSize(640, 480)


def test_what_each_state_says() -> None:
    said = {name: compose(*state) for name, state in STATES.items()}
    assert (said["action"].headline, said["action"].value) == ("jumping jacks", "91 %")
    assert said["action"].stats == "30 fps · 11.2 predictions/s · 96 ms"
    assert [bar.label for bar in said["action"].bars] == [label for label, _ in TOP]
    assert (said["warming"].headline, said["warming"].value, said["warming"].progress) == (
        "warming up",
        "62 %",
        0.62,
    )
    assert said["warm but waiting"].progress is None
    assert said["none"].headline == "no confident action" and said["none"].value == ""
    assert said["untrained"].headline == "untrained model: scores are meaningless"
    assert said["untrained"].tone is Tone.AMBER and said["untrained"].action is None
    assert not any(bar.trusted for bar in said["untrained"].bars)
    assert said["reconnecting"].headline == "reconnecting (3)" and said["reconnecting"].action is None
    assert "slowfast-live models build" in said["no model"].hint
    assert said["preparing"].hint == "Compiling X3D-M for CPU"
    assert "40 %" in said["short"].hint
    assert (said["paused"].badge, said["ended"].badge) == ("Paused", "Ended")


def test_nothing_is_called_an_action_unless_it_is_one() -> None:
    for state in ReadoutState:
        overlay = compose(Readout(state, "jumping jacks", 0.9, TOP), RUNNING)
        assert (overlay.headline == "jumping jacks") == (state is ReadoutState.ACTION)
        assert (overlay.action is not None) == (state is ReadoutState.ACTION)


def test_the_class_for_everything_else_is_no_action() -> None:
    top = (("something else", 0.82), ("squat", 0.07))
    other = Readout(ReadoutState.NO_CONFIDENT_ACTION, None, 0.82, top, background=frozenset({"something else"}))
    said = compose(other, RUNNING)
    assert (said.headline, said.value, said.action) == ("none of the known actions", "82 %", None)
    assert [(bar.label, bar.trusted) for bar in said.bars] == [(said.headline, False), ("squat", True)]


def test_small_changes_of_scores_compose_the_same() -> None:
    nearly = replace(ACTION, top=tuple((label, score + 0.0004) for label, score in TOP))
    assert compose(nearly, RUNNING) == compose(ACTION, RUNNING)


def test_bars_can_be_left_out() -> None:
    assert compose(ACTION, RUNNING, bars=False).bars == ()


def pixels(image: QImage) -> bytes:
    return bytes(image.constBits())


def test_every_state_looks_different(qapp: QApplication) -> None:
    pictures = {name: pixels(render(compose(*state), SIZE, 1.0)) for name, state in STATES.items()}
    assert len(set(pictures.values())) == len(pictures)
    empty = pixels(render(Overlay(), SIZE, 1.0))
    assert set(empty) == {0}
    assert empty not in pictures.values()


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("size", [QSize(1, 1), QSize(90, 60), QSize(300, 200), QSize(1600, 900)])
def test_every_state_can_be_drawn_at_any_size(qapp: QApplication, size: QSize, ratio: float) -> None:
    for state in STATES.values():
        image = render(compose(*state), size, ratio)
        assert image.size() == QSize(round(size.width() * ratio), round(size.height() * ratio))


def test_only_changes_are_drawn(qapp: QApplication) -> None:
    overlays = OverlayPainter()
    canvas = QImage(SIZE, QImage.Format.Format_RGB32)
    painter = QPainter(canvas)
    overlays.paint(painter, compose(ACTION, RUNNING), SIZE, 1.0)
    overlays.paint(painter, compose(ACTION, RUNNING), SIZE, 1.0)
    assert overlays.drawn == 1
    overlays.paint(painter, compose(ACTION, RUNNING), SIZE, 2.0)
    overlays.paint(painter, compose(NONE, RUNNING), SIZE, 2.0)
    painter.end()
    assert overlays.drawn == 3


def test_nothing_is_cut_off(qapp: QApplication) -> None:
    """The tallest overlay keeps clear of the upper edge of its patch."""
    untrained = Readout(ReadoutState.UNTRAINED, None, 0.2, TOP)
    tallest = replace(compose(untrained, RUNNING), headline=LONG * 2, hint="a hint", progress=0.5, value="50 %")
    image = render(tallest, QSize(700, 700), 1.0)
    rows = [y for y in range(700) if image.pixelColor(60, y).alpha()]
    assert rows[0] > 700 - 320 + 4


@pytest.mark.parametrize(
    ("size", "bars"), [(QSize(596, 410), False), (QSize(900, 410), True), (QSize(1200, 700), True)]
)
def test_a_small_picture_is_not_covered_by_bars(qapp: QApplication, size: QSize, bars: bool) -> None:
    action = compose(*STATES["action"])
    assert action.bars
    plain = replace(action, bars=())
    assert (pixels(render(action, size, 1.0)) != pixels(render(plain, size, 1.0))) == bars
