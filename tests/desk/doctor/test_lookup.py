"""Names are looked up at a real name server: each question once, and silence is told from what is not there."""

import socketserver
import threading
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from digestmail.desk.doctor.lookup import Resolver, Unanswered, addresses_of, mail_hosts

RECORDS = {
    ("example.org.", "TXT"): '"v=spf1 include:" "a.test -all"',
    ("example.org.", "MX"): "10 mail.example.org.",
    ("null.example.org.", "MX"): "0 .",
    ("mail.example.org.", "A"): "192.0.2.1",
    ("mail.example.org.", "AAAA"): "2001:db8::1",
}


class NameServer(socketserver.UDPServer):
    """Answers from `RECORDS`, and notes what it was asked; names that begin with `broken` fail."""

    asked: list[tuple[str, str]]


class Answering(socketserver.BaseRequestHandler):
    server: NameServer

    def handle(self) -> None:
        data, sock = self.request
        query = dns.message.from_wire(data)
        [question] = query.question
        key = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        self.server.asked.append(key)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if key[0].startswith("broken"):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif key in RECORDS:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", key[1], RECORDS[key]))
        elif not any(name == key[0] for name, _ in RECORDS):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        sock.sendto(answer.to_wire(), self.client_address)


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer(("127.0.0.1", 0), Answering) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def lookup(server: NameServer) -> Resolver:
    def servers() -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
        resolver.port = server.server_address[1]
        return resolver

    return Resolver(servers=servers)


def test_records_come_as_text(lookup: Resolver) -> None:
    assert lookup("example.org", "TXT") == ["v=spf1 include:a.test -all"]
    assert lookup("example.org", "MX") == ["10 mail.example.org"]
    assert mail_hosts(lookup, "example.org") == ["mail.example.org"]
    assert mail_hosts(lookup, "null.example.org") == ["."]
    assert [str(address) for address in addresses_of(lookup, "mail.example.org")] == ["192.0.2.1", "2001:db8::1"]
    assert [str(address) for address in addresses_of(lookup, "192.0.2.9")] == ["192.0.2.9"]


def test_a_name_or_a_kind_that_is_not_there_has_no_records(lookup: Resolver) -> None:
    assert lookup("nobody.example.net", "TXT") == ()
    assert lookup("mail.example.org", "TXT") == ()


def test_a_server_that_fails_has_not_answered(lookup: Resolver) -> None:
    with pytest.raises(Unanswered, match=r"TXT of broken\.example\.org"):
        lookup("broken.example.org", "TXT")


def test_each_question_is_asked_once(server: NameServer, lookup: Resolver) -> None:
    for name in ("example.org", "Example.ORG", "example.org"):
        lookup(name, "TXT")
    assert server.asked == [("example.org.", "TXT")]


def test_questions_stop_when_the_time_for_all_of_them_is_over() -> None:
    times = iter([0.0, 11.0])
    with pytest.raises(Unanswered, match="no time left"):
        Resolver(seconds=10, now=lambda: next(times))("example.org", "TXT")


@pytest.mark.parametrize("name", ["a..example.org", f"{'x' * 64}.example.org", f"{'x.' * 130}org"])
def test_a_name_that_cannot_exist_has_no_records(name: str) -> None:
    assert Resolver()(name, "TXT") == ()
