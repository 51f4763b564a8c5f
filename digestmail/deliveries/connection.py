"""One conversation with the mail server (RFC 5321) that never waits: what is to be sent and what came moves it on.

    begin ── MAIL RCPT DATA ──> 354 ── body ──> Ready ── dot ──> Answered
               │                                  │
               └── refused: Refused               └── drop

Where the server offers PIPELINING (RFC 2920) the commands go out together, and a dot goes out with the next message's
commands behind it, so that a message costs one round trip. Else each command waits for the reply to the one before.
Until its dot is out the server has nothing of a message. When the conversation breaks off, a message before its dot is
Returned, and one after it is Answered with None: nobody knows who has it (RFC 1047).
"""

import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum

from digestmail.deliveries import smtp
from digestmail.deliveries.events import Answered, Event, Ready, Refused, Returned
from digestmail.deliveries.greeting import Greeted
from digestmail.deliveries.outcome import Reply
from digestmail.errors import RelayError
from digestmail.messages.message import Message


class Awaited(IntEnum):
    """What a reply is awaited for."""

    DOT = 0
    MAIL = 1
    RCPT = 2
    DATA = 3
    RSET = 4
    NOTHING = 5
    """A dot without a message, which ends a DATA that should have been refused (RFC 2920 section 3.1)."""


_NOTHING_TO_DO = (Awaited.MAIL, Awaited.RCPT, Awaited.RSET)
"""After a 250 to these, where nothing waits to be sent."""

REPLY_SECONDS: tuple[float, ...] = (600, 300, 300, 120, 300, 600)
"""How long each reply may take (RFC 5321 section 4.5.3.2)."""

_BODY_SECONDS = 180
"""How long the server may read nothing of a body."""

_LONGEST_REPLY = 64 * 1024
_THROTTLED = re.compile(r"4\.(3\.[12]|4\.5|7\.\d+)$")


