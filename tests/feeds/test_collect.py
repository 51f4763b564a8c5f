import ipaddress
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from digestmail.clock import standing_still
from digestmail.feeds.claims import CLAIM
from digestmail.feeds.collect import CollectReport, collect_due
from digestmail.feeds.fetch import Fetched, Fetcher
from digestmail.feeds.manage import add_feed, add_topic
from digestmail.store.database import Database
from digestmail.store.models import Feed, Item
from digestmail.store.states import FeedState
from tests.feeds.documents import item, rss
from tests.feeds.server import Page, Server

Add = Callable[..., str]


@pytest.fixture
def add(database: Database, server: Server, now: datetime) -> Add:
    """Add a feed at a path of the server, routed to the topic `sea`; gives back its URL."""
    with database.transaction() as session:
        add_topic(session, slug="sea", name="Sea")

    def add(path: str, *, at: datetime = now, local: bool = False) -> str:
        with database.transaction() as session:
            return add_feed(session, url=server.url(path), topics=["sea"], now=at, local=local).url

    return add


def row(database: Database, url: str) -> Feed:
    with database.reading() as session:
        feed = session.exec(select(Feed).where(Feed.url == url)).one()
        session.expunge(feed)
        return feed


def titles(database: Database) -> set[str]:
    with database.reading() as session:
        return set(session.exec(select(Item.title)))


def test_it_collects_and_the_second_time_asks_only_for_what_is_new(
    database: Database, server: Server, fetcher: Fetcher, now: datetime, add: Add
) -> None:
    url = add("/feed")
    body = rss(item("a", at=now), item("b", at=now), title="The &lt;b&gt;Harbour&lt;/b&gt;")
    server.pages["/feed"] = Page(body, headers={"ETag": '"1"'})
    assert collect_due(database, fetcher, standing_still(now)) == CollectReport(polled=1, new_items=2)
    feed = row(database, url)
    assert (feed.title, feed.etag, feed.failures) == ("The Harbour", '"1"', 0)
    assert feed.first_success_at == feed.last_success_at == now
    assert feed.next_poll_at == now + timedelta(hours=1)

    assert collect_due(database, fetcher, standing_still(now + timedelta(minutes=59))) == CollectReport()
    server.pages["/feed"] = Page(status=304)
    later = now + timedelta(hours=1)
    assert collect_due(database, fetcher, standing_still(later)) == CollectReport(polled=1, not_modified=1)
    assert server.requests[-1][1]["If-None-Match"] == '"1"'
    feed = row(database, url)
    assert (feed.etag, feed.first_success_at, feed.last_success_at) == ('"1"', now, later)

    server.pages["/feed"] = Page(body)
    assert collect_due(database, fetcher, standing_still(later), every_feed=True) == CollectReport(polled=1)
    assert titles(database) == {"a", "b"}
    assert row(database, url).etag is None


def test_a_feed_may_ask_to_be_left_alone_for_longer(
    database: Database, server: Server, fetcher: Fetcher, now: datetime, add: Add
) -> None:
    urls = [add("/ttl"), add("/age"), add("/quick")]
    server.pages["/ttl"] = Page(rss(ttl=180), headers={"Cache-Control": "max-age=60"})
    server.pages["/age"] = Page(rss(ttl=5), headers={"Cache-Control": "s-maxage=1, max-age=604800"})
    server.pages["/quick"] = Page(rss(), headers={"Cache-Control": "no-cache, max-age=0"})
    collect_due(database, fetcher, standing_still(now))
    assert [row(database, url).next_poll_at - now for url in urls] == [timedelta(hours=hours) for hours in (3, 24, 1)]


def test_one_feeds_failure_never_disturbs_another(
    database: Database, server: Server, fetcher: Fetcher, now: datetime, add: Add
) -> None:
    broken, gone, page, good = add("/broken"), add("/gone"), add("/page"), add("/good")
    server.pages["/broken"] = Page(status=500)
    server.pages["/gone"] = Page(status=410)
    server.pages["/page"] = Page(b"<html><body>Welcome</body></html>", headers={"Content-Type": "text/html"})
    server.pages["/good"] = Page(rss(item("a", at=now)))
    progress: list[tuple[int, int]] = []
    asked: set[str] = set()

    def on_feed(done: int, total: int, url: str) -> None:
        progress.append((done, total))
        asked.add(url)

    report = collect_due(database, fetcher, standing_still(now), on_feed=on_feed)
    assert (report.polled, report.new_items) == (4, 1)
    assert {url for url, _ in report.failures} == {broken, gone, page}
    assert "web page, not a feed" in dict(report.failures)[page]
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert asked == {broken, gone, page, good}
    feed = row(database, broken)
    assert (feed.failures, feed.state, feed.first_success_at) == (1, FeedState.ACTIVE, None)
    assert feed.last_error == "127.0.0.1 answered 500 (Internal Server Error)."
    assert feed.next_poll_at == now + timedelta(minutes=5)
    assert row(database, gone).state == FeedState.GONE
    assert row(database, good).last_error is None

    report = collect_due(database, fetcher, standing_still(now), every_feed=True)
    assert (report.polled, row(database, broken).failures) == (3, 2)


