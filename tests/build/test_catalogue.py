from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slowfast_live.build.catalogue import CATALOGUE, kinetics400, lookup
from slowfast_live.errors import UsageError
from slowfast_live.inference.spec import ModelSpec

LABELS = Path(__file__).resolve().parents[2] / "../shared/data/labels"


def test_the_whole_family_is_there() -> None:
    assert set(CATALOGUE) == {
        *("slowfast_r50", "slowfast_4x16_r50", "slowfast_r101", "slowfast_16x8_r101_50_50"),
        *("slow_r50", "slow_4x16_r50", "c2d_r50", "i3d_r50", "i3d_nln_r50", "csn_r101", "r2plus1d_r50"),
        *("x3d_xs", "x3d_s", "x3d_m", "x3d_l", "mvit_base_16x4", "mvit_base_32x3", "mvit_v2_s"),
    }


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_every_row_describes_a_model_that_the_app_can_read(entry: object) -> None:
    from slowfast_live.build.catalogue import Entry

    assert isinstance(entry, Entry)
    spec = ModelSpec(
        name=entry.name,
        title=entry.title,
        family=entry.family,
        labels=kinetics400(),
        clip=entry.clip,
        alpha=entry.alpha,
        precision="FP16",
        trained=True,
    )
    assert spec.framing() is not None and spec.timing.span_s > 1
    assert urlsplit(entry.url).scheme == "https" and entry.file_name.endswith((".pyth", ".pth", ".pkl"))
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
    from slowfast_live.build.compat import prepare_imports

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
