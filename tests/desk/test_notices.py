"""The operator is mailed what the sentinel noted: in one mail, at least once, and never too often."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import col, select
from structlog.testing import capture_logs

from digestmail.clock import standing_still
from digestmail.deliveries.single import send_single
from digestmail.desk.notices import FRESH, GOOD_NEWS_APART, MAILS_APART, operator_address, send_notices
from digestmail.desk.service import Service
from digestmail.feeds.sentinel import SETTLED_AFTER
from digestmail.local.inbox import Inbox
from digestmail.local.inbox_server import inbox_running
from digestmail.messages.message import Message
from digestmail.settings import load_settings
from digestmail.store.database import Database
from digestmail.store.models import Feed, Item, ItemTopic, Notice, Topic
from digestmail.store.states import Trouble
from tests.deliveries.carry import always
from tests.messages.samples import PUBLICATION
from tests.relay import FakeRelay, running
from tests.services import free_port

HOUR = timedelta(hours=1)


class Post:
    """Notices in a database, and the rounds that mail them, on a clock of its own."""

    def __init__(self, database: Database, now: datetime) -> None:
        self.database = database
        self.now = now

    def note(self, name: str, trouble: str = Trouble.FAILING) -> None:
        """Have the operator be told of a feed."""
        with self.database.transaction() as session:
            feed = session.exec(select(Feed).where(Feed.title == name)).first()
            if feed is None:
                feed = Feed(url=f"https://{name}.example/", title=name, next_poll_at=self.now)
                session.add(feed)
                session.flush()
            feed.told = trouble
            text = f"{name} has a trouble." if trouble else f"{name} can be read again."
            session.add(Notice(feed_id=feed.id, trouble=trouble, text=text, created_at=self.now))

    def round(self, relay: FakeRelay | Callable[[Message], None], *, recipient: str | None = "op@example.org") -> int:
        """Mail what is due; how many notices went out."""
        return send_notices(
            self.database,
            now=self.now,
            recipient=recipient,
            publication=PUBLICATION,
            installation="0a1b2c3d",
            send=partial(send_single, relay.relay) if isinstance(relay, FakeRelay) else relay,
        )

    def later(self, span: timedelta) -> "Post":
        self.now += span
        return self

    def unsent(self) -> int:
        with self.database.reading() as session:
            return len(session.exec(select(Notice.id).where(col(Notice.sent_at).is_(None))).all())


@pytest.fixture
def post(database: Database, now: datetime) -> Post:
    return Post(database, now)


def mails(relay: FakeRelay) -> list[EmailMessage]:
    return [message_from_bytes(mail.data, policy=policy.default) for mail in relay.caught]


def subjects(relay: FakeRelay) -> list[str]:
    return [str(mail["Subject"]) for mail in mails(relay)]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_all_that_is_new_goes_in_one_mail_once(post: Post) -> None:
    post.note("Harbour")
    post.note("Coast", Trouble.SILENT)
    with running() as relay:
        assert post.round(relay) == 2
        assert post.later(HOUR).round(relay) == 0
    assert subjects(relay) == ["2 feeds need you: Harbour, Coast"]
    assert [mail.recipient for mail in relay.caught] == ["op@example.org"]
    assert relay.violations == []


def test_without_anything_new_nobody_is_called(post: Post) -> None:
    with running() as relay:
        assert post.round(relay) == 0
    assert relay.connections == 0


def test_the_next_mail_waits_a_while_and_takes_along_what_came_meanwhile(post: Post) -> None:
    with running() as relay:
        post.note("Harbour")
        post.round(relay)
        for name in ("Coast", "Lantern"):
            post.later(timedelta(minutes=5)).note(name)
            assert post.round(relay) == 0
        assert post.later(MAILS_APART - timedelta(minutes=10)).round(relay) == 2
    assert subjects(relay) == ["1 feed needs you: Harbour", "2 feeds need you: Coast, Lantern"]
    assert "Still in trouble, as you were told before: Harbour." in text_of(mails(relay)[1])


def test_a_mail_that_lies_ahead_of_the_clock_holds_up_nothing(post: Post) -> None:
    """`tick --now` has travelled in time."""
    with running() as relay:
        post.later(timedelta(days=30)).note("Harbour")
        post.round(relay)
        post.later(timedelta(days=-30)).note("Coast")
        assert post.round(relay) == 1


def test_good_news_waits_until_it_has_lasted_and_comes_seldom(post: Post) -> None:
    with running() as relay:
        post.note("Harbour")
        post.round(relay)
        post.later(HOUR).note("Harbour", "")
        assert post.later(SETTLED_AFTER - HOUR).round(relay) == 0
        post.note("Lantern", "")
        assert post.later(HOUR).round(relay) == 1
        assert post.later(GOOD_NEWS_APART - HOUR).round(relay) == 0
        assert post.later(HOUR).round(relay) == 1
    good = ["1 feed is well again: Harbour", "1 feed is well again: Lantern"]
    assert subjects(relay) == ["1 feed needs you: Harbour", *good]


def test_bad_news_does_not_take_along_what_may_not_last(post: Post) -> None:
    with running() as relay:
        post.note("Lantern", "")
        post.note("Coast")
        assert post.round(relay) == 1
    assert post.unsent() == 1
    assert "Lantern" not in text_of(mails(relay)[0])


def test_of_several_notices_of_a_feed_the_last_one_is_told(post: Post) -> None:
    post.note("Harbour")
    post.later(HOUR).note("Harbour", "")
    post.later(SETTLED_AFTER)
    with running() as relay:
        assert post.round(relay) == 2
    assert subjects(relay) == ["1 feed is well again: Harbour"]


def test_what_was_decided_before_the_mail_is_not_asked_any_more(post: Post) -> None:
    post.note("coast", Trouble.QUARANTINE)
    post.note("harbour", Trouble.QUARANTINE)
    with post.database.transaction() as session:
        harbour = session.exec(select(Feed).where(Feed.title == "harbour")).one()
        session.add(Topic(id=1, slug="sea", name="Sea"))
        session.add(
            Item(
                id=1,
                url="https://harbour.example/1",
                link_key="",
                title="Tides",
                published_at=post.now,
                seen_at=post.now,
            )
        )
        session.flush()
        session.add(ItemTopic(item_id=1, topic_id=1, seen_at=post.now, news=False, quarantined_by=harbour.id))
    with running() as relay:
        assert post.round(relay) == 1
    [mail] = mails(relay)
    assert "harbour has a trouble" in mail.as_string()
    assert "coast has a trouble" not in mail.as_string()


def test_a_relay_that_is_down_loses_nothing_and_raises_nothing(post: Post) -> None:
    post.note("Harbour")
    with running() as relay:
        address = relay.relay
    with capture_logs() as logs:
        assert post.round(partial(send_single, address)) == 0
    [line] = logs
    assert line["event"] == "the operator could not be told"
    assert "cannot be reached" in line["error"]
    post.later(timedelta(minutes=1)).note("Coast")
    with running(always(RCPT="451 4.3.0 later")) as busy, capture_logs():
        assert post.round(busy) == 0
    with running() as relay:
        assert post.later(timedelta(minutes=1)).round(relay) == 2
    assert subjects(relay) == ["2 feeds need you: Coast, Harbour"]


def test_a_crash_between_mail_and_mark_sends_the_same_mail_again(post: Post) -> None:
    post.note("Harbour")
    with running() as relay:

        def crash(message: Message) -> None:
            send_single(relay.relay, message)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            post.round(crash)
        assert post.later(HOUR).round(relay) == 1
    first, second = mails(relay)
    assert first["Message-ID"] == second["Message-ID"]
    assert post.unsent() == 0


def test_without_an_address_notices_stay_and_an_address_that_comes_late_gets_the_fresh_ones(post: Post) -> None:
    post.note("Old")
    post.later(FRESH)
    post.note("Harbour")
    with running() as relay:
        assert post.round(relay, recipient=None) == 0
        assert relay.connections == 0
        assert post.round(relay) == 1
    assert subjects(relay) == ["1 feed needs you: Harbour"]


def test_a_notice_of_all_feeds_is_the_mail_s_first_line(post: Post) -> None:
    post.note("Harbour")
    with post.database.transaction() as session:
        session.add(
            Notice(feed_id=None, trouble=Trouble.FAILING, text="No feed has answered since.", created_at=post.now)
        )
    with running() as relay:
        assert post.round(relay) == 2
    assert subjects(relay) == ["No feed can be read"]
    assert "Still in trouble" not in text_of(mails(relay)[0])


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "operator@localhost.localdomain"),
        ({"SENDER": "The Courier <digest@courier.example>"}, "operator@courier.example"),
        ({"OPERATOR": "me@example.org"}, "me@example.org"),
        ({"SMTP_URL": "smtp://127.0.0.1"}, None),
        ({"SMTP_URL": "smtp://127.0.0.1", "OPERATOR": "me@Example.ORG"}, "me@example.org"),
    ],
)
def test_where_notices_go(tmp_path: Path, settings: dict[str, str], address: str | None) -> None:
    given = {f"DIGESTMAIL_{name}": value for name, value in settings.items()}
    assert operator_address(load_settings(given, folder=tmp_path)) == address


def test_a_tick_mails_a_newcomer_into_the_local_inbox(tmp_path: Path, database_url: str, now: datetime) -> None:
    port, nobody = free_port(), free_port()
    values = {"DATA_DIR": str(tmp_path), "DATABASE_URL": database_url, "INBOX_PORT": str(port)}
    service = Service(load_settings({f"DIGESTMAIL_{name}": value for name, value in values.items()}, folder=tmp_path))
    with service.database.transaction() as session:
        feed = Feed(url=f"http://127.0.0.1:{nobody}/", title="Harbour", next_poll_at=now, failures=2)
        feed.failing_since_at = now - HOUR
        session.add(feed)
    with inbox_running(tmp_path / "inbox", host="127.0.0.1", port=port):
        service.tick(standing_still(now))
        service.tick(standing_still(now + HOUR))
    service.database.engine.dispose()
    [mail] = Inbox(tmp_path / "inbox").page(1).messages
    assert mail.subject == "1 feed needs you: Harbour"
    assert re.fullmatch(r"operator@.+", mail.recipient)
