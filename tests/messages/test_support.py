"""What the mail is built of, held against what mail programs support (`support/facts.json`)."""

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from lxml import html as lxml_html
from lxml.html import HtmlElement

from digestmail.messages.look import Logo, Look
from tests.messages.every_mail import every_mail
from tests.messages.samples import html_of

FACTS: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "support" / "facts.json").read_text())[
    "features"
]

DEGRADES = {
    # What a page is framed with
    "html-doctype": "replaced by the program's own: nothing here depends on the mode",
    "html-body": "replaced by a div: its background stands on the outer table too, language and direction on a div",
    "html-lang": "not on cells in Yahoo: a story in another language is read aloud in the mail's",
    "html-bdi": "holds what an inbox shows of a mail, each in its own direction; elsewhere that is hidden anyway",
    "html-dir": "Outlook for Windows, on links: none has one; Gmail's mobile page, a mail of two scripts",
    "html-role": "Yahoo, on tables alone: there are the roles that matter",
    "html-aria-label": "without it the mail is read aloud without its title",
    "html-meta-color-scheme": "only asks; where it is not known the program darkens the mail in its own way",
    # The style element: all that matters stands in the elements
    "html-style": "Gmail without a Google account, and its mobile page: as on a wide screen in light",
    "css-selector-class": "as html-style",
    "css-selector-descendant": "as html-style",
    "css-selector-attribute": "only keeps iOS from making dates and addresses blue; no other program does that",
    "css-selector-type": "as html-style, and the type selectors are for Outlook's Word engine alone",
    "css-important": "lower case, after a space, never in an element",
    "css-at-media": "without it the padding of a wide screen stays on a small one",
    "css-at-media-prefers-color-scheme": "without it the mail stays light, or is darkened in the program's own way",
    "css-color-scheme": "as html-meta-color-scheme",
    # Boxes
    "css-padding": "Outlook for Windows, on cells alone: see the test below",
    "css-margin": "none is negative; where auto is not known the tables are centred by align",
    "css-border": "Outlook for Windows, at most 8px and on cells alone: see the test below",
    "css-border-radius": "Outlook for Windows: square corners; Yahoo lacks a form that is not used",
    "css-max-width": "Outlook for Windows gets a table of 640 around it; a telephone is narrower anyway",
    "css-width": "Outlook for Windows, on pictures: they have the attribute",
    "css-height": "auto, which is what happens without it",
    "html-width": "in percent on tables alone, in pixels on pictures",
    "html-height": "in pixels on the logo alone",
    "html-align": "only center is used",
    "html-img": "of Thunderbird not known; it shows pictures",
    "css-display": "block and inline-block, without which a button is as high as its cell's mso-padding-alt makes it",
    # The preheader: what hides it in one program need not in another
    "css-display-none": "Gmail's mobile page: hidden by its size instead",
    "css-max-height": "Outlook for Windows: hidden by mso-hide",
    "css-overflow": "Outlook for Windows: hidden by mso-hide; hidden is the only value",
    # Text
    "css-line-height": "Outlook for Windows: mso-line-height-rule stands in its own style sheet",
    "css-letter-spacing": "small, and in pixels",
    "css-text-align": "start in a text's own direction; where it is not known, that of the whole mail stays",
    "css-text-transform": "only uppercase is used",
    "css-text-decoration": "only none is used; without it headlines are underlined",
    "css-font-weight": "only bold is used",
    "css-font-size": "only pixels are used",
}
"""What some program does not support, or only in part, and how the mail reads there."""

ALIKE = {
    "background-color": "css-background-color",
    "border-collapse": "css-border-collapse",
    "border-radius": "css-border-radius",
    "font-family": "css-font",
    "font-style": "css-font",
}
UNQUESTIONED = {"color", "-webkit-text-size-adjust", "supported-color-schemes"}
"""Properties of which there are no facts: one is as old as CSS, and the others do no harm unknown."""

ELEMENTS = dict.fromkeys(("h1", "h2", "h3"), "html-h1-h6") | dict.fromkeys(("tr", "td", "table"), "html-table")
ELEMENTS |= {"b": "html-strong"}
ATTRIBUTES = {"lang", "dir", "role", "width", "height", "align", "cellpadding", "cellspacing", "aria-label"}
PLAIN_ELEMENTS = {"html", "head", "title", "meta", "a"}
PLAIN_ATTRIBUTES = {
    "alt",
    "aria-roledescription",
    "border",
    "charset",
    "class",
    "content",
    "href",
    "name",
    "src",
    "style",
}
PLAIN_ATTRIBUTES |= {"xmlns:o"}


@cache
def mails() -> tuple[HtmlElement, ...]:
    look = Look(logo=Logo("https://courier.example/logo.png", 240, 60), foot=("Founded in 1907.",))
    return tuple(lxml_html.fromstring(html_of(mail).encode()) for mail in every_mail(look=look))


def elements() -> Iterator[HtmlElement]:
    for mail in mails():
        yield from (element for element in mail.iter() if isinstance(element.tag, str))


