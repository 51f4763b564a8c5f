"""The operator's page and the probe."""

from collections.abc import Callable

import pytest

from digestmail.feeds.manage import add_feed
from tests.web.conftest import Web


def test_the_page_shows_counts_and_the_health_of_feeds(web: Web) -> None:
    web.subscribe()
    with web.database.transaction() as session:
        feed = add_feed(session, url="https://example.org/feed.xml", topics=["climate"], now=web.now)
        feed.failures, feed.last_error = 3, "The server answered <503>."
    page = web.client.get("/operator").text
    assert "<dt>Active subscribers</dt><dd>1</dd>" in page
    assert "<dt>Topics</dt><dd>3</dd>" in page
    assert "Tuesday, 24 November 2026, at 6:00" in page
    assert "The server answered &lt;503&gt;. (3 times)" in page
    assert "maja" not in page


def test_an_empty_installation_has_a_page_too(make_web: Callable[..., Web]) -> None:
    page = make_web(topics=False).client.get("/operator")
    assert page.status_code == 200
    assert "There are no feeds yet" in page.text


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
    make_web: Callable[..., Web], caller: str, name: str, status: int
) -> None:
    web = make_web(SMTP_URL="smtp://127.0.0.1:2525", client=(caller, 50000))
    assert web.client.get("/operator", headers={"host": name}).status_code == status


def test_the_probe_is_well_while_the_database_answers(web: Web) -> None:
    answer = web.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    with web.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE topics RENAME TO lost")
    answer = web.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"ok": False})
