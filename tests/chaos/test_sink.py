"""The sink does to a recipient what the seed says, and notes a message before it answers."""

import asyncio
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from tests.bench.recorder import read_notes
from tests.chaos.sink import HOLD, Faults, Server, chosen
from tests.services import wait_until

MESSAGE = "Message-ID: <1@x>\r\nSubject: x\r\n\r\nText\r\n.a dot\r\n"


@contextmanager
def running(folder: Path, **faults: float) -> Iterator[int]:
    """A sink in a thread; yields its port."""
    loop = asyncio.new_event_loop()
    server = Server(folder, Faults(**faults), 1)  # type: ignore[arg-type]
    listening = loop.run_until_complete(asyncio.start_server(server.converse, "127.0.0.1", 0))
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listening.close()
        loop.close()


def send(port: int, *recipients: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        for recipient in recipients:
            client.sendmail("a@x", [recipient], MESSAGE)


def test_without_faults_everything_is_noted(tmp_path: Path) -> None:
    with running(tmp_path) as port:
        send(port, "ann@x", "bob@x")
    notes = read_notes(tmp_path)
    assert [(note.recipient, note.message_id, note.octets) for note in notes] == [
        (name, "<1@x>", len(MESSAGE)) for name in ("ann@x", "bob@x")
    ]


@pytest.mark.parametrize(("fault", "code"), [("temporary", 450), ("dead", 550), ("refused", 554)])
def test_refusals_come_at_the_recipient(tmp_path: Path, fault: str, code: int) -> None:
    with running(tmp_path, **{fault: 1.0}) as port:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(port, "ann@x")
        assert refused.value.recipients["ann@x"][0] == code
        if fault == "temporary":
            send(port, "ann@x")
            assert len(read_notes(tmp_path)) == 1
        else:
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                send(port, "ann@x")


def test_an_answer_is_lost_once_after_the_message_was_noted(tmp_path: Path) -> None:
    with running(tmp_path, lost_replies=1.0) as port:
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(port, "ann@x")
        assert len(read_notes(tmp_path)) == 1
        send(port, "ann@x")
        assert len(read_notes(tmp_path)) == 2


def test_some_connections_are_closed_in_the_middle(tmp_path: Path) -> None:
    with running(tmp_path, drop_every=2) as port:
        send(port, "a@x", "b@x", "c@x")
        with pytest.raises(smtplib.SMTPException):
            send(port, "a@x", "b@x", "c@x")
    assert len(read_notes(tmp_path)) == 5


def test_answers_wait_while_held(tmp_path: Path) -> None:
    with running(tmp_path) as port:
        (tmp_path / HOLD).write_text("DOT")
        sending = Thread(target=send, args=(port, "ann@x"))
        sending.start()
        wait_until(lambda: read_notes(tmp_path), seconds=5)
        assert sending.is_alive()
        (tmp_path / HOLD).unlink()
        sending.join(5)
        assert not sending.is_alive()


def test_chance_depends_on_the_seed_and_the_recipient_alone() -> None:
    people = [f"r{number}@x" for number in range(5_000)]
    first = {each for each in people if chosen(each, 0.1, seed=1, what="lost")}
    assert first == {each for each in people if chosen(each, 0.1, seed=1, what="lost")}
    assert first != {each for each in people if chosen(each, 0.1, seed=2, what="lost")}
    assert 350 < len(first) < 650
