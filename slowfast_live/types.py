"""Data types shared by all parts of SlowFast Live. Does not depend on Qt, OpenVINO or OpenCV.

Terms as in `docs/glossary.md`; the main ones:

* *Frame*: one picture of a source, with its time.
* *Clip*: the T pictures that a network sees at once, cropped, uint8 RGB.
* *Frame window*: the frames that become one clip, with the span of time they cover.
* *Prediction*: the probabilities that a model gives one frame window.
* *Readout*: what may be shown of the predictions so far, after smoothing and hysteresis.
* *Moment*: the first frame in each 0.1 s of a file. Its *decision* is the prediction for the frame window that ends
  there, made once and kept; see `core.decisions`.
* *Generation*: a counter that is incremented whenever source, model, device or position in a file changes. Anything
  from an older generation is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slowfast_live.messages import Message
from slowfast_live.text_safety import encodable, shown_name

DEFAULT_PICTURE_RATE = 25.0
"""Default rate of a folder of pictures, in pictures per second; the same as FFmpeg's."""

SPEEDS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""Playing speeds of a file that can be chosen; 1.0 = real time."""

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source, with its time.

    Attributes:
        image: uint8 (H, W, 3), BGR, C-contiguous, read-only.
        index: Number of the frame since the source was opened, from 0.
        t_s: Seconds on the source's own clock. Camera and stream: monotonic arrival time. File: presentation time on
            the player's clock.
        captured_s: Monotonic time at which the source delivered it (for a file: when it was due). Differs from `t_s`,
            because a stream's times are smoothed.
        generation: Generation in which it was captured.
        source: The source it comes from.
        mirrored: Whether left and right were swapped after reading.

    Raises:
        ValueError: The image is not uint8 (H, W, 3).
    """

    image: U8
    index: int
    t_s: float
    captured_s: float
    generation: int = 0
    source: SourceSpec | None = None
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"a frame is uint8 (H, W, 3), got {self.image.dtype} {self.image.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class FrameWindow:
    """The frames that become one clip, and their times.

    Attributes:
        pictures: T results of `Framing.admit`, uint8 (h, w, 3), RGB, oldest first; shared, so never modify them.
        t_start_s: Time of the oldest frame, in seconds on the source's clock.
        t_end_s: Time of the newest frame.
        captured_s: Monotonic time at which the newest frame was captured.
        generation: Generation in which the frame window was taken.
        times_s: The T times of the pictures; empty if nobody needs them.
    """

    pictures: tuple[U8, ...]
    t_start_s: float
    t_end_s: float
    captured_s: float
    generation: int
    times_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """A model's prediction for one frame window.

    Attributes:
        probs: float32 (K,), sums to 1 (sigmoid models: each in 0..1).
        top: The five best (label, score) pairs, best first (fewer if the model has fewer labels).
        t_end_s: Time of the newest frame in the frame window, in seconds on the source's clock.
        latency_ms: Time from the capture of the newest frame to the result.
        infer_ms: Time from the start of inference to the result.
        model: Name of the model (its folder's name).
        device: OpenVINO device that ran it, e.g. "CPU".
        generation: Generation of its frame window.
    """

    probs: F32
    top: tuple[tuple[str, float], ...]
    t_end_s: float
    latency_ms: float
    infer_ms: float
    model: str
    device: str
    generation: int


_HALF = 0.5


