import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digestmail.feeds.clean import MAX_LINK, MAX_TITLE, excerpt, link_key, plain_text, safe_link, tidy, title
from digestmail.feeds.clean import language as clean_language

ANY_TEXT = st.text(st.characters(), max_size=400)  # lone surrogates and control characters too
MARKUP = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<b", ">", "<script>", "</script>", "<!--", "&lt;", "&#0;", "&amp;", "'", '"', "<br/>"]
    )
    | st.text(max_size=10),
    max_size=30,
).map("".join)
LINKS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP", "ftp", "javascript"]),
    st.sampled_from(["example.org", "EXAMPLE.org:80", "müller.example", "[2620:fe::fe]:8080", "a b", "u:p@host"]),
    st.text(max_size=20).map(lambda path: "/" + path),
    st.sampled_from(["", "?b=2&a=1", "?utm_source=x&a=1", "?a=1&a=0", "#top", "?q=ü ö"]),
)


def assert_clean(text: str) -> None:
    assert text == " ".join(text.split())
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)
    text.encode()


@given(ANY_TEXT | MARKUP)
@example("\ud800x\x00")
@example("&#xd800;&#0;&#x1f;&#x85;&#xFFFE;")
def test_text_comes_out_as_one_clean_line(markup: str) -> None:
    for text in (tidy(markup), plain_text(markup), title(markup), excerpt(tidy(markup))):
        assert_clean(text)
    assert len(title(markup)) <= MAX_TITLE


def test_markup_becomes_text() -> None:
    markup = "<h2>One</h2><p>t<b>w</b>o &amp; th&shy;ree<br>four</p><ul><li>five</li></ul><td>six</td>"
    assert plain_text(markup) == "One two & three four five six"


@pytest.mark.parametrize(
    "markup",
    [
        "<script>alert(1)</script>",
        "<style>p{}</style>",
        "<iframe src=x>no frames</iframe>",
        "<form><input value=x><button>Go</button></form>",
        "<svg><title>t</title><text>x</text></svg>",
        "<math><mtext>x</mtext></math>",
        "<!-- hidden -->",
        "<figcaption>Photo: somebody</figcaption>",
        "<noscript><img src=x>pixel</noscript>",
        "<img alt='a > b' src=x onerror=alert(1)>",
    ],
)
def test_what_is_active_or_not_for_reading_is_left_out(markup: str) -> None:
    assert plain_text(f"before {markup} after") == "before after"


def test_escaped_markup_stays_text_and_is_not_read_again() -> None:
    assert plain_text("use &lt;script&gt;x&lt;/script&gt; &amp;amp;") == "use <script>x</script> &amp;"


def test_reordering_marks_and_invisible_breaks_go_but_joiners_stay() -> None:
    assert tidy("a\u202eb\u2066c\ufeff\u200bd") == "abcd"
    assert tidy("👩\u200d🔬 می\u200cخواهم") == "👩\u200d🔬 می\u200cخواهم"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom &amp;amp; Jerry", "Tom & Jerry"),
        ("Tom &amp;amp;amp; Jerry", "Tom & Jerry"),
        ("It&amp;#8217;s <em>here</em>", "It’s here"),
        ("How to use &lt;b&gt;", "How to use <b>"),
        ("R&D; and &c", "R&D; and &c"),
        ("a\nb\tc\u00a0d", "a b c d"),
    ],
)
def test_titles_are_decoded(markup: str, text: str) -> None:
    assert title(markup) == text


def test_a_long_title_ends_at_a_word() -> None:
    assert title("word " * 100) == "word " * 59 + "word…"
    assert len(title("x" * 1000)) == MAX_TITLE


