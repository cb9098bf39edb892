"""The HTML report: one self-contained page for a browser or a printer, which needs no other files and no network.

It consists of sections, one per source: the files of an analysis, or one live session. All external text, such as
labels and file names, is escaped by the template engine, and the page's content security policy forbids scripts.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jinja2

from slowfast_live.colors import action_color
from slowfast_live.core.events import Event
from slowfast_live.core.readout_text import label_text, percent
from slowfast_live.core.several import rows_of
from slowfast_live.export.findings import AnalysisResult, PersonRecord, PredictionRecord, Scores, SourceFacts
from slowfast_live.export.subtitles import one_line

_POINTS = 400
"""Maximum number of points of a curve; with more predictions, the maximum of each group is drawn."""
_STRIP = 1000.0
"""Width of an event strip and of a curve in SVG units."""
_STRIP_HEIGHT = 10
_CURVE = 100.0
_TICKS = 8


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that could not be analyzed.

    Attributes:
        name: Display name.
        reason: Why; one or two sentences.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReportSection:
    """The report's section about one source. Stores only what is shown: predictions are reduced to two curves.

    Attributes:
        name: Display name.
        facts: The source.
        begin_s: Start of its timeline, on its own clock.
        end_s: End of its timeline.
        events: The events.
        pictures: A JPEG for each event, b"" if there is none.
        scores: (seconds, smoothed score of the best class).
        activity: (seconds, activity).
        whole: Mean scores over the whole source.
        analyzed: How it was analyzed, as text.
        warnings: What the reader should know.
        persons: The people who were followed, less their boxes and predictions.
    """

    name: str
    facts: SourceFacts
    begin_s: float
    end_s: float
    events: tuple[Event, ...]
    pictures: tuple[bytes, ...]
    scores: tuple[tuple[float, float], ...]
    activity: tuple[tuple[float, float], ...]
    whole: Scores
    analyzed: str
    warnings: tuple[str, ...]
    persons: tuple[PersonRecord, ...] = ()

    @classmethod
    def of(cls, findings: AnalysisResult, pictures: Sequence[bytes] = (), name: str = "") -> ReportSection:
        """Return the section for a result. If the curves come from elsewhere, `replace` them in it.

        Args:
            findings: The result.
            pictures: A JPEG for each event, as many as there are events.
            name: Display name; "" for the source's own name.
        """
        rows, duration_s = findings.predictions, findings.source.duration_s
        is_file = findings.source.kind == "file"
        seen: Sequence[PredictionRecord | Event] = (*rows, *findings.events)
        begin_s = 0.0 if is_file else min((part.begin_s for part in seen), default=0.0)
        seen_s = max((part.end_s for part in seen), default=begin_s)
        end_s = max(seen_s, duration_s or 0.0) if is_file else seen_s
        return cls(
            name=name or findings.source.name,
            facts=findings.source,
            begin_s=begin_s,
            end_s=max(end_s, begin_s + 1e-3),
            events=findings.events,
            pictures=tuple(pictures) + (b"",) * (len(findings.events) - len(pictures)),
            scores=_thinned((row.end_s, row.score) for row in rows),
            activity=_thinned((row.end_s, row.activity) for row in rows),
            whole=tuple((label_text(label, findings.model.background), score) for label, score in findings.whole),
            analyzed=_analyzed(findings),
            warnings=findings.warnings,
            persons=tuple(
                PersonRecord(id=person.id, begin_s=person.begin_s, end_s=person.end_s, events=person.events)
                for person in findings.persons
                if person.events
            ),
        )

    @property
    def all_events(self) -> tuple[Event, ...]:
        """The events of the picture as a whole, and those of each person."""
        return (*self.events, *(event for person in self.persons for event in person.events))

    @property
    def length_s(self) -> float:
        """Length of the timeline."""
        return self.end_s - self.begin_s


@dataclass(frozen=True, slots=True)
class Total:
    """Totals over all events of one action.

    Attributes:
        label: The action.
        count: Number of events.
        seconds: Total duration.
        sources: Number of sources with this action.
        share: Total duration relative to that of the longest action, 0..1.
    """

    label: str
    count: int
    seconds: float
    sources: int
    share: float


def render_report(
    sections: Sequence[ReportSection], failures: Sequence[Failure] = (), *, title: str = "", waiting: int = 0
) -> str:
    """Return the report as HTML.

    Args:
        sections: The sections, in the order of the page.
        failures: The sources that could not be analyzed.
        title: Heading; if empty, derived from the sources.
        waiting: Number of sources not analyzed because the run was stopped.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("slowfast_live.export"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        clock=clock,
        line=one_line,
        jpeg=_jpeg,
        percent=percent,
        css=lambda share: f"{100 * share:.0f}%",
        size=_size,
        round_number=lambda value: f"{value:g}",
    )
    totals = action_totals(sections)
    labels = {total.label for total in totals} | {label for c in sections for label, _ in c.whole}
    return environment.get_template("report.html.j2").render(
        title=title or _title(sections, failures),
        sections=sections,
        failures=failures,
        waiting=waiting,
        totals=totals,
        colors={
            label: (f"a{i}", action_color(label, "light"), action_color(label, "dark"))
            for i, label in enumerate(sorted(labels))
        },
        seconds=sum(section.length_s for section in sections),
        events=sum(len(section.all_events) for section in sections),
        strip=_strip,
        curve=_curve,
        ticks=_ticks,
    )


