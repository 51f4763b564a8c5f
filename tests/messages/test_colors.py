from hypothesis import given, settings
from hypothesis import strategies as st

from digestmail.messages.colors import contrast, mix, readable

colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrasts_are_those_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == 21
    assert contrast("#777777", "#ffffff") == contrast("#ffffff", "#777777")
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_a_mix_has_a_share_of_both() -> None:
    assert mix("#000000", "#ff8000", 0.5) == "#804000"
    assert (mix("#102030", "#ffffff", 0), mix("#102030", "#ffffff", 1)) == ("#102030", "#ffffff")


def test_a_color_that_can_be_read_stays() -> None:
    assert readable("#0b5c6b", on="#fffdf9", towards="#000000") == "#0b5c6b"


@settings(deadline=None)
@given(colors)
def test_any_color_is_made_readable_in_light_and_dark(color: str) -> None:
    assert contrast(readable(color, on="#fffdf9", towards="#000000"), "#fffdf9") >= 4.5
    assert contrast(readable(color, on="#1c1a17", towards="#ffffff"), "#1c1a17") >= 4.5
