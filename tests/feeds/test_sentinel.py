"""The operator is told of each trouble once, surely, and not every hour."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Thread

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, select, update

from digestmail.feeds.quarantine import mark_as_seen
from digestmail.feeds.sentinel import KEPT_FOR, SETTLED_AFTER, count_troubles, watch
from digestmail.store.database import Database
from digestmail.store.models import Feed, Item, ItemTopic, Notice, Topic
from digestmail.store.states import FeedState, Trouble

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Desk:
    """Feeds whose health a test changes, and the notices that come of it, on a clock of its own."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database = database
        self.now = now

    def add(self, *names: str, host: str | None = None, **changes: object) -> None:
        """Feeds that are well."""
        values: dict[str, object] = {
            "first_success_at": self.now - 90 * DAY,
            "last_success_at": self.now,
            "last_item_at": self.now,
            "usual_gap": 8 * 3600,
            "next_poll_at": self.now,
        }
        with self.database.transaction() as session:
            for name in names:
                url = f"https://{host or name.lower() + '.example'}/{name.lower()}.xml"
                session.add(Feed(title=name, url=url, **(values | changes)))

    def set(self, *names: str, **changes: object) -> None:
        with self.database.writing() as connection:
            connection.execute(update(Feed).where(col(Feed.title).in_(names)).values(**changes))

    def fail(self, *names: str, since: timedelta = HOUR) -> None:
        self.set(*names, failures=5, failing_since_at=self.now - since, last_error="It answered 500.")

    def answer(self, *names: str) -> None:
        at = self.now
        self.set(*names, failures=0, failing_since_at=None, last_error=None, last_success_at=at, last_item_at=at)

    def flood(self, name: str, items: int = 2) -> None:
        """Items that wait, each in two topics."""
        with self.database.transaction() as session:
            topics = session.exec(select(Topic.id)).all()
            if not topics:
                session.add_all([Topic(slug="one", name="One"), Topic(slug="two", name="Two")])
                session.flush()
                topics = session.exec(select(Topic.id)).all()
            feed_id = session.exec(select(Feed.id).where(Feed.title == name)).one()
            for number in range(items):
                item = Item(url="", link_key=f"{number}", title="x", published_at=self.now, seen_at=self.now)
                session.add(item)
                session.flush()
                session.add_all(
                    ItemTopic(item_id=item.id, topic_id=topic, seen_at=self.now, news=False, quarantined_by=feed_id)
                    for topic in topics
                )

    def watch(self) -> list[str]:
        """Look; the texts of what is new."""
        with self.database.transaction() as session:
            before = set(session.exec(select(Notice.id)))
            written = watch(session, now=self.now)
        new = [notice.text for notice in self.notices() if notice.id not in before]
        assert len(new) == written
        return new

    def later(self, span: timedelta) -> "Desk":
        self.now += span
        return self

    def send(self) -> None:
        """Note that all notices were sent."""
        with self.database.writing() as connection:
            connection.execute(update(Notice).values(sent_at=self.now))

    def notices(self) -> list[Notice]:
        with self.database.reading() as session:
            return list(session.exec(select(Notice).order_by(col(Notice.id))))

    def told(self) -> dict[str, str]:
        with self.database.reading() as session:
            return dict(session.exec(select(Feed.title, Feed.told)).all())


@pytest.fixture
def desk(database: Database, now: datetime) -> Desk:
    return Desk(database, now)


def test_feeds_that_are_well_are_no_news(desk: Desk) -> None:
    desk.add("Harbour", "Coast")
    assert desk.watch() == []
    assert desk.told() == {"Harbour": "", "Coast": ""}


def test_a_trouble_is_told_once(desk: Desk) -> None:
    desk.add("Harbour", "Coast")
    desk.fail("Harbour")
    assert desk.watch() == ["Harbour has failed since Monday, 23 Nov, 11:00 UTC: It answered 500."]
    assert desk.told() == {"Harbour": Trouble.FAILING, "Coast": ""}
    [notice] = desk.notices()
    assert (notice.trouble, notice.created_at, notice.sent_at) == (Trouble.FAILING, desk.now, None)
    for _ in range(3):
        assert desk.later(HOUR).watch() == []


def test_another_trouble_of_the_same_feed_is_told(desk: Desk) -> None:
    desk.add("Harbour")
    desk.fail("Harbour")
    desk.watch()
    desk.later(DAY).set("Harbour", state=FeedState.GONE, last_error="It answered 410.")
    assert desk.watch() == ["Harbour is not read any more: It answered 410."]
    assert desk.told() == {"Harbour": Trouble.GONE}


def test_that_a_feed_is_well_again_is_told(desk: Desk) -> None:
    desk.add("Harbour", "Coast")
    desk.fail("Harbour")
    desk.set("Coast", last_item_at=desk.now - 5 * DAY)
    desk.watch()
    desk.later(HOUR).answer("Harbour", "Coast")
    assert desk.watch() == ["Harbour can be read again.", "Coast has something new again."]
    assert [notice.trouble for notice in desk.notices()[2:]] == ["", ""]
    assert desk.told() == {"Harbour": "", "Coast": ""}
    assert desk.later(HOUR).watch() == []


