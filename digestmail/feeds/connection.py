"""A connection that goes to given addresses only and lasts until one deadline, whatever the other side does.

HTTP libraries look names up themselves, a second time, when the answer may have changed; and their timeouts count
from the last byte, so that a server that drips never times out. Here the addresses are fixed and the clock is one.
A connection can be kept for the next question to the same host: it stays with the address that was judged.
"""

import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, TypeVar

import h11

from digestmail.feeds.addresses import Address

Found = TypeVar("Found")

_CHUNK = 65_536
_MOST_OF_A_HEAD = 100_000
"""Octets of status and headers together."""
_KEPT = 32
"""Connections that wait for their next question, of all hosts together."""


class Deadline:
    """The end of a span of time, in seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """The seconds that are left, more than none. Raises TimeoutError."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def extend(self, seconds: float) -> None:
        """Let the span end so much later."""
        self._ends += seconds

    def bound(self, call: Callable[[], Found]) -> Found:
        """The call's result, or its exception. Raises TimeoutError at the end, and leaves the call to itself.

        For looking names up, which nothing can interrupt.
        """
        results: queue.SimpleQueue[tuple[Found | None, Exception | None]] = queue.SimpleQueue()

        def attempt() -> None:
            try:
                results.put((call(), None))
            except Exception as error:
                results.put((None, error))

        threading.Thread(target=attempt, daemon=True).start()
        try:
            found, error = results.get(timeout=self.left())
        except queue.Empty:
            raise TimeoutError from None
        if error is not None:
            raise error
        return found  # type: ignore[return-value]  # there is a result where there is no error


class Peer(NamedTuple):
    """Who is at the other end. TLS checks `host`; with `loopback` it may be this machine."""

    scheme: str
    host: str
    port: int
    loopback: bool


class Line:
    """An HTTP/1.1 connection to a peer, for one exchange after the other. It is used by one thread at a time."""

    def __init__(
        self, peer: Peer, addresses: Sequence[Address], deadline: Deadline, tls: ssl.SSLContext | None = None
    ) -> None:
        """Connect to the first of the addresses that answers. Raises OSError; TimeoutError at the deadline."""
        self.peer = peer
        self.heard = False
        """Whether anything of the latest answer has come."""
        self._deadline = deadline
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_OF_A_HEAD)
        self._socket = _connect(addresses, peer.port, deadline)
        try:
            if tls is not None:
                self._socket.settimeout(deadline.left())
                self._socket = tls.wrap_socket(self._socket, server_hostname=peer.host)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setblocking(False)  # each other timeout for each step would be a system call
        except BaseException:
            self._socket.close()
            raise

    def ask(self, request: h11.Request, deadline: Deadline, *, body: bytes = b"") -> h11.Response:
        """Send a request and read the head of its answer, past interim ones (RFC 9110, 15.2).

        Raises OSError, TimeoutError at the deadline, and h11.RemoteProtocolError for what is no HTTP.
        """
        self._deadline, self.heard = deadline, False
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        parts = (request, h11.Data(data=body), h11.EndOfMessage())
        self._write(b"".join(self._http.send(part) or b"" for part in parts))
        while not isinstance(event := self._next_event(), h11.Response):
            pass
        return event

    def body(self) -> Iterator[bytes]:
        """The body of the answer in parts as they come. Raises as `ask` does."""
        while isinstance(event := self._next_event(), h11.Data):
            yield bytes(event.data)

    @property
    def is_free(self) -> bool:
        """Whether both sides have said all, so that it can be kept for another question."""
        return self._http.our_state is self._http.their_state is h11.DONE and not self._http.trailing_data[0]

    @property
    def is_quiet(self) -> bool:
        """Whether the other side has neither hung up since nor said what nobody asked for."""
        return not self._is_ready(select.POLLIN, 0)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = self._read()
            if not data and not self.heard:
                raise ConnectionResetError("it hung up without an answer")
            self._http.receive_data(data)
        return event

    def _read(self) -> bytes:
        if not self.heard:  # for an answer there is always a wait
            self._is_ready(select.POLLIN, self._deadline.left())
        while True:
            left = self._deadline.left()
            try:
                data = self._socket.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._is_ready(select.POLLIN, left)
            except ssl.SSLWantWriteError:
                self._is_ready(select.POLLOUT, left)
            else:
                self.heard = self.heard or bool(data)
                return data

    def _write(self, data: bytes) -> None:
        while data:
            left = self._deadline.left()
            try:
                data = data[self._socket.send(data) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._is_ready(select.POLLOUT, left)
            except ssl.SSLWantReadError:
                self._is_ready(select.POLLIN, left)

    def _is_ready(self, event: int, seconds: float) -> bool:
        """Wait until the other side has sent or taken something, or the time is over."""
        poll = select.poll()
        poll.register(self._socket, event)
        return bool(poll.poll(1000 * seconds))


class Lines:
    """The lines that are kept, while somebody wants them kept. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[Line] = []
        self._keepers = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep lines for the length of the block."""
        with self._lock:
            self._keepers += 1
        try:
            yield
        finally:
            with self._lock:
                self._keepers -= 1
                leaving, self._free = (self._free, []) if not self._keepers else ([], self._free)
            for line in leaving:
                line.close()

    def take(self, peer: Peer) -> Line | None:
        """A free line to the peer, if there is one."""
        while True:
            with self._lock:
                found = next((number for number, line in enumerate(self._free) if line.peer == peer), None)
                line = None if found is None else self._free.pop(found)
            if line is None or line.is_quiet:
                return line
            line.close()

    def give(self, line: Line) -> None:
        """Keep the line, or hang up; of too many the oldest goes."""
        if self._keepers and line.is_free:
            with self._lock:
                self._free.append(line)
                if len(self._free) <= _KEPT:
                    return
                line = self._free.pop(0)
        line.close()


def _connect(addresses: Sequence[Address], port: int, deadline: Deadline) -> socket.socket:
    """Try each address in turn; one that stays silent leaves time for the next."""
    for tried, address in enumerate(addresses[:-1]):
        share = deadline.left() / (len(addresses) - tried)
        with suppress(OSError):
            return socket.create_connection((str(address), port), timeout=share)
    return socket.create_connection((str(addresses[-1]), port), timeout=deadline.left())
