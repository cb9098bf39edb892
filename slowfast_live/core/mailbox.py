"""Single-slot mailbox that keeps only the latest item."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Holds the latest item for readers that poll. Thread-safe; never blocks.

    An item that is replaced before it was read is counted as missed, once there has been a reader.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._item: T | None = None
        self._seen = True
        self._read_ever = False
        self._missed = 0

    def put(self, item: T | None) -> None:
        """Replace the item."""
        with self._lock:
            if not self._seen and self._read_ever:
                self._missed += 1
            self._item = item
            self._seen = item is None

    def get(self) -> T | None:
        """Return the latest item; repeated calls return the same item until there is a newer one."""
        with self._lock:
            self._seen = True
            self._read_ever = True
            return self._item

    @property
    def missed(self) -> int:
        """Number of items that were never read."""
        with self._lock:
            return self._missed
