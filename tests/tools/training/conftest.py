from pathlib import Path

import pytest

from slowfast_live.tools.training import bank

from .tiny import tiny_config


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered clips of the tiny training."""
    folder = tmp_path_factory.mktemp("rendered") / "clips"
    bank.render(folder, tiny_config().data, processes=1)
    return folder
