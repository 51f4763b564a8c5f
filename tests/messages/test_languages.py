"""Mail in the language of its reader."""

import re
from datetime import date

import pytest

from digestmail.editions.content import Content
from digestmail.language import Language, languages
from digestmail.messages.confirmation import LetterComposer
from digestmail.messages.digest import more_in_words, subject
from digestmail.messages.tidy import tidy
from digestmail.store.states import Kind
from tests.messages.samples import (
    AT,
    PUBLICATION,
    TOKENS,
    alone,
    compose,
    composer_of,
    content_of,
    html_of,
    parsed,
    story,
    text_of,
)

ARABIC, SPANISH = languages()["ar"], languages()["es"]

each_language = pytest.mark.parametrize("language", languages().values(), ids=str)

MORE_IN_ARABIC = [
    (1, "وخبر آخر"),
    (2, "وخبران آخران"),
    (3, "و3 أخبار أخرى"),
    (11, "و11 خبرًا آخر"),
    (100, "و100 خبر آخر"),
    (1003, "و1,003 أخبار أخرى"),
]


def many(number: int) -> Content:
    return content_of(*(story(n, n % 3 + 1, excerpt="Some words of excerpt. " * 20) for n in range(1, number + 1)))


@pytest.mark.parametrize(("more", "words"), [(0, ""), *((number, f"، {words}") for number, words in MORE_IN_ARABIC)])
def test_an_arabic_subject_counts_in_six_forms(more: int, words: str) -> None:
    line = subject(lead="عنوان.", stories=more + 1, kind=Kind.DIGEST, publication=PUBLICATION, language=ARABIC)
    assert line == (f"عنوان{words}" if more else "عنوان.")


@pytest.mark.parametrize(("more", "words"), MORE_IN_ARABIC)
def test_an_arabic_line_for_a_feeds_other_items_does_too(more: int, words: str) -> None:
    [told] = tidy(content_of(story(1, 1, more=more)), language=ARABIC).stories
    assert told.title == f"{words} من The Harbour Courier"


def test_a_question_is_followed_by_no_comma() -> None:
    for lead, line in (("لماذا؟", "لماذا؟ و3 أخبار أخرى"), ("Why?", "Why? و3 أخبار أخرى")):
        made = subject(lead=lead, stories=4, kind=Kind.DIGEST, publication=PUBLICATION, language=ARABIC)
        assert made == line
    made = subject(lead="¿Por qué?", stories=4, kind=Kind.DIGEST, publication=PUBLICATION, language=SPANISH)
    assert made == "¿Por qué? Y 3 más"


@each_language
def test_the_line_that_counts_what_is_not_shown_is_filled_in_as_it_would_be_rendered(
    language: Language,
) -> None:
    content = many(40)
    message = compose(composer_of(content, language=language, budget=20_000), 1, 2, 3)
    single = alone(content, 1, 2, 3, language=language, budget=20_000)
    assert single
    assert (html_of(message), text_of(message)) == (single.html, single.text)
    assert len(html_of(message).replace("\n", "\r\n").encode()) <= 20_000
    shown = set(re.findall(r"Headline number \d+", html_of(message)))
    assert f"{more_in_words(40 - len(shown), language)}:\n{PUBLICATION.url}/d/" in text_of(message)
    assert message.wire_ready
    assert all(len(line) <= 78 for line in message.data.partition(b"\r\n\r\n")[2].split(b"\r\n"))


@each_language
@pytest.mark.parametrize("month", range(1, 13))
def test_any_day_of_the_year_can_be_filled_in(language: Language, month: int) -> None:
    composer = composer_of(many(1), language=language)
    for day in (date(2027, month, number) for number in range(20, 27)):
        message = composer.compose(
            delivery_id=1, subscriber_id=1, recipient="a@example.org", topics=frozenset({1, 2}), day=day
        )
        assert message
        assert language.dateline(day) in html_of(message)
        assert f"\n{language.dateline(day)}\n" in text_of(message)


@each_language
def test_the_page_says_its_language_and_direction(language: Language) -> None:
    html = html_of(compose(composer_of(many(3), language=language), 1, 2, 3))
    assert f'<html lang="{language.code}" dir="{language.direction}"' in html
    assert len(re.findall(rf'<div role="article" [^>]*lang="{language.code}" dir="{language.direction}"', html)) == 1
    [sheet] = re.findall(r'<table [^>]*class="sheet"[^>]*>', html)
    assert f"text-align:{language.start};" in sheet


def test_letters_are_in_the_readers_language() -> None:
    letters = LetterComposer(PUBLICATION, TOKENS, SPANISH)
    confirmation = letters.compose(
        Kind.CONFIRMATION, delivery_id=3, subscriber_id=1, recipient="ann@example.org", date_at=AT
    )
    assert parsed(confirmation)["Subject"] == "Confirma tu resumen diario de The Harbour Courier"
    assert "Confirmar mi dirección" in html_of(confirmation)
    reminder = letters.compose(Kind.REMINDER, delivery_id=3, subscriber_id=1, recipient="ann@example.org", date_at=AT)
    assert "Ya recibes el resumen diario" in str(parsed(reminder)["Subject"])
    assert "Darse de baja:" in text_of(reminder)


def test_an_arabic_time_stays_together_behind_a_latin_name() -> None:
    text = text_of(compose(composer_of(many(1), language=ARABIC), 2))
    assert "The Harbour Courier · Ilinca Dobre · \u200f23 نوفمبر، 6:01 ص\n" in text


def test_editions_in_two_languages_share_no_text() -> None:
    content = content_of(story(1, 1, title=""), story(2, 1))
    english, spanish = (compose(composer_of(content, language=each), 1) for each in (languages()["en"], SPANISH))
    assert "You get this mail" in text_of(english)
    assert "You get this mail" not in text_of(spanish)
    assert "Recibes este correo" in html_of(spanish)
