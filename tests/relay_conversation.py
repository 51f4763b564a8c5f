"""One conversation of the test relay (RFC 5321): strict about what it is told, and it notes what no client may do."""

import base64
import re
import ssl
from socketserver import BaseRequestHandler
from typing import TYPE_CHECKING

from tests.relay_offers import DROP, SILENT, CaughtMail
from tests.relay_stream import Stream

if TYPE_CHECKING:
    from tests.relay import FakeRelay

_LONGEST_COMMAND = 512
_LONGEST_OPTIONS = 26 + 17
"""What SIZE (RFC 1870) and BODY (RFC 6152) add to the longest MAIL command."""

_LONGEST_LINE = 1000
_LAST_IN_A_GROUP = {"CONNECT", "EHLO", "HELO", "DATA", "NOOP", "QUIT", "STARTTLS", "AUTH"}
"""Nothing may follow these before their reply, PIPELINING or not (RFC 2920 section 3.1; RFC 3207; RFC 4954)."""


class Conversation(BaseRequestHandler):
    """Serves one client for the relay, which takes the notes."""

    server: "FakeRelay"

    def setup(self) -> None:
        """Nobody has spoken yet."""
        self._offers = offers = self.server.offers
        self._stream = Stream(self.request, latency=offers.latency, crumbs=offers.crumbs)
        self._encrypted = self._counted = self._greeted = self._knows_user = False
        self._taken = 0
        self._recipient = ""
        self._forget_envelope()

    def handle(self) -> None:
        """Speak until either side has enough."""
        welcome = self.server.enter(self._stream)
        polite = False
        try:
            if self._offers.tls is not None:
                self._encrypt(self._offers.tls)
            polite = self._converse() if welcome else self._say("CONNECT", "421 4.7.0 too many connections")
        except OSError:
            pass  # the client hung up, or was shown a certificate that it does not trust
        finally:
            self.server.leave(self._stream)
            self._stream.close(linger=polite)

    def _converse(self) -> bool:
        """Whether it ended with words."""
        verb, reply = "CONNECT", self.server.behave("CONNECT", "") or "220 relay.test ready"
        while self._say(verb, reply):
            if verb == "QUIT" or reply.startswith("421"):
                return True
            if verb == "STARTTLS" and reply.startswith("220") and self._offers.starttls is not None:
                self._encrypt(self._offers.starttls)
            if verb == "DATA" and reply.startswith("354"):
                body = self._body()
                if body is None:
                    return False
                verb, reply = "DOT", self._end_of(body)
            else:
                line = self._command()
                if not line:
                    return False
                verb = line.partition(" ")[0].upper()
                reply = self._answer(verb, line)
        return False

    def _say(self, verb: str, reply: str) -> bool:
        """Whether there is more to say."""
        if reply == SILENT:
            self._stream.swallow()
        if reply in (DROP, SILENT):
            return False
        self._stream.await_latency()
        if (verb in _LAST_IN_A_GROUP or not self._offers.pipelining) and self._stream.has_more():
            self._complain(f"more came before {verb} was answered")
        if verb == "QUIT" or reply.startswith("421"):
            self.server.leave(self._stream)  # before the client can know, so that there is room for its next one
        self._stream.say(reply)
        return True

    def _command(self) -> str:
        raw = self._stream.line()
        self._check_octets(raw)
        verb = raw[:4].upper()
        if len(raw) > _LONGEST_COMMAND + _LONGEST_OPTIONS * (verb == b"MAIL") and verb != b"AUTH":
            self._complain(f"a command of {len(raw)} octets")
        line = raw.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if line:
            self.server.heard.append("AUTH" if verb == b"AUTH" else line)
        return line

    def _answer(self, verb: str, line: str) -> str:
        """The reply to a command, which has changed the state accordingly."""
        address = line.partition("<")[2].partition(">")[0]
        if verb == "RCPT":
            self._recipient = address
        elif verb == "RSET":
            self._forget_envelope()
        reply = self.server.behave(verb, self._recipient) or self._usual(verb, line)
        if reply.startswith("250"):
            if verb in ("EHLO", "HELO"):
                self._greet()
                self._forget_envelope()
            if verb == "MAIL":
                self._sender, self._eightbit = address, "BODY=8BITMIME" in line.upper()
            self._has_recipient = self._has_recipient or verb == "RCPT"
        return reply

    def _usual(self, verb: str, line: str) -> str:
        match verb:
            case "EHLO":
                keywords = self._offers.keywords(encrypted=self._encrypted)
                return "\r\n".join(["250-relay.test", *(f"250-{keyword}" for keyword in keywords), "250 HELP"])
            case "MAIL":
                return self._may_send(line)
            case "RCPT":
                return "503 5.5.1 MAIL first" if self._sender is None else "250 2.1.5 fine"
            case "DATA":
                return "354 go on" if self._has_recipient else "503 5.5.1 no valid recipients"
            case "STARTTLS":
                return "220 go on" if self._offers.starttls and not self._encrypted else "502 5.5.1 not offered"
            case "AUTH":
                return self._authenticate(line)
            case "HELO" | "RSET" | "NOOP":
                return "250 2.0.0 fine"
            case "QUIT":
                return "221 2.0.0 bye"
            case _:
                return "500 5.5.2 unknown"

    def _may_send(self, line: str) -> str:
        offers = self._offers
        size = re.search(r" SIZE=(\d+)", line.upper())
        if size and offers.size is None:
            self._complain("SIZE=, which was not offered")
        if "BODY=8BITMIME" in line.upper() and not offers.eightbit:
            self._complain("BODY=8BITMIME, which was not offered")
        if self._sender is not None:
            self._complain("MAIL within a message")
            return "503 5.5.1 one at a time"
        if not self._greeted:
            return "503 5.5.1 EHLO first"
        if offers.auth is not None and not self._knows_user:
            return "530 5.7.0 Authentication required"
        if offers.messages_per_connection is not None and self._taken >= offers.messages_per_connection:
            return "421 4.7.0 enough for now"
        if size and offers.size and int(size[1]) > offers.size:
            return "552 5.3.4 too large"
        return "250 2.1.0 fine"

    def _greet(self) -> None:
        self._greeted = True
        if not self._counted:
            self._counted = True
            self.server.count_greeting()

    def _authenticate(self, line: str) -> str:
        """AUTH PLAIN and LOGIN (RFC 4954, RFC 4616)."""
        if not self._offers.takes_passwords(encrypted=self._encrypted):
            self._complain("a password that nobody asked for")
            return "503 5.5.1 not offered"
        _, mechanism, given = [*line.split(" ", 2), "", ""][:3]
        if mechanism.upper() not in self._offers.mechanisms.split():
            return "504 5.5.4 not offered"
        if mechanism.upper() == "PLAIN":
            _, user, password = (_decoded(given) if given else self._ask("")).split("\0")
        else:
            user = _decoded(given) if given else self._ask("Username:")
            password = self._ask("Password:")
        self._knows_user = (self._offers.auth or {}).get(user) == password
        return "235 2.7.0 welcome" if self._knows_user else "535 5.7.8 wrong user or password"

    def _ask(self, question: str) -> str:
        self._stream.say(f"334 {base64.b64encode(question.encode()).decode()}")
        return _decoded(self._stream.line().decode().strip())

    def _body(self) -> bytes | None:
        """The message without its dot; None where the client hung up before it."""
        lines = []
        self._stream.octets_per_second = self._offers.slow_reader
        while (line := self._stream.line()) != b".\r\n":
            if not line:
                return None
            self._check_octets(line)
            if len(line) - line.startswith(b".") > _LONGEST_LINE:
                self._complain(f"a line of {len(line)} octets")
            if line.startswith(b".") and not line.startswith(b".."):
                self._complain("a dot that is not doubled")
            if not (line.isascii() or self._eightbit):
                self._complain("8-bit octets that were not announced")
            lines.append(line.removeprefix(b"."))
        self._stream.octets_per_second = None
        self.server.rounds.append(self._stream.has_more())
        return b"".join(lines)

    def _end_of(self, body: bytes) -> str:
        """The reply to the dot."""
        if self._sender is None or not self._has_recipient:
            if body:
                self._complain("a body for nobody")
            self._forget_envelope()
            return "554 5.5.1 no valid recipients"
        too_large = self._offers.size and len(body) > self._offers.size
        usual = "552 5.3.4 too large" if too_large else "250 2.0.0 queued"
        reply = self.server.behave("DOT", self._recipient) or usual
        if reply.startswith("250") or reply in (DROP, SILENT):
            self.server.caught.append(CaughtMail(self._sender, self._recipient, body))
            self._taken += 1
        self._forget_envelope()
        return reply

    def _forget_envelope(self) -> None:
        self._sender: str | None = None
        self._has_recipient = self._eightbit = False

    def _encrypt(self, context: ssl.SSLContext) -> None:
        """After STARTTLS everything that was said before counts for nothing (RFC 3207 section 4.2)."""
        self._stream.encrypt(context)
        self._encrypted, self._greeted = True, False
        self._forget_envelope()

    def _check_octets(self, line: bytes) -> None:
        if line and (not line.endswith(b"\r\n") or b"\r" in line[:-2]):
            self._complain(f"a bare CR or LF: {line[:60]!r}")
        if b"\0" in line:
            self._complain(f"a NUL: {line[:60]!r}")

    def _complain(self, what: str) -> None:
        self.server.violations.append(what)


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
