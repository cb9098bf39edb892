"""Protocols for what the window needs from the rest of the app, so that each part can be replaced in a test."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from slowfast_live.inference.spec import Model
from slowfast_live.people.now import PeopleEvents, PeopleNow
from slowfast_live.people.records import Box, KnownPeople, PersonTrail
from slowfast_live.pipeline.newest_clip import NewestClip
from slowfast_live.types import Frame, Notice, Prediction, Readout, SourceSpec, Status


class PipelinePort(Protocol):
    """The methods of `slowfast_live.pipeline.Pipeline` that the window uses; see there."""

    def open(self, source: SourceSpec) -> None: ...  # noqa: D102
    def close_source(self) -> None: ...  # noqa: D102
    def use_model(self, model: Model | None, device: str | None = None) -> None: ...  # noqa: D102
    def use_device(self, device: str) -> None: ...  # noqa: D102
    def play(self) -> None: ...  # noqa: D102
    def pause(self) -> None: ...  # noqa: D102
    def seek(self, t_s: float, *, scrubbing: bool = False) -> None: ...  # noqa: D102
    def step(self, frames: int) -> None: ...  # noqa: D102
    def set_speed(self, speed: float) -> None: ...  # noqa: D102
    def set_loop(self, loop: bool) -> None: ...  # noqa: D102
    def set_mirror(self, mirror: bool) -> None: ...  # noqa: D102
    def set_threshold(self, threshold: float | None) -> None: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102
    def set_rest(self, rest: bool) -> None: ...  # noqa: D102
    def use_people(self, detector: str) -> None: ...  # noqa: D102
    def follow(self, identity: int | None) -> None: ...  # noqa: D102
    def people(self) -> PeopleNow: ...  # noqa: D102
    def person_events(self) -> PeopleEvents: ...  # noqa: D102
    def person_at(self, identity: int, t_s: float) -> Box | None: ...  # noqa: D102
    def person_trails(self) -> tuple[PersonTrail, ...]: ...  # noqa: D102
    def known_people(self, source: Hashable) -> KnownPeople | None: ...  # noqa: D102
    def restore_people(self, source: Hashable, known: KnownPeople) -> None: ...  # noqa: D102
    def set_rate_limit(self, per_s: float | None) -> None: ...  # noqa: D102
    def watch(self, watcher: Callable[[Frame], None]) -> None: ...  # noqa: D102
    def unwatch(self, watcher: Callable[[Frame], None]) -> None: ...  # noqa: D102
    def frame(self) -> Frame | None: ...  # noqa: D102
    def newest_clip(self) -> NewestClip | None: ...  # noqa: D102
    def prediction(self) -> Prediction | None: ...  # noqa: D102
    def readout(self) -> Readout: ...  # noqa: D102
    def status(self) -> Status: ...  # noqa: D102
    def notices(self) -> list[Notice]: ...  # noqa: D102


class CameraPort(Protocol):
    """The available cameras, listed on another thread."""

    @property
    def version(self) -> int:
        """Increases whenever the list changes; 0 before the first list is available."""
        ...

    def cameras(self) -> Sequence[SourceSpec]:
        """Return the cameras known now, without blocking."""
        ...


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What only the window knows, for the session summary.

    Attributes:
        frames_shown: Distinct frames painted.
        display_fps: Frames painted per second, from the first to the last one.
        ui_stall_ms_p99: 99th percentile of the time for which the GUI thread was busy at a stretch.
        ui_stall_ms_max: The maximum of that time.
        ui_work_ms_p99: 99th percentile of the processor time that the GUI thread used at a stretch.
        ui_work_ms_max: The maximum of that time.
        exit_reason: "closed", "quit-after" or the signal's name.
        status: The pipeline's last status.
        first_shown_s: Monotonic time at which the first frame was painted; None if no frame was.
    """

    frames_shown: int
    display_fps: float
    ui_stall_ms_p99: float
    ui_stall_ms_max: float
    ui_work_ms_p99: float
    ui_work_ms_max: float
    exit_reason: str
    status: Status
    first_shown_s: float | None = None
