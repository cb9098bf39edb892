"""The result of one source, whether an analyzed file or a live session.

This is the content of the JSON export; `schema/findings-2.json` describes it for other programs. A change that older
readers would misunderstand requires a new `version`. Version 1 had no `persons`; files of it are still read.
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
from slowfast_live.messages import Message, as_text
from slowfast_live.types import Readout, ReadoutState

VERSION = 2
_TIME_DIGITS, _SCORE_DIGITS = 3, 4

_ATTRIBUTE = re.compile(r"^    (?P<name>\w+): (?P<text>.+(?:\n     +.+)*)", re.MULTILINE)

Share = Annotated[float, Meta(ge=0, le=1)]
Scores = tuple[tuple[str, float], ...]
"""(label, score) pairs, best first."""


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The source that was analyzed.

    Attributes:
        kind: "file", "camera", "stream", "screen" or "demo".
        name: Display name: a file's name, a camera's number, an address.
        path: A file's absolute path; None for other sources.
        size_bytes: A file's size.
        modified_ns: A file's modification time, in ns since 1970.
        width: Width of a frame in pixels; None if unknown.
        height: Height of a frame in pixels; None if unknown.
        fps: Frame rate that the source states; None if it states none.
        duration_s: Time of the last frame, plus its display duration if known.
        codec: Short name; "" if unknown.
        clock: The clock of all times: "player", the one that players show for a file, where 0 is the start of sound or
            picture; "session", seconds since the first record of a camera or stream.
    """

    kind: Literal["file", "camera", "stream", "screen", "demo"]
    name: str
    path: str | None = None
    size_bytes: int | None = None
    modified_ns: int | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    duration_s: float | None = None
    codec: str = ""
    clock: Literal["player", "session"] = "player"


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The model that was used.

    Attributes:
        name: Name of its folder.
        title: Name that the window shows.
        precision: "FP32", "FP16" or "INT8".
        device: OpenVINO device, e.g. "CPU".
        span_s: Seconds that one prediction covers.
        trained: False for random weights: its labels mean nothing.
        background: Background labels, which stand for everything that the model does not know.
        fingerprint: Fingerprint of its files; the same name may refer to another model later.
        several: Whether it gives several answers at once, each label scored by itself.
    """

    name: str
    title: str
    precision: str
    device: str
    span_s: float
    trained: bool = True
    background: tuple[str, ...] = ()
    fingerprint: str = ""
    several: bool = False


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of the analysis. The same source, model and parameters give the same result.

    Attributes:
        stride_s: Seconds from one prediction to the next; None if predictions were made as fast as the machine allowed.
        views: Predictions averaged per moment: 1, 3 (crops), 30 (10 clips of 3 crops, for a video as a whole).
        threshold: Smoothed score from which a label is shown, unless the label has its own.
        smoothing_s: Time constant of the smoothing.
        rule: When labels become an event.
        people: The person detector whose people were followed, "motion" for regions that move; "" for none.
        section_s: Begin and end, in seconds, of the part of the file that one prediction covers as a whole; None if
            predictions were made all over the file.
    """

    stride_s: float | None
    views: int
    threshold: Share
    smoothing_s: float
    rule: EventRule
    people: str = ""
    section_s: tuple[float, float] | None = None


class PredictionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One prediction.

    Attributes:
        begin_s: Time of the first frame that it covers, on the source's clock.
        end_s: Time of the last one.
        label: The action shown at that time; None if none was certain enough.
        score: Its smoothed score; that of the best class if there is no label.
        smoothed: Up to five smoothed scores.
        top: Up to five scores of this prediction alone, not smoothed.
        motion: Amount of motion, 0..1.
        activity: Motion weighted by the model's confidence, 0..1.
        idle: Whether nothing had been happening for a while.
        others: Further (label, smoothed score) pairs that were shown at that time, if the model gives several answers
            at once.
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
    others: Scores = ()


class PersonLabels(msgspec.Struct, frozen=True, kw_only=True):
    """What the model said of one person at one time.

    Attributes:
        t_s: Time of the last frame that the prediction covers, on the source's clock.
        label: The action shown at that time; None if none was certain enough.
        score: Its smoothed score; that of the best class if there is no label.
        labels: Up to three smoothed scores.
    """

    t_s: float
    label: str | None
    score: Share
    labels: Scores


class PersonRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One person who was followed through the source.

    Attributes:
        id: Identity, from 1; the same person may get another one after being out of sight.
        begin_s: First time at which the person was found, on the source's clock.
        end_s: Last time.
        boxes: Where the person was: rows of time in seconds and x1, y1, x2, y2 in shares of the picture, smoothed.
        events: The person's actions and their times, oldest first.
        predictions: What the model said of the person, oldest first.
    """

    id: Annotated[int, Meta(ge=1)]
    begin_s: float
    end_s: float
    boxes: tuple[tuple[float, Share, Share, Share, Share], ...] = ()
    events: tuple[Event, ...] = ()
    predictions: tuple[PersonLabels, ...] = ()


class AnalysisResult(msgspec.Struct, frozen=True, kw_only=True):
    """The complete result for one source.

    Attributes:
        format: Identifies the file format.
        version: Version of this format.
        program: The program that wrote it.
        source: The source that was analyzed.
        model: The model that was used.
        method: The parameters of the analysis.
        events: The actions and their times, oldest first; they overlap only if the model gives several answers at once.
        predictions: All predictions, oldest first.
        whole: Mean scores over all predictions, for the source as a whole.
        warnings: What the reader should know: damage in the file, an untrained model.
        persons: The people who were followed, by identity; empty if nobody was.
    """

    format: Literal["slowfast-live findings"] = "slowfast-live findings"
    version: Literal[1, 2] = 2
    program: str
    source: SourceFacts
    model: ModelFacts
    method: Parameters
    events: tuple[Event, ...] = ()
    predictions: tuple[PredictionRecord, ...] = ()
    whole: Scores = ()
    warnings: tuple[str, ...] = ()
    persons: tuple[PersonRecord, ...] = ()


def encode(findings: AnalysisResult) -> bytes:
    """Return the result as indented JSON, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(findings, enc_hook=as_text), indent=1) + b"\n"


def decode(data: bytes, where: str) -> AnalysisResult:
    """Parse a result; `where` names the file in errors.

    Raises:
        ExportError: The data is something else, or of another version.
    """
    try:
        return msgspec.json.decode(data, type=AnalysisResult)
    except (msgspec.DecodeError, ValueError) as error:
        raise ExportError(
            Message("{where} does not contain findings of this version: {error}.", where=where, error=error),
            repr(error),
        ) from error


def make_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the format; every field is always written."""
    (top,), parts = msgspec.json.schema_components([AnalysisResult], ref_template="#/$defs/{name}")
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
    """Split a docstring into the text before "Attributes:" and the description of each attribute."""
    head, _, attributes = inspect.cleandoc(docstring).partition("Attributes:")
    meanings = {m["name"]: " ".join(m["text"].split()) for m in _ATTRIBUTE.finditer(attributes)}
    return " ".join(head.split()), meanings


def published_schema() -> bytes:
    """Return the JSON Schema that is shipped with the app."""
    return (files("slowfast_live.export") / "schema" / f"findings-{VERSION}.json").read_bytes()


def rounded_event(event: Event) -> Event:
    """Return the event rounded for export: times to milliseconds, scores to four digits."""
    return Event(
        label=event.label,
        begin_s=round(event.begin_s, _TIME_DIGITS),
        end_s=round(event.end_s, _TIME_DIGITS),
        mean_score=round(event.mean_score, _SCORE_DIGITS),
        peak_score=round(event.peak_score, _SCORE_DIGITS),
        peak_s=round(event.peak_s, _TIME_DIGITS),
        by_hand=event.by_hand,
        repetitions=event.repetitions,
    )


def rounded_scores(scores: Sequence[tuple[str, float]]) -> Scores:
    """Return the scores rounded to four digits."""
    return tuple((label, round(score, _SCORE_DIGITS)) for label, score in scores)


def make_row(
    readout: Readout, top: Sequence[tuple[str, float]], begin_s: float, motion: float, activity: float, idle: bool
) -> PredictionRecord:
    """Return the record of one prediction.

    Args:
        readout: What was shown at time `t_end_s`.
        top: The best (label, score) pairs of this prediction alone.
        begin_s: Time of the first frame that the prediction covers.
        motion: Amount of motion, 0..1.
        activity: See `core.activity.Activity.level`.
        idle: See `core.activity.Activity.idle`.
    """
    return PredictionRecord(
        begin_s=round(begin_s, _TIME_DIGITS),
        end_s=round(readout.t_end_s, _TIME_DIGITS),
        label=readout.label,
        score=round(readout.score, _SCORE_DIGITS),
        smoothed=rounded_scores(readout.top),
        top=rounded_scores(top),
        motion=round(motion, _SCORE_DIGITS),
        activity=round(activity, _SCORE_DIGITS),
        idle=idle,
        others=rounded_scores(readout.others),
    )


def readouts(findings: AnalysisResult) -> list[tuple[float, Readout]]:
    """Return what was shown at which time, as (seconds, readout), for writing an annotated video."""
    quiet = ReadoutState.NO_CONFIDENT_ACTION if findings.model.trained else ReadoutState.UNTRAINED
    return [
        (
            row.end_s,
            Readout(
                ReadoutState.ACTION if row.label else quiet,
                row.label,
                row.score,
                row.smoothed,
                row.end_s,
                others=row.others,
                several=findings.model.several,
            ),
        )
        for row in findings.predictions
    ]
