"""Pictures are encoded once: the answers are those of the whole graph, which runs where nothing is shared."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import openvino as ov
import pytest

from slowfast_live.inference.encoded_once import EncodedOnce, divide
from slowfast_live.inference.openvino_backend import OpenVinoBackend, OpenVinoInferRequest
from slowfast_live.inference.spec import SPEC_FILE, Clip, Model, encode
from slowfast_live.tools.convert.encoder_decoder import merge
from slowfast_live.types import F32, U8
from tests.tools.convert.stand_ins import FRAMES, SIDE, decoder, encoder

F32_ONLY = {"INFERENCE_PRECISION_HINT": "f32"}
CLASSES = 5


def merged(folder: Path, form: str = "batch", *, alone: bool = False) -> ov.Model:
    """Return a merged encoder-decoder as it is read from a model folder; `alone` without a decoder."""
    models = [encoder(1, CLASSES)] if alone else [encoder(1), decoder(2, CLASSES)]
    files: list[Path] = []
    for number, model in enumerate(models):
        path = folder / f"{number}.xml"
        ov.save_model(model, path, compress_to_fp16=False)
        files += [path, path.with_suffix(".bin")]
    ov.save_model(merge(files, FRAMES, form), folder / "model.xml", compress_to_fp16=False)  # type: ignore[arg-type]
    return ov.Core().read_model(folder / "model.xml")


def pictures(count: int) -> U8:
    return np.random.default_rng(4).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


def whole(network: ov.Model, clip: U8) -> F32:
    return np.array(ov.compile_model(network, "CPU", F32_ONLY)(clip[None])[0][0], np.float32)


def once_of(network: ov.Model) -> EncodedOnce:
    parts = divide(network)
    assert parts is not None
    return EncodedOnce(*(ov.compile_model(part, "CPU", F32_ONLY) for part in parts))


@pytest.mark.parametrize(("form", "alone"), [("batch", False), ("loop", False), ("batch", True)])
def test_a_sliding_window_gives_what_the_whole_graph_gives_and_encodes_each_picture_once(
    tmp_path: Path, form: str, alone: bool
) -> None:
    network, film = merged(tmp_path, form, alone=alone), pictures(FRAMES + 12)
    once = once_of(network)
    assert once.infer(film[:FRAMES]) is None, "there is nothing before the first clip"
    for at in range(1, 12):
        clip = film[at : at + FRAMES]
        found = once.infer(clip)
        assert found is not None
        np.testing.assert_allclose(found, whole(network, clip), atol=1e-5)
    assert once.encoded == FRAMES + 10


def test_clips_that_share_too_little_run_whole(tmp_path: Path) -> None:
    network, film = merged(tmp_path), pictures(6 * FRAMES)
    once = once_of(network)
    for at in range(0, 5 * FRAMES, FRAMES - 4):
        assert once.infer(film[at : at + FRAMES]) is None
    assert once.encoded == 0


def test_a_picture_that_only_looks_known_is_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, film = merged(tmp_path), pictures(FRAMES)
    once = once_of(network)
    monkeypatch.setattr("zlib.crc32", lambda _data: 7)  # all look alike
    once.infer(film)
    other = film[::-1].copy()
    found = once.infer(other)
    assert found is not None
    np.testing.assert_allclose(found, whole(network, other), atol=1e-5)


def test_networks_of_other_kinds_are_not_divided(tiny: Model) -> None:
    assert divide(ov.Core().read_model(tiny.folder / "model.xml")) is None


@pytest.fixture
def two_part_model(tiny: Model, tmp_path: Path) -> Model:
    """A model folder with a merged encoder-decoder."""
    folder = tmp_path / "pair-fp32"
    folder.mkdir()
    merged(folder)
    spec = msgspec.structs.replace(
        tiny.spec, name=folder.name, labels=tuple("abcde"), clip=Clip(FRAMES, 2, SIDE), alpha=1, features=None
    )
    (folder / SPEC_FILE).write_bytes(encode(spec))
    return Model(folder, spec)


def test_the_backend_uses_it_and_goes_on_whole_where_a_part_fails(
    two_part_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = OpenVinoBackend(tmp_path / "cache", F32_ONLY).compile(two_part_model, "CPU")
    network, film = ov.Core().read_model(two_part_model.folder / "model.xml"), pictures(FRAMES + 3)
    request = compiled.requests[0]
    assert isinstance(request, OpenVinoInferRequest) and request._once is not None
    try:
        for at in range(3):
            request.clip[:] = film[at : at + FRAMES]
            probs = compiled.infer().probs
            assert probs is not None
            np.testing.assert_allclose(probs, whole(network, film[at : at + FRAMES]), atol=1e-5)
        assert request._once.encoded == FRAMES + 1

        def fail(_clip: U8) -> F32:
            raise RuntimeError("the driver is gone")

        monkeypatch.setattr(request._once, "infer", fail)
        probs = compiled.infer().probs
        assert probs is not None
        np.testing.assert_allclose(probs, whole(network, film[2 : 2 + FRAMES]), atol=1e-5)
        assert request._once is None
    finally:
        compiled.close()
