"""Many messages over many kept connections: everybody gets one, whatever the server allows."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from digestmail.deliveries.events import Answered, Returned
from digestmail.deliveries.greeting import Greeted, greet
from digestmail.deliveries.outcome import Reply
from digestmail.errors import RelayError
from digestmail.settings import Relay
from tests.certificates import server_context, trust_authority
from tests.deliveries.carry import (
    PATIENCE,
    begin,
    carry,
    codes,
    letter,
    letters,
    narrow,
    once,
    until_heard,
    until_ready,
    wired,
)
from tests.relay import FakeRelay, running
from tests.services import free_port, wait_until

pytestmark = pytest.mark.filterwarnings("error")

both_ways = pytest.mark.parametrize("pipelining", [True, False])


def everybody_got_one(server: FakeRelay, count: int) -> bool:
    return Counter(mail.recipient for mail in server.caught) == Counter(f"r{n}@example.org" for n in range(count))


@both_ways
@pytest.mark.parametrize("connections", [1, 8])
def test_everybody_gets_one_byte_for_byte(pipelining: bool, connections: int) -> None:
    messages = letters(100)
    with running(pipelining=pipelining) as server, wired(server, connections=connections) as wire:
        assert codes(carry(wire, messages)) == [250] * 100
        assert codes(carry(wire, messages)) == [250] * 100
        assert server.greetings <= connections
    written = Counter((message.sender, message.recipient, message.data) for message in messages * 2)
    assert Counter((mail.sender, mail.recipient, mail.data) for mail in server.caught) == written
    assert server.violations == []


def test_a_dot_travels_with_the_next_envelope() -> None:
    with running(pipelining=True, latency=0.01) as server, wired(server) as wire:
        carry(wire, letters(10))
    assert server.rounds == [True] * 9 + [False]
    assert server.violations == []


def test_without_pipelining_nothing_is_said_before_the_answer() -> None:
    with running(latency=0.005) as server, wired(server, connections=4) as wire:
        assert codes(carry(wire, letters(20))) == [250] * 20
    assert server.rounds == [False] * 20
    assert server.violations == []


def test_a_slow_connection_holds_no_other_up() -> None:
    others = threading.Event()

    def behave(command: str, recipient: str) -> None:
        if command == "DOT" and recipient == "r0@example.org":
            assert others.wait(PATIENCE)
        elif len(server.caught) >= 40:
            others.set()

    with running(behave, pipelining=True) as server, wired(server, connections=4) as wire:
        assert codes(carry(wire, letters(50))) == [250] * 50
    assert everybody_got_one(server, 50)


@both_ways
def test_a_server_that_closes_after_some_messages_gets_them_all(pipelining: bool) -> None:
    offers = {"pipelining": pipelining, "messages_per_connection": 10}
    with running(**offers) as server, wired(server, connections=2) as wire:
        ends = carry(wire, letters(100))
    assert codes(ends) == [250] * 100
    enough = Reply(421, "4.7.0 enough for now")
    assert {end for each in ends for end in each[:-1]} <= {Returned(tag, enough) for tag in range(100)}
    assert everybody_got_one(server, 100)
    assert server.violations == []


@both_ways
def test_a_connection_is_left_after_as_many_messages_as_the_settings_say(pipelining: bool) -> None:
    offers = {"pipelining": pipelining, "messages_per_connection": 10}
    with running(**offers) as server, wired(server, connections=2, messages_per_connection=10) as wire:
        ends = carry(wire, letters(100))
        assert all(isinstance(each[0], Answered) for each in ends), "the server was asked for one more"
    assert server.heard.count("QUIT") >= 10
    assert everybody_got_one(server, 100)


@both_ways
def test_a_server_that_takes_few_connections_gets_all_the_mail(pipelining: bool) -> None:
    offers = {"pipelining": pipelining, "most_connections": 3}
    with running(**offers) as server, wired(server, connections=20) as wire:
        assert codes(carry(wire, letters(200))) == [250] * 200
        assert server.greetings <= 3
        assert server.connections < 40, "it knocked again and again"
    assert everybody_got_one(server, 200)


def test_a_refused_message_harms_no_other() -> None:
    def behave(command: str, recipient: str) -> str | None:
        number = int(recipient[1:].partition("@")[0]) if recipient else 0
        replies = {3: ("RCPT", "550 5.1.1 who?"), 5: ("DATA", "451 4.3.0 later"), 7: ("DOT", "554 5.7.1 spam")}
        asked, reply = replies.get(number % 10, ("", ""))
        return reply if command == asked else None

    with running(behave, pipelining=True) as server, wired(server, connections=4) as wire:
        ends = carry(wire, letters(100))
    expected = {3: 550, 5: 451, 7: 554}
    assert codes(ends) == [expected.get(number % 10, 250) for number in range(100)]
    assert len(server.caught) == 70
    assert server.violations == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_everything_goes_encrypted_too(security: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trust_authority(monkeypatch, tmp_path)
    offers = {security: server_context(), "auth": {"ann": "word"}, "pipelining": True, "size": 0, "slow_reader": 2e7}
    large = letter(0, b"".join(b"%09d\r\n" % number for number in range(100_000)))
    with running(**offers) as server:
        relay = Relay("127.0.0.1", server.relay.port, security, "ann", "word")
        with wired(relay, greet=narrow, connections=2) as wire:
            assert codes(carry(wire, [large, *letters(51)[1:]])) == [250] * 51
    assert next(mail.data for mail in server.caught if mail.recipient == "r0@example.org") == large.data
    assert everybody_got_one(server, 51)
    assert any(server.rounds)
    assert server.violations == []


def test_a_server_that_is_not_there_is_an_error() -> None:
    with wired(Relay("127.0.0.1", free_port(), "plain")) as wire, pytest.raises(RelayError, match="cannot be reached"):
        carry(wire, letters(1))


def test_after_an_error_it_may_be_tried_again() -> None:
    with running(once("CONNECT", "421 4.3.2 too busy")) as server, wired(server) as wire:
        with pytest.raises(RelayError):
            carry(wire, letters(1))
        assert codes(carry(wire, letters(3))) == [250] * 3


def test_a_greeting_that_fails_in_an_unforeseen_way_is_an_error_too() -> None:
    def fail(_: Relay) -> Greeted:
        raise ZeroDivisionError

    with wired(Relay("127.0.0.1", 9, "plain"), greet=fail) as wire, pytest.raises(RelayError):
        carry(wire, letters(1))


class Opened:
    """Greets as usual and keeps the sockets in view."""

    def __init__(self) -> None:
        self.greeted: list[Greeted] = []

    def __call__(self, relay: Relay) -> Greeted:
        greeted = greet(relay)
        self.greeted.append(greeted)
        return greeted

    def all_closed(self) -> bool:
        return all(each.sock.fileno() == -1 for each in self.greeted)


@both_ways
def test_it_parts_politely_from_idle_connections_and_leaves_none_open(pipelining: bool) -> None:
    opened = Opened()
    with running(pipelining=pipelining) as server, wired(server, connections=4, greet=opened) as wire:
        carry(wire, letters(20))
        wait_until(lambda: wire.wait(0.05, wanted=4) == [] and wire.room == 4, what="all connections")
        wire.close()
        assert server.heard.count("QUIT") == len(opened.greeted) == 4
        assert opened.all_closed()
        wait_until(lambda: not server.open_connections, what="the ends of all conversations")


def test_it_closes_also_what_is_under_way_and_nothing_of_that_arrives() -> None:
    opened = Opened()
    with running(pipelining=True) as server, wired(server, connections=3, greet=opened) as wire:
        until_ready(wire, 0)
        begin(wire, 1)
        until_heard(wire, server, "MAIL")
        begin(wire, 2)
    assert opened.all_closed()
    assert server.caught == []


@pytest.mark.parametrize("late", [True, False])
def test_a_connection_that_nobody_used_yet_is_closed_too(late: bool) -> None:
    opened, welcome = Opened(), threading.Event()

    def greeting(relay: Relay) -> Greeted:
        assert welcome.wait(PATIENCE)
        return opened(relay)

    with running() as server, wired(server, connections=3, greet=greeting) as wire:
        wire.wait(0, wanted=3)
        if not late:
            welcome.set()
            wait_until(lambda: len(opened.greeted) == 3, what="three connections")
        wire.close()
        welcome.set()
        wait_until(lambda: len(opened.greeted) == 3 and opened.all_closed(), what="all sockets to be closed")
