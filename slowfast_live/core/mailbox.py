"""A place for one thing: the newest wins."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Holds the newest item for readers that poll. Safe from any thread; never blocks.

    An item that is replaced before anybody looked is missed, and counted once somebody reads at all.
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
        """Return the newest item, again and again until a newer one comes."""
        with self._lock:
            self._seen = True
            self._read_ever = True
            return self._item

    @property
    def missed(self) -> int:
        """How many items nobody looked at."""
        with self._lock:
            return self._missed
