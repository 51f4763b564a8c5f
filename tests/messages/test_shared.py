from digestmail.messages.shared import Shared


def test_what_was_made_first_is_forgotten_first_whatever_its_table() -> None:
    shared = Shared(25)
    one: dict[str, str] = {}
    two: dict[int, str] = {}
    assert shared.keep(one, "a", "first", 10) == "first"
    shared.keep(two, 1, "second", 10)
    assert (one, two) == ({"a": "first"}, {1: "second"})
    shared.keep(one, "b", "third", 10)
    assert (one, two) == ({"b": "third"}, {1: "second"})
    shared.keep(one, "c", "fourth", 20)
    assert (one, two) == ({"c": "fourth"}, {})


def test_it_keeps_the_newest_however_large() -> None:
    shared = Shared(10)
    table: dict[str, int] = {}
    shared.keep(table, "a", 1, 1000)
    assert table == {"a": 1}
    shared.keep(table, "b", 2, 1)
    assert table == {"b": 2}
