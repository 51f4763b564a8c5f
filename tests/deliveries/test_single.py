"""A message that is no delivery goes out whole, or there is a sentence about why it did not."""

from pathlib import Path

import pytest

from digestmail.deliveries.single import send_single
from digestmail.errors import RelayError
from digestmail.messages.message import Message
from digestmail.settings import Relay
from tests.certificates import server_context, trust_authority
from tests.deliveries.carry import always
from tests.relay import DROP, running
from tests.services import free_port

DATA = b"Subject: x\r\n\r\n.a dot\r\nthe end\r\n"
MESSAGE = Message("<1@courier.example>", "digest@courier.example", "operator@courier.example", DATA)


def test_it_arrives_as_it_is() -> None:
    with running() as server:
        send_single(server.relay, MESSAGE)
    [mail] = server.caught
    assert (mail.sender, mail.recipient, mail.data) == (MESSAGE.sender, MESSAGE.recipient, DATA)
    assert server.violations == []
    assert server.heard[-1].upper() == "QUIT"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_goes_encrypted_and_with_a_password_where_the_settings_say_so(
    security: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trust_authority(monkeypatch, tmp_path)
    with running(**{security: server_context()}, auth={"ann": "s3cret"}) as server:
        send_single(Relay("127.0.0.1", server.relay.port, security, "ann", "s3cret"), MESSAGE)  # type: ignore[arg-type]
    assert len(server.caught) == 1


@pytest.mark.parametrize(
    ("command", "reply", "sentence"),
    [
        ("MAIL", "550 5.7.1 not you", "refuses the message: 550 5.7.1 not you"),
        ("RCPT", "550 5.1.1 nobody here", "refuses the recipient: 550 5.1.1 nobody here"),
        ("DATA", "451 4.3.0 later", "refuses the message: 451 4.3.0 later"),
        ("DOT", "554 5.6.0 no", "refuses the message: 554 5.6.0 no"),
        ("DOT", DROP, "cannot be reached"),
        ("CONNECT", "554 go away", "does not welcome us: 554 go away"),
    ],
)
def test_what_the_server_says_is_in_the_error(command: str, reply: str, sentence: str) -> None:
    with running(always(**{command: reply})) as server, pytest.raises(RelayError) as caught:
        send_single(server.relay, MESSAGE)
    assert sentence in str(caught.value)
    assert f"127.0.0.1:{server.relay.port}" in str(caught.value)


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RelayError, match="cannot be reached"):
        send_single(Relay("127.0.0.1", free_port(), "plain"), MESSAGE)


def test_a_server_that_has_it_may_leave_without_a_word() -> None:
    with running(always(QUIT=DROP)) as server:
        send_single(server.relay, MESSAGE)
    assert len(server.caught) == 1
