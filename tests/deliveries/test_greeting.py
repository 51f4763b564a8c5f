"""A conversation begins with the server that was meant, encrypted where that was asked for, or it does not begin."""

import gc
import socket
import ssl
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digestmail.deliveries.greeting import Greeted, greet
from digestmail.errors import RelayError
from digestmail.settings import Relay
from tests.certificates import server_context, trust_authority
from tests.deliveries.carry import always
from tests.relay import DROP, SILENT, FakeRelay, running
from tests.services import free_port

pytestmark = pytest.mark.filterwarnings("error")

PASSWORDS = {"ann": "s3cret word", "bob": "pässwörd"}


@pytest.fixture(autouse=True)
def no_socket_left_open() -> Iterator[None]:
    """What is forgotten unclosed warns when it is collected; what was there before need not be looked at each time."""
    gc.freeze()
    yield
    gc.collect()
    gc.unfreeze()


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tests' authority is one of the system's."""
    trust_authority(monkeypatch, tmp_path)


def login(server: FakeRelay, security: Any = "plain", user: str | None = "ann", password: str | None = None) -> Relay:
    """How to reach the server as a user."""
    known = PASSWORDS[user] if user else None
    return Relay("127.0.0.1", server.relay.port, security, user, password or known)


def refusal(relay: Relay) -> RelayError:
    """The error, which does not show the password wherever one looks."""
    with pytest.raises(RelayError) as caught:
        greet(relay).sock.close()
    if relay.password is not None:
        shown = "".join(traceback.format_exception(caught.value))
        assert relay.password not in shown
        assert repr(relay.password)[1:-1] not in shown
    return caught.value


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("eightbit", [True, False])
@pytest.mark.parametrize(("size", "takes_size", "size_limit"), [(None, False, 0), (0, True, 0), (5000, True, 5000)])
def test_what_the_server_can_do_is_known(
    pipelining: bool, eightbit: bool, size: int | None, takes_size: bool, size_limit: int
) -> None:
    with running(pipelining=pipelining, eightbit=eightbit, size=size) as server:
        greeted = greet(server.relay)
        with greeted.sock:
            assert (greeted.pipelining, greeted.eightbit) == (pipelining, eightbit)
            assert (greeted.takes_size, greeted.size_limit) == (takes_size, size_limit)
    assert server.violations == []


@pytest.mark.parametrize("said", ["SIZE", "SIZE many", "SIZE ٥", "SIZE -1"])
def test_a_size_that_is_no_number_is_no_limit(said: str) -> None:
    with running(always(EHLO=f"250-relay.test\r\n250 {said}")) as server:
        greeted = greet(server.relay)
        with greeted.sock:
            assert (greeted.takes_size, greeted.size_limit) == (True, 0)


def test_its_socket_neither_waits_nor_gathers() -> None:
    with running() as server, greet(server.relay).sock as sock:
        assert sock.gettimeout() == 0
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_server_of_old_that_knows_no_ehlo_is_spoken_to_plainly() -> None:
    with running(always(EHLO="502 5.5.1 what?"), pipelining=True, eightbit=True) as server:
        greeted = greet(server.relay)
        with greeted.sock:
            assert greeted == Greeted(greeted.sock)
        assert server.greetings == 1


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "PLAIN LOGIN", "XOAUTH2 LOGIN PLAIN"])
@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.usefixtures("trusted")
def test_a_password_is_given_once_everything_is_encrypted(security: str, mechanisms: str) -> None:
    context = server_context()
    offers = {"auth": PASSWORDS, "mechanisms": mechanisms, "pipelining": True, security: context}
    with running(**offers) as server:
        greeted = greet(login(server, security))
        with greeted.sock:
            assert isinstance(greeted.sock, ssl.SSLSocket)
            assert greeted.pipelining
        [auth] = [at for at, line in enumerate(server.heard) if line == "AUTH"]
        assert security == "tls" or server.heard.index("STARTTLS") < auth
    assert server.violations == []


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
def test_a_password_beyond_ascii_is_given_or_is_an_error_that_does_not_show_it(mechanisms: str) -> None:
    with running(auth=PASSWORDS, auth_in_clear=True, mechanisms=mechanisms) as server:
        relay = login(server, user="bob")
        try:
            greet(relay).sock.close()
        except RelayError:
            refusal(relay)


@pytest.mark.usefixtures("trusted")
def test_what_was_offered_in_the_clear_counts_for_nothing_after_starttls() -> None:
    replies = iter(["250-relay.test\r\n250-8BITMIME\r\n250-SIZE 5\r\n250 STARTTLS"])

    def behave(command: str, _: str) -> str | None:
        return next(replies, None) if command == "EHLO" else None

    with running(behave, starttls=server_context(), size=None, pipelining=True) as server:
        greeted = greet(login(server, "starttls", user=None))
        with greeted.sock:
            assert greeted == Greeted(greeted.sock, pipelining=True)
    assert server.violations == []


def test_where_starttls_is_required_and_not_offered_nothing_is_said() -> None:
    with running(auth=PASSWORDS, auth_in_clear=True) as server:
        assert "does not offer STARTTLS" in str(refusal(login(server, "starttls")))
        assert [line.split()[0].upper() for line in server.heard] in (["EHLO"], ["EHLO", "QUIT"])


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("answer", ["454 4.7.0 not now", "502 5.5.1 what?", DROP])
def test_where_starttls_is_refused_nothing_is_said_in_the_clear(answer: str) -> None:
    with running(always(STARTTLS=answer), starttls=server_context(), auth=PASSWORDS, auth_in_clear=True) as server:
        refusal(login(server, "starttls"))
        assert not {"AUTH", "MAIL"} & {line.split()[0].upper() for line in server.heard}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_an_unknown_authority_is_an_error(security: str) -> None:
    with running(auth=PASSWORDS, **{security: server_context()}) as server:
        assert "certificate" in str(refusal(login(server, security)))
        assert "AUTH" not in server.heard


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_name_is_an_error(security: str) -> None:
    with running(auth=PASSWORDS, **{security: server_context("mail.example.org")}) as server:
        assert "certificate" in str(refusal(login(server, security)))
        assert "AUTH" not in server.heard


@pytest.mark.parametrize("user", ["ann", "bob"])
@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN", "PLAIN LOGIN"])
def test_a_wrong_password_is_an_error_that_does_not_show_it(user: str, mechanisms: str) -> None:
    with running(auth={"ann": "other", "bob": "other"}, auth_in_clear=True, mechanisms=mechanisms) as server:
        refusal(login(server, user=user))


def test_the_error_for_a_wrong_password_says_what_to_mend() -> None:
    with running(auth=PASSWORDS, auth_in_clear=True) as server:
        assert "does not accept the user and password" in str(refusal(login(server, password="wr0ng w0rd")))


def test_a_password_for_a_server_that_takes_none_is_an_error() -> None:
    with running() as server:
        assert "127.0.0.1" in str(refusal(login(server)))


@pytest.mark.parametrize("reply", ["421 4.3.2 too busy", "554 5.7.1 blocked", "hello", DROP, "220 " + "x" * 300_000])
def test_a_server_that_does_not_welcome_us_is_an_error_with_its_address(reply: str) -> None:
    with running(always(CONNECT=reply)) as server:
        error = str(refusal(login(server)))
        assert f"127.0.0.1:{server.relay.port}" in error
        assert "b'" not in error  # it is for a person
        assert len(error) < 1000


def test_a_server_that_is_not_there_is_an_error_with_its_address() -> None:
    port = free_port()
    assert f"127.0.0.1:{port} cannot be reached" in str(refusal(Relay("127.0.0.1", port, "plain")))


@pytest.mark.parametrize("command", ["CONNECT", "EHLO", "AUTH"])
def test_a_server_that_says_nothing_is_an_error_in_the_end(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setattr("digestmail.deliveries.greeting.CONNECT_SECONDS", 0.2)
    with running(always(**{command: SILENT}), auth=PASSWORDS, auth_in_clear=True) as server:
        assert "cannot be reached" in str(refusal(login(server)))
