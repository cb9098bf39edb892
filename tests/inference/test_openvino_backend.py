import json
import shutil
import threading
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from slowfast_live.errors import DeviceError, ModelError
from slowfast_live.inference import spec as specs
from slowfast_live.inference.backend import InferResult
from slowfast_live.inference.devices import DeviceInfo, list_devices, require_device
from slowfast_live.inference.openvino_backend import OpenVinoBackend, OpenVinoCompiledModel
from slowfast_live.inference.spec import Model, Registry
from tests.tiny_model import make_tiny_network, tiny_spec, write_tiny_model


def infer(runner: OpenVinoCompiledModel, clip: np.ndarray) -> np.ndarray:
    outcomes: list[InferResult] = []
    done = threading.Event()
    request = runner.requests[0]
    request.clip[:] = clip
    request.start(lambda outcome: (outcomes.append(outcome), done.set()))
    assert done.wait(60)
    assert outcomes[0].error is None, outcomes[0].error
    return outcomes[0].probs


def random_clip(model: Model, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, model.spec.input_shape[1:], np.uint8)


def test_answers_differ_and_match_a_plain_inference(tiny: Model) -> None:
    runner = OpenVinoBackend().compile(tiny, "CPU")
    compiled = ov.Core().compile_model(tiny.folder / "model.xml", "CPU", {"PERFORMANCE_HINT": "LATENCY"})
    seen = []
    for seed in range(3):
        clip = random_clip(tiny, seed) // (seed + 1)
        probs = infer(runner, clip)
        assert probs.dtype == np.float32 and probs.shape == (7,) and abs(probs.sum() - 1) < 1e-3
        assert np.abs(probs - compiled(clip[None])["probabilities"][0]).max() < 1e-6
        seen.append(probs)
    assert min(np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[:i]) > 1e-2  # not a vacuous check
    runner.close()


@pytest.mark.parametrize(("config", "pinned"), [({}, False), ({"ENABLE_CPU_PINNING": True}, True)])
def test_live_threads_may_move_between_cores(
    tiny: Model, monkeypatch: pytest.MonkeyPatch, config: dict[str, object], pinned: bool
) -> None:
    asked: list[dict[str, object]] = []
    compile_model = ov.Core.compile_model

    def spy(self: ov.Core, network: ov.Model, device: str, properties: dict[str, object]) -> ov.CompiledModel:
        asked.append(properties)
        return compile_model(self, network, device, properties)

    monkeypatch.setattr(ov.Core, "compile_model", spy)
    OpenVinoBackend(config=config).compile(tiny, "CPU").close()
    assert asked[-1]["ENABLE_CPU_PINNING"] is pinned
    asked.clear()
    OpenVinoBackend(throughput=True).compile(tiny, "CPU").close()
    assert "ENABLE_CPU_PINNING" not in asked[-1]


def test_outputs_are_copies(tiny: Model) -> None:
    runner = OpenVinoBackend().compile(tiny, "CPU")
    first = infer(runner, random_clip(tiny, 0))
    kept = first.copy()
    infer(runner, random_clip(tiny, 1) // 3)
    assert np.array_equal(first, kept)
    runner.close()


def test_an_exception_in_the_callback_does_not_end_the_process(tiny: Model, caplog) -> None:
    runner = OpenVinoBackend().compile(tiny, "CPU")

    def bad(_: InferResult) -> None:
        raise RuntimeError("listener broke")

    runner.requests[0].start(bad)
    infer_after = threading.Event()
    runner.requests[0].start(lambda _: infer_after.set())
    assert infer_after.wait(60)
    assert "listener broke" in caplog.text
    runner.close()


def test_cache_is_used(tiny: Model, tmp_path: Path) -> None:
    OpenVinoBackend(tmp_path / "cache").compile(tiny, "CPU").close()
    assert any((tmp_path / "cache").iterdir())
    OpenVinoBackend(tmp_path / "cache").compile(tiny, "CPU").close()


def test_an_unusable_cache_does_not_matter(tiny: Model, tmp_path: Path, caplog) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    OpenVinoBackend(tmp_path / "cache").compile(tiny, "CPU").close()
    assert "cache" in caplog.text


@pytest.mark.parametrize("file", ["model.xml", "model.bin"])
def test_broken_files_are_told(tiny: Model, tmp_path: Path, file: str) -> None:
    folder = tmp_path / tiny.name
    shutil.copytree(tiny.folder, folder)
    data = (folder / file).read_bytes()
    (folder / file).write_bytes(data[: len(data) // 2])
    with pytest.raises((ModelError, DeviceError), match=tiny.name):
        OpenVinoBackend(tmp_path / "cache").compile(Model(folder, specs.load(folder)), "CPU")


def written(folder: Path, network: ov.Model, spec: specs.ModelSpec) -> Model:
    folder.mkdir()
    ov.save_model(network, folder / "model.xml")
    (folder / "model.json").write_bytes(specs.encode(spec))
    return Model(folder, specs.load(folder))


def test_labels_that_do_not_fit_are_never_shown(tmp_path: Path) -> None:
    spec = tiny_spec("mismatch", trained=True)
    model = written(tmp_path / "mismatch", make_tiny_network(spec, 0, classes=9), spec)
    with pytest.raises(ModelError, match="names 7 labels"):
        OpenVinoBackend().compile(model, "CPU")


def test_another_input_is_told(tmp_path: Path) -> None:
    network = make_tiny_network(tiny_spec("other", trained=True, side=32), 0)
    model = written(tmp_path / "other", network, tiny_spec("other", trained=True, side=64))
    with pytest.raises(ModelError, match="one uint8 clip"):
        OpenVinoBackend().compile(model, "CPU")


def test_a_missing_output_is_told(tmp_path: Path) -> None:
    spec = tiny_spec("unnamed", trained=True)
    model = written(tmp_path / "unnamed", make_tiny_network(spec, 0, output="scores"), spec)
    with pytest.raises(ModelError, match="probabilities"):
        OpenVinoBackend().compile(model, "CPU")


def test_a_swapped_description_is_told(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "swapped", trained=False)
    description = json.loads((tmp_path / "swapped/model.json").read_text())
    description["trained"] = True
    (tmp_path / "swapped/model.json").write_text(json.dumps(description))
    with pytest.raises(ModelError, match="'trained' differs"):
        OpenVinoBackend().compile(Registry([tmp_path]).find("swapped"), "CPU")


def test_devices_are_listed_with_reasons() -> None:
    devices = list_devices()
    by_name = {device.name: device for device in devices}
    assert by_name["CPU"].available and by_name["CPU"].full_name not in ("", "CPU")
    assert by_name["AUTO"].available
    for kind in ("GPU", "NPU"):
        found = [device for device in devices if device.name.split(".")[0] == kind]
        assert found and all(device.available or "OpenVINO" in device.reason for device in found)


def test_a_missing_device_is_told(tiny: Model) -> None:
    devices = [DeviceInfo("CPU", "A CPU"), DeviceInfo("NPU", "NPU", False, "No NPU was found.")]
    assert require_device("cpu", devices).name == "CPU"
    with pytest.raises(DeviceError, match=r"No NPU was found\. Available devices: CPU"):
        require_device("NPU", devices)
    with pytest.raises(DeviceError, match="no device 'TPU'"):
        OpenVinoBackend().compile(tiny, "TPU")
