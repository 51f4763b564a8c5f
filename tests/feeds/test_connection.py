import ipaddress

import h11
import pytest

from digestmail.feeds.connection import Deadline, Line, Lines, Peer
from tests.feeds.wire import Wire, plain, saying, talking

LOOPBACK = ipaddress.ip_address("127.0.0.1")


def test_a_deadline_that_has_passed_is_an_error() -> None:
    assert 0 < Deadline(5).left() <= 5
    with pytest.raises(TimeoutError):
        Deadline(0).left()


def test_a_deadline_can_be_extended() -> None:
    deadline = Deadline(0)
    deadline.extend(5)
    assert 4 < deadline.left() <= 5


def test_a_bounded_call_gives_its_result_or_its_exception() -> None:
    assert Deadline(5).bound(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        Deadline(5).bound(lambda: 1 / 0)


def test_nothing_is_connected_after_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        Line(Peer("http", "example.org", 9, False), [LOOPBACK], Deadline(0))


def test_it_connects_to_its_addresses_whatever_the_host_is_called() -> None:
    with talking(saying(plain(b"here"))) as wire:
        line = line_to(wire, host="example.org")
        assert ask(line) == b"here"
        line.close()
    with pytest.raises(OSError, match="refused"):
        Line(Peer("http", "example.org", wire.port, False), [LOOPBACK], Deadline(5))


def test_interim_answers_are_passed_over() -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    with talking(saying(interim + plain(b"at last"))) as wire:
        line = line_to(wire)
        assert ask(line) == b"at last"
        line.close()


def test_a_line_is_kept_for_its_peer_while_somebody_wants_it() -> None:
    with talking(saying(plain(b"1"), plain(b"2"))) as wire:
        lines, line = Lines(), line_to(wire)
        with lines.kept():
            ask(line)
            lines.give(line)
            assert lines.take(line.peer._replace(host="other.example")) is None
            assert lines.take(line.peer._replace(loopback=True)) is None
            assert lines.take(line.peer) is line
            assert lines.take(line.peer) is None
            assert ask(line) == b"2"
            lines.give(line)
        assert lines.take(line.peer) is None
        assert wire.calls == 1


def test_without_anybody_who_wants_it_kept_a_line_ends() -> None:
    with talking(saying(plain(b"1"), plain(b"2"))) as wire:
        lines, line = Lines(), line_to(wire)
        ask(line)
        lines.give(line)
        assert lines.take(line.peer) is None
        with pytest.raises(OSError, match="file descriptor"):
            ask(line)


def test_a_line_on_which_more_came_than_was_asked_for_is_not_kept() -> None:
    for answer in (plain(b"1") + plain(b"unasked"), plain(b"1", "Connection: close")):
        with talking(saying(answer, b"")) as wire, (lines := Lines()).kept():
            line = line_to(wire)
            ask(line)
            lines.give(line)
            assert lines.take(line.peer) is None


def test_a_line_whose_answer_was_not_read_to_its_end_is_not_kept() -> None:
    with talking(saying(plain(b"1"), plain(b"2"))) as wire, (lines := Lines()).kept():
        line = line_to(wire)
        line.ask(QUESTION, Deadline(5))
        lines.give(line)
        assert lines.take(line.peer) is None


def test_of_too_many_kept_lines_the_oldest_ends() -> None:
    with talking(saying(plain(b"1"), b"")) as wire, (lines := Lines()).kept():
        peers = []
        for number in range(40):
            line = line_to(wire, host=f"host{number}.example")
            ask(line)
            lines.give(line)
            peers.append(line.peer)
        left = [line for line in map(lines.take, peers) if line is not None]
        assert [line.peer for line in left] == peers[8:]
        for line in left:
            line.close()


QUESTION = h11.Request(method=b"GET", target=b"/", headers=[(b"Host", b"example.org")])


def line_to(wire: Wire, *, host: str = "example.org") -> Line:
    return Line(Peer("http", host, wire.port, False), [LOOPBACK], Deadline(5))


def ask(line: Line) -> bytes:
    line.ask(QUESTION, Deadline(5))
    return b"".join(line.body())
