"""Feeds that flood, lie, vanish and attack."""

import gzip
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler

from sqlmodel import Session, col, func, select, update

from digestmail.store.models import Feed, Route, Subscriber, Topic
from tests.bench.options import BenchError
from tests.bench.proc import usage_of_family
from tests.chaos.judge import Verdict, copies, judge
from tests.chaos.scenarios import scenario
from tests.chaos.world import Setting, World, world
from tests.feeds.documents import item, rss
from tests.feeds.server import Page, Server, serving
from tests.feeds.test_forgery import ALL
from tests.feeds.wire import plain, saying, talking

_FEEDS = 200
_FLOOD = 1_000
_SHOWN_OF_A_FEED = 50
_DAY = timedelta(days=1)
_TALE = re.compile(r"Tale-(\d+)-(\d+)-(\d+)")
"""The title of a story: its feed, its day, and its number."""
_NEW_GUIDS, _FLOODS, _LIES, _AWAY, _CIRCLES = range(5)
"""What is wrong with a feed on the day of the faults, by its number's rest; with the last sixth nothing is."""
_KINDS = 6
_FLOOD_FROM = 10
"""The number of a flood's first story."""
_FAULTS_ON, _BACK_ON, _DAYS = 3, 4, 6


@scenario("R23", "200 feeds: floods, new guids, dates that lie, an outage, redirect loops", quick=60, full=1_000)
def strange_feeds(setting: Setting) -> Iterator[Verdict]:
    """No story comes twice to a person, floods wait for the operator, and what the other feeds bring is on time."""
    with (
        world(setting, keep_mails=True, feed_allowed_networks="127.0.0.0/8") as here,
        serving() as server,
    ):
        began = time.monotonic()
        with here.database.transaction() as session:
            _add_feeds(session, [server.url(f"/{number}") for number in range(_FEEDS)])
            # The last day lies ahead, so that what is let through before it is news of that day.
            first = datetime.now(UTC).replace(microsecond=0) - (_DAYS - 1.5) * _DAY
            session.connection().execute(update(Subscriber).values(window_start_at=first - _DAY))
        for day in range(_DAYS):
            if day == _DAYS - 1:
                _digestmail(here, "feed", "let-through", server.url(f"/{_FLOODS}"))
            _publish(server, day, at=first + day * _DAY)
            _have_a_day(here, first + day * _DAY)
        tales = _tales_of_the_mails(here)
        verdict = judge(
            here, "R23", f"{_FEEDS} feeds, a sixth of them each of 5 kinds", seconds=time.monotonic() - began
        )
        verdict.duplicates = copies(here.received())
        verdict.to_be()
        times = Counter((person, tale) for (person, _), mail in tales.items() for tale in mail)
        twice = [(person, tale) for (person, tale), count in times.items() if count > 1]
        verdict.must(not twice, f"{len(twice)} stories came twice to a person, such as {twice[:2]}")
        for day in range(1, _DAYS):
            came = {tale for (_, of_day), mail in tales.items() if of_day == first.date() + day * _DAY for tale in mail}
            late = _expected(day) - came
            verdict.must(not late, f"on day {day + 1} {len(late)} stories were missing, such as {sorted(late)[:3]}")
        flooded = [
            [tale for tale in mail if tale[1] == _FAULTS_ON and tale[2] >= _FLOOD_FROM] for mail in tales.values()
        ]
        decided = {tale[0] for mail in flooded for tale in mail}
        verdict.must(decided == {_FLOODS}, f"of the floods those of {decided} came, and {_FLOODS} was let through")
        most = max(len(mail) for mail in flooded)
        verdict.must(most <= _SHOWN_OF_A_FEED, f"a mail has {most} stories of one flood")
        verdict.remarks = (
            f"{sum(map(len, tales.values())):,} stories in {len(tales):,} mails, {most} at most of a flood"
        )
        yield verdict


def _add_feeds(session: Session, urls: Sequence[str], *, local: bool = False) -> None:
    """Each goes to one topic."""
    topics = [number or 0 for number in session.exec(select(Topic.id).order_by(col(Topic.id)))]
    for number, url in enumerate(urls):
        feed = Feed(url=url, local=local, next_poll_at=datetime.now(UTC) - 30 * _DAY)
        session.add(feed)
        session.flush()
        session.add(Route(feed_id=feed.id or 0, topic_id=topics[number % len(topics)]))


