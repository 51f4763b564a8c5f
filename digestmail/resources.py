"""Where the files lie that are no code: templates and what they show."""

from pathlib import Path

import digestmail


def templates_folder() -> Path:
    """The folder with `mail/`, `web/` and `operator/`: inside the installed package, or beside it in a checkout."""
    package = Path(digestmail.__file__).parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"
