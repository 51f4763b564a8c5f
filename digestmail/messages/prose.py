"""Words and lines (pure): how texts are made safe and short, and how plain text is set.

What is set here depends on its own text alone, never on what stands beside it, so that set pieces can be joined.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

WIDTH = 72

_MARKS = {"L": "\u200e", "R": "\u200f"}

_UNSHOWABLE = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # control characters; those that are white space are kept
    "\u202a-\u202e\u2066-\u2069"  # overrides of direction, which would turn what follows around
    "\ud800-\udfff\ufeff\ufffe\uffff"  # lone surrogates and non-characters, which no encoder takes
    "]"
)


def one_line(text: str, *, limit: int) -> str:
    """The text without unshowable characters, white space folded, at most `limit` characters."""
    return shorten(" ".join(_UNSHOWABLE.sub("", text[: 10 * limit]).split()), limit)


def several_lines(text: str, *, limit: int) -> str:
    """Like `one_line`, paragraph by paragraph; an empty line stands between two."""
    return "\n\n".join(one_line(part, limit=limit) for part in paragraphs(text[: 10 * limit]))


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, which empty lines divide."""
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def web_address(url: str) -> str:
    """The address if it is a whole one of the web, else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    whole = parts.scheme in ("http", "https") and parts.netloc and len(url) <= 2000
    return url if whole and not _UNSHOWABLE.search(url) and len(url.split()) == 1 else ""


def shorten(text: str, limit: int) -> str:
    """The text, or as many of its words as go into `limit` characters, with “…”."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    words, space, _ = head.rpartition(" ")
    cut = words if space and len(words) > limit // 2 else head[:-1]
    return cut.rstrip(" ,;:–—-") + "…"


def width(text: str) -> int:
    """How many columns a text takes where every letter is equally wide."""
    return len(text) if text.isascii() else sum(_columns(letter) for letter in text)


def wrap(text: str, first: str = "", later: str | None = None) -> str:
    """The text in lines of at most 72 columns, behind `first` and, from the second line on, `later`.

    A web address is never broken; any other word is, where it is longer than a line. A line that begins in a script of
    the other direction than the text carries a mark (UAX 9), because programs set each line by its first letter.
    """
    later = first if later is None else later
    room = WIDTH - max(width(first), width(later))
    lines: list[list[str]] = [[]]
    taken = width(first)
    for word in _words(text, room):
        columns = width(word)
        if lines[-1] and taken + 1 + columns > WIDTH:
            lines.append([])
            taken = width(later)
        taken += columns + (1 if lines[-1] else 0)
        lines[-1].append(word)
    set_lines = [(later if place else first) + " ".join(words) for place, words in enumerate(lines)]
    return "\n".join(set_lines if text.isascii() else _in_one_direction(set_lines))


def underline(text: str) -> str:
    """The text as a heading: wrapped, with dashes below, as wide as its widest line."""
    wrapped = wrap(text)
    return f"{wrapped}\n{'-' * max(width(line) for line in wrapped.splitlines())}"


def _in_one_direction(lines: Sequence[str]) -> Iterator[str]:
    whole = next((found for line in lines if (found := _direction(line))), "")
    for line in lines:
        yield line if _direction(line) in ("", whole) else _MARKS[whole] + line


def _direction(text: str) -> str:
    """L or R as the first letter that has one, or ""."""
    kinds = map(unicodedata.bidirectional, text)
    return next(("L" if kind == "L" else "R" for kind in kinds if kind in ("L", "R", "AL")), "")


def _words(text: str, columns: int) -> Iterator[str]:
    for word in text.split():
        taken, start = 0, 0
        for place, letter in enumerate(word if "://" not in word else ""):
            taken += _columns(letter)
            if taken > columns:
                yield word[start:place]
                taken, start = _columns(letter), place
        yield word[start:]


def _columns(letter: str) -> int:
    if letter.isascii():
        return 1
    if unicodedata.combining(letter) or unicodedata.category(letter) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
