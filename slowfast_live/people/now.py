"""What is known of the people in the picture at one time: boxes, identities, labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slowfast_live.core.events import Event
from slowfast_live.people.tracker import TrackedPerson
from slowfast_live.types import Readout

OFF, MOTION, AUTOMATIC = "off", "motion", "auto"
"""In place of a detector's name: nobody is followed; regions that move; a detector if there is one, else what moves."""
SLOW_FROM_S = 1.0
"""If the people are asked about less often than this, the window says so."""


@dataclass(frozen=True, slots=True, eq=False)
class PersonNow:
    """One person.

    Attributes:
        person: Box and identity.
        readout: What may be shown of the predictions about this person; None before the first.
    """

    person: TrackedPerson
    readout: Readout | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PeopleNow:
    """The people in the picture.

    Attributes:
        people: Everybody who is followed, by identity.
        lead: Identity of the person that the label of the window is about; None if nobody is there.
        followed: Identity of the person that the user follows; None: the most prominent one leads.
        detector: Title of the detector; "" if people are not followed.
        every_s: Seconds from one prediction about a person to the next; 0 if unknown.
    """

    people: tuple[PersonNow, ...] = ()
    lead: int | None = None
    followed: int | None = None
    detector: str = ""
    every_s: float = 0.0

    def find(self, identity: int | None) -> PersonNow | None:
        """Return a person by identity; None if they are not in the picture."""
        return next((person for person in self.people if person.person.id == identity), None)


@dataclass(frozen=True, slots=True)
class PersonEvent:
    """An action of one person.

    Attributes:
        person: Identity.
        event: The action, with its times.
        going_on: Whether it is still in progress and may grow.
    """

    person: int
    event: Event
    going_on: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PeopleEvents:
    """The events of everybody in one source.

    Attributes:
        version: A number that changes with the events; those in progress may grow without it.
        events: The events with those in progress, oldest first.
        joined: Former identities of people, and their present ones.
    """

    version: int = 0
    events: tuple[PersonEvent, ...] = ()
    joined: Mapping[int, int] = field(default_factory=dict)


def person_name(identity: int) -> str:
    """Return how a person is called in the window and in files."""
    return f"Person {identity}"
