"""The data of an export, as it was when the export was requested."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slowfast_live.core.corrections import AnnotatedEvent
from slowfast_live.core.curves import Columns
from slowfast_live.core.events import Event
from slowfast_live.inference.spec import Model
from slowfast_live.people.records import PersonTrail
from slowfast_live.types import SourceInfo, SourceSpec


@dataclass(frozen=True, slots=True, eq=False)
class ExportSnapshot:
    """The data to export, as it was at one point in time.

    Attributes:
        source: The source in which the events were seen.
        info: Facts about the source, if it is still open.
        path: The file, if the source is one.
        model: The model that recognized the events.
        device: The OpenVINO device that ran it.
        threshold: Smoothed score from which a label was shown.
        begin_s: Start of the known time span, on the source's clock.
        end_s: End of the known time span.
        events: The events, with the user's corrections.
        curves: The curves from `begin_s` to `end_s`.
        people: Where everybody was and what was said of them.
        person_events: The events of people, with the user's corrections.
        detector: Title of the person detector; "" if people are not followed.
    """

    source: SourceSpec
    info: SourceInfo | None
    path: Path | None
    model: Model
    device: str
    threshold: float
    begin_s: float
    end_s: float
    events: tuple[Event, ...]
    curves: Columns
    people: tuple[PersonTrail, ...] = ()
    person_events: tuple[AnnotatedEvent, ...] = ()
    detector: str = ""

    @property
    def zero_s(self) -> float:
        """The zero point of exported times: the clock of a live source has an arbitrary origin."""
        return self.begin_s if self.source.live else 0.0
