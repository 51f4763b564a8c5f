"""A feed on a real HTTP server whose items a test decides."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape


class Wire:
    """An RSS feed; `items` are (title, category) pairs, each published at `at`."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.items: list[tuple[str, str]] = []
        self.url = ""

    def document(self) -> bytes:
        """RSS 2.0."""
        items = "".join(
            f"<item><title>{escape(title)}</title><link>https://wire.example.org/{number}</link>"
            f"<guid isPermaLink='false'>wire-{number}</guid><category>{escape(category)}</category>"
            f"<pubDate>{format_datetime(self.at)}</pubDate>"
            f"<description>&lt;p&gt;Excerpt of story {number}, in one sentence.&lt;/p&gt;</description></item>"
            for number, (title, category) in enumerate(self.items)
        )
        return f"<rss version='2.0'><channel><title>World Wire</title>{items}</channel></rss>".encode()


@contextmanager
def wire(at: datetime) -> Iterator[Wire]:
    """A feed that is served for the length of a test."""
    feed = Wire(at)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/rss+xml")
            self.end_headers()
            self.wfile.write(feed.document())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    feed.url = f"http://127.0.0.1:{server.server_address[1]}/feed.xml"
    try:
        yield feed
    finally:
        server.shutdown()
        server.server_close()
