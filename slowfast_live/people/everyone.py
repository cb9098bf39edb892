"""Frame windows and boxes for models that score what each person in a clip does, and the scores that they give.

The label belongs to the middle of the window: the model is given each person's box of that moment, and the label is
shown at the box of now.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slowfast_live.core.framing import WholePicture
from slowfast_live.errors import ModelError
from slowfast_live.inference.backend import DetectionRequest, InferRequest, InferResult
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.messages import Message
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.types import F32, FrameWindow


def middle_s(window: FrameWindow) -> float:
    """Return the time of a window's middle, on the source's clock."""
    return (window.t_start_s + window.t_end_s) / 2


def boxes_in_clip(spec: ModelSpec, window: FrameWindow, people: Sequence[TrackedPerson]) -> F32:
    """Return where people are in a clip at the middle of its window.

    Args:
        spec: The model's description.
        window: The frame window.
        people: The people; whoever came later is where they were found first.

    Returns:
        float32 (N, 4), x1, y1, x2, y2 in pixels of the clip, clipped to it.
    """
    picture = window.pictures[0]
    height, width = picture.shape[:2]
    left, top, inside_width, inside_height = _framing(spec).area(picture)
    shares = np.array([person.box_at(middle_s(window)) for person in people], np.float32).reshape(-1, 4)
    pixels = shares * np.array([width, height, width, height], np.float32)
    pixels -= np.array([left, top, left, top], np.float32)
    most = np.array([inside_width, inside_height, inside_width, inside_height], np.float32) - 1
    return np.asarray(np.clip(pixels, 0, most), np.float32)


def in_clip(spec: ModelSpec, window: FrameWindow, person: TrackedPerson) -> bool:
    """Return whether a clip shows some of a person, at least one pixel."""
    x1, y1, x2, y2 = boxes_in_clip(spec, window, [person])[0]
    return bool(x2 - x1 >= 1 and y2 - y1 >= 1)


def fill(request: InferRequest, spec: ModelSpec, window: FrameWindow, people: Sequence[TrackedPerson]) -> None:
    """Give a request the clip of a window and the boxes of the people in it.

    Raises:
        ModelError: The request belongs to a model that classifies clips.
    """
    if not isinstance(request, DetectionRequest):
        raise ModelError(
            Message(
                "model '{name}' scores what each person does, but runs as one that classifies clips", name=spec.name
            )
        )
    framing = _framing(spec)
    _left, _top, width, height = framing.area(window.pictures[0])
    request.fit(height, width)
    framing.compose(window.pictures, request.clip)
    request.boxes = boxes_in_clip(spec, window, people)


def nobody(spec: ModelSpec) -> F32:
    """Return the scores of nobody, float32 (0, K)."""
    return np.zeros((0, len(spec.labels)), np.float32)


def usable_people(result: InferResult, count: int, spec: ModelSpec) -> tuple[F32 | None, Exception | None]:
    """Return the scores of everybody, float32 (N, K), or the reason why they are not usable.

    Labels that are off score 0.

    Args:
        result: The result.
        count: N, the number of people that the model was asked about.
        spec: The model's description.
    """
    people = result.people
    if people is None:
        return None, result.error or ModelError(Message("it gives no scores of people"))
    if people.shape != (count, len(spec.labels)):
        return None, ModelError(
            Message(
                "it gives values {shape} for {count} people and {labels} labels",
                shape=people.shape,
                count=count,
                labels=len(spec.labels),
            )
        )
    if not np.isfinite(people).all():
        return None, ModelError(Message("its output is not a number (NaN or infinite)"))
    off = [index for index, label in enumerate(spec.labels) if label in spec.decision.off]
    people = people.copy()
    people[:, off] = 0
    return people, None


def _framing(spec: ModelSpec) -> WholePicture:
    framing = spec.framing()
    assert isinstance(framing, WholePicture), "models that score what each person does see whole pictures"
    return framing
