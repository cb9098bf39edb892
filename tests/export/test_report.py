"""The report, as text and in a browser."""

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slowfast_live.analysis.thumbnails import jpeg
from slowfast_live.core.events import Event
from slowfast_live.export.report import Failure, ReportSection, action_totals, clock, render_report
from slowfast_live.export.subtitles import one_line
from tests.export.made import HOSTILE, event_lists, make_event, make_findings

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
ALLOWED = {
    "html",
    "head",
    "meta",
    "link",
    "title",
    "style",
    "body",
    "h1",
    "h2",
    "h3",
    "p",
    "dl",
    "dt",
    "dd",
    "div",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "span",
    "i",
    "b",
    "a",
    "svg",
    "rect",
    "path",
    "section",
    "header",
    "footer",
    "ol",
    "li",
    "img",
}


class Tags(HTMLParser):
    """Collects elements, attributes and text, and checks that elements close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "img", "rect", "path") or tag == "rect":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def hostile_page() -> str:
    events = tuple(make_event(label, i / 2, i / 2 + 0.5) for i, label in enumerate(HOSTILE))
    pictures = [jpeg(np.full((90, 160, 3), 5 * i, np.uint8)) for i in range(len(events))]
    sections = [
        ReportSection.of(make_findings(events, '"><img src=x onerror=alert(1)>.mp4'), pictures),
        ReportSection.of(make_findings((), "nothing.mp4")),
    ]
    return render_report(sections, [Failure("<i>bad</i>.mp4", "It holds </table><script>alert(2)</script>.")])


@given(st.lists(event_lists, max_size=3), st.text(max_size=30))
@settings(max_examples=40)
def test_a_page_is_well_formed_and_holds_only_its_own_elements(lists: list[tuple[Event, ...]], name: str) -> None:
    page = render_report([ReportSection.of(make_findings(events, name)) for events in lists], [Failure(name, name)])
    tags = Tags(page)
    assert {tag for tag, _ in tags.found} <= ALLOWED
    for _tag, attributes in tags.found:
        assert not any(attribute.startswith("on") for attribute in attributes)
    strips = [a for tag, a in tags.found if tag == "rect"]
    assert len(strips) == sum(map(len, lists)) * (2 if len(lists) > 1 else 1)
    for strip in strips:
        assert 0 <= float(strip["x"] or -1) <= 1000 and float(strip["width"] or 0) > 0


def test_what_comes_from_outside_is_escaped() -> None:
    page = hostile_page()
    assert "<script" not in page and "<img src=x" not in page and "</table><" not in page and "<i>bad" not in page
    text = " ".join(Tags(page).text)
    for label in HOSTILE:
        assert one_line(label) in text
    assert "{{ 7 * 7 }}" in text and "49" not in re.findall(r"\b49\b", text)


def test_nothing_is_fetched_from_anywhere() -> None:
    for tag, attributes in Tags(hostile_page()).found:
        for name in ("src", "href"):
            value = attributes.get(name) or "data:,"
            assert value.startswith(("data:", "#")), (tag, value)


def test_every_action_keeps_its_color() -> None:
    page = hostile_page()
    names = dict(re.findall(r"^\.(a\d+) \{ --c: (#\w+); \}", page, re.MULTILINE))
    assert len(names) == len({*HOSTILE, "running"}) and page.count("prefers-color-scheme: dark") == 2


def test_totals_count_time_events_and_videos() -> None:
    one = ReportSection.of(make_findings((make_event("a", 0, 2), make_event("b", 2, 3), make_event("a", 5, 6))))
    two = ReportSection.of(make_findings((make_event("b", 0, 0.5),)))
    totals = [(t.label, t.seconds, t.count, t.sources, t.share) for t in action_totals([one, two])]
    assert totals == [("a", 3.0, 2, 1, 1.0), ("b", 1.5, 2, 2, 0.5)]


def test_a_live_session_begins_when_it_began() -> None:
    """A camera's clock is the machine's: the time line begins with the first look, not at 0."""
    found = make_findings((make_event("a", 1.0, 2.0),), kind="camera", duration_s=None)
    section = ReportSection.of(found)
    assert (section.begin_s, section.end_s) == (found.predictions[0].begin_s, found.predictions[-1].end_s)
    assert "camera" not in render_report([section], title="Friday").split("<h1>")[1].split("</h1>")[0]


@pytest.mark.parametrize(
    ("seconds", "told"), [(7.54, "0:07.5"), (59.96, "1:00.0"), (3723.4, "1:02:03.4"), (-1, "0:00.0")]
)
def test_times_are_written_as_people_write_them(seconds: float, told: str) -> None:
    assert clock(seconds) == told


@pytest.mark.skipif(not BROWSER, reason="no Chromium here (Debian: apt-get install chromium)")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it(scheme: str, tmp_path: Path) -> None:
    """Title, rows and pictures are there, and the browser has nothing to complain of."""
    (tmp_path / "report.html").write_text(hostile_page(), encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        f"--user-data-dir={tmp_path / 'user'}",
        f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}", "--enable-logging=stderr", "--v=0",
        f"--screenshot={tmp_path / 'page.png'}", "--window-size=1000,1400", "--virtual-time-budget=3000", "--dump-dom",
        (tmp_path / "report.html").as_uri(),
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    complaints = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
    assert not complaints, complaints
    dom = ended.stdout
    assert "<title>3 videos · SlowFast Live</title>" in dom
    assert dom.count("<li class") == len(HOSTILE) and dom.count('<section class="card section"') == 2
    assert html.escape("<script>alert(1)</script>", quote=False) in dom and "<script" not in dom
    if (tmp_path / "page.png").exists():
        import cv2

        image = cv2.imread(str(tmp_path / "page.png"))
        corner = image[5, 5].mean()
        assert corner > 200 if scheme == "light" else corner < 60
