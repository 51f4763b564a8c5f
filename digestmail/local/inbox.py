"""Reads the local inbox: a Maildir of what was caught, newest first, as plain values.

A file's name carries the time at which the mail came (`SECONDS.Mmicroseconds…`, see cr.yp.to/proto/maildir.html), and
its first two lines the envelope, so a page costs the headers of its own mails only. The mails may be as odd as they
like.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32
from pathlib import Path

from digestmail.settings import Settings

PAGE_SIZE = 50
SENDER_HEADER = "Return-Path"
RECIPIENTS_HEADER = "X-Envelope-To"

_KEY = re.compile(r"(?P<seconds>\d{10})\.M(?P<micros>\d{6})[\w.-]*", re.ASCII)
_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """A caught mail. `sender` and `recipient` are the envelope's; `html` and `text` are None in lists or if absent."""

    key: str
    at: datetime
    sender: str
    recipient: str
    subject: str
    from_: str
    html: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """One page of the list. Pages count from 1; `total` counts the mails of all pages."""

    messages: tuple[Caught, ...]
    number: int
    pages: int
    total: int


class _AsWritten(Compat32):
    """Headers as they stand: UTF-8 that was not encoded is kept (RFC 6532)."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value


class Inbox:
    """The mails in one Maildir folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def page(self, number: int, *, to: str = "") -> InboxPage:
        """The page `number`, or the nearest that there is.

        `to` keeps the mails to one recipient, whatever the case: an address with an @ must be the whole one, a word
        without may be any part of it.
        """
        paths = sorted(self._paths(), key=lambda path: path.name, reverse=True)
        if to := to.strip().lower():
            paths = [path for path in paths if _is_for(to, _recipients(_head(path, 4096)))]
        pages = max(1, -(-len(paths) // PAGE_SIZE))
        number = min(max(number, 1), pages)
        shown = paths[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        messages = tuple(_caught(_key(path), _head(path, _HEAD_BYTES), whole=False) for path in shown)
        return InboxPage(messages, number=number, pages=pages, total=len(paths))

    def find(self, key: str) -> Caught | None:
        """The whole mail of that key, or None."""
        source = self.source(key)
        return None if source is None else _caught(key, source, whole=True)

    def source(self, key: str) -> bytes | None:
        """The mail as it came, two lines of envelope before it, or None. A key that is a path finds nothing."""
        if not _KEY.fullmatch(key):
            return None
        path = self._folder / "new" / key
        if not path.is_file():
            path = next((path for path in self._paths() if _key(path) == key), path)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def forget(self, address: str) -> None:
        """Remove the mails to this one address."""
        for path in self._paths():
            if _recipients(_head(path, 4096)) == (address.strip().lower(),):
                path.unlink(missing_ok=True)

    def _paths(self) -> Iterator[Path]:
        for name in ("new", "cur"):  # a mail program that opens the folder moves what it showed to `cur`
            folder = self._folder / name
            if folder.is_dir():
                yield from (path for path in folder.iterdir() if _KEY.fullmatch(_key(path)))


def inbox_of(settings: Settings) -> Inbox | None:
    """The inbox of an installation; None where mail leaves the machine."""
    return Inbox(settings.data_dir / "inbox") if settings.relay is None else None


def _key(path: Path) -> str:
    return path.name.partition(":")[0]


def _caught(key: str, source: bytes, *, whole: bool) -> Caught:
    message = message_from_bytes(source, policy=_AsWritten())
    return Caught(
        key=key,
        at=_instant(key),
        sender=_header(message, SENDER_HEADER).strip("<>"),
        recipient=_header(message, RECIPIENTS_HEADER),
        subject=_header(message, "Subject"),
        from_=_header(message, "From"),
        html=_body(message, "text/html") if whole else None,
        text=_body(message, "text/plain") if whole else None,
    )


def _instant(key: str) -> datetime:
    seconds, micros = int(key[:10]), int(key[12:18])
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=micros)


def _header(message: Message, name: str) -> str:
    text = str(message.get(name, "")).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    with suppress(LookupError, ValueError):  # an unknown charset or broken encoding is shown as it stands
        text = str(make_header(decode_header(text)))
    return " ".join(text.split())


def _body(message: Message, kind: str) -> str | None:
    for part in message.walk():
        if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
            payload = part.get_payload(decode=True)
            if not isinstance(payload, bytes):  # a multipart that calls itself text
                return None
            try:
                return payload.decode(part.get_content_charset("utf-8"), "replace")
            except LookupError:
                return payload.decode("utf-8", "replace")
    return None


def _head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError:  # moved or removed since the folder was listed
        return b""


def _recipients(head: bytes) -> tuple[str, ...]:
    line = head.partition(b"\n")[2].partition(b"\n")[0].decode("utf-8", "replace")
    return tuple(part.strip().lower() for part in line.partition(":")[2].split(","))


def _is_for(wanted: str, recipients: tuple[str, ...]) -> bool:
    return wanted in recipients if "@" in wanted else any(wanted in recipient for recipient in recipients)
