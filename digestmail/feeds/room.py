"""Room in memory for large documents: few are held at once, however many feeds send one at the same time."""

import threading

from digestmail.feeds.body import BodyError

LARGE_AT_ONCE = 4
_PATIENCE = 60.0
"""Seconds after which room is not waited for any longer."""


class Room:
    """Room for the document of one poll: taken where that turns out to be large, and left once it was stored.

    It may be left by another thread than the one that took it, and without having been taken.
    """

    def __init__(self, places: threading.Semaphore) -> None:
        self._places = places
        self._taken = False

    def take(self) -> None:
        """Wait until there is room. Raises BodyError."""
        if not self._places.acquire(timeout=_PATIENCE):
            raise BodyError("sent a large document while too many others were being read")
        self._taken = True

    def leave(self) -> None:
        """Let the next one have it."""
        if self._taken:
            self._taken = False
            self._places.release()
