"""The examples in docstrings run and give what they show."""

import doctest
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "slowfast_live"
MODULES = sorted(
    ".".join(("slowfast_live", *path.relative_to(PACKAGE).with_suffix("").parts))
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", MODULES)
def test_examples_give_what_they_show(module: str) -> None:
    results = doctest.testmod(importlib.import_module(module))
    assert results.attempted > 0
    assert results.failed == 0


def test_the_main_classes_have_examples() -> None:
    assert {f"slowfast_live.{name}" for name in ("core.events", "core.ring", "core.sampling", "core.smoothing")} <= {
        *MODULES
    }