def _publish(server: Server, day: int, *, at: datetime) -> None:
    """What the feeds say on a day: each has its stories of all days so far, one new each day."""
    for number in range(_FEEDS):
        kind, path = number % _KINDS, f"/{number}"
        guids = "new-" if kind == _NEW_GUIDS and day >= _FAULTS_ON else ""
        stories = [_story(number, of, 0, at - (day - of) * _DAY, guids) for of in range(day + 1)]
        if day >= _FAULTS_ON:
            before = at - (day - _FAULTS_ON) * _DAY
            if kind == _FLOODS:
                flood = [_story(number, _FAULTS_ON, of, before) for of in range(_FLOOD_FROM, _FLOOD_FROM + _FLOOD)]
                stories[_FAULTS_ON:_FAULTS_ON] = flood
            if kind == _LIES:
                stories += [_story(number, _FAULTS_ON, 1, before - 3650 * _DAY)]
                stories += [_story(number, _FAULTS_ON, 2, before + 365 * _DAY)]
        server.pages[path] = Page(rss(*reversed(stories), title=f"Feed {number}"))
        if day == _FAULTS_ON and kind == _AWAY:
            server.pages[path] = Page(status=500)
        if day == _FAULTS_ON and kind == _CIRCLES:
            server.redirect(path, f"{path}?again")
            server.redirect(f"{path}?again", path)


def _story(number: int, day: int, which: int, at: datetime, guids: str = "") -> str:
    name = f"{number}/{day}/{which}"
    link = f"https://courier.example/{name}"
    return item(guids + name, title=f"Tale-{number}-{day}-{which}", link=link, at=at - timedelta(minutes=30))


def _expected(day: int) -> set[tuple[int, int, int]]:
    """The stories that are news on a day, without those of a flood that was let through."""
    expected = set()
    for number in range(_FEEDS):
        kind = number % _KINDS
        away = kind in (_AWAY, _CIRCLES)
        if not (away and day == _FAULTS_ON) and not (kind == _FLOODS and day == _FAULTS_ON):
            expected.add((number, day, 0))
        if away and day == _BACK_ON:
            expected.add((number, _FAULTS_ON, 0))
        if kind == _LIES and day == _FAULTS_ON:
            expected.add((number, day, 2))
    return expected


def _have_a_day(here: World, at: datetime) -> None:
    """Let a day's slot come for everybody, and do all that is due."""
    with here.database.transaction() as session:
        slot = update(Subscriber).where(col(Subscriber.next_send_at).is_not(None))
        session.connection().execute(slot.values(next_send_at=at, next_day=at.date()))
    _digestmail(here, "tick", "--now", at.isoformat(), "--json")


