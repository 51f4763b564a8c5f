import gzip
import ipaddress
import ssl
import subprocess
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from digestmail.errors import FeedError
from digestmail.feeds.addresses import Address
from digestmail.feeds.body import LARGE
from digestmail.feeds.fetch import Fetcher, read_url
from digestmail.feeds.permit import Permit
from tests.feeds.server import Page, Server, serving
from tests.services import lacking

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


def stranger(**names: str) -> Fetcher:
    """A fetcher that may ask public servers only, and finds `names` where the test puts them."""

    def resolve(host: str, port: int) -> Sequence[Address]:
        return [ipaddress.ip_address(names.get(host.partition(".")[0], host))]

    return Fetcher(contact_url="https://digest.example/", resolve=resolve)


def test_it_fetches_a_feed_and_says_who_asks(server: Server, fetcher: Fetcher) -> None:
    server.pages["/feed?x=%20y"] = Page(
        b"<rss/>", headers={"Content-Type": "application/rss+xml", "Cache-Control": "public, max-age=7200"}
    )
    fetched = fetcher.get(server.url("/feed?x=%20y#part"))
    assert (fetched.status, fetched.body, fetched.content_type) == (200, b"<rss/>", "application/rss+xml")
    assert (fetched.url, fetched.permanent_url) == (server.url("/feed?x=%20y"), None)
    assert fetched.max_age is not None
    assert fetched.max_age.total_seconds() == 7200
    [(_, headers)] = server.requests
    assert headers["User-Agent"].startswith("digestmail/")
    assert headers["User-Agent"].endswith("(+https://digest.example/)")
    assert headers["Host"] == f"127.0.0.1:{server.port}"
    assert "If-None-Match" not in headers


def test_it_sends_the_validators_back_as_they_came(server: Server, fetcher: Fetcher) -> None:
    server.pages["/"] = Page(b"x", headers={"ETag": 'W/"é 1"', "Last-Modified": "yesterday, about noon"})
    first = fetcher.get(server.url("/"))
    server.pages["/"] = Page(status=304)
    second = fetcher.get(server.url("/"), etag=first.etag, last_modified=first.last_modified)
    assert (second.status, second.body) == (304, b"")
    assert server.requests[1][1]["If-None-Match"] == first.etag == 'W/"é 1"'
    assert server.requests[1][1]["If-Modified-Since"] == first.last_modified == "yesterday, about noon"


def test_not_modified_is_no_answer_to_a_first_question(server: Server, fetcher: Fetcher) -> None:
    server.pages["/"] = Page(status=304)
    with pytest.raises(FeedError, match="304"):
        fetcher.get(server.url("/"))


def test_gone_is_permanent(server: Server, fetcher: Fetcher) -> None:
    server.pages["/"] = Page(status=410)
    with pytest.raises(FeedError, match="gone for good") as caught:
        fetcher.get(server.url("/"))
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("status", "words"), [(404, "404 .Not Found"), (503, "503 .Service Un"), (799, "799"), (300, "300")]
)
def test_other_failures_are_named_and_may_pass(server: Server, fetcher: Fetcher, status: int, words: str) -> None:
    server.pages["/"] = Page(status=status)
    with pytest.raises(FeedError, match=words) as caught:
        fetcher.get(server.url("/"))
    assert not caught.value.permanent


def test_a_permanent_chain_gives_the_new_address(server: Server, fetcher: Fetcher) -> None:
    server.redirect("/a", "/b", status=301)
    server.redirect("/b", server.url("/c"), status=308)
    server.pages["/c"] = Page(b"here")
    fetched = fetcher.get(server.url("/a"))
    assert fetched.body == b"here"
    assert fetched.permanent_url == fetched.url == server.url("/c")


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_temporary_step_gives_no_new_address(server: Server, fetcher: Fetcher, status: int) -> None:
    server.redirect("/a", "/b", status=301)
    server.redirect("/b", "/c", status=status)
    server.pages["/c"] = Page(b"here")
    fetched = fetcher.get(server.url("/a"))
    assert (fetched.url, fetched.permanent_url) == (server.url("/c"), None)


