"""Composes the messages of one edition: rendered once, and for each reader joined from ready pieces."""

from datetime import UTC, date, datetime

from digestmail.editions.content import Content
from digestmail.editions.select import select
from digestmail.messages.digest import Digest
from digestmail.messages.message import Message, message_id
from digestmail.messages.mime import alternative, date_header, header, list_id_header, mailbox_header, text_header
from digestmail.messages.pieces import Composed, Marks, Pieces
from digestmail.messages.prose import day_in_words
from digestmail.messages.publication import Publication
from digestmail.messages.quoted_printable import encode, encode_token
from digestmail.messages.shared import Shared
from digestmail.messages.tidy import tidy
from digestmail.store.models import Kind
from digestmail.tokens import Purpose, Tokens

_SHARED_OCTETS = 64 * 1024 * 1024


class DigestComposer:
    """The messages of one edition. Making one costs a rendering; composing costs microseconds.

    Readers of the same topics on the same day share all but their addresses and links, in a memory of at most
    `shared_octets`.
    """

    def __init__(
        self,
        content: Content,
        *,
        kind: Kind,
        slot_at: datetime,
        edition_id: int,
        publication: Publication,
        tokens: Tokens,
        shared_octets: int = _SHARED_OCTETS,
    ) -> None:
        """Render the edition, for a digest or a welcome. The Date of all its messages is `slot_at`."""
        self._content = tidy(content)
        self._kind = kind
        self._slot_at = slot_at.astimezone(UTC)
        self._publication = publication
        self._sender, self._domain = publication.sender_address, publication.domain
        self._tokens = tokens
        marks = Marks()
        rendering = Digest.of_all(self._content).render(kind=kind, publication=publication, marker=marks)
        self._text, self._html = Pieces(rendering.text, marks), Pieces(rendering.html, marks)
        self._headers = self._headers_of(edition_id)
        self._named = _topics_named(self._content)
        self._shared = Shared[tuple[frozenset[int], date]](shared_octets)

    def compose(
        self, *, delivery_id: int, subscriber_id: int, recipient: str, topics: frozenset[int], day: date
    ) -> Message | None:
        """The message of a reader of `topics` on that reader's `day`; None where the edition has no story for them.

        Raises ValueError if the recipient's address cannot stand in a header.
        """
        composed = self._shared.get((topics & self._named, day), self._join)
        if composed is None:
            return None
        unsubscribe = self._tokens.make(Purpose.UNSUBSCRIBE, subscriber_id)
        preferences = self._tokens.make(Purpose.PREFERENCES, subscriber_id)
        identity = message_id(
            delivery_id,
            kind=self._kind,
            slot_at=self._slot_at,
            installation=self._tokens.installation,
            domain=self._domain,
        )
        own = (
            header("To", recipient)
            + header("Message-ID", identity)
            + header("List-Unsubscribe", f"<{self._publication.url}/u/{unsubscribe}>")
        )
        data = composed.filled(
            own, {"unsubscribe": encode_token(unsubscribe), "preferences": encode_token(preferences)}
        )
        return Message(message_id=identity, sender=self._sender, recipient=recipient, data=data)

    def _join(self, key: tuple[frozenset[int], date]) -> Composed | None:
        topics, day = key
        selection = select(self._content, topics)
        if not selection.stories:
            return None
        digest = Digest.of(selection)
        keys = tuple(digest.keys())
        subject = text_header("Subject", digest.subject(kind=self._kind, publication=self._publication))
        parts = alternative(self._text.join(keys), self._html.join(keys))
        return Composed([self._headers + subject, *parts], {"day": encode(day_in_words(day))})

    def _headers_of(self, edition_id: int) -> bytes:
        publication = self._publication
        return b"".join(
            (
                date_header(self._slot_at),
                mailbox_header("From", publication.sender_name, self._sender),
                list_id_header(publication.name, self._domain),
                header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),  # RFC 8058
                header("Feedback-ID", f"{edition_id}:{self._kind}:digestmail:{self._domain}"),
                header("Auto-Submitted", "auto-generated"),  # RFC 3834
            )
        )


def _topics_named(content: Content) -> frozenset[int]:
    """The topics on which a digest of this edition depends; readers who differ in others only get the same."""
    shown = {topic for story in content.stories for topic in (*story.topics, *story.earlier)}
    return frozenset(shown.union(*(announcement.topics for announcement in content.announcements)))
