"""Turns a claimed delivery into its message; editions are composed once and kept for the next reader."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from digestmail.deliveries.doubt import Doubt
from digestmail.deliveries.ledger import Claimed
from digestmail.deliveries.poison import take_out_poison
from digestmail.editions.content import Content
from digestmail.language import Language, language_of
from digestmail.messages.compose import DigestComposer
from digestmail.messages.confirmation import LETTERS, LetterComposer
from digestmail.messages.message import Message, message_id, message_number
from digestmail.messages.publication import Publication
from digestmail.messages.shared import Shared
from digestmail.store.database import Database
from digestmail.store.models import Edition
from digestmail.store.states import Kind
from digestmail.tokens import Tokens

_ANYBODY = "reader@example.org"
_EDITIONS_KEPT = 8
_EDITIONS_OCTETS = 16 * 1024 * 1024


class Mailroom:
    """Composes the messages of one publication.

    It keeps the last few editions in pieces, in each language that was asked for, and of what their readers share at
    most 24 MiB, however many readers there are.
    """

    def __init__(
        self,
        database: Database,
        publication: Publication,
        tokens: Tokens,
        *,
        sign: Callable[[Message], Message] = lambda message: message,
    ) -> None:
        self._database = database
        self._sign = sign
        self._publication = publication
        self._tokens = tokens
        self._letters: dict[str, LetterComposer] = {}
        self._editions: OrderedDict[tuple[int, str], DigestComposer] = OrderedDict()
        self._shared = Shared()
        self._looked_into: set[int] = set()

    def compose(self, claimed: Claimed) -> Message | None:
        """The message of a delivery; None where the reader's topics have nothing new."""
        message = self._compose(claimed)
        return message and self._sign(message)

    def _compose(self, claimed: Claimed) -> Message | None:
        language = language_of(claimed.locale)
        if claimed.kind in LETTERS:
            return self._letter(language).compose(
                claimed.kind,
                delivery_id=claimed.id,
                subscriber_id=claimed.subscriber_id,
                recipient=claimed.email,
                date_at=claimed.slot_at,
            )
        number = claimed.edition_id or 0
        try:
            return self._digest(number, language, claimed)
        except Exception:
            if number in self._looked_into:
                raise
            self._looked_into.add(number)
            self._take_out_poison(number, language)
        return self._digest(number, language, claimed)

    def identify(self, doubt: Doubt) -> str:
        """The Message-ID of a delivery that was composed before."""
        return message_id(
            message_number(doubt.kind, delivery_id=doubt.id, subscriber_id=doubt.subscriber_id),
            doubt.kind,
            day=doubt.scheduled_day or doubt.slot_at.astimezone(UTC).date(),
            installation=self._tokens.installation,
            domain=self._publication.domain,
        )

    def _digest(self, number: int, language: Language, claimed: Claimed) -> Message | None:
        return self._edition(number, language).compose(
            delivery_id=claimed.id,
            subscriber_id=claimed.subscriber_id,
            recipient=claimed.email,
            topics=claimed.topics,
            day=claimed.day,
            hidden=claimed.hidden,
            mail_format=claimed.mail_format,
            copied_at=claimed.slot_at if claimed.kind is Kind.COPY else None,
        )

    def _letter(self, language: Language) -> LetterComposer:
        if (letters := self._letters.get(language.code)) is None:
            letters = self._letters[language.code] = LetterComposer(self._publication, self._tokens, language)
        return letters

    def _edition(self, number: int, language: Language) -> DigestComposer:
        key = (number, language.code)
        if (composer := self._editions.get(key)) is None:
            composer = self._editions[key] = self._rendered(number, language)
            while len(self._editions) > 1 and self._is_full():
                self._editions.popitem(last=False)
        else:
            self._editions.move_to_end(key)
        return composer

    def _rendered(self, number: int, language: Language) -> DigestComposer:
        content, kind, slot_at = self._frozen(number)
        return self._composer(content, number, kind, slot_at, language, self._shared)

    def _frozen(self, number: int) -> tuple[Content, Kind, datetime]:
        with self._database.reading() as session:
            edition = session.get_one(Edition, number)
            return Content.from_json(edition.content), Kind(edition.kind), edition.slot_at

    def _composer(
        self, content: Content, number: int, kind: Kind, slot_at: datetime, language: Language, shared: Shared
    ) -> DigestComposer:
        return DigestComposer(
            content,
            kind=kind,
            slot_at=slot_at,
            edition_id=number,
            publication=self._publication,
            language=language,
            tokens=self._tokens,
            shared=shared,
        )

    def _take_out_poison(self, number: int, language: Language) -> None:
        """After a failure: if stories are at fault, or another worker found such, render the edition without them."""
        content, kind, slot_at = self._frozen(number)

        def render(alone: Content) -> object:
            topics = frozenset(topic for story in alone.stories for topic in story.topics)
            composer = self._composer(alone, number, kind, slot_at, language, Shared())
            return composer.compose(
                delivery_id=1, subscriber_id=1, recipient=_ANYBODY, topics=topics, day=slot_at.date()
            )

        take_out_poison(self._database, number, content, render=render)
        for key in [key for key in self._editions if key[0] == number]:
            del self._editions[key]

    def _is_full(self) -> bool:
        octets = sum(composer.octets for composer in self._editions.values())
        return len({number for number, _ in self._editions}) > _EDITIONS_KEPT or octets > _EDITIONS_OCTETS
