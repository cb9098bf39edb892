"""Events as subtitles: SubRip (SRT), which every player supports, and WebVTT, which browsers support."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from slowfast_live.core.events import Event
from slowfast_live.export.findings import PersonRecord

_LONGEST_H = 99
_LIKENESS = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")", "\\": "/"})
_BLANK = "-"
"""Placeholder for a label without any displayable character: a cue must not be empty."""


def to_srt(events: Sequence[Event]) -> str:
    """Return SubRip text, one cue per event, with times from 0 on the source's clock."""
    cues = (
        f"{number}\n{_stamp(begin, ',')} --> {_stamp(end, ',')}\n{_srt_text(label)}\n"
        for number, (begin, end, label) in enumerate(_cues(events), 1)
    )
    return "\n".join(cues)


def to_vtt(events: Sequence[Event]) -> str:
    """Return WebVTT text, one cue per event, with times from 0 on the source's clock."""
    cues = (f"{_stamp(begin, '.')} --> {_stamp(end, '.')}\n{_vtt_text(label)}\n" for begin, end, label in _cues(events))
    return "\n".join(["WEBVTT\n", *cues])


def person_events(events: Sequence[Event], persons: Sequence[PersonRecord]) -> list[Event]:
    """Return the events of people as those of one picture, "Person 1: walking"; without any, the picture's own."""
    named = [
        replace(event, label=f"Person {person.id}: {event.label}") for person in persons for event in person.events
    ]
    return named or list(events)


def one_line(text: str) -> str:
    """Return `text` without line breaks and control characters, such as those that change the text direction."""
    shown = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    plain = "".join(c for c in shown if unicodedata.category(c) not in ("Cf", "Cs"))
    return " ".join(plain.split())


def _cues(events: Sequence[Event]) -> Iterator[tuple[int, int, str]]:
    """Yield (begin, end, label) in milliseconds; begin times never decrease, and no cue is empty."""
    before = 0
    for event in sorted(events, key=lambda e: (e.begin_s, e.end_s)):
        begin = max(before, round(event.begin_s * 1000))
        end = max(begin + 1, round(event.end_s * 1000))
        before = begin
        yield begin, end, one_line(event.label) or _BLANK


def _stamp(ms: int, mark: str) -> str:
    ms = min(ms, _LONGEST_H * 3_600_000 + 3_599_999)
    seconds, ms = divmod(ms, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{ms:03}"


def _srt_text(label: str) -> str:
    """Replace what players would take for markup or for a time by lookalikes, because SubRip has no escapes."""
    return re.sub(r"(?<=\d):(?=\d)", "∶", label.translate(_LIKENESS))


def _vtt_text(label: str) -> str:
    return label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
