"""Track the running jobs, so that a measurement does not run at the same time as another job."""

from __future__ import annotations

from collections import Counter
from enum import Enum

from PySide6.QtCore import QObject, Signal

from slowfast_live.ui.style.language import tr


class Job(Enum):
    """What can keep the processor busy besides recognition; the value is its name in a sentence."""

    ANALYSIS = tr("an analysis")
    BUILD = tr("a model build")
    RECORDING = tr("a recording")
    SAVING = tr("saving the last seconds")
    MEASUREMENT = tr("a measurement")


class Workload(QObject):
    """The jobs running in this window. For the GUI thread only.

    Example:
        workload.begin(Job.BUILD)
        workload.others(Job.MEASUREMENT)  # (Job.BUILD,)
        workload.end(Job.BUILD)
    """

    changed = Signal()
    """Emitted when a job begins or ends."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: Counter[Job] = Counter()

    def begin(self, job: Job) -> None:
        """Report that a job begins; jobs of the same kind are counted."""
        self._running[job] += 1
        self.changed.emit()

    def end(self, job: Job) -> None:
        """Report that a job has ended; ignored if it never began."""
        if self._running[job] > 0:
            self._running[job] -= 1
            self.changed.emit()

    def others(self, job: Job) -> tuple[Job, ...]:
        """Return the other kinds of jobs that are running."""
        return tuple(other for other in Job if other is not job and self._running[other])


def listed(jobs: tuple[Job, ...]) -> str:
    """Return the jobs as a phrase, such as "an analysis and a recording"."""
    names = [job.value for job in jobs]
    return names[0] if len(names) == 1 else tr("{join} and {names}", join=", ".join(names[:-1]), names=names[-1])
