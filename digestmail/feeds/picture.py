"""Which of an entry's pictures stands beside it in the mail (pure)."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

import nh3

from digestmail.feeds.clean import safe_link, without_data

_ENOUGH = 600
"""Pixels that the mail can use; anything wider only costs the reader's time."""
_TOO_SMALL = 32
"""Pixels; what is stated to be smaller is an icon or a tracker."""
_TOO_LONG = 5
"""How many times as wide as high, or as high as wide, a picture can be; beyond it is a rule or an advertisement."""

_NO_PICTURE = re.compile(
    # what counts readers, shows advertisements or shares
    r"//(?:[\w-]+\.)*(?:doubleclick\.net|googlesyndication\.com|google-analytics\.com|scorecardresearch\.com|feedsportal\.com"
    r"|pheedo\.com|quantserve\.com|statcounter\.com|amazon-adsystem\.com|assoc-amazon\.\w+|buysellads\.com|addthis\.com"
    r"|addtoany\.com|feedblitz\.com/-/|shields\.io|badge\.fury\.io)[/:?]"
    r"|//(?:pixel|stats)\.wp\.com/|//(?:stats|feeds)\.wordpress\.com/|//googleads\."
    r"|//(?:feeds\d*\.feedburner\.com|feedproxy\.google\.com)/~|facebook\.com/tr\b|blogger\.googleusercontent\.com/tracker/"
    # faces and signs
    r"|gravatar\.com/|/avatars?/|//s\.w\.org/images/core/emoji/|/(?:emojis?|smil(?:ey|ie)s?|twemoji)/|/badges?/"
    # what only fills a place
    r"|/(?:blank|clear|shim|dot|transparent|placeholder|loading|lazy|grey|gray)\.(?:gif|png)(?:[?#]|$)"
    r"|[/_.-](?:1x1|spacer|pixel)\.(?:gif|png)(?:[?#]|$)|/[bcpt]\.gif(?:[?#]|$)"
    r"|/(?:pixel|beacon|track(?:er|ing)?)/?(?:[?#]|$)"
    # what mail programs do not show
    r"|\.svgz?(?:[?#]|$)",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"\b(?:wp-smiley|emoji|avatar|gravatar)\b", re.IGNORECASE)
"""Classes of pictures that belong to a text or its author, and are not what it is about."""

_LAZY = ("data-src", "data-lazy-src", "data-original", "data-orig-src", "data-lazyload")
_LAZY_SETS = ("data-srcset", "data-lazy-srcset")
"""Where pages keep the addresses that a script puts in place of a placeholder."""

