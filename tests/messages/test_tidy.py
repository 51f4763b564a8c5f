from dataclasses import replace

from digestmail.editions.content import Announcement, Content
from digestmail.messages.tidy import tidy
from tests.messages.samples import ENGLISH, TOPICS, content_of, story


def test_it_leaves_a_proper_edition_as_it_is() -> None:
    content = content_of(
        story(1, 1, 2),
        announcements=(Announcement(id=1, title="A", text="B\n\nC", link_url="https://a.example/", link_label="D"),),
    )
    assert tidy(content, language=ENGLISH) == content


def test_a_story_without_a_title_is_called_by_its_excerpt() -> None:
    untitled = story(1, 1, title=" \0", excerpt="The first words.")
    assert tidy(content_of(untitled), language=ENGLISH).stories[0].title == "The first words."
    assert tidy(content_of(replace(untitled, excerpt="")), language=ENGLISH).stories[0].title == "Untitled"


def test_a_topic_without_a_name_is_called_by_its_slug() -> None:
    content = Content(topics=(replace(TOPICS[0], name="\u202e"),), stories=())
    assert tidy(content, language=ENGLISH).topics[0].name == "world"


def test_links_that_are_no_web_addresses_are_left_out() -> None:
    tidied = tidy(
        content_of(story(1, 1, url="javascript:alert(1)", image_url="file:///etc/passwd")), language=ENGLISH
    ).stories[0]
    assert (tidied.url, tidied.image_url) == ("", "")


def test_the_picture_of_an_announcement_is_no_wider_than_its_block() -> None:
    sizes = (((600, 200), (528, 176)), ((200, 80), (200, 80)), ((5000, 1), (528, 1)), ((600, None), (None, None)))
    for (width, height), shown in sizes:
        block = Announcement(
            id=1,
            title="A",
            text="",
            link_url="",
            link_label="",
            image_url="https://a.example/x.jpg",
            image_width=width,
            image_height=height,
        )
        [tidied] = tidy(content_of(announcements=(block,)), language=ENGLISH).announcements
        assert (tidied.image_width, tidied.image_height) == shown


def test_a_language_that_is_none_is_left_out() -> None:
    given = ("ar", "pt-BR", "zh-Hant-TW", "", "x", 'en" onclick="x()', "en_US")
    stories = (story(number, 1, language=language) for number, language in enumerate(given))
    assert [one.language for one in tidy(content_of(*stories), language=ENGLISH).stories] == [
        "ar",
        "pt-BR",
        "zh-Hant-TW",
        "",
        "",
        "",
        "",
    ]
