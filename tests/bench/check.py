"""The quick check: a slot into our recorder, and then what arrived is compared with the ledger and with what was due.

A sample is parsed by Python's strictest parser, and each of its bodies is compared with the digest rendered for that
reader alone.
"""

import email
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from pathlib import Path

from sqlmodel import col, select

from digestmail.editions.content import Content
from digestmail.messages.publication import Publication
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Edition, Subscriber
from digestmail.store.states import Kind
from digestmail.tokens import Tokens
from tests.bench.feeds import feeds
from tests.bench.figures import Collecting, SlotFigures
from tests.bench.installation import SECRET, publication
from tests.bench.measure import place, slot, without_readers
from tests.bench.options import Options, Part
from tests.bench.readers import Reader, readers, rendered_alone
from tests.bench.recorder import Note, read_kept, read_notes
from tests.bench.screen import Screen
from tests.bench.sinks import NO_SINK, recorder
from tests.bench.slot import PROBE, SIGNED_UP

_SAMPLE = 100
_STRICT = SMTP.clone(raise_on_defect=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was due, what the ledger says, what arrived."""

    due: int
    planned: int
    sent: int
    received: int
    """Messages that the sink accepted."""
    lost: int
    """Readers who were due and got nothing."""
    duplicates: int
    """Copies of a Message-ID beyond the first, and messages beyond the first to one reader."""
    sampled: int
    faults: tuple[str, ...]
    """What is wrong with the sampled messages."""
    rate: float

    @property
    def holds(self) -> bool:
        """Whether everything is as it must be."""
        counts = {self.due, self.planned, self.sent, self.received}
        return len(counts) == 1 and not (self.lost or self.duplicates or self.faults) and self.sampled > 0

    def __str__(self) -> str:
        """In a line."""
        return (
            f"due {self.due}, planned {self.planned}, sent {self.sent}, received {self.received}, lost {self.lost}, "
            f"duplicates {self.duplicates}, sampled {self.sampled}, unequal {len(self.faults)}; "
            f"{self.rate:,.0f} messages a second: {'all is well' if self.holds else 'THIS IS WRONG'}"
        )


def check(options: Options, screen: Screen) -> Verdict:
    """Send a slot to the recorder and judge it. Raises BenchError where it does not come to an end."""
    keep = max(1, options.subscribers // _SAMPLE)
    folder: Path | None = None
    faults: list[str] = []
    sampled = 0

    def compare(database: Database) -> None:
        nonlocal sampled
        assert folder is not None
        for recipient, data in read_kept(folder):
            if recipient not in (PROBE, SIGNED_UP):
                sampled += 1
                faults.extend(f"{recipient}: {fault}" for fault in _faults(database, recipient, data))

    with place(options, screen, sink=lambda children, home: recorder(children, home / "caught", keep=keep)) as here:
        folder = here.folder / "caught"
        figures = slot(here, with_sign_up=Part.CONFIRMATION in options.parts, look=compare)
        with here.databases.opened(here.databases.seeded) as database, database.reading() as session:
            due = select(Subscriber.email).where(col(Subscriber.next_send_at) == here.seeded.waits_until)
            expected = set(session.exec(due))
        return judge(figures, read_notes(folder), expected=expected, sampled=sampled, faults=faults)


def check_feeds(options: Options, screen: Screen) -> tuple[Collecting, ...]:
    """Collect feeds, which must all be polled and bring just their news. Raises BenchError."""
    with place(without_readers(options), screen, sink=lambda children, home: NO_SINK) as here:
        return feeds(here.children, here.databases, count=options.feeds).rounds


def judge(
    figures: SlotFigures, notes: Sequence[Note], *, expected: set[str], sampled: int, faults: Sequence[str]
) -> Verdict:
    """Compare what arrived with what was due (pure)."""
    digests = [note for note in notes if ".digest." in note.message_id]
    identities = Counter(note.message_id for note in digests)
    recipients = Counter(note.recipient for note in digests)
    return Verdict(
        due=len(expected),
        planned=figures.planned,
        sent=figures.sent,
        received=len(digests),
        lost=len(expected - set(recipients)),
        duplicates=max(counts.total() - len(counts) for counts in (identities, recipients)),
        sampled=sampled,
        faults=tuple(faults),
        rate=figures.sent / figures.seconds,
    )


def faults_of(
    data: bytes, reader: Reader, *, content: Content, delivery: Delivery, publisher: Publication, tokens: Tokens
) -> list[str]:
    """What distinguishes a message as it arrived from the digest rendered for its reader alone."""
    try:
        mail = parsed(data)
    except Exception as error:  # whatever a strict parser says, it is a fault of the message
        return [f"does not parse: {error!r}"]
    day = delivery.scheduled_day or delivery.slot_at.date()
    alone = rendered_alone(reader, content, delivery_id=delivery.id or 0, day=day, publisher=publisher, tokens=tokens)
    if alone is None:
        return ["arrived, although there is nothing for this reader"]
    faults = [] if mail["To"] == reader.email else [f"is addressed to {mail['To']}"]
    for kind, wanted in {"plain": alone.text, "html": alone.html}.items():
        body = mail.get_body((kind,))
        if body is None or _content(body) != wanted:
            faults.append(f"the {kind} part is not the digest rendered alone")
    return faults


def parsed(data: bytes) -> EmailMessage:
    """The message, all its headers and bodies read. Raises whatever defect there is (RFC 5322, 2045 to 2047)."""
    mail = email.message_from_bytes(data, policy=_STRICT)
    assert isinstance(mail, EmailMessage)
    for part in mail.walk():
        for _, value in part.items():
            if value.defects:
                raise value.defects[0]
        if not part.is_multipart():
            _content(part)
    return mail


def _content(part: MIMEPart) -> str:
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def _faults(database: Database, recipient: str, data: bytes) -> list[str]:
    with database.reading() as session:
        row = session.exec(
            select(Delivery, Edition)
            .join(Edition, col(Edition.id) == Delivery.edition_id)
            .join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
            .where(Subscriber.email_key == recipient, Delivery.kind == Kind.DIGEST)
        ).first()
        if row is None:
            return ["arrived, and no digest to it is in the ledger"]
        delivery, edition = row
        content = Content.from_json(edition.content)
        session.expunge_all()
    [reader] = readers(database, limit=1, emails=[recipient])
    return faults_of(data, reader, content=content, delivery=delivery, publisher=publication(), tokens=Tokens(SECRET))
