"""Cut and join: a rendering for everybody is cut into encoded pieces, and anybody's rendering is joined from them.

The templates set marks. `cut("story", 3, 17)` begins a piece that is shown to those who get story 17 under topic 3;
it ends at the next mark. `fill("day")` stands where a value goes that is not known yet. The order of the pieces is the
order of the template, so that a joined rendering is equal to one rendered alone for its reader.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from digestmail.messages.quoted_printable import encode

ALWAYS = "always"
"""The key of what everybody gets, also of all that stands before the first mark."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The place of a value that is filled in later."""

    name: str


Part = bytes | Gap


def key_of(*key: str | int) -> str:
    """The key of a piece as one string."""
    return ":".join(map(str, key))


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


class Pieces:
    """A marked rendering, cut and encoded once."""

    def __init__(self, marked: str, marks: Marks) -> None:
        self._parts: list[Part] = []
        self._places: dict[str, list[int]] = {}
        for key, content in marks.split(marked):
            if content:
                self._places.setdefault(key, []).append(len(self._parts))
                self._parts.append(content if isinstance(content, Gap) else encode(content))

    def join(self, keys: Iterable[str]) -> list[Part]:
        """The pieces with these keys, in the order of the rendering. A key without a piece adds nothing."""
        places = [place for key in keys for place in self._places.get(key, ())]
        places.sort()
        return [self._parts[place] for place in places]


class Composed:
    """Parts put together, with gaps for what differs between their readers."""

    __slots__ = ("_first", "_rest", "size")

    def __init__(self, parts: Iterable[Part], values: Mapping[str, bytes]) -> None:
        """Fill in what is known already; the values must be encoded as pieces are."""
        chunks: list[list[bytes]] = [[]]
        names: list[str] = []
        for part in parts:
            if isinstance(part, bytes):
                chunks[-1].append(part)
            elif part.name in values:
                chunks[-1].append(values[part.name])
            else:
                names.append(part.name)
                chunks.append([])
        first, *rest = [b"".join(chunk) for chunk in chunks]
        self._first = first
        self._rest = tuple(zip(names, rest, strict=True))
        self.size = len(first) + sum(map(len, rest))
        """Octets, without what will fill the gaps."""

    def filled(self, before: bytes, values: Mapping[str, bytes]) -> bytes:
        """All of it behind `before`, with the gaps filled in."""
        chunks = [before, self._first]
        for name, chunk in self._rest:
            chunks.append(values[name])
            chunks.append(chunk)
        return b"".join(chunks)
