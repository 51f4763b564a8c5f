"""Settings from the environment: every name starts with DIGESTMAIL_, and an unknown or bad one stops the start.

Sources, the first wins: the environment, `.env` in the working folder, and while mail stays on this machine
`settings.env` in the data folder, which the demo publication writes.
"""

import difflib
import ipaddress
import os
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from digestmail.address import parse_address
from digestmail.errors import InputError, SettingsError

PREFIX = "DIGESTMAIL_"

CATCH_UP = timedelta(hours=6)

_DURATION = re.compile(r"(?:pt)?(\d+(?:\.\d+)?)\s*(h|m|min|s|)")
_UNITS = {"h": "hours", "": "hours", "m": "minutes", "min": "minutes", "s": "seconds"}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server that takes our messages, and how to speak to it."""

    host: str
    port: int
    security: Literal["plain", "starttls", "tls"]
    user: str | None = None
    password: str | None = None


class Settings(BaseSettings):
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
    sender: str = "Daily Digest <digest@localhost.localdomain>"
    """The From of every mail, `Name <address>`."""
    operator: str | None = None
    """The address that is told when a feed needs somebody."""
    postal_address: str = ""
    """The publisher's postal address, in the foot of every mail; required before mail leaves the machine."""
    default_time_zone: str = "UTC"
    """The time zone of the publication."""
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
        if value not in zoneinfo.available_timezones():
            raise ValueError("no such time zone; use a name such as Europe/Berlin")
        return value

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

    @field_validator("sender")
    @classmethod
    def _read_sender(cls, value: str) -> str:
        if any(mark in value for mark in "\r\n\0"):
            raise ValueError("use one line, such as The Courier <digest@example.org>")
        typed = parseaddr(value)[1]
        try:
            address = parse_address(typed)
        except InputError as error:
            raise ValueError("use a name and an address, such as The Courier <digest@example.org>") from error
        return address.text.join(value.rsplit(typed, 1))

    @field_validator("operator")
    @classmethod
    def _read_operator(cls, value: str | None) -> str | None:
        try:
            return value and parse_address(value).text
        except InputError as error:
            raise ValueError("use one mail address, such as you@example.org") from error

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


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address means the machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_relay(url: str) -> Relay:
    """Read an SMTP URL. STARTTLS is required unless the host is this machine or the URL ends in `?security=plain`.

    Raises ValueError with the mend.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("use smtp://user:password@host:587 or smtps://user:password@host:465")
    if parts.query not in ("", "security=plain"):
        raise ValueError("the only option is ?security=plain, for a relay on a network of your own")
    security: Literal["plain", "starttls", "tls"]
    if parts.scheme == "smtps":
        security = "tls"
    elif parts.query or is_this_machine(parts.hostname):
        security = "plain"
    else:
        security = "starttls"
    return Relay(
        host=parts.hostname,
        port=parts.port or {"tls": 465, "starttls": 587, "plain": 25}[security],
        security=security,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


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
    if name.endswith("SECRET_KEY") or (name.endswith("_URL") and "@" in value):
        return "set (not shown, it holds a secret)"
    return f"“{value}”"
