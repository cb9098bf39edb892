"""Boxes and labels of people in annotated videos: as in the window, but drawn without Qt."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from slowfast_live.colors import LABEL_OVERLAY, identity_color
from slowfast_live.export.findings import PersonRecord
from slowfast_live.types import U8

_GONE_AFTER_S = 0.5
"""A box stays this long after the last time at which the person was found."""
_TEXT_SHARE = 0.033
"""Height of the text, in shares of the picture's short side."""
_ROUND = 0.12


def draw_people(image: U8, persons: Sequence[PersonRecord], t_s: float) -> U8:
    """Return a copy of a frame with the box and labels of everybody who is there; the frame itself if nobody is.

    Args:
        image: uint8 (H, W, 3), BGR.
        persons: The people.
        t_s: Time of the frame.
    """
    there = [(person, box) for person in persons if (box := box_at(person, t_s)) is not None]
    if not there:
        return image
    out = image.copy()
    height, width = out.shape[:2]
    unit = max(10, round(_TEXT_SHARE * min(height, width)))
    for person, box in there:
        color = _bgr(identity_color(person.id))
        x1, y1, x2, y2 = (round(edge * side) for edge, side in zip(box, (width, height, width, height), strict=True))
        _rounded(out, (x1, y1, x2, y2), color, max(1, unit // 7))
    for person, box in there:
        _tag(out, _text(person, t_s), identity_color(person.id), box, unit)
    return out


def box_at(person: PersonRecord, t_s: float) -> tuple[float, float, float, float] | None:
    """Return the box of a person at a time, interpolated; None if they are not there."""
    times = [row[0] for row in person.boxes]
    after = bisect_right(times, t_s)
    if after == 0 or (after == len(times) and t_s - times[-1] > _GONE_AFTER_S):
        return None
    before = person.boxes[after - 1]
    if after == len(times):
        return before[1:]
    following = person.boxes[after]
    gap_s = following[0] - before[0]
    if gap_s > 2 * _GONE_AFTER_S and t_s - before[0] > _GONE_AFTER_S:
        return None
    share = (t_s - before[0]) / gap_s if gap_s > 0 else 0.0
    x1, y1, x2, y2 = (a + share * (b - a) for a, b in zip(before[1:], following[1:], strict=True))
    return x1, y1, x2, y2


def _text(person: PersonRecord, t_s: float) -> tuple[str, ...]:
    times = [said.t_s for said in person.predictions]
    at = bisect_right(times, t_s) - 1
    name = f"Person {person.id}"
    if at < 0 or person.predictions[at].label is None:
        return (name,)
    said = person.predictions[at]
    return name, f"{said.label}  {100 * said.score:.0f} %"


def _bgr(color: str) -> tuple[int, int, int]:
    return int(color[5:7], 16), int(color[3:5], 16), int(color[1:3], 16)


def _rounded(image: U8, box: tuple[int, int, int, int], color: tuple[int, int, int], thickness: int) -> None:
    x1, y1, x2, y2 = box
    r = max(1, round(_ROUND * min(x2 - x1, y2 - y1)))
    for shade, wide in (((0, 0, 0), thickness + 1), (color, thickness)):
        for a, b in (
            ((x1 + r, y1), (x2 - r, y1)),
            ((x1 + r, y2), (x2 - r, y2)),
            ((x1, y1 + r), (x1, y2 - r)),
            ((x2, y1 + r), (x2, y2 - r)),
        ):
            cv2.line(image, a, b, shade, wide, cv2.LINE_AA)
        for center, start in (
            ((x1 + r, y1 + r), 180),
            ((x2 - r, y1 + r), 270),
            ((x2 - r, y2 - r), 0),
            ((x1 + r, y2 - r), 90),
        ):
            cv2.ellipse(image, center, (r, r), 0, start, start + 90, shade, wide, cv2.LINE_AA)


def _tag(image: U8, lines: tuple[str, ...], color: str, box: tuple[float, float, float, float], unit: int) -> None:
    height, width = image.shape[:2]
    patch = _patch(lines, color, unit)
    tag_height, tag_width = patch.shape[:2]
    if tag_height > height or tag_width > width:
        return
    left = min(max(0, round(box[0] * width)), width - tag_width)
    above = round(box[1] * height) - tag_height - unit // 4
    top = above if above >= 0 else min(round(box[3] * height) + unit // 4, height - tag_height)
    below = image[top : top + tag_height, left : left + tag_width]
    below[:] = cv2.addWeighted(below, 1 - LABEL_OVERLAY.ground_alpha, patch, LABEL_OVERLAY.ground_alpha, 0)
    ink = np.abs(patch.astype(np.int16) - np.array(_bgr(LABEL_OVERLAY.ground), np.int16)).max(2) > 60
    below[ink] = patch[ink]


@lru_cache(maxsize=256)
def _patch(lines: tuple[str, ...], color: str, unit: int) -> U8:
    """Return a label, uint8 (h, w, 3), BGR."""
    font = ImageFont.load_default(unit)
    pad = round(unit * 0.5)
    width = round(max(font.getlength(line) for line in lines)) + 2 * pad
    step = round(unit * 1.35)
    picture = Image.new("RGB", (width, step * len(lines) + pad), LABEL_OVERLAY.ground)
    pen = ImageDraw.Draw(picture)
    for index, line in enumerate(lines):
        fill = color if index == 0 else LABEL_OVERLAY.text
        pen.text((pad, pad / 2 + step * (index + 0.5)), line, font=font, fill=fill, anchor="lm")
    return np.ascontiguousarray(np.asarray(picture, np.uint8)[:, :, ::-1])
