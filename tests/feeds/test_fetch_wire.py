"""What servers do on the wire, octet by octet."""

import ipaddress
import socket
import ssl
import time
from datetime import timedelta

import pytest

from digestmail.errors import FeedError
from digestmail.feeds.fetch import Fetcher
from tests import certificates
from tests.feeds.server import Page, Server, serving
from tests.feeds.wire import Wire, plain, saying, talking

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
HASTY = Fetcher(allowed_networks=[LOOPBACK], contact_url="https://digest.example/", timeout=0.5)
UNCHANGED = b"HTTP/1.1 304 Not Modified\r\n\r\n"


def test_feeds_of_a_host_share_a_connection_while_connections_are_kept(fetcher: Fetcher) -> None:
    answers = [plain(b"one"), UNCHANGED, plain(b"three"), plain(b"four")]
    with talking(saying(*answers)) as wire:
        with fetcher.keeping_connections():
            assert fetcher.get(wire.url("/1")).body == b"one"
            assert fetcher.get(wire.url("/2"), etag="x").status == 304
            assert fetcher.get(wire.url("/3")).body == b"three"
            assert wire.calls == 1
        assert fetcher.get(wire.url("/1")).body == fetcher.get(wire.url("/1")).body == b"one"
        assert wire.calls == 3


def test_a_question_that_meets_a_hang_up_is_asked_again_on_a_fresh_connection(fetcher: Fetcher) -> None:
    def answer_once_and_hear_once_more(wire: Wire, client: socket.socket) -> None:
        wire.hear(client)
        client.sendall(plain(b"<rss/>"))
        wire.hear(client)

    with talking(answer_once_and_hear_once_more) as wire, fetcher.keeping_connections():
        for calls in (1, 2, 3):
            assert fetcher.get(wire.url()).body == b"<rss/>"
            assert wire.calls == calls


def test_a_fresh_connection_that_ends_without_an_answer_is_a_failure(fetcher: Fetcher) -> None:
    with talking(lambda wire, client: None) as wire:
        with fetcher.keeping_connections(), pytest.raises(FeedError, match="could not be reached"):
            fetcher.get(wire.url())
        assert wire.calls == 1


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<rss"])
def test_an_answer_that_breaks_off_is_a_failure_and_not_asked_for_again(fetcher: Fetcher, beginning: bytes) -> None:
    with talking(saying(plain(b"<rss/>"), beginning)) as wire, fetcher.keeping_connections():
        fetcher.get(wire.url())
        with pytest.raises(FeedError, match="not proper HTTP"):
            fetcher.get(wire.url())
        assert wire.calls == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\n<rss/>",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<rss/>",
        b"HTTP/1.1 200\r\n\r\n<rss/>",
        b"HTTP/1.1 200 OK\nContent-Length: 6\n\n<rss/>",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\n<rss\r\n2\r\n/>\r\n0\r\nX-Sum: 7\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + plain(b"<rss/>"),
    ],
)
def test_a_body_is_read_however_it_is_delimited(fetcher: Fetcher, answer: bytes) -> None:
    with talking(saying(answer)) as wire:
        assert fetcher.get(wire.url()).body == b"<rss/>"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"<rss/>", "not proper HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Long: 0123456789\r\n" * 12_000 + b"\r\n", "not proper HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "not proper HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "not proper HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "not proper HTTP"),
        (b"\r\n\r\n", "not proper HTTP"),
    ],
)
def test_what_is_no_http_is_refused(fetcher: Fetcher, answer: bytes, words: str) -> None:
    with talking(saying(answer)) as wire, pytest.raises(FeedError, match=words):
        fetcher.get(wire.url())


