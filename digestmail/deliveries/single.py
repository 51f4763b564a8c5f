"""Sends one message by itself, for mail that is no delivery: it stands in no ledger, and its sender tries it again."""

import smtplib
from contextlib import suppress

from digestmail.deliveries.greeting import conversation
from digestmail.errors import RelayError
from digestmail.messages.message import Message
from digestmail.settings import Relay


def send_single(relay: Relay, message: Message, *, seconds: float | None = None) -> None:
    """Have the mail server take the message. Raises RelayError, with a sentence, where it did not answer that it has.

    It may have it all the same (RFC 1047). Each answer is waited for `seconds`, or as long as `conversation` does.
    """
    with conversation(relay, seconds=seconds) as smtp:
        try:
            smtp.sendmail(message.sender, [message.recipient], message.data)
        except smtplib.SMTPRecipientsRefused as error:
            [(code, said)] = error.recipients.values()
            raise _refusal(relay, "the recipient", code, said) from error
        except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
            raise _refusal(relay, "the message", error.smtp_code, error.smtp_error) from error
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()  # it has the message: how it says goodbye is of no matter


def _refusal(relay: Relay, what: str, code: int, said: bytes | str) -> RelayError:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return RelayError(f"The mail server {relay.host}:{relay.port} refuses {what}: {code} {' '.join(text.split())}")
