"""The look of mails (pure): colours that can be read in light and dark, fonts, a logo and a foot."""

from dataclasses import dataclass
from typing import NamedTuple, Self

from digestmail.messages.colors import readable
from digestmail.messages.prose import one_line, paragraphs
from digestmail.settings import Settings

SHEET, SHEET_IN_THE_DARK = "#fffdf9", "#1c1a17"
"""What a mail's text stands on, as the style sheets have it."""

_FONTS = "Georgia, 'Times New Roman', serif"
_FONTS_OF_WINDOWS = ("Arial", "Courier New", "Georgia", "Tahoma", "Times New Roman", "Trebuchet MS", "Verdana")
_GENERIC = {"serif": "Georgia", "sans-serif": "Arial", "monospace": "Courier New"}
_LONGEST_FOOT = 600


class Logo(NamedTuple):
    """A picture in place of the name, and the size at which it is shown."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the settings make of the templates' look; the default is ours."""

    accent: str = "#9a3412"
    """The colour of labels and buttons in light: white can be read on it, and it on the sheet."""
    accent_in_the_dark: str = "#f2a37e"
    """The same in dark: it can be read on the dark sheet, and that on it."""
    fonts: str = _FONTS
    """A stack of fonts as CSS has it."""
    logo: Logo | None = None
    foot: tuple[str, ...] = ()
    """Paragraphs."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The look that the settings describe."""
        ours = cls()
        color = settings.accent_color
        text = settings.foot_text.replace("\\n", "\n")[:_LONGEST_FOOT]
        return cls(
            accent=readable(color, on=SHEET, towards="#000000") if color else ours.accent,
            accent_in_the_dark=(
                readable(color, on=SHEET_IN_THE_DARK, towards="#ffffff") if color else ours.accent_in_the_dark
            ),
            fonts=", ".join(map(_quoted, settings.fonts.split(", "))) if settings.fonts else ours.fonts,
            logo=_logo(settings),
            foot=tuple(one_line(paragraph, limit=_LONGEST_FOOT) for paragraph in paragraphs(text)),
        )

    @property
    def font_of_word(self) -> str:
        """One that Outlook's Word engine has: where it lacks the first of a stack, it takes Times New Roman."""
        families = [family.strip("'") for family in self.fonts.split(", ")]
        return next((family for family in families if family in _FONTS_OF_WINDOWS), _GENERIC[families[-1]])


def _quoted(family: str) -> str:
    return f"'{family}'" if " " in family else family


def _logo(settings: Settings) -> Logo | None:
    if settings.logo_url is None or settings.logo_size is None:
        return None
    width, _, height = settings.logo_size.partition("x")
    return Logo(settings.logo_url, int(width), int(height))
