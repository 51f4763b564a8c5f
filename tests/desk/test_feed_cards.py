"""Feeds as the operator sees them: the troubled first, with what they brought and what waits."""

from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from digestmail.desk.feed_cards import DAYS, FeedCard, feed_cards, latest_notices
from digestmail.store.database import Database
from digestmail.store.models import Feed, Hub, Item, ItemSource, ItemTopic, Notice, Route, Topic
from digestmail.store.states import FeedState, Trouble

HOUR = timedelta(hours=1)


def add(session: Session, name: str, *, now: datetime, **changes: object) -> int:
    """A feed that is well."""
    values: dict[str, object] = {"last_success_at": now, "first_success_at": now, "next_poll_at": now + HOUR}
    feed = Feed(url=f"https://{name.lower()}.example/", title=name, **(values | changes))
    session.add(feed)
    session.flush()
    return feed.id or 0


def bring(session: Session, feed_id: int, *at: datetime, waits_in: tuple[int, ...] = ()) -> None:
    """Items that a feed brought, and has waiting in some topics."""
    for number, seen_at in enumerate(at):
        title = f"Item {number}"
        item = Item(url="", link_key="", title=title, published_at=seen_at, seen_at=seen_at)
        session.add(item)
        session.flush()
        session.add(ItemSource(feed_id=feed_id, identity=f"{item.id}", item_id=item.id))
        for topic in waits_in:
            place = ItemTopic(item_id=item.id, topic_id=topic, seen_at=seen_at, news=False, quarantined_by=feed_id)
            session.add(place)


def cards(database: Database, *, now: datetime, time_zone: str = "UTC") -> dict[str, FeedCard]:
    with database.reading() as session:
        return {card.name: card for card in feed_cards(session, now=now, time_zone=time_zone)}


def test_the_worst_comes_first_then_what_is_tried_again_then_the_rest_by_name(
    database: Database, now: datetime
) -> None:
    failing = {"failures": 3, "failing_since_at": now - 2 * HOUR, "last_error": "No."}
    with database.transaction() as session:
        add(session, "zebra", now=now)
        add(session, "Alpha", now=now)
        add(session, "Paused", now=now, **failing | {"state": FeedState.PAUSED, "failures": 0})
        add(session, "Retrying", now=now, failures=1, failing_since_at=now, last_error="Once.")
        add(session, "Silent", now=now, usual_gap=3600, last_item_at=now - 90 * HOUR)
        add(session, "Failing", now=now, **failing)
        add(session, "Gone", now=now, state=FeedState.GONE)
    found = cards(database, now=now)
    assert list(found) == ["Gone", "Failing", "Silent", "Retrying", "Alpha", "Paused", "zebra"]
    assert found["Failing"].words == "Has failed since Monday, 23 Nov, 10:00 UTC: No."
    assert found["Silent"].words == "Usually brings about 24 items a day and has brought none for 3 days."
    assert (found["Silent"].rhythm, found["Alpha"].rhythm) == ("about 24 a day", "")
    assert (found["Retrying"].trouble, found["Retrying"].words, found["Retrying"].last_error) == (None, "", "Once.")
    assert found["Paused"].last_error is None


def test_topics_are_named_with_their_categories(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        session.add_all([Topic(slug="a", name="Climate"), Topic(slug="b", name="Labour")])
        harbour = add(session, "Harbour", now=now)
        add(session, "Nowhere", now=now)
        session.add(Route(feed_id=harbour, topic_id=1))
        session.flush()
        session.add(Route(feed_id=harbour, topic_id=2, category="Strikes"))
        session.flush()
        session.add(Route(feed_id=harbour, topic_id=2, category="LABOUR"))
    found = cards(database, now=now)
    assert found["Harbour"].routes == ("Climate", "Labour (Strikes)", "Labour")
    assert found["Nowhere"].routes == ()


def test_a_hub_is_named_while_it_tells_of_news_and_else_says_why_it_does_not(database: Database, now: datetime) -> None:
    hub = {"topic_url": "https://harbour.example/", "secret": "s", "next_ask_at": now}
    with database.transaction() as session:
        for name, leased_until_at in (("Told", now + HOUR), ("Asked", None), ("Forgotten", now)):
            number = add(session, name, now=now)
            url, error = f"https://hub.{name.lower()}.example/", f"{name}." if name != "Told" else None
            session.add(Hub(feed_id=number, url=url, leased_until_at=leased_until_at, last_error=error, **hub))
        add(session, "Alone", now=now)
    found = cards(database, now=now)
    assert {name: (card.told_by, card.hub_error) for name, card in found.items()} == {
        "Told": ("hub.told.example", None),
        "Asked": ("", "Asked."),
        "Forgotten": ("", "Forgotten."),
        "Alone": ("", None),
    }


def test_items_are_counted_by_the_days_of_the_publication(database: Database, now: datetime) -> None:
    """Noon in UTC is 21 o'clock in Tokyo, where the day began at 15 o'clock the day before."""
    with database.transaction() as session:
        harbour = add(session, "Harbour", now=now)
        add(session, "Silent", now=now)
        midnight = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
        bring(session, harbour, now, midnight, midnight - timedelta(microseconds=1))
        bring(session, harbour, midnight - timedelta(days=DAYS - 1), midnight - timedelta(days=DAYS - 1, seconds=1))
    there, here = cards(database, now=now, time_zone="Asia/Tokyo"), cards(database, now=now)
    assert there["Harbour"].days == (1, *(0,) * (DAYS - 3), 1, 2)
    assert here["Harbour"].days[-2:] == (2, 1)
    assert here["Silent"].days == (0,) * DAYS


def test_a_day_on_which_the_clocks_change_is_one_day(database: Database) -> None:
    now = datetime(2026, 10, 26, 12, 0, tzinfo=UTC)  # Berlin's 25 October 2026 has 25 hours
    begins, ends = datetime(2026, 10, 24, 22, 0, tzinfo=UTC), datetime(2026, 10, 25, 23, 0, tzinfo=UTC)
    with database.transaction() as session:
        harbour = add(session, "Harbour", now=now)
        bring(session, harbour, begins - timedelta(seconds=1), begins, ends - timedelta(seconds=1), ends)
    assert cards(database, now=now, time_zone="Europe/Berlin")["Harbour"].days[-3:] == (1, 2, 1)


def test_what_waits_is_counted_once_and_its_newest_titles_are_shown(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        session.add_all([Topic(slug="a", name="A"), Topic(slug="b", name="B")])
        harbour, coast = add(session, "Harbour", now=now), add(session, "Coast", now=now)
        bring(session, harbour, *[now] * 7, waits_in=(1, 2))
        bring(session, coast, now, waits_in=(1,))
        add(session, "Free", now=now)
    found = cards(database, now=now)
    assert (found["Harbour"].trouble, found["Harbour"].waiting) == (Trouble.QUARANTINE, 7)
    assert found["Harbour"].waiting_titles == ("Item 6", "Item 5", "Item 4", "Item 3", "Item 2")
    assert (found["Coast"].waiting, found["Coast"].waiting_titles) == (1, ("Item 0",))
    assert (found["Free"].waiting, found["Free"].waiting_titles) == (0, ())


def test_the_newest_notices_come_first(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        for number in range(20):
            trouble = Trouble.FAILING if number % 2 else ""
            session.add(Notice(trouble=trouble, text=f"{number}", created_at=now, sent_at=now))
            session.flush()
    with database.reading() as session:
        found = latest_notices(session)
    assert [(line.text, line.trouble) for line in found[:2]] == [("19", Trouble.FAILING), ("18", None)]
    assert len(found) == 8
