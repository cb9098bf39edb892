from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the tests of the building side need torch")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the full-size networks only when they are asked for: `-m large_models`."""
    if "large_models" in config.option.markexpr:
        return
    skip = pytest.mark.skip(reason="minutes long; run with -m large_models")
    for item in items:
        if item.get_closest_marker("large_models"):
            item.add_marker(skip)
