"""One conversation: whatever the server answers or leaves unsaid, each message comes to its one true end."""

import threading

import pytest

from digestmail.deliveries.events import Answered, Refused, Returned
from digestmail.deliveries.outcome import Reply
from digestmail.errors import RelayError
from digestmail.messages.message import Message
from tests.deliveries.carry import (
    PATIENCE,
    always,
    begin,
    carry,
    carry_one,
    codes,
    letter,
    letters,
    narrow,
    once,
    until_event,
    until_heard,
    until_ready,
    wired,
)
from tests.relay import DROP, SILENT, running

pytestmark = pytest.mark.filterwarnings("error")

both_ways = pytest.mark.parametrize("pipelining", [True, False])


class Time:
    """A clock to be set."""

    at = 100.0

    def __call__(self) -> float:
        return self.at


@both_ways
@pytest.mark.parametrize("answer_to_data", ["503 5.5.1 RCPT first", "554 5.5.1 no valid recipients", "354 go on"])
def test_a_refused_recipient_fails_that_message_alone(pipelining: bool, answer_to_data: str) -> None:
    def behave(command: str, recipient: str) -> str | None:
        replies = {"RCPT": "550 5.1.1 no such user", "DATA": answer_to_data}
        return replies.get(command) if recipient in ("r0@example.org", "r2@example.org") else None

    with running(behave, pipelining=pipelining) as server, wired(server) as wire:
        ends = carry(wire, letters(4))
        assert server.connections == 1
    refusal = Reply(550, "5.1.1 no such user")
    assert (ends[0], ends[2]) == ([Refused(0, refusal)], [Refused(2, refusal)])
    assert codes(ends) == [550, 250, 550, 250]
    assert [mail.recipient for mail in server.caught] == ["r1@example.org", "r3@example.org"]
    assert server.violations == []


@both_ways
@pytest.mark.parametrize(("command", "kind"), [("DATA", Refused), ("DOT", Answered)])
def test_a_refused_message_is_one_of_many(pipelining: bool, command: str, kind: type[Refused | Answered]) -> None:
    with running(once(command, "554 5.7.1 spam"), pipelining=pipelining) as server, wired(server) as wire:
        ends = carry(wire, letters(3))
        assert server.connections == 1
    assert ends[0] == [kind(0, Reply(554, "5.7.1 spam"))]
    assert codes(ends) == [554, 250, 250]
    assert server.violations == []


@both_ways
def test_a_refusal_stands_though_the_server_hangs_up_after_it(pipelining: bool) -> None:
    replies = {"RCPT": "550 5.1.1 no such user", "RSET": DROP}
    with running(always(**replies), pipelining=pipelining) as server, wired(server) as wire:
        assert codes(carry(wire, letters(3))) == [550, 550, 550]


@both_ways
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_what_breaks_off_before_the_dot_comes_back_and_arrives_once(pipelining: bool, command: str) -> None:
    with running(once(command, DROP), pipelining=pipelining) as server, wired(server) as wire:
        ends = carry(wire, letters(3))
    assert ends[0] == [Returned(0), Answered(0, Reply(250, "2.0.0 queued"))]
    assert sorted(mail.recipient for mail in server.caught) == [f"r{number}@example.org" for number in range(3)]
    assert server.violations == []


@both_ways
def test_a_body_that_waits_for_its_dot_comes_back_when_the_server_hangs_up(pipelining: bool) -> None:
    with running(pipelining=pipelining) as server, wired(server) as wire:
        until_ready(wire, 7, letter(0))
        server.hang_up()
        assert until_event(wire) == [Returned(7)]
    assert server.caught == []


def test_of_a_reply_lost_after_the_dot_nobody_knows_and_the_next_message_comes_back() -> None:
    with running(once("DOT", DROP), pipelining=True) as server, wired(server) as wire:
        ends = carry(wire, letters(2), again=False)
    assert ends == [[Answered(0, None)], [Returned(1)]]
    assert server.rounds == [True]
    assert [mail.recipient for mail in server.caught] == ["r0@example.org"]


