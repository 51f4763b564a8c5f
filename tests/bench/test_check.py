"""The judge: what must be equal, and which differences he finds."""

from dataclasses import replace

import pytest

from tests.bench.check import Verdict, judge, parsed
from tests.bench.figures import SlotFigures
from tests.bench.recorder import Note

NOTES = [Note(f"<{number}.digest.20261123.ab@x>", f"r{number}@x", 30_000, 0.0) for number in range(3)]
LETTER = Note("<9.confirmation.20261123.ab@x>", "probe@x", 900, 0.0)


def verdict(notes: list[Note], *, sent: int = 3, faults: tuple[str, ...] = ()) -> Verdict:
    figures = SlotFigures(due=3, states={"sent": sent, "failed": 3 - sent}, seconds=1.0, processes=())
    return judge(figures, notes, expected={"r0@x", "r1@x", "r2@x"}, sampled=2, faults=faults)


def test_all_is_well_when_everybody_got_one() -> None:
    found = verdict([*NOTES, LETTER])
    assert found.holds
    assert (found.planned, found.sent, found.received, found.lost, found.duplicates) == (3, 3, 3, 0, 0)
    assert "all is well" in str(found)


def test_a_reader_without_a_digest_is_lost() -> None:
    found = verdict(NOTES[:2])
    assert not found.holds
    assert found.lost == 1


def test_a_copy_is_a_duplicate() -> None:
    found = verdict([*NOTES, NOTES[0]])
    assert not found.holds
    assert found.duplicates == 1


def test_a_second_digest_under_another_name_is_a_duplicate() -> None:
    found = verdict([*NOTES, replace(NOTES[0], message_id="<77.digest.20261123.ab@x>")])
    assert found.duplicates == 1


def test_a_digest_that_was_not_sent_or_differs_is_wrong() -> None:
    assert not verdict(NOTES, sent=2).holds
    assert not verdict(NOTES, faults=("r0@x: the html part is not the digest rendered alone",)).holds


@pytest.mark.parametrize(
    "data",
    [
        b"To: a@x\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n",  # never closed
        b"To: a@x, b@\r\n\r\ntext\r\n",
        b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: base64\r\n\r\nabc\r\n',
    ],
)
def test_the_strict_parser_finds_a_defect(data: bytes) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - every defect has a type of its own
        parsed(data)
