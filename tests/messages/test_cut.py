"""Digests over their budget: joined as rendered alone, as large as allowed, and every story shown or counted."""

import random
import re
from typing import Any

import pytest

from digestmail.editions.content import Announcement, Content, Topic
from digestmail.messages.alone import whole_page
from digestmail.messages.browser import Visit
from digestmail.messages.budget import BUDGET
from digestmail.messages.message import Message
from digestmail.store.states import Kind
from digestmail.tokens import Purpose
from tests.messages.samples import (
    DAY,
    ENGLISH,
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

SEED = random.randrange(2**32)
VIEW = f"{PUBLICATION.url}/d/{TOKENS.make(Purpose.VIEW, 75)}"


def edition(chance: random.Random, *, topics: int, stories: int) -> Content:
    """Stories of every length in one to three topics, some of them shown earlier."""
    ids = range(1, topics + 1)
    announcements = (
        Announcement(id=1, title="A calm winter", text="One.\n\nTwo.", link_url="", link_label=""),
        Announcement(id=2, title="For some", text="Three.", link_url="", link_label="", topics=(1, 2)),
    )
    return Content(
        topics=tuple(Topic(id=number, slug=f"t{number}", name=f"Topic {number} & more") for number in ids),
        stories=tuple(
            story(
                number,
                *sorted({chance.choice(ids) for _ in range(chance.choice((1, 1, 1, 2, 3)))}),
                title=f"Headline number {number} " + chance.choice(("", "“ß” & <b>", "漢字 " * 20)),
                excerpt=chance.choice(("", "word " * 30, "é&<" * 100)),
                url=chance.choice(("", f"https://courier.example/{number}?a=1&b=2")),
                image_url=chance.choice(("", f"https://courier.example/{number}.jpg")),
                earlier=chance.choice(((), (), (chance.choice(ids),))),
            )
            for number in range(1, stories + 1)
        ),
        announcements=announcements[: chance.randrange(3)],
    )


def html_size(message: Message) -> int:
    """The octets of the HTML as they come out of the mail."""
    body = parsed(message).get_body(("html",))
    assert body is not None
    octets = body.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return len(octets)


def forms(message: Message) -> tuple[list[int], list[int], int]:
    """The stories that a mail shows in full, those that it shows short, and how many it only counts."""
    html, text = html_of(message), text_of(message)
    full, short = (
        [int(number) for number in re.findall(rf'<td class="{form} rule".*?>Headline number (\d+)', html, re.DOTALL)]
        for form in ("story", "brief")
    )
    counted = re.findall(r">and (\d+) more in your whole digest<", html)
    assert counted == re.findall(r"^and (\d+) more in your whole digest:$", text, re.MULTILINE)
    assert {*full, *short} == set(map(int, re.findall(r"^Headline number (\d+)", text, re.MULTILINE)))
    return full, short, int(counted[0]) if counted else 0


@pytest.mark.parametrize("round_", range(8))
def test_a_digest_that_is_cut_is_the_digest_rendered_alone(round_: int) -> None:
    print("seed", SEED, round_)
    chance = random.Random(SEED + round_)
    content = edition(chance, topics=chance.choice((1, 4, 20)), stories=chance.choice((3, 15, 60)))
    kind = chance.choice((Kind.DIGEST, Kind.WELCOME))
    budget = chance.choice((5_000, 9_000, 12_000, 20_000, 30_000, 50_000))
    composer = composer_of(content, kind=kind, budget=budget)
    for _ in range(5):
        topics = chance.sample(range(1, len(content.topics) + 1), chance.randint(1, len(content.topics)))
        single = alone(content, *topics, kind=kind, budget=budget)
        if single is None:
            continue
        message = compose(composer, *topics)
        assert html_of(message) == single.html
        assert text_of(message) == single.text
        assert message.wire_ready
        assert not any(line.startswith(b".") for line in message.data.split(b"\r\n"))
        whole = alone(content, *topics, kind=kind, budget=10**9)
        assert whole
        full, short, hidden = forms(message)
        everything = re.findall(r'<td class="story rule".*?>Headline number (\d+)', whole.html, re.DOTALL)
        assert len(full) + len(short) + hidden == len(everything)
        assert {*full, *short} <= set(map(int, everything))
        assert html_size(message) <= budget or (full, len(short)) == ([], 1)


def test_the_default_budget_holds_for_a_day_of_much_news() -> None:
    stories = [
        story(n, 1 + n % 3, excerpt="Some forty words of excerpt. " * 8, image_url="https://courier.example/a.jpg")
        for n in range(1, 201)
    ]
    message = compose(composer_of(content_of(*stories)), 1, 2, 3)
    full, short, hidden = forms(message)
    assert BUDGET - 2_000 < html_size(message) <= BUDGET
    assert len(full) == 12
    assert len(short) > 50
    assert len(full) + len(short) + hidden == 200
    assert parsed(message)["Subject"] == "Headline number 3, and 199 more"


def test_no_content_makes_a_digest_too_large() -> None:
    monster = {"url": "https://a.example/" + "&" * 1900, "image_url": "https://a.example/" + "&" * 1900}
    stories = [story(n, 1, title='"&<>' * 60, excerpt="漢&" * 240, **monster) for n in range(1, 41)]
    message = compose(composer_of(content_of(*stories)), 1)
    assert html_size(message) <= BUDGET


def test_the_first_stories_of_each_topic_are_in_full_and_its_last_ones_are_counted() -> None:
    content = content_of(*(story(n, 1) for n in range(1, 41)), *(story(n, 2) for n in range(41, 43)))
    full, short, hidden = forms(compose(composer_of(content, budget=30_000), 1, 2))
    assert full == [*range(1, 11), 41, 42]
    assert short == list(range(11, 11 + len(short)))
    assert hidden == 30 - len(short) > 0


def test_a_topic_of_which_nothing_is_shown_has_no_heading_and_no_line() -> None:
    content = content_of(story(1, 1), story(2, 2), story(3, 3))
    message = compose(composer_of(content, budget=100), 1, 2, 3)
    assert forms(message) == ([], [1], 2)
    for form in (html_of(message), text_of(message).replace("AT A GLANCE", "At a glance")):
        assert form.count("World") + form.count("WORLD") == 2
        assert "ity &" not in form
        assert "cience" not in form
        assert "At a glance" in form


@pytest.mark.parametrize("budget", [BUDGET, 20_000])
@pytest.mark.parametrize("stories", [*range(1, 9), 30])
def test_both_forms_together_have_an_even_number_of_links(stories: int, budget: int) -> None:
    pictures = ["", "https://courier.example/1.jpg"]
    content = content_of(*(story(n, 1 + n % 2, image_url=pictures[n % 2]) for n in range(1, stories + 1)))
    message = compose(composer_of(content, budget=budget), 1, 2)
    html, text = html_of(message), text_of(message)
    assert html.count(f'href="{VIEW}"') >= 1
    assert (html.count("https://") + text.count("https://")) % 2 == 0


def test_what_is_counted_has_a_link_of_the_readers_own_in_both_forms() -> None:
    content = content_of(*(story(n, 1) for n in range(1, 41)))
    message = compose(composer_of(content, budget=20_000), 1)
    html, text = html_of(message), text_of(message)
    assert html.count(f'href="{VIEW}"') == 2  # the other stands in every digest's foot
    assert html.rindex("Headline number") < html.index(VIEW) < html.index("You get this mail because")
    assert text.rindex("Headline number") < text.index(VIEW) < text.index("You get this mail because")
    assert html_of(compose(composer_of(content), 1)).count(f'href="{VIEW}"') == 1


def test_a_short_story_has_its_headline_meta_line_and_link_alone() -> None:
    picture = "https://courier.example/1.jpg"
    content = content_of(*(story(n, 1, 2, title=f"Headline number {n}.", image_url=picture) for n in range(1, 21)))
    message = compose(composer_of(content, budget=30_000), 1, 2)
    full, short, _ = forms(message)
    html, text = html_of(message), text_of(message)
    assert html.count("<img") == html.count("Also in") == len(full) < 20
    brief = text[text.index(f"\nHeadline number {short[0]}.\n") :].split("\n\n")[0].strip()
    assert brief.splitlines() == [
        f"Headline number {short[0]}.",
        f"The Harbour Courier · Ilinca Dobre · 23 November, 06:{short[0]:02}",
        f"https://courier.example/stories/{short[0]}?from=feed&page=1",
    ]


def test_a_single_story_over_the_budget_is_shown_short() -> None:
    message = compose(composer_of(content_of(story(1, 1)), budget=0), 1)
    assert forms(message) == ([], [1], 0)


def page_of(content: Content, topic: int = 1, **visit: Any) -> str | None:
    return whole_page(
        content,
        topics=[topic],
        kind=Kind.DIGEST,
        publication=PUBLICATION,
        language=ENGLISH,
        day=DAY,
        unsubscribe="UNSUBSCRIBE",
        preferences="PREFERENCES",
        gave="GAVE",
        visit=Visit(**visit),
    )


def test_the_pages_have_every_story_with_styles_for_a_browser() -> None:
    content = content_of(*(story(n, 1) for n in range(1, 301)))
    pages = [page_of(content, number=number) or "" for number in range(1, 6)]
    assert sum(page.count('<td class="story rule"') for page in pages) == 300
    for page in pages:
        assert len(page.encode()) < 100_000
        assert ".headline {" in page
        assert f'href="{PUBLICATION.url}/u/UNSUBSCRIBE"' in page
        assert f'href="{PUBLICATION.url}/p/PREFERENCES"' in page
        assert "/d/" not in page
    assert page_of(content, number=6) is None


def test_the_page_of_a_reader_without_stories_is_none() -> None:
    assert page_of(content_of(story(1, 1)), topic=2) is None
