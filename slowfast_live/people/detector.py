"""A person detector that runs a network."""

from __future__ import annotations

from pathlib import Path

from slowfast_live.errors import ModelError
from slowfast_live.inference.picture_network import PictureNetwork
from slowfast_live.messages import Message
from slowfast_live.people.boxes import Detections
from slowfast_live.people.formats import DetectorFormat, decode, fitted
from slowfast_live.people.moving import MotionDetector
from slowfast_live.people.now import AUTOMATIC, MOTION
from slowfast_live.people.spec import DETECTOR_COMMAND, DETECTOR_IR, DetectorModel, find_detector
from slowfast_live.types import U8


class NetworkDetector:
    """A person detector that is a network. Not thread-safe.

    Args:
        model: The detector.
        device: OpenVINO device.
        cache_dir: Folder for compiled networks; None for the user's cache.

    Raises:
        ModelError: The files are damaged or do not match the description.
        DeviceError: The device is not available or cannot run the detector.
    """

    def __init__(self, model: DetectorModel, device: str = "CPU", cache_dir: Path | None = None) -> None:
        spec = model.spec
        self.model = model
        self._format = DetectorFormat(spec.format)
        self._network = PictureNetwork(
            model.folder / DETECTOR_IR,
            spec.height,
            spec.width,
            device,
            cache_dir=cache_dir,
            build_command=DETECTOR_COMMAND,
        )

    @property
    def title(self) -> str:
        """Name shown in the window."""
        return self.model.spec.title

    @property
    def found(self) -> float:
        """Score from which a new person is believed."""
        return self.model.spec.found

    def detect(self, image: U8, t_s: float) -> Detections:
        """Return the people in a picture, uint8 (H, W, 3), BGR; see `PersonDetector`."""
        spec = self.model.spec
        fit = fitted(image, spec.height, spec.width, letterbox=spec.letterbox, out=self._network.picture)
        outputs = self._network.run()
        try:
            return decode(
                self._format,
                outputs,
                size=(spec.height, spec.width),
                person=spec.person,
                fit=fit,
                threshold=spec.kept,
                overlap=spec.overlap,
            )
        except ModelError as error:
            raise ModelError(
                Message("Person detector '{name}' failed: {message}.", name=self.model.name, message=error.message)
            ) from error

    def reset(self) -> None:
        """Forget earlier pictures: a network sees each by itself."""


def make_detector(name: str, device: str = "CPU") -> NetworkDetector | MotionDetector:
    """Return the detector of a name; `AUTOMATIC`: the first one at hand, or regions that move if there is none.

    Raises:
        ModelError: There is none of that name, or its files are damaged.
        DeviceError: The device cannot run it.
    """
    if name == MOTION:
        return MotionDetector()
    found = find_detector(None if name == AUTOMATIC else name)
    return MotionDetector() if found is None else NetworkDetector(found, device)
