"""Pages of the publisher's own are tried before the first reader comes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from digestmail.errors import SettingsError
from digestmail.resources import templates_folder
from digestmail.web.rehearsal import rehearse_all, sample_pages
from tests.web.conftest import Web

OURS = sorted((templates_folder() / "web").glob("*.html"))


@pytest.fixture
def write(make_web: Callable[..., Web], tmp_path: Path) -> Callable[[str, str], Web]:
    """Starts the pages with a template of the publisher's own."""

    def write(name: str, text: str) -> Web:
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return make_web(TEMPLATES=str(tmp_path / "templates"))

    return write


def test_every_page_has_a_sample() -> None:
    pages = {path.name for path in OURS if not path.name.startswith("_") and path.name != "base.html"}
    assert {template.removeprefix("web/") for template, _ in sample_pages()} == pages


def test_our_own_pass(make_web: Callable[..., Web], tmp_path: Path) -> None:
    shutil.copytree(templates_folder() / "web", tmp_path / "templates" / "web")
    rehearse_all(make_web(TEMPLATES=str(tmp_path / "templates")).site.settings)


def test_a_page_can_build_on_ours(write: Callable[[str, str], Web]) -> None:
    base = '{% extends "default/web/base.html" %}{% block masthead %}{{ super() }}<p>Since 1907</p>{% endblock %}'
    page = write("web/base.html", base).client.get("/nowhere").text
    assert "<p>Since 1907</p>" in page
    assert "There is no such page" in page


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("web/undone.html", "\n{{ reader.nobody }}", "web/undone.html, line 2: "),
        (
            "web/base.html",
            "{% block main %}{% endblock %}{{ ''.__class__ }}",
            "web/base.html, line 1: access to",
        ),
        ("web/sign_up.html", "{% for topic in topics %}", "web/sign_up.html, line 1: Unexpected end of template"),
        ("web/signup.html", "", "Did you mean web/sign_up.html?"),
        ("mail/digest.txt", "nothing", "mail/digest.txt"),
    ],
)
def test_a_broken_page_or_mail_stops_the_start(
    write: Callable[[str, str], Web], name: str, text: str, words: str
) -> None:
    with pytest.raises(SettingsError, match="DIGESTMAIL_TEMPLATES") as refusal:
        write(name, text)
    assert words in str(refusal.value)
