import pytest

from digestmail.feeds.picture import Picture, best_of, in_html, pixels

BASE = "https://a.example/feed"


def test_the_narrowest_that_is_wide_enough_wins() -> None:
    sizes = [Picture(f"/{width}.jpg", width) for width in (100, 4000, 800, 300)]
    assert best_of([Picture("/unknown.jpg"), *sizes], base=BASE) == "https://a.example/800.jpg"
    assert best_of([Picture("/unknown.jpg"), *sizes[:1], *sizes[3:]], base=BASE) == "https://a.example/300.jpg"
    assert best_of([Picture("/first.jpg"), Picture("/second.jpg")], base=BASE) == "https://a.example/first.jpg"


def test_pixels_of_trackers_and_icons_are_no_pictures() -> None:
    assert (
        best_of([Picture("/p.gif", 1, 1), Picture("/i.png", None, 16), Picture("data:x"), Picture("")], base=BASE) == ""
    )


def test_pictures_in_html_come_in_order_with_their_sizes() -> None:
    markup = """<p title="<img src=no>"><img width=1 src="https://t.example/p?a=1&amp;b=2">
        <script><img src="s.png"></script><img alt=">" src='b.png' height="40px"><img src="data:x"><img>"""
    assert in_html(markup) == [
        Picture("https://t.example/p?a=1&b=2", 1),
        Picture("b.png", None, 40),
        Picture(""),
        Picture(""),
    ]


@pytest.mark.parametrize(
    ("value", "number"),
    [("300", 300), (" 40px", 40), ("1.5", 1), ("100%", None), ("1em", None), (None, None), ("", None)],
)
def test_only_lengths_in_pixels_count(value: object, number: int | None) -> None:
    assert pixels(value) == number
