"""Runs a network that sees one picture at a time, such as a person detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov

from slowfast_live import paths
from slowfast_live.errors import DeviceError, ModelError
from slowfast_live.inference.devices import list_devices, require_device
from slowfast_live.messages import Message
from slowfast_live.types import F32, U8

_CPU_THREADS = 1
"""Threads on the CPU: such a network must not take the cores from the model, and needs some milliseconds with one."""


class PictureNetwork:
    """A network that takes one uint8 picture (1, H, W, 3), compiled by OpenVINO. Not thread-safe.

    Args:
        path: The IR.
        height: H, as its description says.
        width: W.
        device: OpenVINO device.
        cache_dir: Folder for compiled networks; None for the user's cache.
        build_command: The command that builds the network again, for errors.

    Raises:
        ModelError: The file is damaged or does not match the description.
        DeviceError: The device is not available or cannot run the network.
    """

    def __init__(
        self,
        path: Path,
        height: int,
        width: int,
        device: str = "CPU",
        *,
        cache_dir: Path | None = None,
        build_command: str = "",
    ) -> None:
        self.path = path
        again = f" Build it again with `{build_command}`." if build_command else ""
        core = ov.Core()
        try:
            network = core.read_model(path)
        except RuntimeError as error:
            raise ModelError(
                Message("{path} is not a readable OpenVINO model.{again}", path=path, again=again), details=str(error)
            ) from error
        shape = [1, height, width, 3]
        inputs = network.inputs
        if len(inputs) != 1 or inputs[0].element_type != ov.Type.u8 or list(inputs[0].partial_shape) != shape:
            found = "; ".join(f"{i.element_type.get_type_name()} {i.partial_shape}" for i in inputs)
            raise ModelError(
                Message(
                    "{path} takes {found}, but its description says one uint8 picture {shape}.{again}",
                    path=path,
                    found=found,
                    shape=tuple(shape),
                    again=again,
                )
            )
        plain = device == "CPU" and "CPU" in core.available_devices
        self.device = "CPU" if plain else require_device(device, list_devices()).name
        cache = cache_dir if cache_dir is not None else paths.cache_dir() / "compiled"
        config = {"PERFORMANCE_HINT": "LATENCY", "CACHE_DIR": str(cache)}
        if self.device == "CPU":
            config["INFERENCE_NUM_THREADS"] = str(_CPU_THREADS)
        self._request = _compiled(core, network, self.device, config).create_infer_request()
        self._input = ov.Tensor(ov.Type.u8, ov.Shape(shape))
        self._request.set_input_tensor(self._input)
        self._names = tuple(_output_name(output.names, index) for index, output in enumerate(network.outputs))

    @property
    def picture(self) -> U8:
        """The input, uint8 (H, W, 3), to be filled in place: a view of OpenVINO's own memory."""
        return np.asarray(self._input.data[0], np.uint8)

    def run(self) -> dict[str, F32]:
        """Run on the picture; return each output, float32, by its name.

        Raises:
            DeviceError: The device failed.
        """
        try:
            self._request.infer()
            return {
                name: np.array(self._request.get_output_tensor(index).data, np.float32)
                for index, name in enumerate(self._names)
            }
        except RuntimeError as error:
            text = Message(
                "{name} does not run on {device}. Choose another device.",
                name=self.path.parent.name,
                device=self.device,
            )
            raise DeviceError(text, details=str(error)) from error


def _compiled(core: ov.Core, network: ov.Model, device: str, config: dict[str, str]) -> ov.CompiledModel:
    try:
        return core.compile_model(network, device, config)
    except (RuntimeError, OSError):
        pass  # a cache that is damaged, full or read-only must not keep the network from running
    try:
        return core.compile_model(network, device, {**config, "CACHE_DIR": ""})
    except RuntimeError as error:
        raise DeviceError(
            Message("A network cannot be compiled for {device}. Choose another device.", device=device), str(error)
        ) from error


def _output_name(names: set[str], index: int) -> str:
    """Return "boxes" or "labels" where an output is called so, else its number."""
    return next((name for name in sorted(names) if name in ("boxes", "labels")), f"output{index}")
