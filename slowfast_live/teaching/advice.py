"""A report in words: how well a taught model will work, what is mixed up, and what to add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from slowfast_live.messages import Message, listed
from slowfast_live.teaching.learning import TeachingReport
from slowfast_live.teaching.takes import NOTHING

ENOUGH = 3
"""Takes of an action below which more are recommended."""
_SOUND = 0.8
_MOST_PAIRS = 3


def quoted(label: str) -> str:
    """Return the name of an action for a sentence."""
    return Message("“{name}”", name=label) if label != NOTHING else Message("“none of these”")


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else Message("{names} and {last}", names=listed(names[:-1]), last=names[-1])


def _takes(count: int) -> str:
    return Message("1 take") if count == 1 else Message("{count} takes", count=count)


def summary(report: TeachingReport) -> str:
    """Return one sentence: how many held-out takes were right."""
    tested = report.actions_tested
    if not tested:
        return Message("It cannot be tested yet: each action has one take only.")
    share, right, takes = report.right / len(tested), report.right, _takes(len(tested))
    if share >= 0.9:
        return Message(
            "It works well: {right} of {takes} that it had not seen got their action.", right=right, takes=takes
        )
    if share >= _SOUND:
        return Message(
            "It works in most cases: {right} of {takes} that it had not seen got their action.",
            right=right,
            takes=takes,
        )
    return Message(
        "It does not work well yet: {right} of {takes} that it had not seen got their action.", right=right, takes=takes
    )


def sentences(report: TeachingReport) -> list[str]:
    """Return what is good and what to do, most important first; the first sentence is the summary."""
    return [
        summary(report),
        *_untested(report),
        *_mixed_up(report),
        *_missed(report),
        *_about_nothing(report),
        *_few(report),
    ]


def _untested(report: TeachingReport) -> list[str]:
    single = [quoted(label) for label, count in zip(report.labels, report.takes, strict=False) if count == 1]
    if not single:
        return []
    if len(single) == 1:
        return [
            Message("{name} has one take only, so nothing is known about it: add two more of each.", name=single[0])
        ]
    return [
        Message(
            "{names} have one take only, so nothing is known about them: add two more of each.", names=_joined(single)
        )
    ]


def _mixed_up(report: TeachingReport) -> list[str]:
    pairs: Counter[tuple[str, str]] = Counter()
    for each in report.actions_tested:
        if each.said not in (each.label, NOTHING):
            first, second = sorted((each.label, each.said))
            pairs[first, second] += 1
    found: list[str] = []
    for (first, second), count in pairs.most_common(_MOST_PAIRS):
        total = sum(each.label in (first, second) for each in report.actions_tested)
        found.append(
            Message(
                "{first} and {second} are mixed up in {count} of {takes}: add two more of each.",
                first=quoted(first),
                second=quoted(second),
                count=count,
                takes=_takes(total),
            )
        )
    return found


def _missed(report: TeachingReport) -> list[str]:
    """Name actions that are taken for nothing, or whose score is too low to be shown."""
    found: list[str] = []
    for label in report.labels:
        tested = [each for each in report.tested if each.label == label]
        for_nothing = sum(each.said == NOTHING for each in tested)
        if for_nothing:
            found.append(
                Message(
                    "{name} is taken for {nothing} in {count} of {takes}: add two more in which it fills the whole "
                    "time.",
                    name=quoted(label),
                    nothing=quoted(NOTHING),
                    count=for_nothing,
                    takes=_takes(len(tested)),
                )
            )
        elif tested and sum(each.right for each in tested) / len(tested) < 0.3:
            found.append(
                Message(
                    "{name} is recognized with low scores only and will often not be shown: add takes.",
                    name=quoted(label),
                )
            )
    return found


def _about_nothing(report: TeachingReport) -> list[str]:
    if report.takes[-1] == 0:
        return [
            Message(
                "There is no example of “none of these”, so anything may be taken for an action. Add some: sitting "
                "down, "
                "walking past, whatever else happens there."
            )
        ]
    found: list[str] = []
    if report.unknown_rejected is not None:
        found.append(Message("Of something else, {share:.0%} is shown as no action.", share=report.unknown_rejected))
    wrong = Counter(each.said for each in report.tested if each.label == NOTHING and each.said != NOTHING)
    for label, count in wrong.most_common(1):
        total = sum(each.label == NOTHING for each in report.tested)
        found.append(
            Message(
                "{nothing} is taken for {name} in {count} of {takes}: add more of it.",
                nothing=quoted(NOTHING),
                name=quoted(label),
                count=count,
                takes=_takes(total),
            )
        )
    return found


def _few(report: TeachingReport) -> list[str]:
    few = [
        quoted(label)
        for label, count in zip((*report.labels, NOTHING), report.takes, strict=True)
        if 1 < count < ENOUGH or (label == NOTHING and count == 1)
    ]
    if not few:
        return []
    return [
        Message(
            "{names} would gain from at least {enough} takes, each in another place or by another person.",
            names=_joined(few),
            enough=ENOUGH,
        )
    ]