def test_what_the_operator_has_ended_is_not_told_as_good_news(desk: Desk) -> None:
    desk.add("Gone", state=FeedState.GONE)
    desk.add("Flood", "Paused")
    desk.flood("Flood")
    desk.fail("Paused")
    assert len(desk.watch()) == 3
    desk.set("Gone", state=FeedState.ACTIVE)
    desk.set("Paused", state=FeedState.PAUSED)
    with desk.database.transaction() as session:
        mark_as_seen(session, session.exec(select(Feed.id).where(Feed.title == "Flood")).one() or 0)
    assert desk.later(HOUR).watch() == []
    assert set(desk.told().values()) == {""}


@pytest.mark.long
def test_a_feed_that_comes_and_goes_is_told_of_once_in_six_hours(desk: Desk) -> None:
    desk.add("Harbour")
    desk.add("Other")
    told = []
    for _ in range(12):
        desk.later(HOUR).answer("Other")
        desk.fail("Harbour")
        told += desk.watch()
        desk.later(HOUR).answer("Harbour", "Other")
        desk.watch()
    assert 2 <= len(told) <= 24 / 6
    assert [notice.trouble for notice in desk.notices()].count("") == 1  # the last, which may still last


def test_that_it_was_well_for_an_hour_is_forgotten(desk: Desk) -> None:
    desk.add("Harbour", "Other")
    desk.fail("Harbour")
    desk.watch()
    desk.later(HOUR).answer("Harbour", "Other")
    assert desk.watch() == ["Harbour can be read again."]
    desk.later(2 * HOUR).fail("Harbour")
    assert desk.watch() == []
    assert [notice.trouble for notice in desk.notices()] == [Trouble.FAILING]
    assert desk.told()["Harbour"] == Trouble.FAILING


def test_a_feed_that_fails_again_after_it_was_said_to_be_well_is_told_of(desk: Desk) -> None:
    desk.add("Harbour", "Other")
    desk.fail("Harbour")
    desk.watch()
    desk.later(HOUR).answer("Harbour", "Other")
    desk.watch()
    desk.send()
    desk.later(2 * HOUR).fail("Harbour")
    assert len(desk.watch()) == 1


def test_a_feed_that_fails_again_after_it_has_stayed_well_is_told_of_though_no_mail_went(desk: Desk) -> None:
    desk.add("Harbour", "Other")
    desk.fail("Harbour")
    desk.watch()
    desk.later(HOUR).answer("Harbour", "Other")
    desk.watch()
    desk.later(SETTLED_AFTER + 2 * HOUR).fail("Harbour")
    assert len(desk.watch()) == 1
    assert [notice.trouble for notice in desk.notices()] == [Trouble.FAILING, "", Trouble.FAILING]


def test_a_flood_is_told_with_its_items_and_once_though_the_feed_fails_meanwhile(desk: Desk) -> None:
    desk.add("Harbour", "Other")
    desk.flood("Harbour", items=3)
    [text] = desk.watch()
    assert "brought 3 items at once" in text
    desk.later(2 * HOUR).answer("Other")
    desk.fail("Harbour")
    assert len(desk.watch()) == 1
    desk.later(HOUR).answer("Harbour")
    assert desk.watch() == []
    assert desk.told()["Harbour"] == Trouble.QUARANTINE


def test_a_second_flood_is_told_though_the_first_was(desk: Desk) -> None:
    desk.add("Harbour")
    desk.flood("Harbour")
    desk.watch()
    with desk.database.transaction() as session:
        assert mark_as_seen(session, 1) == 2
    desk.later(HOUR).watch()
    desk.later(HOUR).flood("Harbour")
    assert len(desk.watch()) == 1


def test_a_silence_that_an_error_interrupts_is_told_once(desk: Desk) -> None:
    desk.add("Harbour", last_item_at=desk.now - 5 * DAY)
    desk.add("Other")
    assert len(desk.watch()) == 1
    desk.later(2 * HOUR).answer("Other")
    desk.fail("Harbour")
    assert len(desk.watch()) == 1
    desk.later(HOUR).set("Harbour", failures=0, failing_since_at=None, last_success_at=desk.now)
    assert desk.watch() == []
    assert desk.told()["Harbour"] == Trouble.SILENT


def test_when_nothing_answers_one_notice_speaks_of_all(desk: Desk) -> None:
    names = [f"Feed{number}" for number in range(12)]
    desk.add(*names)
    desk.add("Demo", local=True)
    desk.later(2 * HOUR).set("Demo", last_success_at=desk.now)
    desk.fail(*names[:7])
    desk.set(*names[7:], failures=2, failing_since_at=desk.now - HOUR / 2)
    [text] = desk.watch()
    assert text.startswith("No feed has answered since Monday, 23 Nov, 12:00 UTC: all 12 that were asked have failed.")
    assert "this server itself is cut off" in text
    assert [notice.feed_id for notice in desk.notices()] == [None]
    desk.later(HOUR).fail(*names[7:])
    assert desk.watch() == []
    assert {desk.told()[name] for name in names} == {Trouble.FAILING}
    desk.later(HOUR).answer(*names)
    assert len(desk.watch()) == 12


