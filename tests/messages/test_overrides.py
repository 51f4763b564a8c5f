"""Templates of the publisher's own: what stands in the folder is used, or refused with words that help."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from digestmail.errors import SettingsError
from digestmail.language import english, languages
from digestmail.messages.publication import Publication
from digestmail.messages.rehearsal import rehearse
from digestmail.resources import templates_folder
from tests.messages.samples import PUBLICATION, TOKENS, alone, compose, composer_of, content_of, html_of, story, text_of

Write = Callable[..., Publication]
STORIES = content_of(story(1, 1, 2), story(2, 2), story(3, 3))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Puts a file into the publisher's folder; `change` takes our own text of it."""

    def write(name: str, text: str = "", *, change: Callable[[str], str] | None = None) -> Publication:
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(change((templates_folder() / name).read_text()) if change else text)
        return replace(PUBLICATION, templates=tmp_path / "templates")

    return write


def refused(publication: Publication) -> str:
    """The words with which it is refused."""
    with pytest.raises(SettingsError) as refusal:
        rehearse(publication, TOKENS, [english()])
    assert str(refusal.value).startswith("DIGESTMAIL_TEMPLATES")
    return str(refusal.value)


def without(*pieces: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        for piece in pieces:
            assert piece in text
            text = text.replace(piece, "", 1)
        return text

    return change


def test_a_template_of_the_same_name_takes_the_place_of_ours(write: Write) -> None:
    publication = write("mail/digest.subject.txt", "{{ publication.name }}: {{ lead }}\n")
    rehearse(publication, TOKENS, languages().values())
    assert (
        b"Subject: The Harbour Courier: Headline number 1"
        in compose(composer_of(STORIES, publication=publication), 1).data
    )


def test_it_can_build_on_ours(write: Write) -> None:
    publication = write(
        "mail/layout.html",
        '{% extends "default/mail/layout.html" %}\n'
        "{% block masthead %}<tr><td>Since 1907</td></tr>{{ super() }}{% endblock %}",
    )
    rehearse(publication, TOKENS, [english()])
    message = compose(composer_of(STORIES, publication=publication), 1, 2)
    single = alone(STORIES, 1, 2, publication=publication)
    assert single
    assert html_of(message) == single.html
    assert single.html.index("Since 1907") < single.html.index("The Harbour Courier</h1>")


def test_the_examples_of_the_documentation_pass(write: Write) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "themes.md").read_text()
    layout, style = re.findall(r"(?s)```jinja\n(.*?)```", guide)
    write("mail/layout.html", layout)
    publication = write("mail/style.css", style)
    rehearse(publication, TOKENS, [english()])
    html = html_of(compose(composer_of(STORIES, publication=publication), 1))
    assert "We also print, on Fridays." in html
    assert re.search(r'class="headline ink" style="[^"]*font-size:26px', html)


def test_a_digest_built_on_ours_is_joined_as_rendered_alone(write: Write) -> None:
    publication = write(
        "mail/digest.html",
        '{% extends "default/mail/digest.html" %}\n'
        "{% block foot %}<p>We print on Fridays.</p>{{ super() }}{% endblock %}",
    )
    rehearse(publication, TOKENS, languages().values())
    message = compose(composer_of(STORIES, publication=publication), 1, 2)
    single = alone(STORIES, 1, 2, publication=publication)
    assert single
    assert (html_of(message), text_of(message)) == (single.html, single.text)
    assert "We print on Fridays." in single.html


OURS = sorted(path.name for path in (templates_folder() / "mail").iterdir())


def test_our_own_pass(write: Write) -> None:
    for name in OURS:
        publication = write(f"mail/{name}", change=str)
    rehearse(publication, TOKENS, [english()])


@pytest.mark.long
@pytest.mark.parametrize("name", OURS)
def test_each_of_our_own_passes(write: Write, name: str) -> None:
    rehearse(write(f"mail/{name}", change=str), TOKENS, [english()])


