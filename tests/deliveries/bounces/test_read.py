"""Messages are understood in the form that each system writes, and what is no bounce is taken for none."""

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digestmail.deliveries.bounces.parts import take_apart
from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.read import read_message, understand
from digestmail.deliveries.bounces.report import Nature, Report, Verdict
from digestmail.language import english
from digestmail.messages.confirmation import LetterComposer
from digestmail.messages.envelope import ReturnAddress
from digestmail.store.states import Kind
from digestmail.tokens import Purpose
from tests.deliveries.bounces.letters import (
    NO_BOUNCES,
    READER,
    complaint,
    dsn,
    exim,
    our_headers,
    plain,
    qmail,
    recipient,
)
from tests.messages.samples import AT, PUBLICATION, TOKENS

PROOFS = Proofs(PUBLICATION, TOKENS)
RETURN = ReturnAddress(PUBLICATION, TOKENS)


def read(data: bytes, *, to: str = "") -> Report:
    return read_message(data, PROOFS, recipient=to)


@pytest.mark.parametrize(
    ("data", "verdict", "status"),
    [
        (dsn(recipient()), Verdict.HARD, "5.1.1"),
        (
            dsn(
                recipient(
                    "5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP lookup"
                ),
                sender="MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org",
            ),
            Verdict.HARD,
            "5.1.10",
        ),
        (
            dsn(recipient("4.2.2", "smtp; 452-4.2.2 The recipient's inbox is out of storage space.")),
            Verdict.SOFT,
            "4.2.2",
        ),
        (dsn(recipient("5.1.1", "SMTP; 550 blocked using zen.spamhaus.org")), Verdict.POLICY, "5.1.1"),
        (dsn(recipient("5.0.0", "x-unix; user unknown")), Verdict.HARD, "5.0.0"),
        (dsn(recipient("5.0.0", ""), text="The mailbox r0 does not exist."), Verdict.HARD, "5.0.0"),
        (exim(our_headers()), Verdict.HARD, ""),
        (qmail(our_headers()), Verdict.HARD, "5.1.1"),
    ],
    ids=["Postfix", "Exchange", "Gmail", "Sendmail", "unix", "text only", "Exim", "qmail"],
)
def test_a_bounce_is_understood(data: bytes, verdict: Verdict, status: str) -> None:
    report = read(data)
    [returned] = report.returned
    assert (report.nature, returned.verdict, returned.status) == (Nature.BOUNCE, verdict, status)
    assert READER in returned.addresses


def test_words_are_enough_where_the_recipient_is_not_told() -> None:
    [returned] = read(plain("Your message was not delivered.\n552 mailbox full")).returned
    assert (returned.verdict, returned.addresses, returned.reason) == (Verdict.SOFT, frozenset(), "552 mailbox full")


def test_our_own_subject_is_not_taken_for_what_the_server_says() -> None:
    text = "Your message\n  Subject: Mailbox unknown, a play\ncould not be delivered to r0@example.org.\n552 quota"
    assert read(plain(text)).returned[0].verdict is Verdict.SOFT
    assert read(plain(text.replace("552 quota", ""))).nature is Nature.OTHER
    assert read(dsn(recipient("5.0.0", ""), text=text)).returned[0].verdict is Verdict.SOFT


@pytest.mark.parametrize("crlf", [False, True])
@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_line_ends_and_encodings_do_not_matter(encoding: str, crlf: bool) -> None:
    fields = f"Reporting-MTA: dns; mx\n\n{recipient()}".encode()
    body = {
        "7bit": fields,
        "base64": base64.encodebytes(fields),
        "quoted-printable": fields.replace(b"5.1.1 <", b"5.1.1=20<"),
    }[encoding]
    data = dsn().replace(
        b"Content-Type: message/delivery-status\n\n",
        b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: " + encoding.encode() + b"\n\n" + body,
    )
    data = data.replace(b"\nReporting-MTA: dns; mx.example.org\nArrival-Date: Mon, 23 Nov 2026 07:00:00 +0000\n", b"\n")
    [returned] = read(data.replace(b"\n", b"\r\n") if crlf else data).returned
    assert (returned.verdict, READER in returned.addresses) == (Verdict.HARD, True)


def test_a_delay_and_a_delivery_are_no_bounces() -> None:
    assert read(dsn(recipient("4.4.1", action="delayed"))).nature is Nature.DELAYED
    assert read(dsn(recipient("2.0.0", "", action="relayed"))).nature is Nature.DELIVERED
    warning = "This is a warning message only. You do not need to resend your message. We will continue to try."
    assert read(plain(warning, subject="Warning: could not send message")).nature is Nature.DELAYED


def test_each_recipient_is_told_apart() -> None:
    report = read(dsn(recipient(), recipient("2.0.0", "", action="delivered", address="other@example.org")))
    assert [(each.verdict, sorted(each.addresses)) for each in report.returned] == [
        (Verdict.HARD, [READER]),
        (Verdict.DELIVERED, ["other@example.org"]),
    ]


def test_a_complaint_is_understood_though_the_reader_is_left_out() -> None:
    report = read(complaint(returned=our_headers()))
    assert report.nature is Nature.COMPLAINT
    assert (report.proof.delivery_id, report.proof.subscriber_id) == (7, 1)


def test_outlooks_complaint_is_understood_which_has_a_form_of_its_own() -> None:
    enclosed = f"Content-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: {READER}\n{our_headers()}\nGood morning."
    data = (
        "From: staff@provider.example\nSubject: complaint about message from 192.0.2.7\n"
        f'Content-Type: multipart/mixed; boundary="b"\n\n--b\n{enclosed}\n--b--\n'
    ).encode()
    report = read(data)
    assert (report.nature, report.proof.delivery_id) == (Nature.COMPLAINT, 7)
    assert report.returned[0].addresses == {READER}
    assert read(data.replace(b"X-HmXmr", b"X-Other")).nature is Nature.OTHER