def test_an_unforeseen_fault_is_written_on_its_feed_too(
    database: Database, server: Server, now: datetime, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    class Faulty(Fetcher):
        def get(self, url: str, **asked: Any) -> Fetched:
            if url == bad:
                raise ZeroDivisionError("unforeseen")
            return super().get(url, **asked)

    bad, good = add("/bad"), add("/good")
    server.pages["/good"] = Page(rss(item("a", at=now)))
    fetcher = Faulty(allowed_networks=[ipaddress.ip_network("127.0.0.0/8")], contact_url="https://digest.example/")
    report = collect_due(database, fetcher, standing_still(now))
    sentence = "Reading this feed failed (ZeroDivisionError); the log holds the details."
    assert report == CollectReport(polled=2, new_items=1, failures=((bad, sentence),))
    assert (row(database, bad).last_error, row(database, bad).failures) == (sentence, 1)
    assert titles(database) == {"a"}
    assert row(database, good).last_error is None


def test_a_feed_that_moved_for_good_is_followed_unless_another_lives_there(
    database: Database, server: Server, fetcher: Fetcher, now: datetime, add: Add
) -> None:
    for path in ("/old", "/older", "/away"):
        add(path)
        server.redirect(path, "/new", status=302 if path == "/away" else 301)
    server.pages["/new"] = Page(rss(item("a", at=now)))
    collect_due(database, fetcher, standing_still(now))
    with database.reading() as session:
        urls = session.exec(select(Feed.url).order_by(Feed.url)).all()
    moved = {server.url("/new"), server.url("/away")}
    assert moved < set(urls)
    assert set(urls) - moved in ({server.url("/old")}, {server.url("/older")})


def test_a_page_is_no_place_to_move_to(
    database: Database, server: Server, fetcher: Fetcher, now: datetime, add: Add
) -> None:
    url = add("/old")
    server.redirect("/old", "/home", status=301)
    server.pages["/home"] = Page(b"<html>parked</html>")
    collect_due(database, fetcher, standing_still(now))
    assert row(database, url).failures == 1


def test_a_local_feed_keeps_its_address_and_its_privilege(
    database: Database, server: Server, now: datetime, add: Add
) -> None:
    url = add("/demo", local=True)
    add("/other")
    server.pages["/demo"] = server.pages["/other"] = Page(rss(item("a", at=now)))
    stranger = Fetcher(contact_url="https://digest.example/")
    report = collect_due(database, stranger, standing_still(now))
    assert [failed for failed, _ in report.failures] == [server.url("/other")]
    assert row(database, url).last_success_at == now


def test_two_collectors_do_not_ask_the_same_feed(
    database: Database, server: Server, fetcher: Fetcher, now: datetime, add: Add
) -> None:
    add("/feed")
    second: list[CollectReport] = []
    body = rss(item("a", at=now))

    def meanwhile(request: object) -> None:
        second.append(collect_due(database, fetcher, standing_still(now)))
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + body)  # type: ignore[attr-defined]

    server.pages["/feed"] = meanwhile
    assert collect_due(database, fetcher, standing_still(now)) == CollectReport(polled=1, new_items=1)
    assert second == [CollectReport()]
    assert len(server.requests) == 1


def test_a_feed_whose_collector_died_is_taken_again(
    database: Database, server: Server, fetcher: Fetcher, now: datetime, add: Add
) -> None:
    class Died(BaseException):
        """The process is gone."""

    def die(done: int, total: int, url: str) -> None:
        raise Died

    class Deaf(Fetcher):
        def get(self, url: str, **asked: Any) -> Fetched:
            raise Died

    add("/feed")
    server.pages["/feed"] = Page(rss(item("a", at=now)))
    with pytest.raises(Died):
        collect_due(database, Deaf(contact_url="x"), standing_still(now), on_feed=die)
    assert collect_due(database, fetcher, standing_still(now)).polled == 0
    assert collect_due(database, fetcher, standing_still(now + CLAIM)).new_items == 1


def test_a_new_route_reads_the_whole_document_again(
    database: Database, server: Server, fetcher: Fetcher, now: datetime, add: Add
) -> None:
    url = add("/feed")
    server.pages["/feed"] = Page(rss(item("a", at=now)), headers={"ETag": '"1"'})
    collect_due(database, fetcher, standing_still(now))
    with database.transaction() as session:
        add_topic(session, slug="world", name="World")
        add_feed(session, url=url, topics=["world"], now=now)
    assert collect_due(database, fetcher, standing_still(now)).polled == 1
    assert server.requests[-1][1]["If-None-Match"] is None
