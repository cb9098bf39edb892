"""A report in words: how well a taught model will work, what is mixed up, and what to add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from slowfast_live.teaching.learning import TeachingReport
from slowfast_live.teaching.takes import NOTHING, NOTHING_NAME

ENOUGH = 3
"""Takes of an action below which more are recommended."""
_SOUND = 0.8
_MOST_PAIRS = 3


def quoted(label: str) -> str:
    """Return the name of an action for a sentence."""
    return f"“{label}”" if label != NOTHING else f"“{NOTHING_NAME}”"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _takes(count: int) -> str:
    return "1 take" if count == 1 else f"{count} takes"


def summary(report: TeachingReport) -> str:
    """Return one sentence: how many held-out takes were right."""
    tested = report.actions_tested
    if not tested:
        return "It cannot be tested yet: each action has one take only."
    share = report.right / len(tested)
    verdict = "works well" if share >= 0.9 else "works in most cases" if share >= _SOUND else "does not work well yet"
    return f"It {verdict}: {report.right} of {_takes(len(tested))} that it had not seen got their action."


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
    verb, it = ("has", "it") if len(single) == 1 else ("have", "them")
    return [f"{_joined(single)} {verb} one take only, so nothing is known about {it}: add two more of each."]


def _mixed_up(report: TeachingReport) -> list[str]:
    pairs: Counter[tuple[str, str]] = Counter()
    for each in report.actions_tested:
        if each.said not in (each.label, NOTHING):
            first, second = sorted((each.label, each.said))
            pairs[first, second] += 1
    found = []
    for (first, second), count in pairs.most_common(_MOST_PAIRS):
        total = sum(each.label in (first, second) for each in report.actions_tested)
        found.append(
            f"{quoted(first)} and {quoted(second)} are mixed up in {count} of {_takes(total)}: add two more of each."
        )
    return found


def _missed(report: TeachingReport) -> list[str]:
    """Name actions that are taken for nothing, or whose score is too low to be shown."""
    found = []
    for label in report.labels:
        tested = [each for each in report.tested if each.label == label]
        for_nothing = sum(each.said == NOTHING for each in tested)
        if for_nothing:
            found.append(
                f"{quoted(label)} is taken for {quoted(NOTHING)} in {for_nothing} of {_takes(len(tested))}: add two "
                "more in which it fills the whole time."
            )
        elif tested and sum(each.right for each in tested) / len(tested) < 0.3:
            found.append(f"{quoted(label)} is recognized with low scores only and will often not be shown: add takes.")
    return found


def _about_nothing(report: TeachingReport) -> list[str]:
    if report.takes[-1] == 0:
        return [
            "There is no example of “none of these”, so anything may be taken for an action. Add some: sitting down, "
            "walking past, whatever else happens there."
        ]
    found = []
    if report.unknown_rejected is not None:
        found.append(f"Of something else, {report.unknown_rejected:.0%} is shown as no action.")
    wrong = Counter(each.said for each in report.tested if each.label == NOTHING and each.said != NOTHING)
    for label, count in wrong.most_common(1):
        total = sum(each.label == NOTHING for each in report.tested)
        found.append(f"{quoted(NOTHING)} is taken for {quoted(label)} in {count} of {_takes(total)}: add more of it.")
    return found


def _few(report: TeachingReport) -> list[str]:
    few = [
        quoted(label)
        for label, count in zip((*report.labels, NOTHING), report.takes, strict=True)
        if 1 < count < ENOUGH or (label == NOTHING and count == 1)
    ]
    if not few:
        return []
    return [f"{_joined(few)} would gain from at least {ENOUGH} takes, each in another place or by another person."]
