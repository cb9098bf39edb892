"""The report: one page that needs no other file and no network, for a browser or a printer.

Made of chapters, one a source: the files of an analysis, or one live session. Everything that comes from outside,
such as labels and file names, is escaped by the template engine, and the page forbids scripts to itself.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import jinja2

from slowfast_live.colours import action_colour
from slowfast_live.core.events import Event
from slowfast_live.export.findings import Findings, Row, Scores, SourceFacts
from slowfast_live.export.subtitles import one_line

_POINTS = 400
"""Most points of a curve; of more predictions the highest of each group is drawn."""
_STRIP = 1000.0
"""Width of a strip and a curve in their own units."""
_CURVE = 100.0
_TICKS = 8


@dataclass(frozen=True, slots=True)
class Failure:
    """A source of which nothing could be found.

    Attributes:
        name: What to call it.
        reason: Why; one or two sentences.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """What the report says of one source. Holds no more than it shows: predictions become two curves.

    Attributes:
        name: What to call it.
        facts: What the source is.
        begin_s: Begin of its time line, on its own clock.
        end_s: End of it.
        events: What happened.
        pictures: A JPEG for each event, b"" where there is none.
        scores: (seconds, smoothed score of the best class).
        activity: (seconds, activity).
        whole: Mean scores over all of it.
        looked: How it was looked at, in words.
        warnings: What the reader should know.
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
    looked: str
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, findings: Findings, pictures: Sequence[bytes] = (), name: str = "") -> Chapter:
        """Return the chapter of some findings. Where curves come from elsewhere, `replace` them in it.

        Args:
            findings: What was found.
            pictures: A JPEG for each event, as many as there are.
            name: What to call the source; its own name where empty.
        """
        rows, duration_s = findings.predictions, findings.source.duration_s
        is_file = findings.source.kind == "file"
        seen: Sequence[Row | Event] = (*rows, *findings.events)
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
            whole=findings.whole,
            looked=_looked(findings),
            warnings=findings.warnings,
        )

    @property
    def length_s(self) -> float:
        """Length of the time line."""
        return self.end_s - self.begin_s


@dataclass(frozen=True, slots=True)
class Total:
    """All events of one action.

    Attributes:
        label: The action.
        count: How many events.
        seconds: How long altogether.
        sources: In how many sources.
        share: Its seconds over those of the longest action, 0..1.
    """

    label: str
    count: int
    seconds: float
    sources: int
    share: float


def render_report(
    chapters: Sequence[Chapter], failures: Sequence[Failure] = (), *, title: str = "", waiting: int = 0
) -> str:
    """Return the page, HTML.

    Args:
        chapters: What was found, in the order of the page.
        failures: What could not be looked at.
        title: Heading; made of what was looked at where empty.
        waiting: How many sources a run that was stopped has not looked at.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("slowfast_live.export"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        clock=clock, line=one_line, jpeg=_jpeg, percent=lambda share: f"{100 * share:.0f}", size=_size
    )
    totals = action_totals(chapters)
    labels = {total.label for total in totals} | {label for c in chapters for label, _ in c.whole}
    return environment.get_template("report.html.j2").render(
        title=title or _title(chapters, failures),
        chapters=chapters,
        failures=failures,
        waiting=waiting,
        totals=totals,
        colours={
            label: (f"a{i}", action_colour(label, "light"), action_colour(label, "dark"))
            for i, label in enumerate(sorted(labels))
        },
        seconds=sum(chapter.length_s for chapter in chapters),
        events=sum(len(chapter.events) for chapter in chapters),
        strip=_strip,
        curve=_curve,
        ticks=_ticks,
    )


def action_totals(chapters: Sequence[Chapter]) -> list[Total]:
    """Return how much there was of each action, the most first."""
    seconds: dict[str, float] = {}
    counts: dict[str, int] = {}
    sources: dict[str, set[int]] = {}
    for number, chapter in enumerate(chapters):
        for event in chapter.events:
            seconds[event.label] = seconds.get(event.label, 0.0) + event.length_s
            counts[event.label] = counts.get(event.label, 0) + 1
            sources.setdefault(event.label, set()).add(number)
    longest = max(seconds.values(), default=1.0)
    return [
        Total(label, counts[label], seconds[label], len(sources[label]), seconds[label] / longest)
        for label in sorted(seconds, key=lambda label: (-seconds[label], label))
    ]


def clock(seconds: float) -> str:
    """Return a time as people write it: 0:07.5, 12:34.0, 1:02:03.4."""
    tenths = round(max(0.0, seconds) * 10)
    whole, tenth = divmod(tenths, 10)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}.{tenth}" if hours else f"{minutes}:{rest:02}.{tenth}"


def _title(chapters: Sequence[Chapter], failures: Sequence[Failure]) -> str:
    if len(chapters) + len(failures) == 1:
        return one_line((chapters or failures)[0].name)
    return f"{len(chapters) + len(failures)} videos"


def _looked(findings: Findings) -> str:
    model, method = findings.model, findings.method
    if method.stride_s is None:
        how = "as fast as it went" if method.views == 1 else "10 clips of 3 crops each"
    else:
        how = f"every {method.stride_s:g} s" + (f", {method.views} crops each" if method.views > 1 else "")
    return f"{model.title} · {model.precision} on {model.device}, {how}, threshold {method.threshold:.2f}"


def _thinned(points: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    given = list(points)
    group = math.ceil(len(given) / _POINTS) or 1
    return tuple(max(given[i : i + group], key=lambda point: point[1]) for i in range(0, len(given), group))


def _across(chapter: Chapter, t_s: float) -> float:
    return min(max((t_s - chapter.begin_s) / chapter.length_s, 0.0), 1.0) * _STRIP


def _strip(chapter: Chapter) -> list[tuple[Event, float, float]]:
    """Return (event, x, width) in a strip's units; never too thin to be seen."""
    places = []
    for event in chapter.events:
        left, right = _across(chapter, event.begin_s), _across(chapter, event.end_s)
        places.append((event, round(left, 2), round(max(right - left, 1.5), 2)))
    return places


def _curve(chapter: Chapter, points: Sequence[tuple[float, float]], *, closed: bool = False) -> str:
    """Return the points as the path of an SVG; closed: as an area down to 0."""
    if not points:
        return ""
    places = [f"{_across(chapter, t):.1f} {_CURVE * (1 - value):.1f}" for t, value in points]
    if not closed:
        return "M" + "L".join(places)
    first, last = places[0].split()[0], places[-1].split()[0]
    return f"M{first} {_CURVE:.0f}L" + "L".join(places) + f"L{last} {_CURVE:.0f}Z"


def _ticks(chapter: Chapter) -> list[tuple[float, str]]:
    """Return (x in percent, time) of round times along a time line."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
    step = next((s for s in steps if chapter.length_s / s <= _TICKS), steps[-1])
    count = min(int(chapter.length_s / step), 4 * _TICKS)
    return [(round(100 * i * step / chapter.length_s, 3), _tick(i * step, step)) for i in range(count + 1)]


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
