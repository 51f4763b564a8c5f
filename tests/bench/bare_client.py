"""Bare clients as yardsticks: they ask in threads over kept connections, read the answers, and do no more.

`python -m tests.bench.bare_client CLIENT PORT FEEDS HOSTS` prints what it took as JSON; CLIENT is `http.client`, the
least that Python brings, or `httpx2`, a library as most would take.
"""

import http.client
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2

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

Ask = Callable[[int], int]
"""Asks for a feed by its number, reads the answer to its end, and gives back its status."""


def main(client: str, port: int, feeds: int, hosts: int) -> dict[str, float]:
    """Ask for all feeds; how many there are, the seconds and the CPU seconds."""
    ask = {"http.client": _with_http_client, "httpx2": _with_httpx2}[client](port, hosts)
    began, used = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(FETCHES_AT_ONCE) as threads:
        statuses = list(threads.map(ask, range(1, feeds + 1)))
    return {
        "messages": len(statuses),
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - used,
    }


def _with_http_client(port: int, hosts: int) -> Ask:
    """Takes a kept connection to the feed's host, or opens one."""
    lock = threading.Lock()
    free: dict[str, list[http.client.HTTPConnection]] = defaultdict(list)

    def ask(number: int) -> int:
        host = host_of(number, hosts=hosts)
        with lock:
            connection = free[host].pop() if free[host] else http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", f"/{number}", headers=_headers(host, port))
        answer = connection.getresponse()
        answer.read()
        with lock:
            free[host].append(connection)
        return answer.status

    return ask


def _with_httpx2(port: int, hosts: int) -> Ask:
    """Leaves the connections to the library's pool, for which all hosts are one."""
    limits = httpx2.Limits(max_connections=FETCHES_AT_ONCE, max_keepalive_connections=FETCHES_AT_ONCE)
    client = httpx2.Client(limits=limits, timeout=20, trust_env=False)

    def ask(number: int) -> int:
        headers = _headers(host_of(number, hosts=hosts), port)
        return client.get(f"http://127.0.0.1:{port}/{number}", headers=headers).status_code

    return ask


def _headers(host: str, port: int) -> dict[str, str]:
    return {"Host": f"{host}:{port}", "If-None-Match": FIRST.decode()} | _SAME


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], *map(int, sys.argv[2:]))))