_CLEANER = nh3.Cleaner(
    tags={"img", "source", "video", "meta", "link"},
    clean_content_tags={"script", "style", "template", "svg"},
    attributes={
        "img": {"src", "srcset", "width", "height", "style", "class", *_LAZY, *_LAZY_SETS},
        "source": {"srcset"},
        "video": {"poster"},
        "meta": {"property", "content"},
        "link": {"href"},
        "*": set(),
    },
    tag_attribute_values={"link": {"rel": {"image_src"}}},
    url_schemes={"http", "https"},
    link_rel=None,
)
_ELEMENT = re.compile(r'<(img|source|video|meta|link)((?:\s[\w-]+="[^"]*")*)\s*/?>')
_ATTRIBUTE = re.compile(r'\s([\w-]+)="([^"]*)"')
_STYLE = re.compile(r"(?:^|[;\s])(width|height)\s*:\s*(\d{1,5})(?:\.\d+)?px", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_IN_SET = re.compile(r"\s*,*\s*(\S*[^\s,])(?:\s+(\d{1,5})w|\s+[\d.]{1,8}[xh])*\s*(?=,|$)")


@dataclass(frozen=True, slots=True)
class Picture:
    """A candidate; width and height in pixels where they are stated."""

    url: str
    width: int | None = None
    height: int | None = None

    @property
    def is_one(self) -> bool:
        """Whether it can be a picture by its address and stated size, and not a tracker, an icon or a banner."""
        sides = [side for side in (self.width, self.height) if side is not None]
        if any(side < _TOO_SMALL for side in sides) or (len(sides) == 2 and max(sides) >= _TOO_LONG * min(sides)):
            return False
        return bool(self.url) and not _NO_PICTURE.search(self.url[:2000])


def best_of(candidates: Iterable[Picture], *, base: str) -> str:
    """The address of the one to show: the narrowest that is wide enough, else the widest, else the first; or ""."""
    return first_of(sorted(candidates, key=_order), base=base)


def first_of(candidates: Iterable[Picture], *, base: str) -> str:
    """The address of the first that can be shown, or ""."""
    links = (safe_link(urljoin_or_nothing(base, one.url)) for one in candidates if one.is_one)
    return next(filter(None, links), "")


def in_html(markup: str) -> Iterator[Picture]:
    """The pictures in HTML, in their order; of those that an element offers, the best first.

    What a `source` offers comes last: it is a variant of an `img`, often in a format that few mail programs show.
    """
    variants: list[Picture] = []
    for element in _ELEMENT.finditer(_CLEANER.clean(without_data(markup))):
        says = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(element[2])}
        match element[1]:
            case "img":
                yield from _in_img(says)
            case "source":
                variants += sorted(_in_set(says.get("srcset", "")), key=_order)
            case "video":
                yield Picture(says.get("poster", ""))
            case "meta" if says.get("property", "").lower() == "og:image":
                yield Picture(says.get("content", ""))
            case "link" if says.get("rel"):
                yield Picture(says.get("href", ""))
    yield from variants


def is_image(kind: object, url: object) -> bool:
    """Whether a medium is a picture by its type, or by its name where the type says nothing."""
    kind = str(kind or "").lower()
    if kind and kind != "application/octet-stream":
        return kind.startswith("image")
    return re.search(r"\.(?:jpe?g|png|gif|webp)(?:[?#]|$)", str(url or ""), re.IGNORECASE) is not None


def pixels(value: object) -> int | None:
    """A stated length such as 300 or "300px"; None where it says nothing in pixels."""
    match = re.fullmatch(r"\s*(\d{1,5})(?:\.\d+)?(?:px)?\s*", str(value), re.ASCII)
    return int(match[1]) if match else None


def urljoin_or_nothing(base: str, url: str) -> str:
    """`url` made absolute, or "" where it cannot be read; a host that only lacks its scheme is no relative path."""
    url = url.strip()
    try:
        return urljoin(base, "http://" + url if url[:4].lower() == "www." else url)
    except ValueError:
        return ""


def _in_img(says: Mapping[str, str]) -> Iterator[Picture]:
    style = says.get("style", "")
    size = {name.lower(): int(number) for name, number in _STYLE.findall(style)}
    width, height = (size.get(side) or pixels(says.get(side)) for side in ("width", "height"))
    if _HIDDEN.search(style) or _SIGNS.search(says.get("class", "")) or not Picture("x", width, height).is_one:
        return
    sets = [one for name in ("srcset", *_LAZY_SETS) for one in _in_set(says.get(name, ""))]
    sized = [one for one in sets if one.width is not None]
    plain = [Picture(says[name], width, height) for name in (*_LAZY, "src") if says.get(name)]
    yield from [*sorted(sized, key=_order), *plain, *sets]


def _in_set(srcset: str) -> Iterator[Picture]:
    """The candidates of a `srcset` (HTML, 4.8.4.2.1)."""
    for one in _IN_SET.finditer(srcset[:10_000]):
        yield Picture(one[1], pixels(one[2]))


def _order(picture: Picture) -> tuple[int, int]:
    if picture.width is None:
        return (2, 0)
    return (0, picture.width) if picture.width >= _ENOUGH else (1, -picture.width)
