"""The messages of the Open Inference Protocol (KServe v2), and of Triton's extension that gives a model's parameters.

The classes are made at run time from the table below, so that they fit whatever release of protobuf is installed, and
in a pool of their own, so that they never collide with those of another client in the same process. Field numbers are
those of `open_inference_grpc.proto` (https://github.com/open-inference/open-inference-protocol) and of Triton's
`model_config.proto`; fields that are not used here are left out, and skipped when they are received.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"

_TENSOR = "name:1:string datatype:2:string shape:3:int64*"
_MESSAGES = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "live:1:bool",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "ready:1:bool",
    "ModelReadyRequest": "name:1:string version:2:string",
    "ModelReadyResponse": "ready:1:bool",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "name:1:string version:2:string extensions:3:string*",
    "ModelMetadataRequest": "name:1:string version:2:string",
    "ModelMetadataResponse": "name:1:string versions:2:string* platform:3:string inputs:4:TensorMetadata* "
    "outputs:5:TensorMetadata*",
    "TensorMetadata": _TENSOR,
    "ModelInferRequest": "model_name:1:string model_version:2:string id:3:string inputs:5:InferInputTensor* "
    "outputs:6:InferRequestedOutputTensor* raw_input_contents:7:bytes*",
    "InferInputTensor": f"{_TENSOR} contents:5:InferTensorContents",
    "InferRequestedOutputTensor": "name:1:string",
    "ModelInferResponse": "model_name:1:string model_version:2:string id:3:string outputs:5:InferOutputTensor* "
    "raw_output_contents:6:bytes*",
    "InferOutputTensor": f"{_TENSOR} contents:5:InferTensorContents",
    "InferTensorContents": "uint_contents:4:uint32* fp32_contents:6:float* fp64_contents:7:double*",
    "ModelConfigRequest": "name:1:string version:2:string",
    "ModelConfigResponse": "config:1:ModelConfig",
    "ModelConfig": "name:1:string parameters:14:ParameterEntry*",
    "ParameterEntry": "key:1:string value:2:ModelParameter",
    "ModelParameter": "string_value:1:string",
}
"""Name of a message -> its fields: `name:number:type`, with `*` behind a repeated one.

Nested messages of the protocol stand side by side, which is the same on the wire; so is a map and its list of entries.
"""

_FIELD = descriptor_pb2.FieldDescriptorProto


def _file() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="slowfast_live/open_inference.proto", package=PACKAGE)
    file.syntax = "proto3"
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split():
            field_name, number, kind = field.rstrip("*").split(":")
            label = _FIELD.LABEL_REPEATED if field.endswith("*") else _FIELD.LABEL_OPTIONAL
            added = message.field.add(name=field_name, number=int(number), label=label)
            if kind in _MESSAGES:
                added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
            else:
                added.type = getattr(_FIELD, f"TYPE_{kind.upper()}")
    return file


_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(_file().SerializeToString())


def message(name: str) -> Any:
    """Return the class of a message by its name, for example "ModelInferRequest"."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


def method(name: str) -> str:
    """Return the path of a method of the service, as gRPC wants it."""
    return f"/{SERVICE}/{name}"
