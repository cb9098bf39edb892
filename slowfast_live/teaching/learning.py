"""Learning from takes: a calibrated linear classifier, tested take by take on takes that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slowfast_live.errors import TeachingError
from slowfast_live.messages import Message
from slowfast_live.teaching.graph import Head
from slowfast_live.teaching.takes import NOTHING, Take
from slowfast_live.types import F32

MAX_ROWS = 20_000
"""Frame windows that are learned from; of more, evenly spread ones of each take are used."""
_FOLDS = 5
_DIMENSIONS = 128
"""Principal components of the features that the classifier sees: fewer takes than features need no more."""
_REGULARIZATION = 10.0
"""scikit-learn's C, for components scaled so that the features of a row have length 1 on average."""
_TEMPERATURES = np.geomspace(1.0, 8.0, 43)
"""Scores are never sharpened: a few held-out takes that are all right do not justify it."""
SHOWN_UNKNOWN = 0.12
"""Share of frame windows of something else that may show an action, on held-out takes; smoothing leaves fewer."""
KEPT_KNOWN = 0.7
"""Share of the held-out windows with the right action that must still show it, whatever that admits of something else:
a classifier that was trained without one of few actions is often sure of another one."""
_FEWEST_ACTIONS_LEFT_OUT = 4

F64 = NDArray[np.float64]
Progress = Callable[[float], None]
"""Called with the share done, 0..1; may raise to end the work."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureRows:
    """Frame windows of takes.

    Attributes:
        features: float32 (N, F).
        labels: int (N,): index of the action; K for none of them.
        takes: int (N,): index of the take.
    """

    features: F32
    labels: NDArray[np.int64]
    takes: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> FeatureRows:
        """Return some of the rows."""
        return FeatureRows(self.features[chosen], self.labels[chosen], self.takes[chosen])


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of one held-out take.

    Attributes:
        take: The take's id.
        label: Its label; `NOTHING` for none.
        said: The label that the classifier gave it as a whole.
        right: Share of its windows that show the right action (of `NOTHING`: none) at the threshold.
    """

    take: str
    label: str
    said: str
    right: float


