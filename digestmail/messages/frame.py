"""A message with gaps: what many readers share, ready but for what is each reader's own."""

from collections.abc import Iterable, Mapping, Sequence

from digestmail.messages.pieces import Part


class Frame:
    """Parts put together as far as they are known; `known` fills the gaps that are the same for all."""

    __slots__ = ("_first", "_rest", "gaps", "octets")

    def __init__(self, parts: Iterable[Part], known: Mapping[str, bytes]) -> None:
        chunks: list[list[bytes]] = [[]]
        names: list[str] = []
        for part in parts:
            if isinstance(part, bytes):
                chunks[-1].append(part)
            elif part.name in known:
                chunks[-1].append(known[part.name])
            else:
                names.append(part.name)
                chunks.append([])
        self._first, *rest = [b"".join(chunk) for chunk in chunks]
        self._rest = tuple(zip(names, rest, strict=True))
        self.gaps = frozenset(names)
        """The names of the values that are still missing."""
        self.octets = len(self._first) + sum(map(len, rest))
        """What it takes in memory, without what will fill the gaps."""

    def filled(self, before: bytes, values: Mapping[str, Sequence[bytes]]) -> bytes:
        """All of it behind `before`, with the chunks of each gap's value in its place."""
        chunks = [before, self._first]
        for name, chunk in self._rest:
            chunks += values[name]
            chunks.append(chunk)
        return b"".join(chunks)
