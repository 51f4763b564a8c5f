"""The button that sends the last digest again, and the page that says what becomes of it."""

import pytest
from sqlmodel import select

from digestmail.store.models import Delivery, Subscriber
from digestmail.store.states import Kind, State
from digestmail.subscribers.choices import set_topics
from digestmail.tokens import Purpose
from tests.web.conftest import Web
from tests.web.test_view import deliver, story

BUTTON = "Send me the last one again"


@pytest.fixture
def reader(web: Web) -> int:
    """One who has had a digest, ahead of UTC."""
    number = web.subscribe()
    deliver(web, number, story(1, 1), story(2, 2))
    with web.database.transaction() as session:
        for delivery in session.exec(select(Delivery).where(Delivery.kind == Kind.DIGEST)):
            delivery.state = State.SENT
    return number


def path(web: Web, reader: int) -> str:
    return f"{web.link(Purpose.PREFERENCES, reader)}/again"


def copies(web: Web) -> list[Delivery]:
    with web.database.reading() as session:
        return list(session.exec(select(Delivery).where(Delivery.kind == Kind.COPY)))


def test_the_button_stands_on_the_preferences_page_of_active_readers(web: Web, reader: int) -> None:
    preferences = web.link(Purpose.PREFERENCES, reader)
    page = web.client.get(preferences).text
    assert f'action="{preferences}/again" method="post"' in page
    assert BUTTON in page
    web.client.post(web.link(Purpose.UNSUBSCRIBE, reader))
    assert BUTTON not in web.client.get(preferences).text


def test_it_is_on_its_way_and_the_workers_are_told(web: Web, reader: int) -> None:
    rings = len(web.rings)
    answer = web.client.post(path(web, reader))
    assert answer.status_code == 200
    assert "It is on its way" in answer.text
    assert "maja@example.org" in answer.text
    assert f'href="{web.link(Purpose.PREFERENCES, reader)}"' in answer.text
    assert len(web.rings) == rings + 1
    assert web.client.post(path(web, reader)).text == answer.text
    assert len(copies(web)) == 1


def test_looking_leads_back_and_asks_for_nothing(web: Web, reader: int) -> None:
    before = web.rows()
    for answer in (web.client.get(path(web, reader)), web.client.head(path(web, reader))):
        assert answer.status_code == 200
        assert answer.url.path == web.link(Purpose.PREFERENCES, reader)
    assert web.rows() == before


def test_the_copys_link_shows_the_digest_of_its_day(web: Web, reader: int) -> None:
    web.later(days=3)
    web.client.post(path(web, reader))
    [copy] = copies(web)
    page = web.client.get(f"/d/{web.tokens.make(Purpose.VIEW, copy.id or 0)}")
    assert "Headline number 1" in page.text
    assert "Tuesday, 24 November 2026" in page.text


def test_the_copy_of_a_welcome_shows_a_welcome(web: Web) -> None:
    number = web.subscribe()
    deliver(web, number, story(1, 1), kind=Kind.WELCOME)
    with web.database.transaction() as session:
        for delivery in session.exec(select(Delivery).where(Delivery.kind == Kind.WELCOME)):
            delivery.state = State.SENT
    web.client.post(path(web, number))
    [copy] = copies(web)
    page = web.client.get(f"/d/{web.tokens.make(Purpose.VIEW, copy.id or 0)}")
    assert "This is your first digest" in page.text


def test_after_some_the_page_says_when_it_may_be_asked_for_again(web: Web, reader: int) -> None:
    for _ in range(3):
        assert "It is on its way" in web.client.post(path(web, reader)).text
        with web.database.transaction() as session:
            for copy in session.exec(select(Delivery).where(Delivery.kind == Kind.COPY)):
                copy.state = State.SENT
        web.later(minutes=2)
    rings = len(web.rings)
    page = web.client.post(path(web, reader))
    assert page.status_code == 200
    assert "We have sent it already" in page.text
    assert "Tuesday, 24 November" in page.text
    assert "Berlin time" in page.text
    assert len(web.rings) == rings
    assert len(copies(web)) == 3


def test_who_had_no_digest_yet_is_told_so_and_of_the_next(web: Web) -> None:
    page = web.client.post(path(web, web.subscribe()))
    assert "There is no digest to send again" in page.text
    assert "Your next digest comes on" in page.text
    assert copies(web) == []


def test_who_chose_other_topics_is_told_so(web: Web, reader: int) -> None:
    with web.database.transaction() as session:
        set_topics(session, reader, frozenset({3}))
    assert "has nothing for you now" in web.client.post(path(web, reader)).text
    assert copies(web) == []


def test_who_has_left_is_told_so(web: Web, reader: int) -> None:
    web.client.post(web.link(Purpose.UNSUBSCRIBE, reader))
    assert "No mail goes to you" in web.client.post(path(web, reader)).text
    assert copies(web) == []


def test_it_is_said_in_the_readers_language(web: Web, reader: int) -> None:
    with web.database.transaction() as session:
        session.get_one(Subscriber, reader).locale = "es"
    page = web.client.post(path(web, reader))
    assert page.headers["content-language"] == "es"
    assert "Va en camino" in page.text
    asked = web.client.get(f"{path(web, reader)}?lang=ar", follow_redirects=False)
    assert asked.headers["location"].endswith("?lang=ar")


def test_a_link_for_another_purpose_or_of_nobody_asks_for_nothing(web: Web, reader: int) -> None:
    before = web.rows()
    for token in (web.tokens.make(Purpose.UNSUBSCRIBE, reader), web.tokens.make(Purpose.PREFERENCES, 99), "x"):
        assert web.client.post(f"/p/{token}/again").status_code == 404
    assert web.rows() == before
