"""The interface of person detectors."""

from __future__ import annotations

from typing import Protocol

from slowfast_live.people.boxes import Detections
from slowfast_live.types import U8


class PersonDetector(Protocol):
    """Finds the people in pictures. Used by one thread."""

    @property
    def title(self) -> str:
        """Name shown in the window."""
        ...

    @property
    def found(self) -> float:
        """Score from which a new person is believed."""
        ...

    def detect(self, image: U8, t_s: float) -> Detections:
        """Return the people in a picture, uint8 (H, W, 3), BGR, of time `t_s` on the source's clock.

        Raises:
            ModelError: The outputs are not usable.
            DeviceError: The device failed.
        """
        ...

    def reset(self) -> None:
        """Forget earlier pictures; the next one does not follow them."""
        ...
