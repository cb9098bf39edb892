"""From what a session saw to the findings that are exported."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from slowfast_live.analysis.analyzer import PROGRAM, file_facts, model_facts
from slowfast_live.analysis.thumbnails import event_pictures
from slowfast_live.core.events import Event, EventRule
from slowfast_live.core.smoothing import TIME_CONSTANT_S
from slowfast_live.export.findings import Findings, Method, SourceFacts, rounded_event
from slowfast_live.export.report import Chapter, render_report
from slowfast_live.export.saving import REPORT_ENDINGS, save
from slowfast_live.export.writing import write_whole
from slowfast_live.ui import wording
from slowfast_live.ui.events_export import Told

_PARTS_ONLY = "Recognised while it played: of time that was not played nothing is known."


def write(told: Told, path: Path) -> Path:
    """Write what was told in the format that the name asks for, and return the name. From any thread.

    Raises:
        ExportError: It cannot be written.
        SourceError: The file that was played is gone.
        UsageError: The name tells no format.
    """
    found = findings(told)
    if not path.name.lower().endswith(REPORT_ENDINGS):
        save(found, path)
        return path
    pictures = event_pictures(told.path, found.events) if told.path is not None else ()
    write_whole(path, render_report([_chapter(told, found, pictures)]).encode())
    return path


def findings(told: Told) -> Findings:
    """Return what was told as the exports want it. Reads the model's files.

    Raises:
        SourceError: The file that was played is gone.
    """
    method = Method(
        stride_s=None,
        views=1,
        threshold=told.threshold,
        smoothing_s=TIME_CONSTANT_S,
        rule=EventRule.for_timing(told.model.spec.timing),
    )
    return Findings(
        program=PROGRAM,
        source=_facts(told),
        model=model_facts(told.model, told.device),
        method=method,
        events=tuple(rounded_event(_moved(event, -told.zero_s)) for event in told.events),
        warnings=() if told.source.live else (_PARTS_ONLY,),
    )


def _chapter(told: Told, found: Findings, pictures: Sequence[bytes]) -> Chapter:
    """Return what a report says of it, with its curves."""
    times = np.linspace(told.begin_s, told.end_s, len(told.curves.score)) - told.zero_s
    return replace(
        Chapter.of(found, pictures),
        scores=_points(times.tolist(), told.curves.score.tolist()),
        activity=_points(times.tolist(), told.curves.activity.tolist()),
        end_s=max(told.end_s - told.zero_s, found.source.duration_s or 0.0),
    )


def _facts(told: Told) -> SourceFacts:
    info = told.info
    seen = SourceFacts(kind=told.source.kind.value, name=wording.source_name(told.source))
    duration_s = (info.duration_s if info else None) or told.end_s - told.zero_s
    return msgspec.structs.replace(
        seen if told.path is None else file_facts(told.path),
        width=info.width if info else None,
        height=info.height if info else None,
        fps=round(info.fps, 3) if info and info.fps else None,
        duration_s=round(duration_s, 3),
        codec=info.codec if info else "",
    )


def _moved(event: Event, by_s: float) -> Event:
    return replace(event, begin_s=event.begin_s + by_s, end_s=event.end_s + by_s, peak_s=event.peak_s + by_s)


def _points(times: list[float], values: list[float]) -> tuple[tuple[float, float], ...]:
    return tuple((t_s, value) for t_s, value in zip(times, values, strict=True) if not math.isnan(value))