def action_totals(sections: Sequence[ReportSection]) -> list[Total]:
    """Return the totals of each action, longest first."""
    seconds: dict[str, float] = {}
    counts: dict[str, int] = {}
    sources: dict[str, set[int]] = {}
    for number, section in enumerate(sections):
        for event in section.all_events:
            seconds[event.label] = seconds.get(event.label, 0.0) + event.length_s
            counts[event.label] = counts.get(event.label, 0) + 1
            sources.setdefault(event.label, set()).add(number)
    longest = max(seconds.values(), default=1.0)
    return [
        Total(label, counts[label], seconds[label], len(sources[label]), seconds[label] / longest)
        for label in sorted(seconds, key=lambda label: (-seconds[label], label))
    ]


def clock(seconds: float) -> str:
    """Format a time for people: 0:07.5, 12:34.0, 1:02:03.4."""
    tenths = round(max(0.0, seconds) * 10)
    whole, tenth = divmod(tenths, 10)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}.{tenth}" if hours else f"{minutes}:{rest:02}.{tenth}"


def _title(sections: Sequence[ReportSection], failures: Sequence[Failure]) -> str:
    if len(sections) + len(failures) == 1:
        return one_line((sections or failures)[0].name)
    return f"{len(sections) + len(failures)} videos"


def _analyzed(findings: AnalysisResult) -> str:
    model, method = findings.model, findings.method
    if method.section_s is not None:
        how = f"from {clock(method.section_s[0])} to {clock(method.section_s[1])} as one action"
    elif method.stride_s is None:
        how = "as fast as it went" if method.views == 1 else "10 clips of 3 crops each"
    else:
        how = f"every {method.stride_s:g} s" + (f", {method.views} crops each" if method.views > 1 else "")
    return f"{model.title} · {model.precision} on {model.device}, {how}, threshold {percent(method.threshold)}"


def _thinned(points: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    given = list(points)
    group = math.ceil(len(given) / _POINTS) or 1
    return tuple(max(given[i : i + group], key=lambda point: point[1]) for i in range(0, len(given), group))


def _across(section: ReportSection, t_s: float) -> float:
    return min(max((t_s - section.begin_s) / section.length_s, 0.0), 1.0) * _STRIP


def _strip(
    section: ReportSection, person: PersonRecord | None = None
) -> list[tuple[Event, float, float, float, float]]:
    """Return (event, x, width, y, height) in SVG units of the strip, each wide enough to be visible.

    Events that overlap lie in rows, one below the other.

    Args:
        section: The section.
        person: Whose events are shown; None: those of the whole picture.
    """
    events = section.events if person is None else person.events
    rows = rows_of(events)
    height = _STRIP_HEIGHT / (max(rows, default=0) + 1)
    places = []
    for event, row in zip(events, rows, strict=True):
        left, right = _across(section, event.begin_s), _across(section, event.end_s)
        place = (round(left, 2), round(max(right - left, 1.5), 2), round(row * height, 2), round(height, 2))
        places.append((event, *place))
    return places


def _curve(section: ReportSection, points: Sequence[tuple[float, float]], *, closed: bool = False) -> str:
    """Return the points as an SVG path; closed: as an area down to 0."""
    if not points:
        return ""
    places = [f"{_across(section, t):.1f} {_CURVE * (1 - value):.1f}" for t, value in points]
    if not closed:
        return "M" + "L".join(places)
    first, last = places[0].split()[0], places[-1].split()[0]
    return f"M{first} {_CURVE:.0f}L" + "L".join(places) + f"L{last} {_CURVE:.0f}Z"


def _ticks(section: ReportSection) -> list[tuple[float, str]]:
    """Return (x in percent, text) of the tick marks at round times of a timeline."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
    step = next((s for s in steps if section.length_s / s <= _TICKS), steps[-1])
    count = min(int(section.length_s / step), 4 * _TICKS)
    return [(round(100 * i * step / section.length_s, 3), _tick(i * step, step)) for i in range(count + 1)]


def _tick(seconds: float, step: float) -> str:
    return clock(seconds) if step < 1 else clock(seconds).rpartition(".")[0]


def _jpeg(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def _size(facts: SourceFacts) -> str:
    parts = [f"{facts.width} × {facts.height}"] if facts.width and facts.height else []
    parts += [f"{facts.fps:.4g} fps"] if facts.fps else []
    parts += [facts.codec] if facts.codec else []
    parts += [f"{facts.size_bytes / 1e6:.1f} MB"] if facts.size_bytes is not None else []
    return " · ".join(parts)
