"""An address is what mail can be sent to; its key tells people apart."""

import pytest

from digestmail.address import domain_of, parse_address, shortened
from digestmail.errors import InputError


@pytest.mark.parametrize(
    ("typed", "text", "key"),
    [
        (" Ann@Example.ORG ", "Ann@example.org", "ann@example.org"),
        ("ann+news@example.org", "ann+news@example.org", "ann+news@example.org"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
        ("ann@mail.test", "ann@mail.test", "ann@mail.test"),
    ],
)
def test_it_reads_what_people_type(typed: str, text: str, key: str) -> None:
    address = parse_address(typed)
    assert (address.text, address.key) == (text, key)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ann",
        "ann@",
        "@example.org",
        "a b@example.org",
        "ann@example",
        "ann@example.org\r\nBcc: x@example.org",
        "ann@[10.0.0.1]",
    ],
)
def test_it_refuses_what_cannot_be_mailed(typed: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_address(typed)
    assert caught.value.field == "email"


def test_letters_outside_ascii_before_the_at_are_refused_with_the_reason() -> None:
    with pytest.raises(InputError, match="before the @"):
        parse_address("änn@example.org")


def test_logs_show_the_domain_and_two_letters() -> None:
    assert shortened("annabel@example.org") == "an…@example.org"
    assert domain_of("annabel@example.org") == "example.org"
