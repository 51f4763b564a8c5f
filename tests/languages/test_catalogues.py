"""Every language says everything, in every form, with the values in their places."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from digestmail.language import languages
from tests.languages.extract import CATALOGUES, ROOT, read, source, update

PLACEHOLDER = re.compile(r"%\((\w+)\)s")
PATHS = sorted(CATALOGUES.glob("*.po"))


@cache
def everything() -> dict[str, Message]:
    return messages(source())


each_language = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def forms(text: object) -> list[str]:
    return [str(form) for form in text] if isinstance(text, (tuple, list)) else [str(text)]


def messages(catalogue: Catalog) -> dict[str, Message]:
    return {forms(message.id)[0]: message for message in catalogue if message.id}


def test_there_are_the_languages_that_readers_can_choose() -> None:
    assert {"en", *(path.stem.replace("_", "-") for path in PATHS)} == set(languages())
    assert {"ar", "es"} <= set(languages())


@each_language
def test_everything_is_translated_in_every_form(path: Path) -> None:
    catalogue = read(path)
    translated = messages(catalogue)
    assert translated.keys() == everything().keys(), "run: ./run languages"
    for message in everything().values():
        found = translated[forms(message.id)[0]]
        assert found.id == message.id
        assert not found.fuzzy, found.id
        assert all(forms(found.string)), found.id
        assert len(forms(found.string)) == (catalogue.num_plurals if message.pluralizable else 1), found.id


@each_language
def test_every_value_has_its_place(path: Path) -> None:
    """A form for one, two or none of a thing may do without the number."""
    for message in messages(read(path)).values():
        values = set(PLACEHOLDER.findall(forms(message.id)[-1]))
        for form in forms(message.string):
            free = {"num"} if message.pluralizable else set()
            assert values - free <= set(PLACEHOLDER.findall(form)) <= values, form
            assert "%" not in PLACEHOLDER.sub("", form), form


@each_language
def test_no_message_has_markup(path: Path) -> None:
    """In HTML a message stands as it is, and some are filled in after the rendering, in both forms of a mail."""
    for message in messages(read(path)).values():
        for form in forms(message.id) + forms(message.string):
            assert not re.search("[<>&\n]", form), form


@each_language
def test_an_update_of_a_catalogue_that_is_up_to_date_changes_nothing(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    update(copy)
    assert copy.read_text() == path.read_text()


def test_a_new_language_begins_with_every_message_and_no_translation(tmp_path: Path) -> None:
    update(tmp_path / "pt_BR.po")
    catalogue = read(tmp_path / "pt_BR.po")
    assert messages(catalogue).keys() == everything().keys()
    assert not any(any(forms(message.string)) for message in catalogue if message.id)


READERS_TEMPLATES = [
    path
    for room in ("mail", "web")
    for path in sorted((ROOT / "templates" / room).glob("*.[ht][tx]*"))
    if path.name.partition(".")[0] not in {"notice", "inbox", "mail", "story"}
]
NO_WORDS = (
    r"\{#.*?#\}|\{% block layout %\}\w*|\{%.*?%\}|\{\{.*?\}\}|<pre.*?</pre>|<!--.*?-->|<svg.*?</svg>",
    r"<[^>]*>|&\w+;|aria-\w+=\"\w*\"",
)


@pytest.mark.parametrize("path", READERS_TEMPLATES, ids=lambda path: path.name)
def test_no_template_for_readers_has_words_of_its_own(path: Path) -> None:
    text = re.sub(NO_WORDS[0], "", path.read_text(), flags=re.DOTALL)
    assert re.findall(r'(?:alt|title|aria-label|placeholder)="[^"]*[A-Za-z]', text) == []
    assert re.findall(r"[A-Za-z]{2,}", re.sub(NO_WORDS[1], "", text)) == []
