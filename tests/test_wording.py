"""What a person reads: American spelling, and every notice says what ends it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "slowfast_live"
SHOWN = ("ui", "analysis", "export", "recording", "rules", "pipeline", "sources", "inference", "cli.py", "display.py")
BRITISH = re.compile(
    r"\b(analyse|colour|licence|centre|recognis|grey|normalis|quantis|cancelled|labelled|favour|behaviour|organis)",
    re.IGNORECASE,
)


def files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] in SHOWN]


def sentences(path: Path) -> Iterator[str]:
    """Yield the texts of a module that read like sentences or labels: no docstrings, no names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            text = node.value
            if " " in text.strip() or text[:1].isupper():
                yield text


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_window_spells_american(path: Path) -> None:
    assert [text for text in sentences(path) if BRITISH.search(text)] == []


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_notice_that_stays_says_what_ends_it(path: Path) -> None:
    """Warnings, errors and offers stay until they are dismissed: each has a topic, and is ended with it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Notice"):
            continue
        given = {keyword.arg for keyword in node.keywords}
        news = ast.unparse(node.args[0]) == "Level.INFO" and "command" not in given
        assert news or "topic" in given, f"{path.name}:{node.lineno} shows a notice that nothing ends: name its Topic"
