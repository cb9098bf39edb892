"""Findings as tests need them: ordinary ones, and ones with names that try to break out."""

from hypothesis import strategies as st

from slowfast_live.core.events import Event, EventRule
from slowfast_live.export.findings import AnalysisResult, ModelFacts, Parameters, PredictionRecord, SourceFacts

HOSTILE = (
    "<script>alert(1)</script>",
    "a --> b",
    "R&D &lt; <b>bold</b>",
    "two\nlines\r\nand\ttab",
    "\x00\x1b[31mred\x7f",
    '"quoted", and, commas',
    "=HYPERLINK(1)",
    "{\\an8}top",
    "\u202ereversed\u202c",
    "  ",
    "-->",
    "跳绳 🤸 naïve",
    "1\n00:00:01,000 --> 00:00:02,000",
    "NOTE x",
    "{{ 7 * 7 }}",
)


def make_event(label: str, begin_s: float = 1.0, end_s: float = 2.5, score: float = 0.8) -> Event:
    return Event(label, begin_s, end_s, score, min(1.0, score + 0.1), (begin_s + end_s) / 2)


def make_findings(events: tuple[Event, ...] = (), name: str = "clip.mp4", **source: object) -> AnalysisResult:
    labels = tuple(dict.fromkeys(event.label for event in events)) or ("running",)
    top = tuple((label, 1 / (i + 2)) for i, label in enumerate(labels[:5]))
    rows = tuple(
        PredictionRecord(
            begin_s=t / 2, end_s=t / 2 + 1.5, label=labels[t % len(labels)] if t % 3 else None, score=0.4 + t % 5 / 10,
            smoothed=top, top=top, motion=0.7, activity=0.3 + t % 4 / 10, idle=t == 0,
        )
        for t in range(12)
    )  # fmt: skip
    facts = {"kind": "file", "width": 320, "height": 240, "fps": 30.0, "duration_s": 9.0, "codec": "h264", **source}
    return AnalysisResult(
        program="slowfast-live test",
        source=SourceFacts(name=name, **facts),
        model=ModelFacts(name="tiny", title="Tiny", precision="FP32", device="CPU", span_s=1.5),
        method=Parameters(stride_s=0.5, views=1, threshold=0.45, smoothing_s=0.6, rule=EventRule()),
        events=events,
        predictions=rows,
        whole=top,
    )


labels = st.sampled_from(HOSTILE) | st.text(max_size=40)
event_lists = st.lists(
    st.tuples(labels, st.floats(0, 20_000), st.floats(0.001, 3000), st.floats(0, 1)), max_size=20
).map(lambda rows: tuple(make_event(label, begin, begin + length, score) for label, begin, length, score in rows))
