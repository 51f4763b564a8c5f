"""A reader sees, takes along and erases what is known, by a link that was just mailed."""

import re

import pytest
from sqlmodel import col, select

from digestmail.deliveries.bounces.suppressions import suppress_by_hand
from digestmail.store.models import Delivery, Subscriber
from digestmail.store.states import Kind, Standing
from digestmail.tokens import Purpose
from tests.web.conftest import Web
from tests.web.test_inbox import put

OPEN = "Everything we know about you"
EXPIRED = "This link has expired"
FORGOTTEN = "We have forgotten you"
ASKED = "a link is on its way there"


def ask(web: Web, reader: int) -> str:
    """The link that is mailed on asking."""
    assert ASKED in web.client.post(f"{web.link(Purpose.PREFERENCES, reader)}/data").text
    return link(web, Purpose.ACCESS, Kind.ACCESS, reader)


def link(web: Web, purpose: Purpose, kind: Kind, subscriber_id: int) -> str:
    """The link in the latest letter of a kind to a subscriber."""
    with web.database.reading() as session:
        letters = select(Delivery.id).where(Delivery.subscriber_id == subscriber_id, Delivery.kind == kind)
        number = session.exec(letters.order_by(col(Delivery.id).desc())).first()
    path = {Purpose.ACCESS: "me", Purpose.MOVE: "move", Purpose.STAY: "stay", Purpose.VIEW: "d"}[purpose]
    return f"/{path}/{web.tokens.make(purpose, number or 0)}"


def letters(web: Web) -> list[object]:
    return [row[1] for row in web.rows()["deliveries"]]


def test_the_preferences_offer_the_link_and_mail_it_to_the_reader_alone(web: Web) -> None:
    reader = web.subscribe()
    preferences = web.link(Purpose.PREFERENCES, reader)
    assert f'action="{preferences}/data" method="post"' in web.client.get(preferences).text
    rings = len(web.rings)
    ask(web, reader)
    assert letters(web)[-1] == Kind.ACCESS
    assert len(web.rings) == rings + 1


def test_the_answer_is_the_same_whether_or_not_a_mail_goes_out(web: Web) -> None:
    reader = web.subscribe()
    path = f"{web.link(Purpose.PREFERENCES, reader)}/data"
    first, second = (web.client.post(path).text for _ in range(2))
    assert first == second
    assert letters(web).count(Kind.ACCESS) == 1


def test_looking_changes_nothing(web: Web) -> None:
    reader = web.subscribe()
    path = ask(web, reader)
    before = web.rows()
    for place in (path, f"{path}/data.json", f"{path}/erase"):
        assert web.client.get(place).status_code == web.client.head(place).status_code == 200
        web.client.options(place)
    for place in (f"{path}/address", f"{path}/again", f"{web.link(Purpose.PREFERENCES, reader)}/data"):
        assert web.client.get(place).status_code == 405
    assert web.rows() == before


def test_the_page_says_in_words_what_is_known(web: Web) -> None:
    page = web.client.get(ask(web, web.subscribe())).text
    assert OPEN in page
    for words in ("maja@example.org", "Climate", "Labour", "7:00 (Berlin)", "Monday, 23 November 2026", "2 entries"):
        assert words in page


