"""Convert a session's events into an analysis result and export it."""

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
from slowfast_live.core.part import Part
from slowfast_live.core.smoothing import TIME_CONSTANT_S
from slowfast_live.export.atomic import write_whole
from slowfast_live.export.findings import (
    AnalysisResult,
    Parameters,
    PersonLabels,
    PersonRecord,
    SourceFacts,
    rounded_event,
)
from slowfast_live.export.formats import REPORT_ENDINGS, save
from slowfast_live.export.report import ReportSection, render_report
from slowfast_live.people.records import BoxRow, PersonTrail
from slowfast_live.ui.events.export_snapshot import ExportSnapshot
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr

_PARTS_ONLY = tr("Recognized during playback: parts that were not played are unknown.")


def write(snapshot: ExportSnapshot, path: Path) -> Path:
    """Write a snapshot in the format given by the file name and return the path. Safe to call from any thread.

    Raises:
        ExportError: The file cannot be written.
        SourceError: The file that was played is gone.
        UsageError: The file name implies no known format.
    """
    found = findings(snapshot)
    if not path.name.lower().endswith(REPORT_ENDINGS):
        save(found, path)
        return path
    pictures = event_pictures(snapshot.path, found.events) if snapshot.path is not None else ()
    write_whole(path, render_report([_section(snapshot, found, pictures)]).encode())
    return path


def findings(snapshot: ExportSnapshot) -> AnalysisResult:
    """Return a snapshot as an analysis result for the exporters. Reads the model's files.

    Raises:
        SourceError: The file that was played is gone.
    """
    method = Parameters(
        stride_s=None,
        views=1,
        threshold=snapshot.threshold,
        smoothing_s=TIME_CONSTANT_S,
        rule=EventRule.for_timing(snapshot.model.spec.timing, overlapping=snapshot.model.spec.several),
        people=snapshot.detector,
    )
    return AnalysisResult(
        program=PROGRAM,
        source=_facts(snapshot),
        model=model_facts(snapshot.model, snapshot.device),
        method=method,
        persons=persons(snapshot),
        events=tuple(rounded_event(_moved(event, -snapshot.zero_s)) for event in snapshot.events),
        warnings=() if snapshot.source.live else (_PARTS_ONLY,),
    )


def persons(snapshot: ExportSnapshot) -> tuple[PersonRecord, ...]:
    """Return the people of a session with their boxes, labels and events, as far as they lie in the exported span."""
    low_s, high_s, zero_s = snapshot.begin_s, snapshot.end_s, snapshot.zero_s
    part = Part(low_s, high_s)
    found = []
    trails = {trail.id: trail for trail in snapshot.people}
    events: dict[int, list[Event]] = {}
    for noted in snapshot.person_events:
        if noted.person is not None:
            events.setdefault(noted.person, []).append(noted.event)
    for identity in sorted(trails.keys() | events.keys()):
        trail = trails.get(identity, PersonTrail(identity, (), ()))
        boxes = tuple(_box_row(row, zero_s) for row in trail.boxes if low_s <= row[0] <= high_s)
        own = tuple(rounded_event(_moved(event, -zero_s)) for event in part.cut(events.get(identity, ())))
        times = [row[0] for row in boxes] or [t_s for event in own for t_s in (event.begin_s, event.end_s)]
        if not times:
            continue
        said = [one for one in trail.said if low_s <= one.t_s <= high_s]
        found.append(
            PersonRecord(
                id=identity,
                begin_s=min(times),
                end_s=max(times),
                boxes=boxes,
                events=own,
                predictions=tuple(
                    PersonLabels(
                        t_s=round(one.t_s - zero_s, 3),
                        label=one.label,
                        score=_share(one.score),
                        labels=tuple((label, _share(score)) for label, score in one.top),
                    )
                    for one in said
                ),
            )
        )
    return tuple(found)


def _box_row(row: BoxRow, zero_s: float) -> BoxRow:
    x1, y1, x2, y2 = (_share(edge) for edge in row[1:])
    return round(row[0] - zero_s, 3), x1, y1, x2, y2


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 4)


def _section(snapshot: ExportSnapshot, found: AnalysisResult, pictures: Sequence[bytes]) -> ReportSection:
    """Return the report section, with its curves."""
    times = np.linspace(snapshot.begin_s, snapshot.end_s, len(snapshot.curves.score)) - snapshot.zero_s
    return replace(
        ReportSection.of(found, pictures),
        scores=_points(times.tolist(), snapshot.curves.score.tolist()),
        activity=_points(times.tolist(), snapshot.curves.activity.tolist()),
        end_s=max(snapshot.end_s - snapshot.zero_s, found.source.duration_s or 0.0),
    )


def _facts(snapshot: ExportSnapshot) -> SourceFacts:
    info = snapshot.info
    seen = SourceFacts(
        kind=snapshot.source.kind.value,
        name=formatting.source_name(snapshot.source),
        clock="session" if snapshot.source.live else "player",
    )
    duration_s = (info.duration_s if info else None) or snapshot.end_s - snapshot.zero_s
    return msgspec.structs.replace(
        seen if snapshot.path is None else file_facts(snapshot.path),
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
