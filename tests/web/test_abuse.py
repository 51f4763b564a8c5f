"""Sign-ups that are none: what the form answers, and what it does."""

import html
import logging
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session, text
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from digestmail.language import language_of
from digestmail.messages.confirmation import LetterComposer
from digestmail.messages.publication import Publication
from digestmail.store.database import Database
from digestmail.store.models import Subscriber, Suppression
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind
from digestmail.subscribers.rush import confirmations_asked
from digestmail.subscribers.sign_up import LINK_LIFETIME
from digestmail.web.guard.metronome import TICK_SECONDS
from digestmail.web.guard.verdict import Rules
from tests.web.conftest import Web

FORM = {"email": "maja@example.org", "topics": ["climate", "labour"], "hour": "19", "time_zone": "Asia/Tokyo"}
PATHS = ("/sign-up", "/embed/form")
USUAL = Rules()


def fields(page: str) -> dict[str, list[str]]:
    """The hidden fields of a page's form."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page):
        found.setdefault(name, []).append(html.unescape(value))
    return found


def mails(web: Web) -> int:
    return len(web.rows()["deliveries"])


def rush(web: Web, number: int) -> None:
    """So many confirmation mails were asked for a while ago."""
    with web.database.transaction() as session:
        for each in range(number):
            email = f"other{each}@example.net"
            person = Subscriber(email=email, email_key=email, created_at=web.now)
            session.add(person)
            session.flush()
            ask_for(session, Kind.CONFIRMATION, person.id or 0, now=web.now - timedelta(minutes=30))


@pytest.mark.parametrize("path", PATHS)
def test_the_trap_is_answered_like_a_sign_up_and_nothing_is_done(make_web: Callable[..., Web], path: str) -> None:
    web = make_web()
    before = web.rows()
    trapped = web.client.post(path, data=FORM | {"remarks": "Buy now"})
    assert web.rows() == before
    usual = web.client.post(path, data=FORM)
    assert (trapped.status_code, trapped.text) == (usual.status_code, usual.text)
    assert dict(trapped.headers) == dict(usual.headers)
    assert mails(web) == 1


@pytest.mark.parametrize("path", PATHS)
def test_a_form_that_was_sent_at_once_is_asked_one_step_and_keeps_what_was_typed(
    make_web: Callable[..., Web], path: str
) -> None:
    web = make_web(rules=USUAL)
    stamp = fields(web.client.get("/").text)["stamp"]
    asked = web.client.post(path, data=FORM | {"stamp": stamp, "lang": "es", "days": ["mon", "fri"]})
    assert asked.status_code == 429
    assert "Un paso más" in asked.text
    assert not mails(web)
    kept = fields(asked.text)
    assert kept["email"] == ["maja@example.org"]
    assert kept["topics"] == ["climate", "labour"]
    early = web.client.post(path, data=kept)
    assert fields(early.text)["step"] == kept["step"]  # so that pressing again and again costs nothing
    web.later(seconds=5)
    assert web.client.post(path, data=kept).status_code == 200
    reader = web.subscriber()
    if path == "/sign-up":
        assert (reader.hour, reader.time_zone, reader.locale) == (19, "Asia/Tokyo", "es")
    assert mails(web) == 1


def test_a_form_that_a_person_filled_in_is_taken(make_web: Callable[..., Web]) -> None:
    web = make_web(rules=USUAL)
    stamp = fields(web.client.get("/").text)["stamp"]
    web.later(seconds=3)
    assert web.sign_up(stamp=stamp) == 200
    assert mails(web) == 1


def test_a_form_that_stood_open_over_night_is_asked_one_step(make_web: Callable[..., Web]) -> None:
    web = make_web(rules=USUAL)
    stamp = fields(web.client.get("/embed/form").text)["stamp"]
    web.later(hours=25)
    assert web.sign_up(stamp=stamp) == 429


def test_a_class_behind_one_address_signs_up_unasked_and_the_next_ones_are_asked(web: Web) -> None:
    statuses = [web.sign_up(f"pupil{number}@example.org") for number in range(31)]
    assert statuses == [200] * 30 + [429]
    asked = web.client.post("/sign-up", data=FORM)
    web.later(seconds=5)
    assert web.client.post("/sign-up", data=fields(asked.text)).status_code == 200
    assert mails(web) == 31


def test_mistakes_are_not_counted_as_people(web: Web) -> None:
    assert {web.sign_up("maja@") for _ in range(50)} == {422}
    assert web.sign_up() == 200


def test_a_network_that_does_not_stop_is_told_when_to_come_again(web: Web) -> None:
    for _ in range(200):
        web.sign_up()
    answer = web.client.post("/sign-up", data=FORM | {"email": "new@example.org"})
    assert answer.status_code == 429
    assert "Too many sign-ups from your network" in answer.text
    assert answer.headers["retry-after"] == "3600"
    web.later(minutes=60)
    assert web.sign_up("new@example.org") == 200


def test_in_a_rush_everybody_is_asked_and_the_operator_is_told_once(
    make_web: Callable[..., Web], caplog: pytest.LogCaptureFixture
) -> None:
    web = make_web(SIGN_UPS_AN_HOUR="20")
    rush(web, 20)
    with caplog.at_level(logging.WARNING, logger="digestmail"):
        answers = [web.client.post("/sign-up", data=FORM) for _ in range(3)]
        web.later(seconds=5)
        assert web.client.post("/sign-up", data=fields(answers[0].text)).status_code == 200
    assert {answer.status_code for answer in answers} == {429}
    assert mails(web) == 21
    assert [record.message for record in caplog.records if "SIGN_UPS_AN_HOUR" in record.message] != []
    assert sum("SIGN_UPS_AN_HOUR" in record.message for record in caplog.records) == 1
    assert "are asked one more step" in web.client.get("/operator").text


def test_in_a_flood_a_network_with_many_is_told_to_wait_and_a_new_one_gets_through(
    make_web: Callable[..., Web],
) -> None:
    web = make_web(SIGN_UPS_AN_HOUR="5")
    rush(web, 10)
    answers = [web.client.post("/sign-up", data=FORM) for _ in range(7)]
    assert {answer.status_code for answer in answers} == {429}
    assert ["One more step" in answer.text for answer in answers] == [True] * 6 + [False]
    closed = answers[-1]
    assert "Very many people sign up at this moment" in closed.text
    assert closed.headers["retry-after"] == "3600"
    other = type(web.client)(web.client.app, client=("198.51.100.9", 1))
    asked = other.post("/embed/form", data=FORM)
    web.later(seconds=5)
    assert other.post("/embed/form", data=fields(asked.text)).status_code == 200
    assert mails(web) == 11


def test_a_quiet_hour_has_no_line_on_the_operators_page(web: Web) -> None:
    web.sign_up()
    assert "are asked one more step" not in web.client.get("/operator").text


def test_confirmations_of_the_last_hour_are_counted_by_their_index(database: Database, web: Web) -> None:
    now = web.now
    with database.transaction() as session:
        session.add(Subscriber(id=1, email="a@example.org", email_key="a@example.org", created_at=now))
        session.flush()
        for kind, minutes in (
            (Kind.CONFIRMATION, 10),
            (Kind.CONFIRMATION, 59),
            (Kind.CONFIRMATION, 61),
            (Kind.REMINDER, 1),
        ):
            ask_for(session, kind, 1, now=now - timedelta(minutes=minutes))
    with database.reading() as session:
        assert confirmations_asked(session, since=now - timedelta(hours=1)) == 2
        assert "ix_deliveries_confirmations" in plan(session, database)


def plan(session: Session, database: Database) -> str:
    """How the database would count."""
    if not database.is_sqlite:
        session.exec(text("SET LOCAL enable_seqscan = off"))  # type: ignore[call-overload]  # which few rows are read by
    asked = "SELECT count(*) FROM deliveries WHERE kind = 'confirmation' AND created_at > '2026-11-23 11:00:00'"
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    return str(session.connection().exec_driver_sql(explain + asked).fetchall())


@pytest.mark.parametrize("path", PATHS)
def test_known_and_unknown_suppressed_and_limited_addresses_are_answered_alike(web: Web, path: str) -> None:
    """The answer differs in nothing, and comes after a whole number of ticks; the sleeping itself is counted here."""
    web.subscribe("known@example.org")
    with web.database.transaction() as session:
        session.add(Suppression(email_key="gone@example.org", reason="complaint", created_at=web.now))
    web.sign_up("often@example.org")
    answers = []
    for email in ("known@example.org", "new@example.org", "gone@example.org", "often@example.org"):
        web.sleeps.clear()
        answer = web.client.post(path, data=FORM | {"email": email})
        answers.append(
            (answer.status_code, answer.text.replace(email, "…"), dict(answer.headers) | {"content-length": ""})
        )
        assert len(web.sleeps) == 1
        assert 0 <= web.sleeps[0] <= TICK_SECONDS
    assert all(answer == answers[0] for answer in answers)


def test_only_posts_are_held_back(web: Web) -> None:
    for path in ("/", "/embed", "/embed/form", "/embed.js"):
        web.client.get(path)
    assert not web.sleeps


HOSTILE = "</title><script>x</script> https://evil.example/{{ 7*7 }}\r\nBcc: all@example.org"


@pytest.mark.parametrize("path", PATHS)
def test_nothing_that_was_typed_stands_in_the_mail(web: Web, path: str) -> None:
    """The letter to a reader whose form was hostile is the letter to any other, but for its recipient and its link."""
    typed = dict.fromkeys(("lang", "work", "success", "unknown"), HOSTILE)
    hostile = FORM | {"email": "hostile@example.org"}
    headers = {"User-Agent": HOSTILE.replace("\r\n", " "), "Accept-Language": HOSTILE.replace("\r\n", " ")}
    assert web.client.post(path, data=typed | hostile, headers=headers).status_code == 200
    assert web.client.post(path, data=FORM).status_code == 200
    letters = [
        LetterComposer(Publication.of(web.site.settings), web.tokens, language_of(locale))
        .compose(Kind.CONFIRMATION, delivery_id=1, subscriber_id=1, recipient="reader@example.org", date_at=web.now)
        .data
        for locale in (web.subscriber("hostile@example.org").locale, web.subscriber().locale)
    ]
    assert letters[0] == letters[1]
    assert b"evil.example" not in letters[0]


@pytest.mark.parametrize("field", ["hour", "time_zone", "topics", "days", "email"])
def test_a_hostile_choice_is_refused(web: Web, field: str) -> None:
    assert web.client.post("/sign-up", data=FORM | {field: HOSTILE}).status_code == 422
    assert not mails(web)


@pytest.mark.parametrize(
    ("caller", "network"),
    [("127.0.0.1", "203.0.113.0/24"), ("10.9.8.7", "203.0.113.0/24"), ("192.0.2.7", "192.0.2.0/24")],
)
def test_the_callers_address_is_believed_of_the_trusted_proxies_alone(
    make_web: Callable[..., Web], caller: str, network: str
) -> None:
    web = make_web(TRUSTED_PROXIES="127.0.0.1, 10.0.0.0/8")
    app = ProxyHeadersMiddleware(web.client.app, web.site.settings.trusted_proxies)  # type: ignore[arg-type]
    behind = TestClient(app, client=(caller, 50000))  # type: ignore[arg-type]
    behind.post("/sign-up", data=FORM, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    [event] = web.rows()["consent_events"]
    assert network in event


def test_a_link_that_came_too_late_mails_no_more_than_the_form_does(web: Web) -> None:
    web.sign_up()
    link = web.confirmation_link()
    statuses = []
    for _ in range(5):
        web.later(seconds=LINK_LIFETIME.total_seconds() + 1)
        statuses += [web.client.post(f"{link}/again").status_code for _ in range(3)]
    assert set(statuses) == {200}
    assert mails(web) == 3
