from digestmail.messages.frame import Frame
from digestmail.messages.pieces import Gap


def test_known_values_are_filled_in_once_and_the_others_for_each_reader() -> None:
    frame = Frame([b"a", Gap("day"), b"b", Gap("token"), b"c"], {"day": b"DAY"})
    assert frame.filled(b">", {"token": [b"ONE"]}) == b">aDAYbONEc"
    assert frame.filled(b">", {"token": [b"T", b"W", b"O"]}) == b">aDAYbTWOc"
    assert frame.filled(b">", {"token": []}) == b">aDAYbc"
    assert frame.octets == len(b"aDAYbc")


def test_gaps_may_stand_side_by_side_and_come_again() -> None:
    frame = Frame([Gap("a"), Gap("b"), Gap("a")], {})
    assert frame.filled(b"", {"a": [b"1"], "b": [b"2"]}) == b"121"