@both_ways
@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_closes_gives_the_message_back_with_its_words(pipelining: bool, command: str) -> None:
    with running(always(**{command: "421 4.3.2 closing"}), pipelining=pipelining) as server, wired(server) as wire:
        assert carry_one(wire, letter(0)) == Returned(0, Reply(421, "4.3.2 closing"))
        assert wire.room == 0
    assert server.caught == []


@both_ways
def test_a_sender_that_is_deferred_is_no_fault_of_the_message(pipelining: bool) -> None:
    with running(always(MAIL="451 4.7.1 slow down"), pipelining=pipelining) as server, wired(server) as wire:
        assert carry_one(wire, letter(0)) == Returned(0, Reply(451, "4.7.1 slow down"))


@both_ways
def test_a_server_that_refuses_the_sender_is_an_error_once_the_message_is_back(pipelining: bool) -> None:
    with running(always(MAIL="550 5.7.1 not you"), pipelining=pipelining) as server, wired(server) as wire:
        assert isinstance(carry_one(wire, letter(0)), Returned)
        with pytest.raises(RelayError, match=r"refuses mail from b@news\.test: 550 5\.7\.1 not you"):
            until_event(wire)


@both_ways
@pytest.mark.parametrize(
    ("command", "reply"),
    [("MAIL", "251 hm"), ("MAIL", "354 hm"), ("RCPT", "354 hm"), ("RCPT", "200 hm"), ("DATA", "250 hm")],
)
def test_an_answer_out_of_place_is_never_taken_for_an_acceptance(pipelining: bool, command: str, reply: str) -> None:
    with running(always(**{command: reply}), pipelining=pipelining) as server, wired(server) as wire:
        end = carry_one(wire, letter(0))
        assert isinstance(end, Refused | Returned)
        assert end.reply is None or end.reply.code >= 400  # or its outcome would be: sent
    assert server.caught == []


GARBAGE = ["hello", "25 fine", "150 fine", "600 fine", " ", "\udcff\udcfe", "250 " + "x" * 300_000]


@both_ways
@pytest.mark.parametrize("reply", GARBAGE, ids=lambda reply: ascii(reply)[:10])
def test_what_is_no_reply_ends_the_connection(pipelining: bool, reply: str) -> None:
    with running(once("RCPT", reply), pipelining=pipelining) as server, wired(server) as wire:
        assert [type(end) for end in carry(wire, letters(1))[0]] == [Returned, Answered]
        assert server.connections == 2
    with running(once("DOT", reply), pipelining=pipelining) as server, wired(server) as wire:
        assert carry_one(wire, letter(0)) == Answered(0, None)


@both_ways
def test_a_reply_of_many_lines_is_one_reply(pipelining: bool) -> None:
    replies = {
        "MAIL": "250-2.1.0 go\r\n250 2.1.0 on",
        "RCPT": "250-\r\n250",
        "DATA": "354-write\r\n354-and\r\n354 end",
        "DOT": "250-2.0.0 queued\r\n250-as\r\n250 5",
    }
    with running(always(**replies), pipelining=pipelining) as server, wired(server) as wire:
        assert carry_one(wire, letter(0)) == Answered(0, Reply(250, "2.0.0 queued as 5"))
        assert server.violations == []
    refusal = "550-5.1.1 No such\r\n550-5.1.1 user\r\n550 5.1.1 here"
    with running(always(RCPT=refusal), pipelining=pipelining) as server, wired(server) as wire:
        end = carry_one(wire, letter(0))
        assert isinstance(end, Refused)
        assert (end.reply.code, end.reply.enhanced) == (550, "5.1.1")


@both_ways
def test_replies_may_come_octet_by_octet(pipelining: bool) -> None:
    behave = always(DOT="250-2.0.0 queued\r\n250 as 5")
    with running(behave, pipelining=pipelining, crumbs=True) as server, wired(server) as wire:
        assert carry(wire, letters(3)) == [[Answered(tag, Reply(250, "2.0.0 queued as 5"))] for tag in range(3)]
        assert server.connections == 1
    assert server.violations == []


