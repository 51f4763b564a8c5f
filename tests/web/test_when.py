"""When a digest comes, in the words of the form."""

import pytest

from digestmail.language import Language, english, languages
from digestmail.subscribers.choices import read_days
from digestmail.web.typed import Typed
from digestmail.web.when import When, day_choices, when_in_words


@pytest.mark.parametrize("language", languages().values(), ids=str)
def test_every_choice_of_days_is_one_that_a_sign_up_takes(language: Language) -> None:
    choices = day_choices(language)
    bits = [read_days([value]) for value in choices]
    assert bits == [0b1111111, 0b0011111, *(1 << number for number in range(7))]
    assert len(set(choices.values())) == len(choices)


def test_the_choices_are_said_in_the_words_of_their_fields() -> None:
    typed = Typed(hour="19", days=["thu"], time_zone="Asia/Tokyo")
    assert when_in_words(typed, english(), time_zone="UTC") == When("19:00", "Once a week: Thursday", "Tokyo")
    assert when_in_words(typed, languages()["es"], time_zone="UTC").days == "Una vez por semana: Jueves"


def test_a_form_that_says_nothing_means_seven_every_day_in_the_zone_of_the_publication() -> None:
    assert when_in_words(Typed(), english(), time_zone="Pacific/Auckland") == When("7:00", "Every day", "Auckland")


def test_what_is_wrong_has_no_words() -> None:
    typed = Typed(hour="25", days=["someday"], time_zone="Mars/Olympus")
    assert when_in_words(typed, english(), time_zone="UTC") == When("", "", "")
