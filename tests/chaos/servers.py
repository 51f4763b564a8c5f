"""The mail server refuses, asks to come again, breaks off and loses its answers."""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from sqlmodel import col, func, select

from digestmail.local.broker import free_port
from digestmail.store.models import Delivery, Subscriber, Suppression
from tests.bench.children import Children
from tests.chaos import postfix
from tests.chaos.judge import Verdict, judge
from tests.chaos.killing import wait_until_delivered
from tests.chaos.scenarios import scenario
from tests.chaos.sink import Faults, chosen
from tests.chaos.world import Setting, World, world

_TOP = Path(__file__).parents[2]


@scenario("R11", "10 % are asked to come again, 1 % are refused for good", quick=5_000, full=100_000)
def refusals(setting: Setting) -> Iterator[Verdict]:
    """Whoever was put off gets it in the end; who is dead is not tried on the next day."""
    faults = Faults(seed=setting.seed, temporary=0.1, dead=0.005, refused=0.005)
    with world(setting, faults=faults) as here:
        here.start()
        slot = here.come()
        began = time.monotonic()
        here.wait_until_done("R11", hurry=True)
        emails = _readers(here)
        dead, refused = (
            {email for email in emails if chosen(email, share, seed=setting.seed, what=what)}
            for what, share in (("dead", faults.dead), ("refused", faults.refused))
        )
        verdict = judge(here, "R11", "10 % 4xx once, 1 % 5xx", seconds=time.monotonic() - began)
        verdict.to_be()
        failed = len(dead | refused)
        arrived = {note.recipient for note in here.received()}
        verdict.must(arrived == emails - dead - refused, "not everybody who was put off was served")
        verdict.must(verdict.settled == {"sent": here.readers - failed, "failed": failed}, f"ended: {verdict.settled}")
        with here.database.reading() as session:
            suppressed = set(session.exec(select(Suppression.email_key)))
        verdict.must(suppressed == dead, f"{len(suppressed)} are suppressed, and {len(dead)} are dead")
        here.come(day=slot.date() + timedelta(days=1))
        here.wait_until_done("R11, the next day", hurry=True)
        with here.database.reading() as session:
            tried = session.exec(
                select(func.sum(Delivery.attempts))
                .join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
                .where(col(Subscriber.email_key).in_(dead), Delivery.slot_at > slot, Delivery.state != "skipped")
            ).one()
        verdict.must(not tried, f"the dead were tried {tried} times on the next day")
        yield verdict


@scenario("R12", "greylisting; 421 on each 50th connection", quick=3_000, full=50_000)
def greylisting(setting: Setting) -> Iterator[Verdict]:
    """All are delivered, with three tries each at most, and no address is suppressed."""
    with world(setting, faults=Faults(temporary=1.0, drop_every=50), SMTP_MESSAGES_PER_CONNECTION="50") as here:
        here.start()
        here.come()
        seconds = here.wait_until_done("R12", hurry=True)
        verdict = judge(here, "R12", "all greylisted, each 50th connection dropped", seconds=seconds)
        verdict.to_be()
        with here.database.reading() as session:
            most = session.exec(select(func.max(Delivery.attempts))).one() or 0
            suppressed = session.exec(select(func.count()).select_from(Suppression)).one()
        verdict.remarks = f"{most} tries at most"
        verdict.must(verdict.settled == {"sent": here.readers}, f"they ended as {verdict.settled}")
        verdict.must(most <= 3, f"one was tried {most} times")
        verdict.must(not suppressed, f"{suppressed} addresses are suppressed")
        yield verdict


@scenario("R14", "2 % of the answers after the dot are lost, in front of Postfix", quick=3_000, full=50_000)
def lost_answers(setting: Setting) -> Iterator[Verdict]:
    """Once with a Postfix that is asked, once with a sink that cannot be."""
    counts: list[Path] = []

    def lossy_postfix(folder: Path, children: Children, port: int) -> Iterator[tuple[int, Mapping[str, str]]]:
        with ExitStack() as stack:
            server = stack.enter_context(postfix.running(folder, next_port=port))
            outer, count = free_port(), folder / "lost"
            counts.append(count)
            command = [sys.executable, "-m", "tests.chaos.lossy", str(outer), "127.0.0.1", str(server.port), "0.02"]
            children.start("lossy", [*command, str(setting.seed), str(count)], folder=_TOP)
            yield outer, {"ASK": f"postfix:{server.log}"}

    with world(setting, in_front=lossy_postfix) as here:
        here.start()
        here.come()
        seconds = here.wait_until_done("R14 Postfix")
        wait_until_delivered(here)
        verdict = judge(here, "R14 Postfix", f"{counts[0].read_text()} answers lost", seconds=seconds)
        verdict.to_be()
        verdict.must(verdict.doubt > 0, "no answer was lost")
        yield verdict
    with world(setting, faults=Faults(lost_replies=0.02)) as here:
        here.start()
        here.come()
        seconds = here.wait_until_done("R14", hurry=True)
        verdict = judge(here, "R14", "2 % of the answers lost, nobody to ask", seconds=seconds)
        verdict.to_be(duplicates=verdict.doubt)
        verdict.must(verdict.doubt > 0, "no answer was lost")
        yield verdict


def _readers(here: World) -> set[str]:
    with here.database.reading() as session:
        return set(session.exec(select(Subscriber.email).where(Subscriber.source == "bench")))
