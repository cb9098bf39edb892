"""Sessions as tests need them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from slowfast_live.core.corrections import Corrections
from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.events import Event, EventRule
from slowfast_live.core.moments import STEP_S, DecisionRule
from slowfast_live.sessions.format import Curves, ModelRef, Moments, Recognized, Session, SourceRef

EVENTS = tuple(
    Event(label, 10.0 * i, 10.0 * i + 5, 0.7, 0.9, 10.0 * i + 1)
    for i, label in enumerate(("squat", "clapping", "squat"))
)
RULE = DecisionRule(("squat", "clapping", "nothing"), ("nothing",), events=EventRule(lag_s=0.5), model="slowfast_r50")
MODEL = ModelRef(name="slowfast_r50", key="abc")


def make_curves(count: int = 100) -> Curves:
    label = np.arange(count, dtype=np.int32) % 4 - 2
    score = np.linspace(0, 1, count, dtype=np.float32)
    score[: count // 4] = np.nan
    return Curves.of(0.05, 0, ("squat", "clapping"), label, score, np.full(count, np.nan, np.float32))


def make_decisions(count: int = 100, rule: DecisionRule = RULE) -> DecisionSet:
    """Squats for some seconds, then nothing, then clapping: one moment each tenth of a second."""
    decisions = DecisionSet(rule)
    for i in range(count):
        t_s = i * STEP_S
        moment = decisions.moment(t_s - STEP_S if i else None, t_s)
        assert moment is not None
        best = (0, 2, 1)[3 * i // count]
        probs = np.full(3, 0.05, np.float32)
        probs[best] = 0.9
        decisions.add(moment, probs, 0.4 if moment.measure else None)
    return decisions


def make_recognized(**changes: Any) -> Recognized:
    facts: dict[str, Any] = {
        "model": MODEL,
        "begin_s": 0.0,
        "end_s": 25.0,
        "known_s": 20.0,
        "events": EVENTS,
        "curves": make_curves(),
        "moments": Moments.of(make_decisions().decided()),
    }
    return Recognized(**{**facts, **changes})


def make_source(**changes: Any) -> SourceRef:
    facts: dict[str, Any] = {
        "kind": "file",
        "name": "clip.mp4",
        "path": "/videos/clip.mp4",
        "size_bytes": 5,
        "content": "blake2b:00",
    }
    return SourceRef(**{**facts, **changes})


def edited(*names: str) -> Corrections:
    """Rename every squat, once for each name."""
    corrections, label = Corrections(), "squat"
    for name in names:
        corrections.rename_all(label, name)
        label = name
    return corrections


def make_session(**changes: Any) -> Session:
    facts: dict[str, Any] = {
        "id": "0123456789abcdef",
        "source": make_source(),
        "began_s": 1e9,
        "changed_s": 1e9,
        "events": 3,
    }
    return Session(**{**facts, **changes})


def write_video(path: Path, size: int = 300_000, seed: int = 1) -> Path:
    """Write a file of random bytes: nobody decodes it."""
    path.write_bytes(np.random.default_rng(seed).bytes(size))
    return path
