"""Tells what answers by itself from what a mail system reports: replies of the absent are no bounces (RFC 3834)."""

from digestmail.deliveries.bounces.parts import Part, Taken, parameter, words
from digestmail.deliveries.bounces.wording import any_of

_SYSTEMS = any_of(
    r"\b(?:mailer-?_?daemon|mail-?daemon|postmaster|mailsystem|mail-system|mdaemon"
    r"|mail delivery (?:system|subsystem|service)|delivery subsystem|system administrator"
    r"|mail administrator|mailadm|mmdf|uucp|bounce-?(?:handler|notification)s?)\b",
)
_FAILED = any_of(
    r"undeliver|non-?deliver|not deliver",
    r"deliver[a-z]* (?:status|fail|error|notif|problem|report|has failed)|returned (?:mail|to sender)",
    r"failure (?:notice|delivering|to deliver)",
    r"mail (?:delivery )?(?:failed|failure|error|system error)",
    r"message (?:status|could not|not deliver)|could not (?:be )?(?:deliver|send)|unable to deliver",
    r"user unknown|mail (?:could not|not) |delivery \S* ?(?:delayed|failed)|warning: (?:could|message)",
    r"unzustellbar|non (?:remis|recapitabile)|message you sent|rejected(?: mail| message|:)",
    r"bounced? mail|mail_?failure|address (?:unknown|error)|mailbox (?:is )?full",
    r"permanent (?:error|failure)",
)
_ABSENT = any_of(
    r"out[- ]of[- ](?:the[- ])?office",
    r"auto(?:mat(?:ic|ed|ische|ique|ica|isch))?[- ]?_?(?:reply|replied|response|respon|antwort|odpowied)",
    r"automatic|autorespon|auto: |auto ?reply|vacation|on holiday|on leave|away (?:from|until)|abwesen",
    r"absen(?:ce|t)|réponse|respuesta autom|resposta autom|risposta autom|fuera de la oficina",
    r"fuori (?:sede|ufficio)|afwezig|nieobecno|frånvaro|fravær|poissa|maternity",
    r"thank you for (?:your (?:e-?mail|message|inquiry|enquiry)|contacting)",
    r"ticket (?:#|received|created)|\[ticket",
)
_HEADERS_OF_REPLIES = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-autoreply-from",
    "x-mail-autoreply", "x-fc-machinegenerated", "x-ibm-autoreply", "x-vacation", "x-challenge",
)  # fmt: skip
_RECEIPTS = frozenset({"disposition-notification", "mdn"})


def is_receipt(message: Taken) -> bool:
    """Whether it tells that somebody has, or has not, read our mail (RFC 8098)."""
    kind = parameter(message.head.get("content-type"), "report-type").lower()
    return kind in _RECEIPTS or bool(message.of_type("message/disposition-notification"))


def is_from_mail_system(head: Part) -> bool:
    """Whether it seems that a mail system wrote it and not a person, nor a robot in a person's name."""
    if head.get("x-failed-recipients"):
        return True
    subject = words(head.get("subject"))
    if _ABSENT.search(subject) or any(head.get(name) for name in _HEADERS_OF_REPLIES):
        return False
    if _SYSTEMS.search(words(head.get("from"))) or _SYSTEMS.search(head.get("return-path")):
        return True
    from_nobody = head.get("return-path") == "<>" or head.get("from") in ("", "<>")
    return from_nobody and not head.get("list-id") and _FAILED.search(subject) is not None


def is_automatic(head: Part) -> bool:
    """Whether it says of itself that nobody wrote it (RFC 3834, 5), or is known by what such mail has always had."""
    submitted = head.get("auto-submitted").partition(";")[0].strip().lower()
    return (
        submitted not in ("", "no")
        or head.get("precedence").lower() in ("auto_reply", "bulk", "junk", "list")
        or any(head.get(name) for name in _HEADERS_OF_REPLIES)
        or _ABSENT.search(words(head.get("subject"))) is not None
    )
