"""Mailgun's webhooks: each call is signed with HMAC-SHA256, over a time and a token, but not over what it says.

So a signature that somebody has seen could be put on other words. It is good for half a day, as long as Mailgun
repeats a call, and within that time for the same words alone.
"""

import hashlib
import hmac
from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.providers.event import Call, RefusedError, instant, read_json, report, said, text
from digestmail.deliveries.bounces.report import Report, Returned, Verdict

_GOOD_FOR = timedelta(hours=12)
_AHEAD = timedelta(minutes=5)
_TOKENS_KEPT = 50_000


class Mailgun:
    """What Mailgun may tell. `key` is the HTTP webhook signing key."""

    def __init__(self, key: str, proofs: Proofs) -> None:
        self._key = key.encode()
        self._proofs = proofs
        self._seen: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def reports(self, call: Call, *, now: datetime) -> list[Report]:
        """See `Webhook`."""
        whole = read_json(call.body)
        timestamp, token, signature = (text(whole, "signature", name) for name in ("timestamp", "token", "signature"))
        expected = hmac.digest(self._key, f"{timestamp}{token}".encode("utf-8", "replace"), "sha256").hex()
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode()):
            raise RefusedError("the signature does not hold")
        signed_at = instant(timestamp)
        if signed_at is None or not now - _GOOD_FOR <= signed_at <= now + _AHEAD:
            raise RefusedError("the signature is too old")
        event = whole.get("event-data")
        self._keep(token, hashlib.sha256(repr(event).encode("utf-8", "replace")).digest())
        returned, complaint = _said(event)
        if returned is None:
            return []
        return [
            report(
                "mailgun",
                returned,
                proofs=self._proofs,
                identity=token,
                at=instant(text(event, "timestamp")),
                told=f"{text(event, 'envelope', 'sender')} {text(event, 'message', 'headers', 'message-id')}",
                complaint=complaint,
            )
        ]

    def _keep(self, token: str, words: bytes) -> None:
        with self._lock:
            if self._seen.setdefault(token, words) != words:
                raise RefusedError("the signature belongs to another call")
            while len(self._seen) > _TOKENS_KEPT:
                self._seen.popitem(last=False)


def _said(event: Any) -> tuple[Returned | None, bool]:
    """What an event says of an address, unless it is none of a failure, and whether it is a complaint."""
    address = text(event, "recipient")
    if text(event, "event") == "complained":
        return said(address, verdict=Verdict.POLICY), True
    if text(event, "event") != "failed":
        return None, False
    if text(event, "reason") == "suppress-complaint":
        return said(address, verdict=Verdict.POLICY), True
    status = text(event, "delivery-status", "enhanced-code")
    words = text(event, "delivery-status", "message") or text(event, "delivery-status", "description")
    answer = f"{text(event, 'delivery-status', 'code')} {words}".strip()
    if text(event, "severity") == "temporary":
        return said(address, status=status, diagnostic=answer, verdict=Verdict.DELAYED), False
    if text(event, "reason") == "suppress-bounce":
        return said(address, status=status, diagnostic=answer, verdict=Verdict.SOFT), False
    return said(address, status=status, diagnostic=answer), False
