"""Delivery status notifications (RFC 3464): what a mail server reports of each recipient, in fields."""

import re

from digestmail.deliveries.bounces.parts import Taken, blocks_of, parameter
from digestmail.deliveries.bounces.report import Returned
from digestmail.deliveries.bounces.verdict import judge

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_ADDRESS = re.compile(r"[^\s<>;,\"]{1,128}@[^\s<>;,\"]{1,255}")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")  # RFC 3461, 4
_WITH_ADDRESSES = ("original-recipient", "final-recipient", "x-actual-recipient")
_OUR_SUBJECT = re.compile(r"^[ \t>*|-]{0,20}subject:.*$", re.IGNORECASE | re.MULTILINE)
_LONGEST_REASON = 300


def read_dsn(message: Taken) -> tuple[Returned, ...] | None:
    """What it reports of each recipient; None where it is no such notification, or says nothing of any."""
    statuses = message.of_type(*_STATUS_TYPES)
    if not statuses and parameter(message.head.get("content-type"), "report-type").lower() != "delivery-status":
        return None
    text = without_our_subject("\n".join(part.text for part in message.of_type("text/plain", "text/html")))
    blocks = [dict(reversed(block)) for part in statuses for block in blocks_of(part.body)]
    of_recipients = [block for block in blocks if block.keys() & {"final-recipient", "original-recipient"}]
    loose = [block for block in blocks if block.keys() & {"action", "status", "diagnostic-code"}]
    return tuple(_returned(block, text) for block in of_recipients or loose) or None


def addresses_in(text: str) -> frozenset[str]:
    """The mail addresses in a text, in small letters, and decoded where they stand as xtext."""
    found = {address.strip(".()[]'").lower() for address in _ADDRESS.findall(text[:4000])}
    return frozenset(
        found | {_XTEXT.sub(lambda code: chr(int(code[1], 16)), address.upper()).lower() for address in found}
    )


def without_our_subject(text: str) -> str:
    """A mail system's account without the line that quotes our subject: a headline may hold any words."""
    return _OUR_SUBJECT.sub("", text)


def shortened_reason(text: str) -> str:
    """A server's words in one line, as they are kept."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:4000]).split())[
        :_LONGEST_REASON
    ]


def _returned(fields: dict[str, str], text: str) -> Returned:
    diagnostic = fields.get("diagnostic-code", "")
    kind, separator, words = diagnostic.partition(";")
    if separator and kind.strip().lower().replace("-", "").isalnum():
        diagnostic = words.strip()
    judged = judge(status=fields.get("status", ""), diagnostic=diagnostic, action=fields.get("action", ""), text=text)
    addresses = frozenset[str]().union(*(addresses_in(fields.get(name, "")) for name in _WITH_ADDRESSES))
    return Returned(judged.verdict, addresses, judged.status, shortened_reason(diagnostic or fields.get("status", "")))
