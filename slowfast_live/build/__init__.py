"""From published checkpoints to models that the app runs: the torch side, imported by build_models.py."""

import sys

# Through this module OpenVINO's converter and NNCF tell their makers of each use; both do without it.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
