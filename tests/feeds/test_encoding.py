import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digestmail.feeds.encoding import decode

TEXT = "<rss><title>Café “Größe” — Привет</title></rss>"
WESTERN = "<rss><title>Café “Größe” — naïve</title></rss>"


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("content_type", ["", "text/xml; charset=iso-8859-1", "application/xml; charset=utf-8"])
def test_what_the_bytes_show_counts_more_than_what_is_said(encoding: str, content_type: str) -> None:
    for text in (TEXT, '<?xml version="1.0" encoding="utf-8"?>' + TEXT, '{"title": "é"}', "\n" + TEXT):
        assert decode(text.encode(encoding), content_type=content_type) == text


@pytest.mark.parametrize(
    ("content_type", "declared"),
    [
        ("text/html; charset=ISO-8859-1", ""),
        ("text/xml", "windows-1252"),
        ("application/xml;charset=utf-16", "utf-16"),
        ("text/plain; charset=us-ascii", "UTF-8"),
        ("text/xml; charset=nonsense", "\x00"),
        ("text/xml; charset=idna", "punycode"),
    ],
)
def test_utf_8_is_known_whatever_is_said(content_type: str, declared: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?>{TEXT}'
    assert decode(text.encode(), content_type=content_type) == text


@pytest.mark.parametrize(
    ("encoding", "content_type", "declared"),
    [
        ("cp1252", "", ""),
        ("cp1252", "text/xml; charset=utf-8", "utf-8"),
        ("cp1252", "text/xml", "iso-8859-1"),
        ("cp1252", 'text/xml; charset="ISO-8859-1"', ""),
        ("iso-8859-15", "text/xml", "iso-8859-15"),
        ("mac-roman", "text/xml; charset=utf-8", "macintosh"),
    ],
)
def test_what_is_not_utf_8_is_what_is_said_else_western(encoding: str, content_type: str, declared: str) -> None:
    words = "Café Größe naïve"
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    assert words in decode((declaration + words).encode(encoding), content_type=content_type)


@pytest.mark.parametrize(
    ("encoding", "declared", "words"),
    [
        ("cp1251", "windows-1251", "Привет, мир"),
        ("koi8-r", "KOI8-R", "Привет, мир"),
        ("cp932", "Shift_JIS", "日本語①テスト"),
        ("cp932", "x-sjis", "日本語テスト"),
        ("euc_jp", "EUC-JP", "日本語テスト"),
        ("iso2022_jp", "ISO-2022-JP", "日本語テスト"),
        ("gb18030", "gb2312", "嗞简体中文"),
        ("big5", "Big5", "繁體中文"),
        ("cp949", "ks_c_5601-1987", "한국어 똠방각하"),
        ("cp1254", "iso-8859-9", "İstanbul “ğ”"),
        ("cp874", "TIS-620", "ภาษาไทย"),
    ],
)
def test_an_encoding_that_is_declared_is_read(encoding: str, declared: str, words: str) -> None:
    document = f"<?xml version='1.0' encoding='{declared}' ?><rss><title>{words}</title></rss>"
    # A server that does not know says Latin-1.
    for content_type in ("", "text/xml; charset=utf-8", "text/xml; charset=iso-8859-1"):
        assert decode(document.encode(encoding), content_type=content_type) == document
    bare = f"<rss><title>{words}</title></rss>"
    assert decode(bare.encode(encoding), content_type=f"text/xml; charset={declared}") == bare


def test_ebcdic_is_read() -> None:
    text = '<?xml version="1.0" encoding="cp500"?><rss><title>[!]</title></rss>'
    assert decode(text.encode("cp500")) == text


def test_a_flaw_makes_it_no_other_encoding() -> None:
    cut = TEXT.encode().removesuffix("т</title></rss>".encode()) + b"\xd1"
    assert decode(cut, content_type="text/xml; charset=iso-8859-1") == TEXT.removesuffix("т</title></rss>") + "\ufffd"


@given(st.binary(max_size=300), st.text(max_size=30))
@example(b'<?xml encoding="\xff\x00"?>\xe9', "text/xml; charset=\x00")
@example(b"\xff\xfe\x00", "")
@example(b"\xe9", "text/xml; charset=hex")
@example(b"\xe9", "text/xml; charset=unicode_escape")
def test_anything_becomes_text(body: bytes, said: str) -> None:
    assert isinstance(decode(body, content_type="text/xml; charset=" + said), str)
    assert isinstance(decode(b'<?xml version="1.0" encoding="' + said.encode() + b'"?>' + body), str)
