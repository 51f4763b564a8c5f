"""Reading a feed's document: bytes in, plain values out, whatever its format."""

import json
from dataclasses import replace
from typing import Protocol

from digestmail.errors import FeedError
from digestmail.feeds.document import Entry, ParsedFeed, host_of, with_identities
from digestmail.feeds.encoding import decode
from digestmail.feeds.mend import first_element
from digestmail.feeds.parse_json import parse_json
from digestmail.feeds.parse_xml import parse_xml

__all__ = ["Entry", "Parse", "ParsedFeed", "parse_feed"]

_WEB_PAGE = {"html", "head", "body", "meta", "title"}
"""The elements with which one can begin."""


class Parse(Protocol):
    """Reads a document, as `parse_feed` does. Called from several threads."""

    def __call__(self, body: bytes, *, content_type: str, url: str) -> ParsedFeed:
        """Raises FeedError where it is no feed."""


def parse_feed(body: bytes, *, content_type: str, url: str) -> ParsedFeed:
    """Read a document that came from `url`, which relative addresses are resolved against.

    Of the content type only the charset counts, and only where the bytes allow it. A feed without entries is fine.
    Raises FeedError where it is no feed at all.
    """
    host = host_of(url)
    if not body.strip():
        raise FeedError(f"{host} sent an empty answer where a feed should be.")
    text = decode(body, content_type=content_type)
    if first_element(text) in _WEB_PAGE:
        raise FeedError(
            f"{host} sent a web page, not a feed; look on that page for the address of its RSS, Atom or JSON feed."
        )
    try:
        parsed = _parse(text, url=url)
    except RecursionError as error:
        raise FeedError(f"The feed of {host} is nested too deeply to be read.") from error
    if parsed is None:
        raise FeedError(f"What {host} sent is not a feed: neither RSS nor Atom nor JSON Feed.")
    return replace(parsed, entries=with_identities(parsed.entries))


def _parse(text: str, *, url: str) -> ParsedFeed | None:
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text, strict=False)  # line ends inside strings are forgiven
        except ValueError:
            document = None
        if document is not None:
            return parse_json(document, url=url)
    return parse_xml(text, url=url)
