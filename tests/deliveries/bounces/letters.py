"""Messages that come back, in the style of the systems that write them; and what they return of ours."""

from datetime import date

from digestmail.messages.envelope import ReturnAddress
from digestmail.messages.message import message_id, message_number
from digestmail.messages.publication import Publication
from digestmail.store.states import Kind
from digestmail.tokens import Purpose, Tokens
from tests.messages.samples import DAY, PUBLICATION, TOKENS

READER = "r0@example.org"


def our_headers(
    delivery_id: int = 7,
    subscriber_id: int = 1,
    *,
    reader: str = READER,
    day: date = DAY,
    tokens: Tokens = TOKENS,
    publication: Publication = PUBLICATION,
) -> str:
    """The headers of a digest of ours, as a mail server returns them."""
    identity = message_id(
        message_number(Kind.DIGEST, delivery_id=delivery_id, subscriber_id=subscriber_id),
        Kind.DIGEST,
        day=day,
        installation=tokens.installation,
        domain=publication.domain,
    )
    unsubscribe = tokens.make(Purpose.UNSUBSCRIBE, subscriber_id)
    return (
        f"Return-Path: <{ReturnAddress(publication, tokens).of(delivery_id)}>\n"
        f"From: {publication.sender}\nTo: {reader}\nMessage-ID: {identity}\n"
        f"List-Unsubscribe: <{publication.url}/u/{unsubscribe}>\nSubject: Monday's digest\n"
    )


def dsn(
    *recipients: str,
    returned: str = "",
    text: str = "Sorry to tell you.",
    to: str = "",
    sender: str = "MAILER-DAEMON@mx.example.org",
) -> bytes:
    """A delivery status notification (RFC 3464); each recipient is a block of fields."""
    blocks = "\n".join(f"{block.strip()}\n" for block in recipients)
    return f"""\
Return-Path: <>
From: Mail Delivery System <{sender}>
To: {to or "bounces@courier.example"}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="AbC.1/x"
Message-ID: <20261123.ABC@mx.example.org>

--AbC.1/x
Content-Type: text/plain; charset=us-ascii

{text}

--AbC.1/x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Arrival-Date: Mon, 23 Nov 2026 07:00:00 +0000

{blocks}
--AbC.1/x
Content-Type: text/rfc822-headers

{returned}
--AbC.1/x--
""".encode()


def recipient(
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <r0@example.org>: Recipient address rejected: User unknown",
    *,
    action: str = "failed",
    address: str = READER,
) -> str:
    """The fields of one recipient."""
    said = f"Diagnostic-Code: {diagnostic}\n" if diagnostic else ""
    return f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n{said}"


def plain(
    text: str, *, subject: str = "failure notice", sender: str = "MAILER-DAEMON@mx.example.org", more: str = ""
) -> bytes:
    """A message in a mail system's own words."""
    head = f"Return-Path: <>\nFrom: {sender}\nTo: bounces@courier.example\nSubject: {subject}\n{more}"
    return f"{head}\n{text}".encode()


def exim(returned: str) -> bytes:
    """As Exim writes it."""
    return plain(
        "This message was created automatically by mail delivery software.\n\n"
        "A message that you sent could not be delivered to one or more of its\nrecipients. "
        "This is a permanent error. "
        f"The following address(es) failed:\n\n  {READER}\n    host mx.example.org [192.0.2.7]\n"
        f"    SMTP error from remote mail server after RCPT TO:<{READER}>:\n    550 No such person at this address\n\n"
        f"------ This is a copy of the message, including all the headers. ------\n\n{returned}\nGood morning.\n",
        subject="Mail delivery failed: returning message to sender",
        sender="Mail Delivery System <Mailer-Daemon@mx.example.org>",
        more=f"X-Failed-Recipients: {READER}\nAuto-Submitted: auto-replied\n",
    )


def qmail(returned: str) -> bytes:
    """As qmail writes it."""
    return plain(
        "Hi. This is the qmail-send program at mx.example.org.\nI'm afraid I wasn't able to deliver your message "
        "to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        f"<{READER}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        f"--- Below this line is a copy of the message.\n\n"
        f"{returned}\nGood morning.\n"
    )


def complaint(kind: str = "abuse", *, returned: str = "", original: str = "") -> bytes:
    """Feedback in the Abuse Reporting Format (RFC 5965); the reader's address is left out, as most providers do."""
    return f"""\
Return-Path: <feedback@provider.example>
From: <feedback@provider.example>
To: abuse@courier.example
Subject: FW: Monday's digest
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain

This is an email abuse report for a message received on Mon, 23 Nov 2026.

--part
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: ProviderFBL/1.0
Version: 1
Original-Rcpt-To: {original or "redacted@provider.example"}

--part
Content-Type: message/rfc822

{returned.replace(READER, "redacted@provider.example")}
Good morning.
--part--
""".encode()


def reply(*, subject: str, text: str, more: str = "") -> bytes:
    """What a person, or a robot in a person's name, sends."""
    return (
        f"From: Ana <{READER}>\nTo: digest@courier.example\nSubject: {subject}\nMIME-Version: 1.0\n"
        f"Content-Type: text/plain; charset=utf-8\n{more}\n{text}\n"
    ).encode()


NO_BOUNCES = {
    "Outlook out of office": reply(
        subject="Automatic reply: Monday's digest",
        text="I am out of the office. My colleague's mailbox is full, and my old address does not exist any more.",
        more="Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\nX-MS-Has-Attach:\n",
    ),
    "vacation with a null sender": reply(
        subject="Abwesenheitsnotiz",
        text="user unknown? Nein: im Urlaub.",
        more="Return-Path: <>\nAuto-Submitted: auto-replied\n",
    ),
    "old autoresponder": reply(
        subject="Re: Monday's digest", text="550 user unknown", more="Precedence: auto_reply\nX-Autoreply: yes\n"
    ),
    "autoresponder in an encoded subject": reply(
        subject="=?utf-8?B?UsOpcG9uc2UgYXV0b21hdGlxdWU=?=", text="5.1.1 inconnu"
    ),
    "autoresponder of a postmaster": reply(
        subject="Out of office", text="This user account does not exist.", more="X-Autorespond: yes\n"
    ).replace(b"From: Ana", b"From: Postmaster"),
    "challenge": reply(
        subject="Please confirm your message",
        text="Your message was not delivered until you confirm that you are no robot.",
    ),
    "list mail": reply(
        subject="[list] mailbox full?",
        text="550 5.1.1 user unknown",
        more="List-Id: <l.example.org>\nPrecedence: list\n",
    ),
    "a reader's own words": reply(
        subject="Re: Monday's digest",
        text="My mailbox is full and the address r0@example.org does not exist, says 550 5.1.1.",
    ),
    "a receipt": reply(
        subject="Not read: Monday's digest",
        text="550 5.1.1 user unknown",
        more='Content-Type: multipart/report; report-type=disposition-notification; boundary="x"\n',
    ),
    "feedback that it is no spam": complaint("not-spam"),
    "a failed signature": complaint("auth-failure"),
}
"""Messages of which nobody may be suppressed, whatever words they use."""
