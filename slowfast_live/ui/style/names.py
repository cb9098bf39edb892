"""Words that other rooms say in English, in the window's language: actions, readouts, edits, what is being prepared.

A label stays the action's id everywhere; only what is shown is translated. Qt's lupdate finds the texts in the tuples
below, which list what the other rooms say.
"""

from __future__ import annotations

import re

from slowfast_live.core.corrections import Add, Change, Delete, Move, Rename, RenameAll
from slowfast_live.core.readout_text import NONE_KNOWN, SEPARATOR, ReadoutText
from slowfast_live.messages import Message
from slowfast_live.ui.style.language import shown, tr, translate

ACTIONS = (
    translate("actions", "waving hand"),
    translate("actions", "waving both hands"),
    translate("actions", "clapping"),
    translate("actions", "jumping jacks"),
    translate("actions", "squat"),
    translate("actions", "bending"),
    translate("actions", "walking"),
    translate("actions", "running"),
    translate("actions", "punching"),
    translate("actions", "push up"),
    translate("actions", "jumping"),
    translate("actions", "arm circles"),
    translate("actions", "kicking"),
    translate("actions", "lunge"),
    translate("actions", "side stretch"),
    translate("actions", "bicep curl"),
    translate("actions", "standing still"),
    translate("actions", "sitting still"),
)
"""The actions of the bundled model."""
READOUTS = (
    tr("none of the known actions"),
    tr("no confident action"),
    tr("untrained model: scores are meaningless"),
    tr("the model does not answer"),
    tr("not recognized yet"),
    tr("no model"),
    tr("no model yet"),
    tr("no picture"),
    tr("warming up"),
    tr("too short to recognize"),
    tr("idle, resting"),
    tr("nobody in the picture"),
    tr("recognition pauses"),
)
"""What `core.readout_text` says if there is no action."""
OF_THE_BUNDLED_MODEL = (
    tr("A small SlowFast for everyday actions, trained only on rendered people."),
    tr("Trained by this project on clips that it rendered itself."),
)
"""What the description of the bundled model says of it."""
_RECONNECTING = re.compile(r"reconnecting \((\d+)\)")


def action_name(label: str) -> str:
    """Return an action's name as it is shown; labels of other models stay as they are."""
    return translate("actions", label)


def person_title(identity: int) -> str:
    """Return how a person is called in the window."""
    return tr("Person {number}", number=identity)


def sentence(text: str) -> str:
    """Return what another room says, such as "no confident action"; unknown texts stay English."""
    if found := _RECONNECTING.fullmatch(text):
        return tr("reconnecting ({number})", number=found[1])
    return shown(text) if isinstance(text, Message) else tr(text)


def class_name(text: str) -> str:
    """Return the name of a class of a readout: an action, or that it is none that the model knows."""
    return tr(text) if text == NONE_KNOWN else action_name(text)


def headline(text: ReadoutText) -> str:
    """Return the large line of a readout."""
    if text.action is None:
        return sentence(text.headline)
    return SEPARATOR.join(action_name(label) for label in text.headline.split(SEPARATOR))


def change_text(change: Change | None) -> str:
    """Return what an edit did, and to whose event if it is a person's; "" for none."""
    what, person = _change_text(change), _whose(change)
    return what if person is None else tr("{person}: {change}", person=person_title(person), change=what)


def _whose(change: Change | None) -> int | None:
    """Return whose event was edited; None for the whole picture or several."""
    match change:
        case Rename() | Move():
            return change.target.person
        case Add():
            return change.person
        case Delete() if len(people := {target.person for target in change.targets}) == 1:
            return people.pop()
        case _:
            return None


def _change_text(change: Change | None) -> str:
    match change:
        case Rename():
            return tr("“{before}” renamed to “{name}”", before=action_name(change.target.shown), name=change.name)
        case RenameAll():
            return tr("all “{label}” renamed to “{name}”", label=action_name(change.label), name=change.name)
        case Delete() if len(change.targets) > 1:
            return tr("{count} events deleted", count=len(change.targets))
        case Delete():
            return tr("“{label}” deleted", label=action_name(change.targets[0].shown))
        case Add():
            return tr("“{label}” added", label=action_name(change.event.label))
        case Move():
            return tr("“{label}” moved", label=action_name(change.target.shown))
        case _:
            return ""
