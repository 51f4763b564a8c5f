import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.messages.prose import (
    WIDTH,
    one_line,
    paragraphs,
    several_lines,
    shorten,
    underline,
    web_address,
    width,
    wrap,
)


@given(st.text(), st.integers(1, 60))
def test_one_line_is_one_short_line_that_can_be_encoded(text: str, limit: int) -> None:
    line = one_line(text + "\ud800\0\n\u202e" + text, limit=limit)
    line.encode()
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


def test_it_takes_a_very_long_text_in_its_stride() -> None:
    assert one_line("word " * 1_000_000, limit=20) == "word word word word…"


def test_a_text_is_shortened_between_words() -> None:
    assert shorten("one two three", 10) == "one two…"
    assert shorten("one two", 7) == "one two"
    assert shorten("x" * 20, 5) == "xxxx…"


def test_paragraphs_stay_apart() -> None:
    assert paragraphs("one\ntwo\n \nthree\n") == ["one\ntwo", "three"]
    assert several_lines("one\ntwo\n\n\nthree", limit=80) == "one two\n\nthree"


@pytest.mark.parametrize("url", ["https://example.org/a?b=c&d#e", "http://[::1]:80/"])
def test_a_web_address_is_kept(url: str) -> None:
    assert web_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/a",
        "javascript:x",
        "data:image/png;base64,x",
        "https://",
        "http://[",
        "https://a/ b",
        "https://a/\0",
        "ftp://a/",
    ],
)
def test_what_is_no_web_address_is_left_out(url: str) -> None:
    assert web_address(url) == ""


def test_lines_hang_behind_their_mark() -> None:
    assert wrap("word " * 20, "  - ", "    ").splitlines() == [
        "  - " + "word " * 12 + "word",
        "    " + "word " * 6 + "word",
    ]


def test_a_web_address_is_never_broken_but_a_long_word_is() -> None:
    url = "https://example.org/" + "a" * 100
    assert wrap(f"see {url} there").splitlines() == ["see", url, "there"]
    assert wrap("a" * 100).splitlines() == ["a" * 72, "a" * 28]


@given(st.text(), st.sampled_from(["", "  - ", "漢"]))
def test_wrapped_text_keeps_every_word_in_72_columns(text: str, mark: str) -> None:
    lines = wrap(text, mark).splitlines() if text.split() else []
    assert all(width(line) <= WIDTH for line in lines if "://" not in line)
    bare = [line.lstrip("\u200e\u200f") if "\u200e" not in text and "\u200f" not in text else line for line in lines]
    assert "".join(line.removeprefix(mark) for line in bare).replace(" ", "") == "".join(text.split())


def test_a_heading_is_underlined_as_wide_as_it_is() -> None:
    assert underline("World") == "World\n-----"
    assert underline("漢字") == "漢字\n----"
