import quopri

from hypothesis import given
from hypothesis import strategies as st

from digestmail.messages.quoted_printable import encode, encode_token

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


def test_a_token_is_encoded_as_any_text() -> None:
    assert encode_token("AAAAAAU6ajveXHM2rXspBK_-") == encode("AAAAAAU6ajveXHM2rXspBK_-")
