"""With which keys our mail is signed (DKIM), where the mail server does not do that."""

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, field_validator, model_validator
from pydantic_settings import NoDecode

_SELECTOR = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")  # RFC 6376, 3.1


class Signing(BaseModel):
    """The keys for DKIM (RFC 6376). A second one of the other kind may stand beside the first (RFC 8463, 3)."""

    dkim_key: Annotated[tuple[Path, ...], NoDecode] = ()
    """The file of a private key (PEM, RSA or Ed25519) that signs our mail; a second one may follow after a comma."""
    dkim_selector: Annotated[tuple[str, ...], NoDecode] = ()
    """The selector of each key: its public half stands in the DNS at `SELECTOR._domainkey.DOMAIN`."""
    dkim_domain: str | None = None
    """The domain that signs; the sender's where absent."""

    @field_validator("dkim_key", "dkim_selector", mode="before")
    @classmethod
    def _read_list(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("dkim_selector")
    @classmethod
    def _read_selectors(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(
            part.isascii() and part.replace(".", "").replace("-", "").replace("_", "").isalnum() for part in value
        ):
            raise ValueError("use letters and numbers, such as s2026")
        return value

    @field_validator("dkim_domain")
    @classmethod
    def _read_domain(cls, value: str | None) -> str | None:
        try:
            return value and value.encode("idna").decode("ascii").lower()
        except UnicodeError as error:
            raise ValueError("use a domain, such as example.org") from error

    @model_validator(mode="after")
    def _name_each_key(self) -> Self:
        if len(self.dkim_key) != len(self.dkim_selector):
            raise ValueError(
                "DKIM_KEY and DKIM_SELECTOR go together: for each key file the selector under which its public half "
                "stands in the DNS"
            )
        return self
