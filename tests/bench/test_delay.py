"""The delaying line: everything arrives, in order, and so does the end."""

import asyncio

import pytest

from digestmail.local.broker import free_port
from tests.bench.delay import serve


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_what_goes_in_comes_out_and_the_end_too(seconds: float) -> None:
    octets = b"".join(b"%d\r\n" % number for number in range(50_000))

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(10_000):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def talk() -> bytes:
        far = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = free_port()
        line = asyncio.create_task(serve(port, "127.0.0.1", far.sockets[0].getsockname()[1], seconds))
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(octets)
        back = await reader.readexactly(len(octets))
        writer.close()
        await writer.wait_closed()
        line.cancel()
        await asyncio.gather(line, return_exceptions=True)
        far.close()
        return back

    assert asyncio.run(talk()) == octets
