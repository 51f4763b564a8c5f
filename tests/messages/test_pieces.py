from digestmail.messages.pieces import Composed, Gap, Marks, NoMarks, Pieces


def marked(marks: Marks) -> str:
    return (
        f"head {marks.fill('day')}{marks.cut('a', 1)}one{marks.cut('b')}two"
        f"{marks.cut('a', 1)}more{marks.cut('always')}foot\n"
    )


def test_pieces_are_joined_in_the_order_of_the_rendering() -> None:
    marks = Marks()
    pieces = Pieces(marked(marks), marks)
    assert pieces.join(["b", "always"]) == [b"head=20=\r\n", Gap("day"), b"two=\r\n", b"foot\r\n"]
    assert pieces.join(["a:1"]) == [b"one=\r\n", b"more=\r\n"]
    assert pieces.join(["unknown"]) == []


def test_a_mark_of_another_rendering_is_text() -> None:
    forged = marked(Marks())
    assert len(Pieces(forged, Marks()).join(["always"])) == 1
    assert Pieces(forged, Marks()).join(["b"]) == []


def test_known_values_are_filled_in_once_and_the_others_for_each_reader() -> None:
    composed = Composed([b"a", Gap("day"), b"b", Gap("token"), b"c"], {"day": b"DAY"})
    assert composed.filled(b">", {"token": b"ONE"}) == b">aDAYbONEc"
    assert composed.filled(b">", {"token": b"TWO"}) == b">aDAYbTWOc"
    assert composed.size == len(b"aDAYbc")


def test_without_marks_the_values_stand_there_themselves() -> None:
    assert (NoMarks({"day": "Monday"}).fill("day"), NoMarks({}).cut("a", 1)) == ("Monday", "")
