"""A run uses fewer connections when the server asks for less, and comes back up little by little."""

from hypothesis import given
from hypothesis import strategies as st

from digestmail.deliveries.width import Width


class Time:
    """A clock to be set."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_a_throttled_run_goes_down_at_once_and_up_by_the_second() -> None:
    time = Time()
    width = Width(16, now=time)
    width.throttle()
    assert width.value == 12
    time.at += 2
    assert width.value == 14
    time.at += 100
    assert width.value == 16


def test_many_complaints_in_one_moment_count_as_one() -> None:
    width = Width(16, now=Time())
    for _ in range(16):
        width.throttle()
    assert width.value == 12


def test_a_server_that_keeps_three_connections_is_not_asked_for_a_fourth_at_once() -> None:
    width = Width(16, now=Time())
    width.no_more_than(3)
    assert width.value == 3


def test_a_server_that_takes_nothing_is_left_alone_twice_as_long_each_time() -> None:
    time = Time()
    width = Width(16, now=time)
    rests = []
    for _ in range(8):
        width.nothing_taken()
        width.nothing_taken()  # said by another connection in the same moment
        rests.append(width.rest)
        time.at += width.rest
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60]
    width.taken()
    width.nothing_taken()
    assert width.rest == 1


@given(st.integers(1, 500), st.lists(st.tuples(st.sampled_from("tnrw"), st.floats(0, 50)), max_size=60))
def test_it_stays_between_one_and_the_most_and_always_comes_back(most: int, story: list[tuple[str, float]]) -> None:
    time = Time()
    width = Width(most, now=time)
    for event, value in story:
        if event == "t":
            width.throttle()
        elif event == "n":
            width.no_more_than(int(value))
        elif event == "r":
            width.nothing_taken()
        else:
            time.at += value
        assert 1 <= width.value <= most
        assert 0 <= width.rest <= 60
    time.at += 600
    assert (width.value, width.rest) == (most, 0)
