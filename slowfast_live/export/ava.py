"""What people did, once a second, in the CSV form of AVA's detections: video, second, box, action, score.

AVA's own 80 actions are written by their numbers, as AVA does; labels of other models by their names. `models evaluate
--ava` reads both. Format: https://research.google.com/ava/download.html.
"""

from __future__ import annotations

import functools
import json
import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from slowfast_live import paths
from slowfast_live.errors import ExportError
from slowfast_live.export.annotations import AnnotatedVideo, PersonKeyframe, ava_csv
from slowfast_live.export.findings import AnalysisResult, PersonLabels, PersonRecord
from slowfast_live.messages import Message

_NEAR_S = 0.6
"""A second without a prediction this near is left out."""
_UNSEEN_S = 1.5
"""Between two boxes that are farther apart a person was out of sight."""
_DIGITS = 3


@functools.cache
def ava_numbers() -> Mapping[str, int]:
    """Return the number of each of AVA's 80 actions, from 1, by label."""
    labels = json.loads((paths.bundled("assets") / "labels" / "ava.json").read_text(encoding="utf-8"))
    return {str(label): number for number, label in enumerate(labels, 1)}


def detections_csv(findings: AnalysisResult) -> str:
    """Return the table, one line per person, second and action.

    Raises:
        ExportError: People were not followed.
    """
    if not findings.persons and not findings.method.people:
        raise ExportError(
            Message(
                "AVA's form lists what each person does, but in {name} nobody was followed. Follow people first: Y "
                "in the window, `analyze --people auto`.",
                name=findings.source.name,
            )
        )
    background = frozenset(findings.model.background)
    lag_s = findings.method.rule.lag_s
    keyframes = [row for person in findings.persons for row in keyframes_of(person, lag_s, background)]
    return ava_csv(AnnotatedVideo.of(findings).stem, keyframes)


def keyframes_of(
    person: PersonRecord, lag_s: float, background: frozenset[str] = frozenset()
) -> Iterator[PersonKeyframe]:
    """Yield what a person did at each whole second at which the person was seen.

    Args:
        person: The person.
        lag_s: Delay between an action and its label, in seconds.
        background: Labels that are no actions.
    """
    numbers = ava_numbers()
    if not person.boxes:  # an event that the user gave to somebody of whom no box is known
        return
    for second in range(math.ceil(person.begin_s), math.floor(person.end_s) + 1):
        box, said = _box_at(person.boxes, second), _said_at(person.predictions, second + lag_s)
        if box is None or said is None:
            continue
        for label, score in said.labels:
            if label not in background and score > 0:
                yield PersonKeyframe(second, box, numbers.get(label, label), person.id, min(1.0, score))


def _said_at(rows: Sequence[PersonLabels], t_s: float) -> PersonLabels | None:
    index = bisect_left(rows, t_s, key=lambda row: row.t_s)
    near = min(rows[max(0, index - 1) : index + 1], key=lambda row: abs(row.t_s - t_s), default=None)
    return near if near is not None and abs(near.t_s - t_s) <= _NEAR_S else None


def _box_at(
    rows: Sequence[tuple[float, float, float, float, float]], t_s: float
) -> tuple[float, float, float, float] | None:
    """Return the box at a time, within the picture; None if the person was out of sight."""
    index = bisect_left(rows, t_s, key=lambda row: row[0])
    after = rows[min(index, len(rows) - 1)]
    before = rows[index - 1] if index and index < len(rows) else after
    if after[0] - before[0] > _UNSEEN_S:
        return None
    share = (t_s - before[0]) / (after[0] - before[0]) if after[0] > before[0] else 0.0
    x1, y1, x2, y2 = (
        round(min(1.0, max(0.0, a + share * (b - a))), _DIGITS) for a, b in zip(before[1:], after[1:], strict=True)
    )
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None
