"""OPML 2.0 (opml.org/spec2.opml): lists of feeds in folders, read from anybody and written for anybody (pure).

A topic is a folder. What OPML has no word for, a topic's slug, stands in a namespace of our own; in folders that have
it, the attribute `category` of a feed names the categories that go to the topic. Elsewhere it means other things.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from digestmail.errors import InputError
from digestmail.feeds.clean import tidy

MAX_BYTES = 5_000_000

_OURS = "urn:digestmail:opml"
_SLUG = f"{{{_OURS}}}slug"
_MARKS = re.compile("[,/%]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A feed as a file lists it once: in a folder, or in none where `folder` is ""."""

    url: str
    title: str = ""
    site_url: str = ""
    folder: str = ""
    """The name of the innermost folder."""
    slug: str = ""
    """The slug of the folder's topic, in files of ours."""
    categories: tuple[str, ...] = ()
    """Which of its items belong in the folder; all where it is empty."""


def write_opml(feeds: Iterable[Listed], *, title: str) -> bytes:
    """A document that lists the feeds; those of one folder, which follow one another, stand in it together."""
    root = etree.Element("opml", version="2.0", nsmap={"digestmail": _OURS})
    etree.SubElement(etree.SubElement(root, "head"), "title").text = tidy(title)
    body = folder = etree.SubElement(root, "body")
    inside = ""
    for feed in feeds:
        if feed.slug != inside:
            inside = feed.slug
            folder = _outline(body, feed.folder, {_SLUG: feed.slug}) if inside else body
        attributes = {"type": "rss", "xmlUrl": feed.url, "htmlUrl": feed.site_url}
        attributes["category"] = ",".join(_escaped(name) for name in feed.categories)
        _outline(folder, feed.title or feed.url, attributes)
    document: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return document


def read_opml(document: bytes) -> list[Listed]:
    """The feeds of a document, in its order. Broken XML is read as far as it goes.

    Raises InputError where it is none, lists none, is too large, or declares entities of its own.
    """
    if len(document) > MAX_BYTES:
        raise InputError(f"The file is larger than {MAX_BYTES // 1_000_000} MB, which is too much for a list of feeds.")
    if not document.strip():
        raise InputError("The file is empty.")
    root = _parsed(document)
    if root is None or _name(root) != "opml":
        raise InputError("This is not an OPML file; export the feeds from your reader as OPML, and import that.")
    feeds = list(_feeds(root))
    if not feeds:
        raise InputError("The file lists no feeds: none of its outlines has an address in `xmlUrl`.")
    return feeds


def _outline(parent: etree._Element, text: str, attributes: dict[str, str]) -> etree._Element:
    text = tidy(text)
    return etree.SubElement(
        parent, "outline", {"text": text, "title": text} | {k: tidy(v) for k, v in attributes.items() if v}
    )


def _parsed(document: bytes) -> etree._Element | None:
    """The root; nothing outside the document is read, and no entity becomes text."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
    try:
        root = etree.fromstring(document.lstrip(), parser)
    except (etree.LxmlError, ValueError):
        return None
    dtd = root.getroottree().docinfo.internalDTD if root is not None else None
    if dtd is not None and any(True for _ in dtd.iterentities()):
        # An attribute would be expanded when it is read, and a few lines can expand to gigabytes.
        raise InputError("The file declares entities of its own, which no list of feeds needs; it is not read.")
    return root


def _feeds(root: etree._Element) -> Iterator[Listed]:
    for outline in root.iter(etree.Element):
        says = _attributes(outline)
        url = tidy(says.get("xmlurl", ""))
        if _name(outline) != "outline" or not url:
            continue
        folder = outline.getparent()
        above = _attributes(folder) if folder is not None and _name(folder) == "outline" else {}
        slug = tidy(above.get(_SLUG, ""))
        yield Listed(
            url=url,
            title="" if _called(says) == url else _called(says),
            site_url=tidy(says.get("htmlurl", "")),
            folder=_called(above),
            slug=slug,
            categories=_categories(says.get("category", "")) if slug else (),
        )


def _attributes(outline: etree._Element) -> dict[str, str]:
    """By name; small letters, since programs differ there."""
    return {re.sub(r"^[^{]+", lambda name: name[0].lower(), str(key)): str(value) for key, value in outline.items()}


def _called(says: dict[str, str]) -> str:
    return tidy(says.get("text", "")) or tidy(says.get("title", ""))


def _escaped(category: str) -> str:
    """Without commas, which part categories, and without slashes, which OPML has another use for."""
    return _MARKS.sub(lambda mark: f"%{ord(mark[0]):02X}", category)


def _categories(text: str) -> tuple[str, ...]:
    names = (tidy(unquote(name)) for name in text.split(","))
    return tuple(dict.fromkeys(filter(None, names)))


def _name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()
