"""The languages that readers are written to in: texts from gettext catalogues, days, times and numbers from the CLDR.

English is what the templates and the code say. Every other language is a catalogue, `templates/locale/es.po`, which is
read when somebody first asks for it and kept. What a catalogue lacks is said in English.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from unicodedata import bidirectional
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_day_names, get_timezone_location
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from digestmail.errors import InputError
from digestmail.resources import templates_folder
from digestmail.sentence import Sentence

SOURCE = "en"

_LONGEST_WISH = 1000  # characters; browsers send fewer than a hundred
_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")  # RFC 9110, 12.4.2
_RANGE = re.compile(r"\*|[a-z]{1,8}(-[a-z0-9]{1,8})*")  # RFC 4647, 2.1
_BACKWARD_MARK = "\u200f"  # RIGHT-TO-LEFT MARK
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"  # FIRST STRONG ISOLATE, POP DIRECTIONAL ISOLATE (UAX 9)
_DIRECTIONS = {"L": "ltr", "R": "rtl", "AL": "rtl"}


@dataclass(frozen=True, slots=True)
class Language:
    """One language: it says messages, and writes days, times and numbers as its readers do."""

    code: str
    """As in HTML and in `subscribers.locale`, such as `es` or `pt-BR` (RFC 5646)."""
    _locale: Locale = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Its name in its own words."""
        return _capital(self._locale.get_display_name() or self.code)

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`, as HTML calls it."""
        return self._locale.text_direction

    @property
    def start(self) -> str:
        """The side where its lines begin, for mail programs that know no `text-align: start`."""
        return "right" if self.direction == "rtl" else "left"

    @property
    def mark(self) -> str:
        """What keeps a time together behind a foreign name, where this language runs from right to left."""
        return _BACKWARD_MARK if self.direction == "rtl" else ""

    def gettext(self, message: str) -> str:
        """The message in this language."""
        return _catalogue(self.code).gettext(message)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The message in this language's form for a number of things."""
        return _catalogue(self.code).ngettext(one, many, number)

    def say(self, text: str) -> str:
        """A sentence in this language; a text that is none as it is."""
        if not isinstance(text, Sentence):
            return text
        said = self.gettext(text.message)
        return said % text.values if text.values else said

    def number(self, number: int) -> str:
        """Such as “1,234”."""
        return format_decimal(number, locale=self._locale)

    def day(self, day: date) -> str:
        """Such as “Monday, 23 November 2026”."""
        return format_date(day, "EEEE, d MMMM y" if self._is_source else "full", locale=self._locale)

    def dateline(self, day: date) -> str:
        """The same as a line of its own, and so with a capital."""
        return _capital(self.day(day))

    def longest_dateline(self) -> int:
        """The most octets that such a line has."""
        return _longest_dateline(self)

    def day_and_time(self, at: datetime, time_zone: str) -> str:
        """Such as “23 November, 14:05”, in the time zone."""
        local = at.astimezone(ZoneInfo(time_zone))
        if self._is_source:
            return f"{format_date(local, 'd MMMM', locale=self._locale)}, {local:%H:%M}"
        day = format_skeleton("MMMMd", local.replace(tzinfo=None), locale=self._locale)
        return self.gettext("%(day)s, %(time)s") % {"day": day, "time": self._time(local)}

    def moment(self, at: datetime, time_zone: str) -> str:
        """Such as “Tuesday, 24 November 2026, at 7:00”, in the time zone."""
        local = at.astimezone(ZoneInfo(time_zone))
        return self.gettext("%(day)s, at %(time)s") % {"day": self.day(local.date()), "time": self._time(local)}

    def hour(self, hour: int) -> str:
        """Such as “7:00”."""
        return self._time(time(hour))

    def weekday(self, weekday: int) -> str:
        """Such as “Monday”, which is 0."""
        return _capital(str(get_day_names("wide", "stand-alone", self._locale)[weekday]))

    def place(self, time_zone: str) -> str:
        """The town that a time zone is named for, such as “New York”; "" for one that is named for none."""
        region, slash, _ = time_zone.partition("/")
        if not slash or region == "Etc":
            return ""
        return get_timezone_location(time_zone, locale=self._locale, return_city=True)

    def listed(self, names: Sequence[str]) -> str:
        """Such as “Climate, Labour, and City”. A name in a script of the other direction keeps together."""
        return format_list([self._isolated(name) for name in names], locale=self._locale)

    def _isolated(self, name: str) -> str:
        strong = next((kind for kind in map(bidirectional, name) if kind in _DIRECTIONS), "L")
        return name if _DIRECTIONS[strong] == self.direction else f"{_ISOLATE}{name}{_END_OF_ISOLATE}"

    @property
    def _is_source(self) -> bool:
        return self.code == SOURCE

    def _time(self, at: datetime | time) -> str:
        if self._is_source:
            return f"{at.hour}:{at:%M}"
        clock = at.timetz() if isinstance(at, datetime) else at
        return format_time(clock.replace(tzinfo=None), "short", locale=self._locale)


@cache
def languages() -> dict[str, Language]:
    """All languages by their codes: English, and each that has a catalogue."""
    names = [SOURCE, *sorted(path.stem for path in catalogues_folder().glob("*.po"))]
    found = [Language(name.replace("_", "-"), Locale.parse(name)) for name in names]
    return {language.code: language for language in found}


def catalogues_folder() -> Path:
    """Where the catalogues lie: `es.po`, `pt_BR.po`."""
    return templates_folder() / "locale"


def english() -> Language:
    """The language of the source, and of all that the operator reads."""
    return languages()[SOURCE]


@lru_cache(maxsize=256)
def find_language(tag: str) -> Language | None:
    """The language for a tag such as `es-MX`: itself, else with less and less of the tag (RFC 4647, 3.4); or None."""
    known = {code.lower(): language for code, language in languages().items()}
    parts = tag[:40].strip().replace("_", "-").lower().split("-")
    for length in range(len(parts), 0, -1):
        if found := known.get("-".join(parts[:length])):
            return found
    return None


def known_language(tag: str) -> Language:
    """The same. Raises InputError (field `locale`) where we have no catalogue for it."""
    if found := find_language(tag):
        return found
    raise InputError(f"We have no language “{tag}”. There are: {', '.join(languages())}.", field="locale")


def language_of(locale: str) -> Language:
    """The language of a reader; English where we have no catalogue for it."""
    return find_language(locale) or english()


def in_turn(first: str) -> list[Language]:
    """All languages, that of this locale first."""
    return sorted(languages().values(), key=lambda language: language != language_of(first))


def negotiated(accept_language: str, *, otherwise: Language) -> Language:
    """The language that a browser likes best of those there are (RFC 9110, 12.5.4); `otherwise` if it likes none."""
    wishes = sorted(_wishes(accept_language), key=lambda wish: -wish[0])
    refused = {tag for quality, tag in wishes if not quality}
    for quality, tag in wishes:
        found = otherwise if tag == "*" else find_language(tag)
        if quality and found and found.code.lower() not in refused:
            return found
    return otherwise


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _wishes(accept_language: str) -> Iterator[tuple[float, str]]:
    """Each range of the header with its quality; what is malformed is passed over."""
    for element in accept_language[:_LONGEST_WISH].split(","):
        tag, *parameters = (part.strip().lower() for part in element.split(";"))
        quality = parameters[0].removeprefix("q=") if parameters else "1"
        if _RANGE.fullmatch(tag) and _QUALITY.fullmatch(quality) and len(parameters) < 2:
            yield float(quality), tag


@cache
def _catalogue(code: str) -> NullTranslations:
    path = catalogues_folder() / f"{code.replace('-', '_')}.po"
    if code == SOURCE:
        return NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def _longest_dateline(language: Language) -> int:
    days = (date(2026, month, day) for month in range(1, 13) for day in range(20, 27))
    return max(len(language.dateline(day).encode()) for day in days)
