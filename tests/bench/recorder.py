"""A mail server that notes each message in a file before it answers 250, for a judge to compare with the ledger.

`python -m tests.bench.recorder PORT FOLDER KEEP` offers PIPELINING (RFC 2920), appends a line of Message-ID, recipient,
octets and time to FOLDER/messages, and keeps the whole of about one message in KEEP as FOLDER/NUMBER.eml, its recipient
in the first line. Which ones it keeps depends on the recipient alone.
"""

import asyncio
import os
import re
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MESSAGES = "messages"

_END = b"\r\n.\r\n"
_MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Note:
    """One message that was accepted."""

    message_id: str
    recipient: str
    octets: int
    at: float
    """When, in seconds since the epoch."""


@dataclass(slots=True)
class Book:
    """Where messages are noted."""

    folder: Path
    keep: int
    _file: int = field(init=False)
    _kept: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.folder / MESSAGES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def note(self, recipient: bytes, data: bytes) -> None:
        """One line, in one write, so that what was answered 250 is in the file whoever is killed next."""
        found = _MESSAGE_ID.search(data[: data.find(b"\r\n\r\n")])
        os.write(self._file, b"%s\t%s\t%d\t%.6f\n" % (found[1] if found else b"", recipient, len(data), time.time()))
        if zlib.crc32(recipient) % self.keep == 0:
            self._kept += 1
            (self.folder / f"{self._kept}.eml").write_bytes(recipient + b"\n" + data)


class Conversation(asyncio.Protocol):
    """One connection. Commands may come in a row; a message's data are taken as they come."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._buffer = bytearray()
        self._recipient = b""
        self._in_data = False
        self._looked_to = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 recorder.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies = b"".join(self._take())
        if replies and not self._transport.is_closing():
            self._transport.write(replies)
            if replies.endswith(b"221 bye\r\n"):
                self._transport.close()

    def _take(self) -> Iterator[bytes]:
        while True:
            if self._in_data:
                if not self._take_message():
                    return
                yield b"250 2.0.0 noted\r\n"
            else:
                end = self._buffer.find(b"\r\n")
                if end < 0:
                    return
                line = bytes(self._buffer[:end])
                del self._buffer[: end + 2]
                yield self._answer(line)

    def _take_message(self) -> bool:
        """Whether the dot has come; then the message is noted. An empty message begins with its dot."""
        if self._buffer.startswith(_END[2:]):
            end, length = 0, len(_END) - 2
        else:
            found = self._buffer.find(_END, self._looked_to)
            self._looked_to = max(0, len(self._buffer) - len(_END))
            if found < 0:
                return False
            end, length = found + 2, len(_END) - 2
        stuffed = bytes(self._buffer[:end])
        del self._buffer[: end + length]
        self._book.note(self._recipient, _unstuffed(stuffed))
        self._in_data, self._looked_to = False, 0
        return True

    def _answer(self, line: bytes) -> bytes:
        command = line.split(b" ", 1)[0].upper()
        if command == b"EHLO":
            return b"250-recorder.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10485760\r\n"
        if command == b"RCPT":
            self._recipient = line.partition(b"<")[2].partition(b">")[0]
        if command == b"DATA":
            self._in_data, self._looked_to = True, 0
            return b"354 go on\r\n"
        if command == b"QUIT":
            return b"221 bye\r\n"
        if command in (b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"):
            return b"250 2.0.0 fine\r\n"
        return b"500 5.5.1 what?\r\n"


def read_notes(folder: Path) -> list[Note]:
    """What a recorder has noted so far."""
    fields = (line.split("\t") for line in (folder / MESSAGES).read_text().splitlines())
    return [Note(message_id, recipient, int(octets), float(at)) for message_id, recipient, octets, at in fields]


def read_kept(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Recipient and whole message of those that were kept."""
    for path in sorted(folder.glob("*.eml")):
        recipient, _, data = path.read_bytes().partition(b"\n")
        yield recipient.decode("ascii"), data


def _unstuffed(data: bytes) -> bytes:
    """Without the dot that doubles one at the begin of a line (RFC 5321, 4.5.2)."""
    plain = data.replace(b"\r\n..", b"\r\n.")
    return plain[1:] if plain.startswith(b"..") else plain


async def serve(port: int, book: Book) -> None:
    """Take mail on a loopback port until we are ended."""
    server = await asyncio.get_running_loop().create_server(lambda: Conversation(book), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Book(Path(sys.argv[2]), int(sys.argv[3]))))
