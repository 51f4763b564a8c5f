"""Machines on the pages: a mail scanner that opens every link, and an attacker who signs up other people."""

import hashlib
import html
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from email import message_from_bytes, policy

from sqlmodel import SQLModel, col, select

from digestmail.store.database import Database
from digestmail.store.models import Delivery, Subscriber
from digestmail.store.states import Standing, State
from tests.bench.options import BenchError
from tests.chaos.judge import Verdict
from tests.chaos.scenarios import scenario
from tests.chaos.visitors import Form, Visitor, together
from tests.chaos.world import Setting, World, world

_OUR_LINK = re.compile(r"https://digest\.courier\.example(/[^\s<>\"]+)")
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
_LETTERS = 20
_VICTIMS = 10


@scenario("R21", "a scanner opens every link of the mails, then one-click POST", quick=150, full=10_000)
def scan(setting: Setting) -> Iterator[Verdict]:
    """GET, HEAD and OPTIONS change no row of any table; every POST works, and the second does too."""
    with world(setting, keep_mails=True) as here:
        here.start(web=True)
        here.come()
        statuses = [here.sign_up(number)[0] for number in range(_LETTERS)]
        began = time.monotonic()
        here.wait_until_done("R21")
        links = [(recipient, *link) for recipient, source in here.mails() for link in sorted(_links_of(source))]
        here.away("worker", "beat")  # else their signs of life change
        before = _contents(here.database)
        visits = [(method, path) for _, path, _ in links for method in ("GET", "HEAD", "OPTIONS")] * 3
        opened = Counter(together(here, "R21, the scanner", visits, lambda who, visit: who.ask(*visit)[0]))
        changed = [name for name, content in _contents(here.database).items() if before[name] != content]

        acts = [(path, form) for _, path, form in links if form is not None]
        answers = [
            Counter(together(here, f"R21, POST {turn}", acts, lambda who, act: who.ask("POST", act[0], form=act[1])[0]))
            for turn in (1, 2)
        ]
        with here.database.reading() as session:
            rows = session.exec(select(Subscriber.source, Subscriber.standing)).all()
            planned = len(session.exec(select(Delivery.id).where(Delivery.state == State.SENT)).all())
        verdict = Verdict(
            name="R21",
            load=setting.readers,
            faults=f"{len(visits):,} × GET, HEAD or OPTIONS, then 2 × {len(acts):,} POST",
            planned=planned,
            received=len(here.received()),
            seconds=time.monotonic() - began,
        )
        verdict.remarks = ", ".join(f"{count:,} answered {status}" for status, count in sorted(opened.items()))
        standings = Counter((source == "bench", standing) for source, standing in rows)
        due = {(True, Standing.UNSUBSCRIBED): setting.readers, (False, Standing.ACTIVE): _LETTERS}
        verdict.must(set(statuses) == {200}, f"signing up was answered {statuses}")
        verdict.must(len(acts) == setting.readers + _LETTERS, f"{len(acts)} links to act on were found")
        verdict.must(not changed, f"opening links changed {changed}")
        verdict.must(opened[200] == len(visits) * 2 // 3, f"not every page was shown: {opened}")
        verdict.must(all(set(turn) == {200} for turn in answers), f"the POSTs were answered {answers}")
        verdict.must(standings == due, f"after it they are {standings}")
        yield verdict


def _links_of(source: bytes) -> Iterator[tuple[str, Form | None]]:
    """The links of a mail to our pages, each with the form of its one button where it is one that acts."""
    message = message_from_bytes(source, policy=policy.default)
    one_click = set(_OUR_LINK.findall(str(message["List-Unsubscribe"] or "")))
    parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    for path in one_click.union(*(map(html.unescape, _OUR_LINK.findall(part)) for part in parts)):
        if path in one_click:
            yield path, {"List-Unsubscribe": "One-Click"}  # RFC 8058
        else:
            yield path, {} if path.startswith("/c/") else None


def _contents(database: Database) -> dict[str, str]:
    """A digest of each table's rows."""
    with database.reading() as session:
        return {
            name: hashlib.sha256(
                "\n".join(sorted(map(repr, session.connection().execute(table.select()).fetchall()))).encode()
            ).hexdigest()
            for name, table in SQLModel.metadata.tables.items()
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What an attacker sees."""

    email: str
    seconds: float
    status: int
    page: str


@scenario("R22", "sign-ups for ten victims from a fifth as many networks", quick=600, full=10_000)
def bombing(setting: Setting) -> Iterator[Verdict]:
    """Victims get one mail a day at most, the answers tell nothing, and somebody real still gets in. Once more with so
    many victims that the installation is flooded."""
    yield from _attack(setting, name="R22", victims=_VICTIMS, limit=1000)
    few = replace(setting, readers=setting.readers // 2)
    yield from _attack(few, name="R22 flooded", victims=few.readers, limit=20)


def _attack(setting: Setting, *, name: str, victims: int, limit: int) -> Iterator[Verdict]:
    tries, networks = setting.readers, setting.readers // 5
    with world(replace(setting, readers=20), keep_mails=True, SIGN_UPS_AN_HOUR=str(limit)) as here:
        here.start(workers=1, web=True)
        known = _confirmed_reader(here)
        targets = [known, *(f"victim{number}@mail1.example" for number in range(1, victims))]
        began = time.monotonic()

        def attack(who: Visitor, number: int) -> Answer:
            email, network = targets[number % victims], number % networks
            form = {"email": email, "topics": "topic-1", "hour": "7", "time_zone": "UTC"}
            asked = time.monotonic()
            status, page = who.ask("POST", "/sign-up", form=form, ip=f"10.{network >> 8}.{network & 255}.9")
            return Answer(email, time.monotonic() - asked, status, page.replace(email, "…"))

        with ThreadPoolExecutor(1) as pool:
            real = pool.submit(_sign_up_for_real, here)
            answers = together(here, name, range(tries), attack)
            steps = real.result()
        here.wait_until_done(f"{name}, the letters")
        with here.database.reading() as session:
            letters = session.exec(
                select(Subscriber.email, Delivery.kind).join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
            ).all()
        mailed = Counter(note.recipient for note in here.received() if note.recipient in set(targets))
        mailed[known] -= 2  # the letter and the welcome that made it known
        verdict = Verdict(
            name=name,
            load=tries,
            faults=f"{tries:,} sign-ups of {victims:,} addresses from {networks:,} networks",
            planned=len(letters),
            received=len(here.received()),
            lost=len(letters) - len(here.received()),
            seconds=time.monotonic() - began,
        )
        quick = {is_known: statistics.median(_seconds(answers, known, is_known=is_known)) for is_known in (True, False)}
        verdict.remarks = f"{sum(mailed.values())} mails; somebody real got in with {steps} more steps"
        if victims == _VICTIMS:
            verdict.remarks += f"; who is known was answered in {quick[True]:.2f} s, the others in {quick[False]:.2f} s"
        verdict.must(max(mailed.values()) <= 1, f"victims got {mailed.most_common(3)}")
        verdict.must(sum(mailed.values()) <= 2 * limit + 10, f"{sum(mailed.values())} victims were written to")
        verdict.must(verdict.lost == 0, f"{verdict.lost} letters did not arrive")
        usual, asked = {page for _, page in _seen(answers, 200)}, [page for _, page in _seen(answers, 429)]
        verdict.must(len(usual) == 1, f"there are {len(usual)} answers to a sign-up")
        verdict.must(bool(asked) == (victims > limit), f"{len(asked)} were asked one more step")
        verdict.must({answer.status for answer in answers} <= {200, 429}, "an answer was an error")
        yield verdict


def _seen(answers: list[Answer], status: int) -> Iterator[tuple[str, str]]:
    return ((answer.email, answer.page) for answer in answers if answer.status == status)


def _seconds(answers: list[Answer], known: str, *, is_known: bool) -> list[float]:
    return [answer.seconds for answer in answers if (answer.email == known) == is_known]


def _confirmed_reader(here: World) -> str:
    """Somebody who is subscribed already; the address."""
    here.sign_up(0)
    email = "new0@mail0.example"
    _confirm(here, email)
    here.wait_until_done("the welcome")
    return email


def _sign_up_for_real(here: World) -> int:
    """A person in the midst of it: form, confirmation, button. How many more steps it took; raises BenchError."""

    def browse(method: str, path: str, form: Form | None = None) -> tuple[int, str]:
        return Visitor(here.url).ask(method, path, form=form)  # a person's pauses are longer than a connection lives

    time.sleep(1.5)
    typed = {"email": "somebody@mail2.example", "topics": "topic-2", "hour": "8", "time_zone": "UTC"}
    form = _form_of(browse("GET", "/")[1]) | typed
    time.sleep(3)
    status, page = browse("POST", "/sign-up", form)
    steps = 0
    while status == 429 and steps < 3:
        steps += 1
        time.sleep(5.5)
        status, page = browse("POST", "/sign-up", _form_of(page))
    if status != 200:
        raise BenchError(f"Somebody real was answered {status} after {steps} more steps.")
    _confirm(here, typed["email"])
    return steps


def _form_of(page: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in _HIDDEN.findall(page)}


def _confirm(here: World, email: str) -> None:
    """Press the button behind the link in the mail to an address. Raises BenchError where that makes no subscriber."""

    def paths() -> list[str]:
        mails = [source for recipient, source in here.mails() if recipient == email]
        return [path for source in mails for path, _ in _links_of(source) if path.startswith("/c/")]

    here.wait_for(paths, f"the confirmation mail to {email}")
    status, _ = Visitor(here.url).ask("POST", paths()[0], form={})
    with here.database.reading() as session:
        standing = session.exec(select(Subscriber.standing).where(Subscriber.email_key == email)).one()
    if standing != Standing.ACTIVE:
        raise BenchError(f"Confirming {email} was answered {status}, and the reader is {standing}.")
