"""A server of many feeds, as fast as Python can be: it keeps connections, and answers by what it is asked with.

`python -m tests.bench.feed_server PORT` serves feed N at /N, and nothing of it is remembered. A client that has the
edition "1" gets 304, but from one feed in `NEWS_IN` the next edition, which lists one entry more; a client that has
none gets the edition "1".
"""

import asyncio
import re
import sys
from functools import cache

NEWS_IN = 33
ENTRIES = 10
FIRST, NEXT = b'"1"', b'"2"'

_FEED = re.compile(rb"GET /(\d+) ")
_HAS = re.compile(rb"\r\nIf-None-Match: (\S+)\r\n", re.IGNORECASE)
_END = b"\r\n\r\n"


def has_news(number: int) -> bool:
    """Whether a feed has a next edition."""
    return number % NEWS_IN == 0


@cache
def answer(number: int, has: bytes) -> bytes:
    """The whole answer to a client that has an edition, or none (b"")."""
    if has == NEXT or (has == FIRST and not has_news(number)):
        return b"HTTP/1.1 304 Not Modified\r\nETag: " + has + b"\r\nCache-Control: max-age=600" + _END
    body = document(number, entries=ENTRIES + (has == FIRST))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: {len(body)}\r\nETag: "
    return head.encode() + (NEXT if has else FIRST) + _END + body


def document(number: int, *, entries: int) -> bytes:
    """A feed of so many entries, the newest first, none of them dated."""
    items = "".join(
        f'<item><guid isPermaLink="false">{number}-{entry}</guid><title>Story {entry} of feed {number}</title>'
        f"<link>https://feed{number}.example/{entry}</link>"
        f"<description>&lt;p&gt;{'The harbour was calm today. ' * 20}&lt;/p&gt;</description></item>"
        for entry in range(entries, 0, -1)
    )
    return f'<rss version="2.0"><channel><title>Feed {number}</title>{items}</channel></rss>'.encode()


class _Conversation(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._heard = (self._heard + data).split(_END)
        for request in requests:
            feed, has = _FEED.match(request), _HAS.search(request + b"\r\n")
            if feed is None:
                self._transport.close()
                return
            self._transport.write(answer(int(feed[1]), has[1] if has else b""))


async def main(port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(_Conversation, "127.0.0.1", port, backlog=1000)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
