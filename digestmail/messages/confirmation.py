"""Composes the letters to one person about the subscription, such as the one that asks to confirm it.

They show nothing that anybody typed into a form, so that a form cannot be used to write to strangers.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import NamedTuple

from digestmail.language import Language
from digestmail.messages.envelope import ReturnAddress
from digestmail.messages.frame import Frame
from digestmail.messages.keys import ALWAYS
from digestmail.messages.message import Message, message_id
from digestmail.messages.mime import alternative, date_header, header, mailbox_header, text_header
from digestmail.messages.pieces import Marks, Pieces
from digestmail.messages.publication import Publication
from digestmail.messages.template import render, render_subject
from digestmail.store.states import Kind
from digestmail.tokens import Purpose, Tokens

LETTERS: Mapping[Kind, Mapping[str, Purpose]] = {
    Kind.CONFIRMATION: {"confirm": Purpose.CONFIRM},
    Kind.REMINDER: {"preferences": Purpose.PREFERENCES, "unsubscribe": Purpose.UNSUBSCRIBE},
    Kind.ACCESS: {"access": Purpose.ACCESS},
    Kind.MOVE: {"move": Purpose.MOVE},
    Kind.MOVING: {"stay": Purpose.STAY},
}
"""The letters, and the links that each has."""

_OF_THE_READER = (Purpose.PREFERENCES, Purpose.UNSUBSCRIBE)
"""Their tokens name the reader; the others name the delivery."""


class _Letter(NamedTuple):
    frame: Frame
    wire_ready: bool


class LetterComposer:
    """The letters of a publication in one language; one is rendered once, and then has its links filled in."""

    def __init__(self, publication: Publication, tokens: Tokens, language: Language) -> None:
        self._language = language
        self._publication = publication
        self._tokens = tokens
        self._return_to = ReturnAddress(publication, tokens).of
        self._letters: dict[Kind, _Letter] = {}

    def compose(
        self, kind: Kind, *, delivery_id: int, subscriber_id: int, recipient: str, date_at: datetime
    ) -> Message:
        """The letter of a kind in `LETTERS`. Raises ValueError if the recipient's address cannot stand in a header."""
        if (letter := self._letters.get(kind)) is None:
            letter = self._letters[kind] = self._rendered(kind)
        links = {
            name: self._tokens.maker(purpose)(subscriber_id if purpose in _OF_THE_READER else delivery_id)
            for name, purpose in LETTERS[kind].items()
        }
        identity = message_id(
            str(delivery_id),
            kind,
            day=date_at.astimezone(UTC).date(),
            installation=self._tokens.installation,
            domain=self._publication.domain,
        )
        own = header("To", recipient) + header("Message-ID", identity) + date_header(date_at)
        return Message(
            message_id=identity,
            sender=self._return_to(delivery_id),
            recipient=recipient,
            data=letter.frame.filled(own, {name: [token] for name, token in links.items()}),
            wire_ready=letter.wire_ready,
        )

    def _rendered(self, kind: Kind) -> _Letter:
        marks = Marks()
        publication = self._publication
        name, address = parseaddr(publication.sender_of_letters)
        rendering = render(kind, marker=marks, publication=publication, language=self._language)
        text, html = (Pieces(form, marks, {}) for form in (rendering.text, rendering.html))
        head = (
            mailbox_header("From", name or publication.name, address)
            + text_header("Subject", render_subject(kind, publication=publication, language=self._language))
            + header("Auto-Submitted", "auto-generated")  # RFC 3834
        )
        frame = Frame([head, *alternative(text.around([ALWAYS]), html.around([ALWAYS]))], {})
        return _Letter(frame, wire_ready=text.wire_ready and html.wire_ready)
