"""What a publisher makes of the look: a logo, a colour, fonts, a foot, and templates of their own."""

import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, field_validator, model_validator

from digestmail.settings.relay import is_this_machine

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+)(?::\d{1,5})?/[!#-;=?-~]+"
)  # what CSP and HTML take
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_SIZE = re.compile(r"(\d{1,4})\s*[x×]\s*(\d{1,4})")
_FAMILY = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,39}")
_GENERIC = ("serif", "sans-serif", "monospace")
_WIDEST, _HIGHEST = 576, 200  # as wide as the mail's text


class Look(BaseModel):
    """How mails and pages look; with nothing set, as they come."""

    logo_url: str | None = None
    """The https address of a picture that stands for the name, above mails and pages."""
    logo_size: str | None = None
    """The width and height at which the logo is shown, such as `240x60`; 576 x 200 at most."""
    accent_color: str | None = None
    """The colour of labels, links and buttons, such as `#0b5c6b`; made darker or lighter where it could not be read."""
    fonts: str | None = None
    """The fonts of headlines and texts, the first that a reader has: `Charter, Georgia, serif`."""
    foot_text: str = ""
    """Plain text for the foot of every mail and page; an empty line, or \\n\\n, divides paragraphs."""
    templates: Path | None = None
    """A folder of templates that take the place of ours of the same name."""

    @field_validator("logo_url")
    @classmethod
    def _read_logo_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        found = _ADDRESS.fullmatch(value)
        if not found or (found["scheme"] == "http" and not is_this_machine(found["host"])):
            raise ValueError("use a whole address such as https://example.org/logo.png, which mail programs can reach")
        return value

    @field_validator("logo_size")
    @classmethod
    def _read_logo_size(cls, value: str | None) -> str | None:
        if value is None:
            return None
        found = _SIZE.fullmatch(value.strip().lower())
        if not found or not 0 < int(found[1]) <= _WIDEST or not 0 < int(found[2]) <= _HIGHEST:
            raise ValueError(f"use width x height such as 240x60, at most {_WIDEST}x{_HIGHEST}")
        return f"{int(found[1])}x{int(found[2])}"

    @field_validator("accent_color")
    @classmethod
    def _read_accent_color(cls, value: str | None) -> str | None:
        if value is not None and not _COLOR.fullmatch(value.strip()):
            raise ValueError('use a colour as six digits such as #0b5c6b (in .env between quotes: "#0b5c6b")')
        return value and value.strip().lower()

    @field_validator("fonts")
    @classmethod
    def _read_fonts(cls, value: str | None) -> str | None:
        if value is None:
            return None
        families = [family.strip(" '\"") for family in value.split(",")]
        if not all(_FAMILY.fullmatch(family) for family in families) or families[-1] not in _GENERIC:
            raise ValueError(
                "use names of fonts between commas, with serif, sans-serif or monospace as the last one, "
                "such as Charter, Georgia, serif"
            )
        return ", ".join(families)

    @model_validator(mode="after")
    def _give_the_logo_a_size(self) -> Self:
        if (self.logo_url is None) != (self.logo_size is None):
            raise ValueError("LOGO_URL and LOGO_SIZE go together: without a size a mail would jump when its logo comes")
        return self
