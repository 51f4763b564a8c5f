"""A line to a mail server that loses some of its answers to the final dot, and the connection with them.

`python -m tests.chaos.lossy PORT HOST SERVER_PORT SHARE SEED COUNT_FILE`. The server has taken those messages; how many
answers were lost is kept in COUNT_FILE.
"""

import asyncio
import random
import re
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

_TAKEN = re.compile(rb"^250 2\.0\.0 Ok: queued as", re.MULTILINE)


class Line:
    """The line, and how much it has lost."""

    def __init__(self, host: str, port: int, *, share: float, seed: int, count: Path) -> None:
        self._host, self._port, self._share, self._count = host, port, share, count
        self._chance = random.Random(seed)
        self._lost = 0
        count.write_text("0")

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways."""
        try:
            there, back = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.close()
            return
        up = asyncio.create_task(self._up(reader, back))
        try:
            await self._down(there, writer)
        except ConnectionError:
            pass
        finally:
            up.cancel()
            writer.close()
            back.close()

    async def _up(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                back.write(data)
                await back.drain()
            back.write_eof()

    async def _down(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await there.read(65536):
            if any(self._chance.random() < self._share for _ in _TAKEN.findall(data)):
                self._lost += 1
                self._count.write_text(str(self._lost))
                return
            writer.write(data)
            await writer.drain()


async def serve(port: int, line: Line) -> None:
    """Carry on a loopback port until we are ended."""
    listening = await asyncio.start_server(partial(Line.carry, line), "127.0.0.1", port, backlog=512)
    await listening.serve_forever()


if __name__ == "__main__":
    _, port, host, server_port, share, seed, count = sys.argv
    asyncio.run(serve(int(port), Line(host, int(server_port), share=float(share), seed=int(seed), count=Path(count))))
