"""Reading the elements of XML with feedparser's two parsers: the strict one, and the loose one where that gives up.

They are driven here because `feedparser.parse` gives up a whole document for what surprises it in one element, takes
input for paths and addresses to open, and takes quadratic time for some. No external entity is ever resolved.
"""

import io
import re
import xml.sax
import xml.sax.handler
import xml.sax.xmlreader
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from feedparser.api import LooseFeedParser, StrictFeedParser
from feedparser.sanitizer import replace_doctype

_MOST_ELEMENTS = 200_000
"""Of one document, several times what the largest real ones have; what comes after them is not read."""
_MOST_ATTRIBUTES = 200
"""Of one element; SAX looks for the name of each among all of them."""
_LONGEST_BASE = 2000
"""Characters of an `xml:base`, which is joined anew for every element."""
_ENDLESS_TAG = re.compile(r"<[^<>'\"]{20000,}")
"""What the loose parser takes for a tag, a hundred bytes of memory for each of its characters."""
_MOST_CATEGORIES = 100
"""Of one entry; feedparser compares each with all before it."""


@dataclass(frozen=True, slots=True)
class Elements:
    """What a document says in feedparser's dictionaries; `version` is "" where it is no known format."""

    version: str
    feed: Any
    entries: list[Any]


def read_elements(document: str, *, most_entries: int) -> Elements:
    """Read well-formed XML exactly and other as far as it goes, and no entries after the first `most_entries`."""
    version, data, entities = replace_doctype(document.encode())
    parser: Any = _Strict("", None, "utf-8")
    parser.most_entries = most_entries
    try:
        _parse_strictly(data, parser)
    except _EnoughError:
        pass
    except (xml.sax.SAXException, ValueError):  # the latter for white space in the name of a namespace
        parser = _Loose("", None, "utf-8", entities)
        parser.most_entries = most_entries
        with suppress(_EnoughError, RuntimeError, AssertionError):  # what was read before an error of SGML counts
            parser.feed(_ENDLESS_TAG.sub("<", data.decode()))
    return Elements(version or parser.version, parser.feeddata, parser.entries)


def _parse_strictly(data: bytes, handler: Any) -> None:
    parser = xml.sax.make_parser()  # noqa: S317 - it opens nothing, and the parser of entities has been emptied
    parser.setFeature(xml.sax.handler.feature_namespaces, True)
    parser.setFeature(xml.sax.handler.feature_external_ges, False)
    parser.setContentHandler(handler)
    parser.setErrorHandler(handler)
    source = xml.sax.xmlreader.InputSource()
    source.setByteStream(io.BytesIO(data))
    source.setEncoding("utf-8")  # whatever a declaration says
    parser.parse(source)


_NO_ATTRIBUTES = xml.sax.xmlreader.AttributesNSImpl({}, {})


class _EnoughError(Exception):
    """There are as many entries or elements as anybody wants."""


class _Forgiving:
    """feedparser's handlers; of an element that they trip over only this element is lost."""

    resolve_relative_uris = False
    sanitize_html = False
    most_entries = 0
    elements = 0
    entries: list[Any]
    baseuri: str

    def unknown_starttag(self, tag: str, attrs: Any) -> None:
        """Begin an element."""
        self.elements += 1
        if self.elements > _MOST_ELEMENTS:
            raise _EnoughError
        if len(self.baseuri) > _LONGEST_BASE:
            self.baseuri = ""
        with suppress(Exception):
            super().unknown_starttag(tag, attrs)  # type: ignore[misc]
        if len(self.entries) > self.most_entries:
            self.entries.pop()
            raise _EnoughError

    def unknown_endtag(self, tag: str) -> None:
        """End an element."""
        with suppress(Exception):
            super().unknown_endtag(tag)  # type: ignore[misc]

    def handle_charref(self, ref: str) -> None:
        """Take a character reference in a document that is not well-formed; it may name no character."""
        with suppress(ValueError, OverflowError):
            super().handle_charref(ref)  # type: ignore[misc]

    def _add_tag(self, *tag: Any) -> None:
        context = self._get_context()  # type: ignore[attr-defined]
        if len(context.setdefault("tags", [])) < _MOST_CATEGORIES:
            super()._add_tag(*tag)  # type: ignore[misc]

    def _sync_author_detail(self, key: str = "author") -> None:
        """Take an author's text for the name; feedparser cuts an address out of it, and not always the whole."""
        context = self._get_context()  # type: ignore[attr-defined]
        people = context.get(f"{key}s")
        if people and not people[-1].get("name"):
            people[-1]["name"] = context.get(key)


class _Strict(_Forgiving, StrictFeedParser):  # type: ignore[misc]
    """For well-formed XML."""

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:  # noqa: N802 - a name of SAX
        """Begin an element, with its attributes where there are not absurdly many."""
        super().startElementNS(name, qname, attrs if len(attrs) <= _MOST_ATTRIBUTES else _NO_ATTRIBUTES)


class _Loose(_Forgiving, LooseFeedParser):  # type: ignore[misc]
    """For the rest."""

    def handle_entityref(self, ref: str) -> None:
        """Take an entity; in a link, feedparser would forget to decode it."""
        if ref == "amp" and self.elementstack and self.elementstack[-1][0] == "link":
            self.handle_data("&")
        else:
            super().handle_entityref(ref)
