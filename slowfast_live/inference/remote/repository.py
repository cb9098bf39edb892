"""Writes a model as inference servers load it: OpenVINO Model Server and Triton's OpenVINO backend."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from slowfast_live import files
from slowfast_live.errors import ExportError
from slowfast_live.inference.remote.checks import LABELS_PARAMETER, labels_digest
from slowfast_live.inference.spec import IR_FILE, PROBABILITIES, SPEC_FILE, WEIGHTS_FILE, Model

TRITON_FILE, OVMS_FILE, LABELS_FILE = "config.pbtxt", "config.json", "labels.txt"


def export_to_server(model: Model, folder: Path, input_name: str) -> list[Path]:
    """Add a model to a repository of a server and return the files written.

    The layout is `NAME/VERSION/model.xml|model.bin`, with `NAME/config.pbtxt` and `NAME/labels.txt` for Triton and one
    `config.json` for OpenVINO Model Server, which lists all models in the folder. Each export becomes a new version; a
    version once written is never changed, because a server may be running it.

    Args:
        model: The model.
        folder: The repository; created if it does not exist.
        input_name: Name of the network's input.

    Raises:
        ExportError: The folder cannot be written, or holds something else under one of these names.
    """
    place = folder / model.name
    try:
        place.mkdir(parents=True, exist_ok=True)
        version = 1 + max((int(path.name) for path in place.iterdir() if path.name.isdigit()), default=0)
        config = _ovms_config(folder / OVMS_FILE, model)
        staged = place / f".{version}.unfinished"
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir()
        for name in (IR_FILE, WEIGHTS_FILE, SPEC_FILE):
            shutil.copyfile(model.folder / name, staged / name)
        files.write_bytes(place / LABELS_FILE, "".join(f"{label}\n" for label in model.spec.labels).encode())
        files.write_bytes(place / TRITON_FILE, _triton_config(model, input_name).encode())
        staged.rename(place / str(version))
        files.write_bytes(folder / OVMS_FILE, config)
    except OSError as error:
        raise ExportError(f"{folder} cannot be written: {error.strerror or error}.", repr(error)) from error
    written = [place / str(version) / name for name in (IR_FILE, WEIGHTS_FILE, SPEC_FILE)]
    return [*written, place / TRITON_FILE, place / LABELS_FILE, folder / OVMS_FILE]


def _triton_config(model: Model, input_name: str) -> str:
    spec = model.spec
    features = [("features", spec.features)] if spec.features else []
    outputs = "\n".join(
        f'output {{ name: "{name}" data_type: TYPE_FP32 dims: [ 1, {size} ]{labels} }}'
        for name, size, labels in (
            (PROBABILITIES, len(spec.labels), f' label_filename: "{LABELS_FILE}"'),
            *((name, size, "") for name, size in features),
        )
    )
    shape = ", ".join(map(str, spec.input_shape))
    return f"""name: "{model.name}"
backend: "openvino"
default_model_filename: "{IR_FILE}"
max_batch_size: 0
input {{ name: "{input_name}" data_type: TYPE_UINT8 dims: [ {shape} ] }}
{outputs}
parameters {{ key: "{LABELS_PARAMETER}" value {{ string_value: "{labels_digest(spec)}" }} }}
"""


def _ovms_config(path: Path, model: Model) -> bytes:
    """Return the configuration of OpenVINO Model Server with this model added; other entries stay as they are."""
    known: dict[str, object] = {}
    if path.exists():
        try:
            known = json.loads(path.read_bytes())
        except ValueError as error:
            raise ExportError(f"{path} is not JSON, so the model cannot be added to it.", repr(error)) from error
    models = known.get("model_config_list", []) if isinstance(known, dict) else None
    if not isinstance(models, list):
        raise ExportError(f"{path} is no configuration of OpenVINO Model Server. Choose another folder.")
    ours = {"config": {"name": model.name, "base_path": model.name}}
    others = [entry for entry in models if _name(entry) != model.name]
    kept = next((entry for entry in models if _name(entry) == model.name), ours)
    return files.json_bytes({**known, "model_config_list": [*others, kept]})


def _name(entry: object) -> object:
    config = entry.get("config") if isinstance(entry, dict) else None
    return config.get("name") if isinstance(config, dict) else None
