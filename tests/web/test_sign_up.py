"""The sign-up form."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from digestmail.store.states import Kind, Standing
from digestmail.tokens import Purpose
from tests.web.conftest import Web
from tests.web.test_taste import CLIMATE, LABOUR, publish


def test_the_form_offers_each_topic_with_its_description(web: Web) -> None:
    page = web.client.get("/").text
    assert "The Harbour Courier" in page
    assert "City &amp; Hall" in page
    assert "All about climate." in page
    assert "Sign up to our daily digest" in page


def test_the_form_starts_at_seven_in_the_zone_of_the_publication(make_web: Callable[..., Web]) -> None:
    page = make_web(DEFAULT_TIME_ZONE="Pacific/Auckland").client.get("/").text
    assert '<option value="7" selected>' in page
    assert '<option value="Pacific/Auckland" selected>' in page
    assert "data-guess" in page


def test_the_address_of_the_form_ticks_topics(web: Web) -> None:
    assert ticked(web.client.get("/?topics=climate,city,none").text) == {"climate", "city"}
    assert ticked(web.client.get("/").text) == set()


def test_the_form_says_how_much_each_topic_brings(web: Web) -> None:
    for day in range(27):
        publish(web, "News", CLIMATE, LABOUR, ago=timedelta(days=day))
        publish(web, "More news", CLIMATE, ago=timedelta(days=day))
    page = web.client.get("/").text
    paces = re.findall(r'<span class="row-name"[^>]*>([^<]+)</span>\s*<span[^>]*><span class="row-pace">([^<]+)<', page)
    assert paces == [
        ("Climate", "about 2 stories a day"),
        ("Labour", "about one story a day"),
        ("City &amp; Hall", "a new topic"),
    ]


def test_nothing_is_said_of_paces_while_none_is_known(web: Web) -> None:
    publish(web, "News", CLIMATE)
    assert "row-pace" not in web.client.get("/").text


def test_paces_are_counted_now_and_then(web: Web) -> None:
    publish(web, "News", CLIMATE, ago=timedelta(days=27))
    before = web.client.get("/").text
    assert "a story now and then" in before
    for _ in range(56):
        publish(web, "News", CLIMATE)
    assert web.client.get("/").text == before
    web.later(minutes=5)
    assert "about 2 stories a day" in web.client.get("/").text


def test_the_form_tells_search_engines_and_cards_what_it_is(make_web: Callable[..., Web]) -> None:
    web = make_web(BASE_URL="https://example.org/digest")
    page = web.client.get("/?topics=climate").text
    assert "<title>The daily digest by mail · The Harbour Courier</title>" in page
    assert '<link rel="canonical" href="https://example.org/digest/">' in page
    assert '<link rel="canonical" href="https://example.org/digest/?lang=es">' in web.client.get("/?lang=es").text
    assert '<meta property="og:url" content="https://example.org/digest/">' in page
    assert re.search('<meta name="description" content="The daily digest of The Harbour Courier: [^"]+">', page)
    assert "noindex" not in page
    assert "og:image" not in page
    logo = make_web(LOGO_URL="https://courier.example/logo.png", LOGO_SIZE="200x40").client.get("/").text
    assert '<meta property="og:image" content="https://courier.example/logo.png">' in logo


def test_without_topics_the_page_names_the_commands(make_web: Callable[..., Web]) -> None:
    page = make_web(topics=False).client.get("/").text
    assert "digestmail topic add" in page
    assert "digestmail feed add" in page
    assert "<form" not in page


def test_a_sign_up_is_kept_and_the_doorbell_rung_after_it(web: Web) -> None:
    assert web.sign_up() == 200
    subscriber = web.subscriber()
    assert (subscriber.standing, subscriber.hour, subscriber.time_zone) == (Standing.PENDING, 7, "Europe/Berlin")
    assert [row[1] for row in web.rows()["deliveries"]] == [Kind.CONFIRMATION]
    assert len(web.rings) == 1


@pytest.mark.parametrize(("days", "bits"), [("daily", 0b1111111), ("weekdays", 0b0011111), ("sun", 0b1000000)])
def test_a_sign_up_keeps_the_days(web: Web, days: str, bits: int) -> None:
    assert web.sign_up(days=days) == 200
    assert web.subscriber().days == bits


def test_a_form_that_names_no_days_means_every_day(web: Web) -> None:
    web.sign_up()
    assert web.subscriber().days == 0b1111111


def test_the_consent_record_keeps_the_network_of_the_caller_alone(web: Web) -> None:
    web.sign_up()
    (event,) = web.rows()["consent_events"]
    assert "192.0.2.0/24" in event
    assert "192.0.2.7" not in event


def test_wrong_input_keeps_what_was_typed_and_says_what_is_wrong_beside_each_field(web: Web) -> None:
    typed = {"email": 'no"address', "topics": "labour", "hour": "19", "days": "thu", "time_zone": "Asia/Tokyo"}
    answer = web.client.post("/sign-up", data=typed)
    assert answer.status_code == 422
    assert 'value="no&#34;address"' in answer.text
    assert ticked(answer.text) == {"labour"}
    assert '<option value="19" selected>' in answer.text
    assert '<option value="Asia/Tokyo" selected>' in answer.text
    assert '<option value="thu" selected>' in answer.text
    assert re.search(">19:00</bdi>.*>Once a week: Thursday</bdi>.*>Tokyo</bdi>", answer.text)
    assert '<details class="when">' in answer.text
    assert "data-guess" not in answer.text
    field = re.search(r'<input id="email"[^>]*>', answer.text)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert 'aria-describedby="email-problem"' in field[0]
    assert 'id="email-problem"' in answer.text
    assert not web.rings


@pytest.mark.parametrize("wrong", [{"hour": "25"}, {"days": "someday"}, {"time_zone": "Mars/Olympus"}])
def test_the_fields_behind_the_line_come_forward_where_one_is_wrong(web: Web, wrong: dict[str, str]) -> None:
    page = web.client.post("/sign-up", data={"email": "maja@example.org", "topics": "climate"} | wrong).text
    assert '<details class="when" open>' in page


def test_several_days_from_a_form_elsewhere_are_shown_again(web: Web) -> None:
    page = web.client.post("/sign-up", data={"email": "no", "topics": "climate", "days": ["mon", "thu"]}).text
    assert set(re.findall(r'name="days" value="([a-z]+)" checked', page)) == {"mon", "thu"}


def test_all_faults_are_told_at_once(web: Web) -> None:
    page = web.client.post("/sign-up", data={"hour": "25", "days": "someday", "time_zone": "Mars/Olympus"}).text
    for field in ("email", "topics", "hour", "days", "time_zone"):
        assert f'id="{field}-problem"' in page
        assert f'href="#{field}"' in page
    assert not web.rows()["subscribers"]


@pytest.mark.parametrize("standing", ["pending", "active", "unsubscribed"])
def test_the_answer_is_the_same_for_a_known_address(web: Web, standing: str) -> None:
    form = {"email": "maja@example.org", "topics": "climate", "hour": "7", "time_zone": "UTC"}
    first = web.client.post("/sign-up", data=form)
    if standing != "pending":
        web.client.post(web.confirmation_link())
    if standing == "unsubscribed":
        web.client.post(web.link(Purpose.UNSUBSCRIBE, web.subscriber().id or 0))
    again = web.client.post("/sign-up", data=form)
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert dict(again.headers) == dict(first.headers)


def test_the_page_links_to_the_local_inbox_only_while_mail_stays_here(make_web: Callable[..., Web]) -> None:
    form = {"email": "maja@example.org", "topics": "climate"}
    assert 'href="/inbox"' in make_web().client.post("/sign-up", data=form).text
    relayed = make_web(SMTP_URL="smtp://127.0.0.1:2525")
    assert 'href="/inbox"' not in relayed.client.post("/sign-up", data=form).text


def test_a_base_url_with_a_path_is_part_of_every_link(make_web: Callable[..., Web]) -> None:
    page = make_web(BASE_URL="https://example.org/digest").client.get("/").text
    assert 'action="/digest/sign-up"' in page
    assert set(re.findall(r'(?:href|src|action)="(/[^/"]*)/', page)) == {"/digest"}


def ticked(page: str) -> set[str]:
    return set(re.findall(r'name="topics" value="([^"]+)" checked', page))