class ReadoutState(Enum):
    """Reason for what the overlay shows."""

    NO_MODEL = "no model"
    NO_PICTURE = "no picture"
    """The source delivers no frames: it failed, is being reopened, or has been silent for a while."""
    WARMING_UP = "warming up"
    TOO_SHORT = "too short"
    """The file ended before the model's span was covered."""
    FAILED = "failed"
    """The model is running but gives no usable results; a notice has reported the reason."""
    UNTRAINED = "untrained"
    """The model's weights are random: its scores are shown, but never a label."""
    RESTING = "resting"
    """Nothing moves, so recognition is paused to save power; see `Pipeline.set_rest`."""
    NOT_SEEN = "not recognized yet"
    """A file is paused, or being scrubbed, at a moment that is not decided yet."""
    NOBODY = "nobody in the picture"
    """The model scores what each person does, and nobody is there, so that it is not run."""
    NO_CONFIDENT_ACTION = "no confident action"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Readout:
    """What may be shown of the predictions so far: smoothed over time, with threshold and hysteresis applied.

    Attributes:
        state: Reason why `label` is set or not.
        label: The action; only set in state ACTION.
        score: Smoothed score of `label`, or of the best class if there is no label; 0 before any prediction.
        top: Up to five (label, smoothed score) pairs, best first; empty before the first prediction.
        t_end_s: Time of the newest frame that it is based on, on the source's clock.
        activity: Activity, 0..1 (see `core.activity.Activity.level`); None if unknown.
        background: The model's background labels.
        others: Further (label, smoothed score) pairs that are shown at the same time, best first, if the model gives
            several answers at once.
        several: Whether the model gives several answers at once.
    """

    state: ReadoutState
    label: str | None = None
    score: float = 0.0
    top: tuple[tuple[str, float], ...] = ()
    t_end_s: float = 0.0
    activity: float | None = None
    background: frozenset[str] = frozenset()
    others: tuple[tuple[str, float], ...] = ()
    several: bool = False

    @property
    def shown(self) -> tuple[tuple[str, float], ...]:
        """All (label, smoothed score) pairs that are shown, best first."""
        return () if self.label is None else ((self.label, self.score), *self.others)

    @property
    def none_known(self) -> bool:
        """Whether the best class is a background label that is more probable than all other classes together."""
        best = self.top[0] if self.top else ("", 0.0)
        return self.state is ReadoutState.NO_CONFIDENT_ACTION and best[0] in self.background and best[1] > _HALF


