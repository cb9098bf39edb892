"""Measures a model on the person that a clip is about: found by a detector, followed, cut out.

Clips show one action. Where several people are in the picture, the most prominent one is judged, as in the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from slowfast_live.core.framing import Framing
from slowfast_live.core.ring import Ring
from slowfast_live.core.smoothing import LabelHysteresis, Smoother
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.people.choice import Lead
from slowfast_live.people.detector_port import PersonDetector
from slowfast_live.people.tracker import TrackedPerson, Tracker
from slowfast_live.people.windows import PersonFraming
from slowfast_live.sources.local import bounded_source
from slowfast_live.tools.evaluation.classes import LabeledClip
from slowfast_live.tools.evaluation.scoring import STEP_S, Evaluator, Retouch, Scored, Shown, following_due
from slowfast_live.types import F32, U8

DETECTIONS_PER_S = 7.5
"""As in the window."""

Fill = Callable[[U8], None]
"""Writes a clip, uint8 (T, S, S, 3), RGB."""
RunFilled = Callable[[Fill], tuple[F32, float]]
"""Runs the model on what a function writes: float32 (K,) and milliseconds."""


class PeopleEvaluator(Evaluator):
    """Scores clips by the person that they are about; without anybody, by the whole picture.

    Args:
        run_filled: The model.
        spec: Its description.
        detector: Finds the people.
        threshold: Score from which a label is shown; None for the model's own threshold.
        step_s: Seconds from window to window.
    """

    def __init__(
        self,
        run_filled: RunFilled,
        spec: ModelSpec,
        detector: PersonDetector,
        threshold: float | None = None,
        step_s: float = STEP_S,
    ) -> None:
        framing = spec.framing()

        def whole(pictures: object) -> tuple[F32, float]:
            return run_filled(lambda out: framing.compose(pictures, out))  # type: ignore[arg-type]

        super().__init__(whole, spec, threshold, step_s)
        self._run_filled = run_filled
        self._detector = detector
        self.with_person = 0
        self.windows = 0

    def score(self, clip: LabeledClip, retouch: Retouch | None = None) -> Scored:
        """Run the model on all windows of a clip; see `Evaluator.score`."""
        smoother, guard = Smoother(), LabelHysteresis(self._spec.labels, self._spec.decision.background_labels)
        each, elapsed_ms, shown = [], [], Shown()
        for fill, t_s, found in self._windows(clip, retouch):
            self.windows += 1
            self.with_person += found
            probs, ms = self._run_filled(fill)
            each.append(probs)
            elapsed_ms.append(ms)
            readout = guard.update(smoother.update(probs, t_s), t_s, self.threshold, trained=self._spec.trained)
            shown += self._judge(readout, clip)
        if not each:  # shorter than a window
            return super().score(clip, retouch)
        return Scored(clip, np.stack(each), shown, np.array(elapsed_ms))

    def _windows(self, clip: LabeledClip, retouch: Retouch | None) -> Iterator[tuple[Fill, float, bool]]:
        timing, framing, people = self._spec.timing, self._spec.framing(), PersonFraming(self._spec.clip)
        plain, large = Ring(timing), Ring(timing)
        tracker, lead = Tracker(self._detector.found), Lead()
        self._detector.reset()
        source = bounded_source(clip.path)
        due_s: float | None = None
        look_s: float | None = None
        shown: tuple[TrackedPerson, ...] = ()
        source.open()
        try:
            while (picture := source.read()) is not None:
                image = picture.image if retouch is None else retouch(picture.image)
                plain.push(lambda kept=image: framing.admit(kept), picture.t_s, 0.0)  # type: ignore[misc]
                large.push(lambda kept=image: people.admit(kept), picture.t_s, 0.0)  # type: ignore[misc]
                if look_s is None or picture.t_s >= look_s:
                    look_s = picture.t_s + 1 / DETECTIONS_PER_S - timing.tolerance_s
                    shown = tracker.update(self._detector.detect(image, picture.t_s), picture.t_s, image)
                if due_s is not None and picture.t_s < due_s - timing.tolerance_s:
                    continue
                if (window := large.window(0)) is None:
                    continue
                due_s = following_due(due_s if due_s is not None else picture.t_s, picture.t_s, self.step_s)
                person = lead.choose(shown)
                if person is not None:
                    yield _of_person(people, window.pictures, window.times_s, person), picture.t_s, True
                elif (whole := plain.window(0)) is not None:
                    yield _of_all(framing, whole.pictures), picture.t_s, False
        finally:
            source.close()


def _of_person(
    framing: PersonFraming, pictures: tuple[U8, ...], times_s: tuple[float, ...], person: TrackedPerson
) -> Fill:
    return lambda out: framing.compose(pictures, times_s, person, framing.energy(pictures), out)


def _of_all(framing: Framing, pictures: tuple[U8, ...]) -> Fill:
    return lambda out: framing.compose(pictures, out)
