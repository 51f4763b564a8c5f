"""A small real HTTP server on the loopback interface, whose pages are set by the test."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Handler = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Page:
    """What the server answers at one path."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """The pages by path (a function may answer by itself), and the requests that came in."""

    port: int
    scheme: str
    pages: dict[str, Page | Handler] = field(default_factory=dict)
    requests: list[tuple[str, Message]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    """What was posted."""

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def redirect(self, path: str, to: str, *, status: int = 302) -> None:
        """Answer `path` with a redirect."""
        self.pages[path] = Page(status=status, headers={"Location": to})


@contextmanager
def serving(*, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A running server; with `tls` it speaks HTTPS."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append((self.path, self.headers))
            page = site.pages.get(self.path, Page(status=404))
            if not isinstance(page, Page):
                page(self)
                return
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        def do_POST(self) -> None:
            site.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def log_message(self, *message: object) -> None:
            """Stay silent."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """The client hangs up on purpose in some tests."""

    with Quiet(("127.0.0.1", 0), Answer) as http:
        if tls is not None:
            http.socket = tls.wrap_socket(http.socket, server_side=True)
        site = Server(port=http.server_port, scheme="https" if tls else "http")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield site
        finally:
            http.shutdown()
            thread.join()
