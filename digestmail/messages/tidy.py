"""Makes an edition's texts safe to show, so that one strange story cannot spoil the mail for everybody.

Feeds are cleaned when they are read; this is the last wall, and what passes it can be rendered, parsed and encoded.
"""

import re
from dataclasses import replace

from digestmail.editions.content import Announcement, Content, Story, Topic
from digestmail.language import Language
from digestmail.messages.prose import one_line, several_lines, web_address

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")  # RFC 5646, roughly
_NAME = 80
_TITLE = 240
_EXCERPT = 480
_ANNOUNCEMENT = 1200
_ALT = 160
_WIDEST = 528  # pixels: the sheet without its and the block's padding; some mail programs go by this alone


def tidy(content: Content, *, language: Language) -> Content:
    """The same edition with showable texts of bearable length and with web addresses alone as links.

    Where a text is missing, words of `language` stand in its place.
    """
    return Content(
        topics=tuple(_topic(topic) for topic in content.topics),
        stories=tuple(_story(story, language) for story in content.stories),
        announcements=tuple(_announcement(announcement, language) for announcement in content.announcements),
    )


def _topic(topic: Topic) -> Topic:
    return replace(topic, name=one_line(topic.name, limit=_NAME) or topic.slug)


def _story(story: Story, language: Language) -> Story:
    excerpt = one_line(story.excerpt, limit=_EXCERPT)
    headline = one_line(story.title, limit=_TITLE) or one_line(excerpt, limit=_NAME) or language.gettext("Untitled")
    source = one_line(story.source, limit=_NAME)
    author = one_line(story.author, limit=_NAME)
    return replace(
        story,
        title=_more(story.more, source, language) if story.more else headline,
        url=web_address(story.url),
        excerpt=excerpt,
        source=source,
        author="" if author.casefold() == source.casefold() else author,
        image_url=web_address(story.image_url),
        language=story.language if _LANGUAGE.fullmatch(story.language) else "",
    )


def _more(number: int, source: str, language: Language) -> str:
    words = language.ngettext("and %(num)s more from %(source)s", "and %(num)s more from %(source)s", number)
    return words % {"num": language.number(number), "source": source}


def _announcement(announcement: Announcement, language: Language) -> Announcement:
    width, height = _shown(announcement.image_width, announcement.image_height)
    return replace(
        announcement,
        title=one_line(announcement.title, limit=_TITLE),
        text=several_lines(announcement.text, limit=_ANNOUNCEMENT),
        link_url=web_address(announcement.link_url),
        link_label=one_line(announcement.link_label, limit=_NAME) or language.gettext("Read more"),
        image_url=web_address(announcement.image_url),
        image_alt=one_line(announcement.image_alt, limit=_ALT),
        image_width=width,
        image_height=height,
    )


def _shown(width: int | None, height: int | None) -> tuple[int, int] | tuple[None, None]:
    """A picture's size, at most as wide as there is room in the block; none where it is not known."""
    if not width or not height:
        return None, None
    shown = min(width, _WIDEST)
    return shown, max(1, round(height * shown / width))
