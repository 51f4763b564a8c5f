"""Turns a claimed delivery into its message; editions are composed once and kept for the next reader."""

from collections import OrderedDict

from digestmail.deliveries.ledger import Claimed
from digestmail.editions.content import Content
from digestmail.messages.compose import DigestComposer
from digestmail.messages.confirmation import LetterComposer
from digestmail.messages.message import Message
from digestmail.messages.publication import Publication
from digestmail.store.database import Database
from digestmail.store.models import Edition, Kind
from digestmail.tokens import Tokens

_EDITIONS_KEPT = 8


class Mailroom:
    """Composes the messages of one publication."""

    def __init__(self, database: Database, publication: Publication, tokens: Tokens) -> None:
        self._database = database
        self._publication = publication
        self._tokens = tokens
        self._letters: LetterComposer | None = None
        self._editions: OrderedDict[int, DigestComposer] = OrderedDict()

    def compose(self, claimed: Claimed) -> Message | None:
        """The message of a delivery; None where the reader's topics have nothing new."""
        if claimed.kind == Kind.CONFIRMATION:
            return self._letter().confirmation(delivery_id=claimed.id, recipient=claimed.email, date_at=claimed.slot_at)
        if claimed.kind == Kind.REMINDER:
            return self._letter().reminder(
                delivery_id=claimed.id,
                subscriber_id=claimed.subscriber_id,
                recipient=claimed.email,
                date_at=claimed.slot_at,
            )
        return self._edition(claimed).compose(
            delivery_id=claimed.id,
            subscriber_id=claimed.subscriber_id,
            recipient=claimed.email,
            topics=claimed.topics,
            day=claimed.scheduled_day,
        )

    def _letter(self) -> LetterComposer:
        if self._letters is None:
            self._letters = LetterComposer(self._publication, self._tokens)
        return self._letters

    def _edition(self, claimed: Claimed) -> DigestComposer:
        number = claimed.edition_id or 0
        if number not in self._editions:
            with self._database.reading() as session:
                edition = session.get_one(Edition, number)
                content = Content.from_json(edition.content)
                slot_at = edition.slot_at
            self._editions[number] = DigestComposer(
                content,
                kind=claimed.kind,
                slot_at=slot_at,
                edition_id=number,
                publication=self._publication,
                tokens=self._tokens,
            )
            if len(self._editions) > _EDITIONS_KEPT:
                self._editions.popitem(last=False)
        self._editions.move_to_end(number)
        return self._editions[number]
