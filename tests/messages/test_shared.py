from digestmail.messages.pieces import Composed
from digestmail.messages.shared import Shared


def test_it_forgets_what_was_not_used_for_longest() -> None:
    made: list[str] = []

    def make(key: str) -> Composed:
        made.append(key)
        return Composed([b"x" * 10_000], {})

    shared = Shared[str](25_000)
    for key in ("a", "b", "a", "c", "a", "b"):
        shared.get(key, make)
    assert made == ["a", "b", "c", "b"]


def test_it_keeps_the_newest_however_large() -> None:
    shared = Shared[str](10)
    large = Composed([b"x" * 1000], {})
    assert shared.get("a", lambda key: large) is large
    assert shared.get("a", lambda key: None) is large


def test_it_remembers_that_there_is_nothing() -> None:
    shared = Shared[str](10_000)
    assert shared.get("a", lambda key: None) is None
    assert shared.get("a", lambda key: Composed([b"x"], {})) is None
