"""What programs write under the beginning of a text, which says nothing in a digest (pure): "Read more", "[…]", …"""

import re

_TAIL = 700
"""Characters at the end of a text in which a foot is looked for."""

_APPEARED = (
    ("The post", "(?:first )?appeared (?:first )?on"),
    ("Der Beitrag", "erschien zuerst auf"),
    ("L[’']article", "est apparu en premier sur"),
    ("La entrada", "se publicó primero en"),
    ("L[’']articolo", "(?:proviene da|sembra essere il primo su)"),
    ("O post", "apareceu primeiro em"),
    ("Het bericht", "verscheen eerst op"),
    ("Inlägget", "dök först upp på"),
    ("Artykuł", "pochodzi z serwisu"),
)
"""How WordPress begins and goes on when it names a text's source."""

_MORE = (
    "Continue reading|Keep reading|Read more|Read on|Read the (?:full|rest|whole|entire)",
    "Weiterlesen|Mehr lesen|Lire la suite|Leer más|Seguir leyendo|Leggi tutto|Continua a leggere",
    "Lees (?:meer|verder)|Leia mais|Continue lendo|Läs mer|Læs mere|Les mer|Czytaj dalej|Читать далее",
)

_FEET = (
    re.compile(r"\s*\b(?:" + "|".join(f"{one} .{{1,400}}? {two} .{{1,200}}" for one, two in _APPEARED) + ")$"),
    re.compile(rf"\s*[\[(]?\b(?:{'|'.join(_MORE)})\b[^.!?…]{{0,300}}[.!?…]{{0,3}}[\])]?\s*[→»›>]*$"),
    re.compile(r"\s*submitted by /u/\S{1,60}(?: to r/\S{1,60})?(?: \[link\])?(?: \[comments\])?$"),
)
_BROKEN_OFF = re.compile(r"\s*(?:[\[(]\s?(?:…|\.{3})\s?[\])]|…|\.{3,6})\s*[→»›]*$")


def without_foot(text: str) -> str:
    """The text without its foot, and with one ellipsis where it was broken off."""
    body, tail = text[:-_TAIL], text[-_TAIL:]
    for foot in _FEET:
        tail = foot.sub("", tail)
    return body + _BROKEN_OFF.sub("…", tail)
