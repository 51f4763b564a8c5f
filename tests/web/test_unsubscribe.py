"""Leaving and coming back."""

import pytest
from sqlmodel import col, select

from digestmail.store.models import ConsentEvent
from digestmail.store.states import Standing
from digestmail.tokens import Purpose
from tests.web.conftest import Web
from tests.web.test_preferences import checked, hidden

ONE_CLICK = "List-Unsubscribe=One-Click"


def test_looking_at_the_links_changes_nothing(web: Web) -> None:
    reader = web.subscribe()
    before = web.rows()
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.UNDO, Purpose.PREFERENCES):
        page = web.client.get(web.link(purpose, reader))
        assert page.status_code == web.client.head(web.link(purpose, reader)).status_code == 200
        assert "<button" in page.text
    assert web.rows() == before


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": ONE_CLICK},
        {"content": b"\xff" * 100, "headers": {"content-type": "multipart/form-data; boundary=none"}},
        {},
    ],
    ids=["urlencoded", "multipart", "no type", "garbage", "empty"],
)
def test_one_click_acts_at_once_and_may_come_twice(web: Web, body: dict[str, object]) -> None:
    link = web.link(Purpose.UNSUBSCRIBE, web.subscribe())
    first = web.client.post(link, follow_redirects=False, **body)  # type: ignore[arg-type]
    assert web.subscriber().standing == Standing.UNSUBSCRIBED
    rows = web.rows()
    second = web.client.post(link, follow_redirects=False, **body)  # type: ignore[arg-type]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.text == second.text
    assert web.rows() == rows
    assert not first.headers.get("set-cookie")


def test_one_click_for_an_erased_reader_is_fine(web: Web) -> None:
    assert web.client.post(web.link(Purpose.UNSUBSCRIBE, 99)).status_code == 200


def test_the_page_shows_the_address_shortened(web: Web) -> None:
    page = web.client.get(web.link(Purpose.UNSUBSCRIBE, web.subscribe())).text
    assert "ma…@example.org" in page
    assert "maja@example.org" not in page


def test_a_reader_with_one_topic_is_offered_the_button_alone(web: Web) -> None:
    web.sign_up(topics=["city"])
    web.client.post(web.confirmation_link())
    page = web.client.get(web.link(Purpose.UNSUBSCRIBE, web.subscriber().id or 0)).text
    assert page.count("<button") == 1


def test_one_topic_can_be_dropped_and_put_back(web: Web) -> None:
    reader = web.subscribe()
    link = web.link(Purpose.UNSUBSCRIBE, reader)
    page = web.client.get(link).text
    assert page.index(f'action="{link}"') < page.index(f'action="{link}/topics"')
    assert "City" not in page
    answer = web.client.post(f"{link}/topics", data={"topics": ["labour", "city"]}).text
    assert "Your digests come without Labour from now on." in answer
    assert "You still get Climate." in answer
    assert "Tuesday, 24 November 2026, at 7:00" in answer
    assert web.subscriber().standing == Standing.ACTIVE
    back = web.client.post(web.link(Purpose.PREFERENCES, reader), data=hidden(answer)).text
    assert "You added Labour." in back
    assert checked(web.client.get(web.link(Purpose.PREFERENCES, reader)).text, "topics") == ["climate", "labour"]


@pytest.mark.parametrize(
    ("topics", "words"),
    [
        (["climate", "labour"], "These are all your topics."),
        ([], "Please choose what you want to drop."),
        (["city", "nonsense"], "Please choose what you want to drop."),
    ],
)
def test_dropping_all_or_none_does_nothing_and_says_why(web: Web, topics: list[str], words: str) -> None:
    link = web.link(Purpose.UNSUBSCRIBE, web.subscribe())
    before = web.rows()
    answer = web.client.post(f"{link}/topics", data={"topics": topics})
    assert answer.status_code == 422
    assert words in answer.text
    assert web.rows() == before


