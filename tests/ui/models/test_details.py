from __future__ import annotations

import json
from pathlib import Path

import msgspec

from slowfast_live.inference.spec import Model, load
from slowfast_live.ui.models.details import details_html
from slowfast_live.ui.models.model_catalogue import CatalogueRow, OnDisk, Speed, merge, parse_listing, survey
from tests.ui.models import fake_build


def network(name: str) -> CatalogueRow:
    rows = merge(parse_listing(json.dumps(fake_build.listing()).encode()), [])
    return next(row for row in rows if row.key == name)


def on_disk(folder: Path, **changes: object) -> OnDisk:
    spec = msgspec.structs.replace(load(folder), **changes)
    return survey([Model(folder, spec)])[0]


def test_a_network_that_is_not_built_has_its_published_facts() -> None:
    html = details_html(network("slowfast_r50")).replace("&#8203;", "")
    for part in (
        "SlowFast R50 8x8",
        "32 pictures of 256 × 256",
        "77 % top-1",
        "Apache-2.0",
        "unknown: once a model has run",
    ):
        assert part in html
    assert '<a href="https://' in html and "SLOWFAST_8x8_R50.pyth" in html
    assert "<b>Folder</b>" not in html and "<b>Actions</b>" not in html


def test_a_built_model_tells_its_folder_actions_and_speed(tmp_path: Path) -> None:
    built = on_disk(fake_build.write("x3d_m", tmp_path, "int8"))
    speed = Speed(82.0, measured=True, origin="Measured on CPU, INT8.")
    html = details_html(network("x3d_m"), built, speed).replace("&#8203;", "")
    assert str(tmp_path / "x3d_m-int8") in html and "<b>Actions</b>" in html
    assert "82 ms a clip. Measured on CPU, INT8." in html


def test_text_of_models_is_escaped_and_only_web_addresses_are_links(tmp_path: Path) -> None:
    mark = '<img src="x"> & <b>'
    folder = fake_build.write("x3d_m", tmp_path, "int8")
    built = on_disk(folder, description=mark, licence=mark, origin={"url": "javascript:alert(1)", "note": mark})
    html = details_html(CatalogueRow("own", mark, built=(built,)), built)
    assert "<img" not in html and html.count("&lt;img") == 4
    assert "href" not in html and "javascript" not in html
