"""Events and predictions as CSV (RFC 4180: commas, quotes where needed, CR LF), UTF-8."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from slowfast_live.core.events import Event
from slowfast_live.export.findings import PersonRecord, PredictionRecord
from slowfast_live.export.subtitles import one_line

_FORMULA = ("=", "+", "-", "@")
EVENT_COLUMNS = (
    "source",
    "label",
    "begin_s",
    "end_s",
    "length_s",
    "mean_score",
    "peak_score",
    "peak_s",
    "by_hand",
    "person",
    "repetitions",
)
TOP = 5
PREDICTION_COLUMNS = (
    "source", "begin_s", "end_s", "label", "score", "motion", "activity", "idle",
    *(f"{kind}_{n}{part}" for kind in ("top", "smoothed") for n in range(1, TOP + 1) for part in ("", "_score")),
    "other_labels",
)  # fmt: skip


def events_csv(events: Sequence[Event], source: str, persons: Sequence[PersonRecord] = ()) -> str:
    """Return one line per event: those of the whole picture, then those of each person, with the identity.

    `source` fills the first column, so that the tables of many files can be concatenated.
    """
    rows = [(event, "") for event in events]
    rows += [(event, str(person.id)) for person in persons for event in person.events]
    return _table(
        EVENT_COLUMNS,
        (
            (
                _cell(source),
                _cell(e.label),
                f"{e.begin_s:.3f}",
                f"{e.end_s:.3f}",
                f"{e.length_s:.3f}",
                f"{e.mean_score:.4f}",
                f"{e.peak_score:.4f}",
                f"{e.peak_s:.3f}",
                int(e.by_hand),
                person,
                e.repetitions or "",
            )
            for e, person in rows
        ),
    )


def predictions_csv(rows: Sequence[PredictionRecord], source: str) -> str:
    """Return one line per prediction, with its five best labels, raw and smoothed.

    The last column has further labels that were shown at the same time, if the model gives several answers at once.
    """
    return _table(
        PREDICTION_COLUMNS,
        (
            (
                _cell(source),
                f"{row.begin_s:.3f}",
                f"{row.end_s:.3f}",
                _cell(row.label or ""),
                f"{row.score:.4f}",
                f"{row.motion:.4f}",
                f"{row.activity:.4f}",
                int(row.idle),
                *_pairs(row.top),
                *_pairs(row.smoothed),
                _cell("; ".join(label for label, _score in row.others)),
            )
            for row in rows
        ),
    )


def _pairs(scores: Sequence[tuple[str, float]]) -> list[str]:
    cells = [cell for label, score in scores[:TOP] for cell in (_cell(label), f"{score:.4f}")]
    return cells + [""] * (2 * TOP - len(cells))


def _cell(text: str) -> str:
    """Return one line of text that no spreadsheet interprets as a formula."""
    text = one_line(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue()
