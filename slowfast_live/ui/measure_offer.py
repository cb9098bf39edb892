"""Offers once to measure this machine, where there is something to choose between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slowfast_live.inference.devices import DeviceInfo
from slowfast_live.inference.spec import Model
from slowfast_live.types import Level, Notice, PipelineState, Status
from slowfast_live.ui.memory import Memory

AFTER = 300
"""Looks at a model at work, ten a second: the offer does not fall into the first half minute."""


class MeasureOffer:
    """Counts how long models have worked, and then says once what there is to choose between.

    Args:
        memory: Remembers that the offer was made.
        say: Takes the notice; its command is "measure".
    """

    def __init__(self, memory: Memory, say: Callable[[Notice], object]) -> None:
        self._memory, self._say = memory, say
        self._devices = 0
        self._looks = 0

    def know(self, devices: Sequence[DeviceInfo]) -> None:
        """Learn which devices there are; one that chooses among the others, such as AUTO, is none of its own."""
        self._devices = sum(device.available and device.name != "AUTO" for device in devices)

    def look(self, status: Status, models: Sequence[Model]) -> None:
        """Look at a window at work; called ten times a second."""
        if self._memory.settings.measure_offered:
            return
        self._looks += status.state is PipelineState.RUNNING and status.model is not None
        if self._looks < AFTER:
            return
        trained = sum(model.spec.trained for model in models)
        if trained * self._devices < 2:
            return  # perhaps later: a model may be built, a device plugged in
        of = f"{trained} models" if trained > 1 else "Your model"
        on = f"any of {self._devices} devices" if self._devices > 1 else "this machine"
        text = f"{of} can run on {on}. Measuring takes seconds and tells which suits it best."
        self._say(Notice(Level.INFO, text, command="measure"))
        self.settle()

    def settle(self) -> None:
        """Offer it no more: it was offered, or measured unasked."""
        if not self._memory.settings.measure_offered:
            self._memory.settings.measure_offered = True
            self._memory.changed()
