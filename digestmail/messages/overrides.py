"""Templates of the publisher's own: a file in their folder takes the place of ours of the same name.

It can build on ours, which go on being there behind `default/`: `{% extends "default/mail/layout.html" %}`.
"""

import difflib
from collections.abc import Iterator
from pathlib import Path
from traceback import extract_tb

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader, TemplateNotFound, TemplateSyntaxError

from digestmail.errors import SettingsError
from digestmail.resources import templates_folder

SETTING = "DIGESTMAIL_TEMPLATES"

_FOLDERS = ("mail", "web")
_STATIC = Path("web/static")
_PICTURES = (".gif", ".jpg", ".jpeg", ".png", ".svg", ".webp")


def loader(folder: Path | None) -> BaseLoader:
    """Finds templates in the publisher's folder, then among ours."""
    ours = FileSystemLoader(templates_folder())
    if folder is None:
        return ours
    return ChoiceLoader([FileSystemLoader(folder), PrefixLoader({"default": ours}), ours])


def overridden(folder: Path) -> list[str]:
    """The names of the publisher's files, such as `mail/digest.html`.

    Raises SettingsError where the folder cannot be read or holds a file that takes no other's place.
    """
    if not folder.is_dir():
        raise SettingsError(f"{SETTING} is “{folder}”, and there is no such folder. Make it, or correct the setting.")
    known = sorted(_names(templates_folder()))
    found = sorted(_names(folder))
    for name in found:
        path = Path(name)
        if name in known or (path.parent == _STATIC and path.suffix.lower() in _PICTURES):
            continue
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]}?" if close else f"The names are: {', '.join(known)}."
        raise SettingsError(f"{SETTING}: {name} takes the place of no template. {hint} Rename the file or remove it.")
    return found


def trouble(error: Exception, folder: Path) -> SettingsError:
    """What is wrong with a template, where, and what to do."""
    if isinstance(error, TemplateSyntaxError):
        return _told(error.name or "a template", error.lineno, f"{error.message}")
    name, line = _place(error, folder)
    if isinstance(error, TemplateNotFound):
        return _told(name, line, f"it asks for {error.name}, which is not there. Ours begin with default/")
    if isinstance(error, KeyError):
        return _told(name, line, f"there is no value {error}, which it asks for")
    return _told(name, line, str(error) or type(error).__name__)


def _told(name: str, line: int, what: str) -> SettingsError:
    at = f"{name}, line {line}" if line else name
    return SettingsError(f"{SETTING}: {at}: {what.rstrip('.')}. Mend the file, or remove it and ours is used.")


def _place(error: Exception, folder: Path) -> tuple[str, int]:
    """The template and the line in which it happened: Jinja puts them into the traceback."""
    for frame in reversed(extract_tb(error.__traceback__)):
        for root in (folder, templates_folder()):
            if Path(frame.filename).is_relative_to(root):
                return Path(frame.filename).relative_to(root).as_posix(), frame.lineno or 0
    return "a template", 0


def _names(folder: Path) -> Iterator[str]:
    """The files in the folder that matter; the operator's pages are no publisher's business, hidden files nobody's."""
    ours = folder == templates_folder()
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden and (not ours or name.parts[0] in _FOLDERS):
            yield name.as_posix()
