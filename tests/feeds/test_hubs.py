"""Hubs are asked in time and not too often, and what they tell makes a feed due."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from digestmail.clock import standing_still
from digestmail.feeds import hubs
from digestmail.feeds.fetch import Fetcher
from digestmail.feeds.hub_offer import HubOffer
from digestmail.feeds.hubs import Signature, confirm, is_unwanted, make_due, note_denial, note_hub, renew
from digestmail.settings import load_settings
from digestmail.store.database import Database
from digestmail.store.models import Feed, Hub
from digestmail.store.states import FeedState
from tests.feeds.server import Page, Server
from tests.services import free_port

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TOPIC = "https://harbour.example/feed"

Add = Callable[..., int]


@pytest.fixture
def add(database: Database, server: Server, now: datetime) -> Add:
    """Add a feed that offers a hub at a path of the server; its id."""

    def add(hub: str = "/hub", *, topic: str = TOPIC, **of_feed: object) -> int:
        with database.transaction() as session:
            number = len(session.exec(select(Feed)).all())
            feed = Feed(url=f"https://harbour.example/{number}", next_poll_at=now + HOUR, **of_feed)
            session.add(feed)
            session.flush()
            note_hub(session, feed, HubOffer(server.url(hub) if hub[0] == "/" else hub, topic), now=now)
            return feed.id or 0

    server.pages["/hub"] = Page(status=202)
    return add


def look(database: Database, feed_id: int) -> Hub:
    with database.reading() as session:
        hub = session.get_one(Hub, feed_id)
        session.expunge(hub)
        return hub


def offer(database: Database, feed_id: int, offered: HubOffer | None, *, now: datetime) -> None:
    with database.transaction() as session:
        note_hub(session, session.get_one(Feed, feed_id), offered, now=now)


def ask(database: Database, fetcher: Fetcher, at: datetime) -> None:
    renew(database, fetcher, standing_still(at), callback=lambda feed_id: f"https://digest.example/hub/{feed_id}")


def says(database: Database, feed_id: int, *, at: datetime, topic: str = TOPIC, lease: str = "864000") -> bool:
    """Have the hub confirm; whether we agree."""
    with database.transaction() as session:
        return confirm(session, feed_id, topic_url=topic, lease_seconds=lease, now=at)


def forms(server: Server) -> list[dict[str, str]]:
    return [{name: value for name, [value] in parse_qs(body.decode()).items()} for body in server.bodies]


def asks_at(database: Database, fetcher: Fetcher, server: Server, start: datetime, *, days: int) -> list[timedelta]:
    """When the hub is asked while half hours pass, counted from the start."""
    found = []
    for step in range(48 * days + 1):
        before = len(server.bodies)
        ask(database, fetcher, start + step * HOUR / 2)
        found += [step * HOUR / 2] * (len(server.bodies) - before)
    return found


def test_a_hub_is_asked_to_tell_us(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    feed_id = add()
    ask(database, fetcher, now)
    hub = look(database, feed_id)
    assert forms(server) == [
        {
            "hub.mode": "subscribe",
            "hub.topic": TOPIC,
            "hub.callback": f"https://digest.example/hub/{feed_id}",
            "hub.secret": hub.secret,
            "hub.lease_seconds": "864000",
        }
    ]
    assert 40 < len(hub.secret.encode()) < 200
    assert (hub.asked_at, hub.leased_until_at, hub.last_error) == (now, None, None)


def test_each_feed_has_a_secret_of_its_own(database: Database, add: Add) -> None:
    assert look(database, add()).secret != look(database, add()).secret


def test_a_hub_that_confirms_is_asked_again_a_day_before_its_lease_ends(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    feed_id = add()
    ask(database, fetcher, now)
    assert says(database, feed_id, at=now)
    assert look(database, feed_id).leased_until_at == now + 10 * DAY
    assert asks_at(database, fetcher, server, now, days=10)[0] == 9 * DAY


def test_a_renewal_makes_the_lease_longer(database: Database, fetcher: Fetcher, add: Add, now: datetime) -> None:
    feed_id = add()
    ask(database, fetcher, now)
    says(database, feed_id, at=now)
    later = now + 9 * DAY
    ask(database, fetcher, later)
    assert look(database, feed_id).leased_until_at == now + 10 * DAY
    assert says(database, feed_id, at=later)
    assert look(database, feed_id).leased_until_at == later + 10 * DAY


@pytest.mark.parametrize(
    ("lease", "kept"),
    [("7200", 2 * HOUR), ("1", HOUR), ("0", HOUR), ("99999999999", 30 * DAY), ("", 10 * DAY), ("-5", 10 * DAY)]
    + [(odd, 10 * DAY) for odd in ("1e9", "٣٦٠٠", "9" * 5000)],
)
def test_a_lease_is_bounded(
    database: Database, fetcher: Fetcher, add: Add, now: datetime, lease: str, kept: timedelta
) -> None:
    feed_id = add()
    ask(database, fetcher, now)
    assert says(database, feed_id, at=now, lease=lease)
    hub = look(database, feed_id)
    assert hub.leased_until_at == now + kept
    assert hub.next_ask_at == now + kept - min(kept / 10, DAY)


def test_a_hub_that_never_confirms_is_asked_hourly_and_then_daily(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    feed_id = add()
    asked = asks_at(database, fetcher, server, now, days=3)
    assert asked == [0 * HOUR, HOUR, 2 * HOUR, 2 * HOUR + DAY, 2 * HOUR + 2 * DAY]
    assert "does not confirm" in (look(database, feed_id).last_error or "")
    assert says(database, feed_id, at=now + 3 * DAY)
    assert look(database, feed_id).last_error is None


def test_a_hub_that_refuses_or_is_away_is_named_and_asked_again(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    refusing, away = add("/gone"), add(f"http://127.0.0.1:{free_port()}/")
    ask(database, fetcher, now)
    assert look(database, refusing).last_error == "The hub 127.0.0.1 answered 404."
    assert "could not be reached" in (look(database, away).last_error or "")
    server.pages["/gone"] = Page(status=204)
    assert asks_at(database, fetcher, server, now, days=1)[0] == HOUR


def test_a_hub_in_the_own_network_is_not_asked(database: Database, server: Server, add: Add, now: datetime) -> None:
    feed_id, redirected = add(), add("/redirect")
    ask(database, Fetcher(contact_url="https://digest.example/"), now)
    assert server.requests == []
    for each in (feed_id, redirected):
        assert "not a public address" in (look(database, each).last_error or "")


def test_a_hub_that_redirects_into_the_own_network_is_not_followed(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    server.redirect("/away", "http://169.254.169.254/latest", status=308)
    feed_id = add("/away")
    ask(database, fetcher, now)
    assert "169.254.169.254 is not a public address" in (look(database, feed_id).last_error or "")


def test_a_hub_that_has_moved_is_followed(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    server.redirect("/old", "/hub", status=307)
    feed_id = add("/old")
    ask(database, fetcher, now)
    assert [path for path, _ in server.requests] == ["/old", "/hub"]
    assert look(database, feed_id).last_error is None


def test_a_hub_that_is_away_is_tried_once_for_all_its_feeds(
    database: Database, fetcher: Fetcher, server: Server, add: Add, now: datetime
) -> None:
    def hang_up(request: object) -> None:
        """Answer nothing."""

    server.pages["/away"] = hang_up
    feeds = [add("/away") for _ in range(5)]
    ask(database, fetcher, now)
    assert len(server.bodies) == 1
    assert all(look(database, feed_id).last_error for feed_id in feeds)


def test_many_feeds_are_asked_for_in_several_rounds(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    feeds = [add() for _ in range(hubs.ASK_AT_MOST + 5)]
    ask(database, fetcher, now)
    assert len(server.bodies) == hubs.ASK_AT_MOST
    ask(database, fetcher, now)
    assert {form["hub.callback"].rpartition("/")[2] for form in forms(server)} == set(map(str, feeds))
    assert len(server.bodies) == len(feeds)


def test_what_goes_wrong_with_one_hub_disturbs_no_other(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    feeds = [add() for _ in range(3)]

    def callback(feed_id: int) -> str:
        if feed_id == feeds[0]:
            raise LookupError
        return "https://digest.example/"

    renew(database, fetcher, standing_still(now), callback=callback)
    assert "LookupError" in (look(database, feeds[0]).last_error or "")
    assert len(server.bodies) == 2


@pytest.mark.parametrize("state", [FeedState.PAUSED, FeedState.GONE])
def test_nobody_is_asked_for_a_feed_that_is_not_polled(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime, state: FeedState
) -> None:
    add(state=state)
    ask(database, fetcher, now)
    assert server.bodies == []


def test_a_feed_of_our_own_has_no_hub(database: Database, add: Add) -> None:
    feed_id = add(local=True)
    with database.reading() as session:
        assert session.get(Hub, feed_id) is None


def test_the_same_offer_changes_nothing(database: Database, fetcher: Fetcher, add: Add, now: datetime) -> None:
    feed_id = add()
    ask(database, fetcher, now)
    says(database, feed_id, at=now)
    before = look(database, feed_id)
    offer(database, feed_id, HubOffer(before.url, before.topic_url), now=now + HOUR)
    assert look(database, feed_id) == before


@pytest.mark.parametrize("changed", ["hub", "topic"])
def test_another_hub_or_topic_begins_anew(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime, changed: str
) -> None:
    feed_id = add()
    ask(database, fetcher, now)
    says(database, feed_id, at=now)
    before = look(database, feed_id)
    server.pages["/new"] = Page(status=202)
    new = HubOffer(server.url("/new"), TOPIC) if changed == "hub" else HubOffer(server.url("/hub"), f"{TOPIC}/new")
    offer(database, feed_id, new, now=now + HOUR)
    ask(database, fetcher, now + HOUR)
    hub = look(database, feed_id)
    assert hub.secret != before.secret
    assert (hub.asked_at, hub.leased_until_at) == (now + HOUR, None)
    assert forms(server)[-1]["hub.topic"] == new.topic_url
    assert server.requests[-1][0] == ("/new" if changed == "hub" else "/hub")
    assert says(database, feed_id, at=now + HOUR) == (changed == "hub")


def test_a_feed_that_offers_no_hub_any_more_has_none(database: Database, add: Add, now: datetime) -> None:
    feed_id = add()
    for _ in range(2):
        offer(database, feed_id, None, now=now)
        with database.reading() as session:
            assert session.get(Hub, feed_id) is None


def test_what_we_did_not_ask_for_is_not_confirmed(
    database: Database, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    feed_id = add()
    assert not says(database, feed_id, at=now), "nobody was asked yet"
    ask(database, fetcher, now)
    assert not says(database, feed_id, at=now, topic=f"{TOPIC}/")
    assert not says(database, feed_id + 1, at=now)
    assert look(database, feed_id).leased_until_at is None


def test_a_confirmation_may_be_repeated_for_a_day_and_counts_once(
    database: Database, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    feed_id = add()
    ask(database, fetcher, now)
    assert says(database, feed_id, at=now)
    before = look(database, feed_id)
    assert says(database, feed_id, at=now + DAY, lease="9999999")
    assert not says(database, feed_id, at=now + DAY + timedelta(seconds=1))
    assert look(database, feed_id) == before


def test_a_hub_that_will_not_is_asked_once_a_day(
    database: Database, server: Server, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    feed_id = add()
    ask(database, fetcher, now)
    says(database, feed_id, at=now)
    for topic, why in ((f"{TOPIC}/other", "x"), (TOPIC, " not\0 for\r\nyou <b>" + "x" * 300)):
        with database.transaction() as session:
            note_denial(session, feed_id, topic_url=topic, reason=why, now=now + 3 * DAY)
    hub = look(database, feed_id)
    assert hub.leased_until_at is None
    assert (hub.last_error or "").startswith("The hub 127.0.0.1 refused: not for you <b>xxx")
    assert len(hub.last_error or "") < 300
    assert asks_at(database, fetcher, server, now + 3 * DAY, days=3) == [DAY, 2 * DAY, 3 * DAY]
    assert says(database, feed_id, at=now + 6 * DAY)
    assert look(database, feed_id).leased_until_at == now + 16 * DAY


def test_a_denial_is_an_answer_and_may_have_no_reason(
    database: Database, fetcher: Fetcher, add: Add, now: datetime
) -> None:
    feed_id = add()
    for error in (None, "The hub 127.0.0.1 refused and does not say why."):
        with database.transaction() as session:
            note_denial(session, feed_id, topic_url=TOPIC, reason="", now=now)
        assert look(database, feed_id).last_error == error
        ask(database, fetcher, now)


def test_a_hub_may_forget_what_we_do_not_ask_for(database: Database, add: Add) -> None:
    feed_id = add()
    with database.reading() as session:
        assert not is_unwanted(session, feed_id, topic_url=TOPIC)
        assert is_unwanted(session, feed_id, topic_url=f"{TOPIC}/old")
        assert is_unwanted(session, feed_id + 1, topic_url=TOPIC)


def test_a_removed_feed_takes_its_hub_along(database: Database, add: Add) -> None:
    feed_id = add()
    with database.transaction() as session:
        session.delete(session.get_one(Feed, feed_id))
    with database.reading() as session:
        assert session.get(Hub, feed_id) is None


@pytest.mark.parametrize(
    ("of_feed", "after", "at_once"),
    [
        ({}, timedelta(), True),
        ({"last_success_at": -HOUR}, timedelta(), True),
        ({"last_success_at": -timedelta(seconds=20)}, timedelta(seconds=40), False),
        ({"next_poll_at": timedelta(seconds=-5)}, timedelta(seconds=-5), False),
        ({"last_success_at": timedelta(), "next_poll_at": timedelta(seconds=9)}, timedelta(seconds=9), False),
        ({"failures": 1}, HOUR, False),
        ({"state": FeedState.PAUSED}, HOUR, False),
        ({"state": FeedState.GONE}, HOUR, False),
    ],
    ids=["new", "asked long ago", "asked just now", "due", "due soon", "failing or resting", "paused", "gone"],
)
def test_news_bring_the_next_poll_forward(
    database: Database, now: datetime, of_feed: dict[str, object], after: timedelta, at_once: bool
) -> None:
    values = {name: now + value if isinstance(value, timedelta) else value for name, value in of_feed.items()}
    with database.transaction() as session:
        feed = Feed(**{"url": "https://harbour.example/", "next_poll_at": now + HOUR} | values)
        session.add(feed)
        session.flush()
        assert make_due(session, feed.id or 0, now=now) == at_once
        assert feed.next_poll_at == now + after
        assert not make_due(session, feed.id or 0, now=now), "the second time there is nothing to do"
        assert feed.next_poll_at == now + after


def test_news_of_a_removed_feed_are_nothing(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        assert not make_due(session, 7, now=now)


methods = st.sampled_from(["sha1", "sha256", "sha384", "sha512"])


@given(st.lists(st.binary()), st.text(), methods, st.booleans())
def test_a_signature_over_all_parts_is_valid(parts: list[bytes], secret: str, method: str, capitals: bool) -> None:
    digest = hmac.new(secret.encode(), b"".join(parts), getattr(hashlib, method)).hexdigest()
    signature = Signature(f"{method}={digest.upper() if capitals else digest}", secret=secret)
    for part in parts:
        signature.add(part)
    assert signature.is_valid()


@given(st.text(), st.text())
def test_any_other_text_is_no_signature(given: str, prefix: str) -> None:
    for text in (given, f"sha256={given}", f"{prefix}={hashlib.sha256().hexdigest()}"):
        signature = Signature(text, secret="secret")
        signature.add(b"content")
        assert not signature.is_valid()


def test_the_signature_of_the_standard_test_is_known() -> None:
    """RFC 2202, 3, test 2, and RFC 4231, 4.3."""
    for text in (
        "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ):
        signature = Signature(text, secret="Jefe")
        signature.add(b"what do ya want ")
        signature.add(b"for nothing?")
        assert signature.is_valid()


@pytest.mark.parametrize("method", ["md5", "sha224", "sha3_256", "sha-256", "blake2b", ""])
def test_other_methods_are_not_taken(method: str) -> None:
    name = method if method in hashlib.algorithms_available else "sha256"
    digest = hmac.new(b"secret", b"", name).hexdigest()
    assert not Signature(f"{method}={digest}", secret="secret").is_valid()


@pytest.mark.parametrize(
    ("settings", "reachable"),
    [
        ({}, False),
        ({"BASE_URL": "https://digest.example.org/news"}, True),
        ({"BASE_URL": "http://93.184.215.14:8000"}, True),
        ({"BASE_URL": "http://localhost:8000"}, False),
        ({"BASE_URL": "http://digest"}, False),
        ({"BASE_URL": "http://digest.localhost"}, False),
        ({"BASE_URL": "https://digest.LOCAL"}, False),
        ({"BASE_URL": "http://127.0.0.1:8000"}, False),
        ({"BASE_URL": "http://192.168.1.5"}, False),
        ({"BASE_URL": "http://[::1]:8000"}, False),
        ({"BASE_URL": "http://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]"}, True),
        ({"BASE_URL": "https://digest.example.org", "WEBSUB": "off"}, False),
        ({"BASE_URL": "http://10.0.0.5", "WEBSUB": "on"}, True),
        ({"WEBSUB": "on"}, True),
    ],
)
def test_hubs_are_asked_where_they_can_reach_us(tmp_path: Path, settings: dict[str, str], reachable: bool) -> None:
    given = {f"DIGESTMAIL_{name}": value for name, value in settings.items()}
    assert hubs.is_reachable(load_settings(given, folder=tmp_path)) == reachable
