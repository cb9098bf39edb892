"""Stand-ins for pipeline, cameras, devices and models: the window cannot tell them from the real ones."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from slowfast_live.core.history import History
from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.spec import Accuracy, Clip, Decision, Model, ModelSpec, Registry
from slowfast_live.people.now import PeopleEvents, PeopleNow, PersonEvent
from slowfast_live.people.records import Box, KnownPeople, PersonTrail
from slowfast_live.types import (
    U8,
    Frame,
    Notice,
    PipelineState,
    Prediction,
    Readout,
    ReadoutState,
    SourceInfo,
    SourceKind,
    SourceSpec,
    Status,
)

LABELS = (
    "jumping jacks",
    "squat",
    "clapping",
    "waving hand",
    "walking",
    "passing American football (not in game)",
)
TOP = (("jumping jacks", 0.91), ("squat", 0.04), ("clapping", 0.02), ("waving hand", 0.01), ("walking", 0.0))
ACTION = Readout(ReadoutState.ACTION, "jumping jacks", 0.91, TOP, 1.0)
CAMERAS = (
    SourceSpec(SourceKind.CAMERA, "0", "Logitech C920"),
    SourceSpec(SourceKind.CAMERA, "1", "Integrated Webcam"),
)
DEVICES = [
    DeviceInfo("CPU", "AMD EPYC 9V74 80-Core Processor"),
    DeviceInfo("AUTO", "OpenVINO chooses"),
    DeviceInfo("GPU", "GPU", False, "No GPU that OpenVINO can use was found."),
    DeviceInfo("NPU", "NPU", False, "No NPU that OpenVINO can use was found."),
]


def make_spec(name: str = "slowfast_r50", **changes: Any) -> ModelSpec:
    facts: dict[str, Any] = {
        "name": name,
        "title": "SlowFast R50 8x8",
        "family": "SlowFast",
        "labels": LABELS,
        "clip": Clip(frames=32, stride=2, side=256, resize_side=256),
        "alpha": 4,
        "precision": "INT8",
        "trained": True,
        "decision": Decision(0.35),
        "licence": "Apache-2.0",
        "origin": {"url": "https://example.org/models/kinetics/SLOWFAST_8x8_R50.pyth"},
        "accuracy": (
            Accuracy("Kinetics-400", "top-1", 76.94, note="30 views"),
            Accuracy("test clips", "top-1", 71.2, origin="measured"),
        ),
        "gflops": 65.71,
        "params_m": 34.57,
        "parity": {"max_abs_diff": 3.1e-05, "clips": 8},
        "description": "Two pathways: one slow that sees what things are, one fast that sees how they move.",
    }
    return ModelSpec(**{**facts, **changes})


MODELS = (
    Model(Path("models/slowfast_r50"), make_spec()),
    Model(Path("models/x3d_m"), make_spec("x3d_m", title="X3D-M", family="X3D", alpha=None, precision="FP32")),
    Model(Path("models/tiny"), make_spec("tiny", title="Tiny SlowFast", precision="FP32", trained=False)),
)


class FakeRegistry(Registry):
    def __init__(self, models: tuple[Model, ...] = MODELS) -> None:
        super().__init__(())
        self._fake = models

    def scan(self) -> tuple[list[Model], list[Any]]:
        return list(self._fake), []

    def find(self, name_or_folder: str) -> Model:
        for model in self._fake:
            if model.name == name_or_folder:
                return model
        return super().find(name_or_folder)


class FakeCameras:
    def __init__(self, cameras: tuple[SourceSpec, ...] = CAMERAS, version: int = 1) -> None:
        self.list = cameras
        self.version = version

    def cameras(self) -> list[SourceSpec]:
        return list(self.list)

    def plug(self, *cameras: SourceSpec) -> None:
        self.list = cameras
        self.version += 1


def figure(t_s: float, width: int = 1280, height: int = 720) -> U8:
    """Draw a person doing jumping jacks, uint8 (height, width, 3) BGR."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    ground = np.array([96, 82, 66], np.float32) * (1 - rows) + np.array([178, 170, 158], np.float32) * rows
    image = np.ascontiguousarray(np.broadcast_to(ground, (height, width, 3)).astype(np.uint8))
    swing = 0.5 - 0.5 * math.cos(t_s * 2 * math.pi)
    unit, cx, cy = height / 8, width * 0.56, height * 0.52 - height * 0.03 * swing
    skin, cloth = (148, 172, 214), (78, 62, 44)
    thick = max(2, round(unit * 0.32))

    def limb(x0: float, y0: float, angle: float, length: float, color: tuple[int, int, int]) -> None:
        end = (round(x0 + math.sin(angle) * length), round(y0 + math.cos(angle) * length))
        cv2.line(image, (round(x0), round(y0)), end, color, thick, cv2.LINE_AA)

    cv2.ellipse(
        image,
        (round(cx), round(height * 0.92)),
        (round(unit * 1.6), round(unit * 0.2)),
        0,
        0,
        360,
        (120, 112, 102),
        -1,
        cv2.LINE_AA,
    )
    for side in (-1, 1):
        limb(cx + side * unit * 0.25, cy + unit * 0.9, side * (0.08 + 0.45 * swing), unit * 2.0, cloth)
        limb(cx + side * unit * 0.45, cy - unit * 0.75, side * (0.25 + 2.5 * swing), unit * 1.7, skin)
    cv2.line(
        image,
        (round(cx), round(cy - unit * 0.7)),
        (round(cx), round(cy + unit * 0.9)),
        (180, 96, 52),
        thick * 3,
        cv2.LINE_AA,
    )
    cv2.circle(image, (round(cx), round(cy - unit * 1.75)), round(unit * 0.48), skin, -1, cv2.LINE_AA)
    image.flags.writeable = False
    return image


