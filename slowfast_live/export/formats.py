"""Saves a result as one file, in the format given by its extension, for the window's "Export events…"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from slowfast_live.errors import UsageError
from slowfast_live.export import parquet
from slowfast_live.export.annotations import AnnotatedVideo, eaf, kinetics_csv, via_json
from slowfast_live.export.atomic import write_whole
from slowfast_live.export.ava import detections_csv
from slowfast_live.export.findings import AnalysisResult, encode
from slowfast_live.export.report import ReportSection, render_report
from slowfast_live.export.subtitles import person_events, to_srt, to_vtt
from slowfast_live.export.tables import events_csv, predictions_csv
from slowfast_live.messages import Message

PREDICTIONS = ".predictions.csv"
KINETICS, ELAN, VIA, AVA = ".kinetics.csv", ".eaf", ".via.json", ".ava.csv"
_MAKERS: dict[str, Callable[[AnalysisResult], bytes]] = {
    PREDICTIONS: lambda found: predictions_csv(found.predictions, found.source.name).encode(),
    KINETICS: lambda found: kinetics_csv([AnnotatedVideo.of(found, people=False)]).encode("utf-8", "replace"),
    AVA: lambda found: detections_csv(found).encode("utf-8", "replace"),
    VIA: lambda found: via_json(AnnotatedVideo.of(found)),
    ELAN: lambda found: eaf(AnnotatedVideo.of(found)),
    ".csv": lambda found: events_csv(found.events, found.source.name, found.persons).encode(),
    ".json": encode,
    ".srt": lambda found: to_srt(person_events(found.events, found.persons)).encode(),
    ".vtt": lambda found: to_vtt(person_events(found.events, found.persons)).encode(),
}
_PARQUET: dict[str, Callable[[AnalysisResult], bytes]] = {
    parquet.PREDICTIONS: parquet.predictions_parquet,
    parquet.EVENTS: parquet.events_parquet,
}
"""For `analyze` alone: pyarrow may not be installed."""
REPORT_ENDINGS = (".html", ".htm")
ENDINGS = (*_MAKERS, *REPORT_ENDINGS)
"""Supported file name endings; the first match counts."""


def save(findings: AnalysisResult, path: Path, pictures: Sequence[bytes] = ()) -> None:
    """Save a result to a file atomically.

    Args:
        findings: The result.
        path: The file; its extension selects the format.
        pictures: A JPEG for each event; only a report shows them.

    Raises:
        UsageError: Its extension is not one of `ENDINGS`.
        ExportError: It cannot be written.
    """
    if path.name.lower().endswith(REPORT_ENDINGS):
        write_whole(path, render_report([ReportSection.of(findings, pictures)]).encode())
    else:
        write_whole(path, contents(findings, path.name))


def contents(findings: AnalysisResult, name: str) -> bytes:
    """Return the content of a file with this name, for every format except the report.

    Raises:
        UsageError: Its extension is not one of `ENDINGS`.
    """
    make = next((make for ending, make in (_PARQUET | _MAKERS).items() if name.lower().endswith(ending)), None)
    if make is None:
        raise UsageError(
            Message(
                "{name} does not determine a format: expected a name that ends with {endings}.",
                name=name,
                endings=", ".join(ENDINGS),
            )
        )
    return make(findings)
