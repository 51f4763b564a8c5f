"""A server that says what the test tells it to, octet by octet, and counts who calls."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Wire:
    """A listener on the loopback interface."""

    port: int
    calls: int = 0
    heard: list[bytes] = field(default_factory=list)
    """The heads of all requests."""

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        """The address of a path."""
        return f"http://{host}:{self.port}{path}"

    def hear(self, client: socket.socket) -> bytes:
        """The head of the next request; nothing when the client has hung up."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not (octet := client.recv(1)):
                return b""
            head += octet
        self.heard.append(head)
        return head


Talk = Callable[[Wire, socket.socket], None]
"""What is said on one connection; at its end the server hangs up."""


@contextmanager
def talking(talk: Talk, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[Wire]:
    """A running listener, on IPv4 or (`::`) on both; each connection has a thread."""
    everywhere = host == "::"
    family = socket.AF_INET6 if everywhere else socket.AF_INET
    with socket.create_server((host, port), family=family, dualstack_ipv6=everywhere) as listener:
        wire = Wire(listener.getsockname()[1])

        def converse(client: socket.socket) -> None:
            with client, suppress(OSError):
                talk(wire, client)

        def listen() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    wire.calls += 1
                    threading.Thread(target=converse, args=(client,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        try:
            yield wire
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # which ends its accept


def saying(*answers: bytes) -> Talk:
    """One answer to each request, and then the end."""

    def talk(wire: Wire, client: socket.socket) -> None:
        for answer in answers:
            if not wire.hear(client):
                return
            client.sendall(answer)

    return talk


def plain(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer in HTTP/1.1."""
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode("latin-1") + b"\r\n\r\n" + body
