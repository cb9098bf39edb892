"""Finds and follows people on a thread of its own, a few times a second, never in the way of picture or label."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slowfast_live.core.clock import Clock
from slowfast_live.core.priority import step_back
from slowfast_live.errors import SlowFastLiveError
from slowfast_live.messages import Message, sentences
from slowfast_live.people.detector_port import PersonDetector
from slowfast_live.people.moving import MotionDetector
from slowfast_live.people.now import MOTION, OFF
from slowfast_live.people.tracker import Known, TrackedPerson, Tracker
from slowfast_live.types import U8, Level, Notice, Topic

log = logging.getLogger(__name__)

SHORTEST_STEP_S, LONGEST_STEP_S = 0.1, 0.2
"""Between two detections: ten a second while that is cheap, five otherwise."""
_SHARE = 0.5
"""Largest share of the time that a detector computes; one that takes longer is asked less often."""
HUNG_AFTER_S = 10.0
"""If a detection takes longer than this while frames keep arriving, the detector is given up."""
_LONGEST_PAUSE_S = 1.0
_GIVEN_UP_AFTER = 3
"""Failures in a row after which a detector is given up."""
STOP_WITHIN_S = 2.0

MakeDetector = Callable[[str], PersonDetector]
"""Returns the detector of a name; may take seconds, and raises `SlowFastLiveError` if there is none or it fails."""


@dataclass(frozen=True, slots=True, eq=False)
class _Offer:
    image: U8
    t_s: float
    generation: int


class PeopleFollower:
    """Follows the people in the frames that it is offered. Thread-safe.

    A detector that fails or hangs is replaced by regions that move, with a notice; picture and label go on in any case.

    Args:
        make: Makes a detector; called on this follower's thread.
        clock: Used to pace the detections.
        notify: Receives notices for the user.
        changed: Called after each detection with the people and its time, on this follower's thread.
        known: Returns who is known to have been where at a time; see `Tracker`.
    """

    def __init__(
        self,
        make: MakeDetector,
        clock: Clock,
        notify: Callable[[Notice], None],
        changed: Callable[[Sequence[TrackedPerson], float], None] = lambda people, t_s: None,
        known: Known | None = None,
    ) -> None:
        self._make, self._clock, self._notify, self._on_change = make, clock, notify, changed
        self._known = known
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._name = OFF
        self._order: str | None = None
        self._offer: _Offer | None = None
        self._busy_since_s: float | None = None
        self._offered_s, self._waited_s = 0.0, 0.0
        self._people: tuple[TrackedPerson, ...] = ()
        self._generation = -1
        self._title = ""
        self._next_id = 1
        self._start_over = False
        self._life = 0
        self._thread: threading.Thread | None = None
        self.detections = 0
        self.detect_s = 0.0
        """Duration of the last detection, in seconds."""

    # Commands.

    def use(self, name: str) -> None:
        """Follow people with a detector by name (or `MOTION`, `AUTOMATIC`); `OFF` follows nobody."""
        with self._changed:
            if name == self._name:
                return
            self._name = name
            self._people, self._title = (), ""
            self._order = name
            if name == OFF:
                self._offer = None
            elif self._thread is None:
                self._start()
            self._changed.notify_all()

    def start_over(self, next_id: int) -> None:
        """Forget who is in the picture; new people get identities from `next_id` on, if that is higher than before."""
        with self._changed:
            self._next_id = max(self._next_id, next_id)
            self._start_over = True
            self._people = ()

    def stop(self) -> None:
        """End the thread; waits up to `STOP_WITHIN_S`."""
        with self._changed:
            self._life += 1
            thread, self._thread = self._thread, None
            self._people, self._offer, self._name = (), None, OFF
            self._changed.notify_all()
        if thread is not None:
            thread.join(STOP_WITHIN_S)
            if thread.is_alive():
                log.warning("The person detector did not end within %.0f s and is abandoned.", STOP_WITHIN_S)

    def offer(self, image: U8, t_s: float, generation: int) -> None:
        """Offer a frame, uint8 (H, W, 3), BGR; returns at once, and only the newest one is kept."""
        with self._changed:
            if self._name == OFF:
                return
            self._offer = _Offer(image, t_s, generation)
            now_s = self._clock.now_s()
            # Only time in which frames arrive counts: while the computer sleeps, nobody waits.
            self._waited_s += min(_LONGEST_PAUSE_S, max(0.0, now_s - self._offered_s))
            self._offered_s = now_s
            if self._busy_since_s is None:
                self._waited_s = 0.0
            elif self._waited_s > HUNG_AFTER_S:
                self._give_up(
                    Message("it has not answered for {hung_after_s:.0f} s", hung_after_s=HUNG_AFTER_S), "", abandon=True
                )
            self._changed.notify_all()

    # Queries.

    @property
    def on(self) -> bool:
        """Whether people are followed."""
        with self._changed:
            return self._name != OFF

    @property
    def title(self) -> str:
        """Title of the running detector; "" if there is none."""
        with self._changed:
            return self._title

    def people(self, generation: int) -> tuple[TrackedPerson, ...]:
        """Return the people in the latest frame of a generation, by identity."""
        with self._changed:
            return self._people if generation == self._generation else ()

    # The thread.

    def _start(self) -> None:
        """Start a thread. Requires the lock."""
        self._life += 1
        self._waited_s = 0.0
        self._busy_since_s = None
        self._thread = threading.Thread(target=self._work, args=(self._life,), name="people", daemon=True)
        self._thread.start()

    def _give_up(self, reason: str, details: str, *, abandon: bool = False) -> None:
        """Go on with regions that move. Requires the lock."""
        title, instead = self._title or self._name, Message("What moves is followed instead.")
        if reason.endswith("."):
            text = sentences(Message("Person detector '{title}' failed.", title=title), reason, instead)
        else:
            failed = Message("Person detector '{title}' failed: {reason}.", title=title, reason=reason)
            text = sentences(failed, instead)
        self._name = self._order = MOTION
        self._people, self._title = (), ""
        if abandon:
            self._start()
        self._notify(Notice(Level.WARNING, text, details, command="person_detector", topic=Topic.PEOPLE))

    def _work(self, life: int) -> None:
        step_back()
        detector: PersonDetector | None = None
        tracker: Tracker | None = None
        due_s, failures = float("-inf"), 0
        while True:
            with self._changed:
                while life == self._life and self._order is None and (self._offer is None or detector is None):
                    self._changed.wait()
                if life != self._life:
                    return
                order, self._order = self._order, None
                offer = None
                if order is None:
                    wait_s = due_s - self._clock.now_s()
                    if wait_s > 0:
                        self._changed.wait(min(wait_s, LONGEST_STEP_S))
                        continue
                    offer, self._offer = self._offer, None
                    if self._start_over:
                        tracker, self._start_over = None, False
                    self._busy_since_s = self._clock.now_s()
            if order is not None:
                detector = self._made(order, life)
                tracker, failures = None, 0
                continue
            if offer is None or detector is None:
                continue
            began_s = self._clock.now_s()
            if tracker is None:
                tracker = Tracker(detector.found, self._next_id, self._known)
            error = self._detect(detector, tracker, offer, life)
            took_s = max(0.0, self._clock.now_s() - began_s)
            step_s = SHORTEST_STEP_S if took_s < SHORTEST_STEP_S / 4 else LONGEST_STEP_S
            due_s = began_s + max(step_s, min(took_s / _SHARE, took_s + LONGEST_STEP_S))
            failures = 0 if error is None else failures + 1
            if error is not None and failures >= _GIVEN_UP_AFTER:
                message = error.message if isinstance(error, SlowFastLiveError) else repr(error)
                with self._changed:
                    if life == self._life and self._order is None:
                        self._give_up(message, repr(error))

    def _made(self, name: str, life: int) -> PersonDetector | None:
        """Make the detector of a name."""
        if name == OFF:
            return None
        if name == MOTION:
            detector: PersonDetector = MotionDetector()
        else:
            with self._changed:
                self._busy_since_s = None  # loading may take its time
            try:
                detector = self._make(name)
            except Exception as error:
                if not isinstance(error, SlowFastLiveError):
                    log.exception("Preparing the person detector %s failed", name)
                with self._changed:
                    if life == self._life and self._order is None:
                        message = error.message if isinstance(error, SlowFastLiveError) else repr(error)
                        self._give_up(message, repr(error))
                return None
        with self._changed:
            if life == self._life and self._order is None:
                self._title = detector.title
        return detector

    def _detect(self, detector: PersonDetector, tracker: Tracker, offer: _Offer, life: int) -> Exception | None:
        """Take one frame; return what went wrong."""
        error: Exception | None = None
        people: tuple[TrackedPerson, ...] = ()
        if offer.generation != self._generation:
            detector.reset()
            tracker.reset()
        began_s = self._clock.now_s()
        try:
            people = tracker.update(detector.detect(offer.image, offer.t_s), offer.t_s, offer.image)
        except Exception as caught:  # noqa: BLE001 - drivers may raise anything
            error = caught
            tracker.reset()
        with self._changed:
            if life != self._life:
                return None
            self._busy_since_s = None
            self._waited_s = 0.0
            self._generation = offer.generation
            if self._start_over:  # ordered during this detection
                people = ()
            self._people = people
            self._next_id = max(self._next_id, tracker.next_id)
            self.detections += error is None
            self.detect_s = max(0.0, self._clock.now_s() - began_s)
        if error is None:
            self._on_change(people, offer.t_s)
        return error
