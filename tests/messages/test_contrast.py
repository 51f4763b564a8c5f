"""Every word of every mail can be read, in light and in dark, whatever accent the publisher chose."""

import re
from collections.abc import Iterator
from functools import cache

import pytest
from lxml import html as lxml_html

from digestmail.messages.colors import contrast
from digestmail.messages.look import SHEET, SHEET_IN_THE_DARK, Look
from digestmail.settings import Settings
from tests.messages.every_mail import every_mail
from tests.messages.samples import html_of

Colors = dict[str, str]


def words(html: str, *, dark: bool) -> Iterator[tuple[str, str, str]]:
    """Each text that is shown with its colour and what it stands on, as its elements and classes have it."""
    media = re.search(r"(?s)@media \(prefers-color-scheme: dark\) \{(.*?)\n\}", html)
    assert media
    rules = re.findall(r"\.([a-z-]+) \{([^}]*)\}", media[1]) if dark else []
    by_class = {name: colors_of(body) for name, body in rules}
    root = lxml_html.fromstring(html.encode())
    for element in root.iter():
        if not isinstance(element.tag, str) or element.tag in ("style", "title"):
            continue
        shown = [element.text or "", *(child.tail or "" for child in element), element.get("alt", "")]
        line = [element, *element.iterancestors()]
        if any("preheader" in each.get("class", "").split() for each in line):
            continue
        colors: Colors = {}
        for each in reversed(line):
            colors |= colors_of(each.get("style", ""))
            for name in each.get("class", "").split():
                colors |= by_class.get(name, {})
        for text in shown:
            if text.strip():
                assert "color" in colors, f"nothing says the colour of “{text.strip()}”"
                yield text.strip(), colors["color"], colors["background-color"]


def colors_of(style: str) -> Colors:
    found = re.findall(r"(?<![a-z-])(color|background-color):\s*#([0-9a-f]{3,6})", style)
    return {
        name: "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits)) for name, digits in found
    }


@cache
def mails(accent: str | None) -> tuple[str, ...]:
    look = Look.of(Settings(accent_color=accent))
    return tuple(html_of(mail) for mail in every_mail(look=look))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("accent", [None, "#ffff00", "#101010", "#808080"])
def test_every_word_can_be_read(accent: str | None, *, dark: bool) -> None:
    seen = 0
    for mail in mails(accent):
        for text, color, background in words(mail, dark=dark):
            seen += 1
            assert contrast(color, background) >= 4.5, f"“{text}” is {color} on {background}"
    assert seen > 300


def test_in_the_dark_no_word_keeps_its_color() -> None:
    for mail in mails(None):
        pairs = zip(words(mail, dark=False), words(mail, dark=True), strict=True)
        for (text, light, paper), (_, in_the_dark, night) in pairs:
            assert light != in_the_dark, text
            assert paper != night, text


def test_the_colors_that_the_look_reckons_with_are_those_of_the_style_sheets() -> None:
    html = mails(None)[0]
    assert f"background-color:{SHEET}" in html
    assert f".sheet {{ background-color: {SHEET_IN_THE_DARK} !important }}" in html


def test_elements_are_read_as_browsers_read_them() -> None:
    html = (
        "<style>@media (prefers-color-scheme: dark) {\n.ink { color: #ffffff !important }\n}</style>"
        '<p style="background-color:#000000;color:#111111">a <b class="ink" style="color:#222222">b</b> c</p>'
    )
    assert list(words(html, dark=True)) == [
        ("a", "#111111", "#000000"),
        ("c", "#111111", "#000000"),
        ("b", "#ffffff", "#000000"),
    ]
