import signal
import smtplib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from digestmail.local.guard import listens
from digestmail.local.inbox import Inbox
from digestmail.local.inbox_server import inbox_running
from tests.services import free_port, wait_until

MAIL = "From: ana@example.org\r\nSubject: Grüße\r\n\r\n.a dot\r\nGood morning, Zoë.\r\n".encode()


def send(port: int, *, to: str = "ben@example.org", mail: bytes = MAIL) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.sendmail("bounce@example.org", [to], mail, mail_options=["BODY=8BITMIME", "SMTPUTF8"])


def test_a_mail_lies_in_the_folder_when_it_is_answered_for(tmp_path: Path) -> None:
    port = free_port()
    with inbox_running(tmp_path, host="127.0.0.1", port=port):
        send(port)
        (listed,) = Inbox(tmp_path).page(1).messages
        found = Inbox(tmp_path).find(listed.key)
    assert found
    assert (found.recipient, found.subject, found.text) == (
        "ben@example.org",
        "Grüße",
        ".a dot\r\nGood morning, Zoë.\r\n",
    )
    assert not list((tmp_path / "tmp").iterdir())


def test_many_connections_at_once(tmp_path: Path) -> None:
    port = free_port()
    with inbox_running(tmp_path, host="127.0.0.1", port=port):
        clients = [smtplib.SMTP("127.0.0.1", port, timeout=10) for _ in range(60)]
        for number, client in enumerate(clients):
            client.sendmail("bounce@example.org", [f"reader{number}@example.org"], b"Subject: x\r\n\r\n")
        for client in clients:
            client.close()
    assert Inbox(tmp_path).page(1).total == 60


def test_it_ends_though_a_client_stays(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as client, inbox_running(tmp_path, host="127.0.0.1", port=port):
        client.connect(("127.0.0.1", port))
        assert client.recv(100).startswith(b"220 ")
    assert not listens("127.0.0.1", port)


def test_it_leaves_the_port_to_an_inbox_that_runs(tmp_path: Path) -> None:
    port = free_port()
    with inbox_running(tmp_path / "first", host="127.0.0.1", port=port):
        with inbox_running(tmp_path / "second", host="127.0.0.1", port=port):
            send(port)
        send(port)
    assert Inbox(tmp_path / "first").page(1).total == 2
    assert Inbox(tmp_path / "second").page(1).total == 0


def test_an_address_of_another_machine_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="assign"), inbox_running(tmp_path, host="192.0.2.1", port=free_port()):
        pass


def test_a_mail_that_is_too_large_is_refused(tmp_path: Path) -> None:
    port = free_port()
    with inbox_running(tmp_path, host="127.0.0.1", port=port), smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == str(30 * 1024 * 1024)
        code, _ = client.mail("a@example.org", [f"SIZE={31 * 1024 * 1024}"])
        assert code == 552


def test_what_cannot_be_stored_is_not_answered_for(tmp_path: Path) -> None:
    port = free_port()
    with inbox_running(tmp_path, host="127.0.0.1", port=port):
        (tmp_path / "tmp").rmdir()
        with pytest.raises(smtplib.SMTPDataError, match="452"):
            send(port)


def test_the_process_serves_until_sigterm(tmp_path: Path) -> None:
    port = free_port()
    code = (
        "import pathlib, sys; from digestmail.local.inbox_server import serve_inbox; "
        "serve_inbox(pathlib.Path(sys.argv[1]), host='127.0.0.1', port=int(sys.argv[2]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(port)])
    try:
        wait_until(lambda: listens("127.0.0.1", port), what="the inbox")
        send(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()
    assert Inbox(tmp_path).page(1).total == 1
