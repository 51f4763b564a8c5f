"""Feeds and routes out to a file and in from one."""

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from digestmail.errors import InputError
from digestmail.feeds.clean import tidy
from digestmail.feeds.import_export import BadFeed, ImportReport, import_feeds, listed_feeds
from digestmail.feeds.manage import add_feed, add_topic, routes_by_feed, topics
from digestmail.feeds.opml import Listed, read_opml, write_opml
from digestmail.store.database import Database
from digestmail.store.models import Feed, Topic
from digestmail.store.states import FeedState

HARBOUR, COAST = "https://harbour.example/feed", "https://coast.example/"

words = st.text(max_size=12).map(tidy).filter(bool)
routes = st.lists(st.tuples(st.just("") | words, st.sampled_from(["sea", "world", "law"])), max_size=4)
feeds = st.dictionaries(st.integers(1, 9), st.tuples(st.just("") | words, routes), min_size=1)


def known(session: Session) -> dict[str, tuple[str, frozenset[str]]]:
    """Title and routes by address."""
    routes = routes_by_feed(session)
    return {
        feed.url: (feed.title, frozenset(routes.get(feed.id or 0, ())))
        for feed in session.exec(select(Feed).order_by(col(Feed.id)))
    }


def names(session: Session) -> list[tuple[str, str]]:
    return [(topic.slug, topic.name) for topic in topics(session)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None)
@given(feeds, st.tuples(words, words, words))
def test_an_export_is_imported_as_it_was(
    database: Database, feeds: dict[int, tuple[str, list[tuple[str, str]]]], called: tuple[str, str, str]
) -> None:
    now = datetime.fromisoformat("2026-11-23T12:00:00Z")
    with database.writing() as connection, Session(connection) as session:
        for slug, name in zip(("sea", "world", "law"), called, strict=True):
            session.add(Topic(slug=slug, name=name))
        session.flush()
        for number, (title, routes) in feeds.items():
            everything = [slug for category, slug in routes if not category]
            categories = [(category, slug) for category, slug in routes if category]
            url = f"https://harbour.example/{number}?a&b"
            add_feed(session, url=url, title=title, topics=everything, categories=categories, now=now)
        before, topics_before = known(session), dict(names(session))
        listed = read_opml(write_opml(listed_feeds(session), title="All"))
        for row in [*session.exec(select(Feed).order_by(col(Feed.id))), *topics(session)]:
            session.delete(row)
        session.flush()
        session.expire_all()
        report = import_feeds(session, listed, now=now)
        assert (report.added, report.known, report.bad) == (len(feeds), 0, ())
        assert known(session) == before
        assert dict(names(session)).items() <= topics_before.items()
        again = import_feeds(session, listed, now=now)
        assert (again.added, again.known, again.made, again.bad) == (0, len(feeds), (), ())
        assert known(session) == before
        session.rollback()
        connection.rollback()


def test_folders_become_topics_and_known_ones_are_used(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topic(session, slug="news", name="World News")
        add_feed(session, url=HARBOUR, topics=["news"], title="Harbour", now=now)
        listed = [
            Listed(url=HARBOUR, title="Other", folder="world  news"),
            Listed(url=f"{HARBOUR}#x", folder="The Sea"),
            Listed(url=COAST, title="x" * 999, folder="Новости"),
            Listed(url=COAST, folder="Спорт"),
            Listed(url=COAST),
            Listed(url="feed://alone.example/", title="Alone"),
        ]
        report = import_feeds(session, listed, now=now)
        made = ("the-sea", "topic", "topic-2")
        assert report == ImportReport(added=2, known=1, unrouted=1, made=made, bad=())
        assert names(session)[1:] == [("the-sea", "The Sea"), ("topic", "Новости"), ("topic-2", "Спорт")]
        assert known(session) == {
            HARBOUR: ("Harbour", frozenset({"news", "the-sea"})),
            COAST: ("x" * 300, frozenset({"topic", "topic-2"})),
            "https://alone.example/": ("Alone", frozenset()),
        }


def test_one_topic_can_take_them_all(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        listed = [Listed(url=HARBOUR, folder="A", slug="a", categories=("x",)), Listed(url=COAST)]
        with pytest.raises(InputError, match="no topic “sea”"):
            import_feeds(session, listed, topic="sea", now=now)
        add_topic(session, slug="sea", name="Sea")
        assert import_feeds(session, listed, topic="sea", now=now) == ImportReport(
            added=2, known=0, unrouted=0, made=(), bad=()
        )
        assert {url: routes for url, (_, routes) in known(session).items()} == dict.fromkeys(
            (HARBOUR, COAST), frozenset({"sea"})
        )


def test_bad_ones_are_reported_and_the_others_taken(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        listed = [
            Listed(url="ftp://harbour.example/", folder="A"),
            Listed(url="https://u:p@harbour.example/", folder="A"),
            Listed(url="https://slug.example/", folder="B", slug="Not a slug"),
            Listed(url=COAST, folder="B"),
        ]
        report = import_feeds(session, listed, now=now)
        assert (report.added, report.made) == (1, ("b",))
        assert [bad.url for bad in report.bad] == [feed.url for feed in listed[:3]]
        assert isinstance(report.bad[0], BadFeed)
        assert "not a web address" in report.bad[0].reason
        assert "small letters" in report.bad[2].reason


def test_what_this_installation_serves_itself_stays_here(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topic(session, slug="sea", name="Sea")
        add_feed(session, url="http://127.0.0.1:8000/demo", topics=["sea"], now=now, local=True)
        add_feed(session, url="http://127.0.0.1:8000/alone", now=now, local=True)
        add_feed(session, url=COAST, topics=["sea"], categories=[("x", "sea"), ("y", "sea")], now=now)
        assert listed_feeds(session) == [
            Listed(url=COAST, folder="Sea", slug="sea"),
            Listed(url=COAST, folder="Sea", slug="sea", categories=("x", "y")),
        ]


def test_a_paused_feed_stays_so(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_feed(session, url=COAST, now=now).state = FeedState.PAUSED
        import_feeds(session, [Listed(url=COAST, folder="Sea")], now=now)
        assert session.exec(select(Feed.state).order_by(col(Feed.id))).all() == [FeedState.PAUSED]
