import quopri

from hypothesis import given
from hypothesis import strategies as st

from digestmail.messages.quoted_printable import SOFT_BREAK, encode, inline
from digestmail.tokens import Purpose, Tokens

texts = st.lists(
    st.text()
    | st.sampled_from(["=", " ", "\t", ".", "..", "From ", "\n", "é" * 90, "x" * 200, "." * 160, "=3D", "--b"])
).map("".join)


@given(st.lists(texts))
def test_encoded_pieces_joined_decode_to_the_joined_text(pieces: list[str]) -> None:
    encoded = b"".join(map(encode, pieces))
    decoded = quopri.decodestring(encoded).decode()
    assert decoded == "".join(pieces).replace("\r", "\r").replace("\n", "\r\n")


@given(texts)
def test_lines_are_short_printable_and_safe_on_their_way(text: str) -> None:
    encoded = encode(text)
    assert encoded == b"" or encoded.endswith(b"\r\n")
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert all(octet == 9 or 32 <= octet < 127 for octet in line)
        assert not line.endswith((b" ", b"\t"))
        assert not line.startswith((b".", b"From "))


@given(st.integers(0, 2**40 - 1))
def test_a_token_that_is_filled_into_a_gap_needs_no_encoding(number: int) -> None:
    token = Tokens("a secret for tests that is long enough").make(Purpose.VIEW, number)
    assert inline(token) == token.encode()


@given(texts, st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), texts)
def test_a_value_that_is_filled_into_a_gap_becomes_a_part_of_its_line(before: str, value: str, after: str) -> None:
    joined = encode(before) + inline(value) + SOFT_BREAK + encode(after)
    assert quopri.decodestring(joined).decode() == (before + value + after).replace("\n", "\r\n")
    assert all(len(line) <= 76 and not line.startswith(b".") for line in joined.split(b"\r\n"))
