import re
from dataclasses import replace

import pytest

from digestmail.editions.content import Announcement, Content, Topic
from digestmail.messages.template import Rendering
from digestmail.resources import templates_folder
from digestmail.store.states import Kind
from digestmail.tokens import Purpose
from tests.messages.samples import PUBLICATION, TOKENS, alone, compose, composer_of, content_of, html_of, parsed, story

FUNDRAISER = Announcement(
    id=1, title="A calm winter", text="One.\n\nTwo.", link_url="https://courier.example/join", link_label="Join us"
)


def rendered(*stories: object, topics: tuple[int, ...] = (1, 2, 3), kind: Kind = Kind.DIGEST) -> Rendering:
    content = content_of(*stories, announcements=(FUNDRAISER,))  # type: ignore[arg-type]
    rendering = alone(content, *topics, kind=kind)
    assert rendering is not None
    return rendering


def test_its_headings_are_one_masthead_the_topics_and_the_headlines() -> None:
    html = rendered(story(1, 1), story(2, 2), story(3, 2)).html
    headings = re.findall(r"<h(\d)[^>]*>(?:<a[^>]*>)?([^<]*)", html)
    assert headings == [
        ("1", "The Harbour Courier"),
        ("2", "World"),
        ("3", "Headline number 1"),
        ("2", "City &amp; Region"),
        ("3", "Headline number 2"),
        ("3", "Headline number 3"),
    ]


def test_every_table_is_for_layout_alone() -> None:
    html = rendered(story(1, 1)).html
    assert html.count("<table") == html.count('<table role="presentation"')


def test_it_is_made_for_light_and_dark_and_small_screens() -> None:
    html = rendered(story(1, 1)).html
    style = html[html.index("<style>") : html.index("</style>")]
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "@media (prefers-color-scheme: dark)" in style
    assert ".ink { color: #efe9df !important }" in style
    assert "@media (max-width: 480px)" in style
    assert len(style) < 16_000
    assert 'class="ink" style' not in style


def test_its_styles_stand_in_the_elements() -> None:
    assert re.search(r'<h3 class="headline ink" style="[^"]*color:#211d18', rendered(story(1, 1)).html)


def test_its_styles_depend_on_no_place_among_others() -> None:
    styles = "".join(path.read_text() for path in (templates_folder() / "mail").glob("*.css"))
    assert not re.search(r"child|of-type|[+~]|:has|\*", styles)


def test_a_picture_has_a_text_in_its_place() -> None:
    html = rendered(story(1, 1, image_url="https://courier.example/1.jpg")).html
    assert re.search(r'<img [^>]*src="https://courier.example/1.jpg"[^>]*alt="Picture: Headline number 1"', html)
    assert "<img" not in rendered(story(1, 1)).html


def test_a_time_is_shown_in_the_publications_zone_and_a_name_once() -> None:
    text = rendered(story(1, 1, author="the harbour courier")).text
    assert "The Harbour Courier · 23 November, 06:01\n" in text


def test_an_announcement_stands_before_the_topics_with_its_link() -> None:
    rendering = rendered(story(1, 1))
    for form in (rendering.html, rendering.text):
        assert form.index("A calm winter") < form.index("Two.") < form.index("https://courier.example/join")
        assert form.index("https://courier.example/join") < form.index(
            "Headline number 1\n" if form == rendering.text else "<h3"
        )


APPEAL = replace(
    FUNDRAISER,
    image_url="https://courier.example/lamp.jpg?a=1&b=2",
    image_alt="A lamp & its keeper",
    image_width=1056,
    image_height=400,
    season="winter",
)


def of_the(announcement: Announcement, *, hidden: frozenset[int] = frozenset()) -> Rendering:
    rendering = alone(content_of(story(1, 1), announcements=(announcement,)), 1, hidden=hidden)
    assert rendering is not None
    return rendering


def test_the_picture_of_an_announcement_stands_above_its_title_and_leads_where_its_button_does() -> None:
    rendering = of_the(APPEAL)
    image = re.search(r'<a [^>]*href="https://courier.example/join"[^>]*><img ([^>]*)></a>', rendering.html)
    assert image
    assert image.end() < rendering.html.index("A calm winter")
    assert 'src="https://courier.example/lamp.jpg?a=1&amp;b=2"' in image[1]
    assert 'width="528" height="200"' in image[1]
    assert 'alt="A lamp &amp; its keeper"' in image[1]
    assert "max-width:528px" in image[1].replace(" ", "")
    assert "| [A lamp & its keeper]\n|\n| A calm winter\n" in rendering.text


def test_a_picture_of_unknown_size_is_as_wide_as_its_block() -> None:
    [image] = re.findall(r"<img ([^>]*)>", of_the(replace(APPEAL, image_height=None)).html)
    assert 'width="528" alt=' in image
    assert "height=" not in image
    assert "max-width" not in image


