from pathlib import Path

import pytest

from slowfast_live.tools.training.mesh.body import Wardrobe

from .tiny_body import write_body


@pytest.fixture(scope="session")
def body(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a body of boxes."""
    return write_body(tmp_path_factory.mktemp("makehuman"))


@pytest.fixture(scope="session")
def wardrobe(body: Path) -> Wardrobe:
    return Wardrobe(body)