def test_it_follows_five_redirects_and_no_more(server: Server, fetcher: Fetcher) -> None:
    for step in range(6):
        server.redirect(f"/{step}", f"/{step + 1}")
    server.pages["/6"] = Page(b"end")
    assert fetcher.get(server.url("/1")).body == b"end"
    with pytest.raises(FeedError, match="more than 5 times"):
        fetcher.get(server.url("/0"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "10.0.0.1",
    ],
)
def test_it_refuses_addresses_that_are_not_public(host: str) -> None:
    fetcher = Fetcher(contact_url="https://digest.example/")
    with pytest.raises(FeedError, match=r"not a public address.*DIGESTMAIL_FEED_ALLOWED_NETWORKS"):
        fetcher.get(f"http://{host}:9/feed")


@pytest.mark.parametrize("host", ["0177.0.0.1", "127.1", "0x7f.1"])
def test_odd_spellings_of_addresses_lead_nowhere(host: str) -> None:
    with pytest.raises(FeedError):
        Fetcher(contact_url="https://digest.example/").get(f"http://{host}:9/feed")


@pytest.mark.parametrize(
    "target", ["http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]:9/"]
)
def test_a_redirect_into_the_own_network_is_refused(server: Server, fetcher: Fetcher, target: str) -> None:
    server.redirect("/", target)
    with pytest.raises(FeedError, match="not a public address"):
        fetcher.get(server.url("/"))


def test_local_lets_the_feed_itself_pass_but_no_redirect(server: Server) -> None:
    fetcher = stranger()
    server.pages["/"] = Page(b"demo")
    server.redirect("/away", "/")
    assert fetcher.get(server.url("/"), local=True).body == b"demo"
    with pytest.raises(FeedError, match="not a public address"):
        fetcher.get(server.url("/away"), local=True)
    with pytest.raises(FeedError, match="not a public address"):
        fetcher.get("http://10.0.0.1/", local=True)


def test_it_asks_for_a_name_once_and_connects_to_that_address(server: Server) -> None:
    server.pages["/"] = Page(b"pinned")
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [ipaddress.ip_address("127.0.0.1")]

    fetcher = Fetcher(allowed_networks=[LOOPBACK], contact_url="https://digest.example/", resolve=resolve)
    assert fetcher.get(server.url("/", host="Feeds.example")).body == b"pinned"
    assert asked == ["feeds.example"]
    assert server.requests[0][1]["Host"] == f"feeds.example:{server.port}"


def test_it_tries_the_next_address_where_one_does_not_answer(server: Server) -> None:
    server.pages["/"] = Page(b"second")
    addresses = [ipaddress.ip_address("127.0.0.2"), ipaddress.ip_address("127.0.0.1")]
    fetcher = Fetcher(
        allowed_networks=[LOOPBACK], contact_url="https://digest.example/", resolve=lambda host, port: addresses
    )
    assert fetcher.get(server.url("/", host="feeds.example")).body == b"second"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://example.org/feed", "not a web address"),
        ("file:///etc/passwd", "not a web address"),
        ("example.org/feed", "not a web address"),
        ("http://", "not a web address"),
        ("http://user:secret@example.org/", "user name"),
        ("http://example.org:70000/", "no port 70000"),
        ("http://exa mple.org/", "not a web address"),
        ("http://[::1/", "not a web address"),
        ("", "not a web address"),
    ],
)
def test_it_says_what_is_wrong_with_an_address(url: str, words: str) -> None:
    with pytest.raises(FeedError, match=words) as caught:
        read_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://user:secret@example.org/", "//", "gopher://x/"])
def test_a_redirect_to_something_else_is_refused(server: Server, fetcher: Fetcher, target: str) -> None:
    server.redirect("/", target)
    with pytest.raises(FeedError):
        fetcher.get(server.url("/"))


def test_a_bomb_is_refused(server: Server) -> None:
    fetcher = Fetcher(allowed_networks=[LOOPBACK], contact_url="https://digest.example/", max_bytes=100_000)
    server.pages["/"] = Page(gzip.compress(bytes(5_000_000), mtime=0), headers={"Content-Encoding": "gzip"})
    with pytest.raises(FeedError, match=r"127\.0\.0\.1 sent more than 0\.1 MB"):
        fetcher.get(server.url("/"))


