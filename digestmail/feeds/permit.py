"""Permits to hold a large document: few are held at once, however many feeds send one at the same time."""

import threading
import time

from digestmail.feeds.body import BodyError

LARGE_AT_ONCE = 4
_PATIENCE = 60.0
"""Seconds after which a permit is not waited for any longer."""


class Permit:
    """One poll's permit: acquired where its document turns out to be large, and released once that was stored.

    It may be released by another thread than the one that acquired it, and without having been acquired.
    """

    def __init__(self, permits: threading.Semaphore) -> None:
        self._permits = permits
        self._held = False
        self.waited = 0.0
        """Seconds, which are not the server's fault."""

    def acquire(self) -> float:
        """Wait until there is one; for how many seconds. Raises BodyError."""
        began = time.monotonic()
        if not self._permits.acquire(timeout=_PATIENCE):
            raise BodyError("sent a large document while too many others were being read")
        self._held, self.waited = True, time.monotonic() - began
        return self.waited

    def release(self) -> None:
        """Let the next one have it."""
        if self._held:
            self._held = False
            self._permits.release()
