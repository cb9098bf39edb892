"""Execution precision of a device. FP16 in an IR only means how weights are stored, not how they are multiplied."""

from __future__ import annotations

from typing import Any

_SHORT = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "dynamic": "its own choice"}


def short_precision(value: object) -> str:
    """Return "f32", "bf16" or "f16" for OpenVINO's INFERENCE_PRECISION_HINT, e.g. `<Type: 'bfloat16'>`; "" for none."""
    text = str(value).strip()
    for long, short in _SHORT.items():
        if long in text:
            return short
    return text


def execution_precision(model_precision: str, hint: object) -> str:
    """Return the execution precision of a network.

    Args:
        model_precision: "FP32", "FP16" or "INT8", from the model's description.
        hint: INFERENCE_PRECISION_HINT of the compiled model.

    Returns:
        For example "bf16"; for INT8 "int8 + bf16", because operations that are not quantized run in the latter.
    """
    rest = short_precision(hint)
    return " + ".join(part for part in ("int8" if model_precision == "INT8" else "", rest) if part)


def property_of(compiled: Any, name: str) -> object:
    """Return a property of a compiled OpenVINO model; "" if its device does not support it."""
    try:
        return compiled.get_property(name)
    except RuntimeError:
        return ""


def whole_property(compiled: Any, name: str) -> int | None:
    """Return a property that is a whole number; None if its device does not state one."""
    try:
        return int(str(property_of(compiled, name)))
    except ValueError:
        return None
