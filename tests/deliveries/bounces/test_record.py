"""Each bounce and complaint is counted once, and stops the next mail only where it should and is proven."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import select

from digestmail.deliveries.bounces.history import returns as figures_of_returns
from digestmail.deliveries.bounces.read import read_message
from digestmail.deliveries.bounces.record import Counted, Taken
from digestmail.deliveries.bounces.report import Nature, Proof, Report, Returned, Verdict
from digestmail.deliveries.bounces.suppressions import lift, suppress_by_hand, suppressions
from digestmail.deliveries.readers import suppress
from digestmail.errors import InputError
from digestmail.store.models import ConsentEvent, Delivery, Subscriber
from digestmail.store.states import Bounced, Standing, State
from digestmail.subscribers.consent import Event, Origin, record
from digestmail.subscribers.erasure import erase, take_name
from tests.deliveries.bounces.conftest import Returns
from tests.deliveries.bounces.letters import NO_BOUNCES, READER, complaint, dsn, exim, our_headers, recipient
from tests.messages.samples import TOKENS

Due = Callable[[int], list[int]]


def test_a_hard_bounce_stops_the_next_mail_and_is_counted_once(returns: Returns, delivery: int) -> None:
    assert returns.bounce(delivery) == Taken(Counted.HARD, suppressed=True)
    assert returns.take(exim(our_headers(delivery)), delivery) == Taken(Counted.AGAIN)
    assert returns.suppressed == {READER: "hard bounce: 5.1.1"}
    assert returns.bounces == [("hard", delivery)]
    assert returns.reader(delivery).standing == Standing.ACTIVE


def test_what_comes_many_times_at_once_is_counted_once(returns: Returns, delivery: int) -> None:
    with ThreadPoolExecutor(6) as pool:
        counted = list(pool.map(lambda _: returns.bounce(delivery).counted, range(12)))
    assert sorted(counted) == [Counted.AGAIN] * 11 + [Counted.HARD]
    assert returns.bounces == [("hard", delivery)]


def test_a_complaint_ends_the_subscription(returns: Returns, delivery: int) -> None:
    taken = returns.take(complaint(returned=our_headers(delivery, returns.reader(delivery).id or 0)))
    assert taken == Taken(Counted.COMPLAINT, suppressed=True)
    assert returns.reader(delivery).standing == Standing.UNSUBSCRIBED
    with returns.database.reading() as session:
        [event] = session.exec(select(ConsentEvent)).all()
    assert (event.event, event.source) == ("unsubscribed", "complaint (complaint)")
    assert returns.suppressed == {READER: "complaint: abuse ProviderFBL/1.0"}


def test_a_refusal_by_policy_is_kept_and_stops_nothing(returns: Returns, delivery: int) -> None:
    assert returns.bounce(delivery, "5.7.1") == Taken(Counted.POLICY)
    assert (returns.bounces, returns.suppressed) == ([("policy", delivery)], {})


@pytest.mark.parametrize("name", NO_BOUNCES)
def test_what_is_no_bounce_changes_nothing(returns: Returns, delivery: int, name: str) -> None:
    assert returns.take(NO_BOUNCES[name], delivery).counted in (Counted.AUTOMATIC, Counted.OTHER)
    assert (returns.bounces, returns.suppressed) == ([], {})


def soft(returns: Returns, subscriber_id: int, *days: int, bounced: bool = True) -> list[Taken]:
    """A digest on each of these days after the first, which bounces an hour later."""
    taken = []
    start = returns.now
    for day in days:
        returns.now = start + timedelta(days=day)
        number = returns.send(subscriber_id, on=date(2026, 12, 1) + timedelta(days=day))
        returns.now += timedelta(hours=1)
        if bounced:
            taken.append(returns.bounce(number, "5.2.2"))
    returns.now = start
    return taken


@pytest.mark.parametrize(
    ("days", "suppressed"),
    [
        ((0, 7, 15), True),
        ((0, 15), False),
        ((0, 1, 2, 3, 4), False),
        ((0, 7, 14), False),
        (tuple(range(16)), True),
    ],
)
def test_soft_bounces_stop_mail_after_three_over_more_than_fourteen_days(
    returns: Returns, delivery: int, days: tuple[int, ...], suppressed: bool
) -> None:
    taken = soft(returns, returns.reader(delivery).id or 0, *days)
    assert [each.suppressed for each in taken] == [False] * (len(days) - 1) + [suppressed]
    assert bool(returns.suppressed) == suppressed


def test_a_digest_that_stayed_delivered_begins_the_row_anew(returns: Returns, delivery: int) -> None:
    reader = returns.reader(delivery).id or 0
    soft(returns, reader, 0, 7)
    soft(returns, reader, 9, bounced=False)
    assert [each.suppressed for each in soft(returns, reader, 16, 23, 30)] == [False, False, False]
    assert [each.suppressed for each in soft(returns, reader, 31)] == [True]


def test_a_digest_that_may_still_come_back_does_not(returns: Returns, delivery: int) -> None:
    reader = returns.reader(delivery).id or 0
    soft(returns, reader, 0, 7)
    soft(returns, reader, 14, bounced=False)
    assert soft(returns, reader, 15)[0].suppressed


def test_what_was_lifted_counts_anew_and_keeps_both_reasons(returns: Returns, delivery: int) -> None:
    reader = returns.reader(delivery).id or 0
    soft(returns, reader, 0, 7, 15)
    returns.now += timedelta(days=16)
    with returns.database.transaction() as session:
        assert lift(session, READER.upper(), reason="  has \n made room ", now=returns.now).startswith("3 soft bounces")
    assert returns.suppressed == {}
    assert returns.bounce(delivery) == Taken(Counted.HARD), "it is older than the lifting"
    assert [each.suppressed for each in soft(returns, reader, 1, 8, 16)] == [False, False, True]


def test_lifting_and_suppressing_by_hand(returns: Returns, delivery: int) -> None:
    with returns.database.transaction() as session:
        suppress_by_hand(session, READER, reason="asked by phone", now=returns.now)
    with returns.database.reading() as session:
        assert [(row.address, row.reason) for row in suppressions(session, limit=9)] == [
            (READER, "by hand: asked by phone")
        ]
    for call in (suppress_by_hand, lift):
        with pytest.raises(InputError, match="why"), returns.database.transaction() as session:
            call(session, READER, reason=" ", now=returns.now)
    with pytest.raises(InputError, match="already"), returns.database.transaction() as session:
        suppress_by_hand(session, READER, reason="again", now=returns.now)
    with returns.database.transaction() as session:
        lift(session, READER, reason="asked again", now=returns.now)
    with pytest.raises(InputError, match="not suppressed"), returns.database.transaction() as session:
        lift(session, READER, reason="once more", now=returns.now)


def test_a_forged_report_changes_nothing(returns: Returns, delivery: int) -> None:
    name = our_headers(delivery, returns.reader(delivery).id or 0).split("Message-ID: ")[1].partition("\n")[0]
    for returned in ("", f"To: {READER}\n", f"Message-ID: {name}\nTo: {READER}\n"):
        assert returns.take(dsn(recipient(), returned=returned)) == Taken(Counted.UNPROVEN)
        assert returns.take(complaint(returned=returned, original=READER)) == Taken(Counted.UNPROVEN)
    assert (returns.bounces, returns.suppressed) == ([], {})


def test_a_report_that_names_another_reader_touches_only_the_one_whose_token_it_has(returns: Returns, due: Due) -> None:
    first, second = due(2)
    returns.take(dsn(recipient(address="r1@example.org"), returned=our_headers(second, reader="r1@example.org")), first)
    assert list(returns.suppressed) == ["r0@example.org"]
    name = our_headers(first, returns.reader(first).id or 0).split("Message-ID: ")[1].partition("\n")[0]
    token = our_headers(second, returns.reader(second).id or 0).split("/u/")[1].partition(">")[0]
    returns.take(dsn(recipient(), returned=f"Message-ID: {name}\nList-Unsubscribe: <https://x/u/{token}>\n"))
    assert returns.bounces == [("hard", first), ("hard", None)]
    assert list(returns.suppressed) == ["r0@example.org", "r1@example.org"]


def test_of_a_mailbox_that_hands_on_the_mildest_counts(returns: Returns, delivery: int) -> None:
    others = recipient(address="a@other.example"), recipient("2.0.0", "", action="relayed", address="b@other.example")
    assert returns.take(dsn(*others), delivery) == Taken(Counted.DELIVERED)
    own = recipient("5.2.2", "smtp; mailbox full")
    assert returns.take(dsn(recipient(address="a@other.example"), own), delivery).counted is Counted.SOFT


def test_a_delivery_that_the_ledger_has_forgotten_is_unknown(returns: Returns, delivery: int) -> None:
    assert returns.bounce(delivery + 1) == Taken(Counted.UNKNOWN)
    returned = our_headers(subscriber_id=returns.reader(delivery).id or 0, day=date(2020, 1, 1)).partition("\n")[2]
    assert returns.take(dsn(recipient(), returned=returned)) == Taken(Counted.HARD, suppressed=True)
    assert returns.take(dsn(recipient(), returned=returned)) == Taken(Counted.AGAIN)


@pytest.mark.parametrize(
    ("data", "state"),
    [(dsn(recipient()), State.FAILED), (complaint(), State.SENT), (NO_BOUNCES["challenge"], State.DOUBT)],
)
def test_what_comes_back_resolves_a_doubt(returns: Returns, delivery: int, data: bytes, state: State) -> None:
    returns.set_state(delivery, State.DOUBT)
    returns.take(data, delivery)
    with returns.database.reading() as session:
        assert session.get_one(Delivery, delivery).state == state


def test_by_mail_and_from_the_provider_it_is_counted_once(returns: Returns, delivery: int) -> None:
    name = read_message(
        dsn(recipient(), returned=our_headers(delivery, returns.reader(delivery).id or 0)), returns.proofs
    ).proof.message_name
    told = Report(
        nature=Nature.BOUNCE,
        source="ses",
        returned=(Returned(Verdict.HARD, frozenset({READER})),),
        proof=Proof(addressed=True, message_name=name),
        identity="event 1",
    )
    assert returns.intake.take(told) == Taken(Counted.HARD, suppressed=True)
    assert returns.bounce(delivery) == Taken(Counted.AGAIN)
    nobody = replace(told, returned=(Returned(Verdict.HARD, frozenset({"nobody@example.org"})),))
    assert returns.intake.take(nobody) == Taken(Counted.UNKNOWN)
    unnamed = replace(told, proof=Proof(addressed=True))
    assert returns.intake.take(unnamed).counted is Counted.HARD
    assert returns.intake.take(unnamed).counted is Counted.AGAIN


def test_the_operator_sees_what_came_back_and_who_refuses_us(returns: Returns, due: Due) -> None:
    numbers = due(6)
    for number in numbers:
        returns.bounce(number, "5.7.1")
    returns.bounce(numbers[0], "5.1.1")
    with returns.database.reading() as session:
        lately = figures_of_returns(session, now=returns.now + timedelta(days=1))
        later = figures_of_returns(session, now=returns.now + timedelta(days=8))
    assert lately.kinds == {Bounced.HARD: 1, Bounced.SOFT: 0, Bounced.POLICY: 6, Bounced.COMPLAINT: 0}
    assert lately.refusing == (("example.org", 6),)
    assert (later.kinds[Bounced.POLICY], later.refusing, later.suppressed) == (0, (), 1)


def move_away(returns: Returns, delivery_id: int) -> None:
    """The reader of a delivery gets another address now."""
    with returns.database.transaction() as session:
        reader = session.get_one(Subscriber, returns.reader(delivery_id).id)
        reader.email = reader.email_key = "moved@example.org"
        record(session, reader, Event.MOVED, origin=Origin("form"), now=returns.now)


def test_what_was_sent_to_the_address_before_a_move_does_not_speak_of_the_new_one(
    returns: Returns, delivery: int
) -> None:
    returns.now += timedelta(hours=3)
    move_away(returns, delivery)
    assert returns.bounce(delivery) == Taken(Counted.HARD)
    assert returns.suppressed == {}
    returns.now += timedelta(hours=3)
    later = returns.send(returns.reader(delivery).id or 0, on=date(2026, 12, 1))
    assert returns.bounce(later) == Taken(Counted.HARD, suppressed=True)
    assert list(returns.suppressed) == ["moved@example.org"]


def test_an_address_that_refuses_right_after_a_move_is_the_one_before(returns: Returns, delivery: int) -> None:
    move_away(returns, delivery)
    reader = returns.reader(delivery).id or 0
    for hours, suppressed in ((1, []), (3, ["moved@example.org"])):
        with returns.database.writing() as connection:
            suppress(connection, [reader], "550 5.1.1", now=returns.now + timedelta(hours=hours))
        assert list(returns.suppressed) == suppressed


def test_nothing_is_written_down_of_who_was_forgotten(returns: Returns, delivery: int) -> None:
    reader = returns.reader(delivery).id or 0
    with returns.database.transaction() as session:
        erase(session, reader, fingerprint=TOKENS.fingerprint, now=returns.now)
    assert returns.bounce(delivery) == Taken(Counted.UNKNOWN)
    assert returns.take(complaint(returned=our_headers(delivery, reader))) == Taken(Counted.UNKNOWN)
    with returns.database.writing() as connection:
        suppress(connection, [reader], "550 5.1.1", now=returns.now)
    assert (returns.bounces, returns.suppressed) == ([], {})


def test_a_complaint_about_old_mail_to_an_address_ends_what_it_gets_now(returns: Returns, due: Due) -> None:
    """The address had a subscription of its own before another one moved to it."""
    kept, gone = due(2)
    with returns.database.transaction() as session:
        reader, old = (session.get_one(Subscriber, returns.reader(number).id) for number in (kept, gone))
        take_name(old, now=returns.now)
        old.moving_from_id = reader.id
    assert returns.take(complaint(), gone) == Taken(Counted.COMPLAINT, suppressed=True)
    assert returns.reader(kept).standing == Standing.UNSUBSCRIBED
