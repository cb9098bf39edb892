"""Renders a report as tables: for a terminal, and as Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.console import Group as Lines
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from slowfast_live.tools.bench.results import (
    Figure,
    Group,
    LayerGroup,
    Machine,
    Profile,
    Report,
    ResultRow,
    Start,
    Subject,
)

NONE = "–"
MARK = "<!-- Written by slowfast-live bench --markdown -->"
"""First line of the tables: a file that begins with it may be overwritten."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table as plain text, independent of the output format.

    Attributes:
        title: Title.
        columns: Headings.
        rows: Cells, one per column.
        notes: Sentences below the table.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def number(value: float, digits: int = 3) -> str:
    """Return a number with `digits` significant digits: 1234, 123, 12.3, 0.123."""
    if value == 0:
        return "0"
    size = abs(value)
    places = max(0, digits - 1)
    while size >= 10 and places:
        size /= 10
        places -= 1
    return f"{value:.{places}f}"


def figure(value: Figure | None, scale: float = 1.0, *, spread: bool = True) -> str:
    """Return the median and, if the rounds differ, their range: "12.3 (11.9–12.8)"."""
    if value is None:
        return NONE
    median = number(value.median * scale)
    low, high = number(value.low * scale), number(value.high * scale)
    return f"{median} ({low}–{high})" if spread and low != high else median


_COLUMNS: tuple[tuple[str, str, Callable[[ResultRow], str]], ...] = (
    ("predictions/s", "per s", lambda row: figure(row.per_s)),
    ("ms a clip", "ms/clip", lambda row: figure(row.clip_ms)),
    ("CPU ms a prediction", "CPU ms", lambda row: figure(row.cpu_ms, spread=False)),
    ("outside the network", "outside", lambda row: percent(row.outside)),
    ("frame to label, ms p50 / p95", "latency", lambda row: pair(row.latency_ms_p50, row.latency_ms_p95)),
    ("shown fps", "fps", lambda row: figure(row.shown_fps, spread=False)),
    ("dropped", "drop", lambda row: figure(row.dropped, spread=False)),
    ("RSS MB", "MB", lambda row: figure(row.rss_mb, spread=False)),
    ("computes in", "in", lambda row: row.facts.execution_precision or NONE),
)
"""Heading in a document, heading in a terminal, and the function that returns a cell."""


def percent(value: Figure | None) -> str:
    """Return a share as "3.2 %"."""
    return NONE if value is None else f"{100 * value.median:.1f} %"


def pair(first: Figure | None, second: Figure | None) -> str:
    """Return two medians as "12.3 / 14.5"."""
    if first is None or second is None:
        return NONE
    return f"{number(first.median)} / {number(second.median)}"


def subject_title(subject: Subject) -> str:
    """Return the name of a model in tables."""
    mentioned = subject.trained or "untrained" in subject.title.casefold()
    return f"{subject.title} {subject.precision}" + ("" if mentioned else " (untrained)")


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
"""Contenders whose predictions per second the overview of a comparison shows, in this order."""


def overview_sheet(groups: Sequence[Group]) -> Sheet:
    """Return the overview of a comparison, with the precision of each network that is fastest in the window."""
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


def _notes(rows: Iterable[ResultRow]) -> tuple[str, ...]:
    rows = tuple(rows)
    notes = [f"{row.title}: {row.facts.note}" for row in rows if row.facts.note and not row.absent]
    return (*notes, *(f"Not measured: {row.title}: {row.absent}" for row in rows if row.absent))


