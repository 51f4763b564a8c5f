"""What a digest over its budget leaves out, and in which order."""

from collections.abc import Sequence
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from digestmail.messages.budget import BUDGET, LEADING, Kept, Measured, cut

AROUND, MORE = 1000, 50
measures = st.builds(Measured, st.integers(100, 900), st.integers(20, 100), st.integers(0, 200))
topics_of_stories = st.lists(st.lists(measures, min_size=1, max_size=12), min_size=1, max_size=8)
budgets = st.integers(0, 30_000)


def alike(*counts: int) -> list[list[Measured]]:
    """Topics with so many stories of 100 octets each, 40 of them when short."""
    return [[Measured(100, 40, 0)] * count for count in counts]


def more(hidden: int) -> int:
    return MORE + len(str(hidden))


def kept(*counts: int, budget: int) -> list[tuple[int, int]]:
    return [tuple(each) for each in cut(alike(*counts), around=AROUND, more=more, budget=budget)]  # type: ignore[misc]


def size(topics: Sequence[Sequence[Measured]], parts: Sequence[Kept]) -> int:
    """The octets of the digest that is left."""
    total = AROUND
    for stories, part in zip(topics, parts, strict=True):
        total += sum(story.full + story.besides for story in stories[: part.full])
        total += sum(story.short + story.besides for story in stories[part.full : part.shown])
    hidden = sum(map(len, topics)) - sum(part.shown for part in parts)
    return total + (more(hidden) if hidden else 0)


def by_importance(topics: Sequence[Sequence[Measured]], parts: Sequence[Kept]) -> list[str]:
    """How each story is shown: first those that stand first in their topic, in the order of the topics."""
    forms = [
        ["full"] * part.full + ["short"] * (part.shown - part.full) + ["hidden"] * (len(stories) - part.shown)
        for stories, part in zip(topics, parts, strict=True)
    ]
    longest = max(map(len, forms))
    return list(chain.from_iterable([form[rank] for form in forms if rank < len(form)] for rank in range(longest)))


def test_the_budget_is_ninety_kilobytes() -> None:
    assert BUDGET == 92_160


def test_what_fits_exactly_is_left_as_it_is() -> None:
    assert kept(3, 1, budget=AROUND + 400) == [(3, 3), (1, 1)]


def test_one_octet_more_makes_the_least_important_story_short() -> None:
    assert kept(20, 1, budget=AROUND + 2100 - 1) == [(19, 20), (1, 1)]


def test_the_tail_of_the_largest_topic_goes_first() -> None:
    assert kept(3, 20, 3, budget=AROUND + 26 * 100 - 8 * 60) == [(3, 3), (12, 20), (3, 3)]


def test_stories_are_counted_only_when_all_but_the_leading_ones_are_short() -> None:
    short = AROUND + 12 * 100 + 8 * 40
    assert kept(20, budget=short) == [(12, 20)]
    assert kept(20, budget=short - 1) == [(12, 18)]
    assert kept(20, budget=AROUND + 12 * 100 + MORE + 1) == [(12, 12)]


def test_then_even_the_leading_ones_are_shortened_and_counted() -> None:
    assert kept(20, budget=AROUND + 12 * 100 + MORE) == [(11, 12)]
    assert kept(20, budget=AROUND + 12 * 40 + MORE + 1) == [(0, 12)]
    assert kept(20, budget=AROUND + 3 * 40 + MORE + 2) == [(0, 3)]


def test_one_story_is_always_shown() -> None:
    assert kept(2, 2, budget=0) == [(0, 1), (0, 0)]
    assert kept(1, budget=0) == [(0, 1)]


def test_the_first_stories_of_topics_matter_most_in_the_order_of_the_topics() -> None:
    assert kept(2, 2, 2, budget=AROUND + 4 * 40 + MORE + 1) == [(0, 2), (0, 1), (0, 1)]


@given(topics_of_stories, budgets)
def test_nothing_is_dropped_without_need_and_nothing_kept_beyond_it(topics: list[list[Measured]], budget: int) -> None:
    parts = cut(topics, around=AROUND, more=more, budget=budget)
    forms = by_importance(topics, parts)
    shown = [form for form in forms if form != "hidden"]
    full = forms.count("full")
    assert forms == ["full"] * full + ["short"] * (len(shown) - full) + ["hidden"] * (len(forms) - len(shown))
    assert size(topics, parts) <= budget or shown == ["short"]
    if len(shown) < len(forms):
        assert full <= LEADING
    if len(shown) < min(len(forms), LEADING):
        assert full == 0


@given(topics_of_stories, budgets)
def test_a_larger_budget_never_shows_less(topics: list[list[Measured]], budget: int) -> None:
    less, larger = (
        by_importance(topics, cut(topics, around=AROUND, more=more, budget=each)) for each in (budget, budget + 500)
    )
    assert less.count("full") <= larger.count("full")
    assert less.count("hidden") >= larger.count("hidden")
