"""A real Postfix reports what the next server refuses, and its report stops the next mail."""

import smtplib
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path

import pytest

from digestmail.messages.envelope import ReturnAddress
from tests.bench.options import LackingError
from tests.chaos import postfix
from tests.deliveries.bounces.conftest import Returns
from tests.deliveries.bounces.letters import READER, our_headers
from tests.deliveries.bounces.test_listener import listening
from tests.messages.samples import PUBLICATION, TOKENS
from tests.services import free_port, lacking, wait_until


@pytest.mark.long
def test_what_postfix_reports_stops_the_next_mail(returns: Returns, delivery: int, tmp_path: Path) -> None:
    """The next server is our listener: it refuses the reader, and takes Postfix's report of that."""
    port = free_port()
    sender = ReturnAddress(PUBLICATION, TOKENS).of(delivery)
    message = message_from_bytes(our_headers(delivery).encode() + b"\nGood morning.\n", policy=SMTP)
    with listening(returns.intake, port=port):
        try:
            with (
                postfix.running(tmp_path, next_port=port) as server,
                smtplib.SMTP("127.0.0.1", server.port, timeout=20) as client,
            ):
                client.sendmail(sender, [READER], message.as_bytes())
                wait_until(lambda: returns.suppressed, what="Postfix's report")
        except LackingError as error:
            lacking(str(error))
    assert returns.bounces == [("hard", delivery)]
    assert returns.suppressed[READER].startswith("hard bounce: 550 5.1.1 There is no")
