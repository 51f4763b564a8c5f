"""Many kept connections to one mail server, driven by one thread, of whose calls `wait` alone waits.

Messages go as fast as the server takes them: a connection that answers is used again at once, a slow one holds no other
up. Connections are opened in the background when there is work for them, and fewer are used when the server says so.
"""

import contextlib
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable

from digestmail.deliveries.connection import Connection
from digestmail.deliveries.events import Answered, Event, Ready
from digestmail.deliveries.greeting import Greeted, greet
from digestmail.deliveries.width import Width
from digestmail.errors import RelayError
from digestmail.messages.message import Message
from digestmail.settings import Relay

MESSAGES_PER_CONNECTION = 1000

_OPENED_AT_ONCE = 8
_CHECK_SECONDS = 1.0
_FAREWELL_SECONDS = 2.0

_GATHER_FROM = 16
_GATHER_SECONDS = 0.0005
"""With so many messages under way, answers are let come for so long and then taken in together: half the CPU."""


class Wire:
    """Takes messages one by one under a tag, which must be unique among those under way, and says what became of them.

    A tag that is not dropped ends in exactly one of Refused, Returned and Answered; before it can be Answered it is
    Ready, and `dot` is called.
    """

    def __init__(
        self,
        relay: Relay,
        *,
        connections: int,
        messages_per_connection: int = MESSAGES_PER_CONNECTION,
        greet: Callable[[Relay], Greeted] = greet,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._relay = relay
        self._messages_per_connection = messages_per_connection
        self._greet = greet
        self._now = now
        self._width = Width(connections, now=now)
        self._connections: dict[int, Connection] = {}  # by file descriptor
        self._free: dict[Connection, None] = {}  # the one used last goes first
        self._before_dot: dict[int, Connection] = {}  # by tag
        self._touched: set[Connection] = set()
        self._blocked: set[int] = set()  # file descriptors of those whose socket is full
        self._events: list[Event] = []
        self._error: RelayError | None = None
        self._checked_at = now()
        self._opening = 0
        self._opened = queue.SimpleQueue[Greeted | RelayError]()
        self._closed = False
        self._bell, self._bell_pull = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ)

    @property
    def room(self) -> int:
        """How many more messages it takes at this moment."""
        if not self._free or self._width.rest:
            return 0
        return max(0, min(len(self._free), self._width.value - len(self._before_dot)))

    def offer(self, tag: int, message: Message) -> None:
        """Begin a message while there is `room`. Nothing is sent before the next `wait`."""
        connection, _ = self._free.popitem()
        self._before_dot[tag] = connection
        connection.begin(tag, message)
        self._touched.add(connection)

    def dot(self, tag: int) -> None:
        """End a message that is Ready. From the next `wait` on the server may have it."""
        connection = self._before_dot.pop(tag)
        connection.dot(tag)
        self._touched.add(connection)
        self._free_if_it_is(connection)

    def drop(self, tag: int) -> None:
        """Take back a message before its dot. It comes up in no event any more."""
        connection = self._before_dot.pop(tag)
        connection.drop(tag)
        self._touched.add(connection)

    def wait(self, seconds: float, *, wanted: int = 0) -> list[Event]:
        """Send what was begun, open connections as far as `wanted` more messages need them, and wait for events.

        Comes back with none when `seconds` are over, or earlier where only the room has changed. Raises RelayError when
        no connection can be had, or when the server wants no mail from our sender at all; events are given before that.
        """
        self._tend()
        self._open(wanted)
        patience = min(seconds, self._width.rest or seconds, _CHECK_SECONDS)
        for key, happened in self._happened(0 if self._events or self._error else patience):
            if key.fileobj is self._bell:
                self._welcome()
                continue
            connection = self._connections[key.fd]
            if happened & selectors.EVENT_READ:
                connection.read()
                connection.flush()  # at once, so that the server has something to do
            self._touched.add(connection)
        self._check_times()
        self._tend()
        events, self._events = self._events, []
        if not events and self._error is not None:
            error, self._error = self._error, None
            raise error
        return events

    def _happened(self, patience: float) -> list[tuple[selectors.SelectorKey, int]]:
        """What came, on no more than half of the connections, so that the server is busy with the others meanwhile."""
        most = max(_GATHER_FROM // 2, self._width.value // 2)
        if len(self._before_dot) >= _GATHER_FROM:
            if len(found := self._selector.select(0)) >= most:
                return found[:most]
            time.sleep(_GATHER_SECONDS)
        return self._selector.select(patience)[:most]

    def close(self) -> None:
        """Part politely where nothing is under way, and break off elsewhere."""
        self._tend()
        for connection in list(self._connections.values()):
            if connection.idle:
                connection.quit()
            else:
                self._forget(connection)
        deadline = time.monotonic() + _FAREWELL_SECONDS
        while self._connections and (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                if key.fd in self._connections:
                    self._forget(self._connections[key.fd])  # the server's farewell, or its end
        for connection in list(self._connections.values()):
            self._forget(connection)
        self._closed = True
        self._hang_up_late_comers()
        for thing in (self._selector, self._bell, self._bell_pull):
            thing.close()

    def _open(self, wanted: int) -> None:
        if self._width.rest or self._error:
            return
        more = min(wanted - len(self._free), self._width.value - len(self._connections), _OPENED_AT_ONCE)
        for _ in range(more - self._opening):
            self._opening += 1
            threading.Thread(target=self._open_one, name="greeting", daemon=True).start()

    def _open_one(self) -> None:
        """In a thread of its own: smtplib waits for each answer."""
        try:
            self._opened.put(self._greet(self._relay))
        except RelayError as error:
            self._opened.put(error)
        except Exception as error:  # whatever it is, nobody else would hear of it
            self._opened.put(RelayError(f"The mail server cannot be talked to: {error!r}"))
        if self._closed:
            self._hang_up_late_comers()
        else:
            with contextlib.suppress(OSError):  # closed at this moment
                self._bell_pull.send(b".")

    def _welcome(self) -> None:
        """Take in the connections that were opened, or could not be."""
        for _ in self._bell.recv(_OPENED_AT_ONCE):
            opened = self._opened.get()
            self._opening -= 1
            if isinstance(opened, RelayError):
                if not self._connections and not self._opening:
                    self._error = opened
                self._width.no_more_than(len(self._connections))
            else:
                connection = Connection(opened, now=self._now)
                self._connections[connection.fd] = connection
                self._selector.register(connection.fd, selectors.EVENT_READ)
                self._free[connection] = None

    def _hang_up_late_comers(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                opened = self._opened.get_nowait()
                if isinstance(opened, Greeted):
                    opened.sock.close()

    def _check_times(self) -> None:
        if self._now() - self._checked_at > _CHECK_SECONDS:
            self._checked_at = self._now()
            for connection in self._connections.values():
                connection.check_time()
            self._touched.update(self._connections.values())

    def _tend(self) -> None:
        """Send what can be sent, gather what happened, and note which connections are free or have ended."""
        for connection in self._touched:
            if connection.has_output:
                connection.flush()
            if connection.events:
                self._note(connection.events)
                connection.events = []
            if connection.throttled:
                self._use_less(connection)
            if connection.alive:
                self._free_if_it_is(connection)
                self._watch(connection)
            else:
                self._forget(connection)
        self._touched.clear()

    def _note(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Answered):
                if event.reply is not None and event.reply.code < 300:
                    self._width.taken()
            elif not isinstance(event, Ready):
                self._before_dot.pop(event.tag, None)
        self._events += events

    def _use_less(self, connection: Connection) -> None:
        connection.throttled = False
        self._width.throttle()
        if not connection.served:
            self._width.nothing_taken()

    def _free_if_it_is(self, connection: Connection) -> None:
        if not connection.free:
            self._free.pop(connection, None)
        elif connection.begun < self._messages_per_connection:
            self._free[connection] = None
        elif connection.idle:
            connection.quit()

    def _watch(self, connection: Connection) -> None:
        """Wait for room to send where the socket took only a part."""
        if connection.has_output != (connection.fd in self._blocked):
            self._blocked ^= {connection.fd}
            writing = selectors.EVENT_WRITE if connection.has_output else 0
            self._selector.modify(connection.fd, selectors.EVENT_READ | writing)

    def _forget(self, connection: Connection) -> None:
        connection.end()
        self._selector.unregister(connection.fd)
        self._blocked.discard(connection.fd)
        del self._connections[connection.fd]
        self._free.pop(connection, None)
        connection.sock.close()
        self._error = connection.error or self._error
