from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slowfast_live.errors import ModelError, UsageError
from slowfast_live.inference.spec import ModelSpec
from slowfast_live.tools.convert import datasets
from slowfast_live.tools.convert.catalogue import CATALOGUE, kinetics400, lookup

LABELS = Path(__file__).resolve().parents[3] / "../shared/data/labels"


def test_the_whole_family_is_there() -> None:
    assert set(CATALOGUE) == {
        *("slowfast_r50", "slowfast_4x16_r50", "slowfast_r101", "slowfast_16x8_r101_50_50"),
        *("slow_r50", "slow_4x16_r50", "c2d_r50", "i3d_r50", "i3d_nln_r50", "csn_r101", "r2plus1d_r50"),
        *("x3d_xs", "x3d_s", "x3d_m", "x3d_l", "mvit_base_16x4", "mvit_base_32x3", "mvit_v2_s"),
        *("efficient_x3d_xs", "efficient_x3d_s", "slowfast_r50_stepwise", "mvit_v2_s_pyslowfast", "mvit_v2_b"),
        "mvit_base_32x3_k600",
        *("slow_r50_charades", "slowfast_r50_charades", "slowfast_16x8_r50_charades"),
        *("slow_r50_ssv2", "slowfast_r50_ssv2", "slowfast_16x8_r50_ssv2", "mvit_v2_s_ssv2", "mvit_v2_b_ssv2"),
        *("slow_r50_detection", "slowfast_r50_detection", "slowfast_r101_50_50_detection_v21"),
        *("slowfast_r101_50_50_detection", "slowfast_16x8_r101_50_50_detection"),
        *("action_recognition_0001", "driver_action_recognition_adas_0002", "weld_porosity_detection_0001"),
    }


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_every_row_describes_a_model_that_the_app_can_read(entry: object) -> None:
    from slowfast_live.tools.convert.catalogue import Entry

    assert isinstance(entry, Entry)
    spec = ModelSpec(
        name=entry.name,
        title=entry.title,
        family=entry.family,
        labels=entry.dataset.labels(),
        task="detection" if entry.detects else "classification",
        activation=entry.dataset.activation,
        clip=entry.clip,
        alpha=entry.alpha,
        precision="FP16",
        trained=True,
    )
    assert spec.framing() is not None and spec.timing.span_s >= 0.5
    assert urlsplit(entry.url).scheme == "https"
    assert entry.encoder_decoder is not None or entry.file_name.endswith((".pyth", ".pth", ".pkl"))
    assert len(spec.labels) == entry.dataset.classes and entry.published
    assert entry.alpha is None or entry.clip.frames % entry.alpha == 0


def test_an_unknown_name_lists_the_valid_ones() -> None:
    with pytest.raises(UsageError, match=r"no model 'slowfast'.*slowfast_r50, .*mvit_v2_s"):
        lookup("slowfast")


def test_there_are_400_clean_class_names() -> None:
    names = kinetics400()
    assert len(names) == len(set(names)) == 400
    assert all(name == name.strip() and '"' not in name for name in names)
    assert names[0] == "abseiling" and names[399] == "zumba"


def test_torchvisions_weights_were_trained_on_the_same_order() -> None:
    from slowfast_live.tools.convert.compat import prepare_imports

    prepare_imports()
    from torchvision.models.video import MViT_V2_S_Weights

    weights = MViT_V2_S_Weights.KINETICS400_V1
    assert tuple(weights.meta["categories"]) == kinetics400()
    assert weights.url == CATALOGUE["mvit_v2_s"].url


@pytest.mark.skipif(not LABELS.is_dir(), reason="the lists to compare with are not beside the repository")
def test_class_names_agree_with_three_other_lists() -> None:
    by_name = json.loads((LABELS / "pytorchvideo_kinetics_classnames.json").read_text())
    first = {number: name.strip('"') for name, number in by_name.items()}
    second = (LABELS / "mmaction2_label_map_k400.txt").read_text().splitlines()
    third = json.loads((LABELS / "omz_kinetics400-id2label.json").read_text())
    for number, name in enumerate(kinetics400()):
        assert name == first[number] == second[number].strip() == third[str(number)]


@pytest.mark.skipif(not LABELS.is_dir(), reason="the lists to compare with are not beside the repository")
@pytest.mark.parametrize("classes", [600, 700])
def test_larger_lists_of_class_names_agree_with_another(classes: int) -> None:
    lines = (LABELS / f"mmaction2_label_map_k{classes}.txt").read_text().splitlines()
    assert datasets.BY_CLASSES[classes].labels() == tuple(line.strip() for line in lines)


@pytest.mark.parametrize("dataset", datasets.BY_CLASSES.values(), ids=lambda dataset: dataset.title)
def test_each_dataset_has_its_number_of_clean_names(dataset: datasets.Dataset) -> None:
    names = dataset.labels()
    assert len(names) == len(set(names)) == dataset.classes
    assert all(name == name.strip() and name.isprintable() for name in names)


def test_labels_that_are_several_at_a_time_or_say_left_and_right_are_known() -> None:
    charades, something = CATALOGUE["slow_r50_charades"], CATALOGUE["slow_r50_ssv2"]
    assert charades.dataset.activation == "sigmoid" and charades.published[0].metric == "mAP"
    assert charades.clip.fps == 24
    assert not something.dataset.mirrored and something.clip.spans_s == (2.0, 4.0)
    assert something.clip.timing.span_s == pytest.approx(3.0)
    assert "Pushing something from left to right" in something.dataset.labels()


def test_a_damaged_list_of_labels_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "charades.json").write_text('["one"]')
    monkeypatch.setattr(datasets.paths, "bundled", lambda kind: tmp_path)
    with pytest.raises(ModelError, match=r"charades\.json has 1 class names, expected 157"):
        datasets.CHARADES.labels()
