"""Postmark's webhooks for bounces and spam complaints: it signs nothing, so a password is the proof."""

import hmac
from base64 import b64encode
from datetime import datetime

from digestmail.deliveries.bounces.phrases import said as words_say
from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.providers.event import Call, RefusedError, instant, read_json, report, said, text
from digestmail.deliveries.bounces.report import Report, Verdict

_VERDICTS = {
    "HardBounce": Verdict.HARD,
    "BadEmailAddress": Verdict.HARD,
    "SoftBounce": Verdict.SOFT,
    "DnsError": Verdict.SOFT,
    "Unknown": Verdict.SOFT,
    "Transient": Verdict.DELAYED,
    "Blocked": Verdict.POLICY,
    "SpamNotification": Verdict.POLICY,
    "VirusNotification": Verdict.POLICY,
    "DMARCPolicy": Verdict.POLICY,
}
"""Others are no bounces: AutoResponder, ChallengeVerification, AddressChange, Unsubscribe …"""


class Postmark:
    """What Postmark may tell. `secret` is `user:password`."""

    def __init__(self, secret: str, proofs: Proofs) -> None:
        self._expected = "Basic " + b64encode(secret.encode()).decode("ascii")
        self._proofs = proofs

    def reports(self, call: Call, *, now: datetime) -> list[Report]:
        """See `Webhook`."""
        given = call.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), self._expected.encode()):
            raise RefusedError("the password is wrong", ask_for_password=True)
        event = read_json(call.body)
        kind = text(event, "Type")
        complaint = text(event, "RecordType") == "SpamComplaint" or kind == "SpamComplaint"
        verdict = Verdict.POLICY if complaint else _VERDICTS.get(kind)
        if verdict is None or (not complaint and text(event, "RecordType") not in ("Bounce", "")):
            return []
        details = text(event, "Details") or text(event, "Description")
        if verdict is Verdict.HARD and words_say(details) is Verdict.POLICY:
            verdict = Verdict.POLICY
        return [
            report(
                "postmark",
                said(text(event, "Email"), diagnostic=details, verdict=verdict),
                proofs=self._proofs,
                identity=text(event, "ID"),
                at=instant(text(event, "BouncedAt")),
                told=text(event, "Content"),
                complaint=complaint,
            )
        ]
