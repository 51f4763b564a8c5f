"""Which of an entry's pictures stands beside it in the mail (pure)."""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin

import nh3

from digestmail.feeds.clean import MAX_HTML, safe_link

_ENOUGH = 600
"""Pixels that the mail can use; anything wider only costs the reader's time."""
_TOO_SMALL = 32
"""Pixels; what is stated to be smaller is an icon or a tracker."""

_CLEANER = nh3.Cleaner(
    tags={"img"},
    clean_content_tags={"script", "style", "noscript", "template", "svg"},
    attributes={"img": {"src", "width", "height"}, "*": set()},
    url_schemes={"http", "https"},
    link_rel=None,
)
_IMAGE = re.compile(r"<img([^>]*)>")
_ATTRIBUTE = re.compile(r'(src|width|height)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Picture:
    """A candidate; width and height in pixels where they are stated."""

    url: str
    width: int | None = None
    height: int | None = None

    @property
    def is_tiny(self) -> bool:
        """Whether it is stated to be too small for a picture."""
        return any(side is not None and side < _TOO_SMALL for side in (self.width, self.height))


def best_of(candidates: Iterable[Picture], *, base: str) -> str:
    """The address of the one to show: the narrowest that is wide enough, else the widest, else the first; or ""."""
    return first_of(sorted(candidates, key=_order), base=base)


def first_of(candidates: Iterable[Picture], *, base: str) -> str:
    """The address of the first that can be shown, or ""."""
    links = (safe_link(urljoin_or_nothing(base, one.url)) for one in candidates if one.url and not one.is_tiny)
    return next(filter(None, links), "")


def in_html(markup: str) -> list[Picture]:
    """The pictures in HTML, in their order."""
    found = []
    for image in _IMAGE.finditer(_CLEANER.clean(markup[:MAX_HTML])):
        says = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(image[1])}
        found.append(Picture(says.get("src", ""), pixels(says.get("width")), pixels(says.get("height"))))
    return found


def pixels(value: object) -> int | None:
    """A stated length such as 300 or "300px"; None where it says nothing in pixels."""
    match = re.fullmatch(r"\s*(\d{1,5})(?:\.\d+)?(?:px)?\s*", str(value), re.ASCII)
    return int(match[1]) if match else None


def urljoin_or_nothing(base: str, url: str) -> str:
    """`url` made absolute, or "" where it cannot be read."""
    try:
        return urljoin(base, url.strip())
    except ValueError:
        return ""


def _order(picture: Picture) -> tuple[int, int]:
    if picture.width is None:
        return (2, 0)
    return (0, picture.width) if picture.width >= _ENOUGH else (1, -picture.width)
