"""Events and predictions as Parquet, for tools that read many tables at once. Needs pyarrow (the extra `cluster`)."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from slowfast_live.errors import UsageError
from slowfast_live.export.findings import AnalysisResult
from slowfast_live.messages import Message

EVENTS, PREDICTIONS = ".events.parquet", ".predictions.parquet"


def require_pyarrow() -> None:
    """Check that pyarrow is installed.

    Raises:
        UsageError: It is not.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise UsageError(
            Message("Parquet needs the package pyarrow. Install it: pip install 'slowfast-live[cluster]'")
        ) from error


def events_parquet(found: AnalysisResult) -> bytes:
    """Return the events, a row each; times in seconds, scores 0..1. `source` is the first column."""
    rows = found.events
    return _table(
        {
            "source": ("string", [found.source.name for _ in rows]),
            "path": ("string", [found.source.path for _ in rows]),
            "label": ("string", [row.label for row in rows]),
            "begin_s": ("float64", [row.begin_s for row in rows]),
            "end_s": ("float64", [row.end_s for row in rows]),
            "mean_score": ("float32", [row.mean_score for row in rows]),
            "peak_score": ("float32", [row.peak_score for row in rows]),
            "peak_s": ("float64", [row.peak_s for row in rows]),
            "by_hand": ("bool", [bool(row.by_hand) for row in rows]),
        }
    )


def predictions_parquet(found: AnalysisResult) -> bytes:
    """Return the predictions, a row each; `top` and `smoothed` are lists of labels, with their scores beside them."""
    rows = found.predictions
    return _table(
        {
            "source": ("string", [found.source.name for _ in rows]),
            "path": ("string", [found.source.path for _ in rows]),
            "begin_s": ("float64", [row.begin_s for row in rows]),
            "end_s": ("float64", [row.end_s for row in rows]),
            "label": ("string", [row.label for row in rows]),
            "score": ("float32", [row.score for row in rows]),
            "motion": ("float32", [row.motion for row in rows]),
            "activity": ("float32", [row.activity for row in rows]),
            "idle": ("bool", [row.idle for row in rows]),
            "top": ("labels", [[label for label, _ in row.top] for row in rows]),
            "top_scores": ("scores", [[score for _, score in row.top] for row in rows]),
            "smoothed": ("labels", [[label for label, _ in row.smoothed] for row in rows]),
            "smoothed_scores": ("scores", [[score for _, score in row.smoothed] for row in rows]),
        }
    )


def _table(columns: Mapping[str, tuple[str, Sequence[Any]]]) -> bytes:
    require_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "string": pa.string(),
        "float64": pa.float64(),
        "float32": pa.float32(),
        "bool": pa.bool_(),
        "labels": pa.list_(pa.string()),
        "scores": pa.list_(pa.float32()),
    }
    table = pa.table({name: pa.array(values, types[kind]) for name, (kind, values) in columns.items()})
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()
