"""Messages that lie in files: a Maildir, whose messages are moved on when they are done with, or an mbox."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from digestmail.deliveries.bounces.parts import MAX_OCTETS
from digestmail.deliveries.bounces.record import Counted, Taken
from digestmail.errors import InputError

KEPT = frozenset({Counted.OTHER, Counted.UNPROVEN, Counted.UNKNOWN})
"""What a person may want to look at: never removed, and flagged in the Maildir."""

Take = Callable[[bytes], Taken]


def read_piped(stream: BinaryIO) -> bytes:
    """The beginning of a message from a pipe; the rest is read too, else its writer would see the pipe break."""
    data = stream.read(MAX_OCTETS)
    while stream.read(MAX_OCTETS):
        pass
    return data


class Summary(Counter[str]):
    """How many messages were counted as what, and how many addresses were suppressed."""

    def note(self, taken: Taken) -> None:
        """Count one."""
        self[str(taken.counted)] += 1
        self["suppressed"] += taken.suppressed


def new_in_maildir(folder: Path) -> list[Path]:
    """The new messages of a Maildir, the oldest first. Raises InputError where it is none."""
    if not all((folder / name).is_dir() for name in ("new", "cur")):
        raise InputError(f"{folder} is no Maildir: it has no folders “new” and “cur”.")
    return sorted(path for path in (folder / "new").iterdir() if path.is_file() and not path.name.startswith("."))


def messages_in_maildir(folder: Path) -> Iterator[bytes]:
    """The new messages of a Maildir, which is left as it is."""
    for path in new_in_maildir(folder):
        with path.open("rb") as file:
            yield file.read(MAX_OCTETS)


def take_file(path: Path, take: Take, *, remove: bool) -> Taken | None:
    """Take a message of a Maildir and move it to `cur` as seen, or remove it; None where another was quicker.

    It stays where it is when taking it fails.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_OCTETS)
    except FileNotFoundError:
        return None
    taken = take(data)
    if remove and taken.counted not in KEPT:
        path.unlink(missing_ok=True)
    else:
        flags = "FS" if taken.counted in KEPT else "S"
        seen = path.parent.parent / "cur" / f"{path.name.partition(':')[0]}:2,{flags}"
        path.replace(seen)
    return taken


def messages_in_mbox(file: Path) -> Iterator[tuple[int, bytes]]:
    """Each message of an mbox, of a long one the beginning, with the octet at which it ends."""
    with file.open("rb") as lines:
        kept: list[bytes] = []
        size = ends = 0
        after_empty_line = True
        while line := lines.readline(MAX_OCTETS):
            if after_empty_line and line.startswith(b"From ") and kept:
                yield ends, b"".join(kept)
                kept, size = [], 0
            if size < MAX_OCTETS:
                kept.append(line)
                size += len(line)
            ends += len(line)
            after_empty_line = line in (b"\n", b"\r\n")
        if kept:
            yield ends, b"".join(kept)
