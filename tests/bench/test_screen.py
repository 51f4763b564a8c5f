"""What is shown meanwhile where there is no terminal."""

import io

from rich.console import Console

from tests.bench.screen import Screen, progress_in_words


def test_the_words_name_rate_and_time_left() -> None:
    assert progress_in_words(40_000, 100_000, seconds=4) == "40,000 of 100,000, 10,000/s, 6 s left"
    assert progress_in_words(10, 10, seconds=2) == "10 of 10, 5/s"


def test_plain_lines_come_now_and_then_and_at_the_end() -> None:
    out, seconds = io.StringIO(), [0.0]
    screen = Screen(Console(file=out), clock=lambda: seconds[0])
    with screen.progress("sending", 100) as update:
        for second in range(11):
            seconds[0] = float(second)
            update(10 * second, 100)
    assert out.getvalue().splitlines() == ["sending: 50 of 100, 10/s, 5 s left", "sending: 100 of 100, 10/s"]
