"""The publisher's look on pages: the colours and fonts of `pages.css` set anew in a small style sheet of its own.

It is served, not written into pages: their Content-Security-Policy allows no inline styles.
"""

import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from digestmail.messages.colors import mix, readable
from digestmail.messages.look import Look
from digestmail.settings import Settings

PAPER, SHEET, SHEET_IN_THE_DARK = "#fbf8f2", "#fffdf9", "#1a2129"
"""What texts stand on, as `pages.css` has it: the darker of the light ones, and the lighter of the dark ones."""


def theme_sheet(settings: Settings) -> str:
    """The style sheet; empty where nothing is set."""
    light: dict[str, str] = {}
    dark: dict[str, str] = {}
    if settings.fonts:
        light["serif"] = Look.of(settings).fonts
    if color := settings.accent_color:
        light |= _accents(color, sheet=SHEET, paper=PAPER, towards="#000000", wash=0.08) | {"on-accent": "#ffffff"}
        dark = _accents(color, sheet=SHEET_IN_THE_DARK, paper=SHEET_IN_THE_DARK, towards="#ffffff", wash=0.12)
        dark["on-accent"] = "#08191d"
    sheet = f":root {{\n{_declared(light)}}}\n" if light else ""
    return sheet + (f"@media (prefers-color-scheme: dark) {{\n:root {{\n{_declared(dark)}}}\n}}\n" if dark else "")


def theme_address(settings: Settings, root: str) -> str:
    """Where the style sheet is served; empty where there is none."""
    sheet = theme_sheet(settings)
    return f"{root}/theme.css?v={hashlib.sha256(sheet.encode()).hexdigest()[:10]}" if sheet else ""


def logo_origin(settings: Settings) -> str:
    """The origin that the logo comes from, which pages must allow; empty where there is no logo."""
    parts = urlsplit(settings.logo_url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _accents(color: str, *, sheet: str, paper: str, towards: str, wash: float) -> dict[str, str]:
    """The accent in shades that can be read on sheet and paper, and on the wash that is mixed from it."""
    tint = mix(sheet, readable(color, on=paper, towards=towards), wash)
    accent = readable(readable(color, on=paper, towards=towards), on=tint, towards=towards)
    return {"accent": accent, "accent-strong": mix(accent, towards, 0.25), "wash": tint}


def _declared(values: Mapping[str, str]) -> str:
    return "".join(f"  --{name}: {value};\n" for name, value in values.items())
