"""Offers once to measure this machine, if there is a choice between models or devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.remote.address import names_server
from slowfast_live.inference.spec import Model
from slowfast_live.types import Level, Notice, PipelineState, Status, Topic
from slowfast_live.ui.controller.settings_store import SettingsStore
from slowfast_live.ui.style.language import tr

AFTER = 300
"""Number of updates with a running model, ten per second, before the offer: about half a minute."""


class MeasureOffer:
    """Counts for how long models have been running, then makes the offer once.

    Args:
        memory: Remembers that the offer was made.
        show: Shows the notice; its command is "measure".
    """

    def __init__(self, memory: SettingsStore, show: Callable[[Notice], object]) -> None:
        self._memory, self._show = memory, show
        self._devices = 0
        self._updates = 0

    def know(self, devices: Sequence[DeviceInfo]) -> None:
        """Set the available devices; AUTO, which chooses among the others, does not count."""
        self._devices = sum(
            device.available and device.name != "AUTO" and not names_server(device.name) for device in devices
        )

    def update(self, status: Status, models: Sequence[Model]) -> None:
        """Process the current state; called ten times a second."""
        if self._memory.settings.measure_offered:
            return
        self._updates += status.state is PipelineState.RUNNING and status.model is not None
        if self._updates < AFTER:
            return
        trained = sum(model.spec.trained for model in models)
        if trained * self._devices < 2:
            return  # perhaps later: a model may be built, a device plugged in
        of = tr("{trained} models", trained=trained) if trained > 1 else tr("Your model")
        on = tr("any of {devices} devices", devices=self._devices) if self._devices > 1 else tr("this machine")
        text = tr("{of} can run on {on}. Measuring takes seconds and shows which suits it best.", of=of, on=on)
        self._show(Notice(Level.INFO, text, command="measure", topic=Topic.MEASURING))
        self.settle()

    def settle(self) -> None:
        """Make no further offer, because it was made or a measurement was started."""
        if not self._memory.settings.measure_offered:
            self._memory.settings.measure_offered = True
            self._memory.changed()
