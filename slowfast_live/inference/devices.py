"""List of the devices that can run a model."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from slowfast_live.errors import DeviceError
from slowfast_live.messages import Message

log = logging.getLogger(__name__)

_EXPECTED = {
    "GPU": Message("No GPU that OpenVINO can use was found. It needs an Intel GPU and its OpenCL driver."),
    "NPU": Message(
        "No NPU that OpenVINO can use was found. It needs an Intel Core Ultra processor and the NPU driver."
    ),
}


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device as shown in the drop-down list.

    Attributes:
        name: OpenVINO's name: "CPU", "GPU", "GPU.1", "NPU", "AUTO".
        full_name: The manufacturer's name.
        available: Whether it can be selected.
        reason: Reason why it is not available.
    """

    name: str
    full_name: str
    available: bool = True
    reason: str = ""


def list_devices() -> list[DeviceInfo]:
    """Return the devices found by OpenVINO, then AUTO, then missing ones with a reason. May take a second."""
    import openvino as ov

    core = ov.Core()
    found: list[DeviceInfo] = []
    for name in core.available_devices:
        try:
            full_name = str(core.get_property(name, "FULL_DEVICE_NAME")).strip()
        except RuntimeError as error:
            log.warning("Device %s does not report its name: %s", name, error)
            full_name = name
        found.append(DeviceInfo(name, full_name))
    found.append(DeviceInfo("AUTO", "OpenVINO chooses"))
    present = {device.name.split(".")[0] for device in found}
    found += [DeviceInfo(name, name, False, why) for name, why in _EXPECTED.items() if name not in present]
    return found


def require_device(name: str, devices: list[DeviceInfo]) -> DeviceInfo:
    """Return the device called `name` (case-insensitive; "GPU" also matches "GPU.0").

    Raises:
        DeviceError: There is no such device; the message gives the reason and lists the available ones.
    """
    wanted = name.upper()
    usable = [device for device in devices if device.available]
    for device in usable:
        if device.name == wanted or device.name.split(".")[0] == wanted:
            return device
    choices = ", ".join(device.name for device in usable)
    reason = next((d.reason for d in devices if d.name == wanted), Message("There is no device '{name}'.", name=name))
    raise DeviceError(Message("{reason} Available devices: {choices}.", reason=reason, choices=choices))
