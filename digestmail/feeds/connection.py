"""A connection that goes to given addresses only and lasts until one deadline, whatever the other side does.

HTTP libraries look names up themselves, a second time, when the answer may have changed; and their timeouts count
from the last byte, so that a server that drips never times out. Here the addresses are fixed and the clock is one.
"""

import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import httpcore2

from digestmail.feeds.addresses import Address

Found = TypeVar("Found")


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


class PinnedBackend(httpcore2.NetworkBackend):
    """Connects to the first of `addresses` that answers, whatever host the URL names; TLS still checks that name."""

    def __init__(self, addresses: Sequence[Address], deadline: Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Try each address in turn; one that stays silent leaves time for the next."""
        for tried, address in enumerate(self._addresses[:-1]):
            share = self._deadline.left() / (len(self._addresses) - tried)
            try:
                return self._connect(address, port, share)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return self._connect(self._addresses[-1], port, self._deadline.left())

    def _connect(self, address: Address, port: int, timeout: float) -> httpcore2.NetworkStream:
        stream = self._sockets.connect_tcp(str(address), port, timeout=timeout, socket_options=[])
        return _BoundStream(stream, self._deadline)


class _BoundStream(httpcore2.NetworkStream):
    """A stream on which each step may last as long as the deadline leaves."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, timeout=self._deadline.left())
        return _BoundStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
