"""Whose turn it is to be asked (pure): few at once of one host, and last those that may keep us waiting.

A feed that waits for its host holds nobody up: the next host's feeds go before it. Feeds that failed at their last poll
wait until nobody else can go, and so do the others of a host that has just failed or was slow; however many of them
there are, half of the places stay free for the rest.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

AT_ONCE_OF_A_HOST = 2
"""Requests: as many as RFC 2616, 8.1.4, allowed one user. A thousand feeds of one near host still take but a second."""


class Caller(Protocol):
    """What waits for its turn; it must be hashable."""

    @property
    def host(self) -> str:
        """Whom it asks."""

    @property
    def failing(self) -> bool:
        """Whether it failed the last time."""


Feed = TypeVar("Feed", bound=Caller)


class Turns(Generic[Feed]):
    """The feeds of one round: `take` one, ask it, and `end` its turn. At most `width` have their turn at once."""

    def __init__(self, feeds: Iterable[Feed] = (), *, width: int) -> None:
        self._width = width
        self._first: dict[str, deque[Feed]] = {}
        self._last: dict[str, deque[Feed]] = {}
        self._out: dict[Feed, bool] = {}
        """Those that have their turn, and whether they are of the last."""
        self._out_of_host: Counter[str] = Counter()
        self.add(feeds)

    def add(self, feeds: Iterable[Feed]) -> None:
        """Let these wait too."""
        for feed in feeds:
            (self._last if feed.failing else self._first).setdefault(feed.host, deque()).append(feed)

    @property
    def out(self) -> int:
        """How many have their turn."""
        return len(self._out)

    def __iter__(self) -> Iterator[Feed]:
        """All whose turn has not ended."""
        yield from self._out
        for queues in (self._first, self._last):
            for queue in queues.values():
                yield from queue

    def take(self) -> Feed | None:
        """The next that may be asked now; feeds of one host go one after the other, so that its connection is used."""
        if len(self._out) >= self._width:
            return None
        if (feed := self._pop(self._first)) is not None:
            self._out[feed] = False
        elif sum(self._out.values()) < max(1, self._width // 2) and (feed := self._pop(self._last)) is not None:
            self._out[feed] = True
        return feed

    def end(self, feed: Feed, *, well: bool) -> None:
        """Its turn is over; unless it went `well`, the others of its host go last."""
        del self._out[feed]
        self._out_of_host -= Counter([feed.host])
        if not well and (others := self._first.pop(feed.host, None)):
            self._last.setdefault(feed.host, deque()).extend(others)

    def call_off(self, host: str) -> list[Feed]:
        """Take away those of a host that still wait."""
        return [feed for queues in (self._first, self._last) for feed in queues.pop(host, ())]

    def call_off_all(self) -> list[Feed]:
        """Take away all that still wait."""
        return [feed for host in {*self._first, *self._last} for feed in self.call_off(host)]

    def _pop(self, queues: dict[str, deque[Feed]]) -> Feed | None:
        for host, queue in queues.items():
            if self._out_of_host[host] < AT_ONCE_OF_A_HOST:
                self._out_of_host[host] += 1
                feed = queue.popleft()
                if not queue:
                    del queues[host]
                return feed
        return None
