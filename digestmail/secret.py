"""The secret that signs the links in mails."""

import os
import secrets

from digestmail.settings import Settings


def secret_of(settings: Settings) -> str:
    """SECRET_KEY, or the one kept in the data folder, made there at the first call (readable by its owner alone)."""
    if settings.secret_key:
        return settings.secret_key
    path = settings.data_dir / "secret.key"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    made = settings.data_dir / f"secret.{os.getpid()}.new"
    if not path.exists():
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(made, path)  # the first of several starters wins
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text().strip()
