"""A line with a delay: whatever comes in on one side goes out on the other so many seconds later, in both directions.

`python -m tests.bench.delay PORT HOST PORT SECONDS` delays each direction by half of SECONDS, so that a round trip
takes SECONDS longer. The delay does not narrow the line: any amount may be under way.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable

_MUCH = 64 * 1024 * 1024  # octets under way, after which the sender has to wait


class Pipe:
    """One direction: takes octets, gives them to `write` after `seconds`, in order; b"" closes."""

    def __init__(self, seconds: float, write: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._write = write
        self._line: deque[bytes] = deque()
        self._under_way = 0

    @property
    def is_full(self) -> bool:
        """Whether no more should be put in for now."""
        return self._under_way > _MUCH

    def put(self, data: bytes) -> None:
        """Send octets on their way."""
        self._under_way += len(data)
        self._line.append(data)  # timers of the same instant fire in any order
        self._loop.call_later(self._seconds, self._arrive)

    def _arrive(self) -> None:
        data = self._line.popleft()
        self._under_way -= len(data)
        self._write(data)


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Carry one direction until its end; the end is delayed too."""
    ended = asyncio.Event()

    def write(data: bytes) -> None:
        if not data:
            ended.set()
        elif not writer.is_closing():
            writer.write(data)

    pipe = Pipe(seconds, write)
    data = b"more"
    while data:
        try:
            data = await reader.read(262_144)
        except ConnectionError:
            data = b""
        pipe.put(data)
        while pipe.is_full:
            await asyncio.sleep(seconds)
    await ended.wait()
    if not writer.is_closing():
        writer.close()


async def serve(port: int, host: str, to_port: int, seconds: float) -> None:
    """Carry connections to a loopback port on to another server until we are ended."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(host, to_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, far_writer, seconds / 2), carry(far_reader, writer, seconds / 2))

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=1 << 20)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
