"""A mail server with faults: it notes each message before it answers, and then may answer late, badly or not at all.

`python -m tests.chaos.sink PORT FOLDER FAULTS [KEEP]` where FAULTS is JSON, see `Faults`; KEEP is the recorder's. What
happens to a message depends on the seed and the recipient alone. While FOLDER/hold is there, the answers to the command
that it names wait.
"""

import asyncio
import json
import sys
import zlib
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.recorder import Book

HOLD = "hold"

_LIMIT = 16 * 1024 * 1024
_END = b"\r\n.\r\n"
_KEEP_NONE = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What goes wrong. Shares are of the recipients, from 0 to 1."""

    seed: int = 0
    lost_replies: float = 0.0
    """The first answer to the dot does not come, and the connection ends."""
    temporary: float = 0.0
    """The first RCPT is answered 450."""
    dead: float = 0.0
    """RCPT is answered 550 5.1.1."""
    refused: float = 0.0
    """RCPT is answered 554 5.7.1."""
    drop_every: int = 0
    """Each so manieth connection ends with a 421 at its third message."""
    seconds: float = 0.0
    """How long each answer to a dot takes."""

    def to_json(self) -> str:
        """For the command line."""
        return json.dumps(asdict(self))


def chosen(recipient: str, share: float, *, seed: int, what: str) -> bool:
    """Whether a recipient belongs to the share to which something happens."""
    return zlib.crc32(f"{seed}/{what}/{recipient}".encode()) % 100_000 < 100_000 * share


class Server:
    """The server and what its conversations share."""

    def __init__(self, folder: Path, faults: Faults, keep: int) -> None:
        self._faults = faults
        self._book = Book(folder, keep=keep)
        self._hold = folder / HOLD
        self._asked: Counter[str] = Counter()
        self._lost: set[str] = set()
        self._connections = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._connections += 1
        drops = bool(self._faults.drop_every) and self._connections % self._faults.drop_every == 0
        try:
            await self._talk(reader, writer, drops=drops)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, drops: bool) -> None:
        writer.write(b"220 sink.example ESMTP\r\n")
        recipient, refusal, messages = "", b"", 0
        while line := await reader.readline():
            verb = line[:4].upper().rstrip()
            if verb == b"EHLO":
                writer.write(b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10485760\r\n")
            elif verb == b"RCPT":
                messages += 1
                if drops and messages == 3:
                    writer.write(b"421 4.3.2 this connection is closed now\r\n")
                    return
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
                refusal = self._refusal(recipient)
                writer.write(refusal or b"250 2.1.5 fine\r\n")
            elif verb == b"DATA":
                await self._wait_while_held("DATA")
                if refusal:
                    writer.write(b"554 5.5.1 no valid recipients\r\n")
                    continue
                writer.write(b"354 go on\r\n")
                data = (await reader.readuntil(_END))[: 2 - len(_END)]
                self._book.note(recipient.encode(), data.replace(b"\r\n..", b"\r\n."))
                await self._wait_while_held("DOT")
                if self._faults.seconds:
                    await asyncio.sleep(self._faults.seconds)
                if recipient not in self._lost and self._happens(recipient, "lost", self._faults.lost_replies):
                    self._lost.add(recipient)
                    return
                writer.write(b"250 2.0.0 noted\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 2.0.0 fine\r\n")

    def _refusal(self, recipient: str) -> bytes:
        self._asked[recipient] += 1
        if self._happens(recipient, "dead", self._faults.dead):
            return b"550 5.1.1 no such mailbox\r\n"
        if self._happens(recipient, "refused", self._faults.refused):
            return b"554 5.7.1 not wanted here\r\n"
        if self._asked[recipient] == 1 and self._happens(recipient, "temporary", self._faults.temporary):
            return b"450 4.2.0 come again later\r\n"
        return b""

    def _happens(self, recipient: str, what: str, share: float) -> bool:
        return bool(share) and chosen(recipient, share, seed=self._faults.seed, what=what)

    async def _wait_while_held(self, what: str) -> None:
        while self._hold.exists() and self._hold.read_text() == what:
            await asyncio.sleep(0.02)


async def serve(port: int, folder: Path, faults: Faults, keep: int) -> None:
    """Take mail on a loopback port until we are ended."""
    server = Server(folder, faults, keep)
    listening = await asyncio.start_server(server.converse, "127.0.0.1", port, limit=_LIMIT, backlog=512)
    await listening.serve_forever()


if __name__ == "__main__":
    some = int(sys.argv[4]) if len(sys.argv) > 4 else _KEEP_NONE
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), Faults(**json.loads(sys.argv[3])), some))
