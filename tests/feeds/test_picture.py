import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.picture import Picture, best_of, first_of, in_html, is_image, pixels, urljoin_or_nothing

BASE = "https://a.example/feed"


def shown(markup: str) -> str:
    return first_of(in_html(markup), base=BASE)


def test_the_narrowest_that_is_wide_enough_wins() -> None:
    sizes = [Picture(f"/{width}.jpg", width) for width in (100, 4000, 800, 300)]
    assert best_of([Picture("/unknown.jpg"), *sizes], base=BASE) == "https://a.example/800.jpg"
    assert best_of([Picture("/unknown.jpg"), *sizes[:1], *sizes[3:]], base=BASE) == "https://a.example/300.jpg"
    assert best_of([Picture("/first.jpg"), Picture("/second.jpg")], base=BASE) == "https://a.example/first.jpg"


@pytest.mark.parametrize(
    "picture",
    [
        Picture("p.gif", 1, 1),
        Picture("i.png", None, 16),
        Picture("banner.jpg", 728, 90),
        Picture("skyscraper.jpg", 120, 600),
        Picture("data:image/png;base64,AAAA"),
        Picture("javascript:x()"),
        Picture(""),
        Picture("drawing.SVG?v=2"),
        Picture("https://feeds.feedburner.com/~r/x/~4/1"),
        Picture("https://pixel.wp.com/b.gif?host=x"),
        Picture("http://stats.wordpress.com/b.gif"),
        Picture("https://ad.doubleclick.net/ddm/trackimp/x"),
        Picture("http://x.feedsportal.com/c/1/mf.gif"),
        Picture("https://blogger.googleusercontent.com/tracker/1-2"),
        Picture("https://www.facebook.com/tr?id=1"),
        Picture("https://secure.gravatar.com/avatar/abc?s=96"),
        Picture("https://s.w.org/images/core/emoji/14/72x72/1f600.png"),
        Picture("/wp-includes/images/smilies/icon_smile.gif"),
        Picture("https://img.shields.io/badge/x-y-green"),
        Picture("/images/spacer.gif"),
        Picture("/images/blank.gif?x"),
        Picture("/t/1x1.png"),
        Picture("/pixel?id=7"),
    ],
)
def test_what_counts_readers_fills_space_or_is_a_sign_is_no_picture(picture: Picture) -> None:
    assert first_of([picture, Picture("https://b.example/real.jpg")], base=BASE) == "https://b.example/real.jpg"


@pytest.mark.parametrize("name", ["google-pixel-9.jpg", "blank-check.png", "avatar-film.jpg", "b.png", "one-1x1.jpg"])
def test_a_name_that_only_sounds_like_one_is_a_picture(name: str) -> None:
    assert first_of([Picture(name)], base=BASE) == f"https://a.example/{name}"


@pytest.mark.parametrize(
    ("markup", "url"),
    [
        ('<p title="<img src=no>"><script><img src="s.png"></script><img alt=">" src=b.png height="40px">', "b.png"),
        ('<img src="t?a=1&amp;b=2">', "t?a=1&b=2"),
        ('<img src="spacer.gif" data-src="lazy.jpg">', "lazy.jpg"),
        ('<img src="data:image/gif;base64,R0lGOD" data-lazy-src="lazy.jpg">', "lazy.jpg"),
        ('<img src="data:," data-original="lazy.jpg"><img src="next.jpg">', "lazy.jpg"),
        ('<img src="data:," data-srcset="s.jpg 300w, m.jpg 700w, l.jpg 2000w">', "m.jpg"),
        ('<img src="l.jpg" srcset="s.jpg 300w,m.jpg 700w, l.jpg 2000w" sizes="100vw">', "m.jpg"),
        ('<img src="one.jpg" srcset="two.jpg 2x">', "one.jpg"),
        ('<img srcset="f_auto,q_auto/a.jpg 640w">', "f_auto,q_auto/a.jpg"),
        ('<picture><source srcset="a.webp 800w"><img src="a.jpg"></picture>', "a.jpg"),
        ('<picture><source srcset="a.webp 800w, b.webp 400w"></picture>', "a.webp"),
        ('<video poster="still.jpg"></video>', "still.jpg"),
        ('<meta property="og:image" content="https://a.example/og.jpg"><p>x', "og.jpg"),
        ('<link rel="image_src" href="https://a.example/l.jpg">', "l.jpg"),
        ('<link rel="stylesheet" href="https://a.example/l.css"><img src="x.jpg">', "x.jpg"),
        ('<img src="t.png" style="border:0;width:1px;height: 1px"><img src="x.jpg">', "x.jpg"),
        ('<img src="t.png" style="display:none"><img src="x.jpg">', "x.jpg"),
        ('<img src="t.png" width=1><img src="x.jpg">', "x.jpg"),
        ('<img src="grin.png" class="wp-smiley"><img src="x.jpg">', "x.jpg"),
        ('<img src="data:image/png;base64,' + "A" * 100_000 + '"><img src="x.jpg">', "x.jpg"),
    ],
)
def test_the_picture_of_a_text(markup: str, url: str) -> None:
    assert shown(markup) == f"https://a.example/{url}"


@given(st.text(max_size=300) | st.text("<img src=\"'x.jpg>, 1w", max_size=300))
def test_whatever_is_written_gives_a_safe_address_or_none(markup: str) -> None:
    for text in (markup, f"<img srcset='{markup}'>", f'<img src="{markup}">'):
        assert shown(text) == "" or shown(text).startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("kind", "url", "expected"),
    [
        ("image/jpeg", "x", True),
        ("image", "x", True),
        ("audio/mpeg", "cover.jpg", False),
        (None, "https://a.example/x.JPG?w=1", True),
        ("application/octet-stream", "x.png", True),
        ("", "x.mp3", False),
    ],
)
def test_a_picture_is_known_by_its_type_else_by_its_name(kind: object, url: str, expected: bool) -> None:
    assert is_image(kind, url) is expected


@pytest.mark.parametrize(
    ("value", "number"),
    [("300", 300), (" 40px", 40), ("1.5", 1), ("100%", None), ("1em", None), (None, None), ("", None)],
)
def test_only_lengths_in_pixels_count(value: object, number: int | None) -> None:
    assert pixels(value) == number


def test_addresses_are_made_absolute() -> None:
    assert urljoin_or_nothing(BASE, " x.jpg\n") == "https://a.example/x.jpg"
    assert urljoin_or_nothing(BASE, "//b.example/x") == "https://b.example/x"
    assert urljoin_or_nothing(BASE, "www.b.example/x") == "http://www.b.example/x"
    assert urljoin_or_nothing(BASE, "http://[b") == ""