@pytest.mark.parametrize(
    "octets", [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: "]
)
@pytest.mark.parametrize("then", [b"", b"x", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_nobody_holds_us_up_for_longer_than_the_time_allows(octets: bytes, then: bytes) -> None:
    def go_on_for_ever(wire: Wire, client: socket.socket) -> None:
        wire.hear(client)
        client.sendall(octets)
        while True:
            client.sendall(then)
            time.sleep(0.02)

    with talking(go_on_for_ever) as wire, pytest.raises(FeedError, match=r"longer than 0\.5 seconds|not proper HTTP"):
        HASTY.get(wire.url())


def test_a_host_that_asks_for_rest_is_told_of(fetcher: Fetcher) -> None:
    for status in ("429 Too Many Requests", "503 Service Unavailable"):
        with talking(saying(plain(b"", "Retry-After: 7200", status=status))) as wire:
            with pytest.raises(FeedError, match=status[:3]) as caught:
                fetcher.get(wire.url())
            assert caught.value.retry_after == timedelta(hours=2)


def test_link_headers_are_handed_on_as_they_came(fetcher: Fetcher) -> None:
    links = ('<https://hub.example/>; rel="hub"', "<https://feeds.example/a>; rel=self, </next>; rel=next")
    headers = [f"{name}: {link}" for name, link in zip(("Link", "LINK"), links, strict=True)]
    with talking(saying(plain(b"<rss/>", *headers))) as wire:
        assert fetcher.get(wire.url()).links == links
    with talking(saying(UNCHANGED)) as wire:
        assert fetcher.get(wire.url(), etag="x").links == ()


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("next", "/a/next"),
        ("../up", "/up"),
        ("?page=1", "/a/b?page=1"),
        ("//127.0.0.1:{port}/c", "/c"),
        ("/with space/é", "/with%20space/%C3%A9"),
        ("  http://127.0.0.1:{port}/c d#part ", "/c%20d"),
    ],
)
def test_a_location_may_be_written_in_many_ways(server: Server, fetcher: Fetcher, location: str, path: str) -> None:
    server.redirect("/a/b", location.format(port=server.port).encode().decode("latin-1"), status=301)
    server.pages[path] = Page(b"<rss/>")
    fetched = fetcher.get(server.url("/a/b"))
    assert fetched.body == b"<rss/>"
    assert fetched.url == fetched.permanent_url == server.url(path)


def test_a_circle_of_redirects_is_named(server: Server, fetcher: Fetcher) -> None:
    server.redirect("/a", "/b")
    server.redirect("/b", "/a")
    with pytest.raises(FeedError, match=r"127\.0\.0\.1 redirects in a circle"):
        fetcher.get(server.url("/a"))
    assert len(server.requests) == 2


def test_only_a_redirect_redirects(server: Server, fetcher: Fetcher) -> None:
    server.pages["/"] = Page(b"<rss/>", headers={"Refresh": "0; url=/next", "Location": "/next"})
    assert fetcher.get(server.url("/")).body == b"<rss/>"
    server.pages["/"] = Page(status=301)
    with pytest.raises(FeedError, match="301"):
        fetcher.get(server.url("/"))


def test_a_move_out_of_https_is_followed_and_not_remembered(server: Server) -> None:
    context = ssl.create_default_context()
    certificates.authority().configure_trust(context)
    fetcher = Fetcher(allowed_networks=[LOOPBACK], contact_url="https://digest.example/", ssl_context=context)
    server.pages["/plain"] = Page(b"<rss/>")
    with serving(tls=certificates.server_context()) as safe:
        safe.redirect("/moved", "/feed", status=301)
        safe.pages["/feed"] = Page(b"<rss/>")
        safe.redirect("/less", server.url("/plain"), status=301)
        server.redirect("/more", safe.url("/feed"), status=301)
        assert fetcher.get(safe.url("/moved")).permanent_url == safe.url("/feed")
        assert fetcher.get(server.url("/more")).permanent_url == safe.url("/feed")
        less = fetcher.get(safe.url("/less"))
        assert (less.body, less.url, less.permanent_url) == (b"<rss/>", server.url("/plain"), None)


def test_a_connection_over_tls_is_kept_too() -> None:
    context = ssl.create_default_context()
    certificates.authority().configure_trust(context)
    fetcher = Fetcher(allowed_networks=[LOOPBACK], contact_url="https://digest.example/", ssl_context=context)
    body = b"<rss>" + bytes(300_000)
    server_side = certificates.server_context()

    def over_tls(wire: Wire, client: socket.socket) -> None:
        with server_side.wrap_socket(client, server_side=True) as safe:
            saying(plain(body), plain(b"<rss/>"))(wire, safe)

    with talking(over_tls) as wire, fetcher.keeping_connections():
        url = wire.url().replace("http:", "https:")
        assert fetcher.get(url).body == body
        assert fetcher.get(url).body == b"<rss/>"
        assert wire.calls == 1