@given(ANY_TEXT.map(tidy), st.integers(10, 200))
def test_an_excerpt_is_a_beginning_within_its_limit(text: str, limit: int) -> None:
    short = excerpt(text, limit=limit)
    assert len(short) <= limit
    assert text.startswith(short) or (short.endswith("…") and text.startswith(short[:-1]))


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("One. Two two. Three three three.", 20, "One. Two two."),
        ("He said “No.” Then he left the house for good.", 20, "He said “No.”"),
        ("Hi. And then a sentence without any end", 25, "Hi. And then a sentence…"),
        ("Version 3.11 was released today, they say", 24, "Version 3.11 was…"),
        ("一二三。四五六。七八九十", 10, "一二三。四五六。"),
        ("Short enough", 12, "Short enough"),
        ("It rained all day. The boats stayed in […]", 320, "It rained all day."),
        ("The boats stayed in and [...]", 320, "The boats stayed in and…"),
        ("It rained. The post Rain appeared first on The Courier.", 320, "It rained."),
        ("abcdefghijklmnop", 10, "abcdefghi…"),
    ],
)
def test_an_excerpt_ends_at_a_sentence_else_at_a_word(text: str, limit: int, short: str) -> None:
    assert excerpt(text, limit=limit) == short


def test_an_excerpt_that_repeats_the_headline_is_empty() -> None:
    assert excerpt("Rain, again!", headline="Rain again") == ""
    assert excerpt("Rain again, and more", headline="Rain again") == "Rain again, and more"


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="data:image/png;base64,' + "A" * 200_000 + '">It rains.',
        "It rains." + "<div>" * 100_000,
    ],
)
def test_what_is_large_and_says_nothing_hides_no_words(markup: str) -> None:
    assert plain_text(markup) == "It rains."


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en", "en"),
        (" de_AT\n", "de-AT"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("english", ""),
        ("", ""),
        ("x-default", ""),
        ('en" onload="x', ""),
    ],
)
def test_a_language_is_a_tag_or_nothing(tag: str, language: str) -> None:
    assert clean_language(tag) == language


@given(LINKS | ANY_TEXT)
def test_a_safe_link_is_short_ascii_http_and_stays_itself(url: str) -> None:
    link = safe_link(url)
    assert link == "" or link.startswith(("http://", "https://"))
    assert link.isascii()
    assert len(link) <= MAX_LINK
    assert not any(character <= " " or character in '<>"' for character in link)
    assert safe_link(link) == link


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "/relative",
        "//example.org/x",
        "https://",
        "https://bank.example@evil.example/",
        "https://exa mple.org/",
        "https://example.org/a\r\nBcc: x",
        "https://example.org/\x00",
        "https://example.org/\u202e",
        "https://example.org/" + "x" * MAX_LINK,
        "https://example.org/" + "ü" * (MAX_LINK // 4),
    ],
)
def test_other_links_are_dropped(url: str) -> None:
    assert safe_link(url) == ""


def test_links_are_normalised() -> None:
    assert (
        safe_link(" HTTPS://Müller.Example:443/ä b?q=“x” ")
        == "https://xn--mller-kva.example/%C3%A4%20b?q=%E2%80%9Cx%E2%80%9D"
    )


@given(LINKS)
def test_a_key_ignores_scheme_fragment_and_tracking(url: str) -> None:
    key = link_key(url)
    link = safe_link(url).partition("#")[0]
    if key and ":80" not in key:
        joint = "&" if "?" in link else "?"
        assert link_key(link.replace("https:", "http:", 1) + f"{joint}utm_source=feed&fbclid=1&mc_cid=2#x") == key


def test_keys_are_as_they_were() -> None:
    """They are stored: a change makes every old story a new one."""
    assert link_key("https://Example.org/News/1/?b=2&utm_medium=rss&a=1&gclid=x#top") == "example.org/News/1?a=1&b=2"
    assert link_key("http://example.org:80/") == "example.org"
    assert link_key("https://example.org:8443/a?id=1&id=0&empty=&flag") == "example.org:8443/a?empty=&flag&id=0&id=1"
    assert link_key("https://a.example/x?at_medium=RSS&ref=rss&id=1&xtor=RSS-1&CMP=x&ocid=y") == "a.example/x?id=1"
    assert link_key("https://a.example/x?ref=7&source=print&output=pdf") == "a.example/x?output=pdf&ref=7&source=print"
    assert link_key("mailto:a@example.org") == ""