@dataclass(frozen=True, slots=True)
class TeachingReport:
    """How well a classifier works on takes that it was not trained on.

    Attributes:
        labels: The actions.
        takes: Number of takes of each action, and of `NOTHING` last.
        tested: Held-out takes; a label with one take has none.
        threshold: The threshold.
        unknown_rejected: Share of windows of something else that show no action at the threshold; None if not known.
        temperature: What the scores were divided by.
    """

    labels: tuple[str, ...]
    takes: tuple[int, ...]
    tested: tuple[Tested, ...]
    threshold: float
    unknown_rejected: float | None
    temperature: float

    @property
    def actions_tested(self) -> tuple[Tested, ...]:
        """The held-out takes of actions."""
        return tuple(each for each in self.tested if each.label != NOTHING)

    @property
    def right(self) -> int:
        """How many held-out takes of actions got their label."""
        return sum(each.said == each.label for each in self.actions_tested)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A classifier, ready to be put into a network.

    Attributes:
        labels: The actions.
        head: Its weights; class K is "none of these" where there are takes of that.
        report: How well it works.
    """

    labels: tuple[str, ...]
    head: Head
    report: TeachingReport


@dataclass(slots=True, eq=False)
class _HeldOut:
    """Logits of windows that were held out, and where they come from."""

    logits: list[F64] = field(default_factory=list)
    labels: list[NDArray[np.int64]] = field(default_factory=list)
    takes: list[NDArray[np.int64]] = field(default_factory=list)


def check_takes(takes: Sequence[Take]) -> tuple[str, ...]:
    """Return the actions of takes, in the order of their first example.

    Raises:
        TeachingError: There is nothing to learn from; the message says what is missing.
    """
    labels = tuple(dict.fromkeys(take.label for take in takes if take.label != NOTHING))
    if not labels:
        raise TeachingError(
            Message("There is no example of an action yet. Add an action, and take two examples of it at least.")
        )
    if len(labels) == 1 and not any(take.label == NOTHING for take in takes):
        raise TeachingError(
            Message(
                "“{labels}” is the only action, and there is no example of “none of these”: nothing to tell it "
                "apart from. Add another action, or some examples of “none of these”.",
                labels=labels[0],
            )
        )
    if len(trunks := {take.trunk for take in takes}) > 1:
        raise TeachingError(
            Message(
                "The examples were taken with {count} different models; features of one mean nothing to another. "
                "Remove those of the other model, or take them again.",
                count=len(trunks),
            )
        )
    if len({take.size for take in takes}) > 1:
        raise TeachingError(Message("The examples have features of different length. Remove those of the other model."))
    return labels


def rows_of(takes: Sequence[Take], labels: Sequence[str]) -> FeatureRows:
    """Return the frame windows of takes, at most `MAX_ROWS`."""
    most = max(2, MAX_ROWS // len(takes))
    parts: list[F32] = []
    for take in takes:
        features = take.features()
        if len(features) > most:
            features = features[np.linspace(0, len(features) - 1, most).round().astype(int)]
        parts.append(features)
    lengths = [len(part) for part in parts]
    index = {label: i for i, label in enumerate(labels)}
    of_take = [index.get(take.label, len(labels)) for take in takes]
    return FeatureRows(
        np.concatenate(parts),
        np.repeat(np.array(of_take, np.int64), lengths),
        np.repeat(np.arange(len(takes), dtype=np.int64), lengths),
    )


def fit(rows: FeatureRows, classes: int, weights_of: NDArray[np.float64] | None = None) -> tuple[F64, F64]:
    """Fit a linear classifier.

    Features are standardized and reduced to their principal components; a multinomial logistic regression with L2
    regularization follows, in which each class counts the same, and within it each take. All of it is linear, and is
    returned as one matrix.

    Args:
        rows: The frame windows.
        classes: Number of classes; one without rows gets a bias that excludes it.
        weights_of: Weight of each row; None for equal classes and takes.

    Returns:
        Weights float64 (classes, F) and bias (classes,).
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    x = rows.features.astype(np.float64)
    mean, spread = x.mean(0), x.std(0) + 1e-3 * x.std() + 1e-12
    count = min(_DIMENSIONS, *x.shape)
    with threadpool_limits(1):  # small matrices: more threads only disturb recognition
        components = PCA(count, svd_solver="covariance_eigh" if len(x) >= x.shape[1] else "full")
        scale = np.sqrt(x.shape[1])
        z = components.fit_transform((x - mean) / spread) / scale
        model: Any = LogisticRegression(C=_REGULARIZATION, max_iter=1000)
        model.fit(z, rows.labels, sample_weight=_sample_weights(rows) if weights_of is None else weights_of)
    coefficients, intercept = np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64)
    if len(model.classes_) == 2:  # the logit of the second class against the first one
        coefficients, intercept = np.vstack([-coefficients, coefficients]) / 2, np.array([-1, 1]) * intercept / 2
    to_features = components.components_ / scale / spread
    offset = (components.mean_ @ components.components_.T) / scale
    weights, bias = np.zeros((classes, x.shape[1])), np.full(classes, -1e4)
    found = np.asarray(model.classes_, np.int64)
    weights[found] = coefficients @ to_features
    bias[found] = intercept - coefficients @ offset - weights[found] @ mean
    return weights, bias


def _sample_weights(rows: FeatureRows) -> F64:
    """Return weights with which all classes count the same, and within a class all takes."""
    weights = np.zeros(len(rows.labels))
    present = np.unique(rows.labels)
    for label in present:
        of_label = rows.labels == label
        takes = np.unique(rows.takes[of_label])
        for take in takes:
            chosen = rows.takes == take
            weights[chosen] = 1 / (len(present) * len(takes) * chosen.sum())
    return np.asarray(weights * len(weights))


def learn(takes: Sequence[Take], progress: Progress = lambda share: None) -> Learned:
    """Learn from takes.

    Cross-validation holds out whole takes: windows of one take are much alike, so that a test on windows of a take that
    was trained on says nothing. Its scores give the temperature (Guo et al. 2017, arXiv 1706.04599) and the threshold:
    the lowest at which at most `SHOWN_UNKNOWN` of the windows of something else show an action, or a lower one so that
    at least `KEPT_KNOWN` of the right answers are shown. Something else are
    held-out takes of none of the actions, and each action for a classifier that was trained without it.

    Args:
        takes: Of one network.
        progress: Called now and then.

    Raises:
        TeachingError: There is too little to learn from.
    """
    labels = check_takes(takes)
    rows, actions = rows_of(takes, labels), len(labels)
    none = any(take.label == NOTHING for take in takes)
    classes = actions + int(none)
    folds = _folds(takes)
    left_out = actions if actions >= _FEWEST_ACTIONS_LEFT_OUT else 0
    steps, done = len(folds) + left_out + 1, 0

    def step() -> None:
        nonlocal done
        done += 1
        progress(done / steps)

    progress(0.0)
    held = _HeldOut()
    for fold in folds:
        out = np.isin(rows.takes, fold)
        weights, bias = fit(rows.where(~out), classes)
        test = rows.where(out)
        held.logits.append(test.features @ weights.T + bias)
        held.labels.append(test.labels)
        held.takes.append(test.takes)
        step()
    temperature = _temperature(held)
    unknown = _unknown_by_takes(held, actions, temperature)
    for label in range(left_out):
        chosen = rows.labels == label
        weights, bias = fit(rows.where(~chosen), classes)
        unknown.append(_shown(rows.features[chosen] @ weights.T + bias, actions, temperature))
        step()
    threshold, rejected = _threshold(unknown, _right_scores(held, actions, temperature), classes)
    weights, bias = fit(rows, classes)
    step()
    head = Head(
        np.asarray(weights / temperature, np.float32),
        np.asarray(bias / temperature, np.float32),
        actions if none else None,
    )
    counts = [sum(take.label == label for take in takes) for label in (*labels, NOTHING)]
    tested = _tested(held, takes, labels, temperature, threshold)
    return Learned(labels, head, TeachingReport(labels, tuple(counts), tested, threshold, rejected, temperature))


