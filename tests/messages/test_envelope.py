"""A message that comes back says which delivery it was, and nobody else can say so."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.messages.envelope import ReturnAddress
from digestmail.tokens import Purpose
from tests.messages.samples import PUBLICATION, TOKENS

RETURN = ReturnAddress(PUBLICATION, TOKENS)
numbers = st.integers(0, 2**40 - 1)


@given(numbers, st.sampled_from(["bounces+*@courier.example", "*@b.courier.example", "b-*-x@courier.example"]))
def test_what_was_made_can_be_read_in_any_case_and_brackets(number: int, pattern: str) -> None:
    here = ReturnAddress(replace(PUBLICATION, bounces=pattern), TOKENS)
    address = here.of(number)
    assert len(address.partition("@")[0]) <= 64
    for seen in (address, address.upper(), f"<{address}>"):
        assert here.read(seen) == number


@pytest.mark.parametrize(
    "address",
    [
        "",
        "<>",
        "bounces+@courier.example",
        "bounces@courier.example",
        RETURN.of(7).replace("courier", "other"),
        RETURN.of(7).replace("+", "-"),
        RETURN.of(7)[:-1],
        RETURN.of(7).replace("@", "0@"),
        f"bounces+{TOKENS.make(Purpose.BOUNCE, 7)}@courier.example",
        f"bounces+{TOKENS.mail_maker(Purpose.VIEW)(7)}@courier.example",
    ],
)
def test_another_address_names_no_delivery(address: str) -> None:
    assert RETURN.read(address) is None


@given(st.text(max_size=90))
def test_any_text_names_no_delivery(text: str) -> None:
    assert RETURN.read(text) is None
    assert RETURN.read(f"bounces+{text}@courier.example") is None


def test_where_bounces_have_no_address_of_their_own_they_go_to_the_sender() -> None:
    here = ReturnAddress(replace(PUBLICATION, bounces=None), TOKENS)
    assert here.of(7) == "digest@courier.example"
    assert here.read(here.of(7)) is None
