"""What costs something to make is made now and then."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digestmail.web.brief_memory import BriefMemory

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Maker:
    """Gives another number each time."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> int:
        self.made += 1
        return self.made


def test_a_value_is_kept_for_its_span() -> None:
    memory, make = BriefMemory[str, int](MINUTE), Maker()
    seen = [memory.recall("a", make, now=NOW + MINUTE * late) for late in (0, 0.5, 0.99, 1, 1.5, 2)]
    assert seen == [1, 1, 1, 2, 2, 3]


def test_a_clock_that_was_put_back_keeps_nothing_alive() -> None:
    memory, make = BriefMemory[str, int](MINUTE), Maker()
    memory.recall("a", make, now=NOW)
    assert memory.recall("a", make, now=NOW - timedelta(days=1)) == 2


def test_what_was_made_first_is_forgotten_first() -> None:
    memory, make = BriefMemory[str, int](MINUTE, most=2), Maker()
    for late, key in enumerate("aabac"):
        memory.recall(key, make, now=NOW + late * timedelta(seconds=1))
    later = NOW + timedelta(seconds=9)
    assert [memory.recall(key, make, now=later) for key in "cba"] == [3, 2, 4]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300))), st.integers(1, 4))
def test_a_value_is_never_too_old_and_always_its_keys(asked: list[tuple[int, int]], most: int) -> None:
    memory = BriefMemory[int, tuple[int, int]](MINUTE, most=most)
    for key, second in asked:
        got = memory.recall(key, lambda made=(key, second): made, now=NOW + timedelta(seconds=second))
        assert got[0] == key
        assert 0 <= second - got[1] < 60
