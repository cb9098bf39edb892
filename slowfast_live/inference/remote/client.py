"""A kept connection to one inference server."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import numpy as np

from slowfast_live import files
from slowfast_live.errors import DeviceError, ModelError
from slowfast_live.inference.remote.address import ServerAddress
from slowfast_live.inference.remote.messages import message, method
from slowfast_live.messages import Message, system_reason
from slowfast_live.types import F32, U8

ANSWER_WITHIN_S = 10.0
"""A prediction that takes longer than this counts as lost."""
CHECK_WITHIN_S = 5.0
"""The same for questions about the server and its models."""
RETRY_AFTER_S = (0.1, 0.4)
"""Pauses before a lost prediction is sent again; each is tried once."""
_RETRIED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.RESOURCE_EXHAUSTED})
_LOST = _RETRIED | {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN}
_LARGEST_CA = 16_000_000
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),  # a clip has some megabytes
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5000),
)
_DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "FP16": np.dtype("<f2"), "FP64": np.dtype("<f8")}


class ServerLostError(DeviceError):
    """An inference server does not answer."""


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """An input or output of a model on a server.

    Attributes:
        name: Its name.
        datatype: As the protocol names it: "UINT8", "FP32".
        shape: Its shape; -1 for a size that is not fixed.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.datatype} {list(self.shape)}"


@dataclass(frozen=True, slots=True)
class RemoteFacts:
    """What a server says of a model: its inputs and outputs."""

    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]


