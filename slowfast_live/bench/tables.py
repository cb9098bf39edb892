"""A report as tables: for a terminal, and as Markdown for the README."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.console import Group as Lines
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slowfast_live.bench.results import Figure, Group, Machine, Profile, Report, Row, Start, Subject

NONE = "–"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table in plain words, whatever it is shown with.

    Attributes:
        title: What it is of.
        columns: Headings.
        rows: Cells, as many as there are columns.
        notes: Sentences below it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def number(value: float, digits: int = 3) -> str:
    """Return a number with `digits` that count: 1234, 123, 12.3, 0.123."""
    if value == 0:
        return "0"
    size = abs(value)
    places = max(0, digits - 1)
    while size >= 10 and places:
        size /= 10
        places -= 1
    return f"{value:.{places}f}"


def figure(value: Figure | None, scale: float = 1.0, *, spread: bool = True) -> str:
    """Return the median and, where the rounds differ, how far they lie apart: "12.3 (11.9–12.8)"."""
    if value is None:
        return NONE
    median = number(value.median * scale)
    low, high = number(value.low * scale), number(value.high * scale)
    return f"{median} ({low}–{high})" if spread and low != high else median


_COLUMNS: tuple[tuple[str, str, Callable[[Row], str]], ...] = (
    ("predictions/s", "per s", lambda row: figure(row.per_s)),
    ("ms a clip", "ms/clip", lambda row: figure(row.clip_ms)),
    ("CPU ms a prediction", "CPU ms", lambda row: figure(row.cpu_ms, spread=False)),
    ("outside the network", "outside", lambda row: percent(row.outside)),
    ("frame to label, ms p50 / p95", "latency", lambda row: pair(row.latency_ms_p50, row.latency_ms_p95)),
    ("shown fps", "fps", lambda row: figure(row.shown_fps, spread=False)),
    ("dropped", "drop", lambda row: figure(row.dropped, spread=False)),
    ("RSS MB", "MB", lambda row: figure(row.rss_mb, spread=False)),
    ("computes in", "in", lambda row: row.facts.computes_in or NONE),
)
"""Heading in a document, heading in a terminal, and what stands below it."""


def percent(value: Figure | None) -> str:
    """Return a share as "3.2 %"."""
    return NONE if value is None else f"{100 * value.median:.1f} %"


def pair(first: Figure | None, second: Figure | None) -> str:
    """Return two medians as "12.3 / 14.5"."""
    if first is None or second is None:
        return NONE
    return f"{number(first.median)} / {number(second.median)}"


def subject_title(subject: Subject) -> str:
    """Return what a table calls a model."""
    told = subject.trained or "untrained" in subject.title.casefold()
    return f"{subject.title} {subject.precision}" + ("" if told else " (untrained)")


def group_sheet(group: Group, *, narrow: bool = False) -> Sheet:
    """Return the contenders on one model; `narrow`: with short headings, for a terminal."""
    rows = [(row.title, *(cell(row) for *_, cell in _COLUMNS)) for row in group.rows if not row.absent]
    used = [i for i in range(1 + len(_COLUMNS)) if i == 0 or any(row[i] != NONE for row in rows)]
    columns = ("contender", *((short if narrow else long) for long, short, _ in _COLUMNS))
    return Sheet(
        f"{subject_title(group.subject)} on {group.device}",
        tuple(columns[i] for i in used),
        tuple(tuple(row[i] for i in used) for row in rows),
        (*_comparisons(group), *_notes(group.rows)),
    )


_RACE = ("torch", "onnxruntime", "notebook", "benchmark_app", "pipeline", "window")
"""Whose predictions a second the short table of a comparison shows, in this order."""


def overview_sheet(groups: Sequence[Group]) -> Sheet:
    """Return a comparison in short: of each network the precision in which the window predicts most often."""
    best: dict[str, Group] = {}
    for group in groups:
        other = best.get(group.subject.title)
        if other is None or _rate(group, "window") > _rate(other, "window"):
            best[group.subject.title] = group
    rows = [
        (
            subject_title(group.subject),
            *(figure(_per_s(group, name), spread=False) for name in _RACE),
            percent(found.outside if (found := group.row("pipeline")) else None),
            pair(found.latency_ms_p50, found.latency_ms_p95) if (found := group.row("window")) else NONE,
        )
        for group in best.values()
    ]
    titles = {row.contender: row.title for group in groups for row in group.rows}
    columns = ("predictions a second", *(titles.get(name, name) for name in _RACE))
    return Sheet(
        "Side by side",
        (*columns, "pipeline: CPU outside the network", "window: frame to label, ms p50 / p95"),
        tuple(rows),
    )


def _per_s(group: Group, contender: str) -> Figure | None:
    row = group.row(contender)
    return row.per_s if row else None


def _rate(group: Group, contender: str) -> float:
    per_s = _per_s(group, contender)
    return per_s.median if per_s else 0.0


def _notes(rows: Iterable[Row]) -> tuple[str, ...]:
    rows = tuple(rows)
    notes = [f"{row.title}: {row.facts.note}" for row in rows if row.facts.note and not row.absent]
    return (*notes, *(f"Not measured: {row.title}: {row.absent}" for row in rows if row.absent))


def _comparisons(group: Group) -> tuple[str, ...]:
    """Say how the window stands to the limit and to PyTorch, and what memory the app adds."""
    window, limit = group.row("window"), group.row("benchmark_app")
    eager, bare = group.row("torch"), group.row("bare")
    said = []
    if window is None or window.per_s is None:
        return ()
    source_fps = window.source_fps.median if window.source_fps else float("inf")
    if limit and limit.per_s and limit.per_s.median > source_fps:
        share = window.per_s.median / source_fps
        said.append(f"Faster than the source: our window makes {share:.2f} predictions for each new frame.")
    elif limit and limit.per_s:
        said.append(f"Our window makes {window.per_s.median / limit.per_s.median:.3f} of benchmark_app's predictions.")
        if (picture := group.row("window_picture")) and picture.per_s:
            share = picture.per_s.median / limit.per_s.median
            said.append(f"A window with nothing but the picture makes {share:.3f} of them: showing it costs that much.")
    if eager and eager.per_s and bare and bare.per_s:
        said.append(f"PyTorch eager takes {bare.per_s.median / eager.per_s.median:.1f} times as long as our inference.")
    if bare and bare.rss_mb and window.rss_mb:
        said.append(
            f"Memory outside OpenVINO's: {window.rss_mb.median - bare.rss_mb.median:.0f} MB "
            "(the window's less that of a process that only runs the same compiled model)."
        )
    if window.parts:
        told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in sorted(window.parts.items()))
        said.append(f"Processor time of the window by part: {told}.")
    return tuple(said)


def starts_sheet(starts: Sequence[Start]) -> Sheet:
    """Return how long the app takes to start."""
    return Sheet(
        "From start",
        ("model", "cache", "first frame shown, s", "first prediction, s", "of that, span of the model, s", "RSS MB"),
        tuple(
            (
                start.model,
                start.cache,
                figure(start.first_frame_s),
                figure(start.first_prediction_s),
                number(start.span_s),
                figure(start.rss_mb, spread=False),
            )
            for start in starts
        ),
        ("Cold: the model is compiled anew; the files themselves may be in the system's cache.",),
    )


def profile_sheet(profile: Profile) -> Sheet:
    """Return where the time of one inference goes."""
    rows = tuple(
        (layer.kind, layer.how, str(layer.count), number(layer.ms), f"{100 * layer.share:.1f} %")
        for layer in profile.layers
    )
    said = [f"One clip takes {number(profile.clip_ms)} ms on {profile.threads} threads, in {profile.computes_in}."]
    if profile.gops and profile.achieved:
        said.append(f"{number(profile.gops)} G operations a clip: {number(profile.achieved)} G a second.")
    said += [
        f"A large {peak.kind} matrix product reaches {number(peak.gops)} G operations a second here."
        for peak in profile.peaks
    ]
    if profile.limit_ms and profile.gops:
        said.append(
            f"At the {profile.limit_kind} peak one clip would take {number(profile.limit_ms)} ms: "
            f"{100 * profile.limit_ms / profile.clip_ms:.0f} % of the limit are reached."
        )
    slowest = "; ".join(f"{name} ({kind}) {number(ms)} ms" for name, kind, ms in profile.slowest)
    said.append(f"Slowest layers: {slowest}.")
    title = f"Where the time of {subject_title(profile.subject)} goes"
    return Sheet(title, ("layer", "implementation", "count", "ms", "share"), rows, tuple(said))


def candidates_sheet(report: Report) -> Sheet:
    """Return what `--recommend` measured, and what it recommends."""
    rows = tuple(
        (
            c.title,
            c.device,
            number(c.clip_ms) if c.clip_ms else c.failure or NONE,
            number(c.per_s) if c.per_s else NONE,
            c.computes_in or NONE,
            str(c.classes),
            c.accuracy or NONE,
        )
        for c in report.candidates
    )
    best = report.recommendation
    said = (f"Recommended: {best.title} on {best.device}. {best.reason}",) if best else ("Nothing to recommend.",)
    columns = ("model", "device", "ms a clip", "predictions/s", "computes in", "actions", "top-1")
    return Sheet("For this machine", columns, rows, said)


def machine_words(machine: Machine) -> str:
    """Describe a machine in one sentence."""
    known = ", ".join(f"{name} {version}" for name, version in machine.versions.items() if name in _TOLD)
    features = f" ({', '.join(machine.features)})" if machine.features else ""
    busy = f"; load before it began {machine.load}" if machine.load is not None else ""
    return (
        f"{machine.cpu}{features}, {machine.cores} cores, {machine.threads} threads, {machine.ram_gb:g} GB; "
        f"{machine.os}; Python {machine.python}, {known}{busy}"
    )


_TOLD = ("slowfast-live", "openvino", "torch", "onnxruntime", "PySide6-Essentials")


def sheets(report: Report, *, narrow: bool = False) -> list[Sheet]:
    """Return all tables of a report; `narrow`: for a terminal."""
    found = [group_sheet(group, narrow=narrow) for group in report.groups]
    if report.starts:
        found.append(starts_sheet(report.starts))
    found += [profile_sheet(profile) for profile in report.profiles]
    if report.candidates or report.recommendation:
        found.append(candidates_sheet(report))
    return found


def print_report(report: Report, console: Console) -> None:
    """Print a report to a terminal."""
    for sheet in sheets(report, narrow=True):
        console.print(_table(sheet))
    console.print(f"{machine_words(report.machine)}", highlight=False, markup=False)
    console.print(f"{report.taken}: {report.command}", highlight=False, markup=False)


def _table(sheet: Sheet) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=escape(sheet.title), title_justify="left")
    for index, column in enumerate(sheet.columns):
        table.add_column(escape(column), justify="left" if index == 0 else "right")
    for row in sheet.rows:
        table.add_row(*(escape(cell) for cell in row))
    return Lines(table, *(Text(note) for note in sheet.notes), Text(""))


def markdown(report: Report) -> str:
    """Return a report as Markdown, with the machine and the command that repeats it."""
    parts = []
    for sheet in sheets(report):
        notes = "\n".join(f"- {_plain(note)}" for note in sheet.notes)
        parts.append(f"**{_plain(sheet.title)}**\n\n{_grid(sheet)}" + (f"\n\n{notes}" if notes else ""))
    return "\n\n".join([*parts, _origin(report)]) + "\n"


def overview(report: Report) -> str:
    """Return a comparison in short as Markdown, with the machine and the command that repeats it."""
    return f"{_grid(overview_sheet(report.groups))}\n\n{_origin(report)}\n"


def _grid(sheet: Sheet) -> str:
    return "\n".join([_line(sheet.columns), _line(["-"] * len(sheet.columns)), *(_line(row) for row in sheet.rows)])


def _origin(report: Report) -> str:
    return f"Measured {report.taken[:10]} with `{report.command}` on: {_plain(machine_words(report.machine))}."


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