@both_ways
@pytest.mark.parametrize(("command", "seconds"), [("MAIL", 300), ("RCPT", 300), ("DATA", 120)])
def test_a_silent_server_gives_the_message_back_in_the_end(pipelining: bool, command: str, seconds: int) -> None:
    now = Time()
    with running(always(**{command: SILENT}), pipelining=pipelining) as server, wired(server, now=now) as wire:
        begin(wire, 0)
        until_heard(wire, server, command)
        now.at += seconds - 1
        assert wire.wait(0.1) == []
        now.at += 2
        assert until_event(wire) == [Returned(0)]


def test_of_a_server_that_is_silent_after_the_dot_nobody_knows() -> None:
    now = Time()
    with running(always(DOT=SILENT)) as server, wired(server, now=now) as wire:
        until_ready(wire, 0, letter(0))
        now.at += 10_000  # before its dot a message waits for us and not for the server
        assert wire.wait(0.1) == []
        wire.dot(0)
        assert wire.wait(0.1) == []
        now.at += 599
        assert wire.wait(0.1) == []
        now.at += 2
        assert until_event(wire) == [Answered(0, None)]


@both_ways
def test_a_server_that_reads_no_more_of_a_body_is_left_in_the_end(pipelining: bool) -> None:
    now = Time()
    large = letter(0, b"x" * 998 + b"\r\n" + (b"x" * 998 + b"\r\n") * 5_000)
    offers = {"pipelining": pipelining, "size": 0, "slow_reader": 1}
    with running(**offers) as server, wired(server, now=now, greet=narrow) as wire:
        begin(wire, 0, large)
        until_heard(wire, server, "DATA")
        now.at += 179
        assert wire.wait(0.1) == []
        now.at += 1000  # some of it may have gone out only now
        assert until_event(wire) == [Returned(0)]


@both_ways
def test_a_message_that_is_taken_back_never_arrives_and_comes_up_no_more(pipelining: bool) -> None:
    with running(pipelining=pipelining) as server, wired(server) as wire:
        until_ready(wire, 1)
        wire.drop(1)
        begin(wire, 2)
        wire.drop(2)
        begin(wire, 3)
        until_heard(wire, server, "MAIL")
        wire.drop(3)
        assert codes(carry(wire, [letter(4)])) == [250]
    assert [mail.recipient for mail in server.caught] == ["r4@example.org"]


def test_the_message_before_one_that_is_taken_back_keeps_its_answer() -> None:
    answer, asked = threading.Event(), threading.Event()

    def behave(command: str, recipient: str) -> None:
        if command == "DOT" and recipient == "r0@example.org":
            asked.set()
            answer.wait(PATIENCE)

    with running(behave, pipelining=True) as server, wired(server) as wire:
        until_ready(wire, 0)
        wire.dot(0)
        wire.offer(1, letter(1))
        while not asked.is_set():
            assert wire.wait(0.02) == []
        wire.drop(1)
        answer.set()
        assert until_event(wire) == [Answered(0, Reply(250, "2.0.0 queued"))]
        assert codes(carry(wire, [letter(2)])) == [250]
    assert [mail.recipient for mail in server.caught] == ["r0@example.org", "r2@example.org"]


@pytest.mark.parametrize("offered", [letter(0), letter(0, recipient="nobody at all")], ids=["fit", "unfit"])
def test_a_message_that_is_taken_back_at_once_comes_up_no_more(offered: Message) -> None:
    with running(pipelining=True) as server, wired(server) as wire:
        until_ready(wire, 1)
        wire.dot(1)
        assert isinstance(until_event(wire)[0], Answered)
        wire.offer(0, offered)
        wire.drop(0)
        assert codes(carry(wire, [letter(2)])) == [250]
    assert [mail.recipient for mail in server.caught] == ["r1@example.org", "r2@example.org"]


@both_ways
def test_a_connection_that_the_server_closes_while_it_is_idle_is_replaced(pipelining: bool) -> None:
    with running(pipelining=pipelining) as server, wired(server) as wire:
        assert codes(carry(wire, letters(1))) == [250]
        server.hang_up()
        ends = carry(wire, [letter(1)])
        assert codes(ends) == [250]
        assert server.connections == 2
    assert [mail.recipient for mail in server.caught] == ["r0@example.org", "r1@example.org"]