def test_a_folder_that_is_not_there_is_refused() -> None:
    assert "there is no such folder" in refused(replace(PUBLICATION, templates=Path("nowhere")))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mail/digset.html", "mail/digset.html takes the place of no template. Did you mean mail/digest.html?"),
        ("digest.html", "Did you mean mail/digest.html?"),
        ("operator/status.html", "operator/status.html takes the place of no template"),
        ("web/static/pages.scss", "Did you mean web/static/pages.css?"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_nearest(write: Write, name: str, words: str) -> None:
    assert words in refused(write(name))


def test_pictures_and_hidden_files_may_lie_there(write: Write) -> None:
    write("web/static/logo.png")
    write(".DS_Store")
    rehearse(write(".git/HEAD"), TOKENS, [english()])


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% extends 'default/mail/layout.html' %}\n{% if %}", "mail/digest.html, line 2: Expected an expression"),
        (
            "{% extends 'default/mail/layout.html' %}\n\n{% block content %}{{ storys }}{% endblock %}",
            "line 3: 'storys' is",
        ),
        ("{% extends 'mail/frame.html' %}", "line 1: it asks for mail/frame.html, which is not there"),
        ("{{ ''.__class__ }}", "line 1: access to attribute '__class__' of 'str' object is unsafe"),
        ("{{ cut.__globals__ }}", "is unsafe"),
        ("\n{{ 1 / 0 }}", "line 2: division by zero"),
        ("{% for n in range(10 ** 9) %}{% endfor %}", "Range too big"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_named_with_its_line(write: Write, template: str, words: str) -> None:
    assert words in refused(write("mail/digest.html", template))


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("mail/digest.html", '{{ cut("short", story.id) -}}'),
        ("mail/digest.html", '{{ cut("topic", section.topic.id) -}}'),
        ("mail/digest.html", '{{ cut("line", placed.story.id) -}}'),
        ("mail/digest.html", '{{ cut("teaser", placed.story.id) -}}'),
        ("mail/digest.html", '{{ cut("announcement", announcement.id) -}}'),
        ("mail/digest.txt", '{{ cut("group", section.topic.id) }}'),
        ("mail/digest.txt", '{{ cut("more") -}}'),
    ],
)
def test_a_template_that_loses_a_mark_is_refused_with_the_mark(write: Write, name: str, mark: str) -> None:
    words = refused(write(name, change=without(mark)))
    assert words.startswith(f"DIGESTMAIL_TEMPLATES: {name}")
    assert mark.split('"')[1] in words.rpartition("lacking: ")[2]


def test_what_stands_between_the_stories_is_named(write: Write) -> None:
    def change(text: str) -> str:
        return text.replace(
            "{% endfor %}\n{% if digest.hidden %}", '{{ cut("always") }}<hr>{% endfor %}\n{% if digest.hidden %}'
        )

    words = refused(write("mail/digest.html", change=change))
    assert "“always” stands between the stories, which must follow each other" in words


def test_a_template_may_do_without_an_index(write: Write) -> None:
    def change(text: str) -> str:
        start, end = text.index("{% if digest.index %}"), text.index("{% for announcement")
        return text[:start] + text[end:]

    rehearse(write("mail/digest.html", change=change), TOKENS, [english()])


@pytest.mark.parametrize(
    ("name", "fill"),
    [
        ("mail/digest.html", "unsubscribe"),
        ("mail/digest.txt", "unsubscribe"),
        ("mail/digest.html", "view"),
        ("mail/confirmation.txt", "confirm"),
        ("mail/reminder.html", "preferences"),
    ],
)
def test_a_mail_without_a_link_that_its_reader_needs_is_refused(write: Write, name: str, fill: str) -> None:
    words = refused(write(name, change=lambda text: text.replace(f'{{{{ fill("{fill}") }}}}', "")))
    assert f'{name}, or what it builds on: the mail has no link with {{{{ fill("{fill}") }}}}' in words


def test_a_value_that_there_is_not_is_named(write: Write) -> None:
    words = refused(write("mail/digest.html", change=lambda text: text.replace('fill("view")', 'fill("whole")')))
    assert "there is no value 'whole'" in words


@pytest.mark.parametrize(
    ("name", "octets", "words"),
    [
        ("mail/screens.css", 20_000, "Gmail drops those of more than 16,000"),
        ("mail/style.css", 40_000, "at most 32,000 can be inlined"),
        ("mail/address.txt", 0, ""),
    ],
)
def test_styles_that_are_too_large_are_refused(write: Write, name: str, octets: int, words: str) -> None:
    publication = write(name, change=lambda text: text + "\n.none { color: #000000 }" * (octets // 24))
    if words:
        assert words in refused(publication)
    else:
        rehearse(publication, TOKENS, [english()])


def test_a_mail_that_gmail_would_clip_is_refused(write: Write) -> None:
    foot = "{% block foot %}"
    words = refused(write("mail/layout.html", change=lambda text: text.replace(foot, "x" * 95_000 + foot)))
    assert "a digest of seven stories takes" in words


def test_with_no_folder_nothing_is_tried() -> None:
    rehearse(PUBLICATION, TOKENS, [])