class SourceKind(Enum):
    """Kinds of frame sources."""

    CAMERA = "camera"
    FILE = "file"
    STREAM = "stream"
    SCREEN = "screen"
    """A screen, a region of it, or a window."""
    DEMO = "demo"
    """The bundled demo clip, a file that loops."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Description of a source to open.

    Attributes:
        kind: Camera, file, stream, screen or demo.
        address: Camera: index or device path. File: path. Stream: URL. Screen: "1", "1:LEFT,TOP,WIDTH,HEIGHT" or
            "window:TITLE". Demo: empty.
        title: Name shown in the window; if empty, it is derived from the address.
        backend: Camera only: OpenCV's capture backend id (`cv2.CAP_*`), 0 for any.
        size: Camera only: requested (width, height) in pixels, None for the camera's own choice.
        rate: Folder or pattern of pictures only: pictures per second, None for the default.
    """

    kind: SourceKind
    address: str = ""
    title: str = ""
    backend: int = 0
    size: tuple[int, int] | None = None
    rate: float | None = None

    @property
    def live(self) -> bool:
        """Whether frames arrive on their own, so that the source cannot be paused or searched."""
        return self.kind in (SourceKind.CAMERA, SourceKind.STREAM, SourceKind.SCREEN)

    @property
    def name(self) -> str:
        """Name for messages and menus."""
        if self.title:
            return self.title
        if self.kind is SourceKind.DEMO:
            return "Demo"
        if self.kind is SourceKind.FILE:
            return shown_name(Path(self.address).name)
        return f"Camera {self.address}" if self.kind is SourceKind.CAMERA else self.address


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Properties of an opened source.

    Attributes:
        width: Width in pixels, after rotation metadata is applied.
        height: Height in pixels, after rotation metadata is applied.
        fps: Frame rate stated by the source, in frames per second; None if not stated.
        duration_s: Duration in seconds; None for a live source or if the file does not state it.
        seekable: Whether `seek` works.
        codec: Short codec name; "" if unknown.
    """

    width: int
    height: int
    fps: float | None = None
    duration_s: float | None = None
    seekable: bool = False
    codec: str = ""


class Level(Enum):
    """Severity of a notice."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Topic(Enum):
    """Subject of a notice, which determines when the notice is dismissed."""

    SOURCE = "source"
    """Dismissed when a source delivers its first frame or comes back."""
    SWITCH = "switch"
    """A failed change of model or device; dismissed when the next one is running."""
    MODEL = "model"
    """The running model gives no results; dismissed with its next prediction."""
    MODELS = "models"
    """Problems of the models on disk; dismissed when they are read again."""
    DEVICES = "devices"
    """Problems of the device list; dismissed when another device is running."""
    SERVER = "server"
    """An inference server is lost; dismissed when it answers again, or another device is chosen."""
    SETTINGS = "settings"
    """Dismissed by the user."""
    RECORDING = "recording"
    """Dismissed with the next recording."""
    REPLAY = "replay"
    """Dismissed when the last seconds are saved again."""
    SNAPSHOT = "snapshot"
    """Dismissed with the next snapshot."""
    EXPORT = "export"
    """Dismissed with the next export."""
    PEOPLE = "people"
    """Dismissed when people are followed again, or the user chooses another detector."""
    RULES = "rules"
    """Dismissed when the rule's action works again, or the rules are changed."""
    ANALYSIS = "analysis"
    """Dismissed when another analysis starts."""
    BUILD = "build"
    """Dismissed when another build starts."""
    MEASURING = "measuring"
    """Dismissed when this machine is benchmarked."""
    SESSION_LOG = "session log"
    """Dismissed by the user; nothing more is logged."""
    SESSIONS = "sessions"
    """Dismissed when the user's edits are saved."""
    SESSION_FILE = "session file"
    """Dismissed when a session is opened, saved or deleted again."""
    EXPLAIN = "explain"
    """Dismissed when an explanation is shown, or no longer wanted."""
    EDIT = "edit"
    """An edit that can be undone; dismissed with the next edit, or when it is undone."""
    ADVICE = "advice"
    """Nothing is recognized; dismissed when something is, or when another source is shown."""
    PUBLISH = "publish"
    """Dismissed when the channels to other programs work again."""
    TEACHING = "teaching"
    """Dismissed when something is taught, or a shared model opened, again."""
    NEWS = "news"
    """Information that requires no action."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message for the user: an error with what to do, or a fact such as "Playing the demo".

    Attributes:
        level: Severity.
        message: One or two sentences.
        details: Technical text, shown on demand.
        file: A created file that the user may want to open; None if there is none.
        command: Name of a helpful command of the window, such as "measure"; "" for none.
        commands: Further helpful commands; those that this version lacks are not offered.
        topic: Subject; the notice is dismissed automatically when it is resolved.
    """

    level: Level
    message: str
    details: str = ""
    file: Path | None = None
    command: str = ""
    topic: Topic = Topic.NEWS
    commands: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Replace text that a window cannot show, because a file name may contain bytes that are not text."""
        for name in ("message", "details"):
            text = getattr(self, name)
            object.__setattr__(self, name, text if isinstance(text, Message) else encodable(text))


class PipelineState(Enum):
    """Lifecycle states of the pipeline."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot of the pipeline's state, for polling.

    Attributes:
        state: Lifecycle state of the pipeline.
        source: The source that is open or being opened; None before the first source.
        info: Properties of the opened source; None until it is open.
        opening: Whether a source is being opened.
        reconnect_attempt: 0 while the source delivers frames; n while attempt n to reopen it is pending.
        silent_s: Seconds since the source delivered its last frame, if that is unusually long; otherwise 0.
        paused: Whether a file is paused.
        ended: Whether a file has ended.
        position_s: Time of the newest frame on the source's clock.
        speed: Playback speed of a file, 1.0 = real time.
        loop: Whether a file starts again at its end.
        coverage: Share of the model's span that is covered by the ring, 0..1.
        model: Name of the running model; None if there is none.
        device: Device that runs it, e.g. "CPU".
        execution_precision: Execution precision on that device, e.g. "bf16"; "" without a model.
        switching: What is being prepared in the background ("Preparing X3D-M for CPU"); "" if nothing is.
        source_fps: Current frame rate of the source (mean over 2 s).
        predictions_per_s: Current predictions per second (mean over 2 s).
        resting: Whether the model rests because nothing moves.
        rate_limit: Most predictions per second; None for no limit.
        latency_ms: Latest prediction: time from the capture of its newest frame to the result.
        infer_ms: Latest prediction: inference time.
        frames_captured: Frames read since the pipeline was created.
        frames_dropped: Frames that were too late to be passed on, since the pipeline was created.
        source_frames: Frames of the open source so far.
        source_dropped: Frames of the open source that were too late.
        held: Name of the model that is paused while this machine is benchmarked; "" for none.
        predictions: Predictions made since the pipeline was created.
        generation: The current generation.
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
    execution_precision: str = ""
    switching: str = ""
    source_fps: float = 0.0
    predictions_per_s: float = 0.0
    resting: bool = False
    rate_limit: float | None = None
    latency_ms: float = 0.0
    infer_ms: float = 0.0
    frames_captured: int = 0
    frames_dropped: int = 0
    predictions: int = 0
    generation: int = 0
    source_frames: int = 0
    source_dropped: int = 0
    held: str = ""
