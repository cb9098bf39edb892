"""The summary of a part of a session as a page of HTML, in the subset that Qt's rich text understands. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

from slowfast_live.colors import action_color
from slowfast_live.core.events import Event
from slowfast_live.ui.style import formatting
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.style.names import action_name

_BAR_COLUMNS = 60
"""Number of cells of the strip that shows what was done when."""


@dataclass(frozen=True, slots=True)
class ActionSum:
    """What was seen of one action.

    Attributes:
        label: The action.
        count: Number of events.
        total_s: Their length together, in seconds.
        longest_s: Length of the longest.
        first_s: Begin of the first, on the source's clock.
        repetitions: How many repetitions were counted in them together.
    """

    label: str
    count: int
    total_s: float
    longest_s: float
    first_s: float
    repetitions: int = 0


@dataclass(frozen=True, slots=True)
class SummaryFacts:
    """Everything that the page shows.

    Attributes:
        title: Name of the source.
        when: Date and time, or what else identifies the session.
        begin_s: Begin of the part, on the source's clock.
        end_s: End of the part.
        events: The events within it, oldest first.
        model: Title of the model.
        clock: Formats a time of the source as text.
    """

    title: str
    when: str
    begin_s: float
    end_s: float
    events: Sequence[Event]
    model: str
    clock: Callable[[float], str]


def sums(events: Iterable[Event]) -> list[ActionSum]:
    """Return what was seen of each action, longest in all first."""
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(event.label, []).append(event)
    rows = [
        ActionSum(
            label,
            len(seen),
            sum(event.length_s for event in seen),
            max(event.length_s for event in seen),
            seen[0].begin_s,
            sum(event.repetitions for event in seen),
        )
        for label, seen in found.items()
    ]
    return sorted(rows, key=lambda row: (-row.total_s, row.label))


def page(summary: SummaryFacts) -> str:
    """Return the page, black on white, for a screen, a printer or a PDF."""
    rows = sums(summary.events)
    active_s = sum(row.total_s for row in rows)
    length_s = summary.end_s - summary.begin_s
    begin, end = summary.clock(summary.begin_s), summary.clock(summary.end_s)
    span = tr("{begin} to {end}, {length}", begin=begin, end=end, length=formatting.length(length_s))
    head = f"<h1>{escape(summary.title)}</h1><p>{escape(summary.when)}<br>{escape(span)}</p>"
    if not rows:
        nothing = tr("No action was recognized in this time.")
        return _document(f"{head}<p>{nothing}</p>{_foot(summary)}")
    done = formatting.percent(active_s / length_s) if length_s > 0 else "–"
    lead = tr(
        "{actions} in {events}; something was done for {length} ({share} of the time).",
        actions=formatting.counted(len(rows), "action"),
        events=formatting.counted(len(summary.events), "event"),
        length=formatting.length(active_s),
        share=done,
    )
    counted = any(row.repetitions for row in rows)
    body = "".join(
        f"<tr><td>{_swatch(row.label)} {escape(action_name(row.label))}</td><td align='right'>{row.count}</td>"
        f"<td align='right'>{formatting.length(row.total_s)}</td>"
        f"<td align='right'>{formatting.length(row.longest_s)}</td>"
        f"<td align='right'>{escape(summary.clock(row.first_s))}</td>"
        f"{_repetitions(row) if counted else ''}</tr>"
        for row in rows
    )
    titles = [tr("Action"), tr("Times"), tr("In all"), tr("Longest"), tr("First at")]
    titles += [tr("Repetitions")] if counted else []
    heads = "".join(f"<th align='{'right' if k else 'left'}'>{title}</th>" for k, title in enumerate(titles))
    table = (
        "<table width='100%' cellspacing='0' cellpadding='6' border='1' style='border-color: #c9ced6'>"
        f"<tr>{heads}</tr>{body}</table>"
    )
    return _document(f"{head}<p><b>{lead}</b></p>{_strip(summary)}{table}{_foot(summary)}")


def _repetitions(row: ActionSum) -> str:
    return f"<td align='right'>{row.repetitions or ''}</td>"


def _swatch(label: str) -> str:
    return f"<span style='color: {action_color(label, 'light')}'>■</span>"


def _strip(summary: SummaryFacts) -> str:
    """Return what was done when as a row of colored cells: Qt's rich text has no other drawing."""
    step_s = (summary.end_s - summary.begin_s) / _BAR_COLUMNS
    if step_s <= 0:
        return ""
    cells = []
    for column in range(_BAR_COLUMNS):
        begin_s = summary.begin_s + column * step_s
        shares = [
            (min(event.end_s, begin_s + step_s) - max(event.begin_s, begin_s), event.label) for event in summary.events
        ]
        most_s, label = max(shares, default=(0.0, ""))
        color = action_color(label, "light") if most_s > step_s / 4 else "#e9ecf0"
        cells.append(f"<td bgcolor='{color}'>&nbsp;</td>")
    return (
        f"<table width='100%' cellspacing='0' cellpadding='0'><tr>{''.join(cells)}</tr></table>"
        f"<table width='100%'><tr><td>{escape(summary.clock(summary.begin_s))}</td>"
        f"<td align='right'>{escape(summary.clock(summary.end_s))}</td></tr></table>"
    )


def _foot(summary: SummaryFacts) -> str:
    text = tr(
        "Recognized by SlowFast Live with {model}. A model can be wrong: "
        "scores and corrections are in the list of events.",
        model=summary.model or tr("no model"),
    )
    return f"<p style='color: #545d69'>{escape(text)}</p>"


def _document(body: str) -> str:
    style = "body { color: #1a1e24; background: #ffffff; } h1 { font-size: 20px; } th { color: #545d69; }"
    return f"<html><head><meta charset='utf-8'><style>{style}</style></head><body>{body}</body></html>"