@pytest.mark.parametrize("data", NO_BOUNCES.values(), ids=NO_BOUNCES)
def test_what_is_no_bounce_is_taken_for_none(data: bytes) -> None:
    assert read(data, to=RETURN.of(7)).nature in (Nature.AUTOMATIC, Nature.OTHER)


def test_the_token_is_found_wherever_mail_servers_put_the_address() -> None:
    ours = RETURN.of(7).upper()
    assert read(dsn(recipient()), to=f"<{ours}>").proof.delivery_id == 7
    assert read(dsn(recipient(), to=ours)).proof.delivery_id == 7
    for name in ("Delivered-To", "X-Original-To", "Envelope-To"):
        assert read(f"{name}: {ours}\n".encode() + dsn(recipient())).proof.delivery_id == 7
    assert read(dsn(recipient(), returned=f"Return-Path: <{ours}>\n")).proof.delivery_id == 7


def test_the_address_it_came_to_is_believed_before_what_it_returns() -> None:
    assert read(dsn(recipient(), returned=our_headers(8)), to=RETURN.of(7)).proof.delivery_id == 7


def test_a_link_in_what_is_returned_tells_the_reader_and_the_message_id_only_the_day() -> None:
    returned = our_headers(subscriber_id=3).partition("\n")[2]
    proof = read(dsn(recipient(), returned=returned)).proof
    assert (proof.delivery_id, proof.subscriber_id) == (None, 3)
    assert proof.message_name
    assert proof.message_name.subscriber_id == 3
    proof = read(dsn(recipient(), returned=f"X: {PUBLICATION.url}/d/{TOKENS.make(Purpose.VIEW, 9)}\n")).proof
    assert proof.delivery_id == 9


def test_the_link_of_a_returned_confirmation_tells_the_delivery() -> None:
    letter = LetterComposer(PUBLICATION, TOKENS, english()).compose(
        Kind.CONFIRMATION, delivery_id=9, subscriber_id=1, recipient=READER, date_at=AT
    )
    data = dsn(recipient(), returned=letter.data.decode("ascii").replace("\r\n", "\n"))
    assert read(data.replace(b"text/rfc822-headers", b"message/rfc822")).proof.delivery_id == 9


@pytest.mark.parametrize("place", ["u", "d", "c"])
def test_a_link_of_another_purpose_or_secret_proves_nothing(place: str) -> None:
    for token in (TOKENS.make(Purpose.PREFERENCES, 3), TOKENS.make(Purpose.UNDO, 3), "A" * 23):
        report = read(dsn(recipient(), returned=f"List-Unsubscribe: <https://x/{place}/{token}>\n"))
        assert report.proof[:3] == (None, None, False)


def test_a_tampered_address_proves_nothing() -> None:
    ours = RETURN.of(7)
    other = "0" if ours[10] != "0" else "1"
    assert read(dsn(recipient()), to=ours[:10] + other + ours[11:]).proof[:3] == (None, None, False)


def test_a_deep_message_is_left_alone_at_once() -> None:
    data = b"From: MAILER-DAEMON@example.org\nSubject: failure notice\n"
    for depth in range(1000):
        data += f'Content-Type: multipart/mixed; boundary="b{depth}"\n\n--b{depth}\n'.encode()
    for kind in (b"multipart/mixed", b"message/rfc822"):
        deep = data if kind.startswith(b"multi") else b"Content-Type: message/rfc822\n\n" * 1000
        began = time.process_time()
        assert read(deep).nature is Nature.OTHER
        assert time.process_time() - began < 5


def test_many_parts_and_megabytes_are_bounded() -> None:
    many = b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nuser unknown\n" * 50_000
    assert len(take_apart(many).parts) <= 60
    large = qmail(our_headers() + "x" * 10_000_000)
    assert read(large).returned[0].verdict is Verdict.HARD
    assert all(len(part.body) < 2 << 20 for part in take_apart(large).parts)


@pytest.mark.parametrize("charset", ["no-such-charset", "idna", "unicode_escape", "utf-16", "rot13", "zip", "utf-8"])
def test_a_charset_that_is_wrong_is_no_obstacle(charset: str) -> None:
    data = dsn(recipient("5.0.0", ""), text="Mailbox r0 does not exist. Gr\xfc\xdfe")
    assert read(data.replace(b"us-ascii", charset.encode())).returned[0].verdict is Verdict.HARD


def test_a_reason_is_one_printable_line() -> None:
    [returned] = read(dsn(recipient("5.1.1", "smtp; 550 5.1.1 no\n\tsuch\x00 user\x1b[31m\u202e here"))).returned
    assert returned.reason.isprintable()
    assert len(read(dsn(recipient("5.1.1", "smtp; " + "x" * 5000))).returned[0].reason) <= 300


@given(st.binary(max_size=2000))
def test_any_bytes_are_read(data: bytes) -> None:
    assert read(data).proof.delivery_id is None


_PIECES = st.sampled_from(
    [*dsn(recipient(), returned=our_headers()).splitlines(keepends=True), *complaint().splitlines(keepends=True), b"\n"]
)


@settings(max_examples=60)
@given(st.lists(_PIECES | st.binary(max_size=20), max_size=80))
def test_any_mixture_of_lines_is_read(lines: list[bytes]) -> None:
    data = b"".join(lines)
    nature, _, returned = understand(take_apart(data), data)
    assert nature in Nature
    assert all(len(each.reason) <= 300 for each in returned)
