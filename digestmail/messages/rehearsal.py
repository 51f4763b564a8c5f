"""Composes every mail once with sample data, so that a broken template of the publisher's stops the start.

A digest is cut at the marks that its template sets and joined for each reader, so a template must keep them: what is
joined must be what would have been rendered for the reader alone.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import zip_longest

from digestmail.errors import SettingsError
from digestmail.language import Language
from digestmail.messages.alone import plain_rendering, whole_page
from digestmail.messages.budget import BUDGET
from digestmail.messages.compose import DigestComposer
from digestmail.messages.confirmation import LETTERS, LetterComposer
from digestmail.messages.digest import Digest
from digestmail.messages.forms import html_of, text_of
from digestmail.messages.keys import HTML_REGIONS, TEXT_REGIONS, marks_of
from digestmail.messages.message import Message
from digestmail.messages.notice import Told, compose_notice
from digestmail.messages.overrides import SETTING, overridden, trouble
from digestmail.messages.pieces import Marks, Pieces
from digestmail.messages.publication import Publication
from digestmail.messages.sample import sample_edition
from digestmail.messages.taste import taste
from digestmail.messages.template import Rendering
from digestmail.messages.tidy import tidy
from digestmail.store.states import Kind, MailFormat, Trouble
from digestmail.tokens import Purpose, Tokens

_LARGEST_STYLES = 16_000  # octets of what stays a style sheet
_LARGEST_SHEETS = 32_000  # and of that with what is written into elements

_AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
_READERS: tuple[frozenset[int], ...] = tuple(map(frozenset, ((1,), (2, 3), (1, 2, 3))))
_WHAT = {"preheader": "what an inbox shows", "index": "the lines of the index", "sections": "the stories"}


def rehearse(publication: Publication, tokens: Tokens, languages: Iterable[Language]) -> None:
    """Compose every mail where the publisher has templates of their own, most thoroughly in the first language.

    Raises SettingsError that names the file, says what is wrong with it and what to do.
    """
    folder = publication.templates
    if folder is None or not any(name.startswith("mail/") for name in overridden(folder)):
        return
    first, *others = languages
    try:
        _Rehearsal(publication, tokens, first).run()
        for language in others:
            _Rehearsal(publication, tokens, language).walk_through()
    except SettingsError:
        raise
    except Exception as error:  # whatever a template can do
        raise trouble(error, folder) from error


class _Rehearsal:
    def __init__(self, publication: Publication, tokens: Tokens, language: Language) -> None:
        self._publication = publication
        self._tokens = tokens
        self._language = language
        self._content = sample_edition(url=publication.url, now=_AT)

    def run(self) -> None:
        """Everything, in every form."""
        for kind, lacking in self.walk_through().items():
            self._check_joining(kind, BUDGET, _READERS, lacking)
            self._check_joining(kind, 1, _READERS[-1:], lacking)

    def walk_through(self) -> dict[Kind, dict[str, str]]:
        """Every mail once; by kind and form, the marks that a digest lacks."""
        self._check_page()
        self._check_letters()
        taste(
            self._content,
            topics=(1, 2, 3),
            publication=self._publication,
            language=self._language,
            day=_AT.date(),
        )
        return {kind: self._check_marks(kind) for kind in (Kind.DIGEST, Kind.WELCOME)}

    def _check_marks(self, kind: Kind) -> dict[str, str]:
        """By form, the marks that the template lacks; to lack one is wrong only where a mail comes out wrong."""
        marks = Marks()
        content = tidy(self._content, language=self._language)
        form = Digest.of_all(content).render(
            kind=kind, publication=self._publication, language=self._language, marker=marks
        )
        lacking = {}
        for name, text, regions in (("html", form.html, HTML_REGIONS), ("txt", form.text, TEXT_REGIONS)):
            found = {key.partition(":")[0] for key, _ in marks.split(text)}
            lacking[name] = ", ".join(mark for mark in marks_of(regions) if mark not in found)
            try:
                Pieces(text, marks, regions)
            except ValueError as error:
                raise _wrong(name, _interrupted(text, marks, regions)) from error
        return lacking

    def _check_joining(
        self, kind: Kind, budget: int, readers: Iterable[frozenset[int]], lacking: dict[str, str]
    ) -> None:
        composer = DigestComposer(
            self._content,
            kind=kind,
            slot_at=_AT,
            edition_id=1,
            publication=self._publication,
            language=self._language,
            tokens=self._tokens,
            budget=budget,
        )
        for topics in readers:
            joined = composer.compose(
                delivery_id=1, subscriber_id=1, recipient="reader@example.org", topics=topics, day=_AT.date()
            )
            single = self._alone(kind, topics, budget)
            assert joined  # noqa: S101 - each of these topics has stories
            assert single  # noqa: S101
            _compare("html", html_of(joined), single.html, lacking["html"])
            _compare("txt", text_of(joined), single.text, lacking["txt"])
            self._check_links("digest", joined, Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)
            if budget == BUDGET:
                _check_size(single)
            else:
                self._check_links("digest", joined, Purpose.VIEW)
        self._check_text_alone(composer, kind, topics, lacking)

    def _check_text_alone(
        self, composer: DigestComposer, kind: Kind, topics: frozenset[int], lacking: dict[str, str]
    ) -> None:
        joined = composer.compose(
            delivery_id=1,
            subscriber_id=1,
            recipient="reader@example.org",
            topics=topics,
            day=_AT.date(),
            mail_format=MailFormat.TEXT,
        )
        single = self._alone(kind, topics, BUDGET, MailFormat.TEXT)
        assert joined  # noqa: S101 - each of these topics has stories
        assert single  # noqa: S101
        _compare("txt", text_of(joined), single.text, lacking["txt"])

    def _alone(
        self, kind: Kind, topics: frozenset[int], budget: int, mail_format: MailFormat = MailFormat.HTML
    ) -> Rendering | None:
        token = self._tokens.make
        return plain_rendering(
            self._content,
            topics=topics,
            kind=kind,
            publication=self._publication,
            language=self._language,
            day=_AT.date(),
            unsubscribe=token(Purpose.UNSUBSCRIBE, 1),
            preferences=token(Purpose.PREFERENCES, 1),
            view=token(Purpose.VIEW, 1),
            gave=token(Purpose.GAVE, 1),
            budget=budget,
            mail_format=mail_format,
        )

    def _check_page(self) -> None:
        """The digest as a page, before styles are written into elements: that takes long where there are many."""
        page = whole_page(
            self._content,
            topics=(1, 2, 3),
            kind=Kind.DIGEST,
            publication=self._publication,
            language=self._language,
            day=_AT.date(),
            unsubscribe="",
            preferences="",
            gave="",
        )
        if (styles := _styles_of(page or "")) > _LARGEST_SHEETS:
            raise _wrong(
                "html", f"its style sheets take {styles:,} octets, and at most {_LARGEST_SHEETS:,} can be inlined"
            )

    def _check_letters(self) -> None:
        letters = LetterComposer(self._publication, self._tokens, self._language)
        for kind, links in LETTERS.items():
            letter = letters.compose(kind, delivery_id=1, subscriber_id=1, recipient="reader@example.org", date_at=_AT)
            self._check_links(kind, letter, *links.values())
        compose_notice(
            [Told(feed_id=1, name="A feed", url="https://example.org/", trouble=Trouble.GONE, text="A feed is gone.")],
            known=["Another feed"],
            notices=[1],
            recipient="reader@example.org",
            publication=self._publication,
            installation=self._tokens.installation,
            date_at=_AT,
        )

    def _check_links(self, name: str, message: Message, *purposes: Purpose) -> None:
        for form, text in (("html", html_of(message)), ("txt", text_of(message))):
            for purpose in purposes:
                if self._tokens.make(purpose, 1) not in text:
                    place = f'{{{{ fill("{purpose.name.lower()}") }}}}'
                    raise _wrong(form, f"the mail has no link with {place}, which its reader needs", name=name)


def _compare(form: str, joined: str, single: str, lacking: str) -> None:
    """Raise SettingsError where a mail that was joined is not the one rendered for its reader alone."""
    if joined == single:
        return
    pairs = zip_longest(joined.splitlines(), single.splitlines(), fillvalue="")
    got, wanted = next(((got, wanted) for got, wanted in pairs if got != wanted), ("", ""))
    raise _wrong(
        form,
        "what is joined for a reader is not what would be rendered for that reader alone: "
        f"it has “{_plain(got)}” in place of “{_plain(wanted)}”. "
        "What only some readers get must stand right behind its own mark, as in our template"
        + (f"; these marks are lacking: {lacking}" if lacking else ""),
    )


def _check_size(single: Rendering) -> None:
    if (styles := _styles_of(single.html)) > _LARGEST_STYLES:
        raise _wrong(
            "html", f"its styles take {styles:,} octets, and Gmail drops those of more than {_LARGEST_STYLES:,}"
        )
    if (size := len(single.html.encode())) > BUDGET:
        raise _wrong(
            "html", f"a digest of seven stories takes {size:,} octets, and Gmail clips what is over {BUDGET:,}"
        )


def _interrupted(text: str, marks: Marks, regions: Mapping[str, str]) -> str:
    """Which mark stands in the midst of which pieces."""
    seen: set[str] = set()
    last = before = ""
    for key, content in marks.split(text):
        if not content:
            continue
        word = key.partition(":")[0]
        region = regions.get(word, "")
        if region in seen and region != last:
            what = _WHAT[region.rpartition(" ")[2]]
            return (
                f"what is marked “{before}” stands between {what}, which must follow each other. Move it before the "
                "first of them or behind the last"
            )
        if region:
            seen.add(region)
        last, before = region, word
    return "its pieces must follow each other as they do in our template"


def _styles_of(html: str) -> int:
    return sum(len(style.encode()) for style in re.findall(r"(?s)<style.*?</style>", html))


def _plain(line: str) -> str:
    """A line short enough to be shown."""
    words = " ".join(re.sub(r"style=\"[^\"]*\"", "", line).split())
    return words[:77] + "…" if len(words) > 78 else words


def _wrong(form: str, what: str, *, name: str = "digest") -> SettingsError:
    return SettingsError(f"{SETTING}: mail/{name}.{form}, or what it builds on: {what}.")
