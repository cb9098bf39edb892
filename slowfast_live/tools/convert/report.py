"""Measurements stored as JSON and rendered as Markdown tables."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from slowfast_live import files
from slowfast_live.errors import UsageError
from slowfast_live.tools.convert.catalogue import CATALOGUE

_PACKAGES = ("torch", "torchvision", "pytorchvideo", "onnx", "onnxruntime", "openvino", "nncf")


def add(path: Path, section: str, name: str, figures: dict[str, Any]) -> None:
    """Add one model's measurements to a report atomically, replacing earlier ones of that model."""
    report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() and path.stat().st_size else {}
    report["measured_with"] = _machine()
    report.setdefault(section, {})[name] = figures
    order = list(CATALOGUE)
    report[section] = dict(sorted(report[section].items(), key=lambda item: order.index(item[0])))
    files.write_bytes(path, files.json_bytes(report, indent=1))


def is_report(path: Path) -> bool:
    """Return whether a file is such a report."""
    try:
        report = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(report, dict) and "measured_with" in report and bool({"parity", "int8"} & set(report))


def _machine() -> dict[str, str]:
    import openvino as ov

    return {
        "processor": str(ov.Core().get_property("CPU", "FULL_DEVICE_NAME")),
        "cores": str(psutil.cpu_count()),
        "system": platform.system(),
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in _PACKAGES},
    }


def markdown(path: Path) -> str:
    """Return a report's tables as Markdown.

    Raises:
        UsageError: It is not a report.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        parts = [_parity(report["parity"])] if "parity" in report else []
        parts += [_int8(report["int8"])] if "int8" in report else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is not a report of --report: {error!r}.") from error
    versions = ", ".join(f"{name} {value}" for name, value in report["measured_with"].items())
    return "\n\n".join([*parts, f"Measured with: {versions}."]) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _e(value: float) -> str:
    return f"{value:.0e}" if value else "0"


def _parity(models: dict[str, Any]) -> str:
    head = [
        "model",
        "clips",
        "pairs with other top-5",
        "preprocessing",
        "ONNX Runtime",
        "FP32",
        "FP16",
        "FP16 by default",
        "INT8",
        "INT8 top-1 / top-5 same",
        "INT8 KL",
        "INT8 largest change",
    ]
    rows = []
    for name, facts in models.items():
        by = facts["precisions"]
        any_precision = next(iter(by.values()))
        fp16, int8 = by.get("FP16"), by.get("INT8")
        drift = int8["ir_default"] if int8 else None
        rows.append(
            [
                f"`{name}`",
                str(any_precision["clips"]),
                f"{any_precision['distinct_top5_pairs']:.0%}",
                _e(by["FP32"]["preprocessing"]) if "preprocessing" in by.get("FP32", {}) else "-",
                _e(any_precision["onnx"]["logit_error"]) if "onnx" in any_precision else "-",
                _e(by["FP32"]["ir"]["logit_error"]) if "FP32" in by else "-",
                _e(fp16["ir"]["logit_error"]) if fp16 else "-",
                f"{_e(fp16['ir_default']['logit_error'])} ({fp16['ir_default']['computes_in']})" if fp16 else "-",
                _e(drift["logit_error"]) if drift else "-",
                f"{drift['top1_agreement']:.0%} / {drift['top5_agreement']:.0%}" if drift else "-",
                f"{drift['mean_kl']:.3f}" if drift else "-",
                f"{drift['max_probability_change']:.3f}" if drift else "-",
            ]
        )
    return _table(head, rows)


def _int8(models: dict[str, Any]) -> str:
    head = [
        "model",
        "way",
        "KL, to choose by",
        "top-1 same",
        "top-5 same",
        "mean KL",
        "largest change",
        "logits",
        "ms a clip",
        "MB",
        "to quantise",
    ]
    rows = []
    for name, facts in models.items():
        for way in facts["ways"]:
            figures = way["drift"]
            rows.append(
                [
                    f"`{name}`",
                    way["title"] + (" **(used)**" if way.get("used") else ""),
                    f"{way['choosing']['mean_kl']:.3f}",
                    f"{figures['top1_agreement']:.0%}",
                    f"{figures['top5_agreement']:.0%}",
                    f"{figures['mean_kl']:.3f}",
                    f"{figures['max_probability_change']:.3f}",
                    _e(figures["logit_error"]),
                    f"{way['infer_ms']:.0f}",
                    f"{way['size_mb']:.1f}",
                    f"{way['took_s']:.0f} s" if "took_s" in way else "-",
                ]
            )
    return _table(head, rows)
