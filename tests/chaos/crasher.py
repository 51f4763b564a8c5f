"""Crashes a sender at one step of one delivery, again and again: a process that forks itself for each crash.

`python -m tests.chaos.crasher` reads the settings from its environment. For each line on standard input, the name of a
step, it forks, delivers what is due in the child, and kills that in the middle of the step; then it answers a line.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from digestmail.deliveries import ledger, send
from digestmail.deliveries.events import Answered
from digestmail.deliveries.wire import Wire
from digestmail.desk.service import Service
from digestmail.settings import load_settings
from digestmail.store.shared_clock import shared_clock


def crash(*_: Any, **__: Any) -> NoReturn:
    """End as by kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def before_commit(module: Any, name: str) -> None:
    """Let a statement of the ledger be done, and die before its transaction is."""
    usual: Callable[..., Any] = getattr(module, name)

    def done(*arguments: Any, **named: Any) -> Any:
        result = usual(*arguments, **named)
        if result or (name == "settle" and arguments[1]):
            crash()
        return result

    setattr(module, name, done)


def at_the_answer() -> None:
    """Die with the 250 in hand."""
    usual = send.Sender._take

    def take(sender: send.Sender, event: Any) -> None:
        if isinstance(event, Answered):
            crash()
        usual(sender, event)

    send.Sender._take = take  # type: ignore[method-assign]


STEPS: Mapping[str, Callable[[], None]] = {
    "claim": lambda: before_commit(ledger, "claim"),
    "body": lambda: setattr(Wire, "offer", crash),
    "mark": lambda: before_commit(ledger, "mark"),
    "dot": lambda: setattr(Wire, "dot", crash),
    "250": at_the_answer,
    "settle": lambda: before_commit(ledger, "settle"),
}
"""How to die there. A name is that of what has not been done for good by then."""


def main() -> None:
    """Crash as often as asked."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            STEPS[line.strip()]()
            service = Service(load_settings())
            service.deliver(shared_clock(service.database))
            os._exit(3)  # it should have died
        _, status = os.waitpid(child, 0)
        print(-os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
