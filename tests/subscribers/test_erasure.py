"""Who asks to be forgotten is: nothing tells who it was, no list brings them back, and the accounts still come out."""

import io
from datetime import date, datetime, timedelta

from sqlmodel import Session, SQLModel, select, text

from digestmail.store.database import Database
from digestmail.store.models import (
    Bounce,
    ConsentEvent,
    Delivery,
    Erasure,
    Gift,
    LiftedSuppression,
    Subscriber,
    Subscription,
    Suppression,
)
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Bounced, Kind, Standing, State
from digestmail.subscribers.erasure import came_back, erase, erase_again, erased_among, erasures, whose
from digestmail.subscribers.import_export import import_csv
from digestmail.subscribers.move import MoveStatus, ask_to_move, find_move, move
from digestmail.subscribers.sign_up import confirm
from tests.subscribers.conftest import FORM
from tests.subscribers.people import FINGERPRINT, active, letters, pending, subscriber

TRACES = ("ann@", "Browser", "203.0.113", "Berlin", "year-end", "mailbox")


def known(session: Session, *, now: datetime) -> int:
    """A reader of whom there is something in every table."""
    reader = active(session, now=now)
    digest = new_delivery(Kind.DIGEST, reader, scheduled_day=date(2026, 11, 23), slot_at=now, now=now)
    failed = {"state": State.FAILED, "reason": "550 5.2.2 <ann@example.org>: mailbox full", "settled_at": now}
    bounce = {"fingerprint": "x", "kind": Bounced.SOFT, "reason": "ann@ is full", "source": "dsn", "at": now}
    lifted = {"reason": "ann@ asked", "created_at": now, "lifted_at": now, "lifted_for": "ann@ called"}
    session.add_all(
        [
            Delivery(**digest | failed),
            Gift(subscriber_id=reader, season="year-end", at=now),
            Bounce(subscriber_id=reader, **bounce),
            Suppression(email_key="ann@example.org", reason="hard bounce", created_at=now),
            LiftedSuppression(email_key="ann@example.org", **lifted),
        ]
    )
    session.flush()
    return reader


def forget(session: Session, reader: int, *, now: datetime) -> str:
    return erase(session, reader, fingerprint=FINGERPRINT, now=now)


def everything(session: Session) -> str:
    session.flush()
    tables = SQLModel.metadata.tables.values()
    return str([list(session.connection().execute(table.select())) for table in tables])


def test_nothing_is_left_that_tells_who_it_was(session: Session, now: datetime) -> None:
    reader = known(session, now=now)
    assert all(trace in everything(session) for trace in TRACES)
    assert forget(session, reader, now=now) == "ann@example.org"
    left = everything(session)
    assert [trace for trace in TRACES if trace in left] == []
    row = session.get_one(Subscriber, reader)
    assert (row.email, row.email_key, row.standing) == ("", f"erased-{reader}", Standing.ERASED)
    assert (row.next_send_at, row.next_day, row.window_start_at, row.confirmed_at) == (None, None, None, None)


def test_every_table_that_names_a_reader_is_emptied_of_them(session: Session, now: datetime) -> None:
    """A new table fails here, until it is thought of."""
    named = {
        name
        for name, table in SQLModel.metadata.tables.items()
        if {"subscriber_id", "email", "email_key"} & {column.name for column in table.columns}
    }
    emptied = (Subscription, ConsentEvent, Bounce, Gift, Suppression, LiftedSuppression)
    kept_without_a_name = (Subscriber, Delivery)
    assert named == {str(table.__tablename__) for table in (*emptied, *kept_without_a_name)}
    reader = known(session, now=now)
    for table in emptied:
        assert session.exec(select(table)).first() is not None
    forget(session, reader, now=now)
    for table in emptied:
        assert session.exec(select(table)).first() is None


def test_the_ledger_keeps_its_rows_states_and_times(session: Session, now: datetime) -> None:
    reader = known(session, now=now)
    rows = select(Delivery.id, Delivery.kind, Delivery.state, Delivery.slot_at).order_by(text("id"))
    before = session.exec(rows).all()
    forget(session, reader, now=now)
    assert session.exec(rows).all() == before


def test_others_are_left_alone(session: Session, now: datetime) -> None:
    reader, other = known(session, now=now), active(session, "bob@example.org", now=now)
    forget(session, reader, now=now)
    assert session.get_one(Subscriber, other).standing == Standing.ACTIVE
    assert session.exec(select(ConsentEvent.subscriber_id).distinct()).all() == [other]


