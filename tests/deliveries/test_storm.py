"""Whatever a server and a sender do at random, each message comes to exactly one end, and that is the true one."""

import random
import threading
import time
from collections import Counter

import pytest

from digestmail.deliveries.events import Answered, Event, Ready, Refused, Returned
from digestmail.deliveries.wire import Wire
from digestmail.errors import RelayError
from tests.deliveries.carry import PATIENCE, letter, wired
from tests.relay import DROP, FakeRelay, running

pytestmark = pytest.mark.filterwarnings("error")

MESSAGES = 400


@pytest.mark.parametrize("pipelining", [True, False])
def test_every_message_comes_to_one_true_end_in_a_storm(pipelining: bool) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    storm = Storm(seed)
    offers = {"pipelining": pipelining, "most_connections": 4, "messages_per_connection": 20}
    with running(storm.behave, **offers) as server, wired(server, connections=6, now=hurried) as wire:
        storm.blow(wire, server)
        arrived = Counter(mail.recipient for mail in server.caught)
    assert sorted([*storm.ends, *storm.dropped]) == list(range(MESSAGES))
    for tag in range(MESSAGES):
        match storm.ends.get(tag):
            case Answered(_, None):
                assert arrived[letter(tag).recipient] <= 1
            case Answered(_, reply) if reply is not None and reply.code == 250:
                assert arrived[letter(tag).recipient] == 1
            case _:
                assert arrived[letter(tag).recipient] == 0
    kinds = Counter(type(end) for end in storm.ends.values())
    assert set(kinds) == {Answered, Refused, Returned}
    assert server.violations == []


def hurried() -> float:
    """A clock by which the wire rests only for moments."""
    return time.monotonic() * 100


class Storm:
    """The server's moods and a sender that offers, dots and drops at random."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._mood = random.Random(seed)
        self._lock = threading.Lock()
        self._waiting: set[int] = set()
        self._ready: set[int] = set()
        self._dotted: set[int] = set()
        self.dropped: set[int] = set()
        self.ends: dict[int, Event] = {}

    def behave(self, command: str, _: str) -> str | None:
        """What the server says, out of many threads."""
        replies = {
            "CONNECT": [DROP, "421 4.3.2 too busy"],
            "MAIL": [DROP, "421 4.3.2 closing", "451 4.7.1 slow down", "552 5.3.4 too large"],
            "RCPT": [DROP, "421 4.3.2 closing", "450 4.2.0 later", "550 5.1.1 no such user"],
            "DATA": [DROP, "421 4.3.2 closing", "451 4.3.0 later", "354 go on"],
            "DOT": [DROP, "421 4.3.2 closing", "451 4.3.0 later", "554 5.7.1 spam", "hello"],
            "RSET": [DROP, "421 4.3.2 closing", "500 5.5.1 what?"],
        }
        with self._lock:
            return self._mood.choice(replies[command]) if command in replies and self._mood.random() < 0.05 else None

    def blow(self, wire: Wire, server: FakeRelay) -> None:
        """Offer every message once, and see it through to its end."""
        deadline = time.monotonic() + PATIENCE
        for tag in range(MESSAGES):
            while not wire.room:
                self._go_on(wire, server, wanted=self._chance.randrange(1, 6))
                assert time.monotonic() < deadline
            wire.offer(tag, letter(tag))
            self._waiting.add(tag)
            if self._chance.random() < 0.3:
                self._go_on(wire, server, wanted=1)
        while self._waiting or self._ready or self._dotted:
            self._go_on(wire, server, wanted=0)
            assert time.monotonic() < deadline

    def _go_on(self, wire: Wire, server: FakeRelay, *, wanted: int) -> None:
        for tag in self._some(self._waiting | self._ready, 0.01):
            wire.drop(tag)
            self._waiting.discard(tag)
            self._ready.discard(tag)
            self.dropped.add(tag)
        for tag in self._some(self._ready, 0.7):
            wire.dot(tag)
            self._ready.remove(tag)
            self._dotted.add(tag)
        if self._chance.random() < 0.01:
            server.hang_up()
        try:
            events = wire.wait(0.01, wanted=wanted)
        except RelayError:
            return  # there is no connection at this moment
        for event in events:
            self._take(event)
        assert self._ready.isdisjoint(self.ends), "a message was ready and at its end at once"

    def _some(self, tags: set[int], probability: float) -> list[int]:
        return [tag for tag in sorted(tags) if self._chance.random() < probability]

    def _take(self, event: Event) -> None:
        tag = event.tag
        if isinstance(event, Ready):
            self._waiting.remove(tag)
            self._ready.add(tag)
            return
        if isinstance(event, Answered):
            self._dotted.remove(tag)
        elif tag in self._ready and isinstance(event, Returned):
            self._ready.remove(tag)
        else:
            self._waiting.remove(tag)
        assert tag not in self.ends
        self.ends[tag] = event
