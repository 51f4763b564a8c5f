"""The two forms of a message, read back as a mail program reads them."""

import email
from email.policy import SMTP

from digestmail.messages.message import Message


def html_of(message: Message) -> str:
    """The HTML form; lines end in "\\n"."""
    return _form(message, "html")


def text_of(message: Message) -> str:
    """The plain form; lines end in "\\n"."""
    return _form(message, "plain")


def _form(message: Message, kind: str) -> str:
    body = email.message_from_bytes(message.data, policy=SMTP).get_body((kind,))
    content: str = body.get_content() if body else ""
    return content.replace("\r\n", "\n")
