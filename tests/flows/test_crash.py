"""The third journey: worker, beat and broker are killed in the middle of a run, and still everybody gets a digest."""

import io
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlmodel import update

from digestmail.deliveries import ledger
from digestmail.deliveries.accounts import summary
from digestmail.store.models import Item, ItemTopic, Subscriber, Topic
from digestmail.store.states import State
from digestmail.subscribers.import_export import import_csv
from digestmail.tokens import Tokens
from tests.flows.site import Site, running
from tests.relay import running as relay_running
from tests.services import wait_until

CONNECTIONS = 8
READERS = 2000
KILLS = 4
BEFORE_THE_STOP = 50


@pytest.mark.long
def test_nobody_is_lost_when_everything_is_killed(tmp_path: Path) -> None:
    def slow(command: str, _recipient: str) -> None:
        if command == "DOT":
            time.sleep(0.02)  # long enough for the killing to come in the middle

    now = datetime.now(UTC)
    with relay_running(slow) as relay:
        settings = {
            "DIGESTMAIL_SMTP_URL": f"smtp://127.0.0.1:{relay.relay.port}",
            "DIGESTMAIL_SMTP_CONNECTIONS": str(CONNECTIONS),
        }
        prepare(Site(tmp_path, **settings), READERS, now)
        with running(tmp_path, **settings) as site:
            for kill in range(1, KILLS + 1):
                some = READERS * kill // (KILLS + 2)
                wait_until(lambda some=some: len(relay.caught) > some, what=f"more than {some} mails")  # type: ignore[misc]
                assert site.kill("celery", "valkey") >= 3
            wait_until(lambda: not open_deliveries(site), seconds=120, what="the end of the run")
            [counts] = site.json("deliveries")
    assert counts["planned"] == counts["sent"] == READERS
    arrived = Counter(mail.recipient for mail in relay.caught)
    assert set(arrived) == {f"r{number}@example.org" for number in range(READERS)}
    identities = {mail.recipient: set[str]() for mail in relay.caught}
    for mail in relay.caught:
        identities[mail.recipient].add(str(message_from_bytes(mail.data)["Message-ID"]))
    assert all(len(found) == 1 for found in identities.values()), "a digest came under two Message-IDs"
    assert arrived.total() - READERS <= KILLS * CONNECTIONS, "more doubled than kills × connections"


@pytest.mark.long
def test_a_stop_in_the_middle_leaves_no_doubt(tmp_path: Path) -> None:
    stopping = threading.Event()

    def slow(command: str, _recipient: str) -> None:
        if command == "DOT" and len(relay.caught) > BEFORE_THE_STOP:
            stopping.wait(30)  # no run is too quick for a stop in its middle
            time.sleep(0.5)

    now = datetime.now(UTC)
    with relay_running(slow) as relay:
        site = Site(
            tmp_path,
            DIGESTMAIL_SMTP_URL=f"smtp://127.0.0.1:{relay.relay.port}",
            DIGESTMAIL_SMTP_CONNECTIONS=str(CONNECTIONS),
        )
        prepare(site, READERS, now)
        site.start()
        wait_until(lambda: len(relay.caught) > BEFORE_THE_STOP, what="some mails")
        threading.Timer(0.5, stopping.set).start()
        site.stop()
        with site.database.reading() as session:
            [states] = summary(session.connection()).values()
        assert states == {State.SENT: len(relay.caught), State.DUE: READERS - len(relay.caught)}
        assert BEFORE_THE_STOP < len(relay.caught) < READERS


def prepare(site: Site, readers: int, now: datetime) -> None:
    """Three stories, and subscribers whose slot came just now."""
    database = site.database
    database.migrate()
    with database.transaction() as session:
        session.add(Topic(slug="world", name="World"))
        for number in range(3):
            title = f"Treaty {number}"
            session.add(
                Item(url=f"https://example.org/{number}", link_key="", title=title, published_at=now, seen_at=now)
            )
        session.flush()
        session.add_all(ItemTopic(item_id=number, topic_id=1, seen_at=now) for number in (1, 2, 3))
    rows = "".join(f"r{number}@example.org,world,2026-01-01\n" for number in range(readers))
    import_csv(
        database,
        io.StringIO("email,topics,confirmed_at\n" + rows),
        fingerprint=Tokens("a secret").fingerprint,
        default_time_zone="UTC",
        now=now,
    )
    with database.transaction() as session:
        session.connection().execute(update(Subscriber).values(next_send_at=now, next_day=now.date()))
    database.engine.dispose()


def open_deliveries(site: Site) -> int:
    """How many deliveries have not ended yet."""
    with site.database.reading() as session:
        [states] = summary(session.connection()).values()
    return sum(states.get(state, 0) for state in ledger.OPEN)
