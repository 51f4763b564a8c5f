"""Carries messages over a wire as a sender does, but without a ledger, and tells how each ended."""

import socket
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from digestmail.deliveries.events import Answered, Ready, Refused, Returned
from digestmail.deliveries.greeting import Greeted, greet
from digestmail.deliveries.wire import Wire
from digestmail.messages.message import Message
from digestmail.settings import Relay
from tests.relay import Behave, FakeRelay

End = Refused | Returned | Answered

PATIENCE = 30


def letter(number: int, data: bytes | None = None, *, sender: str = "b@news.test", recipient: str = "") -> Message:
    """A message to r{number}@example.org."""
    identity = f"<{number}@news.test>"
    usual = f"Message-ID: {identity}\r\n\r\nStory {number}\r\n.a line that begins with a dot\r\n..\r\n"
    return Message(
        message_id=identity,
        sender=sender,
        recipient=recipient or f"r{number}@example.org",
        data=usual.encode() if data is None else data,
    )


def letters(count: int) -> list[Message]:
    """Messages to r0@example.org, r1@example.org and so on."""
    return [letter(number) for number in range(count)]


def once(command: str, reply: str, *, of: str = "r0@example.org") -> Behave:
    """Answer a command so the first time that it concerns this recipient."""
    left = [reply]
    return lambda asked, recipient: left.pop() if left and asked == command and recipient in ("", of) else None


def always(**replies: str) -> Behave:
    """Answer these commands so."""
    return lambda command, _: replies.get(command)


def narrow(relay: Relay) -> Greeted:
    """A connection that takes little at once."""
    greeted = greet(relay)
    greeted.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return greeted


@contextmanager
def wired(server: FakeRelay | Relay, *, connections: int = 1, **options: Any) -> Iterator[Wire]:
    """A wire to a server, of one connection unless told otherwise."""
    wire = Wire(server.relay if isinstance(server, FakeRelay) else server, connections=connections, **options)
    try:
        yield wire
    finally:
        wire.close()


def carry(wire: Wire, messages: Sequence[Message], *, again: bool = True) -> list[list[End]]:
    """Each message's ends, as tags they have their numbers; what is returned is offered `again`, or ends so."""
    waiting = deque(range(len(messages)))
    ends: dict[int, list[End]] = defaultdict(list)
    left = len(messages)
    deadline = time.monotonic() + PATIENCE
    while left:
        while waiting and wire.room:
            tag = waiting.popleft()
            wire.offer(tag, messages[tag])
        for event in wire.wait(0.5, wanted=len(waiting)):
            if isinstance(event, Ready):
                wire.dot(event.tag)
                continue
            ends[event.tag].append(event)
            if isinstance(event, Returned) and again:
                waiting.append(event.tag)
            else:
                left -= 1
        if time.monotonic() > deadline:
            pytest.fail(f"{left} of {len(messages)} messages came to no end in {PATIENCE} s: {dict(ends)}")
    return [ends[tag] for tag in range(len(messages))]


def carry_one(wire: Wire, message: Message) -> End:
    """How a single message ended."""
    [[end]] = carry(wire, [message], again=False)
    return end


def begin(wire: Wire, tag: int, message: Message | None = None) -> None:
    """Offer a message, when there is room for it."""
    deadline = time.monotonic() + PATIENCE
    while not wire.room:
        wire.wait(0.1, wanted=1)
        assert time.monotonic() < deadline, "there was no room"
    wire.offer(tag, message or letter(tag))


def until_ready(wire: Wire, tag: int, message: Message | None = None) -> None:
    """Bring a message to where it waits for its dot."""
    begin(wire, tag, message)
    assert until_event(wire) == [Ready(tag)]


def until_heard(wire: Wire, server: FakeRelay, command: str) -> None:
    """Let the conversation go on until the server has heard a command."""
    deadline = time.monotonic() + PATIENCE
    while not any(line.startswith(command) for line in server.heard):
        assert wire.wait(0.02) == []
        assert time.monotonic() < deadline, f"no {command} was heard"


def until_event(wire: Wire) -> list[Any]:
    """The next events."""
    deadline = time.monotonic() + PATIENCE
    while not (events := wire.wait(0.1)):
        assert time.monotonic() < deadline, "nothing happened"
    return events


def codes(ends: list[list[End]]) -> list[int | None]:
    """The code of each message's last end, None where there was no reply."""
    return [each[-1].reply.code if each[-1].reply else None for each in ends]
