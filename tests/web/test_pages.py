"""The templates and the static files."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digestmail.resources import templates_folder
from digestmail.web.pages import stamp
from tests.web.conftest import Web

TEMPLATES = sorted(path for room in ("web", "operator") for path in (templates_folder() / room).glob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_an_inline_script_or_style(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_asks_another_server(template: Path) -> None:
    assert not re.search(r'(?:src|action)="(?:https?:)?//', template.read_text())
    assert not re.search(r'<link[^>]*href="(?:https?:)?//', template.read_text())


def test_static_files_may_be_kept_for_they_change_their_address(web: Web) -> None:
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', web.client.get("/").text)
    assert len(addresses) == 5
    for address in addresses:
        assert re.search(r"\?v=[0-9a-f]{10}$", address)
        answer = web.client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


def test_the_form_is_a_light_page(web: Web) -> None:
    assert len(web.client.get("/").content) < 60_000


def test_every_time_zone_can_be_chosen(web: Web) -> None:
    page = web.client.get("/").text
    assert '<option value="America/Argentina/Buenos_Aires">Argentina, Buenos Aires</option>' in page
    assert '<optgroup label="Europe">' in page
    assert len(re.findall("<option", page)) > 450


def test_the_operator_is_told_a_moment_in_utc() -> None:
    at = datetime(2026, 11, 24, 6, 5, tzinfo=UTC)
    assert stamp(at) == "24 Nov, 06:05 UTC"
