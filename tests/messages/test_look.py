import pytest

from digestmail.messages.look import Logo, Look
from digestmail.settings import load_settings
from tests.messages.every_mail import every_mail
from tests.messages.samples import html_of, text_of


def look(**given: str) -> Look:
    return Look.of(load_settings({f"DIGESTMAIL_{name.upper()}": value for name, value in given.items()}))


def test_with_nothing_set_it_is_ours() -> None:
    assert look() == Look()


def test_an_accent_that_can_be_read_stays_as_it_is_in_light() -> None:
    assert look(accent_color="#0B5C6B").accent == "#0b5c6b"


def test_an_accent_becomes_darker_in_light_and_lighter_in_the_dark() -> None:
    assert look(accent_color="#ff0000").accent == "#eb0000"
    assert look(accent_color="#0000ff").accent_in_the_dark == "#7070ff"


@pytest.mark.parametrize(
    ("fonts", "stack", "of_word"),
    [
        ("Charter, Georgia, serif", "Charter, Georgia, serif", "Georgia"),
        ("'Source Sans 3', sans-serif", "'Source Sans 3', sans-serif", "Arial"),
        ("Trebuchet MS,sans-serif", "'Trebuchet MS', sans-serif", "Trebuchet MS"),
        ("monospace", "monospace", "Courier New"),
    ],
)
def test_fonts_are_a_stack_of_which_word_has_one(fonts: str, stack: str, of_word: str) -> None:
    found = look(fonts=fonts)
    assert (found.fonts, found.font_of_word) == (stack, of_word)


def test_every_mail_has_the_logo_the_foot_the_fonts_and_the_accent() -> None:
    publishers = look(
        logo_url="https://courier.example/logo.png",
        logo_size="240 x 60",
        foot_text="The Courier belongs to <its> readers.\n\nFounded in 1907.",
        fonts="Verdana, sans-serif",
        accent_color="#0b5c6b",
    )
    assert publishers.logo == Logo("https://courier.example/logo.png", 240, 60)
    for mail in every_mail(look=publishers):
        html, text = html_of(mail), text_of(mail)
        assert (
            '<img class="logo ink" src="https://courier.example/logo.png" width="240" height="60" alt="The Harbour'
            in html
        )
        assert "font-family:Verdana, sans-serif" in html
        assert "td { font-family: 'Verdana' }" in html
        assert "#0b5c6b" in html
        assert "#9a3412" not in html
        assert "The Courier belongs to &lt;its&gt; readers." in html
        assert "The Courier belongs to <its> readers.\n\nFounded in 1907.\n\n" in text
        assert "Georgia" not in html


def test_a_line_break_of_the_foot_may_be_written_as_in_a_file() -> None:
    assert look(foot_text="One.\\n\\nTwo.").foot == ("One.", "Two.")
