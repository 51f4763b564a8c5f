"""The confirmation link."""

from digestmail.store.states import Kind, Standing
from digestmail.tokens import Purpose
from tests.web.conftest import Web


def test_looking_at_the_link_changes_nothing(web: Web) -> None:
    web.sign_up()
    before = web.rows()
    page = web.client.get(web.confirmation_link())
    assert page.status_code == web.client.head(web.confirmation_link()).status_code == 200
    assert page.text.count("<button") == 1
    assert "Confirm my subscription" in page.text
    assert web.rows() == before


def test_the_button_confirms_and_says_when_the_first_daily_digest_comes(web: Web) -> None:
    web.sign_up()
    answer = web.client.post(web.confirmation_link())
    assert answer.status_code == 200
    assert "Tuesday, 24 November 2026, at 7:00" in answer.text
    assert "(Berlin time)" in answer.text
    assert web.subscriber().standing == Standing.ACTIVE
    assert [row[1] for row in web.rows()["deliveries"]] == [Kind.CONFIRMATION, Kind.WELCOME]
    assert len(web.rings) == 2


def test_a_second_press_is_answered_kindly_and_does_nothing(web: Web) -> None:
    web.subscribe()
    before = web.rows()
    assert "You are in already" in web.client.post(web.confirmation_link()).text
    assert "You are in already" in web.client.get(web.confirmation_link()).text
    assert web.rows() == before
    assert len(web.rings) == 2


def test_a_link_that_came_too_late_offers_a_fresh_one(web: Web) -> None:
    web.sign_up()
    link = web.confirmation_link()
    web.later(hours=49)
    for answer in (web.client.get(link), web.client.post(link)):
        assert "This link has expired" in answer.text
        assert f'action="{link}/again"' in answer.text
    assert web.subscriber().standing == Standing.PENDING
    assert "Check your inbox" in web.client.post(f"{link}/again").text
    assert [row[1] for row in web.rows()["deliveries"]] == [Kind.CONFIRMATION] * 2
    assert len(web.rings) == 2


def test_a_link_for_nothing_is_not_found_and_helps(web: Web) -> None:
    for token in ("damaged", web.tokens.make(Purpose.CONFIRM, 99), web.tokens.make(Purpose.UNDO, 1)):
        for answer in (web.client.get(f"/c/{token}"), web.client.post(f"/c/{token}")):
            assert answer.status_code == 404
            assert "open the mail again" in answer.text
