from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.politeness import AT_ONCE_OF_A_HOST, Turns


@dataclass(frozen=True)
class Waiting:
    number: int
    host: str
    failing: bool = False


def waiting(*hosts: str, failing: bool = False, start: int = 0) -> list[Waiting]:
    return [Waiting(start + number, host, failing) for number, host in enumerate(hosts)]


def taken(turns: Turns[Waiting]) -> list[Waiting]:
    """All that may be asked at once."""
    return list(iter(turns.take, None))


def test_two_feeds_of_a_host_are_asked_at_once_and_nobody_waits_for_them() -> None:
    turns = Turns(waiting("a", "a", "a", "b"), width=10)
    out = taken(turns)
    assert [feed.host for feed in out] == ["a", "a", "b"]
    turns.end(out[2], well=True)
    assert taken(turns) == []
    turns.end(out[0], well=True)
    assert [feed.number for feed in taken(turns)] == [2]


def test_a_host_is_asked_for_its_feeds_one_after_the_other() -> None:
    turns = Turns(waiting("a", "b", "a", "c", "a"), width=1)
    order = []
    while (feed := turns.take()) is not None:
        order.append(feed.host)
        turns.end(feed, well=True)
    assert order == ["a", "a", "a", "b", "c"]


def test_those_that_failed_go_last_and_leave_half_of_the_places() -> None:
    failing = waiting(*"abcdefgh", failing=True)
    turns = Turns([*failing, *waiting("x", "y", start=10)], width=6)
    out = taken(turns)
    assert [feed.host for feed in out] == ["x", "y", "a", "b", "c"]
    for feed in out[:2]:
        turns.end(feed, well=True)
    assert taken(turns) == []
    turns.end(out[2], well=False)
    assert [feed.host for feed in taken(turns)] == ["d"]


def test_a_single_place_is_for_everybody() -> None:
    assert taken(Turns(waiting("a", failing=True), width=1)) == waiting("a", failing=True)


def test_the_others_of_a_host_that_has_just_failed_go_last() -> None:
    turns = Turns(waiting("a", "a", "a", "b", "c"), width=2)
    first, second = taken(turns)
    turns.end(first, well=False)
    assert [feed.host for feed in taken(turns)] == ["b"]
    turns.end(second, well=True)
    assert [feed.host for feed in taken(turns)] == ["c"]


def test_the_feeds_of_a_host_are_called_off() -> None:
    feeds = [*waiting("a", "a", "a", "b"), *waiting("a", failing=True, start=9)]
    turns = Turns(feeds, width=10)
    out = taken(turns)
    assert {feed.number for feed in turns.call_off("a")} == {2, 9}
    assert turns.call_off("a") == []
    assert set(turns) == set(out)


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=40),
    st.integers(1, 8),
    st.randoms(use_true_random=False),
)
def test_everybody_has_one_turn_and_no_limit_is_passed(
    feeds: list[tuple[str, bool]], width: int, chance: object
) -> None:
    everybody = [Waiting(number, host, failing) for number, (host, failing) in enumerate(feeds)]
    turns = Turns(everybody, width=width)
    out: list[Waiting] = []
    had: list[Waiting] = []
    while True:
        new = taken(turns)
        out += new
        had += new
        assert turns.out == len(out) <= width
        assert max(Counter(feed.host for feed in out).values(), default=0) <= AT_ONCE_OF_A_HOST
        assert sum(feed.failing for feed in out) <= max(1, width // 2)
        assert set(turns) == set(everybody) - (set(had) - set(out))
        if not out:
            break
        feed = chance.choice(out)  # type: ignore[attr-defined]
        out.remove(feed)
        turns.end(feed, well=chance.random() < 0.7)  # type: ignore[attr-defined]
    assert sorted(feed.number for feed in had) == list(range(len(everybody)))
