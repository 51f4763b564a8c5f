"""Gathers the messages of templates and code, and brings a catalogue up to date with them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent.parent
CATALOGUES = ROOT / "templates" / "locale"

_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "Sentence": None}
_JINJA = {"silent": "false", "newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
_WIDTH = 110
_HEADER = """\
# What readers read. CONTRIBUTING.md tells how to translate.
msgid ""
msgstr ""
"Language: {code}\\n"
"Plural-Forms: {plural_forms}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""  # no dates, so that an update without news changes nothing


def source() -> Catalog:
    """A catalogue of all messages, without translations."""
    catalogue = Catalog(project="digestmail", charset="utf-8")
    for place, message in _messages():
        catalogue.add(message, locations=[(place, 0)])
    return catalogue


def read(path: Path) -> Catalog:
    """One language's catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def update(path: Path) -> None:
    """Write a language's catalogue anew: what is gone goes, what is new stands there without a translation.

    A file that is not there yet is begun.
    """
    catalogue = read(path) if path.exists() else Catalog(locale=path.stem, project="digestmail", charset="utf-8")
    catalogue.update(source(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        file.write(_HEADER.format(code=path.stem, plural_forms=catalogue.plural_forms).encode())
        write_po(file, catalogue, width=_WIDTH, omit_header=True, sort_by_file=True, include_lineno=False)


def _messages() -> Iterator[tuple[str, Any]]:
    """(file, message); a message with a number is a pair."""
    for folder, method, pattern in (
        ("digestmail", "python", "**.py"),
        ("templates", "jinja2", "**.html"),
        ("templates", "jinja2", "**.txt"),
    ):
        found = extract_from_dir(
            ROOT / folder, [(pattern, method)], {pattern: _JINJA if method == "jinja2" else {}}, keywords=_KEYWORDS
        )
        for name, _line, message, _comments, _context in found:
            yield f"{folder}/{name}", message
