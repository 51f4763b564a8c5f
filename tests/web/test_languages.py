"""In which language a page is, and what a reader's language does."""

import re
from collections.abc import Callable

import pytest

from digestmail.store.states import Kind
from digestmail.tokens import Purpose
from tests.web.conftest import Web

FORM = {"topics": "climate", "hour": "7", "time_zone": "Europe/Madrid", "days": ["mon"]}


def language(page: str) -> str:
    found = re.search(r'<html lang="([\w-]+)" dir="(ltr|rtl)">', page)
    assert found
    assert (found[1] == "ar") == (found[2] == "rtl")
    return found[1]


@pytest.mark.parametrize(
    ("code", "words"), [("en", "Email address"), ("es", "Dirección de correo"), ("ar", "البريد الإلكتروني")]
)
def test_the_form_is_in_the_language_that_its_address_asks_for(web: Web, code: str, words: str) -> None:
    answer = web.client.get(f"/?lang={code}", headers={"Accept-Language": "ar, es"})
    assert language(answer.text) == answer.headers["content-language"] == code
    assert "vary" not in answer.headers
    assert words in answer.text
    assert f'name="lang" value="{code}"' in answer.text


def test_else_it_is_in_the_language_that_the_browser_likes_best(web: Web) -> None:
    answer = web.client.get("/", headers={"Accept-Language": "de, es-AR;q=0.8, en;q=0.5"})
    assert language(answer.text) == answer.headers["content-language"] == "es"
    assert answer.headers["vary"] == "Accept-Language"
    assert language(web.client.get("/?lang=tlh", headers={"Accept-Language": "ar"}).text) == "ar"


def test_else_it_is_in_the_language_of_the_publication(make_web: Callable[..., Web]) -> None:
    client = make_web(LANGUAGE="es-ES").client
    assert language(client.get("/", headers={"Accept-Language": "de, *;q=0.1"}).text) == "es"
    assert language(client.get("/", headers={"Accept-Language": "en"}).text) == "en"


def test_the_form_links_to_itself_in_each_other_language_with_what_is_ticked(web: Web) -> None:
    page = web.client.get("/?lang=es&topics=climate,city").text
    links = re.findall(r'<a href="/\?lang=(\w+)&(?:amp;)?topics=climate(?:,|%2C)city" hreflang="(\w+)">([^<]+)<', page)
    assert links == [("en", "en", "English"), ("ar", "ar", "العربية")]
    assert '<span aria-current="true">Español</span>' in page


def test_what_is_wrong_is_said_in_the_language_of_the_form(web: Web) -> None:
    typed = {"lang": "es", "email": "ann", "topics": "knitting", "hour": "25", "time_zone": "Mars/Olympus"}
    page = web.client.post("/sign-up", data=typed).text
    assert language(page) == "es"
    for sentence in (
        "Revisa 4 campos",
        "le falta la @, como en ann@example.org.",
        "No hay ningún tema «knitting».",
        "Elige una hora entre las 0 y las 23.",
        "No hay ninguna zona horaria «Mars/Olympus»",
    ):
        assert sentence in page


def test_the_language_of_the_form_becomes_the_readers_own(web: Web) -> None:
    answer = web.client.post("/sign-up?lang=en", data=FORM | {"email": "maja@example.org", "lang": "ar"})
    assert language(answer.text) == "ar"
    assert web.subscriber().locale == "ar"
    link = web.confirmation_link()
    spanish = {"Accept-Language": "es"}
    page = web.client.get(link, headers=spanish)
    assert language(page.text) == "ar"
    assert "vary" not in page.headers
    done = web.client.post(link, headers=spanish).text
    assert "تم اشتراكك" in done
    assert "(بتوقيت مدريد)" in done


def test_a_page_of_a_reader_stays_in_the_language_that_was_asked_for(web: Web) -> None:
    link = web.link(Purpose.UNSUBSCRIBE, web.subscribe())
    page = web.client.get(f"{link}?lang=es").text
    assert language(page) == "es"
    assert f'action="{link}?lang=es"' in page
    assert f'action="{link}"' in web.client.get(link, headers={"Accept-Language": "es"}).text


