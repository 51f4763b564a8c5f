"""A taste of today's digest for somebody who is no reader yet."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digestmail.editions.content import Content
from digestmail.language import Language, english, languages
from digestmail.messages.sample import sample_edition
from digestmail.messages.taste import TASTE_BUDGET, taste
from tests.messages.samples import DAY, PUBLICATION

CONTENT = sample_edition(url="https://courier.example", now=datetime(2026, 11, 23, 6, tzinfo=UTC))


def page_of(
    content: Content = CONTENT,
    *,
    topics: tuple[int, ...] = (1, 2, 3),
    language: Language | None = None,
    budget: int = TASTE_BUDGET,
) -> str:
    page = taste(
        content, topics=topics, publication=PUBLICATION, language=language or english(), day=DAY, budget=budget
    )
    assert page
    return page


def many() -> Content:
    """A day on which one topic has far more stories than the others."""
    stories = [
        replace(CONTENT.stories[1], id=number, title=f"Headline {number}", topics=(topic,))
        for number, topic in enumerate([1, 2, 3, *[1] * 40], 1)
    ]
    return replace(CONTENT, stories=tuple(stories))


def headlines(page: str) -> list[str]:
    return re.findall(r'<h3 class="headline ink">.*?(Headline \d+).*?</h3>', page)


def test_it_is_todays_digest_of_the_topics() -> None:
    page = page_of(topics=(2,))
    assert PUBLICATION.name in page
    assert english().dateline(DAY) in page
    assert "What the second trial said" in page
    assert "A library that lends silence" not in page
    assert taste(CONTENT, topics=(9,), publication=PUBLICATION, language=english(), day=DAY) is None


@pytest.mark.parametrize("language", languages().values(), ids=str)
def test_it_has_no_picture_and_no_link_of_any_readers(language: Language) -> None:
    page = page_of(language=language)
    assert "<img" not in page
    assert "Our year-end appeal" not in page
    links = re.findall(r'href="([^"]+)"', page)
    ours = {link for link in links if link.startswith(PUBLICATION.url)}
    assert ours == {f"{PUBLICATION.url}/?lang={language.code}"}


def test_its_links_open_beside_it() -> None:
    assert '<base target="_blank">' in page_of()


def test_it_shows_the_most_important_stories_and_counts_no_others() -> None:
    page = page_of(many())
    assert headlines(page) == [f"Headline {number}" for number in (1, *range(4, 13), 2, 3)]
    assert "more in your whole digest" not in page


def test_it_stays_within_its_budget() -> None:
    long = replace(many(), stories=tuple(replace(story, excerpt="word " * 90) for story in many().stories))
    least = page_of(long, budget=1)
    assert len(headlines(least)) == 1
    for budget in (12_000, 14_000, TASTE_BUDGET):
        assert len(page_of(long, budget=budget).encode()) <= budget
