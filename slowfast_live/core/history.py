"""Recognition history in bounded memory: events, and curves at any number of columns."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Hashable
from dataclasses import dataclass, replace

from slowfast_live.core.curves import NONE_KNOWN, Cells, Columns, LiveCurves, columns_of
from slowfast_live.core.decisions import DecisionSet
from slowfast_live.core.events import Event, EventRule
from slowfast_live.core.moments import Decided, DecisionRule
from slowfast_live.core.passes import MAX_EVENTS, Pass, splice
from slowfast_live.core.several import in_order, rows_of
from slowfast_live.core.several_decisions import decision_set
from slowfast_live.types import Prediction, Readout

MAX_KEPT_BYTES = 1 << 27
"""Memory limit for the decisions of files that were shown earlier; the oldest are discarded first."""
_NO_LABEL = -1


@dataclass(frozen=True, slots=True)
class HistoryMoment:
    """What was recognized at one point in time.

    Attributes:
        label: The action shown; None if no action reached the threshold.
        score: Its smoothed score, or that of the best class if there is no label.
        activity: Activity, 0..1; None if not measured.
        none_known: Whether the model recognized a background label.
    """

    label: str | None
    score: float
    activity: float | None
    none_known: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The events at one point in time.

    Attributes:
        version: Incremented with every change.
        events: Events, oldest first, without overlaps.
        going_on: Index of the event in progress, the latest one if there are several; None if there is none.
        begin_s: Start of the known time on the source's clock.
        end_s: End of the known time; not after `begin_s` if nothing is known.
        overlapping: Whether events may overlap, because the model gives several answers at once.
    """

    version: int = 0
    events: tuple[Event, ...] = ()
    going_on: int | None = None
    begin_s: float = 0.0
    end_s: float = 0.0
    overlapping: bool = False

    @property
    def in_progress(self) -> frozenset[int]:
        """Indices of all events in progress; of overlapping ones, those that end with `going_on`."""
        if self.going_on is None:
            return frozenset()
        if not self.overlapping:
            return frozenset((self.going_on,))
        end_s = self.events[self.going_on].end_s
        return frozenset(i for i, event in enumerate(self.events) if event.end_s == end_s)


@dataclass(frozen=True, slots=True, eq=False)
class LiveState:
    """Complete history of a live source.

    Attributes:
        model: Name of the model that ran last; "" if none has run.
        snapshot: The events.
        curves: Curves of the last `LIVE_SPAN_S`.
    """

    model: str
    snapshot: Snapshot
    curves: LiveCurves


def model_key(model: Hashable) -> str:
    """Return a text that identifies a model across runs."""
    return hashlib.blake2b(repr(model).encode(), digest_size=16).hexdigest()


