"""Translate user actions into pipeline commands. Contains no widgets."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from slowfast_live.colors import use_labels
from slowfast_live.errors import ModelError, SlowFastLiveError, UsageError
from slowfast_live.inference.building import BUILD_COMMAND
from slowfast_live.inference.device_backend import server_info
from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.remote.address import names_server, parse_address
from slowfast_live.inference.spec import Model, Registry, only_actions
from slowfast_live.people.now import AUTOMATIC, OFF
from slowfast_live.sessions.format import SUFFIX
from slowfast_live.sources.picture_files import is_there as may_be_played
from slowfast_live.sources.picture_files import names_pictures
from slowfast_live.teaching.names import SHARED_SUFFIX
from slowfast_live.types import SPEEDS, Level, Notice, Prediction, SourceKind, SourceSpec, Status, Topic
from slowfast_live.ui.commands.commands import key_text
from slowfast_live.ui.controller.options import AppOptions
from slowfast_live.ui.controller.pace import Pace
from slowfast_live.ui.controller.protocols import CameraPort, PipelinePort
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.controller.source_input import first_source, source_of
from slowfast_live.ui.controller.workload import Workload
from slowfast_live.ui.style.language import tr
from slowfast_live.ui.threads.background import BackgroundTasks

log = logging.getLogger(__name__)

_CAMERAS_WAIT_S = 3.0
"""Time in seconds to wait for cameras at the first start; after that, the demo plays."""
DEFAULT_DEVICE = "CPU"
MAX_SERVERS = 5
"""Inference servers that are remembered."""
NO_MODEL = tr(
    "No model found. Published weights are not included with the app. Build a model with "
    "Models… ({keys}), or {command}",
    keys=key_text("models"),
    command=BUILD_COMMAND,
)


@dataclass(frozen=True, slots=True)
class Found:
    """The available models, the model requested on the command line, and notices about them."""

    models: list[Model]
    asked: Model | None
    notices: list[Notice]


class Controller(QObject):
    """Opens sources, switches models and devices, and saves the user's choices.

    Args:
        pipeline: The pipeline to control.
        cameras: The available cameras.
        devices: Lists the devices; may take a second, so it is called off the GUI thread.
        registry: The available models.
        memory: The settings.
        background: Runs slow work off the GUI thread.
        options: Options from the command line.
    """

    sources_changed = Signal()
    models_changed = Signal(list)
    devices_changed = Signal(list)
    model_changed = Signal(object)
    """Emits the `Model` that runs now, or None."""
    notice = Signal(object)
    shared_model_wanted = Signal(object)
    """Emits the `Path` of a model as one file, to add it to the models."""
    session_wanted = Signal(object)
    """Emits the `Path` of a session file to open."""
    several_wanted = Signal(object)
    """Emits several `SourceSpec` to play one after the other."""
    settled = Signal(object)
    """Emits the `Topic` of notices that no longer apply."""

    def __init__(
        self,
        pipeline: PipelinePort,
        cameras: CameraPort,
        devices: Callable[[], list[DeviceInfo]],
        registry: Registry,
        memory: SettingsStore,
        background: BackgroundTasks,
        options: AppOptions,
    ) -> None:
        super().__init__()
        self.pipeline = pipeline
        self.workload = Workload(self)
        self._cameras, self._list_devices, self._registry = cameras, devices, registry
        self.memory, self._background, self._options = memory, background, options
        self.pace = Pace(memory, pipeline.set_rate_limit, self._run_again, options.rate)
        self._models: dict[str, Model] = {}
        self._asked: Model | None = None
        self._searched = False
        self._devices: list[DeviceInfo] = []  # of this machine
        self._running: str | None = None
        self._held: str | None = None
        self._tried: SourceSpec | None = None  # the last source requested
        self._untested: SourceSpec | None = None  # the same, until its first frame
        self._chosen_model: str | None = None  # until its first prediction
        self._chosen_device: str | None = None
        self._seen: Prediction | None = None
        self._reconnecting = False
        self._camera_version = 0
        self._waiting_since_s: float | None = None

    @property
    def cameras(self) -> Sequence[SourceSpec]:
        """The available cameras."""
        return self._cameras.cameras()

    @property
    def mirror(self) -> bool:
        """Initial mirroring: the command line takes precedence for this run, then the settings."""
        asked = self._options.mirror
        return self.memory.settings.mirror if asked is None else asked

    @property
    def loop(self) -> bool:
        """Initial looping; same precedence as `mirror`."""
        asked = self._options.loop
        return self.memory.settings.loop if asked is None else asked

    @property
    def threshold(self) -> float | None:
        """The initial threshold; None for the model's own."""
        asked = self._options.threshold
        return self.memory.settings.threshold if asked is None else asked

    def start(self) -> None:
        """Apply settings and options, open the first source, and load models and devices in the background."""
        self.pipeline.set_mirror(self.mirror)
        self.pipeline.set_loop(self.loop)
        self.pipeline.set_threshold(self.threshold)
        self.pipeline.set_rest(self.memory.settings.rest)
        settings = self.memory.settings
        self.pipeline.use_people((settings.detector or AUTOMATIC) if settings.people else OFF)
        self._waiting_since_s = time.monotonic()
        self._begin()
        self._background.run(self._find_models, self._models_found, self._models_failed, name="models")
        self._background.run(self._list_devices, self._devices_found, self._devices_failed, name="devices")

    def tick(self, status: Status) -> None:
        """Check for changes that happened without user action; called ten times a second."""
        if self._cameras.version != self._camera_version:
            self._camera_version = self._cameras.version
            self.sources_changed.emit()
        if self._waiting_since_s is not None:
            self._begin()
        running = status.model or self._held
        if running != self._running:
            self._running = running
            if (model := self.running_model) is not None:
                use_labels(model.spec.actions)
            self.pace.running(self.running_model)
            self.model_changed.emit(self.running_model)
        self._watch_source(status)
        self._watch_model(status)

    def _watch_source(self, status: Status) -> None:
        """Save a source that has delivered a frame and clear earlier notices about sources."""
        came_back = self._reconnecting and not status.reconnect_attempt and status.info is not None
        self._reconnecting = status.reconnect_attempt > 0
        wanted = self._untested
        if wanted is not None and not status.opening and status.source == wanted and status.source_frames > 0:
            self._untested = None
            self.memory.settings.remember_source(wanted)
            self.memory.changed()
            self.sources_changed.emit()
            self.settled.emit(Topic.SOURCE)
        elif came_back:
            self.settled.emit(Topic.SOURCE)

    def _watch_model(self, status: Status) -> None:
        """Save a model or device that has made a prediction and clear earlier notices about the model."""
        prediction = self.pipeline.prediction()
        if prediction is None or prediction is self._seen:
            return
        before, self._seen = self._seen, prediction
        self.settled.emit(Topic.MODEL)
        if before is None or (before.model, before.device) != (prediction.model, prediction.device):
            self.settled.emit(Topic.SWITCH)
            self.settled.emit(Topic.DEVICES)
        if names_server(prediction.device):
            self.settled.emit(Topic.SERVER)
        settings = self.memory.settings
        if self._chosen_model == prediction.model:
            self._chosen_model, settings.model = None, prediction.model
            self.memory.changed()
        if self._chosen_device == prediction.device:
            self._chosen_device, settings.device = None, prediction.device
            self.memory.changed()

    def shown(self, status: Status) -> Status:
        """Return a status as displayed: a model that is paused for a measurement still counts as selected."""
        return replace(status, held=self._held) if self._held and status.model is None else status

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
        if source.kind is SourceKind.FILE and not may_be_played(Path(source.address)):
            recent = self.memory.settings.recent_files
            if source.address in recent:
                recent.remove(source.address)
                self.memory.changed()
                self.sources_changed.emit()
                text = tr(
                    "{name} no longer exists at {address}. It was removed from the recent files.",
                    name=source.name,
                    address=source.address,
                )
            else:
                text = tr(
                    "{address} is neither a file nor a folder of images. Choose a video with Open file… or a "
                    "folder with Open folder of images…",
                    address=source.address,
                )
            self.notice.emit(Notice(Level.WARNING, text, topic=Topic.SOURCE))
            return
        self._open(source)

    def open_several(self, sources: Sequence[SourceSpec]) -> None:
        """Open one source, or several files one after the other."""
        if len(sources) > 1:
            self.several_wanted.emit(tuple(sources))
        elif sources:
            self.open_source(sources[0])

    def _open(self, source: SourceSpec) -> None:
        if source.kind is SourceKind.FILE and source.address.lower().endswith(SUFFIX):
            self.session_wanted.emit(Path(source.address))
            return
        if source.kind is SourceKind.FILE and source.address.lower().endswith(SHARED_SUFFIX):
            self.shared_model_wanted.emit(Path(source.address))
            return
        if source.kind is SourceKind.CAMERA:
            source = replace(source, size=source.size or self.memory.settings.camera_size)
        if source.kind is SourceKind.FILE:
            source = self._with_rate(source)
        self._tried = self._untested = source
        self.pipeline.open(source)
        self.sources_changed.emit()

    @property
    def tried(self) -> SourceSpec | None:
        """The last source requested; None before the first."""
        return self._tried

    @property
    def can_retry(self) -> bool:
        """Whether a requested source has not delivered a frame."""
        return self._untested is not None

    @property
    def waits_for_cameras(self) -> bool:
        """Whether the first source is still undecided because the cameras are still being listed."""
        return self._waiting_since_s is not None

    def retry(self) -> None:
        """Retry the last source requested."""
        if self._tried is not None:
            self.open_source(self._tried)

    def _with_rate(self, source: SourceSpec) -> SourceSpec:
        """Return a source with the playback rate set if it is an image sequence."""
        if not names_pictures(Path(source.address)):
            return source
        return replace(source, rate=source.rate or self.memory.settings.picture_rate)

    def open_pictures(self, folder: Path, rate: float) -> None:
        """Play a folder of images at `rate` images per second; later folders also play at this rate."""
        self.memory.settings.picture_rate = rate
        self.memory.changed()
        self.open_source(SourceSpec(SourceKind.FILE, str(folder), rate=rate))

    def open_text(self, text: str) -> None:
        """Open a source from typed or dropped text."""
        source = source_of(text)
        if source is None:
            shown = text.strip()[:80]
            text = tr(
                "'{shown}' is neither a file nor a stream. Expected a video file or a URL such as rtsp://host/path.",
                shown=shown,
            )
            self.notice.emit(Notice(Level.WARNING, text, topic=Topic.SOURCE))
            return
        self.open_source(source)

    def open_camera(self) -> None:
        """Open the first camera; without one, say so."""
        cameras = self._cameras.cameras()
        if cameras:
            self.open_source(cameras[0])
        else:
            text = tr("No camera was found. Plug one in, or allow this app to use it in the system's settings.")
            self.notice.emit(Notice(Level.WARNING, text, topic=Topic.SOURCE, command="open_file"))

    def forget_recent(self) -> None:
        """Clear the list of recent files."""
        self.memory.settings.recent_files = []
        self.memory.changed()
        self.sources_changed.emit()

    def set_camera_size(self, size: tuple[int, int] | None) -> None:
        """Set the requested camera size; an open camera is reopened."""
        self.memory.settings.camera_size = size
        self.memory.changed()
        source = self.pipeline.status().source
        if source is not None and source.kind is SourceKind.CAMERA:
            self._open(replace(source, size=size))

    # Playback

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
        """Step by a number of frames, forward or back."""
        if self._seekable():
            self.pipeline.step(frames)

    def jump(self, by_s: float) -> None:
        """Jump by some seconds, forward or back."""
        status = self.pipeline.status()
        if self._seekable():
            end_s = (status.info.duration_s if status.info else None) or float("inf")
            self.pipeline.seek(min(max(0.0, status.position_s + by_s), end_s))

    def _seekable(self) -> bool:
        info = self.pipeline.status().info
        return info is not None and info.seekable

    def faster(self, by: int) -> None:
        """Change the playback speed by `by` steps, up (> 0) or down."""
        status = self.pipeline.status()
        if status.source is None or status.source.live:
            return
        nearest = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - status.speed))
        self.pipeline.set_speed(SPEEDS[min(max(0, nearest + by), len(SPEEDS) - 1)])

    def set_loop(self, loop: bool) -> None:
        """Turn on or off restarting a file when it ends."""
        self.pipeline.set_loop(loop)
        self.memory.settings.loop = loop
        self.memory.changed()

    def set_mirror(self, mirror: bool) -> None:
        """Turn horizontal mirroring on or off."""
        self.pipeline.set_mirror(mirror)
        self.memory.settings.mirror = mirror
        self.memory.changed()

    # Decision

    def set_threshold(self, threshold: float | None) -> None:
        """Set the threshold; None for the model's own."""
        self.pipeline.set_threshold(threshold)
        self.memory.settings.threshold = threshold
        self.memory.changed()

    def set_people(self, people: bool) -> None:
        """Follow people, each with labels of their own, or nobody."""
        self.settled.emit(Topic.PEOPLE)
        self.memory.settings.people = people
        self.memory.changed()
        self.pipeline.use_people((self.memory.settings.detector or AUTOMATIC) if people else OFF)

    def use_detector(self, name: str) -> None:
        """Follow people with a detector by name, from now on; see `people.now` for `MOTION`."""
        self.settled.emit(Topic.PEOPLE)
        self.memory.settings.detector = name
        self.memory.settings.people = True
        self.memory.changed()
        self.pipeline.use_people(name)

    def set_rest(self, rest: bool) -> None:
        """Turn on or off pausing the model while nothing moves."""
        self.pipeline.set_rest(rest)
        self.memory.settings.rest = rest
        self.memory.changed()

    # Models and devices

    def scan_models_again(self) -> None:
        """Search again if no model was found: one may have been built in the meantime."""
        if self._searched and not self._models:
            self._searched = False
            self._background.run(self._find_models, self._models_found, self._models_failed, name="models")

    def choose_model(self, name: str) -> None:
        """Switch to an available model."""
        if (model := self._models.get(name)) is None:
            return
        self._held = None
        self._chosen_model = name
        self._use(model)

    def _use(self, model: Model, device: str | None = None) -> None:
        self.pipeline.use_model(only_actions(model, self.chosen_actions(model)), device)

    def chosen_actions(self, model: Model) -> frozenset[str]:
        """Return the actions of a model that are looked for; if the user chose none, all but those that it has off."""
        known = frozenset(model.spec.actions)
        chosen = known & frozenset(self.memory.settings.chosen_actions.get(model.name, ()))
        return chosen or known - frozenset(model.spec.decision.off)

    def choose_actions(self, chosen: Collection[str]) -> None:
        """Look for these actions of the running model only; the others then count as none of them."""
        model = self._models.get(self._running or "")
        if model is None:
            return
        kept = {name: labels for name, labels in self.memory.settings.chosen_actions.items() if name != model.name}
        if set(chosen) & set(model.spec.actions) != set(model.spec.actions) - set(model.spec.decision.off):
            kept[model.name] = [label for label in model.spec.actions if label in chosen]
        self.memory.settings.chosen_actions = {name: labels for name, labels in kept.items() if labels}
        self.memory.changed()
        self._use(model)

    def choose_new(self, model: Model) -> None:
        """Switch to a model that was just written, and list it."""
        self._models[model.name] = model
        self.choose_model(model.name)
        self.rescan()

    def choose_device(self, device: str) -> None:
        """Switch to a device."""
        self._chosen_device = device
        self.settled.emit(Topic.SERVER)
        self.pipeline.use_device(device)

    def add_server(self, text: str) -> None:
        """Add an inference server to the devices by its address, and run the model there."""
        try:
            address = parse_address(text).text
        except UsageError as error:
            self.notice.emit(Notice(Level.WARNING, error.message, topic=Topic.SERVER))
            return
        servers = self.memory.settings.servers
        self.memory.settings.servers = [address, *(other for other in servers if other != address)][:MAX_SERVERS]
        self.memory.changed()
        self._devices_found(self._devices)
        self.choose_device(address)

    def _devices_found(self, devices: list[DeviceInfo]) -> None:
        self._devices = devices
        servers = list(dict.fromkeys([*self.memory.settings.servers, *self._asked_server]))
        self.devices_changed.emit([*devices, *map(server_info, servers)])

    @property
    def _asked_server(self) -> list[str]:
        device = self._device
        return [device] if names_server(device) else []

    def choose(self, model: str, device: str) -> None:
        """Switch to a model and a device at once, as a measurement recommended."""
        if (found := self._models.get(model)) is None:
            return
        self._held = None
        self._chosen_model, self._chosen_device = model, device
        self._use(found, device)

    def hold_model(self) -> None:
        """Pause recognition so that something else can be measured."""
        self._held = self.pipeline.status().model or self._held
        self.pipeline.use_model(None)

    def restore_model(self) -> None:
        """Resume the paused model, unless another one was chosen in the meantime."""
        held, self._held = self._models.get(self._held or ""), None
        status = self.pipeline.status()
        if held is not None and status.model is None and not status.switching:
            self._use(held)

    def _find_models(self) -> Found:
        """Search for models; runs off the GUI thread."""
        models, broken = self._registry.scan()
        notices = [_broken_model(error) for error in broken]
        asked = None
        if self._options.model is not None:
            try:
                asked = self._registry.find(self._options.model)
            except SlowFastLiveError as error:
                notices.append(Notice(Level.ERROR, error.message, error.details, topic=Topic.SWITCH))
        return Found(models, asked, notices)

    def _models_found(self, found: Found) -> None:
        self._searched = True
        self._asked = None if found.asked is None else self.pace.spread(found.asked)
        self._offer(found.models)
        first = self._models[found.models[0].name] if found.models else None
        if self._asked is not None:
            first = self._asked
        elif self.memory.settings.model in self._models:
            first = self._models[self.memory.settings.model]
        self.settled.emit(Topic.MODELS)
        for notice in found.notices:
            self.notice.emit(notice)
        if first is None:
            self.notice.emit(Notice(Level.WARNING, NO_MODEL, topic=Topic.MODELS))
            return
        self._use(first, self._device)

    @property
    def models(self) -> list[Model]:
        """The available models, in the order of the dropdown."""
        return list(self._models.values())

    @property
    def labels(self) -> tuple[str, ...]:
        """The actions that the running model knows."""
        model = self._models.get(self._running) if self._running is not None else None
        return model.spec.actions if model is not None else ()

    @property
    def _device(self) -> str:
        return self._options.device or self.memory.settings.device or DEFAULT_DEVICE

    def rescan(self, wanted: str | None = None) -> None:
        """Search for models again, off the GUI thread.

        Args:
            wanted: Prefix of the names of models that were just built: if no model is running, the best of them is
                started.
        """

        def found(what: tuple[list[Model], list[ModelError]]) -> None:
            models, broken = what
            self._offer(models)
            self.settled.emit(Topic.MODELS)
            for error in broken:
                self.notice.emit(_broken_model(error))
            status = self.pipeline.status()
            if wanted is None or status.model is not None or status.switching:
                return
            built = [model for model in self.models if model.name.startswith(f"{wanted}-")]
            if built:
                self._use(built[-1], self._device)

        self._background.run(self._registry.scan, found, self._models_failed, name="models")

    @property
    def running_model(self) -> Model | None:
        """The model that runs, or is paused for a measurement."""
        return self._models.get(self._running) if self._running else None

    def choose_limit(self, per_s: float | None) -> None:
        """Limit the running model to so many predictions per second; None for no limit."""
        self.pace.choose_limit(self.running_model, per_s)

    def choose_span(self, span_s: float) -> None:
        """Spread the running model's clip over another time, in seconds."""
        self.pace.choose_span(self.running_model, span_s)

    def _run_again(self, model: Model) -> None:
        self._models[model.name] = model
        self.pipeline.use_model(model)

    def _offer(self, models: list[Model]) -> None:
        self._models = {model.name: self.pace.spread(model) for model in models}
        if self._asked is not None:
            self._models[self._asked.name] = self._asked
        self.models_changed.emit(self.models)

    def _models_failed(self, error: Exception) -> None:
        self.notice.emit(Notice(Level.ERROR, tr("The model folders cannot be read."), repr(error), topic=Topic.MODELS))

    def _devices_failed(self, error: Exception) -> None:
        text = tr("The devices cannot be listed; the CPU is used.")
        self.notice.emit(Notice(Level.ERROR, text, repr(error), topic=Topic.DEVICES))
        self._devices_found([DeviceInfo(DEFAULT_DEVICE, DEFAULT_DEVICE)])


def _broken_model(error: ModelError) -> Notice:
    return Notice(Level.WARNING, error.message, error.details, topic=Topic.MODELS)
