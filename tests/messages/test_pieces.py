import pytest

from digestmail.messages.pieces import Gap, Marks, NoMarks, Pieces


def marked(marks: Marks) -> str:
    return (
        f"head {marks.fill('day')}{marks.cut('a', 1)}one{marks.cut('b')}two"
        f"{marks.cut('a', 1)}more{marks.cut('always')}foot\n"
    )


def test_pieces_are_joined_in_the_order_of_the_rendering() -> None:
    marks = Marks()
    pieces = Pieces(marked(marks), marks, {})
    assert pieces.join(["b", "a:1"]) == b"one=\r\ntwo=\r\nmore=\r\n"
    assert pieces.join(["unknown"]) == b""


def test_a_mark_of_another_rendering_is_text() -> None:
    forged = marked(Marks())
    pieces = Pieces(forged, Marks(), {})
    assert len(pieces.around(["always"])) == 1
    assert pieces.join(["b"]) == b""


def test_a_region_is_one_gap_among_what_stands_around_it() -> None:
    marks = Marks()
    pieces = Pieces(marked(marks), marks, {"a": "stories", "b": "stories"})
    around = [b"head=20=\r\n", Gap("day"), b"=\r\n", Gap("stories"), b"foot\r\n"]
    assert pieces.around(["always"]) == around
    assert pieces.around(["always", "a:1"]) == around


def test_a_template_that_interrupts_a_region_is_refused() -> None:
    marks = Marks()
    with pytest.raises(ValueError, match="stories"):
        Pieces(marked(marks), marks, {"a": "stories"})


def test_sizes_are_those_before_encoding() -> None:
    marks = Marks()
    pieces = Pieces(f"é={marks.fill('day')}\n{marks.cut('a')}漢", marks, {})
    assert pieces.size(["always"], {"day": 7}) == len("é=\r\n".encode()) + 7
    assert pieces.size(["a"]) == 3
    assert pieces.octets == len(b"=C3=A9=3D=\r\n" + b"=\r\n" + b"\r\n" + b"=E6=BC=A2=\r\n")


@pytest.mark.parametrize("text", ["", ".", "..\n.a\n", "a" * 72 + "." * 80, "x\n" + "." * 500])
def test_no_line_of_a_piece_begins_with_a_dot(text: str) -> None:
    marks = Marks()
    assert Pieces(f"{text}{marks.cut('a')}{text}", marks, {}).wire_ready


def test_without_marks_the_values_stand_there_themselves() -> None:
    assert (NoMarks({"day": "Monday"}).fill("day"), NoMarks({}).cut("a", 1)) == ("Monday", "")
