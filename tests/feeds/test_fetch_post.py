"""Posting a form is as careful as fetching a feed."""

import threading
from http.server import BaseHTTPRequestHandler

import pytest

from digestmail.errors import FeedError
from digestmail.feeds.fetch import Fetcher
from tests.feeds.server import Page, Server
from tests.feeds.test_fetch import LOOPBACK, stranger


def test_it_posts_a_form_and_says_who_asks(server: Server, fetcher: Fetcher) -> None:
    server.pages["/hub?x=1"] = Page(b"fine", status=202)
    assert (
        fetcher.post(server.url("/hub?x=1"), {"hub.mode": "subscribe", "hub.topic": "https://a.example/ü?b&c"}) == 202
    )
    assert server.bodies == [b"hub.mode=subscribe&hub.topic=https%3A%2F%2Fa.example%2F%C3%BC%3Fb%26c"]
    [(_, headers)] = server.requests
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["User-Agent"].endswith("(+https://digest.example/)")
    assert headers["Host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("status", [200, 204, 302, 400, 404, 500])
def test_every_status_is_an_answer(server: Server, fetcher: Fetcher, status: int) -> None:
    server.redirect("/hub", "/elsewhere", status=status)
    assert fetcher.post(server.url("/hub"), {}) == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_that_keeps_the_form_is_followed(server: Server, fetcher: Fetcher, status: int) -> None:
    server.redirect("/a", "/b", status=status)
    server.redirect("/b", server.url("/c"), status=status)
    server.pages["/c"] = Page(status=202)
    assert fetcher.post(server.url("/a"), {"x": "y"}) == 202
    assert server.bodies == [b"x=y"] * 3


def test_it_follows_five_redirects_and_no_more(server: Server, fetcher: Fetcher) -> None:
    server.redirect("/", "/", status=307)
    with pytest.raises(FeedError, match="more than 5 times"):
        fetcher.post(server.url("/"), {})
    assert len(server.requests) == 6


@pytest.mark.parametrize("target", ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]:9/", "file:///"])
def test_a_redirect_into_the_own_network_is_refused(server: Server, fetcher: Fetcher, target: str) -> None:
    server.redirect("/", target, status=308)
    with pytest.raises(FeedError, match=r"not a (public|web) address"):
        fetcher.post(server.url("/"), {})


def test_an_address_that_is_not_public_is_refused(server: Server) -> None:
    with pytest.raises(FeedError, match="not a public address"):
        stranger().post(server.url("/"), {})
    assert server.requests == []


def test_a_server_that_drips_runs_out_of_time(server: Server) -> None:
    fetcher = Fetcher(allowed_networks=[LOOPBACK], contact_url="https://digest.example/", timeout=0.3)
    stopped = threading.Event()

    def drip(request: BaseHTTPRequestHandler) -> None:
        while not stopped.wait(0.02):
            request.wfile.write(b"x")

    server.pages["/"] = drip
    try:
        with pytest.raises(FeedError, match=r"took longer than 0\.3 seconds"):
            fetcher.post(server.url("/"), {})
    finally:
        stopped.set()


def test_an_endless_answer_is_not_read(server: Server, fetcher: Fetcher) -> None:
    def pour(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.1 202 Accepted\r\n\r\n")
        while True:  # until the client hangs up
            request.wfile.write(bytes(100_000))

    server.pages["/"] = pour
    assert fetcher.post(server.url("/"), {}) == 202