def test_the_file_is_an_attachment_that_nobody_keeps(web: Web) -> None:
    answer = web.client.get(f"{ask(web, web.subscribe())}/data.json")
    assert answer.json()["subscriber"]["email"] == "maja@example.org"
    assert answer.headers["content-disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["content-type"] == "application/json"


def test_after_an_hour_every_place_offers_a_fresh_link(web: Web) -> None:
    reader = web.subscribe()
    path = ask(web, reader)
    web.later(minutes=61)
    before = web.rows()
    for place in (path, f"{path}/data.json", f"{path}/erase"):
        answer = web.client.get(place)
        assert answer.status_code == 410
        assert EXPIRED in answer.text
        assert f'action="{path}/again" method="post"' in answer.text
    for place in (f"{path}/erase", f"{path}/address"):
        assert web.client.post(place, data={"email": "maja@new.example"}).status_code == 410
    assert web.rows() == before
    assert ASKED in web.client.post(f"{path}/again").text
    assert letters(web).count(Kind.ACCESS) == 2
    assert OPEN in web.client.get(link(web, Purpose.ACCESS, Kind.ACCESS, reader)).text


def test_who_is_unsubscribed_has_the_same_rights_but_cannot_move(web: Web) -> None:
    reader = web.subscribe()
    web.client.post(web.link(Purpose.UNSUBSCRIBE, reader))
    path = ask(web, reader)
    page = web.client.get(path).text
    assert "You are unsubscribed." in page
    assert f"{path}/address" not in page
    assert (
        "Only a subscription that runs can move"
        in web.client.post(f"{path}/address", data={"email": "a@b.example"}).text
    )
    assert FORGOTTEN in web.client.post(f"{path}/erase").text


def test_a_link_of_another_purpose_or_a_damaged_one_opens_nothing(web: Web) -> None:
    reader = web.subscribe()
    path = ask(web, reader)
    other = web.tokens.make(Purpose.CONFIRM, 1)
    for place in (path[:-1], f"/me/{other}", f"/move/{other}", f"/stay/{other}"):
        assert web.client.get(place).status_code == 404
    before = web.rows()
    for place in (f"{path[:-1]}/erase", f"/me/{other}/erase", f"/move/{other}", f"/stay/{other}"):
        assert web.client.post(place).status_code == 404
    assert web.rows() == before
    for purpose, name in ((Purpose.ACCESS, "me"), (Purpose.MOVE, "move"), (Purpose.STAY, "stay")):
        assert web.client.get(f"/{name}/{web.tokens.make(purpose, 1)}").status_code == 404  # a confirmation
        assert web.client.get(f"/{name}/{web.tokens.make(purpose, 99)}").status_code == 404


def test_erasing_takes_one_more_button_and_leaves_nothing(web: Web) -> None:
    reader = web.subscribe()
    path = ask(web, reader)
    page = web.client.get(f"{path}/erase").text
    assert page.count("<button") == 1
    assert f'action="{path}/erase" method="post"' in page
    assert FORGOTTEN in web.client.post(f"{path}/erase").text
    assert "maja" not in str(web.rows())
    with web.database.reading() as session:
        assert session.get_one(Subscriber, reader).standing == Standing.ERASED


def test_every_old_link_of_who_was_forgotten_says_so(web: Web) -> None:
    reader = web.subscribe()
    path = ask(web, reader)
    confirmation = web.confirmation_link()
    view = link(web, Purpose.VIEW, Kind.WELCOME, reader)
    web.client.post(f"{path}/erase")
    before = web.rows()
    gave = f"/g/{web.tokens.make(Purpose.GAVE, reader)}"
    for place in (
        *(web.link(purpose, reader) for purpose in (Purpose.UNSUBSCRIBE, Purpose.UNDO, Purpose.PREFERENCES)),
        *(confirmation, gave, view, path),
    ):
        answer = web.client.get(place)
        assert answer.status_code == 410, place
        assert FORGOTTEN in answer.text
        posted = web.client.post(place, data={"topics": "city"})
        assert posted.status_code == (405 if place in (view, path) else 200), place
    for place in (f"{path}/erase", f"{path}/again", f"{path}/address", f"{confirmation}/again", f"{gave}/undo"):
        assert FORGOTTEN in web.client.post(place).text
    assert web.rows() == before


def test_the_one_click_of_an_old_digest_is_still_answered(web: Web) -> None:
    """RFC 8058: a mail provider that gets anything but 200 may call the sender a spammer."""
    reader = web.subscribe()
    web.client.post(f"{ask(web, reader)}/erase")
    answer = web.client.post(web.link(Purpose.UNSUBSCRIBE, reader), data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, answer.history) == (200, [])


def test_who_was_forgotten_can_sign_up_anew(web: Web) -> None:
    web.client.post(f"{ask(web, web.subscribe())}/erase")
    web.later(minutes=1)
    web.subscribe()
    assert web.rows()["erasures"] == []
    assert web.subscriber().standing == Standing.ACTIVE


def test_the_local_inbox_forgets_too(web: Web) -> None:
    theirs, others = (put(web, number=n, to=f"{name}@example.org") for n, name in enumerate(("Maja", "olu")))
    web.client.post(f"{ask(web, web.subscribe())}/erase")
    assert web.client.get(f"/inbox/{theirs}").status_code == 404
    assert web.client.get(f"/inbox/{others}").status_code == 200


def move_to(web: Web, path: str, email: str = "maja@new.example") -> str:
    return web.client.post(f"{path}/address", data={"email": email}).text


def test_a_reader_moves_and_keeps_every_link(web: Web) -> None:
    reader = web.subscribe()
    path = ask(web, reader)
    assert "Look into both mailboxes" in move_to(web, path)
    assert letters(web)[-2:] == [Kind.MOVING, Kind.MOVE]
    moving = link(web, Purpose.MOVE, Kind.MOVE, web.subscriber("maja@new.example").id or 0)
    page = web.client.get(moving).text
    assert page.count("<button") == 1
    assert web.subscriber().id == reader
    for _ in range(2):
        done = web.client.post(moving)
        assert done.status_code == 200
        assert "Your digest has moved" in done.text
    assert "Your digest has moved" in web.client.get(moving).text
    assert web.subscriber("maja@new.example").id == reader
    assert "maja@new.example" in web.client.get(web.link(Purpose.PREFERENCES, reader)).text
    assert web.client.get(path).status_code == 410  # it proved the old address
    web.client.post(web.link(Purpose.UNSUBSCRIBE, reader))
    assert web.subscriber("maja@new.example").standing == Standing.UNSUBSCRIBED


def test_an_unsubscribe_link_of_the_new_addresss_own_old_digests_works(web: Web) -> None:
    reader, old = web.subscribe(), web.subscribe("maja@new.example")
    web.client.post(web.link(Purpose.UNSUBSCRIBE, old))
    web.later(days=1)
    move_to(web, ask(web, reader))
    web.client.post(link(web, Purpose.MOVE, Kind.MOVE, old))
    assert web.subscriber("maja@new.example").standing == Standing.ACTIVE
    web.client.post(web.link(Purpose.UNSUBSCRIBE, old))
    assert web.subscriber("maja@new.example").standing == Standing.UNSUBSCRIBED


def test_the_old_address_stops_a_move(web: Web) -> None:
    reader = web.subscribe()
    move_to(web, ask(web, reader))
    moving = link(web, Purpose.MOVE, Kind.MOVE, web.subscriber("maja@new.example").id or 0)
    staying = link(web, Purpose.STAY, Kind.MOVING, reader)
    before = web.rows()
    assert "Stop the move?" in web.client.get(staying).text
    assert web.rows() == before
    assert "The move is stopped" in web.client.post(staying).text
    for answer in (web.client.get(moving), web.client.post(moving)):
        assert answer.status_code == 410
        assert "no longer possible" in answer.text
    assert web.subscriber().id == reader


def test_once_made_a_move_cannot_be_stopped(web: Web) -> None:
    reader = web.subscribe()
    move_to(web, ask(web, reader))
    web.later(minutes=1)
    web.client.post(link(web, Purpose.MOVE, Kind.MOVE, web.subscriber("maja@new.example").id or 0))
    staying = link(web, Purpose.STAY, Kind.MOVING, reader)
    for answer in (web.client.get(staying), web.client.post(staying)):
        assert answer.status_code == 410
        assert "It has moved already" in answer.text


@pytest.mark.parametrize("known", ["active", "suppressed", "forgotten", "unknown"])
def test_the_answer_to_a_move_tells_nothing_of_the_new_address(web: Web, known: str) -> None:
    reader = web.subscribe()
    if known == "active":
        web.subscribe("maja@new.example")
    if known == "forgotten":
        web.client.post(f"{ask(web, web.subscribe('maja@new.example'))}/erase")
    if known == "suppressed":
        with web.database.transaction() as session:
            suppress_by_hand(session, "maja@new.example", reason="asked", now=web.now)
    path = ask(web, reader)
    answer = web.client.post(f"{path}/address", data={"email": "maja@new.example"})
    assert (answer.status_code, re.findall("<h1>(.*?)</h1>", answer.text)) == (200, ["Look into both mailboxes"])
    assert letters(web).count(Kind.MOVING) == 1
    assert letters(web).count(Kind.MOVE) == (known == "unknown")


def test_a_wrong_new_address_is_kept_and_explained(web: Web) -> None:
    path = ask(web, web.subscribe())
    before = web.rows()
    answer = web.client.post(f"{path}/address", data={"email": "maja@<b>"})
    assert answer.status_code == 422
    assert 'id="email-problem"' in answer.text
    assert 'value="maja@&lt;b&gt;"' in answer.text
    assert web.client.post(f"{path}/address").status_code == 422
    assert web.rows() == before


def test_pages_are_in_the_readers_language(web: Web) -> None:
    reader = web.subscribe()
    with web.database.transaction() as session:
        session.get_one(Subscriber, reader).locale = "es"
    web.client.post(f"{web.link(Purpose.PREFERENCES, reader)}/data")
    path = link(web, Purpose.ACCESS, Kind.ACCESS, reader)
    move_to(web, path)
    new = web.subscriber("maja@new.example")
    assert new.locale == "es"
    for place in (
        *(path, f"{path}/erase", link(web, Purpose.STAY, Kind.MOVING, reader)),
        link(web, Purpose.MOVE, Kind.MOVE, new.id or 0),
    ):
        assert web.client.get(place).headers["content-language"] == "es"
