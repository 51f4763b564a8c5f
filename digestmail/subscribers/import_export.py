"""Subscribers in and out of a CSV file. A file can add people; it never revives who left, was forgotten or must not be
written to.

Columns: email, topics (slugs, `;` between), time_zone, hour (0 to 23), days (`daily`, `weekdays` or names such as
`mon;thu`), locale, format (`html` or `text`), confirmed_at (ISO 8601), source. Only email and topics are needed. A row
without `confirmed_at` is mailed a confirmation first.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, TextIO

from sqlmodel import Session, col, insert, select

from digestmail.address import Address, parse_address
from digestmail.errors import FormError, InputError
from digestmail.language import known_language
from digestmail.store.database import Database
from digestmail.store.models import ConsentEvent, Delivery, Subscriber, Subscription, Suppression, Topic
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind, MailFormat, Standing
from digestmail.subscribers.choices import DEFAULT_HOUR, Choices, read_choices, topic_ids
from digestmail.subscribers.consent import WORDING, Event
from digestmail.subscribers.erasure import Fingerprint, erased_among
from digestmail.subscribers.schedule import DAY_NAMES, EVERY_DAY, next_slot, weekdays_of

COLUMNS = ("email", "topics", "time_zone", "hour", "days", "locale", "format", "confirmed_at", "source")

_FIRST_WINDOW = timedelta(hours=24)
"""The first digest of somebody imported shows the items of the day before the import too."""

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was left out: the file's line and the reason in words."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did."""

    active: int
    to_confirm: int
    bad: tuple[BadRow, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    address: Address
    choices: Choices
    locale: str
    mail_format: MailFormat
    confirmed_at: datetime | None
    source: str


def import_csv(
    database: Database,
    file: TextIO,
    *,
    fingerprint: Fingerprint,
    default_time_zone: str,
    default_locale: str = "en",
    now: datetime,
    on_rows: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Add the good rows of a CSV file, some hundred at a time; `on_rows` is told how many lines have been dealt with.

    Raises InputError when the file as a whole cannot be used.
    """
    reader = csv.DictReader(file)
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    missing = [name for name in ("email", "topics") if name not in names]
    if missing:
        raise InputError(
            f"The file has no column “{missing[0]}”. Its first line must name the columns: {','.join(COLUMNS)}."
        )
    if unknown := [name for name in names if name not in COLUMNS]:
        raise InputError(f"There is no column “{unknown[0]}”. Known are: {', '.join(COLUMNS)}.")

    with database.reading() as session:
        known = topic_ids(session)
    bad: list[BadRow] = []
    active = to_confirm = 0
    lines = _numbered(reader, bad)
    while bite := list(islice(lines, _ROWS_AT_ONCE)):
        rows: dict[str, _Row] = {}
        for line, values in bite:
            try:
                row = _read(line, values, known, default_time_zone, default_locale)
            except FormError as error:
                bad.append(BadRow(line, str(error)))
            else:
                if row.address.key in rows:
                    bad.append(BadRow(line, "the same address stands further up in the file"))
                else:
                    rows[row.address.key] = row
        with database.transaction() as session:
            for key, reason in _taken(session, rows, fingerprint):
                bad.append(BadRow(rows.pop(key).line, reason))
            _insert(session, list(rows.values()), now=now)
        confirmed = sum(row.confirmed_at is not None for row in rows.values())
        active, to_confirm = active + confirmed, to_confirm + len(rows) - confirmed
        on_rows(bite[-1][0])
    return ImportReport(active, to_confirm, tuple(sorted(bad, key=lambda row: row.line)))


def export_csv(session: Session, file: TextIO) -> int:
    """Write the active subscribers as `import_csv` reads them; how many there are."""
    slugs: dict[int, list[str]] = {}
    for subscriber_id, slug in session.exec(
        select(Subscription.subscriber_id, Topic.slug)
        .join(Topic, col(Topic.id) == Subscription.topic_id)
        .order_by(col(Topic.position), col(Topic.id))
    ):
        slugs.setdefault(subscriber_id, []).append(slug)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    active = select(Subscriber).where(Subscriber.standing == Standing.ACTIVE).order_by(col(Subscriber.id))
    for count, row in enumerate(session.exec(active.execution_options(yield_per=1000)), start=1):  # noqa: B007
        confirmed = row.confirmed_at.isoformat(timespec="seconds") if row.confirmed_at else ""
        topics = ";".join(slugs.get(row.id or 0, []))
        days = days_in_words(row.days)
        writer.writerow(
            [row.email, topics, row.time_zone, row.hour, days, row.locale, row.mail_format, confirmed, row.source]
        )
    return count


def days_in_words(days: int) -> str:
    """Days as the CSV column writes them."""
    return "daily" if days == EVERY_DAY else ";".join(DAY_NAMES[weekday] for weekday in weekdays_of(days))


def _numbered(reader: "csv.DictReader[str]", bad: list[BadRow]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows with their lines, up to where the file stops being CSV; that is added to `bad`."""
    try:
        for row in reader:
            yield reader.line_num, {name: value.strip() for name, value in row.items() if isinstance(value, str)}
    except csv.Error as error:
        bad.append(BadRow(reader.line_num, f"from here on the file cannot be read as CSV: {error}"))


def _read(
    line: int, values: dict[str, str], known: dict[str, int], default_time_zone: str, default_locale: str
) -> _Row:
    wrong: dict[str, str] = {}
    address = choices = confirmed_at = None
    try:
        address = parse_address(values.get("email", ""))
    except InputError as error:
        wrong["email"] = str(error)
    locale = default_locale
    try:
        locale = known_language(values.get("locale") or default_locale).code
    except InputError as error:
        wrong["locale"] = str(error)
    try:
        choices = read_choices(
            known,
            topics=values.get("topics", "").split(";"),
            hour=values.get("hour") or DEFAULT_HOUR,
            time_zone=values.get("time_zone") or default_time_zone,
            days=values.get("days", "").split(";"),
        )
    except FormError as error:
        wrong |= error.messages
    mail_format = MailFormat.HTML
    if text := values.get("format"):
        try:
            mail_format = MailFormat(text.lower())
        except ValueError:
            wrong["format"] = f"“{text}” is no format: write html or text."
    if text := values.get("confirmed_at"):
        try:
            confirmed_at = datetime.fromisoformat(text)
            confirmed_at = (confirmed_at if confirmed_at.tzinfo else confirmed_at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            wrong["confirmed_at"] = f"“{text}” is no ISO 8601 time such as 2026-01-31T12:00:00Z."
    if any("\0" in value for value in values.values()):
        wrong["source"] = "There is a NUL character in this row."
    if address is None or choices is None or wrong:
        raise FormError(wrong)
    return _Row(line, address, choices, locale, mail_format, confirmed_at, values.get("source") or "import")


def _taken(session: Session, keys: Iterable[str], fingerprint: Fingerprint) -> list[tuple[str, str]]:
    wanted = list(keys)
    erased = erased_among(session, wanted, fingerprint=fingerprint)
    suppressed = session.exec(
        select(Suppression.email_key, Suppression.reason).where(col(Suppression.email_key).in_(wanted))
    ).all()
    taken = {key: f"this address must not be written to ({reason})" for key, reason in suppressed}
    for key, standing in session.exec(
        select(Subscriber.email_key, Subscriber.standing).where(col(Subscriber.email_key).in_(wanted))
    ):
        taken.setdefault(key, "has unsubscribed" if standing == Standing.UNSUBSCRIBED else "is a subscriber already")
    return list({**dict.fromkeys(erased, "asked to be forgotten"), **taken}.items())


def _insert(session: Session, rows: list[_Row], *, now: datetime) -> None:
    if not rows:
        return
    connection = session.connection()
    added = connection.execute(
        insert(Subscriber).returning(col(Subscriber.email_key), col(Subscriber.id)),
        [_columns(row, now) for row in rows],
    )
    ids: dict[str, int] = {row.email_key: row.id for row in added}
    subscriptions = [
        {"subscriber_id": ids[row.address.key], "topic_id": topic}
        for row in rows
        for topic in sorted(row.choices.topics)
    ]
    events = [
        {"subscriber_id": ids[row.address.key], "event": Event.IMPORTED, "wording": WORDING, "at": now}
        | {"source": row.source, "ip": "", "user_agent": "", "locale": row.locale}
        for row in rows
    ]
    connection.execute(insert(Subscription), subscriptions)
    connection.execute(insert(ConsentEvent), events)
    confirmations = [
        new_delivery(Kind.CONFIRMATION, ids[row.address.key], slot_at=now, now=now)
        for row in rows
        if row.confirmed_at is None
    ]
    if confirmations:
        connection.execute(insert(Delivery), confirmations)


def _columns(row: _Row, now: datetime) -> dict[str, Any]:
    choices = row.choices
    slot = next_slot(time_zone=choices.time_zone, hour=choices.hour, days=choices.days, after=None, not_before=now)
    confirmed = row.confirmed_at is not None
    return {
        "email": row.address.text,
        "email_key": row.address.key,
        "standing": Standing.ACTIVE if confirmed else Standing.PENDING,
        "time_zone": choices.time_zone,
        "hour": choices.hour,
        "days": choices.days,
        "locale": row.locale,
        "mail_format": row.mail_format,
        "source": row.source,
        "created_at": now,
        "confirmed_at": row.confirmed_at,
        "confirmations": 0 if confirmed else 1,
        "next_send_at": slot.at if confirmed else None,
        "next_day": slot.day if confirmed else None,
        "window_start_at": now - _FIRST_WINDOW if confirmed else None,
    }
