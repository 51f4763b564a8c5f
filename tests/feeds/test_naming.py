"""Slugs out of names, and texts as they are looked for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.naming import folded, name_from, searchable, slug_of, slugs_for

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("World news", "world-news"),
        ("  Food & Drink! ", "food-drink"),
        ("Élections à Łódź", "elections-a-lodz"),
        ("Straße/Ærø", "strasse-aero"),
        ("Women's rights", "womens-rights"),
        ("Women’s—and men’s", "womens-and-mens"),
        ("C++", "c"),
        ("ＡＩ 𝐀 ½", "ai-a-1-2"),
        ("Новости", ""),
        ("ニュース", ""),
        ("--", ""),
        ("word " * 20, "word-" * 11 + "word"),
        ("x" * 99, "x" * 60),
    ],
)
def test_a_slug_is_made_of_the_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@given(st.lists(st.text(), unique_by=folded))
def test_names_that_differ_have_slugs_that_differ(names: list[str]) -> None:
    slugs = slugs_for(names, topics={})
    assert all(SLUG.fullmatch(slug) for slug in slugs)
    assert len(set(slugs)) == len(names)


def test_what_has_no_latin_letters_is_numbered() -> None:
    assert slugs_for(["Новости", "Sea", "ニュース", "Спорт"], topics={}) == ["topic", "sea", "topic-2", "topic-3"]
    assert slugs_for(["Новости", "Спорт"], topics={"topic": "Спорт"}) == ["topic-2", "topic"]


def test_a_topic_that_is_called_so_or_has_the_slug_is_meant() -> None:
    topics = {"sea": "Oceans", "x": "World  News"}
    assert slugs_for(["world news", "SEA", "Sea!"], topics=topics) == ["x", "sea", "sea-2"]
    assert slugs_for(["C", "C++", "C#"], topics={"c-2": "Something else"}) == ["c", "c-3", "c-4"]


def test_made_topics_are_found_again() -> None:
    names = ["C", "C++", "Новости", "Спорт"]
    made = dict(zip(slugs_for(names, topics={}), names, strict=True))
    assert slugs_for(reversed(names), topics=made) == list(reversed(made))


def test_a_slug_can_be_said_in_words() -> None:
    assert name_from("public-health") == "Public health"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (("Élections  à\nParis", "", "Zoë"), "elections a paris zoe"),
        (("STRASSE", "straße"), "strasse strasse"),
        (("𝕬ﬃ", "ℌ"), "affi h"),
        (("Новости й", "ニュース"), "новости и ニュース"),
        ((), ""),
    ],
)
def test_case_and_accents_do_not_count_where_words_are_looked_for(texts: tuple[str, ...], found: str) -> None:
    assert searchable(*texts) == found
