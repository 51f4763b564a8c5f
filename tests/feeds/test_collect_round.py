"""A round over many feeds: who goes before whom, who waits, and what is left when it stops."""

import ipaddress
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import col, select, update

from digestmail.clock import standing_still
from digestmail.errors import FeedError
from digestmail.feeds.claims import CLAIM
from digestmail.feeds.collect import FETCHES_AT_ONCE, CollectReport, collect_due
from digestmail.feeds.document import ParsedFeed
from digestmail.feeds.fetch import Fetched, Fetcher
from digestmail.feeds.manage import add_feed, add_topic
from digestmail.feeds.parse import parse_feed
from digestmail.feeds.permit import LARGE_AT_ONCE
from digestmail.feeds.politeness import AT_ONCE_OF_A_HOST, Turns
from digestmail.store.database import Database
from digestmail.store.models import Feed
from tests.feeds.documents import item, rss
from tests.feeds.server import Page, Server

HOUR = timedelta(hours=1)


class Everywhere(Fetcher):
    """Finds every name on this machine."""

    def __init__(self) -> None:
        super().__init__(
            allowed_networks=[ipaddress.ip_network("127.0.0.0/8")],
            contact_url="https://digest.example/",
            resolve=lambda host, port: [ipaddress.ip_address("127.0.0.1")],
        )


class Scripted(Fetcher):
    """Answers without a network, as a function of the feed's URL says."""

    def __init__(self, answer: Callable[[str], Fetched]) -> None:
        super().__init__(contact_url="https://digest.example/")
        self._answer = answer

    def get(self, url: str, **_asked: Any) -> Fetched:
        return self._answer(url)


def unchanged(url: str) -> Fetched:
    return Fetched(status=304, body=b"", content_type="", etag=None, last_modified=None, url=url)


def subscribe(database: Database, urls: Sequence[str], *, now: datetime, **columns: object) -> None:
    """Add feeds that are due."""
    with database.transaction() as session:
        session.add_all([Feed(url=url, next_poll_at=now, **columns) for url in urls])


def rows(database: Database) -> dict[str, Feed]:
    """All feeds by URL."""
    with database.reading() as session:
        found = {feed.url: feed for feed in session.exec(select(Feed).order_by(col(Feed.id)))}
        session.expunge_all()
        return found


def urls_of(host: str, count: int) -> list[str]:
    return [f"http://{host}/{number}" for number in range(count)]


def test_a_host_is_asked_for_two_feeds_at_once_at_most(database: Database, server: Server, now: datetime) -> None:
    lock, at_once, most = threading.Lock(), [0], [0]

    def count(request: BaseHTTPRequestHandler) -> None:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        threading.Event().wait(0.02)
        with lock:
            at_once[0] -= 1
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + rss())

    paths = [f"/{number}" for number in range(12)]
    server.pages |= dict.fromkeys(paths, count)
    subscribe(database, [server.url(path, host="One.example") for path in paths], now=now)
    assert collect_due(database, Everywhere(), standing_still(now)) == CollectReport(polled=12)
    assert most == [AT_ONCE_OF_A_HOST]


@pytest.mark.parametrize("failures", [0, 1])
def test_feeds_that_keep_us_waiting_hold_up_no_other(
    database: Database, server: Server, now: datetime, failures: int
) -> None:
    """Either many feeds of one host that is slow for the first time, or the feeds of many hosts that failed before."""
    quick_asked: set[str] = set()
    all_quick_asked = threading.Event()
    in_time: list[bool] = []

    def quick(request: BaseHTTPRequestHandler) -> None:
        quick_asked.add(request.path)
        if len(quick_asked) == 20:
            all_quick_asked.set()
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + rss())

    def slow(request: BaseHTTPRequestHandler) -> None:
        in_time.append(all_quick_asked.wait(15))
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + rss())

    quick_paths = [f"/quick/{number}" for number in range(20)]
    slow_paths = [f"/slow/{number}" for number in range(2 * FETCHES_AT_ONCE)]
    server.pages |= dict.fromkeys(quick_paths, quick) | dict.fromkeys(slow_paths, slow)
    hosts = [f"slow{number if failures else ''}.example" for number in range(len(slow_paths))]
    slow_urls = [server.url(path, host=host) for path, host in zip(slow_paths, hosts, strict=True)]
    subscribe(database, slow_urls, now=now - HOUR, failures=failures)  # due for longer
    subscribe(database, [server.url(path, host="quick.example") for path in quick_paths], now=now)
    report = collect_due(database, Everywhere(), standing_still(now))
    assert report == CollectReport(polled=len(slow_paths) + 20)
    assert in_time == [True] * len(slow_paths)


