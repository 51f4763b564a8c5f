"""What can be asked of the bench."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.options import USUAL_PARTS, BenchError, Options, Part, is_due, read_address, read_duration, read_parts


def test_all_parts_are_taken_unless_some_are_named() -> None:
    assert read_parts("", "") == USUAL_PARTS == set(Part) - {Part.UNMARKED}
    assert read_parts("slot, plan", "") == {Part.SLOT, Part.PLAN}
    assert read_parts("slot,plan", "plan") == {Part.SLOT}
    assert read_parts("", "usual") == USUAL_PARTS - {Part.USUAL}


def test_a_sign_up_comes_with_its_slot_and_goes_with_it() -> None:
    assert read_parts("confirmation", "") == {Part.SLOT, Part.CONFIRMATION}
    assert read_parts("", "slot") == USUAL_PARTS - {Part.SLOT, Part.CONFIRMATION}
    assert read_parts("unmarked", "") == {Part.SLOT, Part.UNMARKED}


def test_feeds_alone_need_no_readers() -> None:
    assert not Options(parts=read_parts("feeds", "")).mails
    assert Options(parts=read_parts("feeds,plan", "")).mails


def test_an_unknown_part_is_refused_with_those_there_are() -> None:
    with pytest.raises(BenchError, match=r"no measure “speed”.*smtp-source"):
        read_parts("speed", "")


def test_durations_have_a_unit() -> None:
    assert read_duration("50ms") == read_duration("0.05s") == 0.05
    with pytest.raises(BenchError, match="50ms or"):
        read_duration("50")


def test_an_address_has_a_port() -> None:
    assert read_address("127.0.0.1:2525") == ("127.0.0.1", 2525)
    assert read_address("[::1]:25") == ("::1", 25)
    with pytest.raises(BenchError, match="is no address"):
        read_address("localhost")


@given(st.integers(1, 500), st.integers(0, 500))
def test_so_many_are_due_as_were_asked_for_and_evenly(due: int, others: int) -> None:
    total = due + others
    numbers = [number for number in range(1, total + 1) if is_due(number, due=due, total=total)]
    assert len(numbers) == due
    gaps = {later - earlier for earlier, later in pairwise(numbers)}
    assert len(gaps) <= 2
