"""Bounces in no standard's form: found out by the words that mail systems have used for decades (flufl.bounce)."""

import email
import logging
import re

from flufl.bounce import all_failures

from digestmail.deliveries.bounces.dsn import addresses_in, shortened_reason, without_our_subject
from digestmail.deliveries.bounces.parts import Taken
from digestmail.deliveries.bounces.phrases import said, says_delayed
from digestmail.deliveries.bounces.report import Returned, Verdict
from digestmail.deliveries.bounces.verdict import codes_in, judge
from digestmail.deliveries.bounces.wording import any_of

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it tells of each detector, with addresses

_MAX_OCTETS = 128 * 1024
_MAX_NESTED = 20
_LONGEST_ACCOUNT = 3000
_LINE_OF_ANSWER = re.compile(r"^.*(?<![\d.])[45]\d\d[ \-#].*$|^.*(?<![\d.])[45]\.\d{1,3}\.\d{1,3}.*$", re.MULTILINE)
_COPY_BEGINS = any_of(
    r"^[ \t>*-]*(?:-{2,}[^\n]{0,40}(?:copy|original|returned|headers|message follows|unsent|forwarded)"
    r"|return-path:|received: from|message-id:|original message (?:follows|headers)|begin forwarded"
    r"|the (?:original|header of the) message)",
)


def read_usual(message: Taken, data: bytes) -> tuple[Returned, ...] | None:
    """What a message in a mail system's own words says; None where it cannot be understood.

    Only for what a mail system seems to have written: any person's letter can hold such words.
    """
    temporary, permanent = _detected(data)
    account = _account(message)
    answers = " ".join(line[:500] for line in _LINE_OF_ANSWER.findall(account)[:8])
    if says_delayed(account) or (temporary and not permanent):
        return (Returned(Verdict.DELAYED, temporary | permanent, "", shortened_reason(answers or account)),)
    if not (permanent or said(account) or next(codes_in(answers), None)):
        return None
    judged = judge(diagnostic=answers or account, text=account)
    if said(answers) is Verdict.POLICY:  # the code beside it may be the reporter's own
        judged = judged._replace(verdict=Verdict.POLICY)
    failed = addresses_in(" ".join(message.head.get_all("x-failed-recipients")))
    return (Returned(judged.verdict, permanent | failed, judged.status, shortened_reason(answers or account)),)


def _detected(data: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """Addresses that are still tried, and those that failed."""
    if data[:_MAX_OCTETS].lower().count(b"boundary=") > _MAX_NESTED:
        return frozenset(), frozenset()
    try:
        temporary, permanent = all_failures(email.message_from_bytes(data[:_MAX_OCTETS]))
    except Exception:
        return frozenset(), frozenset()
    return _texts(temporary), _texts(permanent)


def _texts(addresses: object) -> frozenset[str]:
    return addresses_in(" ".join(str(one, "utf-8", "replace") for one in addresses))  # type: ignore[attr-defined]


def _account(message: Taken) -> str:
    """What the mail system itself wrote: not the copy of our message below it, nor our subject."""
    texts = message.of_type("text/plain") or message.of_type("text/html")
    whole = without_our_subject("\n".join(part.text for part in texts[:2]))
    copy = _COPY_BEGINS.search(whole, 1)
    return whole[: copy.start() if copy else None][:_LONGEST_ACCOUNT]
