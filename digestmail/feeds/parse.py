"""Reading a feed's document: bytes in, plain values out, whatever its format."""

import json
import re

from digestmail.errors import FeedError
from digestmail.feeds.document import Entry, ParsedFeed, host_of, with_identities
from digestmail.feeds.parse_json import parse_json
from digestmail.feeds.parse_xml import parse_xml

__all__ = ["Entry", "ParsedFeed", "parse_feed"]

_JSON = re.compile(r"application/(?:feed\+)?json\b", re.IGNORECASE)
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


def parse_feed(body: bytes, *, content_type: str, url: str) -> ParsedFeed:
    """Read a document that came from `url`, which relative addresses are resolved against.

    A feed without entries is fine. Raises FeedError where it is no feed at all.
    """
    host = host_of(url)
    if not body.strip():
        raise FeedError(f"{host} sent an empty answer where a feed should be.")
    try:
        parsed = _parse(body, content_type=content_type, url=url)
    except RecursionError as error:
        raise FeedError(f"The feed of {host} is nested too deeply to be read.") from error
    if parsed is None:
        if _HTML.match(body[:4096]):
            raise FeedError(
                f"{host} sent a web page, not a feed; look on that page for the address of its RSS, Atom or JSON feed."
            )
        raise FeedError(f"What {host} sent is not a feed: neither RSS nor Atom nor JSON Feed.")
    return ParsedFeed(title=parsed.title, entries=with_identities(parsed.entries), ttl=parsed.ttl)


def _parse(body: bytes, *, content_type: str, url: str) -> ParsedFeed | None:
    if _JSON.match(content_type.strip()) or body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        try:
            document = json.loads(body.decode("utf-8-sig", "replace"))
        except ValueError:
            document = None
        if document is not None:
            return parse_json(document, url=url)
    return parse_xml(body, content_type=content_type, url=url)
