"""Amazon SES, which tells of bounces and complaints through a topic of SNS."""

from datetime import datetime
from typing import Any

from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.providers.event import (
    Call,
    UnreadableError,
    instant,
    read_json,
    report,
    rows,
    said,
    text,
)
from digestmail.deliveries.bounces.providers.sns import Topics
from digestmail.deliveries.bounces.report import Report, Returned, Verdict

_BY_SUBTYPE = {
    "NoEmail": Verdict.HARD,
    "Suppressed": Verdict.HARD,
    "OnAccountSuppressionList": Verdict.HARD,
    "MailboxFull": Verdict.SOFT,
    "MessageTooLarge": Verdict.POLICY,
    "ContentRejected": Verdict.POLICY,
    "AttachmentRejected": Verdict.POLICY,
}
_NO_COMPLAINTS = frozenset({"not-spam", "auth-failure"})


class Ses:
    """What SES may tell."""

    def __init__(self, topics: Topics, proofs: Proofs) -> None:
        self._topics = topics
        self._proofs = proofs

    def reports(self, call: Call, *, now: datetime) -> list[Report]:
        """See `Webhook`."""
        message = self._topics.message(read_json(call.body), now=now)
        if message is None:
            return []
        try:
            event = read_json(message)
        except UnreadableError:
            return []  # as when Amazon tries the topic out
        match text(event, "notificationType") or text(event, "eventType"):
            case "Bounce":
                happened, of_whom = event.get("bounce"), "bouncedRecipients"
                returned = [found for row in rows(happened, of_whom) if (found := _said(happened, row))]
                identity = text(happened, "feedbackId")
            case "Complaint" if text(event, "complaint", "complaintFeedbackType") not in _NO_COMPLAINTS:
                happened, of_whom = event.get("complaint"), "complainedRecipients"
                kind = text(happened, "complaintFeedbackType")
                returned = [
                    said(text(row, "emailAddress"), diagnostic=kind, verdict=Verdict.POLICY)
                    for row in rows(happened, of_whom)
                ]
                identity = text(happened, "feedbackId")
            case _:
                return []
        if not returned:
            return []
        headers = " ".join(text(row, "value") for row in rows(event, "mail", "headers") if _is_ours(text(row, "name")))
        return [
            report(
                "ses",
                *returned,
                proofs=self._proofs,
                identity=identity,
                at=instant(text(happened, "timestamp")),
                told=f"{text(event, 'mail', 'source')} {headers}",
                complaint=of_whom == "complainedRecipients",
            )
        ]


def _is_ours(name: str) -> bool:
    return name.lower() in ("message-id", "return-path")


def _said(bounce: Any, row: Any) -> Returned | None:
    """What is said of a recipient. What SES calls temporary and gives no reason for is an automatic reply."""
    status, diagnostic = text(row, "status"), text(row, "diagnosticCode")
    verdict = _BY_SUBTYPE.get(text(bounce, "bounceSubType"))
    if text(bounce, "bounceType") != "Permanent" and not (verdict or status or diagnostic):
        return None
    return said(text(row, "emailAddress"), status=status, diagnostic=diagnostic.removeprefix("smtp; "), verdict=verdict)
