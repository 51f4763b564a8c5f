"""The scenarios by their names, each with its loads: found by the decorator, run by the command."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos.judge import Verdict
from tests.chaos.world import Setting

Run = Callable[[Setting], Iterator[Verdict]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is done, and with how many readers."""

    name: str
    title: str
    quick: int
    full: int
    databases: tuple[str, ...]
    run: Run

    @property
    def number(self) -> int:
        """Which it is in the table, such as 17."""
        return int(self.name.split()[0].removeprefix("R"))


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    name: str, title: str, *, quick: int, full: int, databases: tuple[str, ...] = ("postgresql",)
) -> Callable[[Run], Run]:
    """Make a function a scenario; it yields a verdict for each thing that it tries."""

    def enter(run: Run) -> Run:
        SCENARIOS[name] = Scenario(name=name, title=title, quick=quick, full=full, databases=databases, run=run)
        return run

    return enter
