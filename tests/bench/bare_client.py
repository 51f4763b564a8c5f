"""A bare client as a yardstick: http.client in threads, connections kept for each host; it reads answers and no more.

`python -m tests.bench.bare_client PORT FEEDS HOSTS` prints what it took as JSON.
"""

import http.client
import json
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from digestmail.feeds.collect import FETCHES_AT_ONCE
from tests.bench.collecting import host_of
from tests.bench.feed_server import FIRST

_SAME = {
    "User-Agent": "bare/1.0 (+https://digest.courier.example/)",
    "Accept": "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5",
    "Accept-Encoding": "gzip",
}
"""What every request of ours has too."""


class BareClient:
    """Takes a kept connection to the feed's host, or opens one."""

    def __init__(self, port: int, *, hosts: int) -> None:
        self._port = port
        self._hosts = hosts
        self._lock = threading.Lock()
        self._kept: dict[str, list[http.client.HTTPConnection]] = defaultdict(list)

    def ask(self, number: int) -> int:
        """Ask for a feed, read its answer to the end, and give back its status."""
        host = host_of(number, hosts=self._hosts)
        with self._lock:
            kept = self._kept[host]
            connection = kept.pop() if kept else http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {"Host": f"{host}:{self._port}", "If-None-Match": FIRST.decode()} | _SAME
        connection.request("GET", f"/{number}", headers=headers)
        answer = connection.getresponse()
        answer.read()
        with self._lock:
            kept.append(connection)
        return answer.status


def main(port: int, feeds: int, hosts: int) -> dict[str, float]:
    """Ask for all feeds; how many there are, the seconds and the CPU seconds."""
    client = BareClient(port, hosts=hosts)
    began, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(FETCHES_AT_ONCE) as threads:
        statuses = list(threads.map(client.ask, range(1, feeds + 1)))
    return {
        "messages": len(statuses),
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - used,
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
