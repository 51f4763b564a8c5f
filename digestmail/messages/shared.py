"""A memory of bounded size for what many readers share; what was made first is forgotten first."""

from collections import deque
from collections.abc import Hashable
from typing import Any, TypeVar

SHARED_OCTETS = 24 * 1024 * 1024
"""Enough for the readers of a day of much news, and little beside what a process takes anyway."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Shared:
    """Bounds what stands in several tables to `octets` in all. Looking into a table is the table's own business."""

    def __init__(self, octets: int = SHARED_OCTETS) -> None:
        self._octets = octets
        self._held = 0
        self._kept: deque[tuple[dict[Any, Any], Hashable, int]] = deque()

    def keep(self, table: dict[K, V], key: K, value: V, octets: int) -> V:
        """Put a value that takes so many octets into a table; the newest is kept however large."""
        table[key] = value
        self._kept.append((table, key, octets))
        self._held += octets
        while self._held > self._octets and len(self._kept) > 1:
            oldest, forgotten, size = self._kept.popleft()
            del oldest[forgotten]
            self._held -= size
        return value
