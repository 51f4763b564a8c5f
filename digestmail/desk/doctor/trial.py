"""Sends one test mail by the way that every mail goes, because somebody asked for it."""

import re
from collections.abc import Callable
from datetime import datetime

from digestmail.desk.doctor.finding import Finding, ok, problem, sentence, skipped
from digestmail.desk.preview import Preview
from digestmail.errors import RelayError
from digestmail.messages.message import Message
from digestmail.messages.mime import header

_NAME = "test.mail"
_MESSAGE_ID = re.compile(rb"^Message-ID:[^\r]*\r\n", re.MULTILINE)
_SUBJECT = re.compile(rb"^Subject: ", re.MULTILINE)


_LOOK = "Look whether it arrives, in which folder, and for spf=pass, dkim=pass and dmarc=pass in its headers."


def send_trial(
    preview: Preview | Finding, *, now: datetime, where: str, stays: bool, send: Callable[[Message], None]
) -> Finding:
    """Send the digest to its recipient, marked as a test. `where` names the mail server; `stays`: the local inbox."""
    if isinstance(preview, Finding):
        return skipped(_NAME, preview.found, preview.remedy)
    message = as_trial(preview.message, now=now)
    try:
        send(message)
    except RelayError as error:
        return problem(
            _NAME, f"The test mail was not taken. {sentence(error)}", "Its answer says what the mail server minds."
        )
    return ok(
        _NAME,
        f"The mail server {where} took the test mail to {message.recipient}.",
        "Open it in the local inbox." if stays else _LOOK,
    )


def as_trial(message: Message, *, now: datetime) -> Message:
    """The message with a Message-ID of its own, so that a second one is not taken for the same, and a mark."""
    number, _, domain = message.message_id.strip("<>").partition("@")
    message_id = f"<{number}.test.{int(now.timestamp())}@{domain}>"
    head, separator, body = message.data.partition(b"\r\n\r\n")
    head = _MESSAGE_ID.sub(lambda _: header("Message-ID", message_id), head + b"\r\n", count=1)
    marked = _SUBJECT.sub(b"Subject: [Test]\r\n ", head, count=1)  # folded, since an encoded line is full (RFC 2047, 2)
    return message._replace(message_id=message_id, data=marked.removesuffix(b"\r\n") + separator + body)