def declarations(style: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in style.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def feature_of(name: str) -> str | None:
    """The facts' name for a property; None where none are needed."""
    if name.startswith("mso-") or name in UNQUESTIONED:
        return None
    general = re.sub(r"^(padding|margin|border)-(top|right|bottom|left|width|style|color)$", r"\1", name)
    found = ALIKE.get(name, f"css-{general}")
    assert found in FACTS, f"there are no facts about {name}"
    return found


def in_elements() -> Iterator[str]:
    for element in elements():
        if element.tag not in PLAIN_ELEMENTS:
            yield ELEMENTS.get(element.tag, f"html-{element.tag}")
        for name in element.attrib:
            if name not in PLAIN_ATTRIBUTES:
                assert name in ATTRIBUTES, f"there are no facts about the attribute {name}"
                yield f"html-{name}"
        style = declarations(element.get("style", ""))
        yield from filter(None, map(feature_of, style))
        if style.get("display") == "none":
            yield "css-display-none"
    yield from ("html-doctype", "html-meta-color-scheme")


def in_style_sheets() -> Iterator[str]:
    sheets = [*(element.text for element in elements() if element.tag == "style")]
    sheets += [re.sub(r"(?s).*<style>(.*)</style>.*", r"\1", comment.text) for comment in word_comments()]
    for sheet in sheets:
        for rule in re.findall(r"@[^{]*", sheet):
            yield "css-at-media-prefers-color-scheme" if "prefers" in rule else "css-at-media"
        for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"@[^{]*\{", "", sheet)):
            yield from filter(None, map(feature_of, declarations(body)))
            if "!important" in body:
                yield "css-important"
            for selector in map(str.strip, selectors.split(",")):
                yield selector_of(selector)


def selector_of(selector: str) -> str:
    kinds = {
        r":root": "css-color-scheme",
        r"\.[a-z-]+": "css-selector-class",
        r"\.[a-z-]+ \.[a-z-]+": "css-selector-descendant",
        r"[a-z0-9]+": "css-selector-type",
        r"a\[[a-z-]+\]": "css-selector-attribute",
    }
    found = [kind for pattern, kind in kinds.items() if re.fullmatch(pattern, selector)]
    assert found, f"there are no facts about the selector {selector}"
    return found[0]


def word_comments() -> Iterator[HtmlElement]:
    return (
        each for mail in mails() for each in mail.iter() if not isinstance(each.tag, str) and "<style>" in each.text
    )


def test_all_that_some_program_lacks_is_known_and_degrades_well() -> None:
    used = {*in_elements(), *in_style_sheets()}
    lacking = {feature for feature in used if FACTS.get(feature, {"": "unknown"})}
    assert lacking - DEGRADES.keys() == set()
    assert DEGRADES.keys() - lacking == set(), "no longer used, or supported everywhere by now"


def test_padding_and_borders_stand_on_cells() -> None:
    for element in elements():
        style = declarations(element.get("style", ""))
        boxed = [name for name in style if name.startswith(("padding", "border-width"))]
        classes = element.get("class", "")
        # A button's cell has mso-padding-alt; a chip is as well a word on a tinted ground.
        if boxed and style[boxed[0]] != "0" and classes not in ("button-link", "chip"):
            assert element.tag == "td", f"{element.tag}.{classes} has {boxed}"


def test_values_are_those_that_are_supported() -> None:
    for element in elements():
        for name, value in declarations(element.get("style", "")).items():
            assert not re.search(r"\d(em|rem|vw|ch|pt)\b|calc|var\(|rgb", value) or "mso" in name
            assert not (name.startswith("margin") and "-" in value)
            assert "!important" not in value
            assert name != "border-width" or max(map(int, re.findall(r"\d+", value))) <= 8


def test_a_picture_has_its_width_as_an_attribute_a_text_and_no_border() -> None:
    pictures = [element for element in elements() if element.tag == "img"]
    assert pictures
    for picture in pictures:
        assert int(picture.get("width")) <= 576
        assert picture.get("alt")
        style = declarations(picture.get("style"))
        assert (style["height"], style["border"]) == ("auto", "0")


def test_a_link_with_words_has_a_color_of_its_own() -> None:
    links = [element for element in elements() if element.tag == "a" and (element.text or "").strip()]
    assert links
    for link in links:
        assert "color" in declarations(link.get("style", ""))


def test_word_gets_its_fonts_line_heights_and_resolution() -> None:
    comments = [comment.text for comment in word_comments()]
    assert len(comments) == len(mails())
    for comment in comments:
        assert "<o:PixelsPerInch>96</o:PixelsPerInch>" in comment
        assert "mso-line-height-rule: exactly" in comment
        assert "td { font-family: 'Georgia' }" in comment


def test_no_program_makes_links_of_dates_or_scales_the_mail() -> None:
    for mail in mails():
        assert mail.xpath("count(//meta[@name='x-apple-disable-message-reformatting'])") == 1
        [detection] = mail.xpath("//meta[@name='format-detection']/@content")
        assert {"telephone=no", "date=no", "address=no", "email=no", "url=no"} == set(detection.split(","))


def test_styles_and_mails_are_as_large_as_gmail_takes() -> None:
    for mail in every_mail():
        html = html_of(mail)
        assert sum(map(len, re.findall(r"(?s)<style.*?</style>", html))) <= 16_000
        assert len(html.encode()) <= 90 * 1024


def test_headings_begin_with_one_and_skip_no_level() -> None:
    for mail in mails():
        levels = [int(heading.tag[1]) for heading in mail.iter("h1", "h2", "h3", "h4")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_no_text_of_the_mail_follows_the_preheader_in_an_inbox() -> None:
    for mail in mails():
        [preheader] = mail.xpath("//div[@class='preheader']")
        text = preheader.text_content()
        assert text.strip("\u034f \n")
        assert text.endswith("\u034f " * 40)
