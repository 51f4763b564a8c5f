"""SendGrid's signed event webhook: many events in one call, all under one ECDSA signature."""

from base64 import b64decode
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.providers.event import Call, RefusedError, instant, read_json, report, said, text
from digestmail.deliveries.bounces.report import Report, Returned, Verdict
from digestmail.errors import SettingsError

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"


class SendGrid:
    """What SendGrid may tell. `key` is its public key, as its page shows it."""

    def __init__(self, key: str, proofs: Proofs) -> None:
        try:
            loaded = load_der_public_key(b64decode(key))
        except ValueError as error:
            raise SettingsError(
                "DIGESTMAIL_SENDGRID_KEY is no public key. Copy it whole from SendGrid's page."
            ) from error
        if not isinstance(loaded, EllipticCurvePublicKey):
            raise SettingsError("DIGESTMAIL_SENDGRID_KEY is a key of another kind than SendGrid's.")
        self._key = loaded
        self._proofs = proofs

    def reports(self, call: Call, *, now: datetime) -> list[Report]:
        """See `Webhook`."""
        signed = call.headers.get(_TIMESTAMP, "").encode() + call.body
        try:
            self._key.verify(b64decode(call.headers.get(_SIGNATURE, "")), signed, ECDSA(SHA256()))
        except (InvalidSignature, ValueError) as error:
            raise RefusedError("the signature does not hold") from error
        events = read_json(call.body)
        return [found for event in events if (found := self._report(event))] if isinstance(events, list) else []

    def _report(self, event: Any) -> Report | None:
        kind, why = text(event, "event"), text(event, "reason")
        complaint = kind == "spamreport" or (kind == "dropped" and why == "Spam Reporting Address")
        returned = (
            said(text(event, "email"), diagnostic=why, verdict=Verdict.POLICY) if complaint else _said(event, kind, why)
        )
        if returned is None:
            return None
        return report(
            "sendgrid",
            returned,
            proofs=self._proofs,
            identity=text(event, "sg_event_id"),
            at=instant(text(event, "timestamp")),
            told=text(event, "smtp-id"),
            complaint=complaint,
        )


def _said(event: Any, kind: str, why: str) -> Returned | None:
    """What an event says, unless it is none of a failure."""
    address = text(event, "email")
    match kind, why:
        case "bounce", _:
            blocked = Verdict.POLICY if text(event, "type") == "blocked" else None
            found = said(address, status=text(event, "status"), diagnostic=why)
            return (
                found
                if found.verdict is Verdict.HARD or not blocked
                else said(address, diagnostic=why, verdict=blocked)
            )
        case "dropped", "Invalid":
            return said(address, diagnostic=why, verdict=Verdict.HARD)
        case "dropped", "Bounced Address":
            return said(address, diagnostic=why, verdict=Verdict.SOFT)
        case "deferred", _:
            return said(address, diagnostic=text(event, "response"), verdict=Verdict.DELAYED)
    return None
