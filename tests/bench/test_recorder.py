"""The recorder: whatever the pieces in which a conversation comes, each message is noted before it is answered."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.recorder import MESSAGES, Book, Conversation, Note, read_kept, read_notes

BODIES = st.lists(st.sampled_from([b"", b".", b"..", b".end", b"text", b"a.b"]), max_size=4)


class Wire(asyncio.Transport):
    """Keeps what is written, and what was noted by then."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.said = b""
        self.noted_when_said: list[int] = []
        self._folder = folder

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said += bytes(data)
        self.noted_when_said += [len((self._folder / MESSAGES).read_bytes().splitlines())] * bytes(data).count(b"noted")

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass


def message(number: int, body: list[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in [b"Message-ID: <%d@x>" % number, b"", *body])


def stuffed(data: bytes) -> bytes:
    return b"".join(b"." + line if line.startswith(b".") else line for line in data.splitlines(keepends=True))


@given(st.lists(BODIES, min_size=1, max_size=4), st.integers(1, 60))
def test_every_message_is_noted_before_it_is_answered(bodies: list[list[bytes]], piece: int) -> None:
    messages = [message(number, body) for number, body in enumerate(bodies)]
    talk = b"EHLO me\r\n"
    for number, data in enumerate(messages):
        talk += b"MAIL FROM:<a@x>\r\nRCPT TO:<r%d@x>\r\nDATA\r\n" % number + stuffed(data) + b".\r\n"
    with TemporaryDirectory() as name:
        folder = Path(name)
        wire, conversation = Wire(folder), Conversation(Book(folder, keep=1))
        conversation.connection_made(wire)
        for start in range(0, len(talk), piece):
            conversation.data_received(talk[start : start + piece])
        assert b"PIPELINING" in wire.said
        assert wire.said.count(b"354") == wire.said.count(b"noted") == len(messages)
        notes = [Note(f"<{number}@x>", f"r{number}@x", len(data), 0.0) for number, data in enumerate(messages)]
        found = read_notes(folder)
        assert [replace(note, at=0.0) for note in found] == notes
        assert all(abs(note.at - time.time()) < 60 for note in found)
        assert all(noted > answered for answered, noted in enumerate(wire.noted_when_said))
        assert sorted(read_kept(folder)) == [(f"r{number}@x", data) for number, data in enumerate(messages)]


def test_which_messages_are_kept_depends_on_the_recipient_alone(tmp_path: Path) -> None:
    book = Book(tmp_path, keep=5)
    for _ in range(2):
        for number in range(50):
            book.note(b"r%d@x" % number, b"Message-ID: <1@x>\r\n\r\n")
    kept = [recipient for recipient, _ in read_kept(tmp_path)]
    assert 0 < len(kept) < 100
    assert all(kept.count(recipient) == 2 for recipient in kept)
