import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.mend import first_element, mend

ROOT = "<rss><title>{}</title></rss>"


def text_of(document: str) -> str | None:
    """What a strict parser reads."""
    return ET.fromstring(mend(document)).findtext("title")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a&nbsp;b &eacute;&Eacute; &hellip;", "a\u00a0b éÉ …"),
        ("R&D at AT&T & Co &", "R&D at AT&T & Co &"),
        ("https://a.example/?a=1&b=2&copy=3", "https://a.example/?a=1&b=2&copy=3"),
        ("&amp;nbsp; &lt;b&gt; &#233;&#xE9;", "&nbsp; <b> éé"),
        ("&unheardof; &;", "&unheardof; &;"),
        ("a&#0;b&#x1F;c&#xD800;d&#99999999;e", "abcde"),
        ("a\x00b\x1fc\ufffed\x0b", "abcd"),
        ("<![CDATA[a & b &nbsp; <i>]]> & c", "a & b &nbsp; <i> & c"),
    ],
)
def test_what_a_strict_parser_would_trip_over_is_mended(written: str, read: str) -> None:
    assert text_of(ROOT.format(written)) == read


@pytest.mark.parametrize(
    "before",
    [
        "\n\n  ",
        "\ufeff",
        "Warning: x in /a.php on line 3\n",
        "<br />\n<b>Notice</b>: x\n<?xml version='1.0'?>",
        "<!-- made by x --><?xml version='1.0' encoding='utf-8'?>",
        "<?xml version='1.1' standalone='yes'?>\n",
        "<?xml version='1.0'?>\n<?xml-stylesheet href='x.xsl'?><!DOCTYPE rss>",
    ],
)
def test_what_stands_before_a_document_does_no_harm(before: str) -> None:
    assert text_of(before + ROOT.format("x")) == "x"


def test_entities_that_a_document_declares_stay_its_own() -> None:
    document = '<!DOCTYPE rss [<!ENTITY eacute "E!">]>' + ROOT.format("&eacute;&egrave;")
    assert text_of(document) == "E!è"


def test_prefixes_that_nobody_declared_are_declared() -> None:
    document = '<rss xmlns:x="urn:x"><title x:a="" b:c="">t</title><media:group><x:y/></media:group></rss>'
    assert text_of(document) == "t"
    assert re.findall(r"xmlns:(\w+)", mend(document)) == ["b", "media", "x"]


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("<rss>", "rss"),
        ("\n<?xml version='1.0'?><!-- <html> --><!DOCTYPE html PUBLIC 'x'>\n<RDF:rdf>", "rdf"),
        ("<!doctype html><HTML lang=en>", "html"),
        ("hello <html>", ""),
        ("", ""),
        ("<!---->" * 2000 + "x", ""),
    ],
)
def test_a_document_is_known_by_its_first_element(document: str, name: str) -> None:
    assert first_element(document) == name


PIECES = st.sampled_from(["&", ";", "#", "x1f", "65", "&nbsp;", "&lt;", "<![CDATA[", "a:b", "\x00", "\ufffe", "\ud800"])


@given(st.lists(PIECES | st.text(st.characters(exclude_characters="<]"), max_size=5)).map("".join))
def test_a_strict_parser_reads_whatever_has_no_markup(text: str) -> None:
    closed = text + "]]>" if "<![CDATA[" in text else text
    assert text_of(ROOT.format(closed)) is not None


@given(st.text("<?xmlrs&; :=![CDAT]-", max_size=200))
def test_whatever_is_written_can_be_mended(text: str) -> None:
    assert isinstance(mend(text) + first_element(text), str)