class FakePipeline:
    """Answers at once; remembers every command. With `start_frames` a thread delivers frames at `fps`."""

    def __init__(self, readout: Readout = ACTION, size: tuple[int, int] = (1280, 720)) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.size = size
        self.pending: list[Notice] = []
        self.current_readout = readout
        self.current_status = Status()
        self.current_frame: Frame | None = None
        self.current_prediction: Prediction | None = None
        self.current_people = PeopleNow()
        self.current_person_events: tuple[int, tuple[PersonEvent, ...]] = (0, ())
        self.joined: dict[int, int] = {}
        self.left: dict[Hashable, KnownPeople] = {}
        self.person_boxes: dict[int, Box] = {}
        self.current_trails: tuple[PersonTrail, ...] = ()
        self.current_clip: Any = None
        self.fail_model = False
        self.watchers: list[Callable[[Frame], None]] = []
        self.history = History()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def newest_clip(self) -> Any:
        return self.current_clip

    def update(self, **changes: Any) -> None:
        self.current_status = replace(self.current_status, **changes)

    def last(self, name: str) -> tuple[Any, ...] | None:
        return next((call[1:] for call in reversed(self.calls) if call[0] == name), None)

    def deliver(self, t_s: float = 0.0, image: U8 | None = None, source: SourceSpec | None = None) -> Frame:
        index = self.current_frame.index + 1 if self.current_frame else 0
        image = figure(t_s, *self.size) if image is None else image
        self.current_frame = Frame(image, index, t_s, time.monotonic(), self.current_status.generation, source)
        self.update(source_frames=index + 1)
        for watcher in tuple(self.watchers):
            watcher(self.current_frame)
        return self.current_frame

    def predict(self, top: tuple[tuple[str, float], ...] = TOP) -> Prediction:
        probs = np.full(len(LABELS), 1 / len(LABELS), np.float32)
        status = self.current_status
        self.current_prediction = Prediction(
            probs,
            top,
            status.position_s,
            96.0,
            80.0,
            status.model or "slowfast_r50",
            status.device or "CPU",
            status.generation,
        )
        self.update(predictions=status.predictions + 1)
        return self.current_prediction

    def start_frames(self, fps: float = 30.0) -> None:
        pictures = [figure(k / 30, *self.size) for k in range(30)]

        def run() -> None:
            number = 0
            while not self._stop.wait(1 / fps):
                if not self.current_status.paused:
                    number += 1
                    self.deliver(number / fps, pictures[number % 30])
                    if number % 3 == 0:
                        self.update(
                            position_s=(number / fps) % 150,
                            latency_ms=96 + 14 * math.sin(number / 20),
                            infer_ms=82 + 10 * math.sin(number / 20),
                            frames_captured=number,
                        )
                        self.predict()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def open(self, source: SourceSpec) -> None:
        self.calls.append(("open", source))
        live = source.live
        info = SourceInfo(*self.size, 30.0, None if live else 150.0, not live, "" if live else "h264")
        generation = self.current_status.generation + 1
        self.history.begin(live=live, generation=generation, file=source.address)
        self.update(
            state=PipelineState.RUNNING, source=source, info=info, generation=generation, paused=False, ended=False,
            source_fps=30.0, predictions_per_s=11.2, latency_ms=96.0, infer_ms=82.0, coverage=1.0, source_frames=0,
        )  # fmt: skip

    def close_source(self) -> None:
        self.calls.append(("close_source",))
        self.update(source=None, info=None, position_s=0.0, generation=self.current_status.generation + 1)

    def use_model(self, model: Model | None, device: str | None = None) -> None:
        self.calls.append(("use_model", model, device))
        if not self.fail_model:
            self.update(model=model.name if model else None, device=device or self.current_status.device or "CPU")

    def use_device(self, device: str) -> None:
        self.calls.append(("use_device", device))
        self.update(device=device)

    def play(self) -> None:
        self.calls.append(("play",))
        self.update(paused=False, ended=False)

    def pause(self) -> None:
        self.calls.append(("pause",))
        self.update(paused=True)

    def seek(self, t_s: float, *, scrubbing: bool = False) -> None:
        self.calls.append(("seek", t_s, scrubbing))
        self.update(position_s=t_s)

    def step(self, frames: int) -> None:
        self.calls.append(("step", frames))
        self.update(paused=True)

    def set_speed(self, speed: float) -> None:
        self.calls.append(("set_speed", speed))
        self.update(speed=speed)

    def set_loop(self, loop: bool) -> None:
        self.calls.append(("set_loop", loop))
        self.update(loop=loop)

    def set_mirror(self, mirror: bool) -> None:
        self.calls.append(("set_mirror", mirror))

    def set_threshold(self, threshold: float | None) -> None:
        self.calls.append(("set_threshold", threshold))

    def set_rate_limit(self, per_s: float | None) -> None:
        self.calls.append(("set_rate_limit", per_s))

    def set_rest(self, rest: bool) -> None:
        self.calls.append(("set_rest", rest))

    def use_people(self, detector: str) -> None:
        self.calls.append(("use_people", detector))

    def follow(self, identity: int | None) -> None:
        self.calls.append(("follow", identity))

    def people(self) -> PeopleNow:
        return self.current_people

    def person_events(self) -> PeopleEvents:
        return PeopleEvents(*self.current_person_events, self.joined)

    def known_people(self, source: Hashable) -> KnownPeople | None:
        if source in self.left:
            return self.left[source]
        return self._known() if source == self.history.file else None

    def _known(self) -> KnownPeople:
        return KnownPeople(self.current_trails, self.current_person_events[1], detector=self.current_people.detector)

    def leave_people(self) -> None:
        """Forget everybody, as the pipeline does at once when another source is opened."""
        self.left = {self.history.file: self._known()}
        self.current_trails, self.current_person_events = (), (self.current_person_events[0] + 1, ())

    def restore_people(self, source: Hashable, known: KnownPeople) -> None:
        self.calls.append(("restore_people", known))
        if source == self.history.file:
            self.current_trails = known.trails
            self.current_person_events = (self.current_person_events[0] + 1, known.events)

    def person_at(self, identity: int, t_s: float) -> Box | None:
        return self.person_boxes.get(identity)

    def person_trails(self) -> tuple[PersonTrail, ...]:
        return self.current_trails

    def watch(self, watcher: Callable[[Frame], None]) -> None:
        self.watchers.append(watcher)

    def unwatch(self, watcher: Callable[[Frame], None]) -> None:
        self.watchers = [other for other in self.watchers if other != watcher]

    def stop(self) -> None:
        self.calls.append(("stop",))
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)

    def frame(self) -> Frame | None:
        return self.current_frame

    def prediction(self) -> Prediction | None:
        return self.current_prediction

    def readout(self) -> Readout:
        status = self.current_status
        if status.state is PipelineState.FAILED or status.reconnect_attempt or status.silent_s:
            return Readout(ReadoutState.NO_PICTURE)
        return self.current_readout

    def status(self) -> Status:
        return self.current_status

    def notices(self) -> list[Notice]:
        taken, self.pending = self.pending, []
        return taken
