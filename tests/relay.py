"""A small mail server to be told how to behave, on a real socket.

It notes each message in `caught` before it answers the final dot, so a test can compare what arrived with the ledger.
"""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from digestmail.settings import Relay
from tests.relay_conversation import Conversation
from tests.relay_offers import DROP, SILENT, Behave, CaughtMail, Offers
from tests.relay_stream import Stream

__all__ = ["DROP", "SILENT", "Behave", "CaughtMail", "FakeRelay", "Offers", "running"]


class FakeRelay(socketserver.ThreadingTCPServer):
    """The server; `relay` is where to find it."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, behave: Behave, offers: Offers) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.behave = behave
        self.offers = offers
        self.relay = Relay("127.0.0.1", self.server_address[1], "tls" if offers.tls else "plain")
        self.caught: list[CaughtMail] = []
        self.connections = 0
        self.greetings = 0
        """Connections on which EHLO or HELO was said."""
        self.heard: list[str] = []
        """Every command line, without passwords."""
        self.rounds: list[bool] = []
        """For each dot, whether the next command came along with it."""
        self.violations: list[str] = []
        """What a client did that none may do."""
        self._inside: set[Stream] = set()
        self._lock = threading.Lock()
        if offers.slow_reader is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # connections inherit it

    @property
    def open_connections(self) -> int:
        """How many are being served."""
        return len(self._inside)

    def hang_up(self) -> None:
        """Break off every connection."""
        with self._lock:
            for stream in self._inside:
                stream.hang_up()

    def enter(self, stream: Stream) -> bool:
        """Note a connection; whether there is room for it."""
        with self._lock:
            self.connections += 1
            welcome = len(self._inside) < self.offers.most_connections
            if welcome:
                self._inside.add(stream)
        return welcome

    def leave(self, stream: Stream) -> None:
        """Make room for another."""
        with self._lock:
            self._inside.discard(stream)

    def count_greeting(self) -> None:
        """Note that somebody said EHLO."""
        with self._lock:
            self.greetings += 1


@contextmanager
def running(behave: Behave = lambda _command, _recipient: None, /, **offers: Any) -> Iterator[FakeRelay]:
    """A server for the length of a test; `offers` as in `Offers`."""
    with FakeRelay(behave, Offers(**offers)) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
            server.hang_up()