class History:
    """Recognition history: written by the pipeline's worker thread, read by the window. Thread-safe.

    For a file, each model has a `DecisionSet` in which every moment is decided once. Playing a part again changes
    nothing, another model starts another set, and returning to a model or file shows its set again.

    A live source cannot be replayed. Its predictions are added with `add`, and the curves of the last `LIVE_SPAN_S` are
    kept. A *pass* is a period without interruption.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rules: dict[str, EventRule] = {}
        self._version = 0
        self._threshold: float | None = None
        self._expected_s = 0.0
        self._file: Hashable = None
        self._sets: dict[tuple[Hashable, str], DecisionSet] = {}  # by (file, model), most recently used last
        self._shown: DecisionSet | None = None
        self._archived = False
        self._start(live=True, since_generation=0)

    def _start(self, *, live: bool, since_generation: int) -> None:
        self._live = live
        self._cells = Cells()
        self._since_generation = since_generation
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._past: list[Event] = []  # events of earlier passes
        self._pass: Pass | None = None
        self._step_s = 0.0
        self._range: tuple[float, float] | None = None
        self._model = ""

    def know(self, rules: dict[str, EventRule]) -> None:
        """Set the event rules of models by name; other models use the default `EventRule`."""
        with self._lock:
            self._rules.update(rules)

    def begin(self, *, live: bool, generation: int = 0, file: Hashable = None, archived: bool = False) -> None:
        """Switch to another source.

        Args:
            live: Whether the source is live: everything known is discarded, and predictions are added with `add`.
            generation: Predictions of older generations are ignored.
            file: Key that identifies the file; its earlier decisions are shown again. None: there are none.
            archived: An earlier session is shown without its source: nothing is added except by `restore`.
        """
        with self._lock:
            self._show(None)
            self._start(live=live, since_generation=generation)
            self._archived = archived
            self._file = file if file is not None else object()
            for decisions in list(self.sets(self._file).values())[-1:]:  # until a model runs that uses another set
                decisions.set_threshold(self._threshold)
                self._show(decisions)
            self._forget_oldest()

    def decisions(self, model: Hashable, rule: DecisionRule) -> DecisionSet | None:
        """Return a model's decisions for the current file, and show them; None if no file is played.

        Args:
            model: Key that identifies the model, including everything that affects its predictions.
            rule: How its scores become labels and events.
        """
        with self._lock:
            if self._live or self._archived:
                return None
            key = self._file, model_key(model)
            found = self._sets.pop(key, None)
            if found is None or found.rule != rule:  # a session from elsewhere may claim any key
                found = decision_set(rule)
            self._sets[key] = found
            found.set_threshold(self._threshold)
            if found is not self._shown:
                self._show(found)
                self._forget_oldest()
            return found

    # Saving and restoring.

    @property
    def file(self) -> Hashable:
        """Key of the current file, see `begin`."""
        with self._lock:
            return self._file

    def sets(self, file: Hashable) -> dict[str, DecisionSet]:
        """Return the decision sets of a file by model key, most recently used last."""
        with self._lock:
            return {model: decided for (shown, model), decided in self._sets.items() if shown == file}

    def restore(self, file: Hashable, model: str, decided: Decided) -> None:
        """Restore a model's decisions of an earlier run for the current file. Thread-safe; may take a while.

        Args:
            file: Key of the file; if another file is shown, nothing is restored.
            model: Key of the model, see `sets`.
            decided: The saved decisions.
        """
        made = decision_set(decided.rule)
        made.restore(decided)
        with self._lock:
            if self._live or file != self._file:
                return
            key = file, model
            known = self._sets.get(key)
            if known is None:
                self._sets = {key: made, **self._sets}
                if self._shown is None:
                    made.set_threshold(self._threshold)
                    self._show(made)
                return
        if known.rule == decided.rule and known.count < len(decided.rows):
            known.restore(decided)

    def live(self) -> LiveState | None:
        """Return the history of a live source for saving; None for a file."""
        snapshot = self.snapshot()
        with self._lock:
            if not self._live:
                return None
            first, label, score, activity = self._cells.stored()
            curves = LiveCurves(self._cells.cell_s, first, tuple(self._names), label, score, activity)
            model = self._pass.model if self._pass is not None else self._model
            return LiveState(model, snapshot, curves)

    def restore_live(self, state: LiveState) -> None:
        """Show the history of a live source from an earlier run."""
        with self._lock:
            self._show(None)
            self._start(live=False, since_generation=self._since_generation)
            self._past = list(state.snapshot.events)
            self._range = state.snapshot.begin_s, state.snapshot.end_s
            self._names, curves = list(state.curves.names), state.curves
            self._cells = Cells()
            self._cells.load(curves.cell_s, curves.first, curves.label, curves.score, curves.activity)

    # Adding.

    def set_threshold(self, threshold: float | None) -> None:
        """Set the threshold for a file, as a smoothed score; None: what each model recommends."""
        with self._lock:
            self._threshold = threshold
            if self._shown is not None:
                self._shown.set_threshold(threshold)

    def expect(self, step_s: float) -> None:
        """Set the time between two predictions of a live source that a limit allows at least; 0 for no limit.

        A label is then held for twice that time, so that events do not fall apart.
        """
        with self._lock:
            if step_s != self._expected_s:
                self._expected_s = step_s
                self._end_pass()

    def _show(self, decisions: DecisionSet | None) -> None:
        self._version = self.version + 1
        self._shown = decisions

    def _forget_oldest(self) -> None:
        """Discard the decisions of other files that exceed the memory limit, oldest first."""
        others = [key for key in self._sets if key[0] != self._file]
        held = sum(self._sets[key].memory_bytes for key in others)
        for key in others:
            if held <= MAX_KEPT_BYTES:
                return
            held -= self._sets.pop(key).memory_bytes

    def add(self, prediction: Prediction, readout: Readout) -> None:
        """Add a prediction of a live source; ignored for files, which are only changed through `decisions`."""
        with self._lock:
            if prediction.generation < self._since_generation or not self._live:
                return
            self._version += 1
            t_s = prediction.t_end_s
            if self._pass is None or not self._pass.continues(prediction):
                self._end_pass()
                rule = self._rules.get(prediction.model, EventRule())
                rule = replace(rule, hold_s=max(rule.hold_s, 2 * self._step_s, 2 * self._expected_s))
                self._pass = Pass(prediction, rule)
            elif t_s > self._pass.newest_s:
                self._step_s = t_s - self._pass.newest_s
            self._write(self._pass, t_s, readout)
            self._pass.add(t_s, readout)
            low, high = self._range or (math.inf, -math.inf)
            self._range = min(low, self._pass.begin_s), max(high, t_s)

    def _write(self, current: Pass, t_s: float, readout: Readout) -> None:
        """Extend the previous value to now and start the new one, both dated back."""
        lag_s = current.rule.lag_s
        if current.value is not None and t_s > current.newest_s:
            until_s = min(t_s, current.newest_s + current.rule.hold_s)
            self._cells.write(current.newest_s - lag_s, until_s - lag_s, *current.value)
        activity = math.nan if readout.activity is None else readout.activity
        number = NONE_KNOWN if readout.none_known else self._number(readout.label)
        current.value = number, readout.score, activity
        self._cells.write(t_s - lag_s, t_s, *current.value)

    def _number(self, label: str | None) -> int:
        if label is None:
            return _NO_LABEL
        if label not in self._numbers:
            self._numbers[label] = len(self._names)
            self._names.append(label)
        return self._numbers[label]

    def _end_pass(self) -> None:
        if self._pass is not None:
            ended, self._pass = self._pass, None
            self._model = ended.model
            events = [*ended.events, *ended.tracker.finish()]
            self._past = splice(self._past, events, ended.begin_s, ended.sure_until_s(events), ended.rule)[-MAX_EVENTS:]

    # Queries.

    @property
    def version(self) -> int:
        """Incremented with every change."""
        with self._lock:
            return self._version + (self._shown.version if self._shown is not None else 0)

    def snapshot(self) -> Snapshot:
        """Return the current events."""
        with self._lock:
            version = self.version
            if self._shown is not None:
                events, going_on = self._shown.events()
                begin_s, end_s = self._shown.range_s or (0.0, 0.0)
                return Snapshot(version, events, going_on, begin_s, end_s, self._shown.rule.events.overlapping)
            begin_s, end_s = self._range or (0.0, 0.0)
            if self._pass is None:
                overlapping = rows_of(self._past) != [0] * len(self._past)
                return Snapshot(version, tuple(self._past), None, begin_s, end_s, overlapping)
            now, current = self._pass, self._pass.current()
            new = [*now.events, *current] if current else now.events
            if now.rule.overlapping:
                new = in_order(new)
            joined = splice(self._past, new, now.begin_s, now.sure_until_s(new), now.rule)[-MAX_EVENTS:]
            going_on = None
            if any(event.end_s >= now.newest_s for event in current):
                going_on = next(i for i in reversed(range(len(joined))) if joined[i].end_s >= now.newest_s)
            return Snapshot(version, tuple(joined), going_on, begin_s, end_s, now.rule.overlapping)

    def at(self, t_s: float) -> HistoryMoment | None:
        """Return what was recognized at a time; None if nothing is known."""
        with self._lock:
            if self._shown is not None:
                readout = self._shown.readout_at(t_s)
                return (
                    None
                    if readout is None
                    else HistoryMoment(readout.label, readout.score, readout.activity, readout.none_known)
                )
            known = self._cells.at(t_s)
            if known is None:
                return None
            label, score, activity = known
            name = None if label < 0 else self._names[label]
            return HistoryMoment(name, score, None if math.isnan(activity) else activity, label == NONE_KNOWN)

    def readout_at(self, t_s: float) -> Readout | None:
        """Return the readout for a time in a file, consistent with events and curves; None if there is none."""
        with self._lock:
            return None if self._shown is None else self._shown.readout_at(t_s)

    def columns(self, begin_s: float, end_s: float, count: int) -> Columns:
        """Return the curves from `begin_s` to `end_s` in `count` columns; fast for any duration."""
        with self._lock:
            if self._shown is not None:
                return columns_of(self._shown.curve(begin_s, end_s), begin_s, end_s, count)
            return self._cells.columns(begin_s, end_s, count)