class Connection:
    """A conversation. `events` are what happened since they were last taken.

    Once it has ended it is not `alive`, and whoever watches its socket closes that.
    """

    def __init__(self, greeted: Greeted, *, now: Callable[[], float] = time.monotonic) -> None:
        self.sock = greeted.sock
        self.fd = greeted.sock.fileno()
        self.events: list[Event] = []
        self.alive = True
        self.begun = self.served = 0
        """Messages that were begun, and those that the server took."""
        self.throttled = False
        """The server asked for less."""
        self.error: RelayError | None = None
        """The server wants no mail from us at all."""
        self._can = greeted
        self._now = now
        self._moved_at = now()
        self._out: deque[bytes | memoryview] = deque()
        self._in = b""
        self._awaited: deque[Awaited] = deque()
        self._unsent: deque[tuple[Awaited, bytes]] = deque()  # without PIPELINING: what waits for a reply
        self._current: tuple[int, Message] | None = None
        self._refusal: Reply | None = None
        self._body_is_going = False
        self._dotted: int | None = None
        self._ending = False

    @property
    def free(self) -> bool:
        """Whether a message can begin."""
        return (
            self.alive
            and not self._ending
            and self._current is None
            and (self._can.pipelining or not (self._awaited or self._unsent))
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self._current is None and not self._awaited

    @property
    def has_output(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._out)

    def begin(self, tag: int, message: Message) -> None:
        """Begin a message on a free connection. Nothing is sent before `flush`."""
        refusal = smtp.unfit(message, self._can)
        if refusal is not None:
            self.events.append(Refused(tag, refusal))
            return
        self._current, self._refusal = (tag, message), None
        self.begun += 1
        mail, rcpt = smtp.mail(message, self._can), smtp.rcpt(message)
        if self._can.pipelining:
            self._say(mail + rcpt + smtp.DATA, Awaited.MAIL, Awaited.RCPT, Awaited.DATA)
        else:
            self._unsent.extend(((Awaited.RCPT, rcpt), (Awaited.DATA, smtp.DATA)))
            self._say(mail, Awaited.MAIL)

    def dot(self, tag: int) -> None:
        """End the message whose body is out. From the next `flush` on the server may have it."""
        self._dotted = tag
        self._current = None
        self._say(smtp.DOT, Awaited.DOT)

    def drop(self, tag: int) -> None:
        """Take back the message that has no dot yet. The conversation ends, once the dot before is answered."""
        self.events = [event for event in self.events if event.tag != tag]
        if self._current is None:
            return  # it was refused at once
        self._current = None
        self._unsent.clear()
        self._ending = True
        if self._dotted is None:
            self.end()

    def quit(self) -> None:
        """Part politely from a server that waits for nothing."""
        self._ending = True
        self._out.append(smtp.QUIT)
        self.flush()

    def flush(self) -> None:
        """Send as much as the socket takes."""
        out = self._out
        try:
            while out:
                if len(out) > 1 and len(out[0]) + len(out[1]) < 4096:  # a dot and the next envelope go as one
                    out.appendleft(b"".join((out.popleft(), out.popleft())))
                chunk = out[0]
                sent = self.sock.send(chunk)
                if sent == len(chunk):
                    out.popleft()
                else:
                    out[0] = memoryview(chunk)[sent:]
                self._moved_at = self._now()
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError:
            self.end()
            return
        if self._body_is_going and self._current is not None:
            self._body_is_going = False
            self.events.append(Ready(self._current[0]))

    def read(self) -> None:
        """Take in what has come and act on each whole reply."""
        try:
            came = self.sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError:
            came = b""
        if not came:
            self.end()
            return
        self._moved_at = self._now()
        text = self._in + came if self._in else came
        awaited, unsent = self._awaited, self._unsent
        start = line = 0
        while self.alive and (end := text.find(b"\n", line)) >= 0:
            if text[line + 3 : line + 4] != b"-":  # else more lines of the same reply follow
                if text.startswith(b"250", start) and not unsent and awaited and awaited[0] in _NOTHING_TO_DO:
                    awaited.popleft()  # most of what comes is this
                else:
                    self._take_reply(text[start : end + 1])
                start = end + 1
            line = end + 1
        self._in = text[start:]
        if len(self._in) > _LONGEST_REPLY:
            self.end()
        elif isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
            self.read()  # what TLS has taken in already wakes nobody up

    def check_time(self) -> None:
        """End a conversation in which the server has been silent for too long."""
        waited = self._now() - self._moved_at
        if (self._awaited and waited > REPLY_SECONDS[self._awaited[0]]) or (self._out and waited > _BODY_SECONDS):
            self.end()

    def end(self) -> None:
        """Break off at once, whatever is under way."""
        if not self.alive:
            return
        self.alive = False
        self._out.clear()
        if self._dotted is not None:
            self.events.append(Answered(self._dotted, None))
            self._dotted = None
        if self._current is not None:
            self.events.append(Returned(self._current[0]))
            self._current = None

    def _say(self, command: bytes, *awaited: Awaited) -> None:
        if not self._awaited:
            self._moved_at = self._now()
        self._out.append(command)
        self._awaited.extend(awaited)

    def _take_reply(self, raw: bytes) -> None:
        code = raw[:3]
        if not self._awaited or not (code.isdigit() and b"200" <= code < b"600"):
            self.end()  # a farewell that nobody asked for, or no SMTP
            return
        awaited = self._awaited.popleft()
        if awaited is Awaited.DOT:
            self._after_dot(smtp.read_reply(raw))
        elif code == b"421":
            self.throttled = self.throttled or not self.served
            self._give_back(smtp.read_reply(raw))
        elif awaited is Awaited.DATA:
            self._after_data(raw)
        elif code != b"250":
            self._after_surprise(awaited, raw)
        if self._unsent and not self._awaited and self.alive:
            awaited, command = self._unsent.popleft()
            self._say(command, awaited)

    def _after_surprise(self, awaited: Awaited, raw: bytes) -> None:
        """What is not the usual 250: a refusal, or nothing that could be understood."""
        if awaited is Awaited.RCPT and raw.startswith(b"251"):  # the mailbox has moved, and the server knows where to
            return
        if raw[:1] not in (b"4", b"5") or awaited is Awaited.RSET:
            self.end()
        elif awaited is Awaited.MAIL:
            self._sender_was_not_taken(smtp.read_reply(raw))
        elif awaited is Awaited.RCPT:
            self._refuse(smtp.read_reply(raw))

    def _after_data(self, raw: bytes) -> None:
        going = raw.startswith(b"354")
        if self._current is None or not (going or raw[:1] in (b"4", b"5")):  # dropped meanwhile, or out of place
            self.end()
            return
        if not going:
            self._refuse(smtp.read_reply(raw))
        elif self._refusal is not None:
            self._say(smtp.DOT, Awaited.NOTHING)
        if self._refusal is None:
            _, message = self._current
            self._out.append(smtp.body(message))
            self._body_is_going = True
        else:
            self.events.append(Refused(self._current[0], self._refusal))
            self._current = None
            self._say(smtp.RSET, Awaited.RSET)

    def _after_dot(self, reply: Reply) -> None:
        if self._dotted is not None:
            self.events.append(Answered(self._dotted, reply))
            self._dotted = None
        if reply.code < 300:
            self.served += 1
        elif reply.code == 421 or _THROTTLED.match(reply.enhanced):
            self.throttled = True
        if reply.code == 421 or self._ending:
            self.end()

    def _sender_was_not_taken(self, reply: Reply) -> None:
        """The server speaks of us and not of the recipient; 552 alone is about the message: it is too large."""
        if reply.code == 552:
            self._refuse(reply)
        elif reply.code >= 500:
            sender = self._current[1].sender if self._current else "us"
            self.error = RelayError(f"The mail server refuses mail from {sender}: {reply}. Check SENDER and SMTP_URL.")
            self.end()
        else:
            self.throttled = True
            self._give_back(reply)

    def _refuse(self, reply: Reply) -> None:
        """The first refusal counts; without PIPELINING there is nothing to ask further."""
        self._refusal = self._refusal or reply
        if reply.code == 452:
            self.throttled = True
        if self._unsent and self._current is not None:
            self._unsent.clear()
            self.events.append(Refused(self._current[0], self._refusal))
            self._current = None
            self._say(smtp.RSET, Awaited.RSET)

    def _give_back(self, reply: Reply) -> None:
        if self._current is not None:
            self.events.append(Returned(self._current[0], reply))
            self._current = None
        self.end()