def _digestmail(here: World, *arguments: str) -> str:
    """Run a command of the service; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "digestmail", *arguments],
        env=os.environ | here.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"digestmail {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def _tales_of_the_mails(here: World) -> dict[tuple[str, object], set[tuple[int, int, int]]]:
    """The stories in each digest, by its reader and day."""
    tales = defaultdict(set)
    for person, data in here.mails():
        message = message_from_bytes(data, policy=policy.default)
        if ".digest." not in str(message["Message-ID"]):
            continue
        day = datetime.strptime(str(message["Message-ID"]).split(".")[2][:8], "%Y%m%d").replace(tzinfo=UTC).date()
        text = message.get_body(("html",))
        assert text is not None
        tales[person, day] = {
            (int(number), int(of), int(which)) for number, of, which in _TALE.findall(text.get_content())
        }
    return tales


_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(12))
_ACTIVE = """<script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">Go</a>
<iframe src="https://evil.example/"></iframe><svg onload=alert(1)><style>*{display:none}</style><form action="/u/x">
<input name=a></form><object data="x.swf"></object><a href="data:text/html,<script>alert(1)</script>">Data</a>"""
_INJECTED = "Ahoy&#13;&#10;Bcc: victim@evil.example&#10;&#10;X-Injected: yes"
_TOO_MUCH = 200_000_000
"""Octets that a process may have."""
_SECONDS_TO_POLL = 240.0
_ACTIVE_ELEMENTS = {"script", "iframe", "svg", "form", "input", "object", "embed", "base"}


@scenario("R24", "hostile feeds: forged requests, bombs, drips, scripts, line ends in titles", quick=100, full=10_000)
def hostile_feeds(setting: Setting) -> Iterator[Verdict]:
    """Nobody in the own network is asked, memory stays small, and nothing active and no header comes through."""
    everywhere = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"
    with (
        world(setting, keep_mails=True) as here,
        serving() as server,
        talking(saying(plain(rss(item("inside"), title="Inside"))), host=everywhere) as inside,
    ):
        began = time.monotonic()
        hosts = [f"http://{host}:{inside.port}/" for host in ALL]
        for number, url in enumerate(hosts):
            server.redirect(f"/to/{number}", url.encode().decode("latin-1"), status=(301, 302, 307, 308)[number % 4])
        with here.database.transaction() as session:
            _add_feeds(session, hosts)
            _add_feeds(session, [server.url(f"/to/{number}") for number in range(len(hosts))], local=True)
            _add_feeds(session, [server.url(path) for path in _attack(server)], local=True)
        here.start(workers=1)
        peak = _poll_all(here)
        with here.database.reading() as session:
            titles = set(session.exec(select(Feed.title).where(col(Feed.last_success_at).is_not(None))))
            reached = session.exec(select(func.count()).where(Feed.title == "Inside")).one()
        here.come()
        here.wait_until_done("R24")
        verdict = judge(
            here,
            "R24",
            f"{2 * len(hosts)} forged addresses, bombs of gzip and XML, drips, active content",
            seconds=time.monotonic() - began,
        )
        verdict.to_be()
        verdict.must(inside.calls == 0 and not reached, f"the own network was asked {inside.calls} times")
        verdict.must(peak <= _TOO_MUCH, f"a process had {peak / 1e6:.0f} MB")
        mails = [message_from_bytes(data, policy=policy.default) for _, data in here.mails()]
        verdict.must(any("Active" in title for title in titles), f"only {titles} were read")
        for trouble in sorted({trouble for mail in mails for trouble in _troubles_of(mail)})[:5]:
            verdict.must(False, trouble)
        verdict.must(any("Harbour news" in _html(mail) for mail in mails), "the good feed was in no mail")
        verdict.remarks = f"at most {peak / 1e6:.0f} MB a process"
        yield verdict


def _attack(server: Server) -> Sequence[str]:
    """Let the server be hostile; the paths of its feeds, of which one is good."""
    at = datetime.now(UTC) - timedelta(minutes=5)
    packed, bomb = {"Content-Encoding": "gzip"}, gzip.compress(bytes(500_000_000))
    server.pages |= {
        "/good": Page(rss(item("good", title="Harbour news", at=at))),
        "/bomb": Page(bomb, headers=packed),
        "/bomb-in-bomb": Page(gzip.compress(bomb), headers=packed),
        "/laughs": Page(f"<!DOCTYPE rss [{_LAUGHS}]><rss><channel><title>&l11;</title></channel></rss>".encode()),
        "/outside": Page(b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + rss(item("&x;", at=at))),
        "/deep": Page(b"<rss><channel>" + b"<item><a>" * 400_000),
        "/comments": Page(b"<!-- -->" * 500_000 + rss(item("late", at=at))),
        "/tags": Page(rss(item("tags", at=at, text="<b>" * 1_000_000))),
        "/json": Page(b"[" * 2_000_000, headers={"Content-Type": "application/feed+json"}),
        "/active": Page(rss(item("active", title=f"Active {_ACTIVE}", text=_ACTIVE, at=at), title="Active")),
        "/lines": Page(rss(item("lines", at=at).replace("<title>lines", f"<title>{_INJECTED}"), title=_INJECTED)),
        "/drip": _drip,
        "/drip-head": _drip_head,
    }
    return [path for path in server.pages if not path.startswith("/to/")]


def _drip(request: BaseHTTPRequestHandler) -> None:
    """A document that never ends."""
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.5)


def _drip_head(request: BaseHTTPRequestHandler) -> None:
    """Headers that never end."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        request.wfile.write(b"X-More: and more\r\n")
        request.wfile.flush()
        time.sleep(0.5)


def _poll_all(here: World) -> int:
    """Wait until every feed has been polled; the most octets that a process of the worker had meanwhile."""
    peak, deadline = 0, time.monotonic() + _SECONDS_TO_POLL
    unpolled = select(func.count()).where(col(Feed.last_success_at).is_(None), Feed.failures == 0)
    while True:
        for number in here.pids("worker"):
            peak = max(peak, usage_of_family(number).peak_octets or 0)
        with here.database.reading() as session:
            left = session.exec(unpolled).one()
        if not left:
            return peak
        if time.monotonic() > deadline:
            raise BenchError(f"{left} feeds were not polled in {_SECONDS_TO_POLL:.0f} s.\n{here.logs()}")
        time.sleep(0.2)


def _html(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    return part.get_content() if part is not None else ""


def _troubles_of(mail: EmailMessage) -> Iterator[str]:
    """What is in a mail that may not be there."""
    names = Counter(name.lower() for name in mail.keys())  # noqa: SIM118 - it may have one several times
    for name in {"bcc", "cc", "x-injected"} & set(names):
        yield f"a mail has the header {name}"
    for name in ("subject", "to", "from", "message-id"):
        if names[name] != 1:
            yield f"a mail has {names[name]} headers {name}"
    looker = _Looker()
    looker.feed(_html(mail))
    yield from looker.found


class _Looker(HTMLParser):
    """Looks for what acts by itself, as a browser would see it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE_ELEMENTS:
            self.found.append(f"a mail has an element {tag}")
        for name, value in attrs:
            scheme = (value or "").strip().lower().partition(":")[0]
            if name.startswith("on") or (name in ("href", "src") and scheme in ("javascript", "data", "vbscript")):
                self.found.append(f"a mail has the attribute {name} = {value}")
