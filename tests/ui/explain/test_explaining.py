"""Why it says so, in the real window: the real explanation of a small model, drawn over the picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from slowfast_live.errors import ModelError
from slowfast_live.inference.spec import Registry
from slowfast_live.pipeline.newest_clip import NewestClip, compose
from slowfast_live.types import FrameWindow, Readout, ReadoutState, SourceInfo
from slowfast_live.ui.explain.explaining import Explaining
from slowfast_live.ui.video.heat import Heat, heat_image, paint_heat
from tests.ui.conftest import Desk


@pytest.fixture
def clip(tiny_models: Path) -> NewestClip:
    model = Registry([tiny_models]).find("tiny_trained-fp32")
    framing, rng = model.spec.framing(), np.random.default_rng(0)
    pictures = tuple(framing.admit(rng.integers(0, 256, (90, 160, 3), np.uint8)) for _ in range(model.spec.clip.frames))
    made = compose(model, "CPU", FrameWindow(pictures, 0.0, 2.0, 0.0, 0), framing)
    return replace(made, size=(90, 160))


def watched(desk: Desk, clip: NewestClip, label: str = "action 3", t_s: float = 2.0) -> Explaining:
    """A window that shows an action of the small model."""
    top = ((label, 0.8), ("action 1", 0.1))
    window = replace(clip.window, generation=desk.pipeline.current_status.generation)
    desk.pipeline.current_clip = replace(clip, window=window)
    desk.pipeline.current_readout = Readout(ReadoutState.ACTION, label, 0.8, top, t_s)
    desk.pipeline.update(
        source=desk.pipeline.last("open")[0],
        info=SourceInfo(160, 90),
        model=clip.model.name,
        device="CPU",
        position_s=t_s,
    )
    desk.show_picture()
    desk.poll()
    return desk.live.explaining


def test_it_is_drawn_while_the_command_is_on(desk: Desk, clip: NewestClip) -> None:
    watched(desk, clip)
    canvas = desk.window.canvas
    desk.wait(lambda: not desk.live.background.busy)  # what the start does
    assert canvas.heat is None
    desk.trigger("explain")
    desk.poll()
    desk.wait(lambda: canvas.heat is not None)
    heat = canvas.heat
    assert heat is not None and heat.title == "action 3" and len(heat.when) == 32
    assert "slow" in heat.detail and "fast" in heat.detail and heat.detail.count("%") == 2
    left, top, wide, high = heat.area
    assert (top, high) == (0.0, 1.0) and wide == pytest.approx(90 / 160) and left == pytest.approx((1 - wide) / 2)
    before = canvas.grab().toImage()
    desk.trigger("explain")
    assert canvas.heat is None
    assert canvas.grab().toImage() != before


def test_another_moment_is_explained_anew_and_the_same_one_is_not(desk: Desk, clip: NewestClip) -> None:
    explaining = watched(desk, clip)
    desk.trigger("explain")
    desk.poll()
    desk.wait(lambda: desk.window.canvas.heat is not None)
    first = desk.window.canvas.heat
    desk.poll()
    assert not desk.live.background.busy and desk.window.canvas.heat is first
    watched(desk, clip, "action 5")
    desk.wait(lambda: desk.window.canvas.heat is not None and desk.window.canvas.heat.title == "action 5")
    desk.pipeline.update(generation=7)
    desk.poll()
    assert desk.window.canvas.heat is None, "what belongs to other frames is taken away"
    assert explaining is desk.live.explaining


def test_a_model_that_cannot_be_explained_says_so(desk: Desk, clip: NewestClip) -> None:
    explaining = watched(desk, clip)

    def refuse(_clip: NewestClip, _label: str) -> None:
        raise ModelError("MViT-B 16x4 cannot be explained: it has no feature maps that are pooled.")

    explaining._explain = refuse  # type: ignore[assignment]
    desk.trigger("explain")
    explaining._explain = refuse  # type: ignore[assignment]
    desk.poll()
    desk.wait(lambda: not desk.window.actions_by_id["explain"].isChecked())
    notice = desk.window.notice_bar.notice
    assert notice is not None and "MViT-B 16x4 cannot be explained" in notice.message


def test_the_strongest_place_is_the_most_colored() -> None:
    heat = np.zeros((8, 8), np.float32)
    heat[1, 6], heat[4, 4] = 1.0, 0.4
    image = heat_image(heat)
    assert image.pixelColor(6, 1).alpha() > image.pixelColor(4, 4).alpha() > image.pixelColor(0, 0).alpha() == 0
    assert image.pixelColor(6, 1).lightness() < image.pixelColor(4, 4).lightness(), "darker is stronger"
    assert heat_image(heat, flipped=True).pixelColor(1, 1).alpha() == image.pixelColor(6, 1).alpha()


def test_nothing_is_left_behind_in_the_painter_and_small_pictures_are_spared(qapp: object) -> None:
    drawn = Heat(heat_image(np.eye(4, dtype=np.float32)), (0.25, 0, 0.5, 1), (1.0, -0.5, 0.2), "squat", "slow 80 %")
    for width, height in ((400, 300), (30, 20)):
        image = QImage(400, 300, QImage.Format.Format_RGB32)
        image.fill(QColor("black"))
        painter = QPainter(image)
        pen, brush = painter.pen(), painter.brush()
        paint_heat(painter, drawn, QRectF(0, 0, width, height))
        assert (painter.pen(), painter.brush()) == (pen, brush)
        painter.end()
        outside = [image.pixelColor(x, y) for x in (width + 1, 399) for y in (0, 299) if width < 399]
        assert all(color == QColor("black") for color in outside)
