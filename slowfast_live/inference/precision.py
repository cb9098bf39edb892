"""What a device computes in. An IR in FP16 says how weights are stored, not how they are multiplied."""

from __future__ import annotations

_SHORT = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "dynamic": "its own choice"}


def short_precision(told: object) -> str:
    """Return "f32", "bf16", "f16" for OpenVINO's INFERENCE_PRECISION_HINT, e.g. `<Type: 'bfloat16'>`; "" for none."""
    text = str(told).strip()
    for long, short in _SHORT.items():
        if long in text:
            return short
    return text


def computes_in(model_precision: str, hint: object) -> str:
    """Say what a network is computed in.

    Args:
        model_precision: "FP32", "FP16", "INT8": of the model's description.
        hint: INFERENCE_PRECISION_HINT of the compiled model.

    Returns:
        E.g. "bf16"; for INT8 "int8 + bf16", because what is not quantised is computed in the latter.
    """
    rest = short_precision(hint)
    return " + ".join(part for part in ("int8" if model_precision == "INT8" else "", rest) if part)