@pytest.mark.parametrize("part", ["head", "body"])
def test_a_server_that_drips_runs_out_of_time(server: Server, part: str) -> None:
    fetcher = Fetcher(allowed_networks=[LOOPBACK], contact_url="https://digest.example/", timeout=0.3)
    stopped = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        if part == "body":
            request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not stopped.wait(0.02):
            request.wfile.write(b"x")

    server.pages["/"] = drip
    try:
        with pytest.raises(FeedError, match=r"took longer than 0\.3 seconds"):
            fetcher.get(server.url("/"))
    finally:
        stopped.set()


def test_a_large_body_needs_a_permit_and_a_small_one_none(server: Server, fetcher: Fetcher) -> None:
    server.pages["/small"], server.pages["/large"] = Page(bytes(LARGE)), Page(bytes(LARGE + 1))
    permits = threading.Semaphore(1)
    permit = Permit(permits)
    fetcher.get(server.url("/small"), permit=permit)
    assert permits.acquire(blocking=False)
    permits.release()
    fetcher.get(server.url("/large"), permit=permit)
    assert not permits.acquire(blocking=False)
    permit.release()
    permit.release()
    assert permits.acquire(blocking=False)
    assert not permits.acquire(blocking=False)


def test_where_no_permit_is_to_be_had_it_says_so(
    server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digestmail.feeds.permit._PATIENCE", 0.01)
    server.pages["/large"] = Page(bytes(LARGE + 1))
    with pytest.raises(FeedError, match="while too many others were being read"):
        fetcher.get(server.url("/large"), permit=Permit(threading.Semaphore(0)))


def test_a_name_that_is_never_found_runs_out_of_time() -> None:
    stopped = threading.Event()

    def resolve(host: str, port: int) -> Sequence[Address]:
        stopped.wait(10)
        return []

    fetcher = Fetcher(contact_url="https://digest.example/", resolve=resolve, timeout=0.1)
    with pytest.raises(FeedError, match=r"slow\.example took longer"):
        fetcher.get("http://slow.example/")
    stopped.set()


def test_a_name_that_is_unknown_and_a_closed_port_are_named(server: Server, fetcher: Fetcher) -> None:
    def unknown(host: str, port: int) -> Sequence[Address]:
        raise OSError("no such name")

    with pytest.raises(FeedError, match=r"nowhere\.example could not be found"):
        Fetcher(contact_url="https://digest.example/", resolve=unknown).get("https://nowhere.example/")
    with pytest.raises(FeedError, match="could not be reached"):
        fetcher.get("http://127.0.0.1:9/")


def test_what_is_not_http_is_named(server: Server, fetcher: Fetcher) -> None:
    def greet(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"220 mail.example ESMTP\r\n")

    server.pages["/"] = greet
    with pytest.raises(FeedError, match="not proper HTTP"):
        fetcher.get(server.url("/"))


def test_the_environment_names_no_proxy(server: Server, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.pages["/"] = Page(b"direct")
    assert fetcher.get(server.url("/")).body == b"direct"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for feeds.example with its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "feeds.example.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=feeds.example", "-addext", "subjectAltName=DNS:feeds.example"]
    try:
        subprocess.run([*command, "-keyout", path, "-out", f"{path}.crt", *names], check=True, capture_output=True)
    except FileNotFoundError:
        lacking("openssl")
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_the_certificate_is_checked_against_the_name(certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    fetcher = Fetcher(
        allowed_networks=[LOOPBACK],
        contact_url="https://digest.example/",
        resolve=lambda host, port: [ipaddress.ip_address("127.0.0.1")],
        ssl_context=ssl.create_default_context(cafile=certificate),
    )
    with serving(tls=tls) as server:
        server.pages["/"] = Page(b"secret feed")
        assert fetcher.get(server.url("/", host="feeds.example")).body == b"secret feed"
        with pytest.raises(FeedError, match=r"certificate of other\.example cannot be trusted"):
            fetcher.get(server.url("/", host="other.example"))
