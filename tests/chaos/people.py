"""Readers leave in the middle of a run, and stories and addresses are strange."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlmodel import col, select, update

from digestmail.clock import system_clock
from digestmail.deliveries.plan import plan_due
from digestmail.local.broker import answers_ping
from digestmail.store.models import Delivery, Edition, Item, ItemTopic, Subscriber, Topic
from digestmail.tokens import Purpose, Tokens
from tests.bench.installation import SECRET
from tests.chaos.judge import Verdict, judge
from tests.chaos.killing import POISONED
from tests.chaos.scenarios import scenario
from tests.chaos.sink import Faults
from tests.chaos.world import Setting, world

_A_WAVE = 1.0
"""Seconds between a mark and the last of its dots, at most: an unsubscribe that comes in between cannot win."""


@scenario("R20", "readers unsubscribe while the mail goes out", quick=5_000, full=100_000)
def leave_meanwhile(setting: Setting) -> Iterator[Verdict]:
    """Nobody who has left is sent a dot. One in ten leaves, by the one-click POST of RFC 8058."""
    with world(setting, faults=Faults(seconds=0.05)) as here:
        here.start(web=True)
        tokens = Tokens(SECRET)
        with here.database.reading() as session:
            emails = {number or 0: email for number, email in session.exec(select(Subscriber.id, Subscriber.email))}
        leaving = here.chance.sample(sorted(emails), here.readers // 10)
        left_at: dict[str, float] = {}

        def leave(number: int) -> int:
            path = f"/u/{tokens.make(Purpose.UNSUBSCRIBE, number)}"
            status, _ = here.post(path, **{"List-Unsubscribe": "One-Click"})
            left_at[emails[number]] = time.time()
            return status

        here.come()
        began = time.monotonic()
        here.wait_for(lambda: here.received_count() > 0, "the first mail")
        with ThreadPoolExecutor(4) as pool:
            statuses = set(pool.map(leave, leaving))
        here.wait_until_done("R20")
        with here.database.reading() as session:
            of_whom = select(Subscriber.email).join(Delivery, col(Delivery.subscriber_id) == Subscriber.id)
            planned = set(session.exec(of_whom))
        notes = {note.recipient: note.at for note in here.received() if ".digest." in note.message_id}
        late = [notes[email] - at for email, at in left_at.items() if email in notes and notes[email] > at]
        verdict = judge(
            here,
            "R20",
            f"{len(leaving):,} unsubscribes",
            seconds=time.monotonic() - began,
            expected=set(emails.values()) - (set(left_at) - planned),  # who left before being planned has no digest
        )
        verdict.to_be()
        reached = sum(email in notes for email in left_at)
        latest = f", the latest {1000 * max(late):.0f} ms after" if late else ""
        verdict.remarks = f"{reached:,} had theirs already{latest}"
        verdict.must(statuses <= {200, 202, 204}, f"they were answered {statuses}")
        verdict.must(not [by for by in late if by > _A_WAVE], f"a dot came {max(late, default=0):.1f} s too late")
        verdict.must(reached < len(left_at), "everybody had the mail before leaving")
        yield verdict


BREAKS = "Broken beyond repair"


@scenario("R15", "a story that breaks rendering, strange titles, bad addresses", quick=2_000, full=20_000)
def strange_content(setting: Setting) -> Iterator[Verdict]:
    """Everybody else is served, without that story, and the operator is told once."""
    with world(setting) as here:
        with here.database.transaction() as session:
            now = here.slot_at
            topics = session.exec(select(Topic.id)).all()
            for title in (BREAKS, "x" * 5_000_000, "to be split"):
                url = f"https://courier.example/{title[:20].replace(' ', '-')}"
                item = Item(url=url, link_key=url, title=title, published_at=now, seen_at=now - timedelta(hours=1))
                session.add(item)
                session.flush()
                session.add_all(
                    ItemTopic(item_id=item.id or 0, topic_id=topic or 0, seen_at=item.seen_at) for topic in topics
                )
            for number, email in ((5, "two words@mail0.example"), (6, "x@mail0.example\r\nBcc: y@mail0.example")):
                session.connection().execute(update(Subscriber).where(col(Subscriber.id) == number).values(email=email))
        here.come()
        plan_due(here.database, system_clock)
        with here.database.transaction() as session:
            for edition in session.exec(select(Edition)):
                content = json.loads(edition.content)
                for story in content["stories"]:
                    if story["title"] == "to be split":
                        story["title"] = "half a \ud800 pair"
                edition.content = json.dumps(content)
        here.keep("broker", here.broker.command or ())
        here.wait_for(lambda: answers_ping(here.broker.url), "the broker")
        began = time.monotonic()
        for number in (1, 2):
            here.keep(f"worker{number}", POISONED, here.environment | {"CHAOS_BREAKS": BREAKS})
        here.wait_until_done("R15", hurry=True)
        with here.database.reading() as session:
            served = {email for email in session.exec(select(Subscriber.email)) if " " not in email}
            contents = session.exec(select(Edition.content)).all()
            broken = session.exec(select(Item.title).where(col(Item.broken).is_not(None))).all()
            held = session.exec(select(Delivery.reason).where(Delivery.state == "held")).all()
        verdict = judge(
            here,
            "R15",
            "1 broken story, 5 MB, half a pair, 2 addresses",
            seconds=time.monotonic() - began,
            expected=served,
        )
        verdict.to_be()
        expected = {"sent": here.readers - 2, "failed": 1, "held": 1}
        verdict.must(verdict.settled == expected, f"they ended as {verdict.settled}, not {expected}")
        verdict.must(not [content for content in contents if BREAKS in content], "the story is still in an edition")
        verdict.must(broken == [BREAKS], f"these are called broken: {[title[:40] for title in broken]}")
        verdict.must("could not be composed" in str(held), f"held because of {held}")
        logs = "".join(path.read_text(errors="replace") for path in (here.folder / "logs").glob("*worker*"))
        told = logs.count("a story cannot be rendered")
        verdict.must(told == 1, f"the operator was told {told} times")
        yield verdict
