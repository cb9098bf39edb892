"""An inference server on 127.0.0.1 that speaks the Open Inference Protocol (KServe v2), with OpenVINO inside.

It loads the models of a repository as OpenVINO Model Server and Triton do, and can be slow, refuse, lie and die.
"""

from __future__ import annotations

import threading
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import openvino as ov
from google.protobuf import text_format

from slowfast_live.inference.remote.messages import SERVICE, message

TYPES = {"u8": "UINT8", "f32": "FP32", "f16": "FP16"}


class KServeServer:
    """Serves the newest version of each model in a repository.

    Attributes:
        asked: Number of inferences that arrived.
        hold: While cleared, inferences wait; for a server that hangs.
        refuse: A status to answer inferences with; None to work.
        shape: A shape to claim for the probabilities instead of the real one.
        triton: Whether it has Triton's extension `ModelConfig`.
        raw: Whether outputs travel as raw bytes, as Triton sends them, or as typed contents.
        shift: By how many places the probabilities are shifted: another order of labels.
    """

    def __init__(
        self, repository: Path, *, tls: tuple[bytes, bytes] | None = None, triton: bool = True, port: int = 0
    ) -> None:
        self.asked, self.refuse, self.shape, self.shift, self.raw = 0, None, None, 0, True
        self.triton = triton
        self.hold = threading.Event()
        self.hold.set()
        core = ov.Core()
        self._models: dict[str, tuple[Path, ov.CompiledModel]] = {}
        for folder in filter(Path.is_dir, repository.iterdir()):
            newest = max(int(version.name) for version in folder.iterdir() if version.name.isdigit())
            self._models[folder.name] = folder, core.compile_model(folder / str(newest) / "model.xml", "CPU")
        self._lock = threading.Lock()
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                getattr(self, f"_{name}"),
                request_deserializer=message(f"{name}Request").FromString,
                response_serializer=message(f"{name}Response").SerializeToString,
            )
            for name in ("ServerLive", "ServerMetadata", "ModelReady", "ModelMetadata", "ModelInfer", "ModelConfig")
        }
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8),
            options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)],
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        if tls is None:
            self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        else:
            self.port = self._server.add_secure_port(f"localhost:{port}", grpc.ssl_server_credentials([tls]))
        self._server.start()

    @property
    def address(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Die: connections break, and calls in progress end."""
        self.hold.set()
        self._server.stop(None).wait()

    def _model(self, name: str, context: Any) -> tuple[Path, ov.CompiledModel]:
        if name not in self._models:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Request for unknown model: '{name}' is not found")
        return self._models[name]

    def _ServerLive(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return message("ServerLiveResponse")(live=True)

    def _ServerMetadata(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return message("ServerMetadataResponse")(name="test server", version="1.0")

    def _ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._model(request.name, context)
        return message("ModelReadyResponse")(ready=True)

    def _ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        _, network = self._model(request.name, context)

        def told(ports: Any) -> list[Any]:
            return [
                message("TensorMetadata")(
                    name=port.any_name,
                    datatype=TYPES[port.element_type.get_type_name()],
                    shape=self.shape if self.shape and port.any_name == "probabilities" else list(port.shape),
                )
                for port in ports
            ]

        return message("ModelMetadataResponse")(
            name=request.name, versions=["1"], platform="openvino", inputs=told(network.inputs),
            outputs=told(network.outputs),
        )  # fmt: skip

    def _ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        folder, _ = self._model(request.name, context)
        if not self.triton:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "")
        text = (folder / "config.pbtxt").read_text()
        config = text_format.Parse(text, message("ModelConfig")(), allow_unknown_field=True)
        return message("ModelConfigResponse")(config=config)

    def _ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.asked += 1
        self.hold.wait(60)
        if self.refuse is not None:
            context.abort(self.refuse, "no")
        _, network = self._model(request.model_name, context)
        (given,) = request.inputs
        port = network.input(0)
        raw = request.raw_input_contents[0]
        if given.name != port.any_name or given.datatype != "UINT8" or list(given.shape) != list(port.shape):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"expected {port}, got {given}")
        clip = np.frombuffer(raw, np.uint8).reshape(given.shape)
        outcome = network.create_infer_request().infer({0: clip})
        answer = message("ModelInferResponse")(model_name=request.model_name)
        for wanted in request.outputs:
            values = np.roll(np.asarray(outcome[wanted.name], np.float32), self.shift, 1)
            tensor = answer.outputs.add(name=wanted.name, datatype="FP32", shape=values.shape)
            if self.raw:
                answer.raw_output_contents.append(values.tobytes())
            else:
                tensor.contents.fp32_contents.extend(values.ravel().tolist())
        return answer
