"""A memory of bounded size for what many readers share; what was not used for longest is forgotten first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from digestmail.messages.pieces import Composed

_ENTRY_OCTETS = 1024  # about what an entry takes besides its content

K = TypeVar("K", bound=Hashable)


class Shared(Generic[K]):
    """Keeps what was composed for a key, at most `octets` of it in all; the newest is kept however large."""

    def __init__(self, octets: int) -> None:
        self._octets = octets
        self._held = 0
        self._entries: OrderedDict[K, Composed | None] = OrderedDict()

    def get(self, key: K, make: Callable[[K], Composed | None]) -> Composed | None:
        """What `make` gave for the key, now or before."""
        if key in self._entries:
            self._entries.move_to_end(key)
            return self._entries[key]
        made = self._entries[key] = make(key)
        self._held += _size(made)
        while self._held > self._octets and len(self._entries) > 1:
            self._held -= _size(self._entries.popitem(last=False)[1])
        return made


def _size(entry: Composed | None) -> int:
    return _ENTRY_OCTETS + (entry.size if entry else 0)
