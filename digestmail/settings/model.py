"""Everything that can be set, and what a value must be."""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from digestmail.clock import time_zones
from digestmail.language import find_language, languages
from digestmail.settings.archive import Archive
from digestmail.settings.forms import Forms
from digestmail.settings.look import Look
from digestmail.settings.mailboxes import Mailboxes
from digestmail.settings.relay import Relay, is_this_machine, read_relay
from digestmail.settings.returns import Returns
from digestmail.settings.signing import Signing

PREFIX = "DIGESTMAIL_"

CATCH_UP = timedelta(hours=6)

_DURATION = re.compile(r"(?:pt)?(\d+(?:\.\d+)?)\s*(h|m|min|s|)")
_UNITS = {"h": "hours", "": "hours", "m": "minutes", "min": "minutes", "s": "seconds"}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(Mailboxes, Signing, Returns, Look, Forms, Archive, BaseSettings):
    """Everything that can be set. With nothing set, one machine runs the whole service and mail stays on it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True)

    data_dir: Path = Path("data")
    """The folder that holds all state: database, secret, broker, local inbox."""
    database_url: str | None = None
    """`postgresql://user:password@host/name` or `sqlite:///file`; without it SQLite in the data folder."""
    redis_url: str | None = None
    """`redis://host:port/0`; without it a private broker is started."""
    smtp_url: str | None = None
    """`smtp://user:password@host:587` (STARTTLS required unless the host is this machine) or `smtps://…`."""
    smtp_connections: Annotated[int, Field(ge=1, le=500)] = 48
    """How many connections a worker keeps to the mail server at most; fewer while the server asks for less.

    A Postfix with its defaults lets one client have 50.
    """
    smtp_messages_per_connection: Annotated[int, Field(ge=1)] = 1000
    """After so many messages a connection is closed and a new one opened."""
    send_rate: Annotated[float, Field(ge=0.01)] | None = None
    """Messages a second that all workers together send at most; no limit where absent."""
    catch_up: timedelta = CATCH_UP
    """How late a digest may go out for the first time, such as `6h` or `90m`; a later one is left out and its items
    come in the next."""
    doubt: Literal["resend", "hold"] = "resend"
    """What becomes of a message of which nobody knows whether the mail server has it: `resend` or `hold`."""
    ask: str | None = None
    """How to ask the mail server what it has taken: `postfix:/var/log/mail.log`, or `postfix:journal`."""
    keep_days: Annotated[int, Field(ge=7)] = 90
    """How long the ledger remembers what was sent; editions are kept as long, and items for 31 days at least."""
    host: str = "127.0.0.1"
    """The address that the web pages listen on."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    """The port that the web pages listen on."""
    inbox_port: Annotated[int, Field(ge=1, le=65535)] = 8025
    """The SMTP port of the local inbox, which exists only while no SMTP_URL is set."""
    base_url: str | None = None
    """The address that readers see, such as `https://digest.example.org`."""
    secret_key: str | None = None
    """Signs the links in mails; made and kept in the data folder where absent."""
    site_name: Annotated[str, Field(min_length=1, max_length=80)] = "Daily Digest"
    """The publication's name."""
    default_time_zone: str = "UTC"
    """The time zone of the publication."""
    language: str = "en"
    """The language of the publication; readers may choose another where there is one."""
    feed_allowed_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    """Networks, separated by commas, in which feeds may be fetched although they are not public."""
    websub: Literal["auto", "on", "off"] = "auto"
    """Whether hubs are asked to tell us of news: `auto` where the host of BASE_URL looks public, `on` or `off`."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values as given alone: `load_settings` has already merged the environment and the files."""
        return (init_settings,)

    @field_validator("feed_allowed_networks", mode="before")
    @classmethod
    def _read_networks(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in value.split(",") if part.strip())
        return value

    @field_validator("catch_up", mode="before")
    @classmethod
    def _read_catch_up(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = _DURATION.fullmatch(value.strip().lower())
        number, unit = (float(found[1]), _UNITS[found[2]]) if found else (0.0, "hours")
        catch_up = timedelta(**{unit: min(number, 1e6)})
        if not timedelta(minutes=15) <= catch_up <= timedelta(hours=24):
            raise ValueError("use a number of hours or minutes such as 6h or 90m, from 15m to 24h")
        return catch_up

    @field_validator("ask")
    @classmethod
    def _read_ask(cls, value: str | None) -> str | None:
        if value is not None and (not value.startswith("postfix:") or not value.removeprefix("postfix:").strip()):
            raise ValueError("use postfix:/path/to/mail.log or postfix:journal, or leave it out")
        return value

    @field_validator("default_time_zone")
    @classmethod
    def _know_zone(cls, value: str) -> str:
        if value not in time_zones():
            raise ValueError("no such time zone; use a name such as Europe/Berlin")
        return value

    @field_validator("language")
    @classmethod
    def _know_language(cls, value: str) -> str:
        if (found := find_language(value)) is None:
            raise ValueError(f"no such language; there are {', '.join(languages())}")
        return found.code

    @field_validator("base_url")
    @classmethod
    def _read_base_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("use an address such as https://digest.example.org")
        host = parts.hostname.encode("idna").decode("ascii")  # what stands in a header must be ASCII
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path}".rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _read_database_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, separator, rest = value.partition("://")
        if scheme in ("postgres", "postgresql"):
            return f"postgresql+psycopg{separator}{rest}"
        if scheme in ("postgresql+psycopg", "sqlite"):
            return value
        raise ValueError("use postgresql://user:password@host/name, or leave it out for SQLite in the data folder")

    @field_validator("redis_url")
    @classmethod
    def _read_redis_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://", "redis+socket://", "unix://")):
            raise ValueError("use redis://host:6379/0, or leave it out for a broker that is started for you")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _read_smtp_url(cls, value: str | None) -> str | None:
        if value is not None:
            read_relay(value)
        return value

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: str | None) -> str | None:
        if value is not None and len(value) < 32:
            raise ValueError("use 32 random characters or more, or leave it out and one is made for you")
        return value

    @model_validator(mode="after")
    def _name_the_publisher(self) -> "Settings":
        if self.relay and not is_this_machine(self.relay.host) and not self.postal_address.strip():
            raise ValueError(
                "POSTAL_ADDRESS must be set before mail leaves this machine: "
                "every digest shows the publisher's postal address"
            )
        return self

    @property
    def relay(self) -> Relay | None:
        """The mail server of SMTP_URL, or None while mail stays in the local inbox."""
        return read_relay(self.smtp_url) if self.smtp_url else None

    @property
    def database(self) -> str:
        """The database's URL as SQLAlchemy reads it."""
        return self.database_url or f"sqlite:///{self.data_dir / 'digestmail.db'}"

    @property
    def public_url(self) -> str:
        """The address of the reader pages, without a slash at its end."""
        return self.base_url or f"http://{'localhost' if self.host in ('0.0.0.0', '::') else self.host}:{self.port}"  # noqa: S104 - compared, not bound
