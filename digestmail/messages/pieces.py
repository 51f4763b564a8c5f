"""Cut and join: a rendering for everybody is cut into encoded pieces, and anybody's rendering is joined from them.

The templates set marks. `cut("story", 17)` begins a piece that is shown to those who get story 17; it ends at the next
mark. `fill("day")` stands where a value goes that is not known yet. Pieces are joined in the order of the template, so
that a joined rendering is equal to one rendered alone for its reader.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from digestmail.messages.keys import ALWAYS, key_of
from digestmail.messages.quoted_printable import SOFT_BREAK, encode


@dataclass(frozen=True, slots=True)
class Gap:
    """The place of a value that is filled in later, encoded as `inline` does it; tokens are so by themselves.

    The piece behind a gap begins with the end of the line. As one value serves both forms of a mail, it holds no letter
    that HTML writes in another way.
    """

    name: str


Part = bytes | Gap

_LINK = re.compile(r"""(?m)(?:(?:href|src)="|^(?:\| )?)https?://""")


class Marks:
    """Marks for one rendering. They carry a random number, so that no story can hold a forged one."""

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(12)

    def cut(self, *key: str | int) -> str:
        """An HTML comment, which premailer keeps wherever it stands."""
        return Markup(f"<!--{self._nonce} {key_of(*key)}-->")  # noqa: S704 - keys are words and numbers of ours

    def fill(self, name: str) -> str:
        """A word that may also stand inside of an address."""
        return f"{self._nonce}-{name}-"

    def split(self, marked: str) -> Iterable[tuple[str, str | Gap]]:
        """The rendering as (key, text or gap), in order."""
        texts = re.split(f"<!--{self._nonce} ([^>]+)-->|{self._nonce}-([a-z]+)-", marked)
        key = ALWAYS
        yield key, texts[0]
        for cut, name, text in zip(texts[1::3], texts[2::3], texts[3::3], strict=True):
            if name:
                yield key, Gap(name)
            else:
                key = cut
            yield key, text


class NoMarks:
    """For a rendering of one reader's own: no cuts, and the values themselves."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def cut(self, *key: str | int) -> str:
        """Nothing."""
        return ""

    def fill(self, name: str) -> str:
        """The value."""
        return self._values[name]


class Piece(NamedTuple):
    """What stands between two marks: encoded, and how many octets and links it had before."""

    key: str
    part: Part
    octets: int = 0
    links: int = 0


class Pieces:
    """One form of a rendering, cut and encoded once.

    Some pieces come in regions, such as all stories: `regions` names the region of a key by its first word. Raises
    ValueError where a template interrupts a region.
    """

    def __init__(self, marked: str, marks: Marks, regions: Mapping[str, str]) -> None:
        self._pieces: list[Piece] = []
        self._places: dict[str, list[int]] = {}
        self._outside: list[Piece] = []
        for key, content in marks.split(marked):
            region = regions.get(key.partition(":")[0])
            for piece in _encoded(key, content):
                self._places.setdefault(key, []).append(len(self._pieces))
                self._pieces.append(piece)
                if region is None:
                    self._outside.append(piece)
                elif not self._outside or self._outside[-1].key != region:
                    self._outside.append(Piece(region, Gap(region)))
        self._regions = [piece.key for piece in self._outside if piece.key in regions.values()]
        if len(self._regions) != len(set(self._regions)):
            raise ValueError(f"the template interrupts one of these regions: {', '.join(self._regions)}")

    @property
    def wire_ready(self) -> bool:
        """No line of any piece begins with a dot; all are ASCII, being encoded."""
        parts = (piece.part for piece in self._pieces if isinstance(piece.part, bytes))
        return not any(part.startswith(b".") or b"\n." in part for part in parts)

    @property
    def octets(self) -> int:
        """What all pieces take in memory, without what Python takes besides."""
        return sum(len(piece.part) for piece in self._pieces if isinstance(piece.part, bytes))

    def join(self, keys: Iterable[str]) -> bytes:
        """The pieces with these keys, which have no gaps, in the order of the rendering.

        A key without a piece adds nothing.
        """
        return b"".join(piece.part for piece in self._chosen(keys) if isinstance(piece.part, bytes))

    def size(self, keys: Iterable[str], values: Mapping[str, int] | None = None) -> int:
        """The octets of these pieces before they were encoded; a gap has those of its value."""
        values = values or {}
        return sum(
            values[piece.part.name] if isinstance(piece.part, Gap) else piece.octets for piece in self._chosen(keys)
        )

    def links(self, keys: Iterable[str]) -> int:
        """How many links there are in the pieces with these keys."""
        return sum(piece.links for piece in self._chosen(keys))

    def around(self, keys: Iterable[str]) -> list[Part]:
        """The pieces with these keys outside of the regions, and in place of each region a gap of its name."""
        wanted = {*keys, *self._regions}
        return [piece.part for piece in self._outside if piece.key in wanted]

    def _chosen(self, keys: Iterable[str]) -> Iterator[Piece]:
        places = [place for key in keys for place in self._places.get(key, ())]
        places.sort()
        return (self._pieces[place] for place in places)


def _encoded(key: str, content: str | Gap) -> Iterator[Piece]:
    if isinstance(content, Gap):
        yield Piece(key, content)
        yield Piece(key, SOFT_BREAK)
    elif content:
        yield Piece(key, encode(content), octets_of(content), count_links(content))


def count_links(text: str) -> int:
    """How many addresses a text has that a filter follows: those of links and pictures, or alone on a line.

    A filter (rspamd, URI_COUNT_ODD) holds it against a message of two forms if they have an odd number together: both
    forms of an honest mail are thought to have the same. So a digest's plain form has one link more where need be.
    """
    return len(_LINK.findall(text))


def octets_of(text: str) -> int:
    """How many octets a text has as it travels, in UTF-8 and with two for a line's end, before it is encoded."""
    return len(text.encode()) + text.count("\n")