def test_a_second_time_and_an_unknown_reader_change_nothing(session: Session, now: datetime) -> None:
    reader = known(session, now=now)
    forget(session, reader, now=now)
    before = everything(session)
    assert forget(session, reader, now=now + timedelta(days=1)) == forget(session, 99, now=now) == ""
    assert everything(session) == before


def test_their_links_lead_to_nobody(session: Session, now: datetime) -> None:
    reader = known(session, now=now)
    forget(session, reader, now=now)
    assert whose(session, reader) is None


def test_a_move_that_waits_is_forgotten_with_its_new_address(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    ask_to_move(session, reader, "ann@new.example", fingerprint=FINGERPRINT, now=now)
    [number] = letters(session, subscriber(session, "ann@new.example").id or 0, Kind.MOVE)
    forget(session, reader, now=now)
    assert "ann@" not in everything(session)
    assert find_move(session, number, now=now).status is MoveStatus.STOPPED


def test_somebody_who_signed_up_with_that_address_is_not_forgotten_with_them(session: Session, now: datetime) -> None:
    reader, other = active(session, now=now), pending(session, "bob@example.org", now=now)
    ask_to_move(session, reader, "bob@example.org", fingerprint=FINGERPRINT, now=now + timedelta(days=1))
    forget(session, reader, now=now)
    session.flush()
    row = session.get_one(Subscriber, other)
    assert (row.email, row.standing, row.moving_from_id) == ("bob@example.org", Standing.PENDING, None)


def test_who_had_moved_is_forgotten_at_both_addresses(session: Session, now: datetime) -> None:
    reader, left = active(session, now=now), active(session, "ann@new.example", now=now)
    session.get_one(Subscriber, left).standing = Standing.UNSUBSCRIBED
    ask_to_move(session, reader, "ann@new.example", fingerprint=FINGERPRINT, now=now)
    session.flush()
    move(session, letters(session, left, Kind.MOVE)[-1], origin=FORM, now=now)
    assert whose(session, left) == reader
    forget(session, reader, now=now)
    assert whose(session, left) is None
    assert "ann@" not in everything(session)


CSV = "email,topics,confirmed_at\nANN@example.org,climate,2026-01-01\nbob@example.org,climate,2026-01-01\n"


def test_an_import_cannot_bring_them_back_and_names_the_line(publication: Database, now: datetime) -> None:
    with publication.transaction() as session:
        forget(session, active(session, now=now), now=now)
    report = import_csv(publication, io.StringIO(CSV), fingerprint=FINGERPRINT, default_time_zone="UTC", now=now)
    assert report.active == 1
    assert [(row.line, row.reason) for row in report.bad] == [(2, "asked to be forgotten")]


def test_their_own_sign_up_can_once_it_is_confirmed(session: Session, now: datetime) -> None:
    forget(session, active(session, now=now), now=now)
    back = pending(session, "ann@example.org", now=now)
    assert session.exec(select(Erasure)).first() is not None
    confirm(session, letters(session, back, Kind.CONFIRMATION)[-1], origin=FORM, now=now)
    came_back(session, back, fingerprint=FINGERPRINT)
    assert session.exec(select(Erasure)).first() is None
    assert subscriber(session, "ann@example.org").standing == Standing.ACTIVE


def test_the_fingerprint_tells_nothing_without_the_secret(session: Session, now: datetime) -> None:
    forget(session, active(session, now=now), now=now)
    assert erased_among(session, ["ann@example.org", "bob@example.org"], fingerprint=FINGERPRINT) == {"ann@example.org"}
    assert erased_among(session, ["ann@example.org"], fingerprint=lambda key: key) == set()


def test_a_database_that_was_put_back_forgets_again(session: Session, now: datetime) -> None:
    """As `restore` does: who signed up anew after the erasure stays."""
    ann, bob = active(session, now=now), active(session, "bob@example.org", now=now)
    cleo = active(session, "cleo@example.org", now=now + timedelta(hours=2))
    later = now + timedelta(hours=1)
    since = {FINGERPRINT(f"{name}@example.org"): later for name in ("ann", "cleo", "nobody")}
    assert erase_again(session, since, fingerprint=FINGERPRINT, now=later) == 1
    assert [session.get_one(Subscriber, each).standing for each in (ann, bob, cleo)] == [
        Standing.ERASED,
        Standing.ACTIVE,
        Standing.ACTIVE,
    ]
    session.flush()
    assert erasures(session).keys() == since.keys()
