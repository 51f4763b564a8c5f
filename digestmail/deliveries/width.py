"""How many connections are used at once (pure): as many as are allowed, fewer when the server asks for less.

Less at once and more little by little, as TCP does it: a server that throttles is asked for three quarters, one that
takes no further connection keeps those it has, and with each quiet second there may be one more. A server that takes
nothing at all is left alone for a while, twice as long each time.
"""

from collections.abc import Callable

_ONE_MORE_SECONDS = 1.0
_FIRST_REST_SECONDS = 1.0
_LONGEST_REST_SECONDS = 60.0


class Width:
    """The number of connections, from 1 to `most`."""

    def __init__(self, most: int, *, now: Callable[[], float]) -> None:
        self._most = most
        self._width = most
        self._now = now
        self._changed_at = now()
        self._rest = 0.0
        self._rests_until = now()

    @property
    def value(self) -> int:
        """How many connections may be busy now."""
        quiet = int((self._now() - self._changed_at) / _ONE_MORE_SECONDS)
        if quiet > 0:
            self._width = min(self._most, self._width + quiet)
            self._changed_at += quiet * _ONE_MORE_SECONDS
        return self._width

    @property
    def rest(self) -> float:
        """Seconds for which nothing should be begun."""
        return max(0.0, self._rests_until - self._now())

    def throttle(self) -> None:
        """The server asked for less. What it says on many connections at once counts as once."""
        if self._now() - self._changed_at >= _ONE_MORE_SECONDS or self._width == self._most:
            self._narrow(self._width * 3 // 4)

    def no_more_than(self, count: int) -> None:
        """The server keeps `count` connections and takes no further one."""
        self._narrow(min(self._width, count))

    def nothing_taken(self) -> None:
        """The server took nothing lately: rest, twice as long as the last time."""
        if not self.rest:
            self._rest = min(_LONGEST_REST_SECONDS, 2 * self._rest or _FIRST_REST_SECONDS)
            self._rests_until = self._now() + self._rest

    def taken(self) -> None:
        """The server took a message: no more resting."""
        self._rest = 0.0

    def _narrow(self, width: int) -> None:
        self._width = max(1, width)
        self._changed_at = self._now()