def test_many_answers_without_a_document_are_settled_together(database: Database, now: datetime) -> None:
    subscribe(database, urls_of("many.example", 150), now=now)
    commits = []
    event.listen(database.engine, "commit", commits.append)
    report = collect_due(database, Scripted(unchanged), standing_still(now))
    assert report == CollectReport(polled=150, not_modified=150)
    assert len(commits) < 75
    assert {feed.last_success_at for feed in rows(database).values()} == {now}


@pytest.mark.long
def test_what_one_feed_makes_impossible_is_not_lost_for_the_others(
    database: Database, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    """PostgreSQL takes no NUL; SQLite does."""

    def answer(url: str) -> Fetched:
        if url.endswith("/3"):
            raise FeedError("It says \0.")
        return unchanged(url)

    subscribe(database, urls_of("a.example", 9), now=now)
    report = collect_due(database, Scripted(answer), standing_still(now))
    assert (report.polled, report.not_modified, len(report.failures)) == (9, 8, 1)
    failures = {url[-1]: feed.failures for url, feed in rows(database).items()}
    assert failures == dict.fromkeys("012345678", 0) | {"3": 1}


def test_a_round_that_is_to_stop_gives_back_whom_it_has_not_asked(database: Database, now: datetime) -> None:
    stopping = threading.Event()
    asked: set[str] = set()

    def answer(url: str) -> Fetched:
        stopping.set()
        asked.add(url)
        return unchanged(url)

    subscribe(database, urls_of("a.example", 20), now=now - HOUR)
    subscribe(database, urls_of("b.example", 20), now=now + HOUR)
    report = collect_due(database, Scripted(answer), standing_still(now), every_feed=True, stopping=stopping.is_set)
    assert report == CollectReport(polled=len(asked), not_modified=len(asked))
    assert 0 < len(asked) <= 2 * AT_ONCE_OF_A_HOST
    for url, feed in rows(database).items():
        before = now - HOUR if "a.example" in url else now + HOUR
        assert (feed.last_success_at is not None) == (url in asked)
        assert url in asked or feed.next_poll_at == before
    assert collect_due(database, Scripted(answer), standing_still(now), stopping=stopping.is_set) == CollectReport()
    left = 20 - len([url for url in asked if "a.example" in url])
    assert collect_due(database, Scripted(unchanged), standing_still(now)).polled == left


def test_a_host_that_asks_for_rest_is_left_alone_with_all_its_feeds(
    database: Database, server: Server, fetcher: Fetcher, now: datetime
) -> None:
    paths = [f"/{number}" for number in range(10)]
    server.pages |= dict.fromkeys(paths, Page(status=429, headers={"Retry-After": "7200"}))
    subscribe(database, [server.url(path) for path in paths], now=now)
    subscribe(database, [server.url("/0", host="localhost")], now=now)
    progress: list[tuple[int, int]] = []
    report = collect_due(
        database, fetcher, standing_still(now), on_feed=lambda done, total, url: progress.append((done, total))
    )
    refused = dict(report.failures)
    assert len(refused) == len(server.requests) == report.polled == 11 - report.put_off
    assert report.put_off >= 10 - AT_ONCE_OF_A_HOST
    for url, feed in rows(database).items():
        assert feed.next_poll_at == now + 2 * HOUR
        assert feed.failures == (url in refused)
        assert (feed.last_error is None) == (url not in refused)
    assert sorted(progress) == [(done, 11) for done in range(1, 12)]


@pytest.mark.parametrize(("rest", "minutes"), [(None, [5]), (timedelta(), [5]), (timedelta(minutes=7), [7])])
def test_rest_is_at_least_the_usual_time_after_a_failure(
    database: Database, now: datetime, rest: timedelta | None, minutes: list[int]
) -> None:
    def answer(url: str) -> Fetched:
        raise FeedError("Not now.", retry_after=rest)

    subscribe(database, urls_of("a.example", 8), now=now)
    report = collect_due(database, Scripted(answer), standing_still(now))
    assert (report.put_off > 0) == (rest is not None)
    assert {(feed.next_poll_at - now) // timedelta(minutes=1) for feed in rows(database).values()} == set(minutes)


def test_a_long_round_keeps_its_claims_and_takes_what_has_become_due(database: Database, now: datetime) -> None:
    [first, *others] = urls_of("slow.example", 2 * AT_ONCE_OF_A_HOST)
    late = "http://late.example/"
    minutes = iter(range(100))
    due: list[timedelta] = []
    went_on = threading.Event()

    def clock() -> datetime:
        return now + timedelta(minutes=next(minutes) // 3)  # read a few times in each look

    def answer(url: str) -> Fetched:
        if url == late:
            went_on.set()
        else:
            assert went_on.wait(15)
            due.extend(feed.next_poll_at - now for each, feed in rows(database).items() if each == others[-1])
        return unchanged(url)

    subscribe(database, [first, *others], now=now)
    subscribe(database, [late], now=now + timedelta(minutes=3))
    report = collect_due(database, Scripted(answer), clock)
    assert report == CollectReport(polled=5, not_modified=5)
    assert due[0] > CLAIM


def test_what_was_asked_before_a_new_route_is_asked_again(database: Database, now: datetime) -> None:
    url = "http://a.example/feed"
    with database.transaction() as session:
        add_topic(session, slug="sea", name="Sea")
        add_topic(session, slug="world", name="World")
        add_feed(session, url=url, topics=["sea"], now=now)
        session.execute(update(Feed).values(etag='"1"'))

    def answer(url: str) -> Fetched:
        with database.transaction() as session:
            add_feed(session, url=url, topics=["world"], now=now)
        return unchanged(url)

    collect_due(database, Scripted(answer), standing_still(now))
    [feed] = rows(database).values()
    assert (feed.next_poll_at, feed.etag) == (now, None)


def test_documents_are_read_by_whatever_is_given(
    database: Database, server: Server, fetcher: Fetcher, now: datetime
) -> None:
    def parse(body: bytes, *, content_type: str, url: str) -> ParsedFeed:
        return parse_feed(body.replace(b"Old", b"New"), content_type=content_type, url=url)

    server.pages["/"] = Page(rss(item("a", at=now), title="Old"))
    subscribe(database, [server.url("/")], now=now)
    assert collect_due(database, fetcher, standing_still(now), parse=parse).new_items == 1
    assert rows(database)[server.url("/")].title == "New"


def test_few_large_documents_are_held_at_once_and_hold_up_no_small_one(
    database: Database, server: Server, now: datetime
) -> None:
    large = [f"http://large{number}.example:{server.port}/large" for number in range(3 * LARGE_AT_ONCE)]
    small = f"http://small.example:{server.port}/small"
    subscribe(database, [*large, small], now=now)
    server.pages["/large"] = Page(rss(item("a", at=now, text="word " * 60_000)))
    server.pages["/small"] = Page(rss(item("b", at=now)))
    lock, held, most, small_is_read = threading.Lock(), set[str](), [0], threading.Event()

    def parse(body: bytes, *, content_type: str, url: str) -> ParsedFeed:
        if url == small:
            small_is_read.set()
        else:
            with lock:
                held.add(url)
                most[0] = max(most[0], len(held))
            assert small_is_read.wait(20)
        return parse_feed(body, content_type=content_type, url=url)

    def on_feed(_done: int, _total: int, url: str) -> None:
        with lock:
            held.discard(url)

    report = collect_due(database, Everywhere(), standing_still(now), parse=parse, on_feed=on_feed)
    assert (report.polled, report.failures) == (len(large) + 1, ())
    assert most[0] <= LARGE_AT_ONCE


def test_a_large_document_that_cannot_be_read_gives_its_permit_back(
    database: Database, server: Server, now: datetime
) -> None:
    urls = [f"http://large{number}.example:{server.port}/large" for number in range(2 * LARGE_AT_ONCE)]
    subscribe(database, urls, now=now)
    server.pages["/large"] = Page(b"word " * 60_000)
    report = collect_due(database, Everywhere(), standing_still(now))
    assert [sentence.split(" sent ")[1] for _, sentence in report.failures] == [
        "is not a feed: neither RSS nor Atom nor JSON Feed."
    ] * len(urls)


@pytest.mark.long
def test_who_waits_for_a_permit_is_not_taken_for_slow(
    database: Database, server: Server, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [f"http://large{number}.example:{server.port}/large" for number in range(3)]
    subscribe(database, urls, now=now)
    server.pages["/large"] = Page(b"word " * 60_000)
    monkeypatch.setattr("digestmail.feeds.collect.LARGE_AT_ONCE", 1)
    monkeypatch.setattr("digestmail.feeds.collect._SLOW_SECONDS", 0.9)
    end, ended = Turns.end, list[bool]()

    def note(turns: Turns[Any], feed: Any, *, well: bool) -> None:
        ended.append(well)
        end(turns, feed, well=well)

    monkeypatch.setattr(Turns, "end", note)

    def parse(_body: bytes, *, content_type: str, url: str) -> ParsedFeed:
        time.sleep(0.5)
        return ParsedFeed(title="", entries=())

    assert collect_due(database, Everywhere(), standing_still(now), parse=parse).failures == ()
    assert ended == [True] * len(urls)
