"""One file of findings, in the format that its name asks for: what the window's "Export events…" needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from slowfast_live.errors import UsageError
from slowfast_live.export.findings import Findings, encode
from slowfast_live.export.report import Chapter, render_report
from slowfast_live.export.subtitles import to_srt, to_vtt
from slowfast_live.export.tables import events_csv, predictions_csv
from slowfast_live.export.writing import write_whole

PREDICTIONS = ".predictions.csv"
_MAKERS: dict[str, Callable[[Findings], bytes]] = {
    PREDICTIONS: lambda found: predictions_csv(found.predictions, found.source.name).encode(),
    ".csv": lambda found: events_csv(found.events, found.source.name).encode(),
    ".json": encode,
    ".srt": lambda found: to_srt(found.events).encode(),
    ".vtt": lambda found: to_vtt(found.events).encode(),
}
REPORT_ENDINGS = (".html", ".htm")
ENDINGS = (*_MAKERS, *REPORT_ENDINGS)
"""What a name may end with; the first that fits counts."""


def save(findings: Findings, path: Path, pictures: Sequence[bytes] = ()) -> None:
    """Write findings to a file; it is there whole, or what was there before is.

    Args:
        findings: What was found.
        path: The file; its ending tells the format.
        pictures: A JPEG for each event; only a report shows them.

    Raises:
        UsageError: Its ending is none of `ENDINGS`.
        ExportError: It cannot be written.
    """
    name = path.name.lower()
    if name.endswith(REPORT_ENDINGS):
        write_whole(path, render_report([Chapter.of(findings, pictures)]).encode())
        return
    make = next((make for ending, make in _MAKERS.items() if name.endswith(ending)), None)
    if make is None:
        raise UsageError(f"{path.name} does not tell a format: expected a name that ends with {', '.join(ENDINGS)}.")
    write_whole(path, make(findings))
