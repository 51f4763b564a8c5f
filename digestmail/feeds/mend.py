"""Making XML of what is meant to be XML (pure).

Most broken feeds have one of a few flaws: junk before them, forbidden characters, entities of HTML, a bare "&", or a
prefix that is declared nowhere. A parser that gives up on these would lose the rest.
"""

import html.entities
import re

_BEGINNING = 10_000
"""Characters in which a document has to begin."""
_DECLARATION = re.compile(r"<\?xml\s[^>]*>?")
_ROOT = re.compile(r"<(?:\w{1,20}:)?(?:rss|feed|rdf|channel)\b", re.IGNORECASE)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 (section 2.2) allows nowhere."""
_REFERENCE = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)"  # where "&" is only a character
    r"|&(?:#(?P<decimal>\d{1,9});|#[xX](?P<hex>[0-9a-fA-F]{1,8});|(?P<name>[A-Za-z_][\w.-]{0,60});|)",
    re.DOTALL | re.ASCII,
)
_ENTITY = re.compile(r"<!ENTITY\s+([\w.-]+)")
_OF_XML = {"amp", "lt", "gt", "quot", "apos"}
_PREFIX = re.compile(r"[<\s/]([A-Za-z_][\w.-]{0,40}):[A-Za-z_]", re.ASCII)
_DECLARED_PREFIX = re.compile(r"\bxmlns:([A-Za-z_][\w.-]{0,40})\s*=", re.ASCII)
_MOST_PREFIXES = 50
_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "media": "http://search.yahoo.com/mrss/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
}
"""What these prefixes mean where a document does not say it."""

_FIRST_ELEMENT = re.compile(
    r"(?:\s+|<\?[^>]*>|<![a-z\[][^>]*>|<!--(?:(?!-->).)*-->)*+<(?:[a-z_][\w.-]*:)?([a-z][\w.-]*)",
    re.IGNORECASE | re.DOTALL,
)


def first_element(text: str) -> str:
    """The name of the first element of an XML or HTML document, in small letters and without a prefix; "" for none."""
    found = _FIRST_ELEMENT.match(text[:_BEGINNING])
    return found[1].lower() if found else ""


def mend(text: str) -> str:
    """The document without its XML declaration, such that a parser of XML trips over as little as possible."""
    document = _from_its_beginning(_FORBIDDEN.sub("", text))
    known = _OF_XML.union(_ENTITY.findall(document[:_BEGINNING]))

    def mended(reference: re.Match[str]) -> str:
        whole = reference[0]
        if whole.startswith("<"):
            return whole
        if name := reference["name"]:
            if name in known:
                return whole
            meaning = html.entities.html5.get(name + ";")
            return "".join(f"&#{ord(character)};" for character in meaning) if meaning else f"&amp;{name};"
        if whole == "&":
            return "&amp;"
        number = int(reference["decimal"] or reference["hex"], 10 if reference["decimal"] else 16)
        return "" if _is_forbidden(number) else whole

    return _with_prefixes(_REFERENCE.sub(mended, document))


def _from_its_beginning(text: str) -> str:
    head = text[:_BEGINNING]
    declaration, root = _DECLARATION.search(head), _ROOT.search(head)
    if declaration and (root is None or declaration.start() < root.start()):
        return text[declaration.end() :].lstrip()
    text = text.lstrip("\ufeff \t\r\n")
    return text if text.startswith("<") or root is None else text[text.index("<") :]


def _with_prefixes(document: str) -> str:
    """Declare in the root element what is declared nowhere."""
    missing = set(_PREFIX.findall(document)) - set(_DECLARED_PREFIX.findall(document)) - {"xml", "xmlns"}
    root = _ROOT.search(document, 0, _BEGINNING)
    if root is None or len(missing) > _MOST_PREFIXES:
        return document
    declarations = (f' xmlns:{prefix}="{_NAMESPACES.get(prefix, "urn:" + prefix)}"' for prefix in sorted(missing))
    return document[: root.end()] + "".join(declarations) + document[root.end() :]


def _is_forbidden(number: int) -> bool:
    return number > 0x10FFFF or _FORBIDDEN.match(chr(number)) is not None
