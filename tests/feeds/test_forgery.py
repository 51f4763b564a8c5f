"""Whoever writes a feed's address or a redirect: it never makes this server ask its own machine or network."""

import ipaddress
import socket
import sys
from collections.abc import Iterator, Sequence

import pytest

from digestmail.errors import FeedError
from digestmail.feeds.addresses import Address
from digestmail.feeds.fetch import Fetcher
from tests.feeds.server import Server
from tests.feeds.wire import Wire, plain, saying, talking

THIS_MACHINE = """
127.0.0.1 127.0.0.1. 127.0.0.2 127.1 127.0.1 127.255.255.254 127.000.000.001
2130706433 017700000001 0x7f000001 0x7F000001 00000000000017700000001 0x000000007f000001
0177.0.0.1 0177.0.0.01 0x7f.0.0.1 0x7f.1 0x7F.0x0.0x0.0x1 0177.1 127.0x1 127.0.01 0x7f.0.1 0177.0x0.1
0 0.0.0.0 0x0 00 0.0 0.0.0
localhost LOCALHOST localhost. LocalHost
[::1] [::] [0:0:0:0:0:0:0:1] [0000::0001] [::0001] [0:0::1] [::0.0.0.1]
[::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:7F00:0001] [0:0:0:0:0:ffff:127.0.0.1] [::ffff:0.0.0.0] [::ffff:0:127.0.0.1]
[::127.0.0.1] [::7f00:1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:7f00:1::1]
[2001:0:7f00:1::80ff:fffe] [::1%lo] [::1%25lo] [fe80::1%25lo]
１２７.0.0.1 127。0。0。1 127．0．0．1 127｡0｡0｡1 １２７．０．０．１ ①②⑦.⓪.⓪.① ⓵⓶⓻.0.0.1 𝟏𝟐𝟕.𝟎.𝟎.𝟏 𝟭𝟮𝟳.𝟬.𝟬.𝟭 ⑴27.0.0.1
ⓛⓞⓒⓐⓛⓗⓞⓢⓣ ｌｏｃａｌｈｏｓｔ 𝐥𝐨𝐜𝐚𝐥𝐡𝐨𝐬𝐭 ℓocalhost loc\u00adalhost local\u200bhost
%31%32%37.0.0.1 127%2e0%2e0%2e1 %6c%6f%63alhost localhos%74 127.0.0.1%00 127.0.0.1%23.example.org
example.org@127.0.0.1 example.org:80@127.0.0.1 example.org%40127.0.0.1 @127.0.0.1 :@127.0.0.1
127.0.0.1\\@example.org 127.0.0.1\t 127.0.\t0.1 127.0.0.1#@example.org 127.0.0.1?@example.org
"""
ELSEWHERE = """
10.0.0.1 10.255.255.255 167772161 0xa000001 012.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 192.168.1 3232235777
169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 [::ffff:169.254.169.254] [fd00:ec2::254]
100.64.0.1 100.127.255.255 100.100.100.200 255.255.255.255 4294967295 224.0.0.1 239.255.255.250 240.0.0.1
192.0.2.1 198.51.100.1 203.0.113.1 198.18.0.1 192.0.0.192 192.88.99.1 0.1.2.3
[fe80::1] [fec0::1] [fc00::1] [fd12:3456::1] [ff02::1] [2001:db8::1] [3fff::1] [100::1] [5f00::1]
[64:ff9b::10.0.0.1] [2002:a00:1::] [2002:c0a8:101::1] [2001:0:a00:1::1] [::10.0.0.1] [::ffff:10.0.0.1]
"""


ALL = [host for line in (THIS_MACHINE + ELSEWHERE).splitlines() if line for host in line.split(" ")]

STRANGER = Fetcher(contact_url="https://digest.example/", timeout=5)


def named(*answers: Sequence[str], allowed: str = "127.0.0.1") -> Fetcher:
    """A fetcher that finds these addresses for any name, others the second time, and may ask one of this machine's."""
    left = [[ipaddress.ip_address(text) for text in answer] for answer in answers]

    def resolve(host: str, port: int) -> Sequence[Address]:
        return left.pop(0)

    networks = [ipaddress.ip_network(allowed)]
    return Fetcher(contact_url="https://digest.example/", resolve=resolve, allowed_networks=networks)


