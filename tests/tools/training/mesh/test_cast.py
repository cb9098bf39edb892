"""The people of the demo: chosen clothes, a face."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from slowfast_live.errors import UsageError
from slowfast_live.tools.training import demo
from slowfast_live.tools.training.mesh import cast
from slowfast_live.tools.training.mesh.body import BOTTOM, SHOES, SKIN, TOP, SurfacePart, Wardrobe
from slowfast_live.tools.training.mesh.cast import EYES, IRISES, LOOKS, dress
from slowfast_live.tools.training.mesh.makehuman import body_data

from .tiny_body import write_garment


def write_clothes(folder: Path) -> Path:
    """Write all that the demo's people wear, as triangles."""
    for name in {name for look in LOOKS for name in (look.suit, look.shoes)}:
        write_garment(folder / "clothes" / name)
    for name in {look.hair for look in LOOKS}:
        write_garment(folder / "hair" / name)
    return folder


@pytest.fixture
def wardrobe(body: Path, tmp_path: Path) -> Wardrobe:
    return Wardrobe(body, write_clothes(tmp_path))


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.suit)
def test_somebody_has_a_face_and_wears_what_was_chosen(look: cast.Look, wardrobe: Wardrobe) -> None:
    surface = dress(look, wardrobe).surface
    assert surface is not None
    assert {SKIN, TOP, SHOES, EYES, IRISES} <= set(surface.kinds.tolist())
    assert surface.kinds.max() < len(surface.materials)
    assert tuple(surface.materials[SKIN, :3]) == pytest.approx(look.skin)
    eyes = surface.places[np.unique(surface.faces[surface.kinds == EYES])]
    assert eyes[:, 1].min() > 0.8 * surface.places[:, 1].max(), "they are in the head"
    assert eyes[:, 0].min() < 0 < eyes[:, 0].max(), "one on each side"


def test_pieces_that_are_not_sewn_together_have_cloths_of_their_own() -> None:
    shirt, trousers = np.array([[0, 14, 0], [1, 14, 0], [0, 10, 0]]), np.array([[0, 11, 0], [1, 11, 0], [0, 1, 0]])
    places, faces = np.concatenate([shirt, trousers]).astype(float), np.arange(6).reshape(2, 3)
    assert cast._by_piece(places, faces).tolist() == [TOP, BOTTOM]
    shoe, sock = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 0], [1, 1, 0], [0, 2, 0]])
    shoes = SurfacePart(np.concatenate([shoe, sock]).astype(float), np.ones((6, 1)), faces, np.full(2, SHOES))
    assert cast._with_socks(shoes).kinds.tolist() == [SHOES, BOTTOM]


def test_a_garment_that_is_missing_is_named(wardrobe: Wardrobe) -> None:
    with pytest.raises(UsageError, match="lacks clothes/gown"):
        dress(replace(LOOKS[0], suit="gown"), wardrobe)


def test_without_clothes_the_demo_is_played_by_cones() -> None:
    assert demo.cast(None) == ()
    assert [type(scene.person).__name__ for scene in demo.scenes(0)] == ["Person"] * 3


def test_with_clothes_each_scene_has_its_person(wardrobe: Wardrobe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "body_data", lambda: wardrobe.body)
    people = demo.cast(wardrobe.clothes)
    assert [scene.person for scene in demo.scenes(0, people)] == list(people)
    pictures = np.stack(list(demo.frames(0, size=(32, 24), fps=2, people=people)))
    cones = np.stack(list(demo.frames(0, size=(32, 24), fps=2)))
    assert pictures.shape == cones.shape and not np.array_equal(pictures, cones)


def test_brows_and_lips_are_on_the_real_face(tmp_path: Path) -> None:
    try:
        body = body_data()
    except UsageError as error:
        pytest.skip(error.message)
    wardrobe = Wardrobe(body, write_clothes(tmp_path))
    for look in LOOKS:
        surface = dress(look, wardrobe).surface
        assert surface is not None
        for kind in (cast.LIPS, cast.BROWS):
            at = surface.places[np.unique(surface.faces[surface.kinds == kind])]
            assert len(at) > 8 and abs(at[:, 0].mean()) < 0.01 and at[:, 2].min() > 0
