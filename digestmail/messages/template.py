"""Templates into mail: Jinja renders both forms, and premailer writes the styles into the HTML's elements.

Both happen once an edition. Stories come from feeds, so they are values and never template source, and premailer
may not fetch anything.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from premailer import Premailer

from digestmail.language import Language
from digestmail.messages import prose
from digestmail.messages.overrides import loader
from digestmail.messages.publication import Publication
from digestmail.speaking import speak


@dataclass(frozen=True, slots=True)
class Rendering:
    """The two forms of one mail; lines end in "\\n"."""

    html: str
    """Empty in a mail that is text alone."""
    text: str


class Marker(Protocol):
    """What a template calls where a piece begins (`cut`) and where a reader's own value goes (`fill`)."""

    def cut(self, *key: str | int) -> str:
        """The mark before the piece `key`, or nothing."""

    def fill(self, name: str) -> str:
        """The mark in place of the value `name`, or the value."""


def render(name: str, *, marker: Marker, publication: Publication, language: Language, **values: object) -> Rendering:
    """The mail `name` from its templates `mail/{name}.html` and `.txt`, the HTML with its styles inlined."""
    html = render_page(name, marker=marker, publication=publication, language=language, **values)
    text = render_text(name, marker=marker, publication=publication, language=language, **values)
    return Rendering(html=_inline(html), text=text)


def render_text(name: str, *, marker: Marker, publication: Publication, language: Language, **values: object) -> str:
    """The plain form alone, for who wants no other."""
    return _filled(f"{name}.txt", marker, publication, {**values, "language": language})


def render_page(name: str, *, marker: Marker, publication: Publication, language: Language, **values: object) -> str:
    """The HTML alone, for a browser: it needs no inlined styles, and without them a page costs a tenth."""
    return _filled(f"{name}.html", marker, publication, {**values, "language": language})


def render_subject(name: str, *, publication: Publication, language: Language, **values: object) -> str:
    """The one line of `mail/{name}.subject.txt`."""
    template = _environment(publication.templates).get_template(f"mail/{name}.subject.txt")
    return " ".join(template.render({**values, "publication": publication, "language": language}).split())


def _filled(template: str, marker: Marker, publication: Publication, values: Mapping[str, object]) -> str:
    given = {**values, "publication": publication, "cut": marker.cut, "fill": marker.fill}
    return _environment(publication.templates).get_template(f"mail/{template}").render(given)


@cache
def _environment(templates: Path | None) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader(templates),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    speak(environment)
    filters: dict[str, Any] = {
        "wrap": prose.wrap,
        "underline": prose.underline,
        "shorten": prose.shorten,
        "paragraphs": prose.paragraphs,
    }
    environment.filters.update(filters)
    return environment


def _inline(html: str) -> str:
    inlined: str = Premailer(
        html,
        allow_network=False,
        strip_important=False,
        disable_validation=True,
        align_floating_images=False,
        disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
        cssutils_logging_level=logging.CRITICAL,
    ).transform(pretty_print=False)
    return inlined.strip() + "\n"
