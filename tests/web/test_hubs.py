"""A small real hub calls on us over real HTTP: what we asked for is confirmed, and signed news ring the bell."""

import hmac
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from digestmail.desk.service import Service
from digestmail.feeds.hub_offer import HubOffer
from digestmail.feeds.hubs import note_hub
from digestmail.store.models import Feed, Hub
from digestmail.store.states import FeedState
from digestmail.tokens import Purpose
from digestmail.web.hubs import MAX_CONTENT
from tests.feeds.server import Server, serving
from tests.services import free_port, wait_until
from tests.web.conftest import Web, listening

TOPIC = "https://harbour.example/feed?a=1&b=ü"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(slots=True)
class LittleHub:
    """A hub that verifies before it has answered, while it is `eager`."""

    server: Server
    eager: bool = True
    asked: dict[str, str] = field(default_factory=dict)
    """The last request that it got."""

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request to be told."""
        self.asked = dict(parse_qsl(self.server.bodies[-1].decode(), strict_parsing=True))
        if self.eager:
            self.verify()
        request.send_response(202)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def verify(self, method: str = "GET", **changes: str) -> httpx2.Response:
        """Ask whether it was they who asked; `changes` are other parameters after `hub.`, left out where empty."""
        parameters = {
            "mode": self.asked["hub.mode"],
            "topic": self.asked["hub.topic"],
            "challenge": "challenge-1/+=",
            "lease_seconds": "864000",
        }
        query = {f"hub.{name}": value for name, value in (parameters | changes).items() if value}
        return httpx2.request(method, self.asked["hub.callback"], params=query)

    def tell(self, content: bytes | Iterable[bytes], signature: str | None = "") -> httpx2.Response:
        """Send news; with a right signature, or this one, or None."""
        if signature == "":
            signature = self.sign(content if isinstance(content, bytes) else b"".join(content))
        headers = {"X-Hub-Signature": signature.encode()} if signature else {}
        return httpx2.post(self.asked["hub.callback"], content=content, headers=headers)

    def sign(self, content: bytes, method: str = "sha256") -> str:
        return f"{method}={hmac.digest(self.asked['hub.secret'].encode(), content, method).hex()}"


@dataclass(slots=True)
class World:
    """An installation with one feed, and the hub that it names."""

    web: Web
    hub: LittleHub
    feed_id: int

    def collect(self) -> None:
        """What a worker does every minute."""
        Service(self.web.site.settings).collect(lambda: self.web.now)

    def expect_ring(self) -> None:
        """The collect bell rings, once, right after the answer."""
        wait_until(lambda: self.web.collect_rings, what="the bell")
        assert self.web.collect_rings == [self.web.now]

    def row(self) -> Hub:
        with self.web.database.reading() as session:
            row = session.get_one(Hub, self.feed_id)
            session.expunge(row)
            return row

    def feed(self) -> Feed:
        with self.web.database.reading() as session:
            feed = session.get_one(Feed, self.feed_id)
            session.expunge(feed)
            return feed

    def change(self, **values: object) -> None:
        """Change the feed."""
        with self.web.database.transaction() as session:
            feed = session.get_one(Feed, self.feed_id)
            for name, value in values.items():
                setattr(feed, name, value)


@pytest.fixture
def world(make_web: Callable[..., Web]) -> Iterator[World]:
    """All of it, listening on real ports; nobody has asked yet."""
    port = free_port()
    web = make_web(BASE_URL=f"http://127.0.0.1:{port}", WEBSUB="on", FEED_ALLOWED_NETWORKS="127.0.0.0/8")
    with serving() as server, listening(web, port):
        hub = LittleHub(server)
        server.pages["/hub"] = hub.take
        with web.database.transaction() as session:
            feed = Feed(url="https://harbour.example/feed", next_poll_at=web.now + 1000 * DAY)
            session.add(feed)
            session.flush()
            note_hub(session, feed, HubOffer(server.url("/hub"), TOPIC), now=web.now)
            feed_id = feed.id or 0
        yield World(web, hub, feed_id)


@pytest.fixture
def leased(world: World) -> World:
    """The same, with a hub that has confirmed."""
    world.collect()
    assert world.row().leased_until_at == world.web.now + 10 * DAY
    return world


def test_a_hub_that_verifies_before_it_answers_is_leased(world: World) -> None:
    world.collect()
    row = world.row()
    assert (row.leased_until_at, row.asks, row.last_error) == (world.web.now + 10 * DAY, 0, None)


def test_a_hub_that_verifies_later_is_leased_then(world: World) -> None:
    world.hub.eager = False
    world.collect()
    assert world.row().leased_until_at is None
    world.web.later(minutes=20)
    answer = world.hub.verify(lease_seconds="86400")
    assert (answer.status_code, answer.text) == (200, "challenge-1/+=")
    assert world.row().leased_until_at == world.web.now + DAY


def test_the_answer_is_plain_text_that_no_browser_takes_for_a_page(leased: World) -> None:
    answer = leased.hub.verify(challenge="<script>alert(1)</script>")
    assert answer.text == "<script>alert(1)</script>"
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_lease_is_renewed_as_time_passes(leased: World) -> None:
    for _ in range(30):
        leased.web.later(days=1)
        leased.collect()
        until = leased.row().leased_until_at
        assert until is not None
        assert until > leased.web.now
    assert len(leased.hub.server.bodies) == 1 + 30 // 9


def test_a_hub_that_is_away_at_the_renewal_is_asked_again(leased: World) -> None:
    page = leased.hub.server.pages.pop("/hub")
    leased.web.later(days=9)
    leased.collect()
    assert leased.row().last_error == "The hub 127.0.0.1 answered 404."
    leased.hub.server.pages["/hub"] = page
    leased.web.later(hours=1)
    leased.collect()
    assert leased.row().leased_until_at == leased.web.now + 10 * DAY
    assert leased.row().last_error is None


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": TOPIC + "&c"},
        {"topic": ""},
        {"mode": "unsubscribe"},
        {"mode": "publish"},
        {"mode": ""},
        {"challenge": ""},
        {"challenge": "x" * 501},
        {"challenge": "two\r\nlines"},
        {"challenge": "\0"},
        {"challenge": "ü"},
    ],
    ids=str,
)
def test_what_we_did_not_ask_for_is_not_echoed(world: World, changes: dict[str, str]) -> None:
    world.hub.eager = False
    world.collect()
    before = world.web.rows()
    answer = world.hub.verify(**changes)
    assert answer.status_code in (404, 422)
    assert not changes.get("challenge") or changes["challenge"] not in answer.text
    assert world.web.rows() == before


def test_an_old_verification_played_again_changes_nothing(leased: World) -> None:
    before = leased.web.rows()
    leased.web.later(hours=3)
    assert leased.hub.verify().status_code == 200, "the first answer may have been lost"
    leased.web.later(days=2)
    assert leased.hub.verify().status_code == 404
    assert leased.web.rows() == before


def test_a_hub_that_changes_cannot_be_spoken_for_by_the_old_one(leased: World) -> None:
    old = dict(leased.hub.asked)
    with leased.web.database.transaction() as session:
        feed = session.get_one(Feed, leased.feed_id)
        note_hub(session, feed, HubOffer(leased.hub.server.url("/new"), TOPIC), now=leased.web.now)
    assert leased.hub.verify().status_code == 404, "the new one was not asked yet"
    assert leased.hub.tell(b"news").status_code == 202
    assert leased.web.collect_rings == []
    leased.hub.server.pages["/new"] = leased.hub.take
    leased.collect()
    assert leased.hub.asked["hub.callback"] == old["hub.callback"]
    assert leased.hub.asked["hub.secret"] != old["hub.secret"]
    assert leased.hub.tell(b"news").status_code == 202
    leased.expect_ring()


def test_a_hub_that_refuses_is_noted(world: World) -> None:
    world.hub.eager = False
    world.collect()
    assert world.hub.verify(mode="denied", challenge="", reason="no <b>room</b>").status_code == 200
    assert world.row().last_error == "The hub 127.0.0.1 refused: no <b>room</b>."


def test_a_hub_may_forget_what_we_do_not_want(leased: World) -> None:
    answer = leased.hub.verify(mode="unsubscribe", topic="https://harbour.example/old")
    assert (answer.status_code, answer.text) == (200, "challenge-1/+=")
    assert leased.hub.verify(mode="unsubscribe").status_code == 404
    with leased.web.database.transaction() as session:
        session.delete(session.get_one(Feed, leased.feed_id))
    assert leased.hub.verify(mode="unsubscribe").text == "challenge-1/+="
    assert leased.hub.verify().status_code == 404


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_change_nothing(world: World, method: str) -> None:
    world.hub.eager = False
    world.collect()
    before = world.web.rows()
    assert world.hub.verify(method).status_code == 405
    assert world.web.rows() == before


def test_another_token_is_not_known(leased: World) -> None:
    callback, right = leased.hub.asked["hub.callback"].rsplit("/", 1)
    other = leased.web.tokens.make(Purpose.UNSUBSCRIBE, leased.feed_id)
    for token in (other, right[:-1], right[:-1] + ("A" if right[-1] != "A" else "B")):
        leased.hub.asked["hub.callback"] = f"{callback}/{token}"
        assert leased.hub.verify().status_code == 404
        assert leased.hub.tell(b"news").status_code == 404
    assert leased.web.collect_rings == []


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_signed_news_make_the_feed_due_and_ring_the_bell(leased: World, method: str) -> None:
    leased.web.later(hours=2)
    assert leased.hub.tell(b"<rss/>", leased.hub.sign(b"<rss/>", method)).status_code == 202
    assert leased.feed().next_poll_at == leased.web.now
    leased.expect_ring()
    assert leased.web.rings == []


def test_a_flood_of_news_rings_once(leased: World) -> None:
    for _ in range(5):
        assert leased.hub.tell(b"news").status_code == 202
    leased.expect_ring()


def test_news_right_after_a_poll_wait_for_a_minute(leased: World) -> None:
    leased.change(last_success_at=leased.web.now - timedelta(seconds=10))
    assert leased.hub.tell(b"news").status_code == 202
    assert leased.feed().next_poll_at == leased.web.now + timedelta(seconds=50)
    assert leased.web.collect_rings == []


@pytest.mark.parametrize("change", [{"failures": 1}, {"state": FeedState.PAUSED}, {"state": FeedState.GONE}], ids=str)
def test_a_feed_that_rests_is_not_disturbed(leased: World, change: dict[str, object]) -> None:
    leased.change(**change)
    before = leased.web.rows()
    assert leased.hub.tell(b"news").status_code == 202
    assert leased.web.rows() == before
    assert leased.web.collect_rings == []


@pytest.mark.parametrize(
    "signature",
    [None, "sha256", "sha256=", "sha256=é", "md5=00", "sha256=" + "0" * 64, "=" * 5000],
)
def test_without_the_hubs_signature_nothing_happens_and_the_answer_is_the_same(
    leased: World, signature: str | None
) -> None:
    before = leased.web.rows()
    answer = leased.hub.tell(b"news", signature)
    assert (answer.status_code, answer.content) == (202, b"")
    assert leased.hub.tell(b"other news", leased.hub.sign(b"news")).status_code == 202
    assert leased.web.rows() == before
    assert leased.web.collect_rings == []


def test_a_whole_feed_may_be_sent_in_parts(leased: World) -> None:
    parts = [b"x" * 100_000] * (MAX_CONTENT // 100_000)
    assert leased.hub.tell(parts).status_code == 202
    leased.expect_ring()


@pytest.mark.parametrize("whole", [True, False])
def test_more_than_a_feed_is_refused(leased: World, whole: bool) -> None:
    parts = [b"x" * 100_000] * (MAX_CONTENT // 100_000) + [b"x"]
    before = leased.web.rows()
    assert leased.hub.tell(b"".join(parts) if whole else parts).status_code == 413
    assert leased.web.rows() == before


def test_a_hub_that_hangs_up_half_way_is_no_fault_of_ours(
    leased: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    callback = urlsplit(leased.hub.asked["hub.callback"])
    head = f"POST {callback.path} HTTP/1.1\r\nHost: x\r\nX-Hub-Signature: sha1=0\r\nContent-Length: 100\r\n\r\nhalf"
    with socket.create_connection((callback.hostname, callback.port)) as connection:
        connection.sendall(head.encode())
    assert leased.hub.tell(b"news").status_code == 202, "the next call finds us well"
    leased.expect_ring()
    assert "Traceback" not in caplog.text + capfd.readouterr().err


def test_a_hub_that_we_did_not_ask_is_told_so(leased: World) -> None:
    with leased.web.database.transaction() as session:
        session.delete(session.get_one(Hub, leased.feed_id))
    assert leased.hub.tell(b"news").status_code == 410


def test_switched_off_nobody_is_asked_and_nobody_heard(make_web: Callable[..., Web]) -> None:
    web = make_web(BASE_URL="https://digest.example.org", WEBSUB="off", FEED_ALLOWED_NETWORKS="127.0.0.0/8")
    with serving() as server:
        with web.database.transaction() as session:
            feed = Feed(url="https://harbour.example/feed", next_poll_at=web.now + DAY)
            session.add(feed)
            session.flush()
            note_hub(session, feed, HubOffer(server.url("/hub"), TOPIC), now=web.now)
        Service(web.site.settings).collect(lambda: web.now)
        assert server.requests == []
    assert web.client.post(f"/hub/{web.tokens.make(Purpose.HUB, 1)}", content=b"news").status_code == 404
