"""The message that other programs receive; `docs/publishing.md` describes it for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slowfast_live.types import Readout, ReadoutState

VERSION = 1
_STATES = {
    ReadoutState.NO_MODEL: "no_model",
    ReadoutState.WARMING_UP: "warming_up",
    ReadoutState.TOO_SHORT: "too_short",
    ReadoutState.FAILED: "failed",
    ReadoutState.UNTRAINED: "untrained",
    ReadoutState.RESTING: "resting",
    ReadoutState.NOT_SEEN: "not_decided",
    ReadoutState.NOBODY: "nobody",
    ReadoutState.NO_CONFIDENT_ACTION: "no_action",
    ReadoutState.ACTION: "action",
}
"""Names of the states in messages; they stay as they are even if the window words them differently."""


@dataclass(frozen=True, slots=True)
class ReadoutMessage:
    """What is shown at one moment.

    Attributes:
        readout: What is shown.
        source: Name of the source, without passwords.
        model: Name of the model; "" without one.
        when: Local time with its UTC offset.
    """

    readout: Readout
    source: str
    model: str
    when: datetime

    def as_json(self) -> dict[str, Any]:
        """Return the message as an object of simple values."""
        readout = self.readout
        return {
            "version": VERSION,
            "type": "readout",
            "state": _STATES[readout.state],
            "label": readout.label,
            "score": round(readout.score, 4),
            "top": [[label, round(score, 4)] for label, score in readout.top],
            "t_s": round(readout.t_end_s, 3),
            "source": self.source,
            "model": self.model,
            "time": self.when.isoformat(timespec="milliseconds"),
        }

    def encoded(self) -> bytes:
        """Return the message as one line of JSON, UTF-8."""
        return json.dumps(self.as_json(), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    @property
    def shown(self) -> tuple[ReadoutState, str | None]:
        """What changes when another action is shown."""
        return self.readout.state, self.readout.label
