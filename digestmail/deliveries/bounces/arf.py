"""Complaints in the Abuse Reporting Format (RFC 5965): a reader's mail provider tells that its user called us spam."""

from digestmail.deliveries.bounces.dsn import addresses_in, shortened_reason
from digestmail.deliveries.bounces.parts import Fields, Taken, blocks_of, parameter
from digestmail.deliveries.bounces.report import Returned, Verdict

_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})
"""Types of feedback with which a reader is against our mail. `not-spam` is for it; `auth-failure` (RFC 6591) is about
who sent it, `virus` and `other` about whatever."""

_HOTMAILS = "x-hmxmroriginalrecipient"


def is_feedback(message: Taken) -> bool:
    """Whether it is a report in this format, about whatever."""
    return (
        bool(message.of_type("message/feedback-report"))
        or _is_hotmails(message)
        or (parameter(message.head.get("content-type"), "report-type").lower() == "feedback-report")
    )


def read_complaint(message: Taken) -> tuple[Returned, ...] | None:
    """Who complains, as far as it tells (providers often leave that out); None where it is no complaint."""
    if _is_hotmails(message):
        told = " ".join(value for part in message.enclosed for value in part.get_all(_HOTMAILS))
        return (Returned(Verdict.POLICY, addresses_in(told), "", shortened_reason(message.head.get("subject"))),)
    blocks = [block for part in message.of_type("message/feedback-report") for block in blocks_of(part.body)]
    kind = next((_get(block, "feedback-type") for block in blocks if _get(block, "feedback-type")), "").lower()
    if kind not in _COMPLAINTS:
        return None
    told = " ".join(
        value for block in blocks for name, value in block if name in ("original-rcpt-to", "removal-recipient")
    )
    agent = next((_get(block, "user-agent") for block in blocks if _get(block, "user-agent")), "")
    return (Returned(Verdict.POLICY, addresses_in(told), "", shortened_reason(f"{kind} {agent}")),)


def _is_hotmails(message: Taken) -> bool:
    """Whether it is in the form of Outlook.com's junk mail reporting: our message with one field more."""
    about = message.head.get("subject").lower().startswith("complaint about message from")
    return about and any(part.get(_HOTMAILS) for part in message.enclosed)


def _get(block: Fields, name: str) -> str:
    return next((value for known, value in block if known == name), "")
