"""The words of SMTP (pure, RFC 5321): what is said for a message, and what a reply says."""

import re

from digestmail.deliveries.greeting import Greeted
from digestmail.deliveries.outcome import Reply
from digestmail.messages.message import Message

DATA = b"DATA\r\n"
DOT = b".\r\n"
RSET = b"RSET\r\n"
QUIT = b"QUIT\r\n"

_LONGEST_TEXT = 500

_LONGEST_ADDRESS = 254
"""A path has 256 octets at most, its angle brackets included (RFC 5321 section 4.5.3.1.3)."""

_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f<>]|[^\x00-\x7f]")


def unfit(message: Message, can: Greeted) -> Reply | None:
    """Why a message cannot go to a server that can do so much, in the words of one; None where it can."""
    if not 0 < len(message.recipient) <= _LONGEST_ADDRESS or _NO_ADDRESS.search(message.recipient):
        return Reply(553, "5.1.3 this is not an address that mail can be sent to")
    if len(message.sender) > _LONGEST_ADDRESS or _NO_ADDRESS.search(message.sender):
        return Reply(553, "5.1.7 the sender is not an address")
    size, limit = len(message.data), can.size_limit
    if limit and size > limit:
        return Reply(552, f"5.3.4 the message has {size} octets, and the mail server takes {limit} at most")
    if not (can.eightbit or _is_ascii(message)):
        return Reply(554, "5.6.3 the message has 8-bit octets, and the mail server takes none")
    return None


def mail(message: Message, can: Greeted) -> bytes:
    """MAIL with the parameters that the server knows (RFC 1870, RFC 6152)."""
    size = f" SIZE={len(message.data)}" if can.takes_size else ""
    eightbit = " BODY=8BITMIME" if can.eightbit and not _is_ascii(message) else ""
    return f"MAIL FROM:<{message.sender}>{size}{eightbit}\r\n".encode("ascii")


def rcpt(message: Message) -> bytes:
    """RCPT."""
    return f"RCPT TO:<{message.recipient}>\r\n".encode("ascii")


def body(message: Message) -> bytes:
    """What goes between DATA and the dot: each dot that begins a line is doubled (section 4.5.2)."""
    if message.wire_ready:
        return message.data
    stuffed = message.data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def read_reply(raw: bytes) -> Reply:
    """A whole reply of one or more lines (section 4.2), with its text in one, as much of it as a person reads."""
    lines = raw.decode("utf-8", "replace").split("\n")
    return Reply(int(raw[:3]), " ".join(" ".join([line[4:] for line in lines]).split())[:_LONGEST_TEXT])


def _is_ascii(message: Message) -> bool:
    return message.wire_ready or message.data.isascii()
