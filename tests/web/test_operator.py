"""The operator's page and the probe."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlmodel import update

from digestmail.deliveries.heartbeat import beat
from digestmail.deliveries.owner import this_process
from digestmail.feeds.manage import add_feed
from digestmail.store.models import Bounce, Delivery, Edition, Item, Suppression
from digestmail.store.states import Bounced, FeedState, Kind, State, Trouble
from tests.web.conftest import Web


def test_the_page_shows_counts_and_the_health_of_feeds(web: Web) -> None:
    web.subscribe()
    with web.database.transaction() as session:
        feed = add_feed(session, url="https://example.org/feed.xml", topics=["climate"], now=web.now)
        feed.failures, feed.last_error = 3, "The server answered <503>."
        feed.failing_since_at = web.now - timedelta(hours=2)
    page = web.client.get("/operator").text
    assert "<dt>Active subscribers</dt><dd>1</dd>" in page
    assert "<dt>Topics</dt><dd>3</dd>" in page
    assert "Tuesday, 24 November 2026, at 6:00" in page
    since = "Could not be read even once since Monday, 23 Nov, 10:00 UTC"
    assert f"{since}: The server answered &lt;503&gt;." in page
    assert "1 of 1 needs you." in page
    assert "maja" not in page


def test_an_empty_installation_has_a_page_too(make_web: Callable[..., Web]) -> None:
    page = make_web(topics=False).client.get("/operator")
    assert page.status_code == 200
    assert "There are no feeds yet" in page.text


@pytest.mark.parametrize("page", ["/operator", "/metrics"])
@pytest.mark.parametrize(
    ("caller", "name", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8000", 200),
        ("127.0.0.1", "localhost:9999", 200),
        ("::1", "[::1]:8000", 200),
        ("192.0.2.7", "localhost:8000", 403),
        ("127.0.0.1", "digest.example.org", 403),
    ],
)
def test_once_mail_leaves_only_the_machine_itself_may_look(
    make_web: Callable[..., Web], caller: str, name: str, status: int, page: str
) -> None:
    web = make_web(SMTP_URL="smtp://127.0.0.1:2525", client=(caller, 50000))
    assert web.client.get(page, headers={"host": name}).status_code == status


def test_the_probe_is_well_while_the_database_answers(web: Web) -> None:
    answer = web.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    with web.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE topics RENAME TO lost")
    answer = web.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"ok": False})


def test_the_accounts_are_metrics_too(web: Web) -> None:
    web.subscribe()
    with web.database.transaction() as session:
        beat(session.connection(), this_process(), looks=1)
        add_feed(session, url="https://example.org/feed.xml", topics=["climate"], now=web.now)
        add_feed(session, url="https://example.org/gone.xml", topics=["climate"], now=web.now).state = FeedState.GONE
    answer = web.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert found["digestmail_deliveries_planned", "confirmation"] == 1
    assert found["digestmail_deliveries_missing", "confirmation"] == 0
    by_state = {key[2]: value for key, value in found.items() if key[:2] == ("digestmail_deliveries", "confirmation")}
    assert set(by_state) == set(State)
    assert sum(by_state.values()) == 1
    assert found["digestmail_workers",] == 1
    feeds = {key[1]: value for key, value in found.items() if key[0] == "digestmail_feeds"}
    assert feeds == dict.fromkeys((*Trouble, "none"), 0) | {"gone": 1, "none": 1}


def test_what_came_back_is_shown_and_counted(web: Web) -> None:
    readers = [web.subscribe(f"r{number}@strict.example") for number in range(5)]
    assert "Came back" not in web.client.get("/operator").text
    with web.database.transaction() as session:
        for reader in readers:
            values = {"subscriber_id": reader, "source": "dsn", "at": web.now}
            session.add(Bounce(fingerprint=str(reader), kind=Bounced.POLICY, **values))
        session.add(Suppression(email_key="gone@example.org", reason="hard bounce", created_at=web.now))
    page = " ".join(web.client.get("/operator").text.split())
    assert "0 hard, 0 soft, 5 policy, 0 complaint" in page
    assert "strict.example refused 5 messages by its policy." in page
    metrics = web.client.get("/metrics").text
    for line in ('bounces{kind="policy"} 5.0', 'refused{domain="strict.example"} 5.0', "suppressed 1.0"):
        assert f"digestmail_{line}" in metrics


def test_the_page_says_what_needs_the_operator(web: Web) -> None:
    web.subscribe()
    with web.database.transaction() as session:
        times = {"published_at": web.now, "seen_at": web.now}
        session.add(Item(url="https://example.org/1", link_key="", title="Strange", broken="no <filter>", **times))
        session.connection().execute(update(Delivery).values(state=State.HELD))
        session.add(
            Edition(kind=Kind.DIGEST, since_at=web.now, slot_at=web.now, cutoff_at=web.now, content="", planned=2)
        )
    page = web.client.get("/operator").text
    assert "no worker shows a sign of life" not in page
    assert "2 planned deliveries are in no state" in page
    assert "digestmail deliveries list" in page
    assert "no &lt;filter&gt;" in page
    with web.database.transaction() as session:
        late = web.now - timedelta(minutes=11)
        session.connection().execute(update(Delivery).values(state=State.DUE, due_at=late))
    assert "no worker shows a sign of life" in web.client.get("/operator").text
    with web.database.transaction() as session:
        beat(session.connection(), this_process(), looks=1)
    assert "no worker shows a sign of life" not in web.client.get("/operator").text
