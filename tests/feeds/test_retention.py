from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from digestmail.feeds.retention import KEPT_OF_A_TOPIC, prune
from digestmail.store.database import Database
from digestmail.store.models import Feed, Item, ItemSource, ItemTopic, Topic

DAY = timedelta(days=1)


def add_items(session: Session, count: int, *, now: datetime) -> None:
    """A topic with so many items, each seen a day before the next, the newest now."""
    session.add(Topic(id=1, slug="sea", name="Sea"))
    session.add(Feed(id=1, url="u", next_poll_at=now))
    session.flush()
    for age in range(count):
        at = now - age * DAY
        session.add(Item(id=age + 1, url="", link_key="", title=str(age), published_at=at, seen_at=at))
        session.flush()
        session.add(ItemTopic(item_id=age + 1, topic_id=1, seen_at=at))
        session.add(ItemSource(feed_id=1, identity=str(age), item_id=age + 1, listed_at=at))


def prune_all(database: Database, before: datetime) -> int:
    total = 0
    while True:
        with database.writing() as connection:
            if not (forgotten := prune(connection, before=before, limit=7)):
                return total
            total += forgotten


def test_old_items_go_and_leave_a_tombstone_while_they_are_listed(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_items(session, KEPT_OF_A_TOPIC + 20, now=now)
        listed = session.get(ItemSource, (1, str(KEPT_OF_A_TOPIC + 19)))
        assert listed is not None
        listed.listed_at = now
    assert prune_all(database, now - 30 * DAY) == 20 + 19
    with database.reading() as session:
        assert session.exec(select(func.count()).select_from(Item)).one() == KEPT_OF_A_TOPIC
        tombstones = session.exec(select(ItemSource.identity).where(col(ItemSource.item_id).is_(None)))
        assert tombstones.all() == [str(KEPT_OF_A_TOPIC + 19)]


def test_a_topic_keeps_its_newest_however_old_they_are(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_items(session, KEPT_OF_A_TOPIC, now=now - 400 * DAY)
    assert prune_all(database, now - 30 * DAY) == 0


def test_items_of_no_topic_go_too(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        session.add(Item(url="", link_key="", title="", published_at=now, seen_at=now - 31 * DAY))
        session.add(Item(url="", link_key="", title="", published_at=now, seen_at=now))
    assert prune_all(database, now - 30 * DAY) == 1


def test_what_an_unchanged_document_lists_is_listed(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_items(session, KEPT_OF_A_TOPIC + 60, now=now)
        oldest = session.get_one(ItemSource, (1, str(KEPT_OF_A_TOPIC + 59)))
        session.get_one(Feed, 1).listed_at = oldest.listed_at  # since then its server says "not modified"
    prune_all(database, now - 30 * DAY)
    with database.reading() as session:
        tombstones = session.exec(select(ItemSource.identity).where(col(ItemSource.item_id).is_(None)))
        assert tombstones.all() == [str(KEPT_OF_A_TOPIC + 59)]
