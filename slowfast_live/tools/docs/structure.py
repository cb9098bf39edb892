"""The rooms of the package, who may import whom, and the picture of it in docs/structure.svg.

`python -m slowfast_live.tools.docs structure` draws the picture anew. The tests compare the two.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

PACKAGE = Path(__file__).resolve().parents[2]
LAYERS: tuple[tuple[str, ...], ...] = (
    ("text_safety", "messages"),
    ("errors", "types", "paths", "content", "display", "colors", "ending", "urls", "progress"),
    ("files", "child_process"),
    ("rules", "core", "publish"),
    ("settings", "sources", "inference", "counting"),
    ("export", "people"),
    ("pipeline", "recording", "sessions", "teaching"),
    ("session_log", "analysis"),
    ("cluster",),
    ("ui",),
    ("window", "tools.bench", "tools.soak"),
    ("tools.docs",),
    ("cli",),
    ("__main__",),
)
"""From the bottom up: a room imports from lower layers only, and one of the lowest from those before it."""

OFFLINE = ("tools.convert", "tools.evaluation", "tools.people", "tools.training", "tools.torch_timing")
"""Programs beside the app: only the command line imports them, and they import nothing of the window."""


def room_of(parts: Sequence[str], wings: bool = False) -> str:
    """Return the room of a module, given the parts of its dotted name below the package.

    Args:
        parts: ("tools", "bench", "live") is a part of the room "tools.bench".
        wings: Whether the folders of the window count as rooms: ("ui", "events", "timeline") is "ui.events" then.
    """
    deep = parts[0] == "tools" or (wings and parts[0] == "ui")
    return ".".join(parts[:2]) if deep and len(parts) > 1 else parts[0]


def module_parts(path: Path) -> tuple[str, ...]:
    """Return the dotted name of a file of the package, below the package, in parts."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts


def imports(path: Path) -> set[tuple[str, ...]]:
    """Return the modules of the package that a file imports, each as the parts of its name below the package."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            name = node.module
            # "from slowfast_live.ui.style import icons" imports a module, not a name of the package's face.
            below = [f"{name}.{alias.name}" for alias in node.names]
            found |= {full if _is_module(full) else name for full in below}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {tuple(name.split(".")[1:]) for name in found if name.startswith("slowfast_live.")}


def _is_module(name: str) -> bool:
    path = PACKAGE.parent / Path(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def arrows(wings: bool = False) -> dict[str, set[str]]:
    """Return for each room the rooms that it imports from."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = room_of(module_parts(path), wings)
        if room in ("__init__", "tools"):
            continue
        found.setdefault(room, set()).update(
            other
            for other in (room_of(parts, wings) for parts in imports(path))
            if other not in (room, "__init__", "__version__")
        )
    return found


def file_arrows() -> dict[str, set[str]]:
    """Return for each module the modules that it imports, by their dotted names below the package.

    Packages are left out: what is imported from `slowfast_live.sources` stands in a module of it.
    """
    files = {module_parts(path): path for path in sorted(PACKAGE.rglob("*.py")) if path.name != "__init__.py"}
    return {
        ".".join(parts): {".".join(other) for other in imports(path) & files.keys()} for parts, path in files.items()
    }


def needed(graph: Mapping[str, Iterable[str]]) -> set[tuple[str, str]]:
    """Return the arrows of a graph without circles that no longer way replaces (its transitive reduction)."""
    reach: dict[str, set[str]] = {}

    def below(room: str) -> set[str]:
        if room not in reach:
            reach[room] = set()
            for other in graph.get(room, ()):
                reach[room] |= {other} | below(other)
        return reach[room]

    return {
        (room, other)
        for room, others in graph.items()
        for other in others
        if not any(other in below(between) for between in others if between != other)
    }


_BOX, _HEIGHT = 150, 46
_COLUMN, _ROW = 190, 92
_BASE = "types, errors, ..."
_FOUNDATION = {room for layer in LAYERS[:3] for room in layer}
"""Single modules that everything rests on; one box in the picture."""

_PLACES = {
    "__main__": (3, 0),
    "cli": (3, 1),
    "window": (0.5, 2),
    "tools.soak": (1.5, 2),
    "tools.bench": (2.5, 2),
    "ui": (1, 3),
    "session_log": (0, 5),
    "analysis": (2, 4),
    "cluster": (2.2, 3),
    "pipeline": (1, 5),
    "export": (2, 5),
    "people": (1.5, 5.5),
    "recording": (3, 4),
    "sessions": (3, 5),
    "teaching": (4.5, 6),
    "settings": (0, 6),
    "inference": (1, 6),
    "sources": (2, 6),
    "rules": (0, 7),
    "core": (1, 7),
    "publish": (2, 7),
    "counting": (3, 6),
    _BASE: (1.5, 8),
    "tools.docs": (0, 1),
    "tools.torch_timing": (4, 2),
    "tools.training": (4, 3),
    "tools.evaluation": (4.5, 4),
    "tools.convert": (4, 5),
    "tools.people": (5, 2),
}
"""Column and row of each room in the picture, so that few arrows cross."""


def picture() -> str:
    """Return the picture of the rooms as SVG, with the arrows that no longer way replaces.

    Raises:
        ValueError: A room has no place in the picture.
    """
    graph: dict[str, set[str]] = {_BASE: set()}
    for room, others in arrows().items():
        if room not in _FOUNDATION:
            graph[room] = {_BASE if other in _FOUNDATION else other for other in others}
    places = {room: (110 + x * _COLUMN, 40 + y * _ROW) for room, (x, y) in _PLACES.items()}
    if missing := graph.keys() - places.keys():
        raise ValueError(f"rooms without a place in the picture: {', '.join(sorted(missing))}")
    lines = [_arrow(places[room], places[other]) for room, other in sorted(needed(graph))]
    boxes = [_box(room, place) for room, place in places.items()]
    width, height = round(220 + 4.5 * _COLUMN), 80 + 8 * _ROW
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0L8 4L0 8z" fill="#7a8494"/></marker></defs>',
            *lines,
            *boxes,
            "</svg>",
            "",
        ]
    )


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    sign = 1 if y2 > y1 else -1 if y2 < y1 else 0
    if sign:
        y1, y2 = y1 + sign * _HEIGHT / 2, y2 - sign * _HEIGHT / 2
    else:
        side = 1 if x2 > x1 else -1
        x1, x2 = x1 + side * _BOX / 2, x2 - side * _BOX / 2
    return (
        f'<path d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}" stroke="#7a8494" stroke-width="1.4" fill="none" '
        'marker-end="url(#head)"/>'
    )


def _box(room: str, place: tuple[float, float]) -> str:
    x, y = place
    fill = "#e8eefc" if not room.startswith("tools.") else "#f3ede2"
    return (
        f'<rect x="{x - _BOX / 2:.0f}" y="{y - _HEIGHT / 2:.0f}" width="{_BOX}" height="{_HEIGHT}" rx="8" '
        f'fill="{fill}" stroke="#4a5568"/>'
        f'<text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle" font-size="15" fill="#1a202c">{escape(room)}</text>'
    )
