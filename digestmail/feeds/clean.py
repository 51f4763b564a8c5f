"""Cleaning what feeds say (pure): HTML to plain text, titles, excerpts, links that are safe to show and to compare."""

import html
import re
from functools import lru_cache
from urllib.parse import urlsplit

import httpx2
import nh3

from digestmail.feeds.feet import without_foot

MAX_TITLE = 300
MAX_LINK = 2000
_MAX_HTML = 50_000
"""Characters of HTML that are read: more than an excerpt needs."""
_MAX_TAGS = 2_000
"""Tags that are read: parsing nested elements takes quadratic time."""

_BLOCKS = {
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figure", "footer", "h1", "h2", "h3"),
    *("h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "td", "th", "tr"),
    "ul",
}
_SILENT = {
    *("audio", "button", "canvas", "figcaption", "form", "head", "iframe", "math", "noscript", "object", "script"),
    *("select", "style", "svg", "template", "textarea", "title", "video"),
}
_CLEANER = nh3.Cleaner(
    tags=_BLOCKS, clean_content_tags=_SILENT, attributes={"*": set()}, link_rel=None, strip_comments=True
)
HOST = re.compile(rb"[a-z0-9._:-]+", re.IGNORECASE)
"""What the host of a URL may look like once it is in punycode: a name, or an address without its brackets."""

_TAG = re.compile(r"<[^>]*>")
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # control characters that are not white space
    "\u00ad\u200b\u2060\ufeff"  # invisible break marks
    "\u202a-\u202e\u2066-\u2069"  # reordering marks, which could turn the text around them
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # lone surrogates and characters that XML forbids
)
_SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[」』）]*)")
_TRACKING = re.compile(
    r"(?:(?:utm_|pk_|mtm_|hsa_|fb_|vero_|oly_|at_|guce_)\w*|mc_[ce]id|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid"
    r"|igshid|igsh|_hsenc|_hsmi|mkt_tok|ns_campaign|ns_mchannel|ns_source|s_cid|wickedid|xtor|ito|cmp|cmpid|ocid|guccounter"
    r"|traffic_source|ftag|ftcamp|spm|mbid|smid|smtyp|srnd|ref_src|__twitter_impression)(?:=.*)?"
    r"|(?:source|src|ref|from|via|output)=rss|rss=1",
    re.IGNORECASE,
)
"""Parameters that tell where a reader came from, and never two pages apart."""

_DATA = re.compile(r"data:(?:image|font|video|audio|application)/[^\"'\s<>)]*", re.IGNORECASE)
_ENOUGH_TAGS = re.compile(rf"(?:[^<]*+<){{{_MAX_TAGS}}}+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,5}")


def tidy(text: str) -> str:
    """Plain text on one line: no control characters, no lone surrogates, white space collapsed."""
    return " ".join(_UNSEEN.sub("", text).split())


def plain_text(markup: str) -> str:
    """The readable text of HTML, on one line: entities decoded, scripts, styles, forms and captions left out."""
    safe = _CLEANER.clean(_UNSEEN.sub("", without_data(markup)))
    # In what nh3 writes, a bare < or > is always part of a tag.
    return tidy(html.unescape(_TAG.sub(" ", safe)))


def without_data(markup: str) -> str:
    """The part of HTML that is read, without pictures that are written into it, which can be longer than that."""
    beginning = _DATA.sub("data:", markup)[:_MAX_HTML]
    enough = _ENOUGH_TAGS.match(beginning)
    return beginning[: enough.end() - 1] if enough else beginning


def title(markup: str) -> str:
    """A headline from HTML or text, at most 300 characters; entities that were escaped twice are decoded twice."""
    text = plain_text(markup)
    for _ in range(2):
        if not _ENTITY.search(text):
            break
        text = tidy(html.unescape(text))
    return _cut_at_word(text, MAX_TITLE)


def excerpt(text: str, *, limit: int = 320, headline: str = "") -> str:
    """The beginning of plain text, at most `limit` characters: whole sentences where they fill a fair part of it, else
    whole words with an ellipsis. Empty where the text only repeats the headline."""
    text = without_foot(text)
    if headline and letters(text) == letters(headline):
        return ""
    if len(text) <= limit and not text.endswith("…"):
        return text
    most = min(limit, len(text))
    ends = [end.end() for end in _SENTENCE_END.finditer(text, 0, most + 1) if most // 3 <= end.end() <= most]
    return text[: ends[-1]] if ends else _cut_at_word(text, limit)


def safe_link(url: str) -> str:
    """The absolute http or https URL in ASCII, or "" for anything else: other schemes, user names, control characters,
    more than 2000 characters."""
    scheme, colon, rest = url.strip().partition(":")
    if len(url) > MAX_LINK or _UNSEEN.search(url):
        return ""
    try:
        link = httpx2.URL(scheme.lower() + colon + rest)  # which drops a default port after a small scheme only
        text = str(link)
    except (httpx2.InvalidURL, ValueError):
        return ""
    if link.scheme not in ("http", "https") or not HOST.fullmatch(link.raw_host) or link.userinfo:
        return ""
    return text if len(text) <= MAX_LINK else ""


@lru_cache(2000)  # of what is never longer than MAX_LINK
def link_key(url: str) -> str:
    """What is equal for two links to one page; for comparison only, "" for what is no safe link.

    Without scheme, fragment, tracking parameters and the slash at the end; parameters sorted.
    """
    parts = urlsplit(safe_link(url))
    parameters = sorted(p for p in parts.query.split("&") if p and not _TRACKING.fullmatch(p))
    return parts.netloc.lower() + parts.path.rstrip("/") + ("?" + "&".join(parameters) if parameters else "")


def language(tag: str) -> str:
    """A language tag that RFC 5646 could allow, with hyphens; "" for anything else."""
    tag = tag.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else ""


def _cut_at_word(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    words = head if text[limit - 1] == " " else (head.rpartition(" ")[0] or head)
    return words.rstrip(" ,;:–—-") + "…"


def letters(text: str) -> str:
    """Its letters and digits alone, in one case: what is equal for two spellings of one text."""
    return "".join(character for character in text.casefold() if character.isalnum())
