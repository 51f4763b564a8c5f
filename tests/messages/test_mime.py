import email
from email.header import decode_header, make_header
from email.policy import SMTP

import pytest

from digestmail.messages.mime import header, list_id_header, mailbox_header, reader_headers, text_header


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b", "a\r\nBcc: c"])
def test_a_value_with_a_line_end_or_nul_is_refused(bad: str) -> None:
    for make in (header, text_header):
        with pytest.raises(ValueError, match="line end or NUL"):
            make("Subject", bad)
    for display, address in ((bad, "a@example.org"), ("A", bad)):
        with pytest.raises(ValueError, match="line end or NUL"):
            mailbox_header("From", display, address)


@pytest.mark.parametrize("bad", ["a\rb", "a\nb", "a\0b", "a\r\nBcc: c"])
def test_a_recipient_with_a_line_end_or_nul_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="line end or NUL"):
        reader_headers(recipient=bad, message_id="<1@example.org>", unsubscribe="https://example.org/u/x")


def test_a_recipient_outside_ascii_is_refused() -> None:
    with pytest.raises(ValueError, match="ascii"):
        reader_headers(recipient="é@example.org", message_id="<1@example.org>", unsubscribe="https://example.org/u/x")


def test_a_readers_own_headers_stand_on_a_line_each() -> None:
    made = reader_headers(
        recipient="a@example.org", message_id="<1@example.org>", unsubscribe="https://example.org/u/x"
    )
    assert made == (
        header("To", "a@example.org")
        + header("Message-ID", "<1@example.org>")
        + header("List-Unsubscribe", "<https://example.org/u/x>")
    )


def test_a_plain_header_outside_ascii_is_refused() -> None:
    with pytest.raises(ValueError, match="ascii"):
        header("To", "é@example.org")


@pytest.mark.parametrize(
    "subject",
    ["Plain", "Brød og fred", "漢字" * 60, "word " * 40 + "end", "=?utf-8?q?=41?=", "🦭" * 40, "word é " * 40 + "end"],
)
def test_a_subject_comes_back_as_it_was_in_short_lines(subject: str) -> None:
    made = text_header("Subject", subject)
    assert max(len(line) for line in made.split(b"\r\n")) <= 78
    assert email.message_from_bytes(made + b"\r\n", policy=SMTP)["Subject"] == subject


@pytest.mark.parametrize("name", ["The Courier", 'The "Harbour" Courier, Ltd.', "Øresund Avis", "J. Doe", "=?x?q?y?="])
def test_a_named_address_comes_back_as_it_was(name: str) -> None:
    made = mailbox_header("From", name, "digest@example.org")
    (address,) = email.message_from_bytes(made + b"\r\n", policy=SMTP)["From"].addresses
    assert (address.display_name, address.addr_spec) == (name, "digest@example.org")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("The Courier", "The Courier <digest.example.org>"),
        ("Café “Nord”", "Cafe Nord <digest.example.org>"),
        ("A, B.", '"A, B." <digest.example.org>'),
        ("漢字", "<digest.example.org>"),
    ],
)
def test_a_list_id_is_never_encoded(name: str, value: str) -> None:
    assert list_id_header(name, "example.org") == f"List-Id: {value}\r\n".encode()
    assert str(make_header(decode_header(value))) == value
