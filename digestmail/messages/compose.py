"""Composes the messages of one edition: rendered once, and for each reader joined from ready parts."""

from datetime import UTC, date, datetime
from functools import lru_cache

from digestmail.editions.content import Content
from digestmail.language import Language
from digestmail.messages.budget import BUDGET
from digestmail.messages.digest import more_in_words, subject
from digestmail.messages.envelope import ReturnAddress
from digestmail.messages.layout import ENTRY_OCTETS, Layouts
from digestmail.messages.message import Message, message_id_ending, message_number
from digestmail.messages.mime import date_header, header, list_id_header, mailbox_header, reader_headers, text_header
from digestmail.messages.publication import Publication
from digestmail.messages.quoted_printable import inline
from digestmail.messages.shared import Shared
from digestmail.messages.tidy import tidy
from digestmail.store.states import Kind, MailFormat
from digestmail.tokens import Purpose, Tokens


class DigestComposer:
    """The messages of one edition. Making one costs a rendering; composing costs microseconds."""

    def __init__(
        self,
        content: Content,
        *,
        kind: Kind,
        slot_at: datetime,
        edition_id: int,
        publication: Publication,
        language: Language,
        tokens: Tokens,
        shared: Shared | None = None,
        budget: int = BUDGET,
    ) -> None:
        """Render the edition, for a digest or a welcome. The Date of all its messages is `slot_at`, but for copies.

        What readers have in common is kept in `shared`, beside that of other editions. A digest has at most `budget`
        octets of HTML, unless what cannot be left out has more.
        """
        slot_at = slot_at.astimezone(UTC)
        self._kind = kind
        self._date = date_header(slot_at)
        self._publication = publication
        self._language = language
        self._return_to = ReturnAddress(publication, tokens).of
        self._installation = tokens.installation
        self._id_endings: dict[date, str] = {}
        self._unsubscribe_url = f"{publication.url}/u/"
        self._unsubscribe = tokens.maker(Purpose.UNSUBSCRIBE)
        self._preferences = tokens.maker(Purpose.PREFERENCES)
        self._view = tokens.maker(Purpose.VIEW)
        self._gave = tokens.maker(Purpose.GAVE)
        self._shared = shared or Shared()
        self._subjects: dict[tuple[str, int], bytes] = {}
        self._layouts = Layouts(
            tidy(content, language=language),
            kind=kind,
            publication=publication,
            language=language,
            headers=self._headers(edition_id),
            shared=self._shared,
            budget=budget,
        )

    @property
    def octets(self) -> int:
        """What the rendered edition takes in memory."""
        return self._layouts.octets

    def compose(
        self,
        *,
        delivery_id: int,
        subscriber_id: int,
        recipient: str,
        topics: frozenset[int],
        day: date,
        hidden: frozenset[int] = frozenset(),
        mail_format: str = MailFormat.HTML,
        copied_at: datetime | None = None,
    ) -> Message | None:
        """The message of a reader of `topics` on that reader's `day`; None where the edition has no story for them.

        It shows no announcement that is `hidden` (ids). A copy has `copied_at` as its Date, and a Message-ID of its own
        so that it is not folded into what it repeats. Raises ValueError if the recipient's address cannot stand in a
        header.
        """
        layout = self._layouts.of(topics, day, hidden, only_text=mail_format == MailFormat.TEXT)
        if layout is None:
            return None
        frame, values, title, stories, counted = layout
        unsubscribe, preferences = self._unsubscribe(subscriber_id), self._preferences(subscriber_id)
        number = message_number(self._kind, delivery_id=delivery_id, subscriber_id=subscriber_id)
        message_id, sent_at = f"<{number}{self._id_ending(day)}", self._date
        if copied_at is not None:
            message_id, sent_at = self._of_copy(delivery_id, copied_at.astimezone(UTC))
        headers = reader_headers(
            recipient=recipient, message_id=message_id, unsubscribe=self._unsubscribe_url + unsubscribe.decode("ascii")
        )
        values |= {"unsubscribe": (unsubscribe,), "preferences": (preferences,), "view": (self._view(delivery_id),)}
        if counted:
            values["more"] = (_more(counted, self._language),)
        if "gave" in frame.gaps:
            values["gave"] = (self._gave(subscriber_id),)
        data = frame.filled(headers + self._subject(title, stories) + sent_at, values)
        return Message(message_id, self._return_to(delivery_id), recipient, data, self._layouts.wire_ready)

    def _of_copy(self, delivery_id: int, at: datetime) -> tuple[str, bytes]:
        """The Message-ID and the Date."""
        number = message_number(Kind.COPY, delivery_id=delivery_id, subscriber_id=0)
        ending = message_id_ending(
            Kind.COPY, day=at.date(), installation=self._installation, domain=self._publication.domain
        )
        return f"<{number}{ending}", date_header(at)

    def _id_ending(self, day: date) -> str:
        if (ending := self._id_endings.get(day)) is None:
            ending = self._id_endings[day] = message_id_ending(
                self._kind, day=day, installation=self._installation, domain=self._publication.domain
            )
        return ending

    def _subject(self, title: str, stories: int) -> bytes:
        if (found := self._subjects.get((title, stories))) is None:
            line = subject(
                lead=title, stories=stories, kind=self._kind, publication=self._publication, language=self._language
            )
            found = text_header("Subject", line)
            self._shared.keep(self._subjects, (title, stories), found, ENTRY_OCTETS + len(found))
        return found

    def _headers(self, edition_id: int) -> bytes:
        """Those that all messages of the edition have."""
        publication = self._publication
        return b"".join(
            (
                mailbox_header("From", publication.sender_name, publication.sender_address),
                list_id_header(publication.name, publication.domain),
                header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),  # RFC 8058
                header("Feedback-ID", f"{edition_id}:{self._kind}:digestmail:{publication.domain}"),
                header("Auto-Submitted", "auto-generated"),  # RFC 3834
            )
        )


@lru_cache(4096)
def _more(hidden: int, language: Language) -> bytes:
    return inline(more_in_words(hidden, language))