def test_who_has_left_or_is_gone_drops_nothing(web: Web) -> None:
    reader = web.subscribe()
    link = web.link(Purpose.UNSUBSCRIBE, reader)
    web.client.post(link)
    before = web.rows()
    for link in (web.link(Purpose.UNSUBSCRIBE, reader), web.link(Purpose.UNSUBSCRIBE, 99)):
        answer = web.client.post(f"{link}/topics", data={"topics": ["labour"]})
        assert answer.status_code == 200
        assert "Drop it" not in answer.text
    assert web.rows() == before


def test_the_page_says_until_when_an_undo_is_possible(web: Web) -> None:
    answer = web.client.post(web.link(Purpose.UNSUBSCRIBE, web.subscribe())).text
    assert "You can undo it until Tuesday, 22 December 2026." in answer


def test_a_reason_is_asked_for_afterwards_alone_and_the_last_one_is_kept(web: Web) -> None:
    link = web.link(Purpose.UNSUBSCRIBE, web.subscribe())
    assert "/reason" not in web.client.get(link).text
    before = web.rows()
    assert "Unsubscribe?" in web.client.post(f"{link}/reason", data={"reason": "other"}).text
    assert web.rows() == before
    assert f'action="{link}/reason"' in web.client.post(link).text
    web.client.post(f"{link}/reason", data={"reason": "other", "text": "x" * 400})
    answer = web.client.post(f"{link}/reason", data={"reason": "never signed up", "text": "Who\x00 <b>are</b>\nyou?"})
    assert answer.status_code == 200
    assert "Thank you for telling us" in answer.text
    assert web.link(Purpose.UNDO, web.subscriber().id or 0) in answer.text
    with web.database.reading() as session:
        reasons = session.exec(select(ConsentEvent.reason).order_by(col(ConsentEvent.id))).all()
    assert reasons[-1] == "never signed up: Who <b>are</b> you?"
    page = web.client.get("/operator").text
    assert "In the last 90 days 1 reader unsubscribed, of whom 1 said “never signed up”." in page
    assert "<bdi>Who &lt;b&gt;are&lt;/b&gt; you?</bdi>" in page
    assert "maja" not in page


def test_an_empty_answer_is_told_that_none_is_needed(web: Web) -> None:
    link = web.link(Purpose.UNSUBSCRIBE, web.subscribe())
    web.client.post(link)
    before = web.rows()
    answer = web.client.post(f"{link}/reason", data={"reason": "nonsense"})
    assert "just leave this page: you are unsubscribed." in answer.text
    assert web.rows() == before


def test_undo_brings_the_reader_back(web: Web) -> None:
    reader = web.subscribe()
    answer = web.client.post(web.link(Purpose.UNSUBSCRIBE, reader))
    undo = web.link(Purpose.UNDO, reader)
    assert f'action="{undo}"' in answer.text
    web.later(days=29)
    assert "Welcome back" in web.client.post(undo).text
    assert web.subscriber().standing == Standing.ACTIVE


def test_undo_after_thirty_days_says_so(web: Web) -> None:
    reader = web.subscribe()
    web.client.post(web.link(Purpose.UNSUBSCRIBE, reader))
    web.later(days=31)
    answer = web.client.post(web.link(Purpose.UNDO, reader))
    assert answer.status_code == 410
    assert "Too late to undo" in answer.text
    assert web.subscriber().standing == Standing.UNSUBSCRIBED


def test_a_tampered_token_does_nothing(web: Web) -> None:
    link = web.link(Purpose.UNSUBSCRIBE, web.subscribe())
    before = web.rows()
    for wrong in (link[:-1], link[:-1] + ("A" if link[-1] != "A" else "E"), link + "A", "/u/ä", "/u/" + "A" * 23):
        assert web.client.post(wrong).status_code == 404
    assert web.rows() == before


def test_a_token_opens_only_the_door_it_was_made_for(web: Web) -> None:
    reader = web.subscribe()
    preferences = web.tokens.make(Purpose.PREFERENCES, reader)
    assert web.client.post(f"/u/{preferences}").status_code == 404
    assert web.subscriber().standing == Standing.ACTIVE
