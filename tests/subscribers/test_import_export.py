"""A file adds people; it keeps the good rows, names the bad ones, and revives nobody."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from digestmail.errors import InputError
from digestmail.store.database import Database
from digestmail.store.models import ConsentEvent, Delivery, Subscriber, Suppression
from digestmail.store.states import Kind, MailFormat, Standing
from digestmail.subscribers.choices import topics_of
from digestmail.subscribers.import_export import BadRow, ImportReport, export_csv, import_csv
from digestmail.tokens import Tokens

HEAD = "email,topics,time_zone,hour,days,locale,format,confirmed_at,source\n"


def read(publication: Database, now: datetime, text: str) -> ImportReport:
    return import_csv(
        publication, io.StringIO(text), fingerprint=Tokens("a secret").fingerprint, default_time_zone="UTC", now=now
    )


def test_a_confirmed_row_becomes_an_active_subscriber(publication: Database, now: datetime) -> None:
    report = read(
        publication,
        now,
        HEAD + "Ann@example.org,climate;labour,Asia/Tokyo,6,mon;thu,es-MX,Text,2026-01-01T00:00:00Z,old list\n",
    )
    assert report == ImportReport(active=1, to_confirm=0, bad=())
    with publication.reading() as session:
        row = session.exec(select(Subscriber)).one()
        topics = topics_of(session, row.id or 0)
        sources = session.exec(select(ConsentEvent.source)).all()
        deliveries = session.exec(select(Delivery)).all()
    assert (row.email, row.standing, row.hour, row.days, row.locale) == ("Ann@example.org", Standing.ACTIVE, 6, 9, "es")
    assert row.mail_format == MailFormat.TEXT
    assert row.next_send_at == datetime(2026, 11, 25, 21, tzinfo=UTC)
    assert row.window_start_at == now - timedelta(hours=24)
    assert (topics, sources, deliveries) == ({1, 2}, ["old list"], [])


def test_an_unconfirmed_row_is_asked_first(publication: Database, now: datetime) -> None:
    assert read(publication, now, "email,topics\nann@example.org,climate\n").to_confirm == 1
    with publication.reading() as session:
        assert session.exec(select(Subscriber.standing)).all() == [Standing.PENDING]
        assert session.exec(select(Delivery.kind)).all() == [Kind.CONFIRMATION]


def test_a_row_without_a_locale_gets_that_of_the_publication(publication: Database, now: datetime) -> None:
    file = io.StringIO("email,topics\nann@example.org,climate\n")
    import_csv(
        publication,
        file,
        fingerprint=Tokens("a secret").fingerprint,
        default_time_zone="UTC",
        default_locale="ar",
        now=now,
    )
    with publication.reading() as session:
        assert session.exec(select(Subscriber.locale)).one() == "ar"


def test_bad_rows_are_named_by_line_and_good_ones_kept(publication: Database, now: datetime) -> None:
    report = read(
        publication,
        now,
        HEAD
        + "ann,climate,UTC,7,daily,en,,,\n"
        + "bob@example.org,sports,UTC,7,daily,en,,2026-01-01,\n"
        + "cid@example.org,climate,Moon,24,someday,tlh,pdf,yesterday,\n"
        + '"dan@example.org",climate,UTC,7,daily,en,,2026-01-01,"two\nlines"\n'
        + "DAN@example.org,climate,UTC,7,daily,en,,2026-01-01,\n",
    )
    assert report.active == 1
    assert [row.line for row in report.bad] == [2, 3, 4, 7]
    reasons = [row.reason for row in report.bad]
    assert "mail address" in reasons[0]
    assert "“sports”" in reasons[1]
    assert all(word in reasons[2] for word in ("Moon", "0 to 23", "someday", "yesterday", "no language “tlh”", "“pdf”"))
    assert "further up" in reasons[3]


def test_nobody_is_revived_or_changed(publication: Database, now: datetime) -> None:
    with publication.transaction() as session:
        session.add(Suppression(email_key="dead@example.org", reason="550 5.1.1 unknown", created_at=now))
        session.add(
            Subscriber(
                email="left@example.org", email_key="left@example.org", standing=Standing.UNSUBSCRIBED, created_at=now
            )
        )
    text = "email,topics,confirmed_at\n" + "".join(
        f"{name}@example.org,climate,2026-01-01\n" for name in ("dead", "left", "new")
    )
    report = read(publication, now, text)
    assert report.active == 1
    assert report.bad == (
        BadRow(2, "this address must not be written to (550 5.1.1 unknown)"),
        BadRow(3, "has unsubscribed"),
    )
    assert [row.reason for row in read(publication, now, text).bad][2] == "is a subscriber already"


@pytest.mark.parametrize("head", ["", "email\n", "email,topics,shoe_size\n"])
def test_a_file_without_the_right_columns_is_refused(publication: Database, now: datetime, head: str) -> None:
    with pytest.raises(InputError, match="column"):
        read(publication, now, head)


def test_what_was_exported_can_be_imported(publication: Database, now: datetime) -> None:
    text = HEAD + "".join(
        f"r{number}@example.org,climate;labour,Europe/Berlin,{number % 24},mon;sun,en,"
        f"{('html', 'text')[number % 2]},2026-01-01T00:00:00+00:00,list\n"
        for number in range(1200)
    )
    assert read(publication, now, text).active == 1200
    out = io.StringIO()
    with publication.reading() as session:
        assert export_csv(session, out) == 1200
    assert out.getvalue() == text


def test_what_is_no_csv_any_more_is_named_and_the_rows_before_it_kept(publication: Database, now: datetime) -> None:
    huge = "x" * 200_000
    report = read(publication, now, f"email,topics\nann@example.org,climate\nbob@example.org,{huge}\n")
    assert report.to_confirm == 1
    assert "cannot be read as CSV" in report.bad[0].reason


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00", "soon"])
def test_a_time_that_is_none_is_a_bad_row(publication: Database, now: datetime, when: str) -> None:
    report = read(publication, now, f"email,topics,confirmed_at\nann@example.org,climate,{when}\n")
    assert "ISO 8601" in report.bad[0].reason


@pytest.mark.parametrize(
    ("words", "days"), [("daily", 127), ("weekdays", 31), ("Mon;Thursday", 9), ("", 127), ("sun;sun", 64)]
)
def test_days_are_read(publication: Database, now: datetime, words: str, days: int) -> None:
    read(publication, now, f"email,topics,days,confirmed_at\nann@example.org,climate,{words},2026-01-01\n")
    with publication.reading() as session:
        assert session.exec(select(Subscriber.days)).one() == days


def test_a_monkey_is_no_monday(publication: Database, now: datetime) -> None:
    report = read(publication, now, "email,topics,days\nann@example.org,climate,monkey\n")
    assert "“monkey” is no day" in report.bad[0].reason
