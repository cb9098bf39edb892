"""Where the tiles stand: in a grid, or one large with the others beside it. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

MAX_SOURCES = 9


@dataclass(frozen=True, slots=True)
class Cell:
    """A tile's place in a grid layout.

    Attributes:
        row: First row.
        column: First column.
        rows: Number of rows.
        columns: Number of columns.
    """

    row: int
    column: int
    rows: int = 1
    columns: int = 1


def places(count: int, large: int | None) -> list[Cell]:
    """Return the place of each of `count` tiles.

    Args:
        count: Number of tiles, 1 to `MAX_SOURCES`.
        large: The tile that is shown large, with the others in one or two columns beside it; None for a grid.
    """
    if large is None or count == 1:
        columns = math.ceil(math.sqrt(count))
        return [Cell(number // columns, number % columns) for number in range(count)]
    others = count - 1
    beside = 1 if others <= 4 else 2
    rows = math.ceil(others / beside)
    cells = []
    seen = 0
    for number in range(count):
        if number == large:
            cells.append(Cell(0, 0, rows, 3))
        else:
            cells.append(Cell(seen // beside, 3 + seen % beside))
            seen += 1
    return cells
