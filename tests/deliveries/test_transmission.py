"""What goes over the wire: a message as it was written, and nothing that the server does not take."""

import random

import pytest

from digestmail.deliveries.events import Refused
from digestmail.messages.message import Message
from tests.deliveries.carry import carry, carry_one, codes, letter, letters, narrow, once, wired
from tests.relay import running

pytestmark = pytest.mark.filterwarnings("error")

both_ways = pytest.mark.parametrize("pipelining", [True, False])


@both_ways
def test_dots_arrive_as_they_were_written(pipelining: bool) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)

    def text() -> bytes:
        return b"".join(b"".join(chance.choices([b".", b"x", b" "], k=chance.randrange(5))) + b"\r\n" for _ in range(9))

    written = [letter(number, text()) for number in range(100)]
    with running(pipelining=pipelining) as server, wired(server) as wire:
        carry(wire, written)
    assert [mail.data for mail in server.caught] == [message.data for message in written]
    assert server.violations == []


@both_ways
@pytest.mark.parametrize("bad", ["\r\nRSET\r\n", "\n", "\r", "\0", " ", ">", "é", "x" * 241])
@pytest.mark.parametrize("field", ["sender", "recipient"])
def test_an_address_that_would_break_a_command_never_reaches_the_server(pipelining: bool, field: str, bad: str) -> None:
    messages = [letter(0), letter(1, **{field: f"a{bad}b@example.org"}), letter(2)]
    with running(pipelining=pipelining) as server, wired(server) as wire:
        ends = carry(wire, messages)
        assert codes(ends) == [250, 553, 250]
        assert isinstance(ends[1][0], Refused)
        assert server.connections == 1
    assert [mail.recipient for mail in server.caught] == ["r0@example.org", "r2@example.org"]
    assert sum(line.startswith("MAIL") for line in server.heard) == 2
    assert server.violations == []


@both_ways
def test_a_message_larger_than_the_server_takes_is_refused_unsent(pipelining: bool) -> None:
    messages = [letter(0, b"x" * 98 + b"\r\n"), letter(1, b"x" * 99 + b"\r\n")]
    with running(pipelining=pipelining, size=100) as server, wired(server) as wire:
        ends = carry(wire, messages)
    assert codes(ends) == [250, 552]
    assert isinstance(ends[1][0], Refused)
    assert [line for line in server.heard if line.startswith("MAIL")] == ["MAIL FROM:<b@news.test> SIZE=100"]


@both_ways
@pytest.mark.parametrize(("size", "said"), [(None, ""), (0, " SIZE=10"), (5000, " SIZE=10")])
def test_the_size_is_said_where_the_server_asks_for_it(pipelining: bool, size: int | None, said: str) -> None:
    with running(pipelining=pipelining, size=size) as server, wired(server) as wire:
        assert codes(carry(wire, [letter(0, b"x" * 8 + b"\r\n", sender="")])) == [250]
    assert f"MAIL FROM:<>{said}" in server.heard
    assert server.violations == []


@both_ways
def test_a_message_too_large_for_the_server_at_this_moment_is_refused_alone(pipelining: bool) -> None:
    with running(once("MAIL", "552 5.3.4 too large"), pipelining=pipelining) as server, wired(server) as wire:
        assert codes(carry(wire, letters(2))) == [552, 250]
        assert server.connections == 1
    assert server.violations == []


@both_ways
def test_eight_bits_are_sent_only_where_they_are_taken(pipelining: bool) -> None:
    data = "Subject: é\r\n\r\nüber\r\n".encode()
    message = Message("<1@news.test>", "b@news.test", "r0@example.org", data)
    with running(pipelining=pipelining, eightbit=True) as server, wired(server) as wire:
        assert codes(carry(wire, [message])) == [250]
    assert server.caught[0].data == data
    assert server.violations == []
    with running(pipelining=pipelining) as server, wired(server) as wire:
        end = carry_one(wire, message)
        assert isinstance(end, Refused)
        assert end.reply.code == 554
    assert server.caught == []
    assert server.violations == []


@both_ways
def test_a_large_message_arrives_whole_at_a_server_that_reads_slowly(pipelining: bool) -> None:
    large = letter(0, b"\r\n".join(b"%09d" % number + b"." * (number % 60) for number in range(50_000)) + b"\r\n")
    offers = {"pipelining": pipelining, "size": 0, "slow_reader": 20_000_000}
    with running(**offers) as server, wired(server, greet=narrow) as wire:
        assert codes(carry(wire, [large, letter(1)])) == [250, 250]
    assert server.caught[0].data == large.data
    assert server.violations == []
