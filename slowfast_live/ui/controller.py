"""What the user's wishes mean for the pipeline. No widgets here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from slowfast_live.errors import ModelError, SlowFastLiveError
from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.spec import Model, Registry
from slowfast_live.types import Level, Notice, SourceKind, SourceSpec, Status
from slowfast_live.ui.background import Background
from slowfast_live.ui.intake import first_source, source_of
from slowfast_live.ui.memory import Memory
from slowfast_live.ui.model_card import BUILD_COMMAND
from slowfast_live.ui.options import AppOptions
from slowfast_live.ui.ports import CameraPort, PipelinePort
from slowfast_live.ui.shortcuts import key_text
from slowfast_live.ui.transport import SPEEDS

log = logging.getLogger(__name__)

_CAMERAS_WAIT_S = 3.0
"""At the first start the cameras are waited for this long, then the demo plays."""
DEFAULT_DEVICE = "CPU"
NO_MODEL = (
    "No model found. Published weights do not come with the app. Build one: "
    f"Models… ({key_text('models')}), or {BUILD_COMMAND}"
)


@dataclass(frozen=True, slots=True)
class Found:
    """The models at hand, the one that the command line asked for, and what there is to say of them."""

    models: list[Model]
    asked: Model | None
    notices: list[Notice]


class Controller(QObject):
    """Opens sources, switches models and devices, and remembers what was chosen.

    Args:
        pipeline: Who does the work.
        cameras: The cameras at hand.
        devices: Lists the devices; may take a second, so it is called on a thread.
        registry: The models at hand.
        memory: The settings.
        background: Who runs what takes time.
        options: What the command line asked for.
    """

    sources_changed = Signal()
    models_changed = Signal(list)
    devices_changed = Signal(list)
    model_changed = Signal(object)
    """`Model` that runs now, or None."""
    notice = Signal(object)

    def __init__(
        self,
        pipeline: PipelinePort,
        cameras: CameraPort,
        devices: Callable[[], list[DeviceInfo]],
        registry: Registry,
        memory: Memory,
        background: Background,
        options: AppOptions,
    ) -> None:
        super().__init__()
        self.pipeline = pipeline
        self._cameras, self._list_devices, self._registry = cameras, devices, registry
        self.memory, self._background, self._options = memory, background, options
        self._models: dict[str, Model] = {}
        self._asked: Model | None = None
        self._searched = False
        self._running: str | None = None
        self._held: str | None = None
        self._camera_version = 0
        self._waiting_since_s: float | None = None

    @property
    def cameras(self) -> Sequence[SourceSpec]:
        """The cameras at hand."""
        return self._cameras.cameras()

    @property
    def mirror(self) -> bool:
        """Whether to begin mirrored: the command line's word holds for this session, else the settings'."""
        asked = self._options.mirror
        return self.memory.settings.mirror if asked is None else asked

    @property
    def loop(self) -> bool:
        """Whether to begin looping."""
        asked = self._options.loop
        return self.memory.settings.loop if asked is None else asked

    @property
    def threshold(self) -> float | None:
        """The threshold to begin with; None for the model's own."""
        asked = self._options.threshold
        return self.memory.settings.threshold if asked is None else asked

    def start(self) -> None:
        """Apply settings and options, open the first source, and load model and devices in the background."""
        self.pipeline.set_mirror(self.mirror)
        self.pipeline.set_loop(self.loop)
        self.pipeline.set_threshold(self.threshold)
        self.pipeline.set_rest(self.memory.settings.rest)
        self._waiting_since_s = time.monotonic()
        self._begin()
        self._background.run(self._find_models, self._models_found, self._models_failed, name="models")
        self._background.run(self._list_devices, self.devices_changed.emit, self._devices_failed, name="devices")

    def tick(self, status: Status) -> None:
        """Look at what changed by itself; called ten times a second."""
        if self._cameras.version != self._camera_version:
            self._camera_version = self._cameras.version
            self.sources_changed.emit()
        if self._waiting_since_s is not None:
            self._begin()
        if status.model != self._running:
            self._running = status.model
            self.model_changed.emit(self._models.get(status.model) if status.model else None)

    def _begin(self) -> None:
        assert self._waiting_since_s is not None
        listed = self._cameras.version > 0 or time.monotonic() - self._waiting_since_s > _CAMERAS_WAIT_S
        cameras = self._cameras.cameras() if listed else None
        chosen = first_source(self._options.source, self.memory.settings.last_source, cameras)
        if chosen is None:
            return
        self._waiting_since_s = None
        source, notice = chosen
        self._open(source)
        if notice is not None:
            self.notice.emit(notice)

    # Sources

    def open_source(self, source: SourceSpec) -> None:
        """Open a source that the user chose."""
        self._waiting_since_s = None
        if source.kind is SourceKind.FILE and not Path(source.address).is_file():
            recent = self.memory.settings.recent_files
            if source.address in recent:
                recent.remove(source.address)
                self.memory.changed()
                self.sources_changed.emit()
                text = f"{source.name} is gone: {source.address} is no file. It was taken off the recent files."
            else:
                text = f"{source.address} is no file. Choose a video with Open file…"
            self.notice.emit(Notice(Level.WARNING, text))
            return
        self._open(source)

    def _open(self, source: SourceSpec) -> None:
        if source.kind is SourceKind.CAMERA:
            source = replace(source, size=source.size or self.memory.settings.camera_size)
        self.pipeline.open(source)
        self.memory.settings.remember_source(source)
        self.memory.changed()
        self.sources_changed.emit()

    def open_text(self, text: str) -> None:
        """Open what was typed or dropped."""
        source = source_of(text)
        if source is None:
            shown = text.strip()[:80]
            text = f"'{shown}' is neither a file nor a stream. Expected a video file or a URL such as rtsp://host/path."
            self.notice.emit(Notice(Level.WARNING, text))
            return
        self.open_source(source)

    def forget_recent(self) -> None:
        """Empty the recent files."""
        self.memory.settings.recent_files = []
        self.memory.changed()
        self.sources_changed.emit()

    def set_camera_size(self, size: tuple[int, int] | None) -> None:
        """Ask cameras for another size; the one that is open is opened again."""
        self.memory.settings.camera_size = size
        self.memory.changed()
        source = self.pipeline.status().source
        if source is not None and source.kind is SourceKind.CAMERA:
            self._open(replace(source, size=size))

    # Playing

    def play_pause(self) -> None:
        """Play or pause a file."""
        status = self.pipeline.status()
        if status.source is None or status.source.live:
            return
        if status.paused or status.ended:
            self.pipeline.play()
        else:
            self.pipeline.pause()

    def step(self, frames: int) -> None:
        """Go some frames forward or back."""
        if self._seekable():
            self.pipeline.step(frames)

    def jump(self, by_s: float) -> None:
        """Go some seconds forward or back."""
        status = self.pipeline.status()
        if self._seekable():
            end_s = (status.info.duration_s if status.info else None) or float("inf")
            self.pipeline.seek(min(max(0.0, status.position_s + by_s), end_s))

    def _seekable(self) -> bool:
        info = self.pipeline.status().info
        return info is not None and info.seekable

    def faster(self, by: int) -> None:
        """Go `by` steps up (> 0) or down the speeds."""
        status = self.pipeline.status()
        if status.source is None or status.source.live:
            return
        nearest = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - status.speed))
        self.pipeline.set_speed(SPEEDS[min(max(0, nearest + by), len(SPEEDS) - 1)])

    def set_loop(self, loop: bool) -> None:
        """Start a file again at its end."""
        self.pipeline.set_loop(loop)
        self.memory.settings.loop = loop
        self.memory.changed()

    def set_mirror(self, mirror: bool) -> None:
        """Swap left and right."""
        self.pipeline.set_mirror(mirror)
        self.memory.settings.mirror = mirror
        self.memory.changed()

    # Decision

    def set_threshold(self, threshold: float | None) -> None:
        """Choose a threshold; None for the model's own."""
        self.pipeline.set_threshold(threshold)
        self.memory.settings.threshold = threshold
        self.memory.changed()

    def set_rest(self, rest: bool) -> None:
        """Let the model rest while nothing moves."""
        self.pipeline.set_rest(rest)
        self.memory.settings.rest = rest
        self.memory.changed()

    # Models and devices

    def look_for_models(self) -> None:
        """Look again where no model was found: one may have been built meanwhile."""
        if self._searched and not self._models:
            self._searched = False
            self._background.run(self._find_models, self._models_found, self._models_failed, name="models")

    def choose_model(self, name: str) -> None:
        """Switch to a model at hand."""
        if (model := self._models.get(name)) is None:
            return
        self.pipeline.use_model(model)
        self.memory.settings.model = name
        self.memory.changed()

    def choose_device(self, device: str) -> None:
        """Switch to a device."""
        self.pipeline.use_device(device)
        self.memory.settings.device = device
        self.memory.changed()

    def choose(self, model: str, device: str) -> None:
        """Switch to a model and a device at once, as a measurement recommended."""
        if (found := self._models.get(model)) is None:
            return
        self.pipeline.use_model(found, device)
        self.memory.settings.model, self.memory.settings.device = model, device
        self.memory.changed()

    def hold_model(self) -> None:
        """Stop recognising, so that something else can be measured."""
        self._held = self.pipeline.status().model
        self.pipeline.use_model(None)

    def restore_model(self) -> None:
        """Go on with the model that was held, unless another one was chosen meanwhile."""
        held, self._held = self._models.get(self._held or ""), None
        status = self.pipeline.status()
        if held is not None and status.model is None and not status.switching:
            self.pipeline.use_model(held)

    def _find_models(self) -> Found:
        """Look for models; runs on a thread."""
        models, broken = self._registry.scan()
        notices = [Notice(Level.WARNING, error.message, error.details) for error in broken]
        asked = None
        if self._options.model is not None:
            try:
                asked = self._registry.find(self._options.model)
            except SlowFastLiveError as error:
                notices.append(Notice(Level.ERROR, error.message, error.details))
        return Found(models, asked, notices)

    def _models_found(self, found: Found) -> None:
        self._searched = True
        first = found.models[0] if found.models else None
        self._asked = found.asked
        self._offer(found.models)
        if found.asked is not None:
            first = found.asked
        elif self.memory.settings.model in self._models:
            first = self._models[self.memory.settings.model]
        for notice in found.notices:
            self.notice.emit(notice)
        if first is None:
            self.notice.emit(Notice(Level.WARNING, NO_MODEL))
            return
        self.pipeline.use_model(first, self._device)

    @property
    def models(self) -> list[Model]:
        """The models at hand, as the dropdown offers them."""
        return list(self._models.values())

    @property
    def labels(self) -> tuple[str, ...]:
        """The actions that the running model knows."""
        model = self._models.get(self._running) if self._running is not None else None
        return model.spec.labels if model is not None else ()

    @property
    def _device(self) -> str:
        return self._options.device or self.memory.settings.device or DEFAULT_DEVICE

    def rescan(self, wanted: str | None = None) -> None:
        """Look for models again, on a thread.

        Args:
            wanted: First part of the names of models that were just built: where none runs, the best of them does.
        """

        def found(what: tuple[list[Model], list[ModelError]]) -> None:
            models, broken = what
            self._offer(models)
            for error in broken:
                self.notice.emit(Notice(Level.WARNING, error.message, error.details))
            status = self.pipeline.status()
            if wanted is None or status.model is not None or status.switching:
                return
            built = [model for model in models if model.name.startswith(f"{wanted}-")]
            if built:
                self.pipeline.use_model(built[-1], self._device)

        self._background.run(self._registry.scan, found, self._models_failed, name="models")

    def _offer(self, models: list[Model]) -> None:
        self._models = {model.name: model for model in models}
        if self._asked is not None:
            self._models[self._asked.name] = self._asked
        self.models_changed.emit(self.models)

    def _models_failed(self, error: Exception) -> None:
        self.notice.emit(Notice(Level.ERROR, "The model folders cannot be read.", repr(error)))

    def _devices_failed(self, error: Exception) -> None:
        self.notice.emit(Notice(Level.ERROR, "The devices cannot be listed; the CPU is used.", repr(error)))
        self.devices_changed.emit([DeviceInfo(DEFAULT_DEVICE, DEFAULT_DEVICE)])
