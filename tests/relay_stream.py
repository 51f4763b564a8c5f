"""The octets of one connection to the test relay: lines in, replies out, both as slowly as a test wants them."""

import contextlib
import socket
import ssl
import threading
import time

_LINGER_SECONDS = 2.0


class Stream:
    """A connection. Its calls wait, and end with OSError or nothing when either side hangs up."""

    def __init__(self, sock: socket.socket, *, latency: float = 0.0, crumbs: bool = False) -> None:
        self.octets_per_second: float | None = None
        """How fast it reads from here on; None is as fast as it can."""
        self._sock = sock
        self._latency = latency
        self._crumbs = crumbs
        self._in = bytearray()
        self._came_at = time.monotonic()
        self._hung_up = threading.Event()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def line(self) -> bytes:
        """The next line with its end, or nothing where the client hung up before the end."""
        searched = 0
        while (end := self._in.find(b"\n", searched)) < 0:
            searched = len(self._in)
            if not self._receive():
                self._in.clear()
                return b""
        line = bytes(self._in[: end + 1])
        del self._in[: end + 1]
        return line

    def has_more(self) -> bool:
        """Whether the client has sent something that was not read yet."""
        if not self._in:
            self._sock.settimeout(0)
            with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
                self._receive()
            self._sock.settimeout(None)
        return bool(self._in)

    def await_latency(self) -> None:
        """Let as much time pass as an answer to the octets that came last takes on a long way."""
        self._rest(self._came_at + self._latency - time.monotonic())

    def say(self, reply: str) -> None:
        """Send a reply, to which the end of its last line is added."""
        octets = reply.encode("utf-8", "surrogateescape") + b"\r\n"
        if not self._crumbs:
            self._sock.sendall(octets)
            return
        for at in range(len(octets)):
            self._sock.sendall(octets[at : at + 1])
            time.sleep(0.0002)  # long enough for most crumbs to be read alone

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on. What came before in the clear is forgotten."""
        self._in.clear()
        self._sock = context.wrap_socket(self._sock, server_side=True)

    def swallow(self) -> None:
        """Read and forget everything until the client hangs up."""
        while self._receive():
            self._in.clear()

    def hang_up(self) -> None:
        """Break off from another thread: whoever waits for this connection waits no more."""
        self._hung_up.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)  # below TLS, which another thread may be using

    def close(self, *, linger: bool) -> None:
        """Let go of the socket; with `linger` after the client, or what it still sends would destroy our last words."""
        with self._sock, contextlib.suppress(OSError):
            if linger:
                socket.socket.shutdown(self._sock, socket.SHUT_WR)
                self._sock.settimeout(_LINGER_SECONDS)
                self.swallow()

    def _receive(self) -> bool:
        octets = self._sock.recv(65536 if self.octets_per_second is None else 4096)
        self._in += octets
        self._came_at = time.monotonic()
        if self.octets_per_second is not None:
            self._rest(len(octets) / self.octets_per_second)
        return bool(octets)

    def _rest(self, seconds: float) -> None:
        if seconds > 0:
            self._hung_up.wait(seconds)
