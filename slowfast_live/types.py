"""What travels between the parts of SlowFast Live. No Qt, no OpenVINO, no OpenCV.

Glossary, the same in code, window and documents:

* *Frame*: one picture of a source, with its time.
* *Clip*: the T pictures that a network sees at once, cropped, uint8 RGB.
* *Window*: the pictures that become a clip, together with the span of time that they cover.
* *Prediction*: the probabilities that a model gives one window.
* *Readout*: what may be shown of the predictions so far, smoothed and guarded.
* *Epoch*: a counter that grows whenever source, model, device or position in a file changes. Whatever
  carries an older epoch is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source.

    Attributes:
        image: uint8 (H, W, 3), BGR, C-contiguous, read-only.
        index: Counts the frames of this source since it was opened, from 0.
        t_s: Seconds on the source's own clock. Camera and stream: monotonic arrival time. File: presentation
            time, 0 at the first frame.
        captured_s: Monotonic time at which the source delivered it (a file: when it was due). Not `t_s`: a
            stream's times are smoothed.
        epoch: The epoch in which it was captured.
        source: Where it comes from.
        mirrored: Left and right were swapped after it was read.
    """

    image: U8
    index: int
    t_s: float
    captured_s: float
    epoch: int = 0
    source: SourceSpec | None = None
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"a frame is uint8 (H, W, 3), got {self.image.dtype} {self.image.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The pictures that become one clip, and when they were seen.

    Attributes:
        pictures: T results of `Framing.admit`, uint8 (h, w, 3), RGB, oldest first; shared, never written to.
        t_start_s: Time of the oldest picture, in seconds on the source's clock.
        t_end_s: Time of the newest picture.
        captured_s: Monotonic time at which the newest frame was captured.
        epoch: The epoch in which the window was taken.
    """

    pictures: tuple[U8, ...]
    t_start_s: float
    t_end_s: float
    captured_s: float
    epoch: int


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model says of one window.

    Attributes:
        probs: float32 (K,), sums to 1 (sigmoid models: each in 0..1).
        top: The five best (label, score) pairs, best first (fewer where the model knows fewer).
        t_end_s: Time of the window's newest frame, in seconds on the source's clock.
        latency_ms: From the capture of the newest frame to the result.
        infer_ms: From the start of inference to the result.
        model: Name of the model (its folder's name).
        device: OpenVINO device that ran it, e.g. "CPU".
        epoch: The epoch of its window.
    """

    probs: F32
    top: tuple[tuple[str, float], ...]
    t_end_s: float
    latency_ms: float
    infer_ms: float
    model: str
    device: str
    epoch: int


class ReadoutState(Enum):
    """Why the overlay shows what it shows."""

    NO_MODEL = "no model"
    WARMING_UP = "warming up"
    TOO_SHORT = "too short"
    """The file ended before the model's span was covered."""
    FAILED = "failed"
    """The model runs but gives no usable answer: a notice has said why."""
    UNTRAINED = "untrained"
    """The model's weights are random: its scores are shown, never its label as an action."""
    RESTING = "resting"
    """Nothing moves, so nothing is recognised, to save power; see `Pipeline.set_rest`."""
    NO_CONFIDENT_ACTION = "no confident action"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Readout:
    """What may be shown of the predictions so far: smoothed over time, guarded by threshold and hysteresis.

    Attributes:
        state: Why `label` is set or not.
        label: The action, only in state ACTION.
        score: Smoothed score of `label`; of the best class where there is no label; 0 before any prediction.
        top: Up to five (label, smoothed score) pairs, best first; empty before the first prediction.
        t_end_s: Time of the newest frame it speaks of, on the source's clock.
        activity: How much is going on, 0..1 (see `core.activity.Activity.level`); None where it is not known.
    """

    state: ReadoutState
    label: str | None = None
    score: float = 0.0
    top: tuple[tuple[str, float], ...] = ()
    t_end_s: float = 0.0
    activity: float | None = None


