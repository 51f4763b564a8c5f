"""Gathers the settings from the environment and the files, and says in words what is wrong with one.

Sources, the first wins: the environment, `.env` in the working folder, and while mail stays on this machine
`settings.env` in the data folder, which the demo publication writes.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import ValidationError

from digestmail.errors import SettingsError
from digestmail.settings.model import PREFIX, Settings
from digestmail.settings.relay import is_this_machine

_SECRETS = ("SECRET_KEY", "POSTMARK_SECRET", "SENDGRID_KEY", "MAILGUN_KEY")


def load_settings(environment: Mapping[str, str] | None = None, *, folder: Path | None = None) -> Settings:
    """Gather the settings; `environment` and `folder` (of `.env`) default to the process's own.

    Raises SettingsError that names the setting, shows its value and says how to mend it.
    """
    environment = os.environ if environment is None else environment
    dotenv = _from_file((folder or Path.cwd()) / ".env")
    first = {**dotenv, **_with_prefix(environment)}
    data_dir = Path(first.get(f"{PREFIX}DATA_DIR") or Settings.model_fields["data_dir"].default)
    # The demo's sender and address are invented: they must not leave the machine.
    demo = _from_file(data_dir / "settings.env") if _stays_here(first.get(f"{PREFIX}SMTP_URL", "")) else {}
    given = {**demo, **first}
    names = {f"{PREFIX}{name.upper()}": name for name in Settings.model_fields}
    for name in given:
        if name not in names:
            known = [each.removeprefix(PREFIX) for each in sorted(names)]
            close = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
            hint = f"Did you mean {PREFIX}{close[0]}?" if close else f"After {PREFIX} may stand: {', '.join(known)}."
            raise SettingsError(f"There is no setting {name} (its value is {_shown(name, given[name])}). {hint}")
    try:
        return Settings(**{names[name]: value for name, value in given.items() if value})  # type: ignore[arg-type]  # pydantic reads the strings
    except ValidationError as error:
        problem = error.errors()[0]
        message = str(problem["msg"]).removeprefix("Value error, ")
        if not problem["loc"]:
            raise SettingsError(f"{PREFIX}{message}.") from error
        name = f"{PREFIX}{str(problem['loc'][0]).upper()}"
        raise SettingsError(f"{name} is {_shown(name, given.get(name, ''))}: {message}.") from error


def _stays_here(smtp_url: str) -> bool:
    return not smtp_url or is_this_machine(urlsplit(smtp_url).hostname or "")


def _with_prefix(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name.upper(): value or "" for name, value in values.items() if name.upper().startswith(PREFIX)}


def _from_file(path: Path) -> dict[str, str]:
    return _with_prefix(dotenv_values(path)) if path.is_file() else {}


def _shown(name: str, value: str) -> str:
    if name.endswith(_SECRETS) or (name.endswith("_URL") and "@" in value):
        return "set (not shown, it holds a secret)"
    return f"“{value}”"
