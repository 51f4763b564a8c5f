"""Visitors of the pages, many at once: each keeps a connection and comes through the proxy from where it says."""

import http.client
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from tests.chaos.world import World

Task = TypeVar("Task")
Result = TypeVar("Result")

_AT_ONCE = 16

Form = Mapping[str, str | Sequence[str]]


class Visitor:
    """A browser, or what pretends to be one."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)

    def ask(self, method: str, path: str, *, form: Form | None = None, ip: str = "198.51.100.7") -> tuple[int, str]:
        """The status and the page. Raises OSError where nobody answers."""
        headers = {"X-Forwarded-For": ip, "User-Agent": "Mozilla/5.0"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, None if form is None else urlencode(form, doseq=True), headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()


def together(here: World, what: str, tasks: Iterable[Task], do: Callable[[Visitor, Task], Result]) -> list[Result]:
    """Do all tasks, some at a time, and show how it comes along; the results in their order."""
    own = threading.local()
    tasks = list(tasks)
    results: list[Result] = []

    def one(task: Task) -> Result:
        if not hasattr(own, "visitor"):
            own.visitor = Visitor(here.url)
        return do(own.visitor, task)

    with here.screen.progress(what, len(tasks)) as tell, ThreadPoolExecutor(_AT_ONCE) as pool:
        for result in pool.map(one, tasks):
            results.append(result)
            tell(len(results), len(tasks))
    return results
