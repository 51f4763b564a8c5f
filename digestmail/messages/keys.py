"""The names of a digest's pieces: the templates set marks with these words, and the composer asks for them.

A key is a word and ids with colons between them, such as `also:17:3` for story 17's chip of topic 3.
"""

from collections.abc import Iterable, Iterator

from digestmail.editions.content import Announcement
from digestmail.editions.select import Placed

ALWAYS = "always"
"""What everybody gets, also all that stands before the first mark."""

MORE = "more"
"""The line that counts what is not shown."""

BROWSER = "browser"
"""The link to the digest in the browser, in the plain form, which not everybody gets: see `pieces.count_links`."""

_INDEX = ("group", "line")
_SECTIONS = ("topic", "story", "also", "short")

TEXT_REGIONS = dict.fromkeys(_INDEX, "text index") | dict.fromkeys(_SECTIONS, "text sections")
HTML_REGIONS = (
    dict.fromkeys(("teaser", "lead"), "preheader")
    | dict.fromkeys(_INDEX, "html index")
    | dict.fromkeys(_SECTIONS, "html sections")
)
"""The places in the mail where readers' own pieces stand, by the first words of the pieces' keys."""


def key_of(*key: str | int) -> str:
    """The key of a piece as one string."""
    return ":".join(map(str, key))


def frame_keys(announcements: Iterable[Announcement], *, index: bool) -> Iterator[str]:
    """What stands around the stories, and around the lines of the index if there is one."""
    yield ALWAYS
    if index:
        yield "index"
    for announcement in announcements:
        yield key_of("announcement", announcement.id)


def in_full(placed: Placed) -> Iterator[str]:
    """A story with the chips of the other topics that hold it."""
    yield key_of("story", placed.story.id)
    if placed.also:
        yield key_of("also", placed.story.id)
        yield from (key_of("also", placed.story.id, topic.id) for topic in placed.also)


def marks_of(regions: Iterable[str]) -> tuple[str, ...]:
    """The first words of all marks that a digest's template with these regions sets."""
    return (*regions, "index", "announcement", MORE, BROWSER)
