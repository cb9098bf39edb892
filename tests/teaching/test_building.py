"""A taught model is an ordinary model folder; a shared one is data, and checked."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from slowfast_live.errors import ModelError, TeachingError
from slowfast_live.inference.openvino_backend import OpenVinoBackend
from slowfast_live.inference.spec import Model, Registry, load
from slowfast_live.teaching import building
from slowfast_live.teaching.building import build, folder_name, is_taught
from slowfast_live.teaching.graph import Head, features_of, with_head
from slowfast_live.teaching.learning import Learned, learn
from slowfast_live.teaching.sharing import read_shared, write_shared
from slowfast_live.teaching.takes import NOTHING, Take
from slowfast_live.teaching.trunks import Trunk, find_trunk, identity_of
from slowfast_live.types import F32

Takes = Callable[..., list[Take]]


@pytest.fixture
def learned(some_takes: Takes) -> Learned:
    return learn(some_takes({"nodding": 3, "bowing": 3, NOTHING: 3}))


def clip_of(model: Model, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, model.spec.input_shape[1:], np.uint8)


def probabilities(model: Model, clip: np.ndarray, cache: Path) -> F32:
    compiled = OpenVinoBackend(cache, {"INFERENCE_PRECISION_HINT": "f32"}).compile(model, "CPU")
    try:
        compiled.requests[0].clip[:] = clip
        found = compiled.infer().probs
        assert found is not None
        return found
    finally:
        compiled.close()


def test_the_model_gives_what_the_head_gives_for_the_features(tiny: Model, learned: Learned, tmp_path: Path) -> None:
    taught = build(learned, tiny, "My gym", tmp_path / "models")
    assert load(taught.folder) == taught.spec
    assert (taught.spec.labels, taught.spec.decision.background_labels) == (
        ("nodding", "bowing", "none of these"),
        ("none of these",),
    )
    clip = clip_of(tiny)
    features = Trunk(tiny, cache_dir=tmp_path / "cache")(clip)[:1]
    expected = learned.head.probabilities(features)[0]
    assert np.allclose(probabilities(taught, clip, tmp_path / "cache"), expected, atol=2e-3)
    assert [model.name for model in Registry([tmp_path / "models"]).scan()[0]] == ["my-gym-fp32"]


def test_beside_its_own_actions_the_old_ones_share_what_is_left(tiny: Model, learned: Learned, tmp_path: Path) -> None:
    both = build(learned, tiny, "Both", tmp_path, beside=True)
    assert both.spec.labels == ("nodding", "bowing", *tiny.spec.labels)
    clip = clip_of(tiny)
    old, new = probabilities(tiny, clip, tmp_path / "c"), probabilities(both, clip, tmp_path / "c")
    alone = probabilities(build(learned, tiny, "Alone", tmp_path), clip, tmp_path / "c")
    assert np.allclose(new[:2], alone[:2], atol=1e-4)
    assert np.allclose(new[2:], alone[2] * old, atol=1e-4)


def test_an_action_of_the_same_name_replaces_the_base_models(tiny: Model, some_takes: Takes, tmp_path: Path) -> None:
    learned = learn(some_takes({"Action 1": 2, NOTHING: 2}))
    spec = build(learned, tiny, "Both", tmp_path, beside=True).spec
    assert spec.labels == ("Action 1", *(label for label in tiny.spec.labels if label != "action 1"))


def test_keeping_the_old_actions_needs_examples_of_nothing(tiny: Model, some_takes: Takes, tmp_path: Path) -> None:
    learned = learn(some_takes({"nodding": 2, "bowing": 2}))
    with pytest.raises(TeachingError, match="none of these"):
        build(learned, tiny, "Both", tmp_path, beside=True)
    assert not list(tmp_path.iterdir())


def test_without_its_base_model_a_taught_one_is_taught_further(tiny: Model, learned: Learned, tmp_path: Path) -> None:
    base = Model(tmp_path / "base" / tiny.name, tiny.spec)
    shutil.copytree(tiny.folder, base.folder)
    taught = build(learned, base, "My gym", tmp_path)
    clip, trunk = clip_of(tiny), Trunk(base, cache_dir=tmp_path / "c")
    expected = trunk(clip)
    shutil.rmtree(base.folder)
    found = find_trunk(trunk.identity, base.name, [taught])
    assert found == taught
    assert np.allclose(Trunk(taught, cache_dir=tmp_path / "c")(clip), expected, atol=1e-3)
    again = build(learned, taught, "Again", tmp_path)
    assert again.spec.origin["trunk"] == identity_of(taught) == trunk.identity
    with pytest.raises(TeachingError, match=r"gone or was built anew.*examples are kept"):
        find_trunk(trunk.identity, base.name, [])


def test_a_folder_that_was_not_taught_is_never_replaced(tiny: Model, learned: Learned, tmp_path: Path) -> None:
    foreign = tmp_path / "my-gym-fp32"
    shutil.copytree(tiny.folder, foreign)
    with pytest.raises(TeachingError, match="is left as it is"):
        build(learned, tiny, "My gym", tmp_path)
    assert not is_taught(load(foreign))


def test_power_that_fails_while_the_model_is_written_keeps_the_old_one(
    tiny: Model, learned: Learned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(learned, tiny, "My gym", tmp_path)
    before = {path.name: path.read_bytes() for path in first.folder.iterdir()}

    def cut(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(building, "swap", cut)
    with pytest.raises(TeachingError, match="no room left"):
        build(learned, tiny, "My gym", tmp_path)
    assert {path.name: path.read_bytes() for path in first.folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["my-gym-fp32"]


def test_names_of_folders() -> None:
    assert folder_name("Physio: Übung 3", "INT8") == "physio-ubung-3-int8"
    assert folder_name("운동", "FP16") == "my-actions-fp16"
    assert folder_name("../../etc", "FP16") == "etc-fp16"


def test_a_shared_model_is_added_once_and_works(tiny: Model, learned: Learned, tmp_path: Path) -> None:
    taught = build(learned, tiny, "My gym", tmp_path / "mine")
    file = write_shared(taught, tmp_path / "gym.slowfast-model")
    added = read_shared(file, tmp_path / "theirs")
    assert added.spec == taught.spec
    assert read_shared(file, tmp_path / "theirs").folder == added.folder
    other = build(learned, tiny, "My gym", tmp_path / "other", beside=True)
    second = read_shared(write_shared(other, tmp_path / "b.slowfast-model"), tmp_path / "theirs")
    assert second.folder.name == "my-gym-fp32-2"


@pytest.mark.parametrize("kind", ["more", "fewer", "outside", "no zip", "cut", "not a network", "bomb"])
def test_a_hostile_file_is_refused_and_leaves_nothing(
    tiny: Model, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, theirs = tmp_path / "x.slowfast-model", tmp_path / "theirs"
    content = {name: (tiny.folder / name).read_bytes() for name in ("model.json", "model.xml", "model.bin")}
    if kind == "more":
        content["run.py"] = b"import os"
    elif kind == "fewer":
        del content["model.bin"]
    elif kind == "outside":
        content["../model.json"] = content.pop("model.json")
    elif kind == "not a network":
        content["model.xml"] = b"<net/>"
    elif kind == "bomb":
        monkeypatch.setattr(
            "slowfast_live.teaching.sharing._LARGEST", {"model.json": 10**6, "model.xml": 10**6, "model.bin": 64}
        )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    if kind == "no zip":
        file.write_bytes(b"MZ" + bytes(100))
    elif kind == "cut":
        file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ModelError):
        read_shared(file, theirs)
    assert not list(theirs.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "theirs") == ["x.slowfast-model"]


def test_labels_that_do_not_fit_the_network_are_refused(tiny: Model, tmp_path: Path) -> None:
    file = tmp_path / "x.slowfast-model"
    spec = json.loads((tiny.folder / "model.json").read_bytes())
    spec["labels"] = spec["labels"][::-1]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model.json", json.dumps(spec))
        for name in ("model.xml", "model.bin"):
            archive.writestr(name, (tiny.folder / name).read_bytes())
    with pytest.raises(ModelError, match=r"does not fit its model\.json"):
        read_shared(file, tmp_path / "theirs")


@pytest.mark.parametrize("kind", ["linear", "over positions", "convolution"])
def test_features_are_found_before_any_linear_head(kind: str) -> None:
    """A network without an output `features`: its logits are those of the features times the old weights."""
    rng = np.random.default_rng(0)
    x = ops.parameter([1, 2, 8, 8, 3], ov.Type.u8, "clip")
    maps = ops.transpose(ops.convert(x, "f32"), np.array([0, 4, 1, 2, 3]))  # (1, 3, 2, 8, 8)
    weights = rng.normal(size=(5, 3)).astype(np.float32)
    if kind == "linear":
        logits = ops.matmul(ops.reduce_mean(maps, np.array([2, 3, 4]), False), weights, False, True)
    elif kind == "over positions":
        rows = ops.transpose(ops.reshape(maps, np.array([1, 3, 128]), False), np.array([0, 2, 1]))
        logits = ops.reduce_mean(ops.matmul(rows, weights, False, True), np.array([1]), False)
    else:
        pooled = ops.reduce_mean(maps, np.array([2, 3, 4]), True)
        out = ops.convolution(pooled, weights[:, :, None, None, None], [1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1])
        logits = ops.reshape(out, np.array([1, 5]), False)
    probs = ops.softmax(logits, 1)
    probs.output(0).set_names({"probabilities"})
    network = ov.Model([ops.result(probs)], [x], "net")
    clip = rng.integers(0, 255, (1, 2, 8, 8, 3), np.uint8)
    old = ov.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(clip)[0]
    head = Head(weights, np.zeros(5, np.float32))
    taught = with_head(network, features_of(network, "net"), head)
    new = ov.compile_model(taught, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(clip)
    assert np.allclose(new["probabilities"], old, atol=1e-4)
    assert new["features"].shape == (1, 3)


def test_a_network_without_a_linear_head_is_refused() -> None:
    x = ops.parameter([1, 2, 8, 8, 3], ov.Type.u8, "clip")
    probs = ops.softmax(ops.reduce_mean(ops.convert(x, "f32"), np.array([1, 2, 3]), False), 1)
    probs.output(0).set_names({"probabilities"})
    with pytest.raises(ModelError, match="cannot be taught"):
        features_of(ov.Model([ops.result(probs)], [x], "net"), "net")


def test_what_was_learned_is_said_in_the_description(tiny: Model, learned: Learned, tmp_path: Path) -> None:
    spec = build(learned, tiny, "My gym", tmp_path).spec
    assert spec.description.startswith(f"Taught from 9 takes on {tiny.spec.title}.")
    (figure,) = spec.accuracy
    assert figure.note == "6 takes, each held out in turn"
    assert msgspec.structs.replace(spec, accuracy=()).trained
