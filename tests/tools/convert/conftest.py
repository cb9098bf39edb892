from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the tests of the building side need torch")

from slowfast_live import paths

from .server import Behaviour, serving


@pytest.fixture
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, and no proxy between it and the server on this machine."""
    monkeypatch.setattr(paths, "cache_dir", lambda: tmp_path / "cache")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[tuple[str, Behaviour]]:
    """The address of a server on this machine, and what it does."""
    behavior = Behaviour()
    with serving(behavior) as address:
        yield address, behavior


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the full-size networks only when they are asked for: `-m large_models`."""
    if "large_models" in config.option.markexpr:
        return
    skip = pytest.mark.skip(reason="minutes long; run with -m large_models")
    for item in items:
        if item.get_closest_marker("large_models"):
            item.add_marker(skip)