class SourceKind(Enum):
    """Where frames come from."""

    CAMERA = "camera"
    FILE = "file"
    STREAM = "stream"
    DEMO = "demo"
    """The clip that comes with the app: a file that loops."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Which source to open.

    Attributes:
        kind: Camera, file, stream or demo.
        address: Camera: index or device path. File: path. Stream: URL. Demo: empty.
        title: What the window calls it; the address where empty.
        backend: Camera only: OpenCV's capture backend id (`cv2.CAP_*`), 0 for any.
        size: Camera only: wanted (width, height) in pixels, None for the camera's own choice.
    """

    kind: SourceKind
    address: str = ""
    title: str = ""
    backend: int = 0
    size: tuple[int, int] | None = None

    @property
    def live(self) -> bool:
        """Whether frames arrive by themselves and cannot be paused or searched."""
        return self.kind in (SourceKind.CAMERA, SourceKind.STREAM)

    @property
    def name(self) -> str:
        """What to call it in a message or a menu."""
        if self.title:
            return self.title
        if self.kind is SourceKind.DEMO:
            return "Demo"
        if self.kind is SourceKind.FILE:
            return Path(self.address).name
        return f"Camera {self.address}" if self.kind is SourceKind.CAMERA else self.address


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What an opened source is.

    Attributes:
        width: Pixels, after rotation metadata is applied.
        height: Pixels, after rotation metadata is applied.
        fps: Frames a second as the source states them; None where it does not.
        duration_s: Seconds; None for a live source or where the file does not say.
        seekable: Whether `seek` works.
        codec: Short codec name, "" where unknown.
    """

    width: int
    height: int
    fps: float | None = None
    duration_s: float | None = None
    seekable: bool = False
    codec: str = ""


class Level(Enum):
    """How much a notice matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should read once: an error with what to do, or a fact such as "Playing the demo".

    Attributes:
        level: How much it matters.
        message: One or two sentences.
        details: Technical text, on demand.
        file: A file that was made, which the user may want to see; None where it is not about one.
        command: Name of a command of the window that helps, such as "measure"; "" for none.
    """

    level: Level
    message: str
    details: str = ""
    file: Path | None = None
    command: str = ""


class PipelineState(Enum):
    """Life of the pipeline."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot of the pipeline, for whoever polls it.

    Attributes:
        state: Life of the pipeline.
        source: What is open or being opened; None before the first source.
        info: Facts of the opened source; None until it is open.
        opening: The source is being opened.
        reconnect_attempt: 0 while the source delivers; n while attempt n to reopen it is waited for.
        silent_s: Seconds since a live source gave its last picture, where that is unusually long; else 0.
        paused: A file is paused.
        ended: A file has played to its end.
        position_s: Time of the newest frame on the source's clock.
        speed: Playing speed of a file, 1.0 = real time.
        loop: A file starts again at its end.
        coverage: How much of the model's span the ring holds, 0..1.
        model: Name of the running model; None without one.
        device: Device that runs it, e.g. "CPU".
        computes_in: What that device computes the model in, e.g. "bf16"; "" without a model.
        switching: What is being prepared in the background ("Compiling X3D-M for CPU"), "" when nothing is.
        source_fps: Frames a second that arrive now (mean over 2 s).
        predictions_per_s: Predictions a second now (mean over 2 s).
        resting: Nothing moves, so the model rests until something does.
        latency_ms: Newest prediction: capture of its newest frame -> result ready.
        infer_ms: Newest prediction: inference alone.
        frames_captured: Frames read since the pipeline was made.
        frames_dropped: Frames that came too late to be handed on.
        predictions: Predictions made since the pipeline was made.
        epoch: The current epoch.
    """

    state: PipelineState = PipelineState.IDLE
    source: SourceSpec | None = None
    info: SourceInfo | None = None
    opening: bool = False
    reconnect_attempt: int = 0
    silent_s: float = 0.0
    paused: bool = False
    ended: bool = False
    position_s: float = 0.0
    speed: float = 1.0
    loop: bool = False
    coverage: float = 0.0
    model: str | None = None
    device: str = ""
    computes_in: str = ""
    switching: str = ""
    source_fps: float = 0.0
    predictions_per_s: float = 0.0
    resting: bool = False
    latency_ms: float = 0.0
    infer_ms: float = 0.0
    frames_captured: int = 0
    frames_dropped: int = 0
    predictions: int = 0
    epoch: int = 0