def _folds(takes: Sequence[Take]) -> list[list[int]]:
    """Return lists of takes to hold out: those of each label are dealt out in turn; a label's only take is never."""
    by_label: dict[str, list[int]] = {}
    for index, take in enumerate(takes):
        by_label.setdefault(take.label, []).append(index)
    folds: list[list[int]] = [[] for _ in range(_FOLDS)]
    for indices in by_label.values():
        if len(indices) > 1:
            for turn, index in enumerate(indices):
                folds[turn % min(_FOLDS, len(indices))].append(index)
    return [fold for fold in folds if fold]


def _softmax(logits: F64) -> F64:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _temperature(held: _HeldOut) -> float:
    """Return the temperature with the best likelihood of the held-out windows; 1 if there are none."""
    if not held.logits:
        return 1.0
    logits, labels = np.concatenate(held.logits), np.concatenate(held.labels)
    losses = [-np.log(_softmax(logits / t)[np.arange(len(labels)), labels] + 1e-12).mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _shown(logits: F64, actions: int, temperature: float) -> F64:
    """Return the score with which each window shows an action; 0 where "none of these" is best."""
    scores = _softmax(logits / temperature)
    return np.asarray(np.where(scores.argmax(1) < actions, scores[:, :actions].max(1), 0.0))


def _unknown_by_takes(held: _HeldOut, actions: int, temperature: float) -> list[F64]:
    if not held.logits:
        return []
    logits, labels = np.concatenate(held.logits), np.concatenate(held.labels)
    return [_shown(logits[labels == actions], actions, temperature)] if (labels == actions).any() else []


def _right_scores(held: _HeldOut, actions: int, temperature: float) -> F64:
    """Return the scores of the held-out windows whose best class is their own action."""
    if not held.logits:
        return np.zeros(0)
    scores, labels = _softmax(np.concatenate(held.logits) / temperature), np.concatenate(held.labels)
    right = (labels < actions) & (scores.argmax(1) == labels)
    return np.asarray(scores[right].max(1)) if right.any() else np.zeros(0)


def _threshold(unknown: Sequence[F64], right: F64, classes: int) -> tuple[float, float | None]:
    """Return the threshold, and the share of windows of something else that it rejects; every kind counts the same."""
    if not unknown:
        return round(max(0.5, 1.5 / classes), 2), None
    grid = np.arange(0.2, 0.991, 0.01)
    shown = [float(np.mean([(scores >= value).mean() for scores in unknown])) for value in grid]
    at = next((i for i, share in enumerate(shown) if share <= SHOWN_UNKNOWN), len(grid) - 1)
    highest = float(np.quantile(right, 1 - KEPT_KNOWN)) if len(right) else 1.0
    at = max(0, min(at, int(np.searchsorted(grid, highest, "right")) - 1))
    return round(float(grid[at]), 2), 1 - shown[at]


def _tested(
    held: _HeldOut, takes: Sequence[Take], labels: tuple[str, ...], temperature: float, threshold: float
) -> tuple[Tested, ...]:
    found: list[Tested] = []
    names = (*labels, NOTHING)
    for logits, of_row in zip(held.logits, held.takes, strict=True):
        scores = _softmax(logits / temperature)
        for index in np.unique(of_row):
            own, take = scores[of_row == index], takes[int(index)]
            best, score = own.argmax(1), own.max(1)
            truth = names.index(take.label)
            shown = (best < len(labels)) & (score >= threshold)
            right = (shown & (best == truth)) if take.label != NOTHING else ~shown
            found.append(Tested(take.id, take.label, names[int(own.mean(0).argmax())], float(right.mean())))
    order = {take.id: i for i, take in enumerate(takes)}
    return tuple(sorted(found, key=lambda each: order[each.take]))