def test_who_chooses_another_language_gets_the_next_page_in_it(web: Web) -> None:
    reader = web.subscribe()
    link = web.link(Purpose.PREFERENCES, reader)
    assert '<option value="en" lang="en" dir="ltr" selected>English</option>' in web.client.get(link).text
    saved = web.client.post(link, data=FORM | {"lang": "es"}).text
    assert language(saved) == "es"
    assert "lunes, 30 de noviembre de 2026, 7:00 h</strong> (hora de Madrid)" in saved
    assert web.subscriber().locale == "es"
    web.client.post(link, data=FORM | {"lang": "tlh"})
    web.client.post(link, data=FORM)
    assert web.subscriber().locale == "es"
    assert language(web.client.post(link, data={"lang": "ar"}).text) == "es"


def test_every_page_of_a_reader_is_in_the_readers_language(web: Web) -> None:
    reader = web.subscribe()
    web.client.post(web.link(Purpose.PREFERENCES, reader), data=FORM | {"lang": "es"})
    preferences, unsubscribe, undo = (
        web.link(purpose, reader) for purpose in (Purpose.PREFERENCES, Purpose.UNSUBSCRIBE, Purpose.UNDO)
    )
    view = f"/d/{web.tokens.make(Purpose.VIEW, delivery(web, Kind.WELCOME))}"
    for method, path, words in (
        ("GET", web.confirmation_link(), "Ya estabas dentro"),
        ("POST", web.confirmation_link() + "/again", "Te hemos escrito."),
        ("GET", preferences, "Tus preferencias"),
        ("GET", unsubscribe, "¿Darse de baja?"),
        ("POST", unsubscribe, "Te has dado de baja"),
        ("GET", preferences, "elijas lo que elijas"),
        ("GET", undo, "¿Volver al resumen?"),
        ("POST", undo, "Qué bien que hayas vuelto"),
    ):
        answer = web.client.request(method, path, headers={"Accept-Language": "ar"})
        assert language(answer.text) == answer.headers["content-language"] == "es"
        assert words in answer.text
    assert "Este resumen ya no está" in web.client.get(view, headers={"Accept-Language": "es"}).text
    web.client.post(unsubscribe)
    web.later(days=31)
    assert "Demasiado tarde" in web.client.post(undo).text


def test_errors_are_told_in_the_language_that_the_browser_likes(web: Web) -> None:
    for path, words in (("/nowhere", "Esta página no existe"), ("/u/broken", "Este enlace no funciona")):
        answer = web.client.get(path, headers={"Accept-Language": "es"})
        assert answer.status_code == 404
        assert words in answer.text
        assert answer.headers["content-language"] == "es"


def test_the_operator_is_spoken_to_in_english(make_web: Callable[..., Web]) -> None:
    web = make_web(LANGUAGE="ar", client=("127.0.0.1", 5000))
    for path in ("/operator", "/inbox", "/demo/stories/the-tram-that-waits"):
        answer = web.client.get(f"{path}?lang=ar", headers={"Accept-Language": "ar"})
        assert answer.status_code in (200, 404)
        if answer.status_code == 200:
            assert language(answer.text) == "en"


def test_time_zones_are_called_by_their_towns(web: Web) -> None:
    page = web.client.get("/?lang=es").text
    assert '<optgroup label="Océano Índico">' in page
    assert '<option value="America/New_York">Nueva York</option>' in page
    assert len(re.findall("<option", page)) > 450
    regions = re.findall('<optgroup label="([^"]+)">', page)[4:]
    assert regions[:5] == ["África", "América", "Antártida", "Ártico", "Asia"]
    assert regions[-1] == "Otras"


def delivery(web: Web, kind: Kind) -> int:
    [number] = [row[0] for row in web.rows()["deliveries"] if row[1] == kind]
    assert isinstance(number, int)
    return number
