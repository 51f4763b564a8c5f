"""A memory for what costs something to make and may be a little old: each value is made again after a while."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BriefMemory(Generic[K, V]):
    """Keeps at most `most` values, each for `span`; what was made first is forgotten first."""

    def __init__(self, span: timedelta, *, most: int = 1) -> None:
        self._span = span
        self._most = most
        self._kept: dict[K, tuple[datetime, V]] = {}
        self._lock = Lock()

    def recall(self, key: K, make: Callable[[], V], *, now: datetime) -> V:
        """The value, from `make` where none is kept or it is too old. Whoever asks meanwhile waits for it."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or not timedelta() <= now - kept[0] < self._span:
                self._kept.pop(key, None)
                kept = self._kept[key] = now, make()
                while len(self._kept) > self._most:
                    del self._kept[next(iter(self._kept))]
            return kept[1]
