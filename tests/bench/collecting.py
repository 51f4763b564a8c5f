"""Collects many feeds in a process of its own, so that its memory can be measured.

`python -m tests.bench.collecting PORT FEEDS HOSTS`, with the URL of a migrated database in BENCH_DATABASE_URL, prints
what came out as JSON. Before the clock is started, the feeds that will have news are collected once, so that one entry
of each is new; the others are known by their ETag only. Then all are collected once more, none of which has news.
"""

import gc
import ipaddress
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta

from sqlmodel import col, func, insert, select, update

from digestmail.clock import standing_still
from digestmail.feeds.collect import collect_due
from digestmail.feeds.fetch import Fetcher
from digestmail.feeds.manage import add_topic
from digestmail.store.database import Database
from digestmail.store.models import Feed, Item, Route
from tests.bench.feed_server import FIRST, has_news
from tests.bench.options import DATABASE_URL
from tests.bench.proc import usage

_LOOPBACK = ipaddress.ip_address("127.0.0.1")


def host_of(number: int, *, hosts: int) -> str:
    """The host of a feed; all are one server."""
    return f"host{number % hosts}.example"


def main(database_url: str, port: int, feeds: int, hosts: int) -> dict[str, float]:
    """Collect; what was polled and stored, the seconds, the CPU seconds and the most memory."""
    database = Database(database_url)
    now = datetime.now(UTC)
    subscribe(database, port, feeds, hosts, now=now)
    fetcher = Fetcher(
        allowed_networks=[ipaddress.ip_network("127.0.0.0/8")],
        contact_url="https://digest.courier.example/",
        resolve=lambda host, port: [_LOOPBACK],
    )
    collect_due(database, fetcher, standing_still(now))
    gc.freeze()  # as a worker does
    known = items(database)
    come(database, now=now)
    began, used = time.perf_counter(), time.process_time()
    report = collect_due(database, fetcher, standing_still(now))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - used
    stored = items(database) - known
    come(database, now=now)
    began = time.perf_counter()
    again = collect_due(database, fetcher, standing_still(now))
    return {
        "feeds": feeds,
        "news": sum(map(has_news, range(1, feeds + 1))),
        "polled": report.polled,
        "not_modified": report.not_modified,
        "failed": len(report.failures),
        "new_items": report.new_items,
        "stored": stored,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "unchanged": again.not_modified,
        "unchanged_seconds": time.perf_counter() - began,
        "peak_octets": usage(os.getpid()).peak_octets or 0,
    }


def subscribe(database: Database, port: int, feeds: int, hosts: int, *, now: datetime) -> None:
    """Store the feeds; due are only those that will have news, which are new."""
    with database.transaction() as session:
        topic = add_topic(session, slug="harbour", name="Harbour")
        known = {"etag": FIRST.decode(), "next_poll_at": now + timedelta(days=1), "first_success_at": now}
        new = {"etag": None, "next_poll_at": now, "first_success_at": None}
        rows = [
            {"id": number, "url": f"http://{host_of(number, hosts=hosts)}:{port}/{number}"}
            | (new if has_news(number) else known)
            for number in range(1, feeds + 1)
        ]
        session.execute(insert(Feed), rows)
        session.execute(insert(Route), [{"feed_id": row["id"], "topic_id": topic.id} for row in rows])


def come(database: Database, *, now: datetime) -> None:
    """Let all feeds be due."""
    with database.transaction() as session:
        session.execute(update(Feed).values(next_poll_at=now))


def items(database: Database) -> int:
    """How many items are stored."""
    with database.reading() as session:
        return session.exec(select(func.count(col(Item.id)))).one()


if __name__ == "__main__":
    print(json.dumps(main(os.environ[DATABASE_URL], *map(int, sys.argv[1:]))))
