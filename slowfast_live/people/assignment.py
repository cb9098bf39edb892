"""Optimal assignment of detections to tracks."""

from __future__ import annotations

import numpy as np

from slowfast_live.types import F32

IMPOSSIBLE = 1e6
"""Cost of a pair that must not be assigned."""


def assign(cost: F32) -> list[tuple[int, int]]:
    """Return the pairs (row, column) of the assignment with the lowest sum of costs, without impossible pairs.

    The Hungarian algorithm with potentials (shortest augmenting paths), O(N^3).

    >>> assign(np.array([[0.1, 0.2], [0.1, 0.9]], np.float32))
    [(0, 1), (1, 0)]

    Args:
        cost: float32 (N, M), each 0..1 or `IMPOSSIBLE`.
    """
    if not cost.size:
        return []
    turned = cost.shape[0] > cost.shape[1]
    table = np.asarray(cost.T if turned else cost, np.float64)
    rows, columns = table.shape
    row_potential, column_potential = np.zeros(rows + 1), np.zeros(columns + 1)
    match = np.zeros(columns + 1, np.intp)  # row (from 1) of each column (from 1); 0 is none
    for row in range(1, rows + 1):
        match[0], column = row, 0
        least = np.full(columns + 1, np.inf)
        way = np.zeros(columns + 1, np.intp)
        used = np.zeros(columns + 1, bool)
        while match[column]:
            used[column] = True
            reduced = table[match[column] - 1] - row_potential[match[column]] - column_potential[1:]
            better = ~used[1:] & (reduced < least[1:])
            least[1:][better], way[1:][better] = reduced[better], column
            free = np.where(used, np.inf, least)
            free[0] = np.inf
            following = int(free.argmin())
            delta = free[following]
            row_potential[match[used]] += delta
            column_potential[used] -= delta
            least[~used] -= delta
            column = following
        while column:
            match[column], column = match[way[column]], int(way[column])
    pairs = [(int(match[c]) - 1, c - 1) for c in range(1, columns + 1) if match[c]]
    pairs = [(c, r) if turned else (r, c) for r, c in pairs]
    return sorted((r, c) for r, c in pairs if cost[r, c] < IMPOSSIBLE)
