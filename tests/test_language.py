"""Languages: which one a browser gets, and how each says numbers, days and times."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.errors import InputError
from digestmail.language import Language, english, find_language, known_language, language_of, languages, negotiated
from digestmail.sentence import Sentence

ARABIC, SPANISH = languages()["ar"], languages()["es"]
AT = datetime(2026, 11, 24, 6, 5, tzinfo=UTC)

tags = st.sampled_from(["en", "es", "ar", "es-MX", "ar-EG", "en-GB", "de", "zh-Hant-TW", "*"])
wishes = st.lists(st.tuples(tags, st.integers(0, 1000)), max_size=6, unique_by=lambda wish: wish[0])


def header(wished: list[tuple[str, int]]) -> str:
    return ", ".join(f"{tag};q={quality / 1000:.3f}" for tag, quality in wished)


@given(st.text() | st.text("enarsq=;,*-.01 \t"))
def test_any_header_gets_one_of_the_languages(accept_language: str) -> None:
    assert negotiated(accept_language, otherwise=english()) in languages().values()


@given(wishes)
def test_the_best_liked_language_is_chosen(wished: list[tuple[str, int]]) -> None:
    found = negotiated(header(wished), otherwise=english())
    refused = {tag for tag, quality in wished if not quality}
    liked = {}
    for tag, quality in wished:
        language = english() if tag == "*" else find_language(tag)
        if quality and language and language.code not in refused:
            liked[language.code] = max(quality, liked.get(language.code, 0))
    assert liked.get(found.code, 0) == max(liked.values(), default=0)
    if not liked:
        assert found == english()


@pytest.mark.parametrize(
    ("accept_language", "code"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-MX", "es"),
        ("ES-mx, en;q=0.8", "es"),
        ("en;q=0.8, ar-EG;q=0.9", "ar"),
        ("de, fr;q=0.9", "en"),
        ("de, es;q=0.1, *;q=0.5", "en"),
        ("ar;q=0, *", "en"),
        ("es;q=2, ar;q=x, en;q=0.1", "en"),
        ("ar\t;\tq=1.000", "ar"),
        ("es;level=1", "en"),
    ],
)
def test_headers_are_read_as_rfc_9110_says(accept_language: str, code: str) -> None:
    assert negotiated(accept_language, otherwise=english()).code == code


def test_a_browser_without_a_wish_gets_the_language_of_the_publication() -> None:
    assert negotiated("de, *;q=0.5", otherwise=SPANISH) == SPANISH
    assert negotiated("es;q=0, en", otherwise=SPANISH) == english()


@given(st.text())
def test_a_reader_of_any_locale_has_a_language(locale: str) -> None:
    assert language_of(locale) in languages().values()
    assert language_of("de_AT") == english()
    assert language_of("es_MX") == SPANISH


def test_an_unknown_language_is_refused_with_those_there_are() -> None:
    assert known_language("ar-EG") == ARABIC
    with pytest.raises(InputError, match=r"“tlh”\. There are: en, ar, es\."):
        known_language("tlh")


def test_languages_know_their_names_and_sides() -> None:
    found = [(language.code, language.name, language.direction, language.start) for language in languages().values()]
    assert found == [
        ("en", "English", "ltr", "left"),
        ("ar", "العربية", "rtl", "right"),
        ("es", "Español", "ltr", "left"),
    ]


@pytest.mark.parametrize(
    ("language", "dateline", "moment", "time", "hour"),
    [
        (
            english(),
            "Tuesday, 24 November 2026",
            "Tuesday, 24 November 2026, at 15:05",
            "24 November, 15:05",
            "7:00",
        ),
        (
            SPANISH,
            "Martes, 24 de noviembre de 2026",
            "martes, 24 de noviembre de 2026, 15:05 h",
            "24 de noviembre, 15:05",
            "7:00",
        ),
        (
            ARABIC,
            "الثلاثاء، 24 نوفمبر 2026",
            "الثلاثاء، 24 نوفمبر 2026، الساعة 3:05 م",
            "24 نوفمبر، 3:05 م",
            "7:00 ص",
        ),
    ],
    ids=["en", "es", "ar"],
)
def test_days_and_times_are_written_as_readers_write_them(
    language: Language, dateline: str, moment: str, time: str, hour: str
) -> None:
    assert language.dateline(date(2026, 11, 24)) == dateline
    assert language.moment(AT, "Asia/Tokyo") == moment
    assert language.day_and_time(AT, "Asia/Tokyo") == time
    assert language.hour(7) == hour


@pytest.mark.parametrize("language", languages().values(), ids=str)
def test_no_dateline_is_longer_than_the_longest(language: Language) -> None:
    days = [date.fromordinal(number) for number in range(date(2027, 1, 1).toordinal(), date(2028, 1, 1).toordinal())]
    assert max(len(language.dateline(day).encode()) for day in days) <= language.longest_dateline()


def test_a_sentence_is_english_and_can_be_said_in_any_language() -> None:
    sentence = Sentence("There is no topic “%(topic)s”.", topic="50 %")
    assert sentence == english().say(sentence) == "There is no topic “50 %”."
    assert SPANISH.say(sentence) == "No hay ningún tema «50 %»."
    assert SPANISH.say("There is no topic “50 %”.") == "There is no topic “50 %”."


def test_places_have_their_names_in_each_language() -> None:
    assert SPANISH.place("America/New_York") == "Nueva York"
    assert ARABIC.place("Europe/Madrid") == "مدريد"
    assert [SPANISH.place(zone) for zone in ("UTC", "Etc/GMT+3")] == ["", ""]
