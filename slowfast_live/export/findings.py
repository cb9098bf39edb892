"""What was found in one source, wherever it came from: an analysed file or a live session.

This is the content of the JSON export; `schema/findings-1.json` describes it to other programs. A change that
older readers would misunderstand gets another `version`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from slowfast_live.core.events import Event, EventRule
from slowfast_live.errors import ExportError
from slowfast_live.types import Readout, ReadoutState

VERSION = 1
_TIME_DIGITS, _SCORE_DIGITS = 3, 4

_ATTRIBUTE = re.compile(r"^    (?P<name>\w+): (?P<text>.+(?:\n     +.+)*)", re.MULTILINE)

Share = Annotated[float, Meta(ge=0, le=1)]
Scores = tuple[tuple[str, float], ...]
"""(label, score) pairs, best first."""


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at.

    Attributes:
        kind: "file", "camera", "stream" or "demo".
        name: What to call it: a file's name, a camera's number, an address.
        path: A file's absolute path; None for what is no file.
        size_bytes: A file's size.
        modified_ns: When a file was last changed, in ns since 1970.
        width: Of a picture, in pixels; None where unknown.
        height: Of a picture, in pixels; None where unknown.
        fps: Frames a second as the source states them; None where it does not.
        duration_s: Time of the last picture, with the time that it is shown where that is known.
        codec: Short name, "" where unknown.
    """

    kind: Literal["file", "camera", "stream", "demo"]
    name: str
    path: str | None = None
    size_bytes: int | None = None
    modified_ns: int | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    duration_s: float | None = None
    codec: str = ""


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Which model looked.

    Attributes:
        name: Its folder's name.
        title: What the window calls it.
        precision: "FP32", "FP16" or "INT8".
        device: OpenVINO device, e.g. "CPU".
        span_s: Seconds that one prediction looks at.
        trained: False for random weights: no label of it means anything.
        fingerprint: Of its files: the same name may hold another model tomorrow.
    """

    name: str
    title: str
    precision: str
    device: str
    span_s: float
    trained: bool = True
    fingerprint: str = ""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """How it looked. The same source, model and method give the same findings.

    Attributes:
        stride_s: Seconds from one prediction to the next; None where it was as fast as the machine allowed.
        views: Predictions averaged for each moment: 1, 3 (crops), 30 (10 clips of 3 crops, for a video as a whole).
        threshold: Smoothed score from which a label is shown.
        smoothing_s: Time constant of the smoothing.
        rule: When labels become an event.
    """

    stride_s: float | None
    views: int
    threshold: Share
    smoothing_s: float
    rule: EventRule


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One prediction.

    Attributes:
        begin_s: Time of the first picture that it looked at, on the source's clock.
        end_s: Time of the last one.
        label: The action shown then; None where none was sure.
        score: Its smoothed score; of the best class where there is no label.
        smoothed: Up to five smoothed scores.
        top: Up to five scores of this moment alone.
        motion: How much moved, 0..1.
        activity: Motion weighted by the model's confidence, 0..1.
        idle: Nothing had been going on for a while.
    """

    begin_s: float
    end_s: float
    label: str | None
    score: Share
    smoothed: Scores
    top: Scores
    motion: Share
    activity: Share
    idle: bool


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found in one source.

    Attributes:
        format: Says what this is to whoever finds the file.
        version: Of this format.
        program: What wrote it.
        source: What was looked at.
        model: Which model looked.
        method: How it looked.
        events: What happened when, oldest first; of one source they never overlap.
        predictions: Each look, oldest first.
        whole: Mean scores over all predictions: the source as a whole.
        warnings: What the reader should know: damage in the file, an untrained model.
    """

    format: Literal["slowfast-live findings"] = "slowfast-live findings"
    version: Literal[1] = 1
    program: str
    source: SourceFacts
    model: ModelFacts
    method: Method
    events: tuple[Event, ...] = ()
    predictions: tuple[Row, ...] = ()
    whole: Scores = ()
    warnings: tuple[str, ...] = ()


def encode(findings: Findings) -> bytes:
    """Return the findings as indented JSON, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(findings), indent=1) + b"\n"


def decode(data: bytes, where: str) -> Findings:
    """Read findings; `where` names the file in errors.

    Raises:
        ExportError: It is something else, or of another version.
    """
    try:
        return msgspec.json.decode(data, type=Findings)
    except (msgspec.DecodeError, ValueError) as error:
        raise ExportError(f"{where} does not hold findings of this version: {error}.", repr(error)) from error


def make_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the format; every field is always written."""
    (top,), parts = msgspec.json.schema_components([Findings], ref_template="#/$defs/{name}")
    for part in parts.values():
        summary, meanings = _meanings(part.pop("description", ""))
        part["description"] = summary
        part["required"] = list(part["properties"])
        for name, described in part["properties"].items():
            described.pop("default", None)
            described["description"] = meanings[name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"SlowFast Live findings, version {VERSION}",
        **top,
        "$defs": parts,
    }


def _meanings(docstring: str) -> tuple[str, dict[str, str]]:
    """Split a docstring into what comes before "Attributes:" and the meaning of each attribute."""
    head, _, attributes = inspect.cleandoc(docstring).partition("Attributes:")
    meanings = {m["name"]: " ".join(m["text"].split()) for m in _ATTRIBUTE.finditer(attributes)}
    return " ".join(head.split()), meanings


def published_schema() -> bytes:
    """Return the JSON Schema that comes with the app."""
    return (files("slowfast_live.export") / "schema" / f"findings-{VERSION}.json").read_bytes()


def rounded_event(event: Event) -> Event:
    """Return the event in whole milliseconds, with scores of four digits: what exports tell."""
    return Event(
        label=event.label,
        begin_s=round(event.begin_s, _TIME_DIGITS),
        end_s=round(event.end_s, _TIME_DIGITS),
        mean_score=round(event.mean_score, _SCORE_DIGITS),
        peak_score=round(event.peak_score, _SCORE_DIGITS),
        peak_s=round(event.peak_s, _TIME_DIGITS),
    )


def rounded_scores(scores: Sequence[tuple[str, float]]) -> Scores:
    """Return the scores with four digits."""
    return tuple((label, round(score, _SCORE_DIGITS)) for label, score in scores)


def make_row(
    readout: Readout, top: Sequence[tuple[str, float]], begin_s: float, motion: float, activity: float, idle: bool
) -> Row:
    """Return the row of one prediction.

    Args:
        readout: What was shown then; of time `t_end_s`.
        top: The best (label, score) pairs of this moment alone.
        begin_s: Time of the first picture that was looked at.
        motion: How much moved, 0..1.
        activity: See `core.activity.Activity.level`.
        idle: See `core.activity.Activity.idle`.
    """
    return Row(
        begin_s=round(begin_s, _TIME_DIGITS),
        end_s=round(readout.t_end_s, _TIME_DIGITS),
        label=readout.label,
        score=round(readout.score, _SCORE_DIGITS),
        smoothed=rounded_scores(readout.top),
        top=rounded_scores(top),
        motion=round(motion, _SCORE_DIGITS),
        activity=round(activity, _SCORE_DIGITS),
        idle=idle,
    )


def readouts(findings: Findings) -> list[tuple[float, Readout]]:
    """Return what was shown when, as (seconds, readout): for writing an annotated video."""
    quiet = ReadoutState.NO_CONFIDENT_ACTION if findings.model.trained else ReadoutState.UNTRAINED
    return [
        (row.end_s, Readout(ReadoutState.ACTION if row.label else quiet, row.label, row.score, row.smoothed, row.end_s))
        for row in findings.predictions
    ]
