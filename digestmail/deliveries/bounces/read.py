"""Reads a message that came back into a report: a standard's form first, then the usual ones, else it is left alone."""

import hashlib

from digestmail.deliveries.bounces.arf import is_feedback, read_complaint
from digestmail.deliveries.bounces.automatic import is_automatic, is_from_mail_system, is_receipt
from digestmail.deliveries.bounces.dsn import read_dsn
from digestmail.deliveries.bounces.parts import MAX_OCTETS, Taken, take_apart
from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.report import Nature, Report, Returned, Verdict
from digestmail.deliveries.bounces.usual import read_usual


def read_message(data: bytes, proofs: Proofs, *, recipient: str = "") -> Report:
    """What a message says that came back, whatever its bytes; it was sent to `recipient`, if that is known."""
    message = take_apart(data)
    nature, source, returned = understand(message, data)
    return Report(
        nature=nature,
        source=source,
        returned=returned,
        proof=proofs.of_message(message, recipient=recipient),
        identity=message.head.get("message-id")[:200] or hashlib.sha256(data[:MAX_OCTETS]).hexdigest(),
    )


def understand(message: Taken, data: bytes) -> tuple[Nature, str, tuple[Returned, ...]]:
    """What kind of message it is, in which form, and what it says of each recipient."""
    if is_feedback(message):
        complaint = read_complaint(message)
        return (Nature.COMPLAINT, "complaint", complaint) if complaint else (Nature.OTHER, "feedback", ())
    if is_receipt(message):
        return Nature.AUTOMATIC, "receipt", ()
    if returned := read_dsn(message):
        return _nature(returned), "dsn", returned
    if is_from_mail_system(message.head):
        returned = read_usual(message, data) or ()
        return (_nature(returned) if returned else Nature.OTHER), "words", returned
    return (Nature.AUTOMATIC if is_automatic(message.head) else Nature.OTHER), "message", ()


def _nature(returned: tuple[Returned, ...]) -> Nature:
    verdicts = {each.verdict for each in returned}
    if any(verdict.bounced for verdict in verdicts):
        return Nature.BOUNCE
    return Nature.DELAYED if Verdict.DELAYED in verdicts else Nature.DELIVERED
