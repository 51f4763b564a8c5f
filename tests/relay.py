"""A small mail server to be told how to behave, on a real socket.

It notes each message in `caught` before it answers the final dot, so a test can compare what arrived with the ledger.
"""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from digestmail.settings import Relay

DROP = "drop"
"""In place of a reply: break the connection off."""

Behave = Callable[[str, str], str | None]
"""From a command (MAIL, RCPT, DATA or DOT) and the recipient to another reply than the usual one."""


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One message that the server took."""

    sender: str
    recipient: str
    data: bytes


class FakeRelay(socketserver.ThreadingTCPServer):
    """The server; `relay` is where to find it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, behave: Behave, most_connections: int) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.behave = behave
        self.most_connections = most_connections
        self.open_connections = 0
        self.caught: list[CaughtMail] = []
        self.connections = 0
        self.relay = Relay("127.0.0.1", self.server_address[1], "plain")


class _Conversation(socketserver.StreamRequestHandler):
    server: FakeRelay

    def handle(self) -> None:
        self.server.connections += 1
        self.server.open_connections += 1
        try:
            if self.server.open_connections > self.server.most_connections:
                self._say("421 4.7.0 too many connections")
            else:
                self._converse()
        finally:
            self.server.open_connections -= 1

    def _converse(self) -> None:
        self._say("220 relay.test ready")
        sender = recipient = ""
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            command = line.partition(" ")[0].upper()
            if command == "MAIL":
                sender = line.partition("<")[2].partition(">")[0]
            if command == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
            usual = {"EHLO": "250-relay.test\r\n250 SIZE 1000000", "DATA": "354 go on", "QUIT": "221 bye"}
            reply = self.server.behave(command, recipient) or usual.get(command, "250 2.0.0 fine")
            if not self._say(reply) or command == "QUIT":
                return
            if command == "DATA" and reply.startswith("354") and not self._take(sender, recipient):
                return

    def _take(self, sender: str, recipient: str) -> bool:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False
            lines.append(line.removeprefix(b"."))
        reply = self.server.behave("DOT", recipient) or "250 2.0.0 queued"
        if reply.startswith("250") or reply == DROP:
            self.server.caught.append(CaughtMail(sender, recipient, b"".join(lines)))
        return self._say(reply)

    def _say(self, reply: str) -> bool:
        if reply == DROP:
            return False
        self.wfile.write(reply.encode() + b"\r\n")
        return not reply.startswith("421")


@contextmanager
def running(behave: Behave = lambda _command, _recipient: None, *, most_connections: int = 100) -> Iterator[FakeRelay]:
    """A server for the length of a test."""
    with FakeRelay(behave, most_connections) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
