from datetime import datetime, timedelta

from sqlmodel import select

from digestmail.feeds.claims import CLAIM, claim, give_back, put_off
from digestmail.store.database import Database
from digestmail.store.models import Feed
from digestmail.store.states import FeedState

MINUTE = timedelta(minutes=1)


def add(database: Database, name: str, at: datetime, **columns: object) -> None:
    with database.transaction() as session:
        session.add(Feed(url=f"https://{name}.example/feed", next_poll_at=at, **columns))


def due_at(database: Database) -> dict[str, datetime]:
    with database.reading() as session:
        return {url.split("/")[2].split(".")[0]: at for url, at in session.exec(select(Feed.url, Feed.next_poll_at))}


def test_what_is_due_is_taken_once_and_the_longest_due_first(database: Database, now: datetime) -> None:
    add(database, "later", now + MINUTE)
    add(database, "just", now)
    add(database, "long", now - MINUTE, failures=2, etag='"1"', last_modified="m", local=True)
    add(database, "paused", now - MINUTE, state=FeedState.PAUSED)
    first, second = claim(database, now, every_feed=False)
    assert (first.host, first.failing, first.etag, first.last_modified, first.local, first.due_at) == (
        *("long.example", True, '"1"', "m", True),
        now - MINUTE,
    )
    assert (second.url, second.failing, second.local) == ("https://just.example/feed", False, False)
    assert claim(database, now, every_feed=False) == []
    claimed = dict.fromkeys(("just", "long"), now + CLAIM)
    assert due_at(database) == {"later": now + MINUTE, "paused": now - MINUTE} | claimed
    assert len(claim(database, now, every_feed=True)) == 3


def test_a_claim_is_renewed_or_given_back(database: Database, now: datetime) -> None:
    add(database, "a", now - MINUTE)
    add(database, "b", now)
    a, b = claim(database, now, every_feed=False)
    put_off(database, [a], until=now + 9 * CLAIM)
    assert due_at(database) == {"a": now + 9 * CLAIM, "b": now + CLAIM}
    give_back(database, [a, b])
    assert due_at(database) == {"a": now - MINUTE, "b": now}
    put_off(database, [], until=now)
    assert claim(database, now, every_feed=False) == [a, b]