def test_a_feed_that_failed_in_an_outage_is_not_told_of_when_the_others_are_back(desk: Desk) -> None:
    names = ["A", "B", "C", "D"]
    desk.add(*names)
    desk.later(2 * HOUR).fail("A", "B", "C")
    desk.set("D", failures=2, failing_since_at=desk.now - HOUR / 2)
    desk.watch()
    desk.later(HOUR).answer("A", "B", "C")
    desk.set("D", failures=3)
    assert [text for text in desk.watch() if text.startswith("D ")] == []


def test_a_second_outage_is_told(desk: Desk) -> None:
    names = ["A", "B", "C"]
    desk.add(*names)
    for _ in range(2):
        desk.later(DAY).fail(*names)
        assert [text for text in desk.watch() if "No feed has answered" in text]
        desk.later(HOUR).answer(*names)
        desk.watch()


def test_feeds_of_one_host_that_fail_together_name_the_host(desk: Desk) -> None:
    desk.add("A", "B", "C", host="news.example")
    desk.later(2 * HOUR).fail("A", "B", "C")
    [text] = desk.watch()
    assert "They are all on news.example: it is down, or this server cannot reach it." in text


def test_dead_feeds_and_a_quiet_hour_are_no_outage(desk: Desk) -> None:
    desk.add("A", "B", "C", "D")
    desk.fail("A", "B", "C", since=4 * DAY)
    desk.watch()
    desk.later(2 * HOUR).fail("D")
    assert desk.watch() == ["D has failed since Monday, 23 Nov, 13:00 UTC: It answered 500."]


def test_as_long_as_one_feed_answers_each_is_told_of_by_itself(desk: Desk) -> None:
    desk.add("A", "B", "C", "D")
    desk.later(2 * HOUR).fail("A", "B", "C")
    desk.answer("D")
    assert len(desk.watch()) == 3


def test_two_watchers_at_once_write_each_notice_once(desk: Desk) -> None:
    names = [f"Feed{number}" for number in range(20)]
    desk.add(*names, "Other")
    desk.fail(*names)

    def look() -> None:
        with desk.database.transaction() as session:
            watch(session, now=desk.now)

    watchers = [Thread(target=look) for _ in range(4)]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    assert sorted(notice.feed_id or 0 for notice in desk.notices()) == list(range(1, 21))


def test_a_watcher_that_comes_late_takes_nothing_from_the_first(desk: Desk) -> None:
    """It has read the feeds before the other one commits, which only PostgreSQL allows."""
    if desk.database.is_sqlite:
        pytest.skip("SQLite lets one writer in at a time")
    desk.add("Harbour", "Other")
    desk.fail("Harbour")
    overtaken: list[str] = []

    def overtake(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE feeds") and not overtaken:
            overtaken.append(statement)
            desk.watch()

    event.listen(desk.database.engine, "before_cursor_execute", overtake)
    with desk.database.transaction() as session:
        assert watch(session, now=desk.now) == 0
    assert overtaken
    assert len(desk.notices()) == 1


def test_a_thousand_feeds_cost_a_few_statements_and_no_write(desk: Desk) -> None:
    desk.add(*(f"Feed{number}" for number in range(1000)))
    statements = counted(desk.database, lambda session: watch(session, now=desk.now))
    assert [statement.split()[0] for statement in statements] == ["SELECT", "SELECT"]


def test_a_thousand_failures_cost_a_few_statements_too(desk: Desk) -> None:
    desk.add(*(f"Feed{number}" for number in range(1000)), "Other")
    desk.fail(*(f"Feed{number}" for number in range(1000)))
    statements = counted(desk.database, lambda session: watch(session, now=desk.now))
    assert len(desk.notices()) == 1000
    assert len(statements) < 12


def test_old_notices_are_forgotten(desk: Desk) -> None:
    desk.add("Harbour", "Coast", "Other")
    desk.fail("Harbour")
    desk.watch()
    desk.later(KEPT_FOR + HOUR).answer("Other")
    desk.set("Coast", last_success_at=desk.now)
    desk.watch()
    assert [notice.trouble for notice in desk.notices()] == [Trouble.SILENT]


def test_troubles_are_counted(desk: Desk) -> None:
    desk.add("Harbour", "Coast", "Other")
    desk.fail("Harbour")
    desk.flood("Coast")
    with desk.database.reading() as session:
        counts = count_troubles(session, now=desk.now)
    expected: dict[Trouble | None, int] = dict.fromkeys((*Trouble, None), 0)
    assert counts == expected | {Trouble.FAILING: 1, Trouble.QUARANTINE: 1, None: 1}


def counted(database: Database, do: Callable[[Session], object]) -> list[str]:
    """The statements that it takes."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    with database.transaction() as session:
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            do(session)
        finally:
            event.remove(database.engine, "before_cursor_execute", note)
    return statements
