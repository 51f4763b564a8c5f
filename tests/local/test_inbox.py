import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digestmail.local.inbox import Inbox
from digestmail.local.inbox_server import MailFolder

PLAIN = b"From: Ana <ana@example.org>\r\nSubject: Hello\r\n\r\nGood morning.\r\n"


def fill(folder: Path, *mails: bytes, to: str = "ben@example.org", start: int = 1_795_000_000) -> None:
    """Store the mails a second apart."""
    times = iter(range(start, start + len(mails)))
    mail_folder = MailFolder(folder, time_ns=lambda: next(times) * 1_000_000_000 + 42_000)
    for mail in mails:
        mail_folder.store(mail, sender="bounce@example.org", recipients=[to])


def test_a_folder_that_is_not_there_is_an_empty_inbox(tmp_path: Path) -> None:
    page = Inbox(tmp_path / "nowhere").page(1)
    assert (page.messages, page.number, page.pages, page.total) == ((), 1, 1, 0)


def test_a_mail_comes_with_its_envelope(tmp_path: Path) -> None:
    fill(tmp_path, PLAIN)
    inbox = Inbox(tmp_path)
    (listed,) = inbox.page(1).messages
    assert (listed.sender, listed.recipient) == ("bounce@example.org", "ben@example.org")
    assert (listed.from_, listed.subject) == ("Ana <ana@example.org>", "Hello")
    assert listed.at == datetime.fromtimestamp(1_795_000_000, UTC).replace(microsecond=42)
    assert listed.text is None
    found = inbox.find(listed.key)
    assert found
    assert found.text == "Good morning.\r\n"
    assert found.html is None
    source = inbox.source(listed.key)
    assert source == b"Return-Path: <bounce@example.org>\r\nX-Envelope-To: ben@example.org\r\n" + PLAIN


def test_pages_hold_fifty_newest_first(tmp_path: Path) -> None:
    fill(tmp_path, *(b"Subject: %d\r\n\r\n" % number for number in range(101)))
    inbox = Inbox(tmp_path)
    assert [mail.subject for mail in inbox.page(1).messages] == [str(number) for number in range(100, 50, -1)]
    last = inbox.page(3)
    assert [mail.subject for mail in last.messages] == ["0"]
    assert (last.number, last.pages, last.total) == (3, 3, 101)


@pytest.mark.parametrize(("asked", "number"), [(-5, 1), (0, 1), (99, 2)])
def test_a_page_out_of_reach_is_the_nearest(tmp_path: Path, asked: int, number: int) -> None:
    fill(tmp_path, *[PLAIN] * 51)
    assert Inbox(tmp_path).page(asked).number == number


def test_it_keeps_the_mails_of_one_recipient(tmp_path: Path) -> None:
    fill(tmp_path, PLAIN, to="Ben@Example.org")
    fill(tmp_path, PLAIN, to="reuben@example.org")
    fill(tmp_path, PLAIN, to="other@example.net")
    inbox = Inbox(tmp_path)
    assert [mail.recipient for mail in inbox.page(1, to=" ben@EXAMPLE.org").messages] == ["Ben@Example.org"]
    assert inbox.page(1, to="ben").total == 2
    assert inbox.page(1, to="nobody").total == 0


def test_a_mail_that_another_program_has_read_stays(tmp_path: Path) -> None:
    fill(tmp_path, PLAIN)
    (path,) = (tmp_path / "new").iterdir()
    path.rename(tmp_path / "cur" / f"{path.name}:2,S")
    (mail,) = Inbox(tmp_path).page(1).messages
    assert Inbox(tmp_path).find(mail.key)


@pytest.mark.parametrize(
    "key", ["", ".", "../../secret.key", "1795000000.M000042P1Q0.x/../../y", "/etc/passwd", "a\0b"]
)
def test_a_key_that_is_a_path_finds_nothing(tmp_path: Path, key: str) -> None:
    fill(tmp_path / "inbox", PLAIN)
    (tmp_path / "secret.key").write_text("secret")
    assert Inbox(tmp_path / "inbox").find(key) is None
    assert Inbox(tmp_path / "inbox").source(key) is None


@pytest.mark.parametrize(
    ("raw", "subject", "text"),
    [
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n", "Grüße", ""),
        (b"Subject: =?nonsense?q?abc?=\r\n\r\n", "=?nonsense?q?abc?=", ""),
        (b"Subject: Gr\xc3\xbc\xc3\x9fe\r\n\r\n", "Grüße", ""),
        (b"Subject: \xff\xfe\r\n\r\n", "��", ""),
        (b"Subject: folded\r\n  twice\r\n\r\n", "folded twice", ""),
        (b"Content-Type: text/plain; charset=nonsense\r\n\r\n\xc3\xbc", "", "ü"),
        (b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!", "", None),
        (b"Content-Type: multipart/alternative\r\n\r\nno boundary", "", None),
        (b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhi", "", "hi"),
        (b"no header at all", "", None),
        (b"", "", ""),
    ],
)
def test_it_bears_odd_mails(tmp_path: Path, raw: bytes, subject: str, text: str | None) -> None:
    fill(tmp_path, raw)
    (listed,) = Inbox(tmp_path).page(1).messages
    found = Inbox(tmp_path).find(listed.key)
    assert found
    assert listed.subject == subject
    if text is not None:
        assert found.text == text


def test_it_bears_any_bytes(tmp_path: Path) -> None:
    chance = random.Random(7)
    seeds = (
        b"Content-Type: text/html; charset=",
        b"Subject: =?utf-8?b?",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
    )
    fill(tmp_path, *(chance.choice(seeds) + chance.randbytes(chance.randrange(80)) for _ in range(300)))
    inbox = Inbox(tmp_path)
    keys = [mail.key for number in range(1, 7) for mail in inbox.page(number).messages]
    assert len(keys) == 300
    assert all(inbox.find(key) for key in keys)


def test_alternatives_are_told_apart(tmp_path: Path) -> None:
    fill(
        tmp_path,
        b"""\
Content-Type: multipart/alternative; boundary="x"

--x
Content-Type: text/plain; charset=utf-8

words
--x
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable

<p>=
w=C3=BC</p>
--x--
""",
    )
    (listed,) = Inbox(tmp_path).page(1).messages
    found = Inbox(tmp_path).find(listed.key)
    assert found
    assert (found.text, found.html) == ("words", "<p>wü</p>")