def test_an_announcement_of_a_season_asks_who_gave_by_a_link_of_the_readers_own() -> None:
    token = TOKENS.make(Purpose.GAVE, 5)
    link = f"{PUBLICATION.url}/g/{token}"
    rendering = of_the(APPEAL)
    assert re.search(rf'href="{link}"[^>]*>I already gave</a>', rendering.html)
    assert f"| I already gave:\n| {link}\n" in rendering.text
    composer = composer_of(content_of(story(1, 1), announcements=(APPEAL, replace(APPEAL, id=2))))
    assert html_of(compose(composer, 1)).count(link) == 2
    assert html_of(compose(composer, 1, hidden=frozenset({2}))).count(link) == 1
    for none in (of_the(FUNDRAISER), of_the(APPEAL, hidden=frozenset({1}))):
        assert "/g/" not in none.html + none.text


def test_a_hidden_announcement_leaves_nothing_behind() -> None:
    without = alone(content_of(story(1, 1)), 1)
    assert of_the(APPEAL, hidden=frozenset({1})) == without


def test_a_long_digest_has_a_short_index() -> None:
    text = rendered(*(story(n, n % 3 + 1) for n in range(30))).text
    assert "AT A GLANCE" in text
    assert text.count("  - Headline") == 12


def test_the_index_of_many_topics_is_as_short() -> None:
    topics = tuple(Topic(id=number, slug=f"t{number}", name=f"Topic {number}") for number in range(1, 31))
    content = Content(topics=topics, stories=tuple(story(n, n) for n in range(1, 31)))
    rendering = alone(content, *range(1, 31))
    assert rendering
    index = rendering.text[rendering.text.index("AT A GLANCE") : rendering.text.index("TOPIC 1\n")]
    assert re.findall(r"- Headline number (\d+)", index) == [str(number) for number in range(1, 13)]
    assert rendering.html.count('class="line ink"') == 12


def test_a_digest_of_two_stories_needs_no_index() -> None:
    rendering = rendered(story(1, 1), story(2, 2))
    assert "At a glance" not in rendering.html
    assert "AT A GLANCE" not in rendering.text


def test_an_inbox_shows_the_headlines_after_the_lead() -> None:
    html = rendered(*(story(n, 1) for n in range(1, 7))).html
    preheader = re.search(r'<div class="preheader"[^>]*><bdi>([^<]*)</bdi></div>', html)
    assert preheader
    assert re.findall(r"number (\d)", preheader[1]) == ["2", "3", "4"]


def test_an_inbox_shows_the_excerpt_of_a_single_story() -> None:
    assert re.search(r'<div class="preheader"[^>]*><bdi>The excerpt of story 1', rendered(story(1, 1)).html)


def test_a_welcome_says_so() -> None:
    rendering = rendered(story(1, 1), kind=Kind.WELCOME)
    assert "This is your first digest" in rendering.html
    assert "This is your first digest" in rendering.text


@pytest.mark.parametrize(
    ("titles", "subject"),
    [
        (("Grain corridor reopens",), "Grain corridor reopens"),
        (("Grain corridor reopens.", "B", "C"), "Grain corridor reopens, and 2 more"),
        (("Who pays for the wall?", "B"), "Who pays for the wall? And 1 more"),
        (
            ("A headline that goes on and on, well past what a telephone shows", "B"),
            "A headline that goes on and on, well past what a… And 1 more",
        ),
        (("Brød og fred =?utf-8?q?=41?=", "B"), "Brød og fred =?utf-8?q?=41?=, and 1 more"),
    ],
)
def test_its_subject_is_the_lead_and_how_many_more(titles: tuple[str, ...], subject: str) -> None:
    stories = (story(number, 1, title=title) for number, title in enumerate(titles))
    assert parsed(compose(composer_of(content_of(*stories)), 1))["Subject"] == subject


def test_the_subject_of_a_welcome_names_the_publication() -> None:
    message = compose(composer_of(content_of(story(1, 1)), kind=Kind.WELCOME), 1)
    assert parsed(message)["Subject"] == "Welcome: your first digest from The Harbour Courier"


def test_the_plain_form_is_set_in_72_columns() -> None:
    text = rendered(*(story(n, 1, 2, title="Rather long words in a headline " * 6) for n in range(9))).text
    assert all(len(line) <= 72 for line in text.splitlines() if "://" not in line)
    assert "\n\n\n\n" not in text


def test_a_right_to_left_story_sets_its_own_direction() -> None:
    html = rendered(story(1, 1, title="وزراء الخارجية")).html
    assert '<td class="story rule" dir="auto"' in html
    assert 'lang="en" dir="ltr"' in html


def test_stories_that_are_not_shown_are_a_line_with_a_link_to_their_site() -> None:
    form = rendered(story(1, 1), story(2, 1, more=1234, excerpt="", url="https://courier.example/"))
    assert "and 1,234 more from The Harbour Courier" in form.text
    assert ">and 1,234 more from The Harbour Courier</a>" in form.html
    assert form.text.count("Headline number") == form.text.count("Headline number 1")


def test_a_story_says_its_language() -> None:
    form = rendered(story(1, 1, language="ar"), story(2, 1))
    assert form.html.count(' lang="ar"') == 1
