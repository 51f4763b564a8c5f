"""A link does the one thing it was made for, and only as it was made."""

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.errors import TokenError
from digestmail.tokens import MAIL_TOKEN_LENGTH, TOKEN_LENGTH, Purpose, Tokens

TOKENS = Tokens("a secret for tests, 32 characters or more")

numbers = st.integers(0, 2**40 - 1)
purposes = st.sampled_from(Purpose)


def test_the_form_is_pinned() -> None:
    assert {purpose: TOKENS.make(purpose, 1234) for purpose in Purpose} == {
        Purpose.CONFIRM: "AAAABNK1TVg4ZH8PKuq5N8Y",
        Purpose.UNSUBSCRIBE: "AAAABNK2cHNaL5RG_yHZ0xE",
        Purpose.UNDO: "AAAABNLIg57I3uvIpQgW4fs",
        Purpose.PREFERENCES: "AAAABNLcDmrVZP-w_qo8w5Y",
        Purpose.VIEW: "AAAABNKbEeaH52vFGXm6xEY",
        Purpose.DESK: "AAAABNKBSnFgXgpkS-A56E0",
        Purpose.HUB: "AAAABNJri6D_NAMFOuNen3c",
        Purpose.BOUNCE: "AAAABNK6JUSbQYPBTakNwOM",
        Purpose.GAVE: "AAAABNK3L4Lc4FIWQVB9f1Y",
        Purpose.ACCESS: "AAAABNIMCCT6zTkrLXA0g8g",
        Purpose.MOVE: "AAAABNL10x8DYl2-EwXrKrQ",
        Purpose.STAY: "AAAABNIutyKIJPJDeQfFR3Q",
        Purpose.FORM: "AAAABNKIgrdxP6tgjreLkxQ",
        Purpose.STEP: "AAAABNJ019Oe0XhtjYaRgzY",
    }
    assert TOKENS.mail_maker(Purpose.BOUNCE)(1234) == "00000004d2ba25449b4183c14d"
    assert (
        Tokens("a key longer than a block of the hash " * 3).make(Purpose.CONFIRM, 2**40 - 1)
        == "_______WquRsvGuhAmMQjNg"
    )
    assert Tokens("").installation + TOKENS.installation == "e437a3cec096f571"
    assert TOKENS.fingerprint("ann@example.org") == "d7d9fa38bfe8564934119008ba571ff950430e37ad99b83ced3b3f83b639e167"


@given(st.text(max_size=200), purposes, numbers)
def test_the_signature_is_hmac_sha256(secret: str, purpose: Purpose, number: int) -> None:
    payload = number.to_bytes(5, "big")
    signature = hmac.digest(secret.encode(), f"digestmail:{purpose}:".encode() + payload, "sha256")[:12]
    token = base64.urlsafe_b64encode(payload + signature).rstrip(b"=")
    assert Tokens(secret).make(purpose, number).encode() == Tokens(secret).maker(purpose)(number) == token


@given(purposes, numbers)
def test_what_was_made_can_be_read(purpose: Purpose, number: int) -> None:
    token = TOKENS.make(purpose, number)
    assert TOKENS.read(purpose, token) == number
    assert len(token) == TOKEN_LENGTH


@given(purposes, purposes, numbers)
def test_another_purpose_is_refused(made: Purpose, read: Purpose, number: int) -> None:
    token = TOKENS.make(made, number)
    if made != read:
        with pytest.raises(TokenError):
            TOKENS.read(read, token)


@given(purposes, numbers, st.integers(0, TOKEN_LENGTH - 1), st.characters())
def test_a_changed_token_is_refused(purpose: Purpose, number: int, place: int, letter: str) -> None:
    token = TOKENS.make(purpose, number)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(TokenError):
            TOKENS.read(purpose, changed)


@given(st.text(max_size=40))
def test_any_text_is_refused_without_a_crash(text: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.read(Purpose.CONFIRM, text)


@given(purposes, numbers, st.integers(0, TOKEN_LENGTH - 1))
def test_a_token_that_was_cut_off_is_refused(purpose: Purpose, number: int, length: int) -> None:
    with pytest.raises(TokenError):
        TOKENS.read(purpose, TOKENS.make(purpose, number)[:length])


def test_another_installation_is_refused() -> None:
    with pytest.raises(TokenError):
        Tokens("another secret, also 32 characters or more").read(Purpose.UNDO, TOKENS.make(Purpose.UNDO, 7))


@given(purposes, numbers)
def test_a_token_in_a_mail_address_survives_a_change_of_case(purpose: Purpose, number: int) -> None:
    token = TOKENS.mail_maker(purpose)(number)
    assert len(token) == MAIL_TOKEN_LENGTH
    assert TOKENS.read_mail_token(purpose, token) == TOKENS.read_mail_token(purpose, token.upper()) == number


@given(purposes, purposes, numbers, st.integers(0, MAIL_TOKEN_LENGTH - 1), st.sampled_from("0123456789abcdefg+ "))
def test_a_changed_token_in_a_mail_address_is_refused(
    made: Purpose, read: Purpose, number: int, place: int, letter: str
) -> None:
    token = TOKENS.mail_maker(made)(number)
    changed = token[:place] + letter + token[place + 1 :]
    for wrong in {changed, token[:place], token + "0"} - {token}:
        with pytest.raises(TokenError):
            TOKENS.read_mail_token(made, wrong)
    if made != read:
        with pytest.raises(TokenError):
            TOKENS.read_mail_token(read, token)


@given(st.text(max_size=40))
def test_any_text_is_no_token_of_a_mail_address(text: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.read_mail_token(Purpose.BOUNCE, text)
