import json
import shutil
from pathlib import Path

import msgspec
import pytest

from slowfast_live import paths
from slowfast_live.errors import ModelError
from slowfast_live.inference import spec as specs
from slowfast_live.inference.spec import Registry
from tests.tiny_model import tiny_spec


def test_a_description_survives_writing_and_reading() -> None:
    spec = tiny_spec("tiny", trained=True)
    assert specs.decode(specs.encode(spec), "model.json") == spec
    assert spec.input_shape == (1, 32, 64, 64, 3)
    untrained = tiny_spec("tiny", trained=False)
    assert untrained.display_name.count("untrained") == 1
    titled = msgspec.structs.replace(untrained, title="Tiny, untrained")
    assert titled.display_name.count("untrained") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": []}, "labels is empty"),
        ({"labels": "walking"}, "labels"),
        ({"schema": 9}, "schema"),
        ({"name": "../evil"}, "may hold letters"),
        ({"clip": {"frames": 0, "stride": 2, "side": 64}}, "frames"),
        ({"clip": {"frames": 8, "stride": 2, "side": 64, "resize_side": 32}}, "smaller than side"),
        ({"decision": {"threshold": 1.5}}, "threshold"),
        ({"decision": {"rejects": ["unheard of"]}}, "unheard of"),
        ({"precision": "INT3"}, "INT3"),
        ({"trained": "yes"}, "trained"),
    ],
)
def test_a_wrong_description_is_told_with_its_field(change: dict[str, object], message: str) -> None:
    data = json.loads(specs.encode(tiny_spec("tiny", trained=True))) | change
    with pytest.raises(ModelError, match=r"somewhere/model.json does not describe a model") as caught:
        specs.decode(json.dumps(data), "somewhere/model.json")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00", '{"name": "x"}'])
def test_what_is_no_description_is_told(text: str) -> None:
    with pytest.raises(ModelError, match="does not describe a model"):
        specs.decode(text, "model.json")


def test_models_are_listed_trained_first(registry: Registry) -> None:
    models, broken = registry.scan()
    assert [m.spec.trained for m in models] == [True, True, False] and not broken


def test_a_broken_model_does_not_hide_the_others(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half/model.json").write_text("{")
    models, broken = Registry([tmp_path, *registry.folders]).scan()
    assert len(models) == 3 and len(broken) == 1 and "model.xml is missing" in str(broken[0])


def test_a_model_is_found_by_name_and_by_folder(registry: Registry, tiny_models: Path) -> None:
    by_name = registry.find("tiny-fp32")
    assert registry.find(str(tiny_models / "tiny-fp32")) == by_name and by_name.name == "tiny-fp32"
    with pytest.raises(ModelError, match=r"no model 'tony'. Models at hand: tiny_"):
        registry.find("tony")


def test_without_models_the_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="slowfast-live models build"):
        Registry([tmp_path / "nowhere"]).find("slowfast_r50")


def test_what_came_with_the_app_is_told_from_what_was_built_beside_it(
    tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = shutil.copytree(next(tiny_models.iterdir()), tmp_path / "models" / "own")
    assert not specs.came_with_app(own), "the app's models are elsewhere"
    monkeypatch.setattr(paths, "bundled", lambda kind: tmp_path / kind)
    spec = specs.load(own)
    for origin, card, bundled in (
        ({}, False, True),
        ({specs.RECIPE: "0123"}, False, False),
        ({specs.RECIPE: "0123"}, True, True),
    ):
        (own / specs.SPEC_FILE).write_bytes(specs.encode(msgspec.structs.replace(spec, origin=origin)))
        if card:
            (own / specs.CARD_FILE).touch()
        assert specs.came_with_app(own) is bundled
    assert not specs.came_with_app(tmp_path / "models" / "not there")


@pytest.mark.parametrize("name", ["kitchen", "x3d_m", "v1.2-b", "a" * 85])
def test_names_that_a_model_may_have(name: str) -> None:
    assert specs.usable_name(name)
    assert specs.decode(specs.encode(msgspec.structs.replace(tiny_spec("tiny", trained=True), name=name)), "")


@pytest.mark.parametrize("name", ["", "my model", "../up", ".hidden", "-x", "a/b", "a\n", "a" * 86, "é"])
def test_names_that_a_model_may_not_have(name: str) -> None:
    assert not specs.usable_name(name)
