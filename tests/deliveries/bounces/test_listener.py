"""Over a real socket: mail for signed addresses alone, counted before it is answered for."""

import asyncio
import smtplib
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event as ThreadEvent
from threading import Thread
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from digestmail.deliveries.bounces import listener
from digestmail.deliveries.bounces.intake import Intake
from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.record import Counted, Taken
from digestmail.messages.envelope import ReturnAddress
from tests.deliveries.bounces.letters import dsn, recipient
from tests.messages.samples import PUBLICATION, TOKENS
from tests.services import free_port

OURS = ReturnAddress(PUBLICATION, TOKENS).of(7)


class Counter(Intake):
    """Counts into a list, or fails as a database does that is away."""

    def __init__(self) -> None:
        self.proofs = Proofs(PUBLICATION, TOKENS)
        self.taken: list[tuple[bytes, str]] = []
        self.away = False
        self.begun, self.go_on = ThreadEvent(), ThreadEvent()
        self.go_on.set()

    def take_message(self, data: bytes, *, recipient: str = "") -> Taken:
        self.begun.set()
        self.go_on.wait(10)
        if self.away:
            raise OperationalError("INSERT", None, Exception("gone"))
        self.taken.append((data, recipient))
        return Taken(Counted.HARD)


@contextmanager
def listening(
    intake: Intake, *, port: int = 0, path: Path | None = None, lmtp: bool = False
) -> Iterator[Callable[[], object]]:
    """Listens for the length of the block, which is given the way to stop it earlier."""
    ready: Future[Callable[[], object]] = Future()

    def hand_over(stop: asyncio.Event) -> None:
        ready.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))

    run = partial(
        listener.listen, intake, host="127.0.0.1", port=port, path=path, lmtp=lmtp, name="mx", on_ready=hand_over
    )
    thread = Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    stop = ready.result(10)
    try:
        yield stop
    finally:
        if thread.is_alive():
            stop()
        thread.join(15)
        assert not thread.is_alive()


@pytest.fixture
def intake() -> Counter:
    return Counter()


@pytest.fixture
def port() -> int:
    return free_port()


def test_what_comes_to_a_signed_address_is_counted(intake: Counter, port: int) -> None:
    with listening(intake, port=port), smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        data = dsn(recipient()) + b"\n.a dot\nx" + b"y" * 5000
        client.sendmail("", [OURS.upper()], data.replace(b"\n", b"\r\n"))
        client.sendmail("<>", [OURS], dsn(recipient()))
    (first, to), _ = intake.taken
    assert to == OURS.upper()
    assert b"\r\n.a dot\r\nxyyy" in first


@pytest.mark.parametrize(
    "address",
    [OURS[:-20] + "@courier.example", OURS.replace("+0", "+1"), "postmaster", "digest@courier.example", "a@b.c"],
)
def test_any_other_address_is_refused(intake: Counter, port: int, address: str) -> None:
    with listening(intake, port=port), smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo()
        assert client.mail("")[0] == 250
        code, text = client.rcpt(address)
        assert (code, text[:5]) == (550, b"5.1.1")
        assert client.docmd("DATA")[0] == 503
    assert intake.taken == []


def test_nothing_is_told_and_nobody_logs_in(intake: Counter, port: int) -> None:
    with listening(intake, port=port), smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("VRFY", OURS)[0] == 502
        assert client.docmd("AUTH", "PLAIN AGEAYg==")[0] >= 500
        assert client.docmd("EXPN", "all")[0] >= 500


def test_while_the_database_is_away_the_mail_server_is_to_come_again(intake: Counter, port: int) -> None:
    intake.away = True
    with listening(intake, port=port), smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        with pytest.raises(smtplib.SMTPDataError) as caught:
            client.sendmail("", [OURS], dsn(recipient()))
        assert caught.value.smtp_code == 451
        intake.away = False
        client.sendmail("", [OURS], dsn(recipient()))
    assert len(intake.taken) == 1


def test_what_is_too_large_or_too_much_is_refused(intake: Counter, port: int) -> None:
    with listening(intake, port=port):
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.ehlo()
            assert client.mail("", [f"SIZE={6 << 20}"])[0] == 552
            client.mail("")
            client.rcpt(OURS)
            assert client.data(b"x: y\n\n" + (b"z" * 70 + b"\r\n") * 80_000)[0] == 552
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.ehlo()
            client.mail("")
            assert [client.rcpt(OURS)[0] for _ in range(21)] == [250] * 20 + [452]
            assert 421 in [client.noop()[0] for _ in range(51)]
    assert intake.taken == []


def test_there_is_an_end_to_connections(intake: Counter, port: int) -> None:
    with listening(intake, port=port):
        held = [smtplib.SMTP("127.0.0.1", port, timeout=10) for _ in range(20)]
        with pytest.raises(smtplib.SMTPConnectError) as caught:
            smtplib.SMTP("127.0.0.1", port, timeout=10)
        assert caught.value.smtp_code == 421
        held.pop().quit()
        smtplib.SMTP("127.0.0.1", port, timeout=10).quit()
        for client in held:
            client.close()


def test_what_is_being_counted_when_it_is_stopped_is_answered_for(intake: Counter, port: int) -> None:
    intake.go_on.clear()
    with listening(intake, port=port) as stop, ThreadPoolExecutor(1) as pool:
        client = smtplib.SMTP("127.0.0.1", port, timeout=10)
        sent = pool.submit(client.sendmail, "", [OURS], dsn(recipient()))
        assert intake.begun.wait(10)
        stop()
        intake.go_on.set()
        sent.result(10)
        client.close()
    assert len(intake.taken) == 1


def test_lmtp_answers_for_each_recipient_at_a_socket_in_a_folder(intake: Counter, tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with listening(intake, path=path, lmtp=True):
        client: Any = smtplib.LMTP(str(path))
        client.ehlo()
        client.mail("")
        other = ReturnAddress(PUBLICATION, TOKENS).of(8)
        assert [client.rcpt(each)[0] for each in (OURS, "a@b.c", other)] == [250, 550, 250]
        assert client.data(dsn(recipient()))[0] == 250
        assert client.getreply()[0] == 250
        client.quit()
        with socket.socket(socket.AF_UNIX) as plain:
            plain.connect(str(path))
            plain.recv(100)
            plain.sendall(b"HELO x\r\n")
            assert plain.recv(100).startswith(b"500")
    assert [to for _, to in intake.taken] == [OURS, other]
    assert not path.exists()