class InferenceClient:
    """Asks one server; keeps the connection until `close`. Thread-safe.

    Args:
        address: Where the server listens.
        answer_within_s: See `ANSWER_WITHIN_S`.

    Raises:
        DeviceError: The file of certificates cannot be read.
    """

    def __init__(self, address: ServerAddress, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        self.address = address
        self._answer_within_s = answer_within_s
        self._channel = _channel(address)
        self._methods: dict[str, Any] = {}

    def close(self) -> None:
        """Close the connection; calls in progress end with `ServerLostError`."""
        self._channel.close()

    def server_name(self) -> str:
        """Return what the server calls itself, with its version.

        Raises:
            ServerLostError: It does not answer.
        """
        answer = self._call("ServerMetadata", CHECK_WITHIN_S)
        return f"{answer.name} {answer.version}".strip()

    def model_ready(self, name: str) -> bool:
        """Return whether a model can be run.

        Raises:
            ServerLostError: The server does not answer.
        """
        try:
            return bool(self._call("ModelReady", CHECK_WITHIN_S, name=name).ready)
        except ModelError:  # servers also answer with NOT_FOUND
            return False

    def facts(self, name: str) -> RemoteFacts:
        """Return a model's inputs and outputs.

        Raises:
            ServerLostError: The server does not answer.
            ModelError: It has no such model.
        """
        answer = self._call("ModelMetadata", CHECK_WITHIN_S, name=name)
        return RemoteFacts(_tensors(answer.inputs), _tensors(answer.outputs))

    def parameters(self, name: str) -> Mapping[str, str]:
        """Return the parameters in a model's configuration; empty if the server has no such extension.

        Raises:
            ServerLostError: The server does not answer.
        """
        try:
            answer = self._call("ModelConfig", CHECK_WITHIN_S, name=name)
        except ModelError:
            return {}
        return {entry.key: entry.value.string_value for entry in answer.config.parameters}

    def infer(self, name: str, input_name: str, clip: U8, output: str) -> F32:
        """Run a model on one clip, uint8 (T, S, S, 3), and return its output, float32, without the batch dimension.

        Raises:
            ServerLostError: The server does not answer, after further tries.
            ModelError: It refuses, or its answer makes no sense.
        """
        shape = (1, *clip.shape)
        request = {
            "model_name": name,
            "inputs": [message("InferInputTensor")(name=input_name, datatype="UINT8", shape=shape)],
            "outputs": [message("InferRequestedOutputTensor")(name=output)],
            "raw_input_contents": [clip.tobytes()],
        }
        for pause_s in (*RETRY_AFTER_S, None):
            try:
                return _output(self._call("ModelInfer", self._answer_within_s, **request), output, self._name(name))
            except ServerLostError as error:
                status = error.__cause__.code() if isinstance(error.__cause__, grpc.RpcError) else None
                if pause_s is None or status not in _RETRIED:
                    raise
            time.sleep(pause_s)
        raise AssertionError("the last try either answers or raises")

    def _name(self, model: str) -> str:
        return Message("Model '{model}' on {shown}", model=model, shown=self.address.shown)

    def _call(self, name: str, within_s: float, /, **fields: Any) -> Any:
        call = self._methods.get(name)
        if call is None:
            call = self._methods[name] = self._channel.unary_unary(
                method(name),
                request_serializer=message(f"{name}Request").SerializeToString,
                response_deserializer=message(f"{name}Response").FromString,
            )
        try:
            return call(message(f"{name}Request")(**fields), timeout=within_s)
        except grpc.RpcError as error:
            raise self._failure(error, fields) from error
        except ValueError as error:  # the channel was closed meanwhile
            raise ServerLostError(
                Message("The connection to {server} is closed.", server=self.address.shown), repr(error)
            ) from error

    def _failure(self, error: grpc.RpcError, fields: Mapping[str, Any]) -> DeviceError | ModelError:
        status, details = error.code(), str(error.details() or "")
        if status in _LOST:
            text = Message(
                "The inference server {server} does not answer. Check that it runs and that the address is right.",
                server=self.address.shown,
            )
            if status is grpc.StatusCode.DEADLINE_EXCEEDED:
                text = Message(
                    "The inference server {server} took too long. Check that it runs and that the address is right.",
                    server=self.address.shown,
                )
            return ServerLostError(text, f"{status.name}: {details}")
        model = fields.get("model_name") or fields.get("name") or ""
        if status is grpc.StatusCode.NOT_FOUND:
            text = Message(
                "The inference server {server} has no model '{model}'. "
                "Give it one: slowfast-live models export {model} --server DIR",
                server=self.address.shown,
                model=model,
            )
            return ModelError(text, details)
        first = next(iter(details.splitlines()), status.name)
        return ModelError(
            Message("{model} refuses: {first}.", model=self._name(str(model)), first=first), f"{status.name}: {details}"
        )


def _channel(address: ServerAddress) -> grpc.Channel:
    if not address.tls:
        return grpc.insecure_channel(address.target, _OPTIONS)
    try:
        trusted = files.read_bytes(address.ca, _LARGEST_CA) if address.ca is not None else None
    except OSError as error:
        raise DeviceError(
            Message("The certificates in {ca} cannot be read: {reason}.", ca=address.ca, reason=system_reason(error))
        ) from error
    return grpc.secure_channel(address.target, grpc.ssl_channel_credentials(trusted), _OPTIONS)


def _tensors(described: Sequence[Any]) -> tuple[TensorFacts, ...]:
    return tuple(TensorFacts(one.name, one.datatype, tuple(one.shape)) for one in described)


def _output(answer: Any, wanted: str, who: str) -> F32:
    for number, tensor in enumerate(answer.outputs):
        if tensor.name != wanted:
            continue
        dtype = _DTYPES.get(tensor.datatype)
        if dtype is None:
            raise ModelError(
                Message(
                    "{who} gives {datatype} for '{wanted}'; expected FP32.",
                    who=who,
                    datatype=tensor.datatype,
                    wanted=wanted,
                )
            )
        if answer.raw_output_contents:
            raw = answer.raw_output_contents[number] if number < len(answer.raw_output_contents) else b""
            if len(raw) % dtype.itemsize:
                raise ModelError(
                    Message(
                        "{who} gives {count} bytes for '{wanted}', which are no {datatype} values.",
                        who=who,
                        count=len(raw),
                        wanted=wanted,
                        datatype=tensor.datatype,
                    )
                )
            values = np.frombuffer(raw, dtype)
        else:
            values = np.array(tensor.contents.fp32_contents or tensor.contents.fp64_contents, dtype)
        shape = tuple(tensor.shape)
        if values.size != int(np.prod(shape)) or shape[:1] != (1,):
            raise ModelError(
                Message(
                    "{who} gives {size} values with shape {shape}; expected [1, ...].",
                    who=who,
                    size=values.size,
                    shape=list(shape),
                )
            )
        return np.array(values.reshape(shape[1:]), np.float32)
    found = ", ".join(tensor.name for tensor in answer.outputs) or "nothing"
    raise ModelError(
        Message("{who} gives {found}; expected an output '{wanted}'.", who=who, found=found, wanted=wanted)
    )