def _comparisons(group: Group) -> tuple[str, ...]:
    """Compare the window with the upper limit and with PyTorch, and state how much memory the app adds."""
    window, limit = group.row("window"), group.row("benchmark_app")
    eager, bare = group.row("torch"), group.row("bare")
    notes = []
    if window is None or window.per_s is None:
        return ()
    source_fps = window.source_fps.median if window.source_fps else float("inf")
    if limit and limit.per_s and limit.per_s.median > source_fps:
        share = window.per_s.median / source_fps
        notes.append(f"Faster than the source: our window makes {share:.2f} predictions for each new frame.")
    elif limit and limit.per_s:
        notes.append(f"Our window makes {window.per_s.median / limit.per_s.median:.3f} of benchmark_app's predictions.")
        if (picture := group.row("window_picture")) and picture.per_s:
            share = picture.per_s.median / limit.per_s.median
            notes.append(f"A window with nothing but the picture makes {share:.3f} of them: the cost of showing it.")
    if eager and eager.per_s and bare and bare.per_s:
        notes.append(f"PyTorch eager takes {bare.per_s.median / eager.per_s.median:.1f} times as long as our own.")
    if bare and bare.rss_mb and window.rss_mb:
        notes.append(
            f"Memory outside OpenVINO's: {window.rss_mb.median - bare.rss_mb.median:.0f} MB "
            "(the window's less that of a process that only runs the same compiled model)."
        )
    if window.parts:
        mentioned = ", ".join(f"{name} {100 * share:.1f} %" for name, share in sorted(window.parts.items()))
        notes.append(f"Processor time of the window by part: {mentioned}.")
    return tuple(notes)


def starts_sheet(starts: Sequence[Start]) -> Sheet:
    """Return the startup times of the app."""
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
    """Return the profile of one inference."""
    rows = tuple(
        (layer.kind, layer.how, str(layer.count), number(layer.ms), f"{100 * layer.share:.1f} %")
        for layer in profile.layers
    )
    notes = [
        f"One clip takes {number(profile.clip_ms)} ms on {profile.threads} threads, in {profile.execution_precision}."
    ]
    if profile.gops and profile.achieved:
        notes.append(f"{number(profile.gops)} G operations a clip: {number(profile.achieved)} G a second.")
    notes += [
        f"A large {peak.kind} matrix product or convolution reaches {number(peak.gops)} G operations a second here."
        for peak in profile.peaks
    ]
    if profile.limit_ms and profile.gops:
        notes.append(
            f"At the {profile.limit_kind} peak one clip would take {number(profile.limit_ms)} ms: "
            f"{100 * profile.limit_ms / profile.clip_ms:.0f} % of the limit are reached."
        )
    slowest = "; ".join(f"{name} ({kind}) {number(ms)} ms" for name, kind, ms in profile.slowest)
    notes.append(f"Slowest layers: {slowest}.")
    notes += [
        f"First convolution {key}: {number(direct_ms)} ms as built, {number(rewritten_ms)} ms as space-to-depth."
        for key, direct_ms, rewritten_ms in profile.stems
    ]
    title = f"Where the time of {_profiled(profile)} goes"
    return Sheet(title, ("layer", "implementation", "count", "ms", "share"), rows, tuple(notes))


def _profiled(profile: Profile) -> str:
    limited = f", limited to {profile.instructions}" if profile.instructions else ""
    return f"{subject_title(profile.subject)}{limited}"


def groups_sheet(profile: Profile) -> Sheet:
    """Return what stays far from the peak of its precision in an inference."""
    rows = tuple(
        (
            group.title,
            group.precision or NONE,
            str(group.count),
            number(group.ms),
            f"{100 * group.share:.1f} %",
            f"{100 * group.of_peak:.0f} %" if group.of_peak is not None else NONE,
            number(group.lost_ms) if group.lost_ms > 0 else "0",
        )
        for group in profile.groups
        if group.share >= _SHARE_SHOWN
    )
    columns = ("work", "computes in", "layers", "ms", "share", "of the peak", "ms above the peak's")
    note = f"Left out is what takes less than {100 * _SHARE_SHOWN:.1f} % of the time."
    return Sheet(f"How far {_profiled(profile)} is from the peak", columns, rows, (note,))


_SHARE_SHOWN = 0.005
_LOSSES_SHOWN = 4


