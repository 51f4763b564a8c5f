import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.feet import without_foot


@pytest.mark.parametrize(
    "foot",
    [
        " The post Rain (again) appeared first on The Courier.",
        " The post Rain first appeared on The Courier.",
        " Der Beitrag Regen erschien zuerst auf Der Kurier.",
        " L’article Pluie est apparu en premier sur Le Courrier.",
        " La entrada Lluvia se publicó primero en El Correo.",
        " Continue reading",
        " Continue reading “Rain” →",
        " Read more »",
        " Read more…",
        " [Read more]",
        " Read the full story at The Courier.",
        " Weiterlesen ›",
        " Lire la suite →",
        " submitted by /u/rain [link] [comments]",
        "",
    ],
)
def test_what_programs_add_is_left_out(foot: str) -> None:
    assert without_foot("It rains." + foot) == "It rains."


@pytest.mark.parametrize("end", ["[…]", " [...]", "…", " ...", " (…)", " […] Read more", "… Continue reading →"])
def test_what_was_broken_off_ends_with_one_ellipsis(end: str) -> None:
    assert without_foot("It rains and" + end) == "It rains and…"


@pytest.mark.parametrize(
    "text",
    [
        "Read more than one paper. It is good for you.",
        "The post office is closed. It appeared in a film. We go on.",
        "I would like to read more.",
        "[…] and then it ended.",
    ],
)
def test_a_text_that_only_sounds_like_a_foot_stays(text: str) -> None:
    assert without_foot(text) == text


@given(
    st.text() | st.lists(st.sampled_from(["The post ", "appeared on ", "Read more ", "…", " ", "[", "x"])).map("".join)
)
def test_a_text_only_gets_shorter_at_its_end(text: str) -> None:
    short = without_foot(text)
    assert text.startswith(short.removesuffix("…"))