@pytest.fixture
def listener() -> Iterator[Wire]:
    """What could be reached by mistake: one port at all addresses of this machine."""
    with talking(saying(plain(b"<rss/>")), host="::" if socket.has_dualstack_ipv6() else "0.0.0.0") as wire:
        yield wire


def test_the_listener_hears_whoever_may_call(listener: Wire) -> None:
    assert STRANGER.get(f"http://localhost:{listener.port}/", local=True).body == b"<rss/>"
    assert listener.calls == 1


@pytest.mark.parametrize("host", ALL)
def test_the_own_network_is_not_asked_however_it_is_spelled(listener: Wire, host: str) -> None:
    with pytest.raises(FeedError):
        STRANGER.get(f"http://{host}:{listener.port}/")
    assert listener.calls == 0


@pytest.mark.parametrize("host", ALL)
def test_no_redirect_leads_into_the_own_network(listener: Wire, server: Server, host: str) -> None:
    server.redirect("/", f"http://{host}:{listener.port}/".encode().decode("latin-1"))
    with pytest.raises(FeedError):
        STRANGER.get(server.url("/"), local=True)
    assert len(server.requests) == 1
    assert listener.calls == 0


@pytest.mark.parametrize(
    "location", ["//127.0.0.1:{}/", "HTTP://127.0.0.1:{}/", " http:127.0.0.1:{}", "\\\\127.0.0.1:{}/"]
)
def test_no_redirect_without_a_scheme_or_with_an_odd_one_does(listener: Wire, server: Server, location: str) -> None:
    server.redirect("/", location.format(listener.port))
    with pytest.raises(FeedError):
        STRANGER.get(server.url("/"), local=True)
    assert listener.calls == 0


@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher", "dict", "ldap", "jar:http", "unix", "ws", "data", ""])
def test_only_http_and_https_are_asked(listener: Wire, server: Server, scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{listener.port}/"
    with pytest.raises(FeedError):
        STRANGER.get(url, local=True)
    if scheme:  # else it is a path on the same server
        server.redirect("/", url)
        with pytest.raises(FeedError):
            STRANGER.get(server.url("/"), local=True)
    assert listener.calls == 0


@pytest.mark.parametrize("host", ["127.0.0.1.nip.example", "localhost.localdomain", socket.gethostname()])
def test_a_name_that_stands_for_this_machine_is_refused(listener: Wire, host: str) -> None:
    for address in ("127.0.0.1", "127.0.1.1", "::1", "::ffff:127.0.0.1"):
        with pytest.raises(FeedError, match="not a public address"):
            named([address], allowed="192.0.2.0/24").get(f"http://{host}:{listener.port}/")
    assert listener.calls == 0


def test_a_name_that_stands_for_another_machine_the_next_time_is_judged_again() -> None:
    with talking(saying(plain(b"<rss/>"))) as wire:
        fetcher = named(["127.0.0.1"], ["127.0.0.2"])
        assert fetcher.get(wire.url(host="turncoat.example")).body == b"<rss/>"
        with pytest.raises(FeedError, match="not a public address"):
            fetcher.get(wire.url(host="turncoat.example"))
        assert wire.calls == 1


@pytest.mark.skipif(sys.platform == "darwin", reason="only Linux has all of 127.0.0.0/8")
@pytest.mark.parametrize("addresses", [("127.0.0.1", "127.0.0.2"), ("127.0.0.2", "127.0.0.1", "10.0.0.1")])
def test_of_several_addresses_only_those_are_asked_that_may_be(addresses: Sequence[str]) -> None:
    with (
        talking(saying(plain(b"<rss/>"))) as good,
        talking(saying(plain(b"no")), host="127.0.0.2", port=good.port) as bad,
    ):
        assert named(addresses).get(good.url(host="twins.example")).body == b"<rss/>"
    with talking(saying(), host="127.0.0.2", port=good.port) as other:  # where the good one is away
        with pytest.raises(FeedError, match="could not be reached"):
            named(addresses).get(other.url(host="twins.example"))
        assert other.calls == bad.calls == 0


def test_a_kept_connection_of_a_local_feed_serves_no_other() -> None:
    with talking(saying(plain(b"<rss/>"), plain(b"no"))) as wire, STRANGER.keeping_connections():
        assert STRANGER.get(wire.url(), local=True).body == b"<rss/>"
        with pytest.raises(FeedError, match="not a public address"):
            STRANGER.get(wire.url())
        assert len(wire.heard) == 1