def profiles_sheet(profiles: Sequence[Profile]) -> Sheet:
    """Return one line for each model and instruction set: its time, its share of the peak, and where the rest goes.

    The share compares the shortest times of the layers with what their operations would take at the peak of the
    precision that each of them computes in.
    """
    rows = tuple(
        (
            subject_title(profile.subject),
            profile.instructions or "own",
            profile.execution_precision,
            number(sum(group.ms for group in profile.groups)),
            f"{100 * profile.of_peak:.0f} %" if profile.of_peak is not None else NONE,
            "; ".join(_loss(group) for group in profile.groups[:_LOSSES_SHOWN] if group.lost_ms > 0),
        )
        for profile in profiles
    )
    columns = (
        "model",
        "instructions",
        "computes in",
        "ms in its layers",
        "of the peak",
        "most is lost in, ms above the peak's",
    )
    peaks: dict[tuple[str, str], list[float]] = {}
    for profile in profiles:
        for peak in profile.peaks:
            peaks.setdefault((profile.instructions or "own", peak.kind), []).append(peak.gops)
    notes = tuple(
        f"Peak, {instructions}, {kind}: {number(max(gops))} G operations a second."
        for (instructions, kind), gops in peaks.items()
    )
    return Sheet("By instruction set", columns, rows, notes)


def _loss(group: LayerGroup) -> str:
    reached = f", {100 * group.of_peak:.0f} %" if group.of_peak is not None else ""
    precision = f" ({group.precision}{reached})" if group.precision else ""
    return f"{group.title}{precision} {number(group.lost_ms)}"


def candidates_sheet(report: Report) -> Sheet:
    """Return what `--recommend` measured and recommends."""
    rows = tuple(
        (
            c.title,
            c.device,
            number(c.clip_ms) if c.clip_ms else c.failure or NONE,
            number(c.per_s) if c.per_s else NONE,
            c.execution_precision or NONE,
            str(c.classes),
            c.accuracy or NONE,
        )
        for c in report.candidates
    )
    best = report.recommendation
    notes = (f"Recommended: {best.title} on {best.device}. {best.reason}",) if best else ("Nothing to recommend.",)
    columns = ("model", "device", "ms a clip", "predictions/s", "computes in", "actions", "top-1")
    return Sheet("For this machine", columns, rows, notes)


def machine_text(machine: Machine) -> str:
    """Describe a machine in one sentence."""
    known = ", ".join(f"{name} {version}" for name, version in machine.versions.items() if name in _VERSIONS_SHOWN)
    features = f" ({', '.join(machine.features)})" if machine.features else ""
    busy = f"; load before it began {machine.load}" if machine.load is not None else ""
    return (
        f"{machine.cpu}{features}, {machine.cores} cores, {machine.threads} threads, {machine.ram_gb:g} GB; "
        f"{machine.os}; Python {machine.python}, {known}{busy}"
    )


_VERSIONS_SHOWN = ("slowfast-live", "openvino", "torch", "onnxruntime", "PySide6-Essentials")


def sheets(report: Report, *, narrow: bool = False) -> list[Sheet]:
    """Return all tables of a report; `narrow`: for a terminal."""
    found = [group_sheet(group, narrow=narrow) for group in report.groups]
    if report.starts:
        found.append(starts_sheet(report.starts))
    for profile in report.profiles:
        found += [profile_sheet(profile), *([groups_sheet(profile)] if profile.groups else [])]
    if len(report.profiles) > 1:
        found.append(profiles_sheet(report.profiles))
    if report.candidates or report.recommendation:
        found.append(candidates_sheet(report))
    return found


def print_report(report: Report, console: Console) -> None:
    """Print a report to a terminal."""
    for sheet in sheets(report, narrow=True):
        console.print(_table(sheet))
    console.print(f"{machine_text(report.machine)}", highlight=False, markup=False)
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
    return "\n\n".join([MARK, *parts, _origin(report)]) + "\n"


def overview(report: Report) -> str:
    """Return the overview of a comparison or of profiles as Markdown, with machine and command."""
    sheet = profiles_sheet(report.profiles) if report.profiles else overview_sheet(report.groups)
    notes = "".join(f"- {_plain(note)}\n" for note in sheet.notes)
    return f"{_grid(sheet)}\n\n{notes}{notes and chr(10)}{_origin(report)}\n"


def _grid(sheet: Sheet) -> str:
    return "\n".join([_line(sheet.columns), _line(["-"] * len(sheet.columns)), *(_line(row) for row in sheet.rows)])


def _origin(report: Report) -> str:
    return f"Measured {report.taken[:10]} with `{report.command}` on: {_plain(machine_text(report.machine))}."


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
