"""The line in an empty timeline holds now: it is no memory of how things were when it was drawn."""

from PySide6.QtGui import QImage

from tests.ui.conftest import Desk
from tests.ui.fakes import MODELS


def pixels(desk: Desk) -> bytes:
    image: QImage = desk.window.timeline.grab().toImage()
    return bytes(image.constBits())


def test_the_hint_follows_the_model(desk: Desk) -> None:
    desk.show_picture()
    desk.poll()
    with_model = pixels(desk)
    desk.pipeline.update(model=None)
    desk.poll()
    without = pixels(desk)
    assert without != with_model
    desk.pipeline.update(model=MODELS[0].name)
    desk.poll()
    assert pixels(desk) == with_model


def test_a_model_that_is_being_prepared_is_not_called_absent(desk: Desk) -> None:
    desk.show_picture()
    desk.pipeline.update(model=None)
    desk.poll()
    without = pixels(desk)
    desk.pipeline.update(model=None, switching="Preparing X3D-M for CPU")
    desk.poll()
    assert pixels(desk) != without and desk.window.timeline._hint() == "The model is being prepared"
